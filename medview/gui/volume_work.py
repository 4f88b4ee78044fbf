"""What the window does with volume views: commands, own looks, crosshair, slices in space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from medview.core.geometry import PatientPoint
from medview.core.words import Sentence, say
from medview.gui.actions.volume_rows import VOLUME_ROWS
from medview.gui.bridge import SessionBridge
from medview.gui.surface_work import SurfaceWork
from medview.gui.views.ink import plane_colour
from medview.gui.views.tile import Tile
from medview.gui.views.volume_scene import SliceInSpace
from medview.imaging.cutting import Carving
from medview.imaging.looks import forget_look, keep_look
from medview.imaging.transfer import Look
from medview.session import carvings
from medview.session.events import Event, WorkChanged
from medview.session.work import WorkBook

if TYPE_CHECKING:
    from medview.gui.views.volume_view import VolumeView
    from medview.gui.window import MainWindow

_FOLLOW_MS = 20


class VolumeWork(QObject):
    """Wires every volume view of the grid as it is made."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._grid = window.grid
        self._slow = QTimer(self)  # many moves of the crosshair are one for the volume
        self._slow.setSingleShot(True)
        self._slow.setInterval(_FOLLOW_MS)
        self._slow.timeout.connect(self._follow)
        for row in VOLUME_ROWS:
            if row.in_volume:
                window.actions_.connect(row.id, partial(self._run, row.id))
        self._grid.volume_view_made.connect(self._wire)
        self._grid.looked_at.connect(self._slow.start)
        self._grid.links.moved.connect(self._slow.start)
        self._grid.window_changed.connect(self._slow.start)
        self._seen: dict[Tile, Carving] = {}  # what the reader's work said last
        SessionBridge(window.session, self).heard.connect(self._hear)
        SurfaceWork(window, self._tiles)

    # -- views -----------------------------------------------------------------------------

    def _wire(self, tile: Tile) -> None:
        view = tile.volume_view
        if view is None:
            return
        view.stage.picked.connect(partial(self._go_to, tile))
        view.stage.told.connect(self._say)
        view.stage.faulted.connect(partial(self._say, level="warn"))
        view.stage.opened.connect(partial(self._open, tile))
        view.stage.carved.connect(partial(self._keep_carving, tile))
        view.commands.slices_asked.connect(lambda _kind: self._follow())
        view.editor.save_asked.connect(partial(self._keep_look, view))
        view.editor.forget_asked.connect(partial(self._forget_look, view))

    def _tiles(self) -> list[Tile]:
        """Tiles with a volume view that shows something, the one with the keys first."""
        focus = QApplication.focusWidget()
        found = [
            tile
            for tile in self._grid.all_tiles
            if tile.volume_view is not None and tile.volume_view.stage.volume is not None
        ]
        return sorted(found, key=lambda tile: not (focus and tile.isAncestorOf(focus)))

    def _view(self) -> VolumeView | None:
        tiles = self._tiles()
        return tiles[0].volume_view if tiles else None

    def _run(self, action_id: str) -> None:
        view = self._view()
        if view is None:
            self._say(say("There is no volume on the screen: show a stack in 2 × 2."), "warn")
            return
        if self._slow.isActive():  # a cut goes through the crosshair as it is shown
            self._slow.stop()
            self._follow()
        view.commands.run(action_id.removeprefix("volume."))

    def _say(self, sentence: Sentence, level: str = "info") -> None:
        self._window.reactions.say(sentence, level)

    # -- what is cut away: part of the reader's work -----------------------------------------

    def _hear(self, event: Event) -> None:
        if isinstance(event, WorkChanged):
            for tile in self._tiles():
                self._carve(tile)

    def _book(self, tile: Tile) -> WorkBook | None:
        place = None if tile.opened is None else tile.opened.place
        return None if place is None else self._window.session.made.book_of(place)

    def _open(self, tile: Tile) -> None:
        """A volume is shown as it was left: cuts come back with the patient."""
        book, view = self._book(tile), tile.volume_view
        if book is not None and view is not None and tile.key is not None:
            self._seen[tile] = carvings.of(book.work, tile.key)
            view.stage.adjust(view.stage.state.carved(self._seen[tile]))
        self._slow.start()  # its crosshair is that of the slices

    def _carve(self, tile: Tile) -> None:
        """The reader's work changed elsewhere: undo, a script, another view of this volume."""
        book, view = self._book(tile), tile.volume_view
        if book is None or view is None or tile.key is None:
            return
        now = carvings.of(book.work, tile.key)
        if now != self._seen.get(tile, Carving()):
            self._seen[tile] = now
            view.stage.take_carving(now)

    def _keep_carving(self, tile: Tile) -> None:
        book, view = self._book(tile), tile.volume_view
        if book is None or view is None or tile.key is None:
            return
        self._seen[tile] = view.stage.state.carving
        said = carvings.keep(book, tile.key, self._seen[tile])
        if said is not None:
            self._say(said)

    # -- looks of the reader's own ---------------------------------------------------------

    def _keep_look(self, view: VolumeView, look: Look) -> None:
        prepared = view.stage.prepared
        if prepared is None:
            return

        async def action() -> None:
            kept = await self._window.operations.call(keep_look, look, prepared.scale)
            view.stage.take_looks(kept.id)
            self._say(say("Kept as a look of your own: {name}.", name=kept.name))

        self._window.operations.start(action())

    def _forget_look(self, view: VolumeView, look_id: str) -> None:
        async def action() -> None:
            await self._window.operations.call(forget_look, look_id)
            view.stage.take_looks()
            self._say(say("The look was taken away."))

        self._window.operations.start(action())

    # -- crosshair and slices ----------------------------------------------------------------

    def _go_to(self, tile: Tile, point: PatientPoint) -> None:
        """A click on the volume: the slices show that place."""
        same = next((t for t in self._grid.tiles if t.key == tile.key and t is not tile), tile)
        self._grid.links.go_to(same, point)
        self._grid.looked_at.emit(point)

    def _follow(self) -> None:
        """Cuts and slices in space stand where the slice views do."""
        for tile in self._tiles():
            beside = [
                other
                for other in self._grid.tiles
                if other.key == tile.key and other is not tile and other.view.stage.shown
            ]
            if tile.volume_view is None or not beside:
                continue
            stage = tile.volume_view.stage
            tile.volume_view.commands.follow(beside[0].view.stage.state.point)
            slices = self._slices(beside, tile.volume_view.commands.slices, stage.extras.slices)
            if slices != stage.extras.slices:
                stage.show_beside(slices=slices)

    @staticmethod
    def _slices(
        tiles: Sequence[Tile], kind: str, before: tuple[SliceInSpace, ...]
    ) -> tuple[SliceInSpace, ...]:
        if not kind:
            return ()
        found = []
        for tile in tiles:
            stage = tile.view.stage
            if stage.plane is None or stage.shown is None:
                continue
            new = SliceInSpace(
                volume=stage.shown.volume,
                plane=stage.plane,
                index=stage.index,
                window=stage.state.window if kind == "picture" else None,
                colour=plane_colour(stage.plane.name).name(),
            )
            # What has not changed stays the same object: it is not made again.
            found.append(next((old for old in before if old == new), new))
        return tuple(found)
