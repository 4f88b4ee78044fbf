"""Weights as safetensors, looked at without torch: header, limits, and numbers that are numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medview.core.errors import ModelUnavailable
from medview.core.words import say

_HEADER_MAX = 8 << 20
_WIDTH = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "BOOL": 1}
_DTYPE = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file: dtype by safetensors' name, shape, first and last byte in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


def _broken(path: Path) -> ModelUnavailable:
    return ModelUnavailable(say("The weights are damaged or no safetensors file."), path.name)


def read_header(path: Path) -> Mapping[str, Tensor]:
    """Names and layout of a safetensors file; nothing of the numbers is read.

    Raises ModelUnavailable for a truncated file, a huge or ill-formed header, overlapping or
    missing bytes. Format: eight bytes little-endian length, JSON, raw tensors.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_HEADER_MAX, size - 8):
            raise _broken(path)
        raw = file.read(length)
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _broken(path) from error
    if not isinstance(header, dict):
        raise _broken(path)
    header.pop("__metadata__", None)
    tensors = {name: _tensor(entry, 8 + length, path) for name, entry in header.items()}
    _require_gapless(tensors, 8 + length, size, path)
    return tensors


def _tensor(entry: Any, base: int, path: Path) -> Tensor:
    try:
        dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, start, end]
        ok = dtype in _WIDTH and all(type(n) is int and 0 <= n < 2**40 for n in numbers)
        ok = ok and len(shape) <= 8 and math.prod(shape) * _WIDTH[dtype] == end - start
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(path) from error
    if not ok:
        raise _broken(path)
    return Tensor(dtype, tuple(shape), base + start, base + end)


def _require_gapless(tensors: Mapping[str, Tensor], base: int, size: int, path: Path) -> None:
    end = base
    for tensor in sorted(tensors.values(), key=lambda t: (t.start, t.end)):
        if tensor.start != end:
            raise _broken(path)
        end = tensor.end
    if end != size or not tensors:
        raise _broken(path)


def require_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise ModelUnavailable when a weight is NaN or infinite; reads in chunks of some MB."""
    with path.open("rb") as file:
        for name, tensor in tensors.items():
            if tensor.dtype not in _DTYPE and tensor.dtype != "BF16":
                continue
            file.seek(tensor.start)
            left = tensor.end - tensor.start
            while left > 0:
                raw = file.read(min(_CHUNK, left))
                if not raw:
                    raise _broken(path)
                left -= len(raw)
                if not _is_finite(raw, tensor.dtype):
                    raise ModelUnavailable(
                        say("The weights hold numbers that are none (NaN or infinite): {name}.",
                            name=name[:80]),
                        path.name,
                    )  # fmt: skip


def _is_finite(raw: bytes, dtype: str) -> bool:
    if dtype == "BF16":  # no numpy type: the exponent is all ones
        return not bool(np.any(np.frombuffer(raw, "<u2") & 0x7F80 == 0x7F80))
    return bool(np.isfinite(np.frombuffer(raw, _DTYPE[dtype])).all())
