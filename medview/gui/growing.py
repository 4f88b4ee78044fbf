"""Lists and columns that are made a little at a time, so that the window answers in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from medview.gui.cards import CardColumn

Maker = QWidget | Callable[[], QWidget]


class Growing:
    """Calls makers: the first ones at once, the others a few with every turn of Qt's loop."""

    def __init__(self, owner: QWidget, at_once: int, each: int) -> None:
        self._at_once, self._each = at_once, each
        self._left: list[Callable[[], object]] = []
        self._timer = QTimer(owner, singleShot=True)
        self._timer.timeout.connect(lambda: self._go_on(self._each))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to be made."""
        return not self._left

    def begin(self, makers: Sequence[Callable[[], object]], *, is_later: bool = False) -> None:
        """Make these; what was left of those before is forgotten. is_later: none at once."""
        self._left = list(makers)
        self._go_on(0 if is_later else self._at_once)

    def add(self, makers: Sequence[Callable[[], object]]) -> None:
        """Make these after what is left."""
        if self._left:
            self._left += makers
        else:
            self.begin(makers)

    def _go_on(self, count: int) -> None:
        self._timer.stop()
        now, self._left = self._left[:count], self._left[count:]
        for make in now:
            make()
        if self._left:
            self._timer.start(0)


class GrowingColumn(CardColumn):
    """A column that is told what makes its cards; a widget that is there already stays."""

    def __init__(self) -> None:
        super().__init__()
        self._growing = Growing(self, 1, 1)

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
