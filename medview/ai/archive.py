"""Unpacking a zip archive that may be hostile: nothing is written outside, nothing grows large."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from medview.ai.manifest import check_names
from medview.core.errors import ModelUnavailable
from medview.core.words import say

_RATIO_MAX = 200  # text packs 10 to 20 times; a bomb a thousand times
_ENTRIES_MAX = 256
_CHUNK = 1 << 20


def unpack(archive: Path, folder: Path) -> None:
    """Write the files of a model archive below a new folder.

    The files may stand at the top or in one folder. Raises ModelUnavailable for anything that is
    no zip, or has names that lead outside, links, too much content, or damage.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = _checked(packed)
            folder.mkdir(parents=True)
            for name, entry in entries.items():
                _write(packed, entry, folder / name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelUnavailable(say("The archive is damaged or no zip archive.")) from error


def _checked(packed: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    entries = packed.infolist()
    if len(entries) > _ENTRIES_MAX:
        raise ModelUnavailable(say("The model folder holds too many files."))
    files = {entry.filename: entry for entry in entries if not entry.is_dir()}
    for entry in entries:
        _require_inside(entry)
    if len(files) < len([entry for entry in entries if not entry.is_dir()]):
        raise ModelUnavailable(say("The archive names a file twice."))
    stripped = _without_common_folder(files)
    check_names({name: entry.file_size for name, entry in stripped.items()})
    packed_size = sum(entry.compress_size for entry in files.values())
    if sum(entry.file_size for entry in files.values()) > max(1 << 20, _RATIO_MAX * packed_size):
        raise ModelUnavailable(
            say("The archive would unpack to far more than it is; it is refused.")
        )
    return stripped


def _require_inside(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise ModelUnavailable(say("The archive names a place outside its own folder."))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelUnavailable(say("The model folder holds a link or a special file."))
    if entry.flag_bits & 1:
        raise ModelUnavailable(say("The archive is locked with a password."))


def _without_common_folder(files: dict[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    tops = {PurePosixPath(name).parts[0] for name in files}
    if "model.json" in files or len(tops) != 1:
        return files
    return {"/".join(PurePosixPath(name).parts[1:]): entry for name, entry in files.items()}


def _write(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size  # the stated size; more than that is a lie, and refused
    with packed.open(entry) as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ModelUnavailable(
                    say("The archive would unpack to far more than it is; it is refused.")
                )
            file.write(chunk)
