"""The last thing that happens to a new model folder: self-test case, list of files, signature."""

from __future__ import annotations

import shutil
from pathlib import Path

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.manifest import write_manifest
from medview.ai.signature import sign_where_asked


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


def put_in_place(path: Path, new: Path) -> Path:
    """`new` under the name `path`; an older folder of that name goes only after it stands there."""
    old = path.with_name(f"{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)
    return path
