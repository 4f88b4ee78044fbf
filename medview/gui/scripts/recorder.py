"""Records what the reader does: actions as they are done, the mouse's results as they settle."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from medview import __version__
from medview.core.codec import to_plain
from medview.core.layout import GridState, UpperState
from medview.gui.actions import ROWS
from medview.gui.scripts.differences import grid_changes, upper_changes
from medview.gui.views.volume_state import VolumeStand
from medview.session.script import Script, Step
from medview.session.work import Work, WorkBook
from medview.session.work_changes import work_changes

if TYPE_CHECKING:
    from medview.gui.window import MainWindow

_LOOK_MS = 200
_BARE = GridState(
    rows=0, columns=0, tiles=(), active=-1
)  # nothing hung: the first look records how everything stands


class Recorder(QObject):
    """From its making until `finish`; `counted` says how many steps there are."""

    counted = Signal(int)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._began = time.monotonic()
        self._steps: list[Step] = []
        self._paths = tuple(window.session.studies.opened_paths)
        self._opened = set(self._paths)
        self._grid = _BARE
        self._volumes: dict[int, VolumeStand] = {}  # by the numbers of their tiles
        self._upper: tuple[UpperState, ...] = ()
        self._laid: tuple[str, ...] = ()  # recorded, while its voxels are read
        self._book: WorkBook | None = None
        self._work = Work()
        self._is_settling = False  # an action has begun something that goes on
        self._running = 0  # operations before the last action
        actions = window.actions_
        for row in ROWS:
            if row.switch and row.is_repeatable:
                self._add(row.id, {"on": actions[row.id].isChecked()})
        self._remember_work()
        self.look()
        self._tool(window.grid.active_view.tool_name)
        actions.before.append(self.look)
        actions.listeners.append(self._performed)
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    @property
    def count(self) -> int:
        """How many steps there are."""
        return len(self._steps)

    def look(self) -> None:
        """Record what has changed since the last look."""
        self._running = self._window.operations.count
        paths = [p for p in self._window.session.studies.opened_paths if p not in self._opened]
        if paths:
            self._opened.update(paths)
            self._add("file.open", {"paths": list(paths)})
        if not self._window.grid.playing.is_playing:  # a cine moves by itself
            before, self._grid = self._grid, self._window.grid.state
            for name, parameters in grid_changes(before, self._grid):
                self._add(name, parameters)
        self._look_at_volumes()
        self._look_at_upper()
        self._look_at_work()

    def finish(self) -> Script:
        """Stop, and give the script."""
        self._timer.stop()
        self.look()
        self._window.actions_.before.remove(self.look)
        self._window.actions_.listeners.remove(self._performed)
        size = self._window.size()
        return Script(
            paths=self._paths,
            size=(size.width(), size.height()),
            steps=tuple(self._steps),
            program=f"MedView {__version__}",
        )

    def _tick(self) -> None:
        if self._is_settling and not self._window.operations.is_busy:
            self._is_settling = False
            self._remember_work()  # what the action made, it will make again
        self.look()

    def _performed(self, action_id: str, parameters: Mapping[str, object]) -> None:
        row = self._window.actions_.row(action_id)
        if row is None or not row.is_repeatable:
            return
        self._add(action_id, parameters)
        if action_id == "fusion.lay":
            self._laid = _pair(parameters)
        self._upper = self._window.fusion.standing
        self._volumes = self._stands()
        self._remember_work()
        self._is_settling |= self._window.operations.count > self._running
        if not self._window.grid.playing.is_playing:
            self._grid = self._window.grid.state

    def _stands(self) -> dict[int, VolumeStand]:
        """How each volume is seen; one that turns by itself as it stood before."""
        found = {}
        for tile in self._window.grid.all_tiles:
            view = tile.volume_view
            if tile.plane == "volume" and view is not None and view.stage.prepared is not None:
                is_spinning = view.commands.is_on("spin")
                before = self._volumes.get(tile.number, VolumeStand())
                found[tile.number] = before if is_spinning else view.stage.stand
        return found

    def _look_at_volumes(self) -> None:
        before, self._volumes = self._volumes, self._stands()
        for number, stand in self._volumes.items():
            if stand != before.get(number, VolumeStand()):
                self._add("volume.stand", {"tile": number, "state": to_plain(stand)})

    def _look_at_upper(self) -> None:
        before, self._upper = self._upper, self._window.fusion.standing
        for name, parameters in upper_changes(before, self._upper):
            if name == "fusion.lay" and _pair(parameters) == self._laid:
                self._laid = ()  # its voxels are there now
            else:
                self._add(name, parameters)

    def _look_at_work(self) -> None:
        book = self._window.session.book
        if book is not self._book or self._is_settling:
            if book is not self._book:
                self._remember_work()
            return
        if book is None or book.work is self._work:
            return
        before, self._work = self._work, book.work
        for change in work_changes(before, self._work):
            gone = {"gone": list(change.gone)} if change.gone else {}
            self._add("edit.work", {"field": change.field, "put": change.put, **gone})

    def _remember_work(self) -> None:
        self._book = self._window.session.book
        self._work = Work() if self._book is None else self._book.work

    def _tool(self, name: str) -> None:
        if name != "window":
            self._add(f"tool.{name}", {})

    def _add(self, name: str, parameters: Mapping[str, object]) -> None:
        last = self._steps[-1] if self._steps else None
        step = Step(do=name, parameters=dict(parameters), at=time.monotonic() - self._began)
        if last is not None and _is_more_of(last, step):
            self._steps[-1] = step
        else:
            self._steps.append(step)
            self.counted.emit(len(self._steps))


def _is_more_of(last: Step, step: Step) -> bool:
    """Whether a drag or the wheel goes on: the last place is enough."""
    goes_on = step.do in (
        "series.look_at", "window.set", "view.stand", "volume.stand", "fusion.stand",
    )  # fmt: skip
    return goes_on and (last.do, _about(last)) == (step.do, _about(step))


def _pair(parameters: Mapping[str, object]) -> tuple[str, ...]:
    """Which stack was laid over which; the first of a series has two names."""
    return tuple(str(parameters.get(name)).removesuffix("#0") for name in ("lower", "upper"))


def _about(step: Step) -> object:
    """The tile that a step is about, or the stack that another one lies over."""
    state = step.parameters.get("state")
    if step.do == "fusion.stand" and isinstance(state, dict):
        return state.get("lower")
    return step.parameters.get("tile")
