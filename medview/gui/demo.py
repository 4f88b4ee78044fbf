"""The demo study for the window: made in a child process, so that the window never waits for it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from medview.core.errors import MedViewError
from medview.core.progress import CancelToken, Progress
from medview.core.words import say

_USUAL_SECONDS = 40


def make_in_child(folder: Path, progress: Progress, cancel: CancelToken) -> None:
    """Run `medview demo` and wait for it. Blocks. Raises MedViewError, Cancelled."""
    # -P: the folder the user stands in, perhaps a CD, must not lend its modules.
    command = [sys.executable, "-P", "-m", "medview.cli", "demo", "--out", str(folder), "--quiet"]
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        while child.poll() is None:
            if cancel.is_cancelled:
                child.terminate()
                child.wait()
            cancel.check()
            done = min(int(time.monotonic() - start), _USUAL_SECONDS - 1)
            progress(done, _USUAL_SECONDS, "demo")
            time.sleep(0.1)
    if child.returncode != 0:
        raise MedViewError(say("The demo study could not be made."), detail=str(child.returncode))
