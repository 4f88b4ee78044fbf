"""Key images in the window: mark what is shown, go from one to the next, show only them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medview.core.geometry import PatientPoint
from medview.core.words import Sentence, say
from medview.gui.views.stage import SliceStage
from medview.session import measures

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


class KeyImagesWork(QObject):
    """K marks; N and Shift+N go on and back; a switch lets scrolling stop at key images alone."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._is_stepping = False
        self._last = 0  # the slice that was shown before this one
        on = window.actions_.connect
        on("measure.key_image", self._toggle)
        on("measure.next_key", partial(self._step, 1))
        on("measure.previous_key", partial(self._step, -1))
        on("measure.only_keys", self._only)
        window.grid.looked_at.connect(self._looked_at)

    def _toggle(self) -> None:
        """The slice that is shown becomes a key image, or is one no longer."""
        stage = self._window.grid.active_view.stage
        book, shown, plane = self._session.book, stage.shown, stage.plane
        if book is None or shown is None or plane is None:
            self._say(say("Open a study first."))
            return
        if not plane.is_native:
            self._say(
                say("Key images are acquired images: mark one where the series is shown as stored.")
            )
            return
        picture = measures.picture_of(shown.series, shown.stack, stage.index)
        if not picture.sop_uid:
            self._say(say("This image carries no UID of its own, so nothing can refer to it."))
            return
        is_one = measures.toggle_key(book, picture)
        self._window.reactions.say(
            say("Marked as a key image.") if is_one else say("No longer a key image.")
        )

    def _step(self, steps: int) -> None:
        """The next key image as the slices are read; from the last one to the first."""
        stage = self._window.grid.active_view.stage
        target = _neighbour(stage, steps, is_round=True)
        if target is None:
            self._say(say("This series has no key image yet: K marks the one that is shown."))
        else:
            self._show(stage, target)

    def _only(self, on: bool) -> None:
        stage = self._window.grid.active_view.stage
        if on and not stage.measuring.key_slices:
            self._say(say("This series has no key image yet: K marks the one that is shown."))
        elif on:
            self._looked_at(stage.state.point)

    def _looked_at(self, _point: PatientPoint) -> None:
        """Where only key images are shown, a scroll goes on to the next one of them."""
        stage = self._window.grid.active_view.stage
        keys, plane = stage.measuring.key_slices, stage.plane
        is_wanted = self._window.actions_["measure.only_keys"].isChecked()
        if not is_wanted or self._is_stepping or plane is None or not plane.is_native or not keys:
            self._last = stage.index if plane is not None else 0
            return
        if stage.index in keys:
            self._last = stage.index
            return
        way = 1 if (stage.index - self._last) * plane.reading_step >= 0 else -1
        target = _neighbour(stage, way, is_round=False)
        self._show(stage, target if target is not None else _neighbour(stage, -way, is_round=False))

    def _show(self, stage: SliceStage, target: int | None) -> None:
        plane = stage.plane
        if target is None or plane is None:
            return
        self._is_stepping = True
        stage.scroll((target - stage.index) * plane.reading_step)
        self._is_stepping = False
        self._last = target

    def _say(self, sentence: Sentence) -> None:
        self._window.reactions.say(sentence, "warn")


def _neighbour(stage: SliceStage, steps: int, *, is_round: bool) -> int | None:
    """The next key slice as they are read (steps 1 or -1), None where there is none."""
    plane, keys = stage.plane, stage.measuring.key_slices
    if plane is None or not plane.is_native or not keys:
        return None
    way = steps * plane.reading_step
    ordered = sorted(keys) if way > 0 else sorted(keys, reverse=True)
    ahead = [k for k in ordered if (k - stage.index) * way > 0]
    if ahead:
        return ahead[0]
    return ordered[0] if is_round else None
