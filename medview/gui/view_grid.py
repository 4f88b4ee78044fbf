"""The views in their grid: which tile shows what, which one is active, one tool for all."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from medview.core.geometry import PatientPoint
from medview.core.layout import (
    MOST_LINES,
    PLANES_AND_VOLUME,
    GridState,
    TileState,
    is_planes_and_volume,
    layout_name,
    layout_named,
)
from medview.gui.linking import Linking
from medview.gui.playing import Playing
from medview.gui.views.slice_view import SliceView
from medview.gui.views.tile import Tile
from medview.gui.views.volume_view import VolumeView
from medview.imaging.window import Window
from medview.session.studies import Key, OpenVolume


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
    active_changed = Signal(object)  # Tile
    layout_changed = Signal(str)
    tool_chosen = Signal(str)
    overlay_toggled = Signal(bool)
    corner_text_toggled = Signal(bool)
    menu_requested = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None, links: Linking | None = None) -> None:
        super().__init__(parent)
        self.links = links or Linking(self)  # two windows share theirs
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(1)
        self._shape = (2, 2)
        self._tool, self._has_overlay, self._has_text = "window", True, True
        self._tiles: list[Tile] = []
        self._alone: Tile | None = None
        self.playing = Playing(self)
        for plane in PLANES_AND_VOLUME:
            self._add_tile(plane)
        self._active = self._slices = self._tiles[0]
        self._arrange()
        self._mark_active()
        self.links.turn_to(self._active)

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
        this stack already. tile: its number, row by row; None for the active tile, and for all of
        the three planes and the volume where they stand together. state: how it is to stand.
        """
        if tile is None and not plane and self.is_planes_and_volume:
            is_new = key != self._tiles[0].key
            for each in self._tiles[: len(PLANES_AND_VOLUME)]:
                each.want(key)
            if is_new:
                self._alone = None
                self.activate(self._tiles[0])
        else:
            place = self._active if tile is None else self._tile(tile)
            place.want(key, plane or (place.plane if place.key == key else "native"), state)
        self.playing.cine.stop()
        self._arrange()
        self.wants_changed.emit()

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
        for tile in self._tiles:
            tile.view.set_overlay_visible(is_visible)

    def set_corner_text(self, is_visible: bool) -> None:
        """Corner texts on or off, in every view."""
        self._has_text = is_visible
        for tile in self._tiles:
            tile.view.set_corner_text(is_visible)

    def set_tool(self, name: str) -> None:
        """What the left button does, in every view."""
        self._tool = name
        for tile in self._tiles:
            tile.view.set_tool(name)

    def go_to(self, point: PatientPoint) -> None:
        """Show a place of the active stack in every view that shares its space."""
        self.links.go_to(self._active, point)
        self.looked_at.emit(point)

    # -- tiles -------------------------------------------------------------------------

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles that the layout shows, row by row, or the one that stands alone."""
        return tuple(tile for tile in self._tiles if not tile.isHidden())

    @property
    def all_tiles(self) -> tuple[Tile, ...]:
        """Every tile, also those that the layout does not show."""
        return tuple(self._tiles)

    def _tiles_of(self, key: Key) -> Iterator[Tile]:
        return (tile for tile in self._tiles if tile.key == key)

    @property
    def wanted(self) -> tuple[Key, ...]:
        """The stacks that the shown tiles want, the active one first."""
        ordered = sorted(self.tiles, key=lambda tile: tile is not self._active)
        return tuple(dict.fromkeys(tile.key for tile in ordered if tile.key is not None))

    @property
    def views(self) -> dict[str, SliceView]:
        """The slice views by plane; of several with one plane the active tile's, else the first."""
        ordered = sorted(self._tiles, key=lambda tile: tile is not self._active)
        found = {tile.plane: tile.view for tile in reversed(ordered)}
        order = (*PLANES_AND_VOLUME, "native")
        return {name: found[name] for name in order if name in found and name != "volume"}

    @property
    def volume_view(self) -> VolumeView | None:
        """The first view of a volume in space."""
        made = (tile.volume_view for tile in self._tiles)
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
        if tile.plane == "volume" and self.is_planes_and_volume:
            return  # it belongs to the plane that is active
        is_other = tile is not self._active
        self._active = tile
        if tile.plane != "volume":
            self._slices = tile
        self._mark_active()
        self.links.turn_to(tile)
        if is_other:
            self.active_changed.emit(tile)

    def _mark_active(self) -> None:
        for tile in self._tiles:
            tile.view.set_active(tile is self._active)

    def _tile(self, number: int) -> Tile:
        """A tile by number, made where it was never shown. Raises IndexError beyond 4 x 4."""
        if not 0 <= number < MOST_LINES**2:
            raise IndexError(number)
        while len(self._tiles) <= number:
            self._add_tile("native")
        return self._tiles[number]

    def _add_tile(self, plane: str) -> None:
        tile = Tile(len(self._tiles), plane, self)
        self._tiles.append(tile)
        view = tile.view
        view.set_tool(self._tool)
        view.set_overlay_visible(self._has_overlay)
        view.set_corner_text(self._has_text)
        tile.hide()
        tile.activated.connect(partial(self.activate, tile))
        tile.maximise_requested.connect(partial(self.maximise, tile))
        tile.series_dropped.connect(partial(self._dropped, tile))
        self.links.join(tile)
        for signal in (
            "measurement_made", "measurement_changed", "measurement_deleted", "series_step",
            "tool_chosen", "upper_changed", "phase_step", "overlay_toggled", "corner_text_toggled",
            "menu_requested",
        ):  # fmt: skip
            getattr(view, signal).connect(getattr(self, signal))
        view.cine_asked.connect(self.playing.ask)
        view.crosshair_moved.connect(partial(self._moved, tile))
        view.window_changed.connect(self.window_changed)

    def _moved(self, tile: Tile, point: PatientPoint) -> None:
        if not self.playing.stepped() and tile is self._active:
            self.looked_at.emit(point)

    def _dropped(self, tile: Tile, key: Key) -> None:
        if self.is_planes_and_volume and (tile.key is None or len(self.tiles) == 1):
            self.hang(key)
        else:
            self.hang(key, "native", tile.number)
            self.activate(tile)
        self.series_dropped.emit(key)

    # -- layout ------------------------------------------------------------------------

    @property
    def is_planes_and_volume(self) -> bool:
        """Whether the tiles are the three planes and the volume of one stack (or of none yet)."""
        states = tuple(TileState(key=t.key, plane=t.plane) for t in self._tiles)
        return self._shape in ((1, 1), (2, 2)) and is_planes_and_volume(states)

    @property
    def layout_name(self) -> str:
        """`2x2` and the like: rows by columns."""
        return layout_name(*self._shape)

    def set_layout_name(self, name: str) -> None:
        """Rows by columns, `1x1` to `4x4`, or `planes`; in 1x1 the active tile stays.

        2x2 of one stack alone are its three planes and the volume (`planes`: of the active stack in
        any case); leaving these for more tiles keeps the stack in the first, empties the others.
        """
        shape = layout_named(name) or (2, 2)
        keys = {tile.key for tile in self.tiles if tile.key is not None}
        was_planes, key = self.is_planes_and_volume, self._active.key or next(iter(keys), None)
        self._shape, self._alone = shape, None
        if name == "planes" or (shape == (2, 2) and len(keys) <= 1):
            self._hang_planes(key)
        elif was_planes and shape not in ((1, 1), (2, 2)):
            for number, tile in enumerate(self._tiles):
                tile.want(None if number else key, "native")
        if self._active.number >= shape[0] * shape[1] and shape != (1, 1):
            self.activate(self._tiles[0])
        self._arrange()
        self.wants_changed.emit()
        self.layout_changed.emit(self.layout_name)

    def _hang_planes(self, key: Key | None) -> None:
        for tile, plane in zip(self._tiles, PLANES_AND_VOLUME, strict=False):
            tile.want(key, plane)

    def maximise(self, tile: Tile) -> None:
        """One tile alone, or back to the grid; everything stands as it stood."""
        if self._alone is None and len(self.tiles) == 1:
            return
        self._alone = None if self._alone is tile else tile
        self._arrange()
        self.wants_changed.emit()

    @property
    def state(self) -> GridState:
        """How the grid stands, to be taken up by `restore`."""
        rows, columns = self._shape
        shown = self._tiles if rows * columns == 1 else self._tiles[: rows * columns]
        return GridState(
            rows=rows,
            columns=columns,
            tiles=tuple(tile.state() for tile in shown),
            active=self._active.number,
            alone=None if self._alone is None else self._alone.number,
        )

    def restore(self, state: GridState) -> None:
        """Stand as a state says; stacks that are not open leave their tiles empty."""
        self._shape = (state.rows, state.columns)
        for number, wish in enumerate(state.tiles):
            self._tile(number).want(wish.key, wish.plane, wish)
        for tile in self._tiles[len(state.tiles) :]:
            tile.want(None, "native")
        self._alone = None if state.alone is None else self._tile(state.alone)
        self.activate(self._tile(state.active))
        self._arrange()
        self.wants_changed.emit()
        self.layout_changed.emit(self.layout_name)

    def _arrange(self) -> None:
        """Put the tiles that are shown in their places."""
        while self._grid.count():
            self._grid.takeAt(0)
        rows, columns = self._shape
        alone = self._alone
        if rows * columns == 1:
            alone = self._active
        elif self.is_planes_and_volume and not self._tiles[0].is_in_space:
            alone = self._tiles[0]  # a film has no planes
        if alone is not None:
            rows, columns = 1, 1
        shown = [alone] if alone else [self._tile(n) for n in range(rows * columns)]
        for tile in self._tiles:
            tile.setVisible(tile in shown)
        for number, tile in enumerate(shown):
            self._grid.addWidget(tile, number // columns, number % columns)
            tile.see_to_volume()
        for line in range(MOST_LINES):
            self._grid.setRowStretch(line, int(line < rows))
            self._grid.setColumnStretch(line, int(line < columns))
        self.links.show_lines()

    def retranslate(self) -> None:
        """Draw every view's words again."""
        for tile in self._tiles:
            tile.retranslate()

    @property
    def is_drawn(self) -> bool:
        """Whether the volume views that are shown have their pictures."""
        return all(tile.is_drawn for tile in self.tiles)

    def close_views(self) -> None:
        """Give the volume views' renderers back."""
        for tile in self._tiles:
            tile.close_view()
