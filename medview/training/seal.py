"""The folder of a run and its new model: one training at a time, a model whole or not at all, and
last its self-test case, list of files and signature."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.manifest import write_manifest
from medview.ai.signature import sign_where_asked
from medview.core.errors import InvalidInput, WriteFailed
from medview.core.files import hold, why_not_written
from medview.core.words import say

LOCK = ".training"


def seal_folder(path: Path) -> ModelFolder:
    """Make `selftest/`, MANIFEST.sha256 and, where MEDVIEW_SIGNING_KEY names a key, MANIFEST.sig.

    Everything else of the folder is there already and is checked. Older ones are replaced. Raises
    ModelUnavailable for a folder that is not sound, OSError (full disk).
    """
    shutil.rmtree(path / "selftest", ignore_errors=True)
    write_manifest(path)
    folder = open_folder(path)
    if folder.kind in ("tabular", "text"):
        from medview.training import value_case

        value_case.make_case(folder)
    else:
        from medview.ai.worker import selftest

        selftest.make_case(folder)
    write_manifest(path)
    sign_where_asked(path)
    return open_folder(path)


@contextlib.contextmanager
def at_work_in(folder: Path) -> Iterator[None]:
    """Make a run's folder and keep other trainings out of it; the system lets go after a kill.

    Raises InvalidInput where another one is at work there, WriteFailed.
    """
    handle = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = hold(folder / LOCK)
    except BlockingIOError as error:
        raise InvalidInput(
            say("Another training is at work in this folder."), str(folder),
            say("Wait for its end, or choose another folder with --runs."),
        ) from error  # fmt: skip
    except OSError as error:
        if error.errno != errno.ENOLCK:  # where there are no locks it goes on without
            raise WriteFailed(why_not_written(error), str(folder)) from error
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextlib.contextmanager
def model_in(folder: Path) -> Iterator[Path]:
    """An empty folder that takes the place of `folder/model` when the block ends well.

    Raises WriteFailed on a full disk; then, and after any other error, nothing of it is left and
    an older model stands as it was.
    """
    new = folder / "model.new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir()
        yield new
        _put_in_place(folder / "model", new)
    except OSError as error:
        raise WriteFailed(why_not_written(error), folder.name) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _put_in_place(path: Path, new: Path) -> None:
    old = path.with_name(f"{path.name}.old")
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)  # goes only after the new one stands there
    try:
        new.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
