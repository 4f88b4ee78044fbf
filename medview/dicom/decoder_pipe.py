"""What the program and its decoder processes say to each other: a line of JSON and some bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from medview.dicom.pixel_format import PixelFormat

_HEAD = struct.Struct("<II")
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameJob:
    """One frame to be decoded: `block` and `offset` say where its stored values belong.

    form: the header's word on the frame. threads: how many the decoder may use.
    """

    syntax: str
    form: PixelFormat
    threads: int
    block: str
    offset: int


def send(pipe: BinaryIO, line: Mapping[str, Any], body: bytes = b"") -> None:
    """Say one thing. Raises OSError when nobody listens any more."""
    said = json.dumps(line).encode()
    _write(pipe, _HEAD.pack(len(said), len(body)) + said)
    _write(pipe, body)


def _write(pipe: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[pipe.write(rest) :]


def receive(pipe: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Hear one thing. Raises EOFError at the end, ValueError for what is no such thing."""
    line_length, body_length = _HEAD.unpack(_read(pipe, _HEAD.size))
    if line_length > _LONGEST_LINE:
        raise ValueError(line_length)
    line = json.loads(_read(pipe, line_length))
    if not isinstance(line, dict):
        raise ValueError(type(line))  # noqa: TRY004 - the same as a line that is no JSON
    return line, _read(pipe, body_length)


def _read(pipe: BinaryIO, count: int) -> bytes:
    parts: list[bytes] = []
    while count:
        part = pipe.read(count)
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
