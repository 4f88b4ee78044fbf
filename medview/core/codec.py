"""Value types to plain JSON and back, by their type hints: one form for journals and pipes."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from math import isfinite
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from medview.core.words import Sentence

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """A value of frozen dataclasses, tuples, mappings and numbers as JSON-ready data.

    Raises TypeError for anything else (arrays go by file or shared memory, never in JSON).
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Sentence):
        return value.to_json()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    raise TypeError(type(value).__name__)


def from_plain(kind: type[T], data: Any) -> T:
    """The inverse of to_plain for a dataclass type. Raises ValueError where the data do not fit."""
    try:
        return cast(T, _build(kind, data))
    except (TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(kind.__name__) from error


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _build_union(get_args(kind), data)
    if kind is Sentence:
        return Sentence.from_json(data)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(
            **{f.name: _build(hints[f.name], data[f.name]) for f in fields(kind) if f.name in data}
        )
    if origin is not None and issubclass(origin, Mapping):
        return {key: _build(get_args(kind)[1], item) for key, item in data.items()}
    return _build_tuple(get_args(kind), data) if origin is tuple else _build_simple(kind, data)


def _build_simple(kind: Any, data: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, tuple):
        return _build_place(kind, data)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind is Any or (isinstance(data, kind) and not (kind is not bool and data is True)):
        return data
    raise TypeError(str(kind))


def _build_place(kind: type, data: Any) -> Any:
    """A NamedTuple: a place of numbers, each of them finite, for all that is drawn stands on it."""
    hints = _hints(kind).values()
    place = [_build_simple(hint, each) for hint, each in zip(hints, data, strict=True)]
    if not all(isfinite(each) for each in place):
        raise ValueError(kind.__name__)
    return kind(*place)


def _build_tuple(kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_build(kinds[0], item) for item in data)
    return tuple(_build(kind, item) for kind, item in zip(kinds, data, strict=True))


def _build_union(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None and type(None) in kinds:
        return None
    # bool before float: True is also a number to Python.
    for kind in sorted(kinds, key=lambda k: k is not bool):
        if kind is type(None):
            continue
        try:
            return _build(kind, data)
        except (TypeError, KeyError, AttributeError, ValueError):
            continue
    raise TypeError(str(kinds))
