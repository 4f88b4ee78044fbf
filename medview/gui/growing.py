"""Lists and columns that are made a little at a time, so that the window answers in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from medview.gui.cards import CardColumn
from medview.gui.slices import Slices, Steps

Maker = QWidget | Callable[[], QWidget]


class Growing:
    """Calls makers: the first ones at once, the others in slices between the user's events."""

    def __init__(self, owner: QWidget, at_once: int) -> None:
        self._at_once = at_once
        self._left: deque[Callable[[], object]] = deque()
        self._slices = Slices(owner)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to be made."""
        return not self._left

    def begin(self, makers: Sequence[Callable[[], object]], *, is_later: bool = False) -> None:
        """Make these; what was left of those before is forgotten. is_later: none at once."""
        self._slices.stop()
        self._left = deque(makers)
        for _ in range(0 if is_later else min(self._at_once, len(makers))):
            self._left.popleft()()
        if self._left:
            self._slices.start(self._steps)

    def add(self, makers: Sequence[Callable[[], object]]) -> None:
        """Make these after what is left."""
        if self._left:
            self._left += makers
        else:
            self.begin(makers)

    def _steps(self) -> Steps:
        while self._left:
            self._left.popleft()()
            yield


class GrowingColumn(CardColumn):
    """A column that is told what makes its cards; a widget that is there already stays."""

    def __init__(self) -> None:
        super().__init__()
        self._growing = Growing(self, 1)

    @property
    def is_whole(self) -> bool:
        """Whether all of it is there."""
        return self._growing.is_whole

    def grow(self, makers: Sequence[Maker]) -> None:
        """Show these from the top: what is there, and the rest as it is made."""
        first = next((n for n, m in enumerate(makers) if not isinstance(m, QWidget)), len(makers))
        self.fill([m for m in makers[:first] if isinstance(m, QWidget)])
        self._growing.begin([self._adding(maker) for maker in makers[first:]], is_later=first > 0)

    def _adding(self, maker: Maker) -> Callable[[], None]:
        def add() -> None:
            made = maker if isinstance(maker, QWidget) else maker()
            self.insert(self.column.count() - 1, made)  # before the stretch

        return add
