"""Fusion in the window: which series lies over which, how, and why one does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QCursor
from PySide6.QtWidgets import QMenu, QVBoxLayout

from medview.core.codec import from_plain
from medview.core.errors import InvalidInput
from medview.core.layout import UpperState
from medview.core.progress import CancelToken
from medview.core.words import Sentence, say, tr
from medview.gui.bridge import SessionBridge
from medview.gui.panels.fusion_bar import FusionBar
from medview.gui.views.tile import Tile
from medview.imaging.fusion import MAPS, UpperLayer, upper_layer
from medview.imaging.units import in_unit
from medview.session.events import Event, HoldingsChanged, LinksChanged, VolumeClosed
from medview.session.places import Key, Place

if TYPE_CHECKING:
    from medview.gui.window import MainWindow

_STEP = 0.05  # of the share a key
_Where = tuple[Key, int | None]  # the lower stack; its tile, None for every view of it
_OVER = ("PT", "NM", "MR", "CT")  # what is offered first to lie over another


@dataclass(eq=False)
class _Fused:
    """One series over another; layer: None until its voxels are there."""

    upper: Key
    blend: float = 0.5
    colour_map: str = ""
    layer: UpperLayer | None = None
    said: Sentence | None = None  # why it does not lie there


class FusionWork(QObject):
    """Lays series over others, in every view of the lower one. `fuse` is the front door."""

    progressed = Signal(int, int)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._grid = window.grid
        self._fused: dict[_Where, _Fused] = {}
        self._cancel = CancelToken()
        self.progressed.connect(self._show_progress)
        self.bar = FusionBar(window.actions_, window)
        centre = window.centralWidget()
        column = None if centre is None else centre.layout()
        if isinstance(column, QVBoxLayout):
            column.insertWidget(column.count() - 1, self.bar)
        self.bar.changed.connect(self._change)
        self.bar.closed.connect(self.end)
        self.bar.register_asked.connect(self._register)
        window.showing.shown.connect(lambda _key: self.show())
        self._grid.wants_changed.connect(self.show)
        self._grid.upper_changed.connect(self._change)
        self._grid.active_changed.connect(lambda _tile: self.show())
        SessionBridge(self._session, self).heard.connect(self._hear)
        self._connect_actions()

    def _connect_actions(self) -> None:
        on = self._window.actions_.connect
        on("fusion.fuse", self.ask)
        on("fusion.end", self.end)
        on("fusion.more", partial(self._fade, _STEP))
        on("fusion.less", partial(self._fade, -_STEP))
        on("fusion.next_map", self._next_map)
        on("fusion.lay", self._lay)
        on("fusion.stand", self._stand)
        on("fusion.window", self._take_window)
        on("fusion.measure", self._take_measures)
        on("models.cancel", self.cancel)
        self._window.status.cancel_asked.connect(self.cancel)

    # -- the front door ------------------------------------------------------------------

    def fuse(
        self,
        base: Key,
        upper: Key,
        blend: float = 0.5,
        colour_map: str = "",
        tile: int | None = None,
    ) -> None:
        """Lay the stack `upper` over `base`, in every view that shows it or in one tile alone.

        It comes when its voxels are there. Refused with a sentence where the two share no frame
        of reference and no registration joins them, or where one of them has no place in space.
        colour_map: one of `imaging.fusion.MAPS`, "" for that of its modality.
        """
        fused = _Fused(upper, blend, colour_map)
        self._fused[base, tile] = fused
        self._bring((base, tile), fused)

    def end(self) -> None:
        """Take away what lies over the active tile's stack."""
        where = self._active_place()
        if where is not None:
            self._fused.pop(where, None)
        self.show()

    def set_unit(self, upper: Key, unit: str) -> None:
        """Show a PET that lies over others in an SUV, as its own views do; its window stays."""
        for fused in self._fused.values():
            layer = fused.layer
            if fused.upper != upper or layer is None:
                continue
            volume, stack = in_unit(layer.volume, layer.stack, unit)
            factor = volume.slope / layer.volume.slope
            threshold = None if layer.threshold is None else layer.threshold * factor
            fused.layer = replace(layer, volume=volume, stack=stack, threshold=threshold)
        self.show()

    def clear(self) -> None:
        """Take away whatever lies over any stack: the study is hung anew."""
        self._fused.clear()
        self.show()

    def candidates(self, base: Key) -> list[Place]:
        """The stacks of the same patient that can lie over one, the likeliest first.

        Of the same study and frame of reference first, PET before others.
        """
        lower = self._session.studies.place(base)
        if lower is None or not _is_in_space(lower):
            return []
        found = [
            place
            for place in self._session.studies.places()
            if place.key != base and place.is_of_patient_with(lower) and _is_in_space(place)
        ]
        return sorted(found, key=partial(_rank, lower))

    # -- how it gets there -----------------------------------------------------------------

    def _bring(self, where: _Where, fused: _Fused) -> None:
        lower, upper = (self._session.studies.place(key) for key in (where[0], fused.upper))
        if lower is None or upper is None:
            self._fused.pop(where, None)
            return
        fused.layer, fused.said = None, self._refusal(lower, upper)
        self.show()
        if fused.said is not None:
            self._window.reactions.say(fused.said, "warn")
            return

        async def action() -> None:
            opened = await self._window.operations.call(self._session.studies.load, upper)
            link = self._session.links.between(lower, upper)
            if self._fused.get(where) is not fused or link is None:
                return
            is_one_space = link.fixed.speaks_for(link.moving)
            layer = upper_layer(opened.volume, upper.stack, None if is_one_space else link.array)
            layer = replace(layer, key=upper.key).with_blend(fused.blend)
            if fused.colour_map in MAPS:
                layer = replace(layer, colour_map=fused.colour_map)
            fused.layer = layer
            self.show()

        self._keep_in_memory()
        self._window.operations.start(action())

    def _refusal(self, lower: Place, upper: Place) -> Sentence | None:
        if not (_is_in_space(lower) and _is_in_space(upper)):
            return say("Only series whose slices have places in the patient can be fused.")
        if self._session.links.between(lower, upper) is None:
            return say(
                "{upper} is in another frame of reference than {lower}: its place is not known.",
                upper=_name(upper),
                lower=_name(lower),
            )
        return None

    def _keep_in_memory(self) -> None:
        shown = {tile.key for tile in self._grid.tiles}
        found = ((where[0], fused) for where, fused in self._fused.items())
        uppers = (fused.upper for key, fused in found if key in shown and fused.said is None)
        beside = frozenset(uppers)
        if beside != self._window.showing.beside:
            self._window.showing.beside = beside
            self._session.studies.volumes.pin([*self._grid.wanted, *beside])

    def show(self) -> None:
        """Bring every view and the bar to what is fused."""
        self._keep_in_memory()
        for tile in self._grid.all_tiles:
            where = self._place_in(tile)
            fused = None if where is None else self._fused[where]
            layer = None if fused is None else fused.layer
            stage = tile.view.stage
            if stage.shown is not None and stage.upper is not layer:
                stage.lay_over(layer)
        self._show_bar()

    def _show_bar(self) -> None:
        fused = self._of_active()
        if fused is None:
            self.bar.show_nothing()
        elif fused.said is not None:
            self.bar.show_refusal(fused.said)
        elif fused.layer is not None:
            upper = self._session.studies.place(fused.upper)
            self.bar.show_layer("" if upper is None else _name(upper), fused.layer)
            self._show_switches(fused.layer)

    def _show_switches(self, layer: UpperLayer) -> None:
        """The switches stand as the layer does, without turning it once more."""
        for name, on in (("window", layer.takes_window), ("measure", layer.takes_measures)):
            action = self._window.actions_[f"fusion.{name}"]
            if action.isChecked() != on:
                action.setChecked(on)

    def _place_in(self, tile: Tile) -> _Where | None:
        """Which fusion a tile shows: its own, else that of its stack."""
        if tile.key is None:
            return None
        ways = ((tile.key, tile.number), (tile.key, None))
        return next((where for where in ways if where in self._fused), None)

    def _active_place(self) -> _Where | None:
        return self._place_in(self._grid.active_tile)

    def _of_active(self) -> _Fused | None:
        where = self._active_place()
        return None if where is None else self._fused[where]

    def _hear(self, event: Event) -> None:
        if isinstance(event, VolumeClosed):
            gone = (event.series_uid, event.stack)
            for fused in self._fused.values():
                if fused.upper == gone:
                    fused.layer = None
        elif isinstance(event, LinksChanged):
            for where, fused in list(self._fused.items()):
                if fused.said is not None:
                    self._bring(where, fused)
        elif isinstance(event, HoldingsChanged):
            there = {place.key for place in self._session.studies.places()}
            self._fused = {
                where: fused
                for where, fused in self._fused.items()
                if where[0] in there and fused.upper in there
            }
        else:
            return
        self.show()

    # -- what the reader does --------------------------------------------------------------

    def ask(self) -> None:
        """Offer what can lie over the active series."""
        menu = QMenu(self._window)
        menu.addActions(list(self.offers(menu)))
        if menu.isEmpty():
            said = say("There is no other series of this patient to lay over this one.")
            self._window.reactions.say(said)
            return
        view = self._grid.active_view  # asked by keys the mouse may lie anywhere
        pointer = QCursor.pos()
        is_over = view.rect().contains(view.mapFromGlobal(pointer))
        menu.popup(pointer if is_over else view.mapToGlobal(view.rect().center()))

    def offers(self, parent: QObject) -> Iterator[QAction]:
        """An action for each candidate of the active series."""
        base = self._grid.active_tile.key
        if base is None:
            return
        for place in self.candidates(base):
            action = QAction(_name(place), parent)
            action.triggered.connect(partial(self._take, base, place.key))
            yield action

    def _take(self, base: Key, upper: Key) -> None:
        names = {"lower": _words_of(base), "upper": _words_of(upper)}
        self._window.actions_.perform("fusion.lay", **names)  # so that a script can repeat it

    def _lay(self, lower: str, upper: str, blend: float = 0.5) -> None:
        """For scripts: series by UID, with #NUMBER for another stack than the first."""
        self.fuse(_key_named(lower), _key_named(upper), blend)

    @property
    def standing(self) -> tuple[UpperState, ...]:
        """What lies over whole stacks now, and how."""
        return tuple(
            UpperState(
                lower=base, upper=fused.upper, blend=fused.layer.blend,
                colours=fused.layer.colour_map, level=fused.layer.window.center,
                width=fused.layer.window.width, threshold=fused.layer.threshold,
            )
            for (base, tile), fused in self._fused.items()
            if tile is None and fused.layer is not None
        )  # fmt: skip

    def _stand(self, state: object) -> None:
        """For scripts: how a series lies that lies there already."""
        try:
            wish = from_plain(UpperState, state if isinstance(state, dict) else None)
        except ValueError as error:
            raise InvalidInput(say("This is no state of a view.")) from error
        fused = self._fused.get((wish.lower, None))
        if fused is None or fused.layer is None or fused.upper != wish.upper:
            raise InvalidInput(say("This series does not lie over the other."))
        if wish.colours not in MAPS or not wish.width > 0:
            raise InvalidInput(say("This is no state of a view."))
        window = replace(fused.layer.window, center=wish.level, width=wish.width)
        layer = replace(
            fused.layer, window=window, colour_map=wish.colours, threshold=wish.threshold
        )
        fused.layer = layer.with_blend(wish.blend)
        self.show()

    def _change(self, layer: UpperLayer) -> None:
        fused = self._of_active()
        if fused is not None and fused.layer is not None:
            fused.layer = layer
            self.show()

    def _fade(self, step: float) -> None:
        fused = self._of_active()
        if fused is None or fused.layer is None:
            self._window.reactions.say(say("Nothing lies over the active view (Ctrl+F)."))
            return
        self._change(fused.layer.with_blend(fused.layer.blend + step))

    def _next_map(self) -> None:
        fused = self._of_active()
        if fused is not None and fused.layer is not None:
            at = MAPS.index(fused.layer.colour_map) if fused.layer.colour_map in MAPS else -1
            self._change(replace(fused.layer, colour_map=MAPS[(at + 1) % len(MAPS)]))

    def _take_window(self, on: bool) -> None:
        fused = self._of_active()
        if fused is not None and fused.layer is not None:
            self._change(replace(fused.layer, takes_window=on))

    def _take_measures(self, on: bool) -> None:
        """What is drawn is measured on the upper series' own voxels, where both share a space."""
        fused = self._of_active()
        if fused is None or fused.layer is None:
            return
        if on and fused.layer.to_upper is not None:
            self._window.reactions.say(
                say("A registered series is measured in a view of its own."), "warn"
            )
            self._window.actions_["fusion.measure"].setChecked(False)
            return
        self._change(replace(fused.layer, takes_measures=on))

    def _register(self) -> None:
        """Find by the images how the two lie to each other; then they are fused."""
        from medview.session.links import register_places, said_of

        base, fused = self._grid.active_tile.key, self._of_active()
        if base is None or fused is None:
            return
        lower, upper = (self._session.studies.place(key) for key in (base, fused.upper))
        if lower is None or upper is None:
            return
        book = self._session.made.book_of(lower)  # the reader may turn to somebody else

        async def action() -> None:
            self.progressed.emit(0, 0)
            try:
                found = await self._window.operations.call(
                    register_places, self._session.studies, lower, upper, self._report, self._cancel
                )
            finally:
                self.progressed.emit(-1, 0)
            self._session.links.keep(found, book)
            self._window.reactions.say(said_of(found))

        self._cancel = CancelToken()
        self._window.operations.start(action())

    def _report(self, done: int, total: int, _what: str) -> None:
        self.progressed.emit(done, total)

    def _show_progress(self, done: int, total: int) -> None:
        self._window.status.show_progress(tr("Registering") if done >= 0 else "", done, total)

    def cancel(self) -> None:
        """Stop registering."""
        self._cancel.cancel()


def _is_in_space(place: Place) -> bool:
    stack = place.stack
    is_grey = not stack.photometric or stack.photometric.startswith("MONOCHROME")
    return stack.is_in_space and is_grey


def _rank(lower: Place, place: Place) -> tuple[bool, bool, int, int]:
    own = place.stack.frame_of_reference_uid
    modality = place.series.modality
    return (
        place.study.uid != lower.study.uid,
        not own or own != lower.stack.frame_of_reference_uid,
        _OVER.index(modality) if modality in _OVER else len(_OVER),
        place.series.number or 0,
    )


def _name(place: Place) -> str:
    """A series as the studies panel names it: number, description, modality, date."""
    series = place.series
    number = "" if series.number is None else f"{series.number}"
    words = (series.modality, number, series.description or tr("Series"), place.study.date)
    return " ".join(word for word in words if word)


def _words_of(key: Key) -> str:
    uid, number = key
    return f"{uid}#{number}" if number else uid


def _key_named(words: str) -> Key:
    uid, _, number = words.partition("#")
    return uid, int(number) if number.isdigit() else 0
