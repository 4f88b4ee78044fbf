"""What the reader cut away from pictures of volumes: part of his work, every step with a name."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

from medview.core.words import Sentence, say
from medview.imaging.cutting import Carving
from medview.session.places import Key

if TYPE_CHECKING:
    from medview.session.work import Work, WorkBook

_LEAST_CORNERS = 3
_UNIT = 1e-3  # a direction's length may be off by this


@dataclass(frozen=True, slots=True, kw_only=True)
class CarvedStack:
    """What is cut away from the pictures of one stack's volume; never from its voxels.

    Raises ValueError for what no hand can have cut: a journal or a script may hold anything.
    """

    series_uid: str
    stack: int
    carving: Carving

    def __post_init__(self) -> None:
        carving = self.carving
        if not all(map(math.isfinite, _numbers(astuple(carving)))):
            raise ValueError("not finite")
        ways = [plane.normal for _, plane in carving.cuts]
        ways += [way for lasso in carving.lassos for way in (lasso.right, lasso.up)]
        box = zip(carving.box.low, carving.box.high, strict=True)
        if not (
            all(abs(math.hypot(*way) - 1.0) < _UNIT for way in ways)
            and all(len(lasso.corners) >= _LEAST_CORNERS for lasso in carving.lassos)
            and all(0.0 <= low < high <= 1.0 for low, high in box)
        ):
            raise ValueError("no carving")

    @property
    def key(self) -> Key:
        """Which stack."""
        return self.series_uid, self.stack


def of(work: Work, key: Key) -> Carving:
    """What is cut away from a stack's pictures."""
    return next((each.carving for each in work.carvings if each.key == key), Carving())


def keep(book: WorkBook, key: Key, carving: Carving) -> Sentence | None:
    """What the reader cut is part of the work now.

    Where that is what the last command replaced, it is undone, and the other way round; what was
    undone or done again is returned in words, None for a command of its own.
    """
    before = of(book.work, key)
    if carving == before:
        return None
    uid, stack = key
    put = CarvedStack(series_uid=uid, stack=stack, carving=carving)
    known = {each.key: each for each in book.work.carvings} | {key: put}  # each in its place
    carvings = tuple(each for each in known.values() if each.carving != Carving())
    wanted = replace(book.work, carvings=carvings)
    if book.work_before == wanted:
        name = book.undo()
        return None if name is None else say("Undone: {name}", name=name)
    if book.work_after == wanted:
        name = book.redo()
        return None if name is None else say("Done again: {name}", name=name)
    book.change(_name(before, carving), carvings=carvings)
    return None


def _name(before: Carving, after: Carving) -> Sentence:
    if after == Carving():
        return say("Take the volume's cuts away")
    if len(after.lassos) > len(before.lassos):
        return say("Cut the volume with the scissors")
    if after.box != before.box:
        return say("Crop the volume")
    if len(after.cuts) > len(before.cuts):
        return say("Cut the volume")
    return say("Change the volume's cuts")


def _numbers(values: object) -> Iterator[float]:
    if isinstance(values, tuple):
        for value in values:
            yield from _numbers(value)
    elif isinstance(values, float | int):
        yield values
