"""Files inside ZIP, tar and gzip archives, read in place: nothing is ever unpacked to the disk.

Such a file has the path `ARCHIVE!/MEMBER`, which every reader takes through `open_binary` or
`MemberReader`. Names of members are cleaned of `..` and of roots: they are never places on a disk.
"""

from __future__ import annotations

import io
import os
import struct
import tarfile
import threading
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from medview.core.errors import UnreadableInstance
from medview.core.inflating import Inflater
from medview.core.packed_tar import packed_tar, packs_tar
from medview.core.words import say

MARK = "!/"
HELD_WHOLE = 64 << 20  # bytes; members up to this size are held in memory, check sum compared
_STORED, _DEFLATED, _GZIP, _IN_PACKED_TAR = 0, 8, -1, -2
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 99: "AES"}
_MOST_DIRECTORY = 64 << 20  # bytes of a ZIP's table of contents, about 600,000 names
_MOST_TIMES, _NEVER_SUSPECT = 200, 64 << 20  # deflate can go to 1032, images never do
_MOST_NAMES = 600_000
_TOO_MANY = say("The archive names more files than MedView accepts.")
_DAMAGED = say("The packed file in the archive is damaged.")
_MOST_KNOWN = 4  # tables of contents in memory


class Member(NamedTuple):
    """One file of an archive; `place` is its local header in a ZIP, its first byte elsewhere."""

    name: str
    size: int
    packed: int
    place: int
    method: int
    crc: int | None = None
    is_encrypted: bool = False


_Contents = dict[str, Member]
_known: OrderedDict[tuple[str, int, int, int], _Contents] = OrderedDict()
_lock = threading.Lock()


def split(path: str) -> tuple[str, str] | None:
    """Archive and name of a member; None for a path of the file system."""
    at = path.find(MARK)
    if at < 0 or os.path.lexists(path):
        return None
    while at >= 0:
        if os.path.isfile(path[:at]):  # noqa: PTH113 - pathlib raises for impossible names
            return path[:at], path[at + len(MARK) :]
        at = path.find(MARK, at + 1)
    return None


def archive_kind(head: bytes) -> str:
    """ZIP, gzip or tar by the first 265 bytes of a file; empty for everything else."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "ZIP"
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    return "tar" if head[257:262] == b"ustar" else ""


def is_there(path: str) -> bool:
    """Whether there is such a file, folder or member of an archive."""
    if os.path.exists(path):  # noqa: PTH110 - as in split
        return True
    inside = split(path)  # not of a link that leads nowhere
    try:
        return inside is not None and inside[1] in members_of(inside[0])
    except UnreadableInstance:
        return False


def members_of(archive: str) -> _Contents:
    """The files of an archive by their cleaned names, in its order; of two alike the last counts.

    Raises UnreadableInstance for an archive that is damaged or has a table of contents beyond
    reason.
    """
    try:
        status = os.stat(archive)  # noqa: PTH116 - paths may be no UTF-8 and stay as they are
    except OSError as error:
        raise _unreadable(archive) from error
    key = (archive, status.st_size, status.st_mtime_ns, status.st_ino)
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    try:
        found = _by_name(_read_contents(archive))
    except UnreadableInstance:
        raise
    except Exception as error:  # the libraries have a dozen error classes for damaged archives
        raise _unreadable(archive) from error
    with _lock:
        _known[key] = found
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return found


def _by_name(members: Iterator[tuple[str, Member]]) -> _Contents:
    """By cleaned names; two different names that clean to one are two files all the same."""
    found: _Contents = {}
    first: dict[str, str] = {}
    for as_written, member in members:
        name = member.name
        if first.setdefault(name, as_written) != as_written:
            name = f"{name} ({len(found) + 1})"
        found[name] = member._replace(name=name)
    return found


def _unreadable(archive: str) -> UnreadableInstance:
    return UnreadableInstance(say("The archive is damaged: its table of contents fails."), archive)


def _read_contents(archive: str) -> Iterator[tuple[str, Member]]:
    """Names as they are written, and members."""
    with open(archive, "rb") as file:  # noqa: PTH123 - as above
        kind = archive_kind(file.read(265))
        if kind == "ZIP":
            yield from _zip_members(file)
        elif kind == "tar":
            yield from _tar_members(file)
        elif packs_tar(_beginning(file)):
            yield from _packed_tar_members(archive)
        else:
            file.seek(0, os.SEEK_END)
            packed = file.tell()
            file.seek(-4, os.SEEK_END)
            (size,) = struct.unpack("<I", file.read(4))  # ISIZE, RFC 1952 section 2.3.1
            name = Path(archive).name
            yield name, Member(name.removesuffix(".gz") or name, size, packed, 0, _GZIP)


def _zip_members(file: BinaryIO) -> Iterator[tuple[str, Member]]:
    file.seek(0, os.SEEK_END)
    end = file.tell()
    file.seek(max(0, end - (1 << 16) - 22))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at >= 0 and len(tail) - at >= 22:
        size = struct.unpack_from("<I", tail, at + 12)[0]
        wide = tail.rfind(b"PK\x06\x06", 0, at)  # ZIP64 end of central directory
        if size == 0xFFFFFFFF and wide >= 0 and at - wide >= 56:
            size = struct.unpack_from("<Q", tail, wide + 40)[0]
        if size > _MOST_DIRECTORY:
            raise UnreadableInstance(_TOO_MANY)
    with zipfile.ZipFile(file) as packed:
        for entry in packed.infolist():
            if not entry.is_dir():
                yield (
                    entry.filename,
                    Member(
                        _cleaned(entry.filename),
                        entry.file_size,
                        entry.compress_size,
                        entry.header_offset,
                        entry.compress_type,
                        entry.CRC,
                        is_encrypted=bool(entry.flag_bits & 1),
                    ),
                )


def _tar_members(file: BinaryIO) -> Iterator[tuple[str, Member]]:
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as packed:
        for count, entry in enumerate(packed):
            if count > _MOST_NAMES:
                raise UnreadableInstance(_TOO_MANY)
            if entry.isfile() and not entry.issparse():
                name, size = _cleaned(entry.name), entry.size
                yield entry.name, Member(name, size, size, entry.offset_data, _STORED)
            packed.members = []  # type: ignore[attr-defined]  # else the library keeps every header


def _beginning(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(1 << 16)


def _packed_tar_members(archive: str) -> Iterator[tuple[str, Member]]:
    for count, entry in enumerate(packed_tar(archive).files()):
        if count > _MOST_NAMES:
            raise UnreadableInstance(_TOO_MANY)
        name, size = _cleaned(entry.name), entry.size
        yield entry.name, Member(name, size, size, entry.offset_data, _IN_PACKED_TAR)


def _cleaned(name: str) -> str:
    """A name that cannot be mistaken for a place: no root, no `..`, no control characters."""
    parts = name.replace("\\", "/").split("/")
    kept = [part for part in parts if part not in ("", ".", "..")]
    return "".join(letter if letter >= " " else "\ufffd" for letter in "/".join(kept)) or "?"


class MemberReader:
    """The bytes of one member by offset; keeps the archive open. Not for several threads at once.

    Raises UnreadableInstance for what is encrypted, packed by an unknown method, not there, or
    would unpack to far more than it is.
    """

    def __init__(self, path: str) -> None:
        archive, name = split(path) or (path, "")
        member = members_of(archive).get(name)
        if member is None:
            raise UnreadableInstance(say("The archive holds no such file."), path)
        _refuse(member, path)
        self.member = member
        self.size = min(member.size, member.packed) if member.method == _STORED else member.size
        self._summed = self._sum = 0
        self._is_damaged = False
        try:
            self._file = open(archive, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed by close
            start = self._start() if member.crc is not None else member.place
        except (OSError, struct.error) as error:
            raise _unreadable(archive) from error
        self._stored_at = start
        self._inflater: Inflater | None = None
        self._tar = packed_tar(archive) if member.method == _IN_PACKED_TAR else None
        if member.method in (_DEFLATED, _GZIP):
            wbits = 16 + zlib.MAX_WBITS if member.method == _GZIP else -zlib.MAX_WBITS
            self._inflater = Inflater(self._file, start, member.packed, wbits)

    def _start(self) -> int:
        """Where the data begin: after the local header with lengths of its own (APPNOTE 4.3.7)."""
        self._file.seek(self.member.place)
        head = self._file.read(30)
        names, extra = struct.unpack_from("<HH", head, 26)
        if head[:4] != b"PK\x03\x04":
            raise struct.error("no local header")
        return self.member.place + 30 + int(names) + int(extra)

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes, fewer at the end. Raises UnreadableInstance for damaged data.

        The archive's check sum is compared once all was inflated, or read in order where it is
        not packed; from then on a damaged member gives nothing.
        """
        count = min(count, self.size - offset)
        if count <= 0:
            return b""
        try:
            part = self._part(offset, count)
        except zlib.error as error:
            raise UnreadableInstance(_DAMAGED) from error
        self._compare(offset, part)
        return part

    def _compare(self, offset: int, part: bytes) -> None:
        if self._inflater is not None:
            self._summed, self._sum = self._inflater.summed, self._inflater.sum
        elif offset <= self._summed < offset + len(part):
            self._sum = zlib.crc32(memoryview(part)[self._summed - offset :], self._sum)
            self._summed = offset + len(part)
        if self.member.crc is not None and self._summed >= self.size:
            self._is_damaged = self._sum != self.member.crc
        if self._is_damaged:
            raise UnreadableInstance(_DAMAGED)

    def _part(self, offset: int, count: int) -> bytes:
        if self._inflater is not None:
            return self._inflater.read_at(offset, count)
        if self._tar is not None:
            return self._tar.read_at(self.member.place + offset, count)
        self._file.seek(self._stored_at + offset)
        parts, left = [], count
        while left and (part := self._file.read(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def whole(self) -> bytes:
        """All bytes; the archive's check sum must agree. Raises UnreadableInstance."""
        data = self.read_at(0, self.size)
        if len(data) < self.size or (not data and self.member.crc):
            raise UnreadableInstance(_DAMAGED)
        return data

    def close(self) -> None:
        """Let the archive go."""
        self._file.close()


def _refuse(member: Member, path: str) -> None:
    if member.is_encrypted or member.method == 99:
        said = say("The file is encrypted in its archive: unpack it with the password first.")
        raise UnreadableInstance(
            said, path, what_to_do=say("Unpack the archive and open the folder that comes of it.")
        )
    if member.method not in (_STORED, _DEFLATED, _GZIP, _IN_PACKED_TAR):
        method = _METHODS.get(member.method, str(member.method))
        said = say("The file is packed by {method}: unpack the archive first.", method=method)
        raise UnreadableInstance(said, path)
    if member.size > _NEVER_SUSPECT and member.size > _MOST_TIMES * max(1, member.packed):
        said = say("The file would unpack to {times} times its size: no image does.",
                   times=member.size // max(1, member.packed))  # fmt: skip
        raise UnreadableInstance(said, path)


class _MemberFile(io.RawIOBase):
    """A large member as a file that can be read and sought."""

    def __init__(self, reader: MemberReader) -> None:
        self._reader = reader
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._reader.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        part = self._reader.read_at(self._at, len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._reader.close()
        super().close()


def open_binary(path: str | Path) -> BinaryIO:
    """A file, or a member of an archive, open for reading; close it after use.

    Raises OSError, and UnreadableInstance for members.
    """
    inside = split(str(path))
    if inside is None:
        return open(path, "rb")  # noqa: PTH123 - the caller closes it
    reader = MemberReader(str(path))
    if reader.size > HELD_WHOLE:
        return io.BufferedReader(_MemberFile(reader))
    try:
        return io.BytesIO(reader.whole())
    finally:
        reader.close()
