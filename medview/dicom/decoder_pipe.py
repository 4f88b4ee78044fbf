"""What the program and its decoder processes say to each other: a line of JSON and some bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

from medview.core.codec import from_plain, to_plain
from medview.dicom.pixel_format import PixelFormat

_HEAD = struct.Struct("<II")
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameJob:
    """One frame to be decoded: `block` and `offset` say where its stored values belong.

    form: the header's word on the frame. threads: how many the decoder may use. packed: how many
    bytes of code stream stand there already; 0 when the stream comes by the pipe.
    """

    syntax: str
    form: PixelFormat
    threads: int
    block: str
    offset: int
    packed: int = 0


@lru_cache(maxsize=8)
def _said_form(form: PixelFormat) -> str:
    return json.dumps(to_plain(form))


@lru_cache(maxsize=8)
def _heard_form(said: str) -> PixelFormat:
    return from_plain(PixelFormat, json.loads(said))


def line_of(job: FrameJob) -> dict[str, Any]:
    """A job as plain JSON. The frames of a series share one format, which is put in words once."""
    plain: dict[str, Any] = {name: getattr(job, name) for name in FrameJob.__slots__}
    return plain | {"form": _said_form(job.form)}


def job_of(line: Mapping[str, Any]) -> FrameJob:
    """The inverse of line_of. Raises ValueError where the line is no job."""
    try:
        return FrameJob(**{**line, "form": _heard_form(line["form"])})
    except (TypeError, KeyError) as error:
        raise ValueError(type(error).__name__) from error


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
