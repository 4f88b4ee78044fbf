"""Surfaces of masks in the volume views: meshed beside the window's thread, saved as STL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from medview.core.progress import CancelToken
from medview.core.results import Label, LabelMap
from medview.core.words import Sentence, say, tr
from medview.gui.bridge import SessionBridge
from medview.gui.dialogs.files import ask_folder, ask_save
from medview.gui.views.tile import Tile
from medview.gui.views.volume_scene import Surface
from medview.imaging.stl import save_stl
from medview.imaging.surfaces import NoSurface, surface_of
from medview.session.events import Event, VolumeClosed, WorkChanged

if TYPE_CHECKING:
    from medview.gui.window import MainWindow

_AFTER_MS = 50  # by then the slice views show what is new


class SurfaceWork(QObject):
    """`tiles` gives the tiles with a volume, the one that a command means first."""

    progressed = Signal(int, int)

    def __init__(self, window: MainWindow, tiles: Callable[[], list[Tile]]) -> None:
        super().__init__(window)
        self._window = window
        self._grid = window.grid
        self._tiles = tiles
        self._cancel = CancelToken()
        self._made: dict[tuple[int, int], tuple[LabelMap, Surface]] = {}  # by map and label
        window.actions_.connect("volume.save_stl", self.save)
        window.actions_.connect("volume.save_stl_each", self.save_each)
        window.actions_.connect("models.cancel", self._stop)
        window.status.cancel_asked.connect(self._stop)
        self._grid.volume_view_made.connect(self._wire)
        self.progressed.connect(self._show_progress)
        SessionBridge(window.session, self).heard.connect(self._hear)

    def _wire(self, tile: Tile) -> None:
        if tile.volume_view is not None:
            tile.volume_view.commands.surfaces_asked.connect(partial(self._make_surfaces, tile))
            tile.volume_view.commands.save_asked.connect(self.save)

    def _hear(self, event: Event) -> None:
        if isinstance(event, WorkChanged):
            QTimer.singleShot(_AFTER_MS, self, self._refresh_surfaces)
        elif isinstance(event, VolumeClosed):
            QTimer.singleShot(_AFTER_MS, self, self._let_go)

    # -- surfaces ----------------------------------------------------------------------------

    def _wanted(self, tile: Tile) -> list[tuple[LabelMap, Label]]:
        """The labels that lie over the slices of a tile's stack and are not hidden."""
        beside = [t for t in self._grid.all_tiles if t.key == tile.key and t.view.stage.overlays]
        maps = beside[0].view.stage.overlays if beside else ()
        return [
            (each, label)
            for each in maps
            if isinstance(each, LabelMap)
            for label in each.labels
            if not label.hidden
        ]

    def _make_surfaces(self, tile: Tile) -> None:
        """Mesh what is not meshed yet, beside the window's thread, and show it."""
        wanted = self._wanted(tile)
        if not wanted:
            self._say(say("There is no mask with a surface here: run a model or draw one first."))
            return
        self._cancel, key = CancelToken(), tile.key

        async def action() -> None:
            try:
                for number, (label_map, label) in enumerate(wanted):
                    self.progressed.emit(number, len(wanted))
                    await self._window.operations.call(self._make, label_map, label, self._cancel)
                    self._cancel.check()
            finally:
                self.progressed.emit(0, 0)
            if tile.key == key:  # it may show another patient by now
                self._show(tile, wanted)
            else:
                self._let_go()

        self._window.operations.start(action())

    def _make(self, label_map: LabelMap, label: Label, cancel: CancelToken) -> None:
        """One surface; a label without voxels has none, and that is no failure. In a thread."""
        key = (id(label_map), label.value)
        if key in self._made:
            return
        try:
            mesh = surface_of(label_map, [label.value], cancel=cancel)
        except NoSurface:
            return
        surface = Surface(
            key=(label_map.id, label.value), name=label.name, colour=label.colour, mesh=mesh
        )
        self._made[key] = (label_map, surface)

    def _show(self, tile: Tile, wanted: Sequence[tuple[LabelMap, Label]]) -> None:
        if tile.volume_view is None or tile.volume_view.stage.volume is None:
            return
        known = ((id(label_map), label.value) for label_map, label in wanted)
        surfaces = tuple(self._made[key][1] for key in known if key in self._made)
        if not surfaces:
            self._say(say("There is no mask with a surface here: run a model or draw one first."))
        tile.volume_view.stage.show_beside(surfaces=surfaces, are_surfaces_shown=True)

    def _let_go(self) -> None:
        """Hold no surface of a mask that no view shows."""
        there = {id(label_map) for tile in self._grid.all_tiles
                 for label_map in tile.view.stage.overlays}  # fmt: skip
        self._made = {key: made for key, made in self._made.items() if key[0] in there}

    def _refresh_surfaces(self) -> None:
        """Masks came or went: surfaces that are shown follow, and what is gone is let go."""
        self._let_go()
        for tile in self._tiles():
            if tile.volume_view is None or not tile.volume_view.stage.extras.surfaces:
                continue
            if self._wanted(tile):
                self._make_surfaces(tile)
            else:
                tile.volume_view.stage.show_beside(surfaces=())

    # -- files -------------------------------------------------------------------------------

    def save(self, path: str = "") -> None:
        """Every surface that is shown, in one STL file."""
        surfaces = self._to_save()
        if not surfaces:
            return

        def write(target: Path) -> None:
            if target.suffix.lower() != ".stl":
                target = target.with_name(target.name + ".stl")
            self._write({target: surfaces})

        if path:
            write(Path(path))
        else:
            title = tr("Save surfaces as STL…")
            ask_save(self._window, title, "surfaces.stl", "STL (*.stl)", write)

    def save_each(self, folder: str = "") -> None:
        """Every surface that is shown, in an STL file of its own."""
        surfaces = self._to_save()
        if not surfaces:
            return

        def write(place: Path) -> None:
            names = _file_names(surfaces)
            pairs = zip(names, surfaces, strict=True)
            self._write({place / name: (each,) for name, each in pairs})

        if folder:
            write(Path(folder))
        else:
            ask_folder(self._window, tr("Save every surface as an STL of its own…"), write)

    def _to_save(self) -> tuple[Surface, ...]:
        tiles = self._tiles()
        view = tiles[0].volume_view if tiles else None
        shown = () if view is None else view.stage.extras.shown
        if not shown:
            self._say(say("No surface is shown: O in the volume view shows those of masks."))
        return shown

    def _write(self, files: dict[Path, tuple[Surface, ...]]) -> None:
        self._cancel = CancelToken()

        async def action() -> None:
            try:
                for number, (path, surfaces) in enumerate(files.items()):
                    self.progressed.emit(number, len(files))
                    self._cancel.check()
                    meshes = [surface.mesh for surface in surfaces]
                    await self._window.operations.call(save_stl, path, meshes)
            finally:
                self.progressed.emit(0, 0)
            self._say(
                say("Saved as STL, in millimetres of the patient (LPS): {count}.", count=len(files))
            )

        self._window.operations.start(action())

    def _say(self, sentence: Sentence) -> None:
        self._window.reactions.say(sentence)

    def _stop(self) -> None:
        self._cancel.cancel()

    def _show_progress(self, done: int, total: int) -> None:
        self._window.status.show_progress(tr("Surfaces") if total else "", done, total)


def _file_names(surfaces: Sequence[Surface]) -> list[str]:
    """A file name for each surface, by its label; no two the same."""
    names: list[str] = []
    for surface in surfaces:
        letters = [c if c.isalnum() or c in " -_" else "_" for c in surface.name]
        stem = "".join(letters).strip()[:60] or "surface"
        name, number = f"{stem}.stl", 2
        while name.casefold() in (each.casefold() for each in names):
            name, number = f"{stem} {number}.stl", number + 1
        names.append(name)
    return names
