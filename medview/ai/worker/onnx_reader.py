"""ONNX files: just enough of their wire form (protocol buffers) to read a graph as data.

Field numbers are those of onnx.proto (ONNX, Apache-2.0). Plain Python over bytes: a damaged or
hostile file ends in a sentence, not in a parser of another language.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import ModelUnavailable
from medview.core.words import say

_SIZE_MAX = 2 << 30
# Far more than `graph_net` takes (2000 nodes): those of constants and the like leave none.
_MOST_NODES = _MOST_WEIGHTS = 10_000
_MOST_FIELDS, _MOST_INTS = 50_000, 65_536  # of a message; a list of whole numbers is a shape
_KINDS: Mapping[int, str] = {1: "<f4", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}
_LISTS: Mapping[int, tuple[int, str]] = {1: (4, "<f4"), 7: (7, ""), 11: (10, "<f8"), 6: (5, "")}
Array = NDArray[Any]


@dataclass(frozen=True)
class OnnxNode:
    """settings: attributes by name: int, float, bytes, list of them, or an array."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: Mapping[str, Any]


@dataclass
class OnnxGraph:
    """inputs, outputs: names with shapes, None for a free size. about: metadata_props."""

    nodes: list[OnnxNode] = field(default_factory=list)
    weights: dict[str, Array] = field(default_factory=dict)
    inputs: dict[str, list[int | None]] = field(default_factory=dict)
    outputs: dict[str, list[int | None]] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    opset: int = 0


def read_onnx_file(path: Path) -> OnnxGraph:
    """Raises ModelUnavailable for what is no ONNX file, or keeps its weights elsewhere."""
    try:
        if path.stat().st_size > _SIZE_MAX:
            raise ModelUnavailable(say("A file of the model is too large."), path.name)
        return _model(memoryview(path.read_bytes()))
    except (IndexError, ValueError, TypeError, KeyError, struct.error, AttributeError) as error:
        raise ModelUnavailable(say("This is no sound ONNX file."), path.name) from error


def _fields(raw: memoryview) -> Iterator[tuple[int, Any]]:
    """Field numbers with what they hold: an int, or a view of bytes."""
    at = count = 0
    while at < len(raw):
        count += 1
        if count > _MOST_FIELDS:
            raise ValueError("fields")
        key, at = _varint(raw, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(raw, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(wire, -1)
        if wire == 2:
            size, at = _varint(raw, at)
        if size < 0 or at + size > len(raw):
            raise ValueError("wire")
        yield key >> 3, raw[at : at + size]
        at += size


def _varint(raw: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
        if shift > 63:
            raise ValueError("varint")


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _ints(value: Any) -> list[int]:
    """A repeated int64, packed or one by one."""
    if isinstance(value, int):
        return [_signed(value)]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(_signed(number))
        if len(found) > _MOST_INTS:
            raise ValueError("integers")
    return found


def _text(value: memoryview) -> str:
    return bytes(value).decode()


def _model(raw: memoryview) -> OnnxGraph:
    graph = OnnxGraph()
    for number, value in _fields(raw):
        if number == 7:
            _read_graph(value, graph)
        elif number == 8:
            parts = dict(_fields(value))
            if not bytes(parts.get(1, b"")):
                graph.opset = int(parts[2])
        elif number == 14:
            pair = dict(_fields(value))
            graph.about[_text(pair[1])] = _text(pair[2])
    if not graph.nodes:
        raise ValueError("graph")
    return graph


def _read_graph(raw: memoryview, graph: OnnxGraph) -> None:
    for number, value in _fields(raw):
        if number == 1:
            graph.nodes.append(_node(value))
        elif number == 5:
            name, array = _tensor(value)
            graph.weights[name] = array
        elif number in (11, 12):
            name, shape = _value(value)
            (graph.inputs if number == 11 else graph.outputs)[name] = shape
        if len(graph.nodes) > _MOST_NODES or len(graph.weights) > _MOST_WEIGHTS:
            raise ValueError("nodes")
    for name in graph.weights:  # older files list weights among the inputs
        graph.inputs.pop(name, None)


def _node(raw: memoryview) -> OnnxNode:
    inputs, outputs, op, domain, settings = [], [], "", "", {}
    for number, value in _fields(raw):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            op = _text(value)
        elif number == 5:
            name, setting = _attribute(value)
            settings[name] = setting
        elif number == 7:
            domain = _text(value)
    return OnnxNode(f"{domain}.{op}" if domain else op, tuple(inputs), tuple(outputs), settings)


def _attribute(raw: memoryview) -> tuple[str, Any]:
    name, found, many = "", None, []
    for number, value in _fields(raw):
        if number == 1:
            name = _text(value)
        elif number == 2:
            found = struct.unpack("<f", value)[0]
        elif number == 3:
            found = _signed(value)
        elif number == 4:
            found = bytes(value)
        elif number == 5:
            found = _tensor(value)[1]
        elif number == 7:
            if len(value) > 4 * _MOST_INTS:
                raise ValueError("floats")
            many += np.frombuffer(value, "<f4").tolist()
        elif number == 8:
            many += _ints(value)
    return name, many if found is None else found


def _tensor(raw: memoryview) -> tuple[str, Array]:
    shape: list[int] = []
    name, kind, content = "", 0, None
    numbers: dict[int, list[Any]] = {}
    for number, value in _fields(raw):
        if number == 1:
            shape += _ints(value)
        elif number == 2:
            kind = value
        elif number == 8:
            name = _text(value)
        elif number == 9:
            content = value
        elif number in (4, 5, 7, 10):
            numbers.setdefault(number, []).append(value)
        elif number in (13, 14) and value:
            raise ModelUnavailable(
                say("The ONNX file keeps its weights in another file; MedView reads one file.")
            )
    if kind not in _KINDS:
        raise ModelUnavailable(say("The weights have another kind of number than the network: "
                                   "{name}.", name=name[:80]))  # fmt: skip
    if content is None:
        return name, _listed(kind, numbers).reshape(shape)
    return name, np.frombuffer(content, _KINDS[kind]).reshape(shape)


def _listed(kind: int, numbers: Mapping[int, list[Any]]) -> Array:
    at, form = _LISTS[kind]
    given = numbers.get(at, [])
    if form:
        return np.frombuffer(b"".join(bytes(part) for part in given), form)
    return np.array([n for part in given for n in _ints(part)], _KINDS[kind])


def _value(raw: memoryview) -> tuple[str, list[int | None]]:
    parts = dict(_fields(raw))
    shape: list[int | None] = []
    kind = dict(_fields(dict(_fields(parts[2])).get(1, memoryview(b""))))
    for number, dim in _fields(kind.get(2, memoryview(b""))):
        if number == 1:
            shape.append(dict(_fields(dim)).get(1))
    return _text(parts[1]), shape
