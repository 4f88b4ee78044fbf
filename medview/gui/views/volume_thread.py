"""The thread that owns VTK: it reduces volumes and draws them, the newest wish first."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from medview.core.errors import MedViewError
from medview.core.geometry import Geometry
from medview.core.volume import Volume
from medview.core.words import say
from medview.gui.views.volume_camera import Camera
from medview.gui.views.volume_presets import FULL, QUICK, presets
from medview.imaging.reduce import reduced

if TYPE_CHECKING:
    from medview.gui.views.volume_render import VolumeRenderer

_log = logging.getLogger("medview.gui.volume")


@dataclass(frozen=True, eq=False, kw_only=True)
class Wish:
    """What the view wants to see; number counts up, only the newest is drawn."""

    volume: Volume
    preset: int
    camera: Camera
    size: tuple[int, int]
    is_quick: bool
    number: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """A finished picture: pixels (height, width, 3), and the wish it answers."""

    pixels: NDArray[np.uint8]
    wish: Wish


@dataclass(eq=False)
class _Kept:
    """The volume that is drawn, its reduced copies by size, and what the renderer shows."""

    volume: Volume | None = None
    reductions: dict[int, tuple[NDArray[np.int16 | np.float32], Geometry]] = field(
        default_factory=dict
    )
    shown: tuple[int, int] | None = None

    def hold(self, volume: Volume | None) -> None:
        """Let everything of another volume go."""
        if volume is not self.volume:
            self.volume, self.reductions, self.shown = volume, {}, None


class VolumeThread(QObject):
    """Draws wishes one after the other; signals arrive queued in the view's thread."""

    drawn = Signal(object)
    failed = Signal(object)  # MedViewError

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._lock = threading.Condition()
        self._wish: Wish | None = None
        self._is_forgetting = False
        self._is_ended = False
        self._number = 0
        self._thread = threading.Thread(target=self._run, name="volume view", daemon=True)
        self._thread.start()

    def ask(self, wish: Wish) -> int:
        """Draw this next, in place of what waits; gives the wish's number."""
        with self._lock:
            self._number += 1
            self._wish = replace(wish, number=self._number)
            self._lock.notify()
            return self._number

    def forget(self) -> None:
        """Let the volume go: nothing of it is wanted any more."""
        with self._lock:
            self._wish, self._is_forgetting = None, True
            self._lock.notify()

    def end(self, timeout_s: float = 10.0) -> None:
        """Finish the picture that is being drawn and give VTK back."""
        with self._lock:
            self._is_ended = True
            self._wish = None
            self._lock.notify()
        self._thread.join(timeout_s)

    def _next(self, kept: _Kept) -> Wish | None:
        """The newest wish, None at the end; volumes are let go as soon as nobody wants them."""
        while True:
            with self._lock:
                self._lock.wait_for(
                    lambda: self._wish is not None or self._is_ended or self._is_forgetting
                )
                wish, self._wish = self._wish, None
                is_forgetting, self._is_forgetting = self._is_forgetting, False
            if is_forgetting:
                kept.hold(None)
            if self._is_ended or wish is not None:
                return None if self._is_ended else wish

    def _run(self) -> None:
        try:
            self._draw_wishes()
        except MedViewError as error:
            _log.warning("volume view refused", extra={"detail": error.detail})
            self._say(error)
        except Exception as error:  # noqa: BLE001 - the top of the thread: log, say, stay away
            _log.warning("volume view failed", extra={"kind": type(error).__name__})
            self._say(MedViewError(say("The volume view could not be drawn.")))

    def _say(self, error: MedViewError) -> None:
        if not self._is_ended:
            self.failed.emit(error)

    def _draw_wishes(self) -> None:
        from medview.gui.views.volume_render import VolumeRenderer

        renderer = VolumeRenderer()
        kept = _Kept()
        while (wish := self._next(kept)) is not None:
            kept.hold(wish.volume)
            self._prepare(renderer, kept, wish)
            pixels = renderer.draw(wish.camera, *wish.size)
            if not self._is_ended:
                self.drawn.emit(Drawn(pixels=pixels, wish=wish))
            del wish
        renderer.close()

    @staticmethod
    def _prepare(renderer: VolumeRenderer, kept: _Kept, wish: Wish) -> None:
        largest = QUICK if wish.is_quick else FULL
        if largest not in kept.reductions:
            kept.reductions[largest] = reduced(wish.volume, largest)
        if kept.shown != (largest, wish.preset):
            values, geometry = kept.reductions[largest]
            preset = presets(wish.volume, values)[wish.preset]
            renderer.show(values, geometry, preset, is_quick=wish.is_quick)
            kept.shown = (largest, wish.preset)
