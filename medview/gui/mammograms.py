"""Mammograms in the tiles: each as it hangs, chest walls touching, one scale for all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer

from medview.gui.views.tile import Tile
from medview.imaging.projections import (
    Pose,
    common_scale,
    is_mammogram,
    mammography_pose,
)

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


class Mammograms(QObject):
    """Watches what the tiles show; what the reader turns stays turned until another film comes."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._grid = window.grid
        self._posed: dict[int, object] = {}  # by tile: the film that was posed last
        window.showing.shown.connect(lambda _key: self.see_to_all())
        self._grid.wants_changed.connect(self.see_to_all)
        self._grid.layout_changed.connect(lambda _name: self.see_to_all())
        self._late = QTimer(self, singleShot=True, interval=0)  # after all tiles have their size
        self._late.timeout.connect(self.see_to_all)
        self._grid.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tiles of another size have another scale in common."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._late.start()
        return super().eventFilter(watched, event)

    def see_to_all(self) -> None:
        """Pose the films that are new, and give all of them one scale and their edges."""
        poses = {tile: pose for tile in self._grid.tiles if (pose := _pose_in(tile)) is not None}
        sizes = [_size_mm(tile, pose) for tile, pose in poses.items()]
        is_beside = len(poses) > 1
        fit = common_scale(sizes, [tile.view.stage.size for tile in poses]) if is_beside else None
        for tile, pose in poses.items():
            stage = tile.view.stage
            state = stage.state
            if self._posed.get(tile.number) is not stage.shown:
                self._posed[tile.number] = stage.shown
                state = replace(state, flip_h=pose.flip_h, flip_v=pose.flip_v, turns=pose.turns)
            state = replace(state, edge=pose.edge if is_beside else "", fit=fit)
            if state != stage.state:
                stage.change(state)


def _pose_in(tile: Tile) -> Pose | None:
    shown = tile.view.stage.shown
    if shown is None or not is_mammogram(shown.series.modality, shown.stack):
        return None
    projection = shown.stack.projection
    return None if projection is None else mammography_pose(projection)


def _size_mm(tile: Tile, pose: Pose) -> tuple[float, float]:
    """Width and height of a film as it stands."""
    plane = tile.view.stage.plane
    if plane is None:
        return (1.0, 1.0)
    rows, columns = plane.shape
    across, down = plane.in_plane[0, 0], plane.in_plane[1, 1]
    width, height = float(columns * across), float(rows * down)
    return (height, width) if pose.turns % 2 else (width, height)
