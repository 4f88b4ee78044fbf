"""Does a recording again in a window, step by step, each when the one before has settled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from medview.core.archive import is_there
from medview.core.errors import MedViewError
from medview.core.words import Sentence, say, tr

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.session.script import Script, Step

_LOOK_MS = 15
_PATIENCE_S = 280.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What became of one step: done, or left out with the reason. number 0: opening the paths."""

    number: int
    do: str
    reason: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it was done."""
        return not self.reason


class Replayer(QObject):
    """Goes on after a step that does not fit, unless `is_strict`.

    paths: opened instead of those that the recording names.
    """

    stepped = Signal(object)  # StepResult
    finished = Signal()

    def __init__(
        self,
        window: MainWindow,
        script: Script,
        *,
        paths: Sequence[Path] = (),
        is_strict: bool = False,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._script = script
        self._is_strict = is_strict
        self._paths = [str(path) for path in paths] or list(script.paths)
        self._is_replaced = bool(paths)
        self._next = 0
        self._since = time.monotonic()
        self.results: list[StepResult] = []
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)

    def begin(self) -> None:
        """Open what was open, then do the steps."""
        there = [path for path in self._paths if is_there(path)]
        for path in self._paths:
            if path not in there:
                self._tell(0, "file.open", say("There is no {path}.", path=path))
        if self._is_strict and self.results:
            self._end()
            return
        if there:
            self._window.open_paths([Path(path) for path in there])
        self._since = time.monotonic()
        self._timer.start()

    def stop(self) -> None:
        """Leave the rest."""
        if self._timer.isActive():
            self._end()

    def _look(self) -> None:
        is_late = time.monotonic() - self._since > _PATIENCE_S
        if self._window.is_busy and not is_late:
            return
        if is_late:
            self._tell(self._next, self._name(self._next - 1), say("It did not end in time."))
        if self._next >= len(self._script.steps):
            self._end()
            return
        step = self._script.steps[self._next]
        self._next += 1
        self._since = time.monotonic()
        self._do(self._next, step)
        total = len(self._script.steps)
        self._window.status.show_progress(tr("Repeating"), self._next, total)

    def _name(self, index: int) -> str:
        return self._script.steps[index].do if index >= 0 else "file.open"

    def _do(self, number: int, step: Step) -> None:
        row = self._window.actions_.row(step.do)
        if row is not None and not row.is_repeatable:
            self._tell(number, step.do, say("It asks the reader something."))
            return
        if step.do == "file.open" and self._is_replaced:
            self._tell(number, step.do, say("Other paths were given."))
            return
        try:
            self._window.actions_.perform(step.do, **step.parameters)
        except MedViewError as error:
            self._tell(number, step.do, error.what)
        else:
            self._tell(number, step.do)

    def _tell(self, number: int, name: str, reason: Sentence | None = None) -> None:
        result = StepResult(number=number, do=name, reason="" if reason is None else str(reason))
        self.results.append(result)
        self.stepped.emit(result)
        if reason is not None and self._is_strict and self._timer.isActive():
            self._end()

    def _end(self) -> None:
        self._timer.stop()
        self._window.status.show_progress("", 0, 0)
        self.finished.emit()
