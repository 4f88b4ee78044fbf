"""Which files lie below some paths, and what those are that are not DICOM."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from medview.core.errors import InvalidInput
from medview.core.words import Sentence, say

_DOCUMENTS = frozenset((".json", ".xml", ".hl7", ".txt", ".rtf", ".pdf", ".cda"))
_VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_SIGNATURES = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"PK\x03\x04", "ZIP"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)


def files_below(paths: Sequence[Path]) -> Iterator[str]:
    """Every regular file of the paths, folders in the order of names, each file once.

    Links to files are followed only inside the folder that was given; linked folders are not
    entered. A DICOMDIR given by itself stands for its folder. Raises InvalidInput for a path
    that does not exist.
    """
    for path in paths:
        if not path.exists():
            raise InvalidInput(say("There is no such file or folder"), str(path))
    seen: set[str] = set()
    for path in paths:
        root = path.parent if path.name == "DICOMDIR" and path.is_file() else path
        for found, real in (
            _below(root) if root.is_dir() else ((str(root), os.path.realpath(root)),)
        ):
            if real not in seen:
                seen.add(real)
                yield found


def _below(root: Path) -> Iterator[tuple[str, str]]:
    """Files and their real names; only links need to be resolved one by one."""
    inside = Path(os.path.realpath(root))
    here = os.curdir + os.sep
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        real_folder = os.path.realpath(folder)
        entries = _entries(folder)
        waiting.extend(
            entry.path for entry in reversed(entries) if entry.is_dir() and not entry.is_symlink()
        )
        for entry in entries:
            real = f"{real_folder}{os.sep}{entry.name}"
            if entry.is_symlink():
                real = os.path.realpath(entry.path)
                if not Path(real).is_relative_to(inside):
                    continue
            if _is_regular(entry):
                yield entry.path.removeprefix(here), real


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What a folder holds by name; nothing where the system does not let MedView look."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


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


def is_volume_file(path: Path) -> bool:
    """Whether the name is that of a NIfTI, NRRD or MetaImage file."""
    return path.name.lower().endswith(_VOLUMES)


def what_else(path: Path) -> Sentence:
    """Why a file that is not DICOM is left out, with its true kind where that can be seen."""
    if is_volume_file(path):
        return say("Not a DICOM file: a volume file.")
    head = _head(path)
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return say("Not a DICOM file: {kind}.", kind=kind)
    if is_document(path):
        return say("Not a DICOM file: a document.")
    return say("Not a DICOM file.")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError:
        return b""
