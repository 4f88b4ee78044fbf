"""The programs that MedView starts are its own, wherever the user stands."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from medview.core.errors import Cancelled, MedViewError
from medview.core.progress import CancelToken
from medview.gui.demo import make_in_child
from medview.session.calibrating import calibrate_in_child

_LONG_ENOUGH_S = 1.5  # for a module of the folder to have run


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user stands in a folder with a `medview` of its own; where that says that it ran."""
    package, said = tmp_path / "disc" / "medview", tmp_path / "ran"
    (package / "cli").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "cli" / "__init__.py").write_text("")
    code = f"from pathlib import Path\nPath({str(said)!r}).touch()\n"
    (package / "cli" / "__main__.py").write_text(code)
    monkeypatch.chdir(package.parent)
    return said


def test_calibrating_runs_nothing_of_the_folder_that_the_user_stands_in(trap: Path) -> None:
    with suppress(MedViewError):
        calibrate_in_child("lungs", CancelToken())
    assert not trap.exists()


def test_making_the_demo_runs_nothing_of_the_folder_that_the_user_stands_in(
    trap: Path, tmp_path: Path
) -> None:
    cancel, end = CancelToken(), time.monotonic() + _LONG_ENOUGH_S

    def watch(_done: int, _total: int, _what: str) -> None:
        if time.monotonic() > end:
            cancel.cancel()

    with suppress(MedViewError, Cancelled):
        make_in_child(tmp_path / "demo", watch, cancel)
    assert not trap.exists()
