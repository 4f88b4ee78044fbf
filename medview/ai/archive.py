"""Unpacking archives that may be hostile: nothing is written outside, nothing grows large.

Zip and tar (plain, gzip, bzip2, xz) give the same list of entries; one set of rules looks at it
before a byte is written, and each file is cut off at the size that the list stated.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from medview.ai.manifest import check_names
from medview.core.errors import ModelUnavailable
from medview.core.words import say

_RATIO_MAX = 200  # text packs 10 to 20 times; a bomb a thousand times
_ENTRIES_MAX = 256
_CHUNK = 1 << 20
_HEADER_MAX, _HEADERS_MAX = 4 << 10, 512 << 10  # bytes that tell of one file, and of all
_PACKED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError,
            NotImplementedError, RuntimeError, ValueError, OSError)  # fmt: skip
Check = Callable[[Mapping[str, int]], None]  # names and sizes, or ModelUnavailable


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    kind: str  # file, folder, other (link, device, pipe)
    is_locked: bool
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path, folder: Path, check: Check = check_names, top: str = "model.json"
) -> None:
    """Write the files of a zip or tar archive below a new folder.

    The files may stand at the top, where `top` is then, or in one folder. check: looks at names
    and sizes before anything is written. Raises ModelUnavailable for anything that is no archive,
    or has names that lead outside, links, too much content, or damage.
    """
    try:
        with _entries(archive) as entries:
            files = _checked(entries, archive.stat().st_size, check, top)
            folder.mkdir(parents=True)
            for name, entry in files.items():
                _write(entry, folder / name)
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk; what bz2 and gzip raise has no number
        raise ModelUnavailable(say("The archive is damaged or no zip or tar archive.")) from error


def list_names(archive: Path) -> list[str]:
    """The names in a zip or tar archive; none where it is no such thing, or a hostile one."""
    try:
        with _entries(archive) as entries:
            return [entry.name for entry in entries]
    except (*_DAMAGED, ModelUnavailable):
        return []


@contextmanager
def _entries(archive: Path) -> Iterator[list[_Entry]]:
    with archive.open("rb") as file:
        first = file.read(6)
    if first.startswith(b"PK"):  # a tar that holds a zip ends like one, too
        with zipfile.ZipFile(archive) as packed:
            _require_few(len(packed.infolist()))
            yield [_of_zip(packed, entry) for entry in packed.infolist()]
        return
    opener = next((opener for magic, opener in _PACKED if first.startswith(magic)), Path.open)
    with opener(archive, "rb") as plain:
        headers = _Headers(plain, archive.stat().st_size)
        with tarfile.open(fileobj=headers, mode="r:") as tar:
            entries = list(_of_tar(tar, archive.stat().st_size))
            headers.left = None
            yield entries


class _Headers(io.RawIOBase):
    """An unpacked tar while its entries are listed.

    tarfile takes what tells of a file whole, and in a time that grows with the square of it: what
    is too long to be that is refused unread, and so is a place that lies too far off, whatever size
    the file before it states (all up to there would be unpacked). left: bytes that may still be
    read, None for any.
    """

    def __init__(self, plain: io.BufferedIOBase, packed_size: int) -> None:
        self._plain, self._packed_size = plain, packed_size
        self.left: int | None = _HEADERS_MAX

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        if self.left is not None and whence == io.SEEK_SET:
            _require_small(offset - _HEADERS_MAX, self._packed_size)
        return self._plain.seek(offset, whence)

    def tell(self) -> int:
        return self._plain.tell()

    def read(self, count: int = -1) -> bytes:
        if self.left is not None:
            if not 0 <= count <= min(_HEADER_MAX, self.left):
                raise tarfile.ReadError("header")
            self.left -= count
        return self._plain.read(count)


def _of_zip(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> _Entry:
    mode = stat.S_IFMT(entry.external_attr >> 16)
    kind = "other" if mode not in (0, stat.S_IFREG, stat.S_IFDIR) else "file"
    if kind == "file" and entry.is_dir():
        kind = "folder"
    is_locked = bool(entry.flag_bits & 1)
    return _Entry(entry.filename, entry.file_size, kind, is_locked, lambda: packed.open(entry))


def _of_tar(tar: tarfile.TarFile, packed_size: int) -> Iterator[_Entry]:
    # A tar has no list at its front: looking at its names means unpacking it, so a bomb is
    # stopped while it is looked at.
    total = 0
    for number, member in enumerate(tar, start=1):
        _require_few(number)
        total += member.size
        _require_small(total, packed_size)
        if member.issparse():  # its holes are not in the archive, and no model has any
            raise ModelUnavailable(say("The archive holds a link or a special file."))
        kind = "folder" if member.isdir() else "file" if member.isreg() else "other"
        yield _Entry(member.name, member.size, kind, False, _tar_opener(tar, member))


def _tar_opener(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        file = tar.extractfile(member)
        if file is None:
            raise EOFError(member.name)
        return file

    return opened


def _require_few(count: int) -> None:
    if count > _ENTRIES_MAX:
        raise ModelUnavailable(say("The archive holds too many files."))


def _require_small(size: int, packed: int) -> None:
    if size > max(1 << 20, _RATIO_MAX * packed):
        raise ModelUnavailable(
            say("The archive would unpack to far more than it is; it is refused.")
        )


def _checked(entries: list[_Entry], packed: int, check: Check, top: str) -> dict[str, _Entry]:
    for entry in entries:
        _require_inside(entry)
    listed = [entry for entry in entries if entry.kind == "file"]
    files = {str(PurePosixPath(entry.name)): entry for entry in listed}
    if len(files) < len(listed):
        raise ModelUnavailable(say("The archive names a file twice."))
    if any(str(above) in files for name in files for above in PurePosixPath(name).parents):
        raise ModelUnavailable(say("The archive names a file twice."))
    _require_small(sum(entry.size for entry in listed), packed)
    stripped = _without_common_folder(files, top)
    check({name: entry.size for name, entry in stripped.items()})
    return stripped


def _require_inside(entry: _Entry) -> None:
    name = entry.name
    path = PurePosixPath(name)
    if entry.kind == "file" and not path.parts:
        raise ModelUnavailable(say("The archive is damaged or no zip or tar archive."))
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise ModelUnavailable(say("The archive names a place outside its own folder."))
    if entry.kind == "other":
        raise ModelUnavailable(say("The archive holds a link or a special file."))
    if entry.is_locked:
        raise ModelUnavailable(say("The archive is locked with a password."))


def _without_common_folder(files: dict[str, _Entry], top: str) -> dict[str, _Entry]:
    tops = {PurePosixPath(name).parts[0] for name in files}
    if top in files or len(tops) != 1 or any("/" not in name for name in files):
        return files
    return {"/".join(PurePosixPath(name).parts[1:]): entry for name, entry in files.items()}


def _write(entry: _Entry, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.size  # the stated size; more than that is a lie, and refused
    with entry.open() as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise ModelUnavailable(
                    say("The archive would unpack to far more than it is; it is refused.")
                )
            file.write(chunk)
    if left:
        raise EOFError(entry.name)
