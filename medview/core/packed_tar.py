"""Tar archives packed by gzip (`.tar.gz`, `.tgz`), read in place in bounded memory.

Listing inflates the archive once from end to end, and the sum of gzip is compared there. After
that any byte is reached from the nearest snapshot of the inflater (`core.inflating`), which all
readers of one archive share.
"""

from __future__ import annotations

import io
import os
import tarfile
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator

from medview.core.errors import UnreadableInstance
from medview.core.inflating import Inflater
from medview.core.words import say

_GZIP = 16 + zlib.MAX_WBITS
_MOST_INFLATED = 4 << 30  # bytes; about twenty seconds of inflating before the first picture
_MOST_TIMES, _NEVER_SUSPECT = 200, 64 << 20  # as for single members
_MOST_AT_ONCE = 4 << 20  # bytes of a header that the library reads at once
_STEP = 1 << 20
_MOST_SHARED = 2  # archives whose snapshots are kept, some 7 MB each
_TOO_LARGE = say("The packed archive is too large to be read in place: unpack it first.")
_IN_PARTS = say("The archive goes on behind the end of what is packed: unpack it first.")
_BROKEN_OFF = say("The packed archive breaks off: ask for it again.")

_Key = tuple[str, int, int, int]
_shared: OrderedDict[_Key, PackedTar] = OrderedDict()
_lock = threading.Lock()


def packs_tar(head: bytes) -> bool:
    """Whether the first kilobytes of a gzip file hold the beginning of a tar archive."""
    try:
        return zlib.decompressobj(_GZIP).decompress(head, 512)[257:262] == b"ustar"
    except zlib.error:
        return False


class _ByName:
    """A file that is open only while it is read, so that nobody is kept from deleting it."""

    def __init__(self, path: str) -> None:
        self._path, self._at = path, 0

    def seek(self, offset: int, /) -> int:
        self._at = offset
        return offset

    def read(self, count: int, /) -> bytes:
        with open(self._path, "rb", buffering=0) as file:  # noqa: PTH123 - paths may be no UTF-8
            file.seek(self._at)
            return file.read(count)


class PackedTar(io.RawIOBase):
    """What a gzip file holds, by offset; safe for several threads."""

    def __init__(self, path: str) -> None:
        packed = os.stat(path).st_size  # noqa: PTH116 - as above
        self._inflater = Inflater(_ByName(path), 0, packed, _GZIP)
        self._turn, self._listing = threading.Lock(), threading.Lock()
        self._at = 0
        self._most = min(_MOST_INFLATED, max(_NEVER_SUSPECT, _MOST_TIMES * packed))

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes. Raises zlib.error for damaged data."""
        with self._turn:
            return self._inflater.read_at(offset, count)

    def seekable(self) -> bool:
        """Yes, by inflating anew from a snapshot."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte, from the beginning or from where reading is."""
        self._at = offset + (self._at if whence == os.SEEK_CUR else 0)
        if self._at > self._most:
            raise UnreadableInstance(_TOO_LARGE)
        return self._at

    def read(self, count: int = -1) -> bytes:
        """The next bytes. Raises UnreadableInstance for more than a header has."""
        if not 0 <= count <= _MOST_AT_ONCE:
            raise UnreadableInstance(_TOO_LARGE)
        part = self.read_at(self._at, count)
        self._at += len(part)
        return part

    def files(self) -> Iterator[tarfile.TarInfo]:
        """The archive's files in order; at the end its sum is compared.

        Raises UnreadableInstance, tarfile.TarError and zlib.error.
        """
        with self._listing:
            yield from self._listed()

    def _listed(self) -> Iterator[tarfile.TarInfo]:
        self._at = 0
        with tarfile.open(fileobj=self, mode="r:") as names:
            for entry in names:
                if entry.isfile() and not entry.issparse():
                    yield entry
                names.members = []  # type: ignore[attr-defined]  # else every header is kept
        while self.read(_STEP):
            self.seek(self._at)  # refuses what has no end
        if not self._inflater.is_at_end:
            raise UnreadableInstance(_BROKEN_OFF)
        if self._inflater.left:
            raise UnreadableInstance(_IN_PARTS)


def packed_tar(path: str) -> PackedTar:
    """The archive at a path, with the snapshots of those who read it before. Raises OSError."""
    status = os.stat(path)  # noqa: PTH116 - as above
    key = (path, status.st_size, status.st_mtime_ns, status.st_ino)
    with _lock:
        found = _shared.get(key) or PackedTar(path)
        _shared[key] = found
        _shared.move_to_end(key)
        while len(_shared) > _MOST_SHARED:
            _shared.popitem(last=False)
        return found
