"""Which files lie below some paths, and what those are that are not DICOM."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from medview.core.archive import (
    MARK,
    archive_kind,
    is_there,
    members_of,
    open_binary,
    split,
)
from medview.core.errors import InvalidInput, UnreadableInstance
from medview.core.words import Sentence, say

_DOCUMENTS = frozenset((".json", ".xml", ".hl7", ".txt", ".rtf", ".pdf", ".cda"))
_VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_DIRECTORY = b"1.2.840.10008.1.3.10"  # Media Storage Directory
_PACKAGES = frozenset(("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF"))
_SIGNATURES = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"PK\x03\x04", "ZIP"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)


def files_below(paths: Sequence[Path], closed: list[str] | None = None) -> Iterator[str]:
    """Every regular file of the paths, folders in the order of names, each file once.

    Links to files are followed only inside the folder that was given; linked folders are not
    entered. A DICOMDIR given by itself stands for its folder. A path may name a member of an
    archive (`ARCHIVE!/MEMBER`). closed: takes the folders that the system does not let MedView
    read, and what was given and is neither file nor folder. Raises InvalidInput for a path that
    does not exist.
    """
    if len(paths) == 1 and os.path.isfile(paths[0]) and not _is_medium(paths[0]):  # noqa: PTH113
        yield str(paths[0])
        return
    for path in paths:
        if not is_there(str(path)):
            raise InvalidInput(say("There is no such file or folder"), str(path))
    closed = [] if closed is None else closed
    seen: set[str] = set()
    for path in paths:
        for found, real in _of_one(path, closed):
            if real not in seen:
                seen.add(real)
                yield found


def _of_one(path: Path, closed: list[str]) -> Iterator[tuple[str, str]]:
    """Files with the names that they have in truth."""
    if os.path.isfile(path):  # noqa: PTH113 - pathlib raises for impossible names
        if _is_medium(path):
            yield from _below(path.parent, closed)
        else:
            yield str(path), os.path.realpath(path)
    elif os.path.isdir(path):  # noqa: PTH112
        yield from _below(path, closed)
    elif split(str(path)) is not None:
        yield str(path), os.path.realpath(path)
    else:
        closed.append(str(path))


def is_directory_file(path: Path) -> bool:
    """Whether a file is a DICOMDIR: by what it says of itself, whatever its name."""
    return os.path.isfile(path) and _is_medium(path)  # noqa: PTH113


def _is_medium(path: Path) -> bool:
    name = path.name.upper()
    if name.startswith("DICOMDIR") and re.fullmatch(r"DICOMDIR\.?(;\d+)?", name) is not None:
        return True
    head = _head(path, 1024)
    return head[128:132] == b"DICM" and _DIRECTORY in head


def _below(root: Path, closed: list[str]) -> Iterator[tuple[str, str]]:
    """Files and their real names; only links need to be resolved one by one."""
    inside = Path(os.path.realpath(root))
    prefix = len(os.curdir + os.sep) if str(root) == os.curdir else 0
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        real_folder = os.path.realpath(folder)
        entries = _entries(folder)
        if entries is None:
            closed.append(folder)
            continue
        folders: list[str] = []
        is_real = real_folder == folder
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                path = entry.path[prefix:]
                yield path, path if is_real else f"{real_folder}{os.sep}{entry.name}"
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.is_symlink():
                real = os.path.realpath(entry.path)
                if Path(real).is_relative_to(inside) and _is_regular(entry):
                    yield entry.path[prefix:], real
        waiting.extend(reversed(folders))


def _entries(folder: str) -> list[os.DirEntry[str]] | None:
    """What a folder holds by name; None where the system does not let MedView look."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=attrgetter("name"))
    except OSError:
        return None


def members_below(path: str) -> list[str]:
    """The paths of an archive's files; none where the file is no archive or a program's document.

    Raises UnreadableInstance for a damaged archive.
    """
    if MARK in path and split(path) is not None:
        return []
    head = _head(Path(path), 265)
    kind = archive_kind(head)
    if not kind or is_volume_file(Path(path)) or (kind == "gzip" and not _packs_images(path)):
        return []
    names = members_of(path)
    # Office documents, books and Java programs are ZIP files that no one means as an archive.
    if not _PACKAGES.isdisjoint(names):
        return []
    return [f"{path}{MARK}{name}" for name in names]


def _packs_images(path: str) -> bool:
    try:
        with gzip.open(path) as file:
            head = file.read(265)
            return head[128:132] == b"DICM" or archive_kind(head) == "tar"
    except (OSError, EOFError, zlib.error):
        return False


def _is_regular(entry: os.DirEntry[str]) -> bool:
    # A pipe or a device would make reading wait for ever.
    try:
        return entry.is_file()
    except OSError:
        return not entry.is_symlink()


def is_document(path: Path) -> bool:
    """Whether a file that is not DICOM may be a document of a record: by name or as HL7 message."""
    if path.suffix.lower() in _DOCUMENTS:
        return True
    return _head(path)[:8].lstrip(b"\x0b\xef\xbb\xbf").startswith(b"MSH|")


def is_volume_file(path: str | Path) -> bool:
    """Whether the name is that of a NIfTI, NRRD or MetaImage file."""
    return str(path).lower().endswith(_VOLUMES)


def what_else(path: Path) -> Sentence:
    """Why a file that is not DICOM is left out, with its true kind where that can be seen."""
    if is_volume_file(path):
        return say("Not a DICOM file: a volume file.")
    head = _head(path)
    if archive_kind(head) and split(str(path)) is not None:
        return say("An archive inside an archive: unpack the outer one to open it.")
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return say("Not a DICOM file: {kind}.", kind=kind)
    if is_document(path):
        return say("Not a DICOM file: a document.")
    return say("Not a DICOM file.")


def _head(path: Path, count: int = 16) -> bytes:
    try:
        if MARK in str(path):
            with open_binary(path) as file:
                return file.read(count)
        plain = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            return os.read(plain, count)
        finally:
            os.close(plain)
    except (OSError, UnreadableInstance):
        return b""
