"""The views in their grid: which tile shows what, which one is active, one tool for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medview.core.geometry import PatientPoint
from medview.core.layout import PLANES_AND_VOLUME, GridState, TileState
from medview.gui.linking import Linking
from medview.gui.pane import MOST_TILES, Pane
from medview.gui.playing import Playing
from medview.gui.views.slice_view import SliceView
from medview.gui.views.tile import Tile
from medview.imaging.curved import CURVED
from medview.imaging.window import Window
from medview.session.studies import Key, OpenVolume

if TYPE_CHECKING:
    from medview.gui.views.volume_view import VolumeView


class ViewGrid(QWidget):
    """Tiles in rows and columns, each with a stack and a plane of its own.

    Axial, coronal, sagittal and volume of one stack in 2x2 is where it begins; these four change
    together until a tile gets something else. One tile may fill the grid alone.
    """

    measurement_made = Signal(object)
    measurement_changed = Signal(object)
    measurement_deleted = Signal(str)
    window_changed = Signal(object)
    upper_changed = Signal(object)  # UpperLayer of the active tile
    phase_step = Signal(int)
    looked_at = Signal(object)  # PatientPoint that the reader turned to
    series_step = Signal(int)
    series_dropped = Signal(object)  # Key that now stands in a tile
    wants_changed = Signal()  # other stacks are wanted in the tiles
    active_changed = Signal(object)  # Tile that is active now, or wants another stack
    volume_view_made = Signal(object)  # Tile
    layout_changed = Signal(str)
    tool_chosen = Signal(str)
    overlay_toggled = Signal(bool)
    corner_text_toggled = Signal(bool)
    menu_requested = Signal(QPoint, str)
    dabbed = Signal(object)  # Dab: a segment tool was used
    brush_sized = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.links = Linking(self)
        self.playing = Playing(self)
        self._tool, self._has_overlay, self._has_text = "window", True, True
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self._main = Pane(0, self._make_tile)
        self._second: Pane | None = None
        self._main.shape = (2, 2)
        self._active = self._slices = self._main.tile(0)
        box.addWidget(self._main)
        self._arrange()
        self.activate(self._active)

    # -- what is shown -----------------------------------------------------------------

    def hang(
        self,
        key: Key | None,
        plane: str = "",
        tile: int | None = None,
        state: TileState | None = None,
    ) -> None:
        """Put a stack into a tile, or empty it with None; its slices come when they are read.

        plane: axial, coronal, sagittal, native or volume; "" for native, or what the tile shows of
        this stack already. tile: its number, row by row, from MOST_TILES on in the second window;
        None for the active tile, and for all of the three planes and the volume where they stand
        together. state: how it is to stand.
        """
        pane, active, before = self._pane_of(self._active), self._active, self._active.key
        if tile is None and not plane and pane.is_planes_and_volume:
            if pane.hang_together(key):
                self.activate(pane.tiles[0])
        else:
            place = self._active if tile is None else self._tile(tile)
            place.want(key, plane or (place.plane if place.key == key else "native"), state)
            place.set_active(place is self._active)
        self.playing.cine.stop()
        self._arrange()
        self.wants_changed.emit()
        if active is self._active and active.key != before:
            self.active_changed.emit(active)

    def take(self, opened: OpenVolume) -> None:
        """A stack is in memory, or will be slice by slice: show it where it is wanted."""
        for tile in self._tiles_of(opened.place.key):
            is_first, is_placed = tile.opened is None, tile.is_placed
            if tile.opened is not opened:
                tile.take(opened)
                self.links.took(tile, is_free=is_first and not is_placed)
            if is_first and tile is self._active:
                tile.view.setFocus()
        self._arrange()

    def lose(self, key: Key) -> None:
        """A stack is in memory no more."""
        for tile in self._tiles_of(key):
            tile.lose()
        self._arrange()

    def slices_arrived(self, key: Key) -> None:
        """More slices of a stack are in memory."""
        before = self.window_in_use
        for tile in self._tiles_of(key):
            tile.slices_arrived()
        if self.window_in_use != before:  # the automatic one follows what is there
            self.window_changed.emit(self.window_in_use)

    def set_overlay_visible(self, is_visible: bool) -> None:
        """Overlays on or off, in every view."""
        self._has_overlay = is_visible
        for tile in self.all_tiles:
            tile.view.set_overlay_visible(is_visible)

    def set_corner_text(self, is_visible: bool) -> None:
        """Corner texts on or off, in every view."""
        self._has_text = is_visible
        for tile in self.all_tiles:
            tile.view.set_corner_text(is_visible)

    def set_tool(self, name: str) -> None:
        """What the left button does, in every view."""
        self._tool = name
        for tile in self.all_tiles:
            tile.view.set_tool(name)

    def go_to(self, point: PatientPoint) -> None:
        """Show a place of the active stack in every view that shares its space."""
        self.links.go_to(self._active, point)
        self.looked_at.emit(point)

    # -- tiles -------------------------------------------------------------------------

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles that are shown, row by row, those of the second window last."""
        return tuple(tile for pane in self._panes for tile in pane.shown)

    @property
    def all_tiles(self) -> tuple[Tile, ...]:
        """Every tile, also those that the layout does not show."""
        return tuple(tile for pane in self._panes for tile in pane.tiles)

    @property
    def _panes(self) -> tuple[Pane, ...]:
        return (self._main,) if self._second is None else (self._main, self._second)

    def _pane_of(self, tile: Tile) -> Pane:
        return next((pane for pane in self._panes if tile in pane.tiles), self._main)

    def _tiles_of(self, key: Key) -> Iterator[Tile]:
        return (tile for tile in self.all_tiles if tile.key == key)

    @property
    def wanted(self) -> tuple[Key, ...]:
        """The stacks that the shown tiles want, the active one first."""
        ordered = sorted(self.tiles, key=lambda tile: tile is not self._active)
        return tuple(dict.fromkeys(tile.key for tile in ordered if tile.key is not None))

    @property
    def views(self) -> dict[str, SliceView]:
        """The slice views by plane; of several with one plane the active tile's, else the first."""
        ordered = sorted(self.all_tiles, key=lambda tile: tile is not self._active)
        found = {tile.plane: tile.view for tile in reversed(ordered)}
        order = (*PLANES_AND_VOLUME, "native", *CURVED)
        return {name: found[name] for name in order if name in found and name != "volume"}

    @property
    def volume_view(self) -> VolumeView | None:
        """The first view of a volume in space."""
        made = (tile.volume_view for tile in self.all_tiles)
        return next((view for view in made if view is not None), None)

    @property
    def active_tile(self) -> Tile:
        """The tile that decides which stack is active."""
        return self._active

    @property
    def active_view(self) -> SliceView:
        """The slice view that has the keys."""
        return self._slices.view

    @property
    def window_in_use(self) -> Window:
        """The active view's window."""
        return self.active_view.stage.state.window

    def activate(self, tile: Tile) -> None:
        """Give a tile the accent frame and the keys."""
        pane = self._pane_of(tile)
        if tile.plane == "volume" and pane.is_planes_and_volume:
            return  # it belongs to the plane that is active
        is_other = tile is not self._active
        self._active = tile
        pane.turn_to(tile)
        if tile.plane != "volume":
            self._slices = tile
        for each in self.all_tiles:
            each.set_active(each is tile)
        self.links.turn_to(tile)
        if is_other:
            self.active_changed.emit(tile)

    def _tile(self, number: int) -> Tile:
        """A tile by number. Raises IndexError where there is no such place."""
        if number < MOST_TILES or self._second is None:
            return self._main.tile(number)
        return self._second.tile(number - MOST_TILES)

    def _make_tile(self, number: int, plane: str, parent: QWidget) -> Tile:
        tile = Tile(number, plane, parent)
        view = tile.view
        view.set_tool(self._tool)
        view.set_overlay_visible(self._has_overlay)
        view.set_corner_text(self._has_text)
        tile.hide()
        tile.activated.connect(partial(self.activate, tile))
        tile.maximise_requested.connect(partial(self.maximise, tile))
        tile.series_dropped.connect(partial(self._dropped, tile))
        tile.volume_view_made.connect(partial(self.volume_view_made.emit, tile))
        self.links.join(tile)
        for signal in (
            "measurement_made", "measurement_changed", "measurement_deleted", "series_step",
            "tool_chosen", "upper_changed", "phase_step", "overlay_toggled", "corner_text_toggled",
            "menu_requested", "dabbed", "brush_sized",
        ):  # fmt: skip
            getattr(view, signal).connect(getattr(self, signal))
        view.cine_asked.connect(self.playing.ask)
        view.crosshair_moved.connect(partial(self._moved, tile))
        view.window_changed.connect(self.window_changed)
        return tile

    def _moved(self, tile: Tile, point: PatientPoint) -> None:
        if not self.playing.stepped() and tile is self._active:
            self.looked_at.emit(point)

    def _dropped(self, tile: Tile, key: Key) -> None:
        pane = self._pane_of(tile)
        if pane.is_planes_and_volume and (tile.key is None or len(pane.shown) == 1):
            self.activate(pane.tiles[0])
            self.hang(key)
        else:
            self.hang(key, "native", tile.number)
            self.activate(tile)
        self.series_dropped.emit(key)

    # -- layout ------------------------------------------------------------------------

    @property
    def layout_name(self) -> str:
        """`2x2` and the like: rows by columns of the window that is worked in."""
        return self._pane_of(self._active).layout_name

    def set_layout_name(self, name: str) -> None:
        """Rows by columns, `1x1` to `4x4`, or `planes`; in 1x1 the active tile stays.

        2x2 of one stack alone are its three planes and the volume (`planes`: of the active stack in
        any case); leaving these for more tiles keeps the stack in the first, empties the others.
        """
        pane = self._pane_of(self._active)
        pane.lay_out(name, self._active.key)
        if self._active not in pane.shown:
            self.activate(pane.tiles[0])
        self._arrange()
        self.wants_changed.emit()
        self.layout_changed.emit(self.layout_name)

    def maximise(self, tile: Tile) -> None:
        """One tile alone, or back to the grid; everything stands as it stood."""
        pane = self._pane_of(tile)
        if pane.alone is None and len(pane.shown) == 1:
            return
        pane.alone = None if pane.alone is tile else tile
        self._arrange()
        self.wants_changed.emit()

    @property
    def state(self) -> GridState:
        """How the grid stands, to be taken up by `restore`."""
        state = self._main.state(self._active)
        second = None if self._second is None else self._second.state(self._active)
        return replace(state, second=second)

    def restore(self, state: GridState) -> None:
        """Stand as a state says; stacks that are not open leave their tiles empty.

        What it says of the second window holds where that is open.
        """
        was, active = self._active, self._main.restore(state)
        if self._second is not None and state.second is not None:
            self._second.restore(state.second)
        self.activate(active)
        self._arrange()
        self.wants_changed.emit()
        if was is active:  # it may show another stack
            self.active_changed.emit(active)
        self.layout_changed.emit(self.layout_name)

    def set_second(self, *, is_open: bool) -> Pane | None:
        """The tiles of a second window, to be put into it; when it is closed they go.

        Stacks that only it showed come back into empty tiles here, as many as there are.
        """
        if is_open and self._second is None:
            self._second = Pane(MOST_TILES, self._make_tile)
            self._second.tile(0)
        elif not is_open and self._second is not None:
            gone, self._second = self._second, None
            self._bring_back(gone)
        self._arrange()
        self.wants_changed.emit()
        return self._second

    def _bring_back(self, gone: Pane) -> None:
        self.playing.cine.stop()  # it may play what goes
        here = {tile.key for tile in self._main.shown}
        left = [tile.state() for tile in gone.tiles if tile.key not in here]
        for tile in self._main.shown:
            if tile.key is None and left:
                wish = left.pop(0)
                tile.want(wish.key, wish.plane, wish)
        for tile in gone.tiles:
            self.links.leave(tile)
            tile.close_view()
        if self._active in gone.tiles or self._slices in gone.tiles:
            self._slices = self._main.shown[0]
            self.activate(self._slices)

    def _arrange(self) -> None:
        for pane in self._panes:
            pane.arrange()
        self.links.show_lines()

    def retranslate(self) -> None:
        """Draw every view's words again."""
        for tile in self.all_tiles:
            tile.retranslate()
        self.links.show_lines()  # how views are linked is said in their corners

    @property
    def is_drawn(self) -> bool:
        """Whether the volume views that are shown have their pictures."""
        return all(tile.is_drawn for tile in self.tiles)

    def close_views(self) -> None:
        """Give the volume views' renderers back."""
        for tile in self.all_tiles:
            tile.close_view()
