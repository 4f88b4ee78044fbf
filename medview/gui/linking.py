"""What views share: the place in the patient, the window, zoom, and lines of reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal

from medview.core.geometry import FloatArray, PatientPoint
from medview.core.words import tr
from medview.gui.views.corners import figure
from medview.gui.views.reference_lines import ReferenceLine
from medview.gui.views.state import centred, middle_point
from medview.gui.views.tile import Tile
from medview.imaging.linked import (
    along_normal,
    are_near_parallel,
    carried,
    cut_line,
    is_inside,
    is_scroll,
    off_by,
    onto_plane,
    scrolled,
    within_slice,
)
from medview.imaging.mpr import Mpr
from medview.imaging.slice_plane import SlicePlane
from medview.imaging.window import Window
from medview.session.offsets import Offsets
from medview.session.studies import Place

_SAME = np.eye(4)
_PHYSICAL = ("HU", "SUV")  # units in which one window means the same in every series


@dataclass(frozen=True, eq=False)
class Tie:
    """How places of one tile answer to places of another.

    matrix: (4, 4) LPS to LPS. shares_space: whether that holds for every place, and not only for
    the slices that the reader linked. words: what a badge says of it, "" for one space.
    """

    matrix: FloatArray
    shares_space: bool = True
    words: str = ""


@dataclass(slots=True)
class Switches:
    """What the reader lets views share. Tiles of one stack share their place in any case."""

    scroll: bool = True
    zoom: bool = False
    window: bool = True
    lines: bool = True


class Linking(QObject):
    """Tells tiles what one of them did: by patient millimetres, never by slice numbers.

    `registered` gives the map between two stacks of different frames of reference, or None;
    `residual` the millimetres that this leaves, None where nobody knows.
    """

    moved = Signal(object, object)  # Tile that followed another, PatientPoint
    turned = Signal()  # planes were turned or thickened

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.switches = Switches()
        self.offsets = Offsets()
        self.registered: Callable[[Place, Place], FloatArray | None] = lambda _one, _other: None
        self.residual: Callable[[Place, Place], float | None] = lambda _one, _other: None
        self._tiles: list[Tile] = []
        self._active: Tile | None = None
        self._places: dict[Tile, PatientPoint] = {}  # where each tile stood last
        self._zooms: dict[Tile, tuple[object, ...]] = {}

    def join(self, tile: Tile) -> None:
        """A tile takes part from now on."""
        self._tiles.append(tile)
        tile.view.crosshair_moved.connect(partial(self._follow, tile))
        tile.view.window_changed.connect(partial(self._share_window, tile))
        tile.view.stage.mpr_changed.connect(partial(self._share_planes, tile))
        tile.view.stage.repaint_wanted.connect(partial(self._share_zoom, tile))

    def leave(self, tile: Tile) -> None:
        """A tile is going."""
        self._tiles.remove(tile)
        self._places.pop(tile, None)
        self._zooms.pop(tile, None)
        if self._active is tile:
            self._active = None

    def turn_to(self, tile: Tile) -> None:
        """A tile is the active one: its slices are the lines in the others."""
        self._active = tile
        self.show_lines()

    # -- how two tiles answer to each other ------------------------------------------------

    def tie(self, one: Tile, other: Tile) -> Tie | None:
        """How places of one tile answer to the other's, None where nothing says so."""
        if one.opened is None or other.opened is None:
            return None
        if one.key == other.key:
            return Tie(_SAME)
        here, there = one.opened.place, other.opened.place
        by_hand = self.offsets.between(here.key, there.key)
        if by_hand is not None:
            normal, millimetres = by_hand
            words = tr("Linked by hand: {offset} mm", offset=_signed(millimetres))
            return Tie(along_normal(np.array(normal), millimetres), False, words)
        frame = here.stack.frame_of_reference_uid
        if frame and frame == there.stack.frame_of_reference_uid:
            return Tie(_SAME) if here.is_of_patient_with(there) else None
        matrix = self.registered(here, there)
        if matrix is None:
            return None
        left = self.residual(here, there)
        words = (
            tr("Registered")
            if left is None
            else tr("Registered, details {mm} mm apart", mm=f"{left:.1f}")
        )
        return Tie(matrix, True, words)

    def link_here(self, tile: Tile) -> int:
        """The slices that are shown now belong together; how many other stacks were linked.

        Tiles whose slices lean too much to those of `tile` stay out.
        """
        plane = _spatial(tile)
        if plane is None or tile.key is None:
            return 0
        normal = plane.normal_vector
        places = {tile.key: _along(tile, normal)}
        for other in self._shown():
            their = _spatial(other)
            if other.key is None or other.key in places or their is None:
                continue
            if are_near_parallel(plane, their, _SAME):
                places[other.key] = _along(other, normal)
        if len(places) > 1:
            x, y, z = (float(part) for part in normal)
            self.offsets = self.offsets.linked((x, y, z), places)
            self.show_lines()
        return len(places) - 1

    def unlink(self, tile: Tile) -> bool:
        """Take the link by hand of a tile's stack back; whether there was one."""
        before = self.offsets
        self.offsets = before.without([] if tile.key is None else [tile.key])
        self.show_lines()
        return self.offsets != before

    # -- the place in the patient ------------------------------------------------------------

    def go_to(self, tile: Tile, point: PatientPoint) -> None:
        """Show a place of a tile's stack in all tiles that share its space."""
        for other in self._tiles:
            if other.key == tile.key:
                other.view.go_to(point)
        self._carry(tile, point, is_pointed=True)

    def meet(self) -> None:
        """Other links hold now: every view that can goes to the active one's place."""
        active = self._active
        if active is not None and _spatial(active) is not None:
            self._carry(active, active.view.stage.state.point, is_pointed=True)

    def took(self, tile: Tile, *, is_free: bool) -> None:
        """A tile shows another stack; where it is free to, it goes to the active one's place."""
        active = self._active if is_free else None
        stood = tile.view.stage.state
        self._places[tile], self._zooms[tile] = stood.point, (stood.zoom, stood.pan)
        if active is not None and tile.key != active.key and _spatial(active) is not None:
            self._lead(active, [tile], active.view.stage.state.point, is_pointed=True)
        elif active is not None and tile is not active and active.opened is not None:
            tile.view.set_crosshair(active.view.stage.state.point)
        self.show_lines()

    def _follow(self, tile: Tile, point: PatientPoint) -> None:
        plane, before = tile.view.stage.plane, self._places.get(tile)
        is_pointed = plane is None or before is None or not is_scroll(plane, before, point)
        for other in self._tiles:
            if other.key == tile.key:
                other.view.set_crosshair(point)
                self._places[other] = point
        self._carry(tile, point, is_pointed=is_pointed)

    def _carry(self, tile: Tile, point: PatientPoint, *, is_pointed: bool) -> None:
        """Have the tiles of other stacks follow, and draw the lines."""
        if self.switches.scroll and _spatial(tile) is not None:
            stacks: dict[object, list[Tile]] = {}
            for other in self._shown():
                if other.key != tile.key and _spatial(other) is not None:
                    stacks.setdefault(other.key, []).append(other)
            for tiles in stacks.values():
                self._lead(tile, tiles, point, is_pointed=is_pointed)
        if tile is self._active:
            self.show_lines()

    def _lead(
        self, leader: Tile, tiles: list[Tile], point: PatientPoint, *, is_pointed: bool
    ) -> None:
        """The tiles of one stack follow: to a place that was pointed at where it lies in them.

        Else by their slices alone, and only those that lean little to the leader's; planes across
        keep their slice.
        """
        tie, plane = self.tie(leader, tiles[0]), _spatial(leader)
        planes = [_spatial(tile) for tile in tiles]
        if tie is None or plane is None or planes[0] is None or not self.switches.scroll:
            return
        near = (each for each in planes if each and are_near_parallel(plane, each, tie.matrix))
        own, target = tiles[0].view.stage.state.point, carried(tie.matrix, point)
        beside = onto_plane(own, target, tie.matrix[:3, :3] @ plane.normal_vector)
        parallel = next(near, None)
        if is_pointed and tie.shares_space and is_inside(planes[0], target):
            goals = [target] * len(tiles)
        elif parallel is not None:
            goals = [scrolled(parallel, own, beside)] * len(tiles)
        elif tie.shares_space:
            goals = [within_slice(each or planes[0], own, beside) for each in planes]
        else:
            return
        for tile, goal in zip(tiles, goals, strict=True):
            if goal != self._places.get(tile):
                self._places[tile] = goal
                tile.view.set_crosshair(goal)
                self.moved.emit(tile, goal)

    # -- window, zoom, lines -----------------------------------------------------------------

    def _share_window(self, tile: Tile, window: Window) -> None:
        for other in self._tiles:
            if other is not tile and self._shares_window(tile, other):
                other.view.set_window(window)

    def _shares_window(self, tile: Tile, other: Tile) -> bool:
        """Planes of one stack do; two views of one plane, and other stacks, where it is linked."""
        one, two = tile.view.stage.shown, other.view.stage.shown
        if one is None or two is None:
            return False
        if tile.key == other.key:
            return tile.plane != other.plane or self.switches.window
        if not self.switches.window or one.volume.modality != two.volume.modality:
            return False
        unit = one.volume.unit
        is_same_kind = unit == two.volume.unit and unit.startswith(_PHYSICAL)
        return is_same_kind and _of_one_patient(tile, other)

    def _share_planes(self, tile: Tile, mpr: Mpr) -> None:
        """Tiles of one stack turn and thicken their planes together."""
        for other in self._tiles:
            if other.key == tile.key:
                other.view.stage.place(mpr=mpr)
        self.turned.emit()
        if tile is self._active:
            self.show_lines()

    def _share_zoom(self, tile: Tile) -> None:
        stage = tile.view.stage
        now = (stage.state.zoom, stage.state.pan)
        before, self._zooms[tile] = self._zooms.get(tile), now
        if before in (None, now) or not self.switches.zoom or stage.plane is None:
            return
        where = stage.map()
        for other in self._shown():
            if other is not tile and _is_same_kind(tile, other):
                self._zoom(other, tile, where.scale)

    def _zoom(self, tile: Tile, leader: Tile, scale: float) -> None:
        """The same millimetres on the screen, and the same place in the middle where one knows."""
        stage, led = tile.view.stage, leader.view.stage
        tie = self.tie(leader, tile)
        point = None
        if tie is not None and tie.shares_space and led.plane is not None:
            point = carried(tie.matrix, middle_point(led.plane, led.state, led.size))
        if stage.plane is None:
            return
        state = centred(stage.plane, stage.state, stage.size, scale, point)
        self._zooms[tile] = (state.zoom, state.pan)
        stage.change(state)

    def show_lines(self) -> None:
        """Where the active tile's slices cut the others, and how these are linked to it."""
        active = self._active
        for tile in self._tiles:
            if tile.isHidden():
                continue
            lines: tuple[ReferenceLine, ...] = ()
            tie = None if active is None or active is tile else self.tie(active, tile)
            if active is not None and tie is not None and active.key != tile.key:
                lines = _lines(active, tile, tie) if self.switches.lines else ()
            tile.view.set_reference(lines, "" if active is None else _said(active, tile, tie))

    def _shown(self) -> Iterator[Tile]:
        return (tile for tile in self._tiles if not tile.isHidden() and tile.opened is not None)


def _spatial(tile: Tile) -> SlicePlane | None:
    """The plane of a tile whose slices lie in the patient, else None."""
    stage = tile.view.stage
    if stage.shown is None or stage.plane is None or not stage.shown.volume.geometry.is_spatial:
        return None
    return stage.plane if stage.plane.is_flat else None


def _along(tile: Tile, normal: FloatArray) -> float:
    return float(np.array(tile.view.stage.state.point) @ normal)


def _of_one_patient(one: Tile, other: Tile) -> bool:
    if one.opened is None or other.opened is None:
        return False
    return one.opened.place.is_of_patient_with(other.opened.place)


def _is_same_kind(one: Tile, other: Tile) -> bool:
    """Whether two tiles show planes of one name and modality."""
    here, there = one.view.stage, other.view.stage
    if here.shown is None or there.shown is None or here.plane is None or there.plane is None:
        return False
    is_kind = here.shown.volume.modality == there.shown.volume.modality
    return is_kind and here.plane.name == there.plane.name


def _lines(one: Tile, other: Tile, tie: Tie) -> tuple[ReferenceLine, ...]:
    plane, their = _spatial(one), _spatial(other)
    if plane is None or their is None or are_near_parallel(plane, their, tie.matrix):
        return ()  # the same cut, a little tilted by a registration, says nothing as a line
    index, at = one.view.stage.index, other.view.stage.index
    wanted = dict.fromkeys((0, plane.count - 1), True) | {index: False}
    found = []
    for number, is_edge in wanted.items():
        ends = cut_line(plane, number, their, at, tie.matrix)
        if ends is not None:
            found.append(ReferenceLine(ends, plane.name, is_edge))
    return tuple(found)


def _said(active: Tile, tile: Tile, tie: Tie | None) -> str:
    """How a tile is linked to the active one, what parts them, and by how much."""
    if active.opened is None or tile.opened is None or active.key == tile.key:
        return ""
    words = [] if _of_one_patient(active, tile) else [tr("Another patient")]
    plane, their = _spatial(active), _spatial(tile)
    if tie is None or active is tile:
        return " · ".join(words)
    words.append(tie.words)
    if plane is not None and their is not None and are_near_parallel(plane, their, tie.matrix):
        here, there = active.view.stage.state.point, tile.view.stage.state.point
        apart = off_by(plane, here, their, there, tie.matrix)
        if apart:
            words.append(tr("Another place: {distance} mm away", distance=f"{apart:.0f}"))
    return " · ".join(filter(None, words))


def _signed(millimetres: float) -> str:
    return ("+" if millimetres >= 0 else "") + figure(millimetres, 1)
