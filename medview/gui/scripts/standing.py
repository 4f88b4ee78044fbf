"""The actions that only scripts ask for: how the grid stands, what is open, what was made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.archive import is_there
from medview.core.codec import from_plain
from medview.core.errors import InvalidInput
from medview.core.geometry import PatientPoint
from medview.core.layout import MOST_LINES, TileState, layout_name
from medview.core.words import say
from medview.gui.views.volume_state import VolumeStand
from medview.imaging.curved import CURVED
from medview.session.work_changes import WorkChange, with_change

if TYPE_CHECKING:
    from medview.gui.views.tile import Tile
    from medview.gui.window import MainWindow

_PLANES = ("axial", "coronal", "sagittal", "native", "volume", *CURVED)


class StandingWork:
    """Handlers with plain parameters; each raises InvalidInput where a parameter fits nothing."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._grid = window.grid
        on = window.actions_.connect
        on("file.open", self._open)
        on("edit.work", self._change_work)
        on("layout.set", self._set_layout)
        on("layout.activate", lambda tile: self._grid.activate(self._tile(tile)))
        on("layout.alone", self._stand_alone)
        on("series.hang", self._hang)
        on("series.empty", self._empty)
        on("series.look_at", self._look_at)
        on("window.set", self._set_window)
        on("view.stand", self._stand)
        on("volume.stand", self._stand_volume)

    def _open(self, paths: list[str]) -> None:
        for path in paths:
            if not is_there(path):
                raise InvalidInput(say("There is no such file or folder."), path)
        self._window.open_paths([Path(path) for path in paths])

    def _change_work(self, field: str, put: object, gone: object = ()) -> None:
        book = self._window.session.book
        if book is None:
            raise InvalidInput(say("Open a study first."))
        left = tuple(gone) if isinstance(gone, list) else ()
        value = with_change(book.work, WorkChange(field=field, put=put, gone=left))
        book.change(say("Repeat"), **{field: value})

    def _set_layout(self, rows: int, columns: int) -> None:
        if not (0 < rows <= MOST_LINES and 0 < columns <= MOST_LINES):
            raise InvalidInput(say("There is no layout of {rows} × {columns}.", rows=rows,
                                   columns=columns))  # fmt: skip
        self._window.preferences.set_layout(layout_name(rows, columns))

    def _stand_alone(self, tile: int) -> None:
        now = self._grid.state.alone
        wanted = None if tile < 0 else tile
        if now == wanted:
            return
        if now is not None:
            self._grid.maximise(self._tile(now))
        if wanted is not None:
            self._grid.maximise(self._tile(wanted))

    def _hang(self, tile: int, series: str, stack: int, plane: str) -> None:
        self._tile(tile)
        key = self._known((series, stack))
        if plane not in _PLANES:
            raise InvalidInput(say("There is no plane {name}.", name=plane))
        self._grid.hang(key, plane, tile)
        active = self._window.session.active
        if self._grid.active_tile.number == tile and (active is None or active.key != key):
            self._window.session.select(key)

    def _empty(self, tile: int, plane: str) -> None:
        self._tile(tile)
        self._grid.hang(None, plane if plane in _PLANES else "native", tile)

    def _look_at(self, tile: int, point: list[float]) -> None:
        if len(point) != 3:
            raise InvalidInput(say("A place has three numbers."))
        place, looked_at = self._shown(tile), PatientPoint(*map(float, point))
        self._grid.links.go_to(place, looked_at)
        self._grid.looked_at.emit(looked_at)

    def _set_window(self, width: float, level: float, tile: int | None = None) -> None:
        place = self._grid.active_tile if tile is None else self._shown(tile)
        place.view.commands.set_window(width, level)

    def _stand(self, tile: int, state: object) -> None:
        self._tile(tile)
        try:
            wish = from_plain(TileState, state if isinstance(state, dict) else None)
        except ValueError as error:
            raise InvalidInput(say("This is no state of a view.")) from error
        if wish.key is not None:
            self._known(wish.key)
        self._grid.hang(wish.key, wish.plane, tile, wish)

    def _stand_volume(self, tile: int, state: object) -> None:
        view = self._tile(tile).volume_view
        if view is None or view.stage.prepared is None:
            raise InvalidInput(say("View {number} shows no volume.", number=tile))
        try:
            stand = from_plain(VolumeStand, state if isinstance(state, dict) else None)
            view.stage.take_stand(stand)
        except ValueError as error:
            raise InvalidInput(say("This is no state of a view.")) from error
        except KeyError as error:
            raise InvalidInput(say("There is no look of that name here.")) from error

    def _tile(self, number: int) -> Tile:
        found = [tile for tile in self._grid.all_tiles if tile.number == number]
        if not found:
            raise InvalidInput(say("There is no view {number}.", number=number))
        return found[0]

    def _shown(self, number: int) -> Tile:
        tile = self._tile(number)
        if tile.view.stage.shown is None:
            raise InvalidInput(say("View {number} shows nothing.", number=number))
        return tile

    def _known(self, key: tuple[str, int]) -> tuple[str, int]:
        if self._window.session.studies.place(key) is None:
            raise InvalidInput(say("The series {uid} is not open here.", uid=key[0]))
        return key
