"""Byte sources of files in archives, beside those of plain files."""

from __future__ import annotations

from medview.core.archive import HELD_WHOLE, MARK, MemberReader, split
from medview.dicom.elements import ByteSource

_AHEAD = 1 << 16


def open_source(path: str, *, whole: bool = False) -> ByteSource:
    """The bytes of a file or of a member of an archive (`ARCHIVE!/MEMBER`).

    whole: the pixels will be read, so that a member that fits in memory is held there and its check
    sum compared. Raises OSError, and UnreadableInstance for members.
    """
    if MARK not in path or split(path) is None:
        return ByteSource(path)
    reader = MemberReader(path)
    if not whole or reader.size > HELD_WHOLE:
        return MemberSource(path, reader)
    try:
        return ByteSource(path, reader.whole())
    finally:
        reader.close()


class MemberSource(ByteSource):
    """A member read where it stands, in windows."""

    def __init__(self, path: str, reader: MemberReader) -> None:
        super().__init__(path, b"")
        self._reader = reader
        self.size = reader.size

    def window(self, offset: int, count: int) -> tuple[bytes, int]:
        """A buffer and where `offset` lies in it, with `count` bytes after it if they exist."""
        at = offset - self._base
        if at < 0 or at + count > len(self._buffer):
            self._buffer = self._reader.read_at(offset, max(count, _AHEAD))
            self._base, at = offset, 0
        return self._buffer, at

    def read_into(self, offset: int, target: memoryview) -> int:
        """Fill `target`; returns how many bytes there were."""
        part = self._reader.read_at(offset, len(target))
        target[: len(part)] = part
        return len(part)

    def close(self) -> None:
        """Let the archive go."""
        self._reader.close()
