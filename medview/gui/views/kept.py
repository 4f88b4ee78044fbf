"""What a view made last, for as long as it would be made of the same."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """One made thing. `things` are compared as objects, `values` as values: a stack or a plane is
    the same only while it is the very same, and comparing it by what it holds takes long."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Hold nothing: what it was made of may be closed."""
        self._things: tuple[object, ...] = ()
        self._values: tuple[object, ...] = ()
        self._made: list[Made] = []

    def get(
        self,
        things: tuple[object, ...],
        values: tuple[object, ...],
        make: Callable[[], Made],
    ) -> Made:
        """What was made of these; `make` is asked only where it was made of others."""
        is_same = len(things) == len(self._things) and all(map(is_, things, self._things))
        if not (self._made and is_same and values == self._values):
            self._made = [make()]
            self._things, self._values = things, values
        return self._made[0]
