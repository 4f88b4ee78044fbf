"""ONNX files: just enough of their wire form (protocol buffers) to write a graph.

Field numbers are those of onnx.proto (ONNX, Apache-2.0), opset 17.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

OPSET, _IR_VERSION = 17, 8
_FLOAT = 1  # TensorProto.FLOAT
Attribute = int | float | bytes | Sequence[int]


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _int(at: int, number: int) -> bytes:
    return _varint(at << 3) + _varint(number)


def _bytes(at: int, content: bytes | str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return _varint(at << 3 | 2) + _varint(len(raw)) + raw


def _attribute(name: str, value: Attribute) -> bytes:
    head = _bytes(1, name)
    if isinstance(value, float):
        return head + _varint(2 << 3 | 5) + struct.pack("<f", value) + _int(20, 1)
    if isinstance(value, int):
        return head + _int(3, value) + _int(20, 2)
    if isinstance(value, bytes):
        return head + _bytes(4, value) + _int(20, 3)
    return head + b"".join(_int(8, n) for n in value) + _int(20, 7)


def _tensor(name: str, array: NDArray[np.float32]) -> bytes:
    dims = b"".join(_int(1, n) for n in array.shape)
    raw = np.ascontiguousarray(array, "<f4").tobytes()
    return dims + _int(2, _FLOAT) + _bytes(8, name) + _bytes(9, raw)


def _value(name: str, dims: Sequence[int | str]) -> bytes:
    shape = b"".join(_bytes(1, _int(1, n) if isinstance(n, int) else _bytes(2, n)) for n in dims)
    return _bytes(1, name) + _bytes(2, _bytes(1, _int(1, _FLOAT) + _bytes(2, shape)))


@dataclass
class Graph:
    """Nodes in their order and the weights they use; `write` gives the file."""

    nodes: list[bytes] = field(default_factory=list)
    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def add(self, op: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> str:
        """One node with one output; returns the output's name."""
        node = b"".join(_bytes(1, name) for name in inputs) + _bytes(2, output)
        node += _bytes(3, output) + _bytes(4, op)
        node += b"".join(_bytes(5, _attribute(n, value)) for n, value in attributes.items())
        self.nodes.append(node)
        return output

    def write(
        self, inputs: tuple[str, Sequence[int | str]], outputs: tuple[str, Sequence[int | str]],
        about: Mapping[str, str],
    ) -> bytes:  # fmt: skip
        """The file. inputs, outputs: name and shape, a text for a size that is free."""
        graph = b"".join(_bytes(1, node) for node in self.nodes) + _bytes(2, "network")
        graph += b"".join(_bytes(5, _tensor(name, w)) for name, w in self.weights.items())
        graph += _bytes(11, _value(*inputs)) + _bytes(12, _value(*outputs))
        props = b"".join(
            _bytes(14, _bytes(1, name) + _bytes(2, words)) for name, words in about.items()
        )
        head = _int(1, _IR_VERSION) + _bytes(2, "MedView")
        return head + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _int(2, OPSET)) + props
