"""Closing the window ends the process, also while a read never returns."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

_STUCK = """
import sys, threading, time
from pathlib import Path
from medview.dicom.fill import VolumeFill
from medview.gui.app import Start, make_application, run
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMainWindow

def never_returns(*_args, **_named):
    stuck.set()
    threading.Event().wait()

def close_when_stuck():
    if stuck.is_set():
        look.stop()
        print(time.monotonic(), flush=True)
        for window in app.topLevelWidgets():
            if isinstance(window, QMainWindow):
                window.close()

stuck = threading.Event()
VolumeFill._one = never_returns
app = make_application()
look = QTimer()
look.timeout.connect(close_when_stuck)
look.start(50)
sys.exit(run(Start(paths=(Path(sys.argv[1]),))))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="compares the clocks of two processes")
def test_closing_ends_the_process_while_a_slice_is_read_from_a_dead_drive(
    imaging_data: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STUCK, str(imaging_data / "ct" / "ct-small.dcm")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    ended = time.monotonic()

    assert done.returncode == 0, done.stderr
    assert ended - float(done.stdout.split()[0]) < 10  # it would never have ended
