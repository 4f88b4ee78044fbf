"""Nothing of a patient reaches the log, the settings or the titles that the system keeps."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from PySide6.QtWidgets import QApplication

from medview.core.log import start_log
from medview.core.paths import user_config_dir, user_log_dir
from medview.gui.window import MainWindow

MARKS = ("QUINCEMARK", "PEARMARK", "19010203", "1901-02-03", "PLUMMARK", "1.2.826.77")
Quiet = Callable[..., None]


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """A study, sound and damaged files, a document: every identifying element is a marker word."""
    folder = tmp_path / "QUINCEMARK folder"
    folder.mkdir()
    for k in range(3):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, f"1.2.826.77.3.{k}"
        image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.826.77.1", "1.2.826.77.2"
        image.FrameOfReferenceUID = "1.2.826.77.4"
        image.PatientName, image.PatientID = "QUINCEMARK^ADA", "PEARMARK"
        image.PatientBirthDate, image.PatientSex = "19010203", "F"
        image.AccessionNumber, image.StudyDescription = "PLUMMARK", "PLUMMARK chest"
        image.StudyDate, image.Modality, image.BodyPartExamined = "20260131", "CT", "CHEST"
        image.ImagePositionPatient = [0.0, 0.0, 5.0 * k]
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.PixelSpacing, image.Rows, image.Columns = [1, 1], 8, 8
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.PixelRepresentation = 1
        image.PixelData = np.zeros((8, 8), np.int16).tobytes()
        image.save_as(folder / f"PEARMARK-{k}.dcm", enforce_file_format=True)
    whole = (folder / "PEARMARK-0.dcm").read_bytes()
    (folder / "PEARMARK-cut.dcm").write_bytes(whole[: len(whole) - 90])
    (folder / "PEARMARK-bad.dcm").write_bytes(whole[:300])
    (folder / "note.txt").write_text("QUINCEMARK has PLUMMARK disease. Creatinine 1.2 mg/dL.")
    (folder / "labs.hl7").write_bytes(b"MSH|^~\\&|A|B\rPID|1||PEARMARK||QUINCEMARK^ADA\rOBX|1|NM|")
    return folder


def assert_clean(*folders: Path) -> None:
    for folder in folders:
        for path in folder.rglob("*"):
            assert not any(mark in path.name for mark in MARKS)
            if path.is_file():
                text = path.read_text(encoding="utf-8", errors="replace")
                assert [mark for mark in MARKS if mark in text] == [], path.name


def test_commands_log_nothing_of_the_patient(marked: Path, tmp_path: Path) -> None:
    for arguments in (
        ("info", marked),
        ("extract", marked),
        ("analyze", marked, "--out", tmp_path / "out", "--model", "lungs"),
        ("risk", marked),
        ("report", marked, "--out", tmp_path / "report.txt"),
        ("convert", marked, "--out", "/proc/none/PEARMARK.nii.gz"),
        ("info", marked / "QUINCEMARK missing"),
    ):
        subprocess.run(
            [sys.executable, "-m", "medview.cli", *map(str, arguments)],
            capture_output=True, check=False, env=dict(os.environ),
        )  # fmt: skip

    assert (user_log_dir() / "medview.log").stat().st_size > 0
    assert_clean(user_log_dir(), user_config_dir())


def test_the_window_logs_nothing_of_the_patient_and_has_no_name_in_its_title(
    marked: Path, window: MainWindow, quiet: Quiet
) -> None:
    start_log()
    window.open_paths([marked])
    quiet(window)
    window.analyse()
    quiet(window)
    window.preferences.set_language("zh_CN")

    assert_clean(user_log_dir(), user_config_dir())
    titles = [w.windowTitle() for w in QApplication.topLevelWidgets()]
    assert not any(mark in title for title in titles for mark in MARKS)


def test_truncated_files_among_good_ones_leave_the_rest_to_be_read(
    marked: Path, window: MainWindow, quiet: Quiet
) -> None:
    window.open_paths([marked])
    quiet(window)

    active = window.session.active
    assert active is not None
    assert len(active.stack.frames) >= 3
    opened = window.session.studies.volume(active.key)
    assert opened is not None
    assert opened.ready[:3].sum() >= 2


def test_killing_the_window_loses_nothing(marked: Path, tmp_path: Path) -> None:
    code = (
        "import sys, os, signal, asyncio; from pathlib import Path; import qasync;"
        "from PySide6.QtCore import QTimer;"
        "from medview.gui.app import make_application; app = make_application();"
        "loop = qasync.QEventLoop(app); asyncio.set_event_loop(loop);"
        "from medview.gui.window import MainWindow; from medview.session import Session;"
        "w = MainWindow(Session()); w.show(); w.open_paths([Path(sys.argv[1])]);\n"
        "def look():\n"
        "  if w.session.active and not w.is_busy:\n"
        "    w.session.made.enter('creatinine', 1.4, 'mg/dL')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "t = QTimer(); t.timeout.connect(look); t.start(50)\n"
        "loop.run_forever()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(marked)],
        capture_output=True, check=False, timeout=60, env=dict(os.environ),
    )  # fmt: skip
    assert ended.returncode == -9

    from medview.session import Session

    again = Session()
    assert again.restore()
    assert [o.value for o in again.work.entered] == [1.4]
    again.close()
