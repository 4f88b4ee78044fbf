"""What changed between two states of a reader's work, as plain data that can be done again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from medview.core.codec import from_plain, to_plain
from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.imaging.roi import is_drawable
from medview.session.work import ITEMS, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkChange:
    """One field of the work. put: its new value, or the items that came or changed; gone: items
    that went, by what they are known by. Both plain JSON."""

    field: str
    put: Any
    gone: tuple[Any, ...] = ()


def work_changes(before: Work, after: Work) -> Iterator[WorkChange]:
    """The changes that lead from one state to the other, field by field."""
    for each in fields(Work):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if old == new:
            continue
        if not isinstance(new, tuple):
            yield WorkChange(field=each.name, put=to_plain(new))
            continue
        kept = [_known_by(each.name, item) for item in new]
        yield WorkChange(
            field=each.name,
            put=[to_plain(item) for item in new if item not in old],
            gone=tuple(
                to_plain(_known_by(each.name, item))
                for item in old
                if _known_by(each.name, item) not in kept
            ),
        )


def with_change(work: Work, change: WorkChange) -> object:
    """The new value of the change's field. Raises InvalidInput where it fits no work."""
    if change.field not in {each.name for each in fields(Work)}:
        raise InvalidInput(say("A reader's work has no {field}.", field=change.field))
    try:
        put = getattr(from_plain(Work, {change.field: change.put}), change.field)
        if change.field == "measurements" and not all(map(is_drawable, put)):
            raise ValueError(change.field)  # noqa: TRY301 - said below with the others
    except ValueError as error:
        said = say("This is no {field} of a reader's work.", field=change.field)
        raise InvalidInput(said) from error
    now = getattr(work, change.field)
    if not isinstance(now, tuple):
        return put
    return _merged(change.field, now, put, change.gone)


def _merged(
    name: str, now: Sequence[object], put: Sequence[object], gone: Sequence[object]
) -> tuple[object, ...]:
    fresh = {_hashable(_known_by(name, item)): item for item in put}
    left = [_hashable(to_plain(each)) for each in gone]
    kept = []
    for item in now:
        known = _hashable(_known_by(name, item))
        if _hashable(to_plain(_known_by(name, item))) not in left:
            kept.append(fresh.pop(known, item))
    return (*kept, *fresh.values())


def _known_by(name: str, item: Any) -> Any:
    key = ITEMS.get(name, "")
    return getattr(item, key) if key else item


def _hashable(value: Any) -> str:
    return repr(to_plain(value))
