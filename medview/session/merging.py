"""One patient's work from two windows: what the other one changed is taken in item by item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def merge(base: T, mine: T, theirs: T, keys: Mapping[str, str]) -> T:
    """What both made of `base`; where both changed the same thing, mine holds.

    All three are values of one dataclass. keys: of a field that is a tuple of items the attribute
    that says which item it is; "" where the items are words. Other fields are taken whole.
    """
    values = {}
    for field in fields(base):  # type: ignore[arg-type]
        old, own, other = (getattr(state, field.name) for state in (base, mine, theirs))
        if field.name in keys:
            values[field.name] = _merge_items(old, own, other, keys[field.name])
        else:
            values[field.name] = other if own == old else own
    return type(base)(**values)


def _merge_items(
    base: tuple[Any, ...], mine: tuple[Any, ...], theirs: tuple[Any, ...], key: str
) -> tuple[Any, ...]:
    old, own, merged = ({_name(i, key): i for i in items} for items in (base, mine, theirs))
    for name in old:
        if name not in own:
            merged.pop(name, None)  # deleted here
    for name, item in own.items():
        if old.get(name) != item:
            merged[name] = item  # made or changed here
    return tuple(merged.values())


def _name(item: Any, key: str) -> Any:
    return getattr(item, key) if key else item
