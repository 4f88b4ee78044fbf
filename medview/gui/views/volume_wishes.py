"""What the view wants drawn, and what comes back; the list between its thread and VTK's."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import Cancelled
from medview.core.volume import Volume
from medview.gui.views.volume_camera import Camera
from medview.gui.views.volume_scene import Scene
from medview.imaging.looks import Scale

Detail = Literal["quick", "fine", "whole"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Wish:
    """What the view wants to see; number counts up, only the newest is drawn.

    scene: None asks for what the volume holds (`Prepared`) alone. pick: a pixel of the picture
    whose place in the patient is wanted instead of a picture. detail: quick while something
    moves, fine at rest, whole (every voxel, where memory has room) after a longer rest.
    """

    volume: Volume
    scene: Scene | None = None
    camera: Camera = field(default_factory=Camera)
    size: tuple[int, int] = (16, 16)
    detail: Detail = "quick"
    pick: tuple[float, float] | None = None
    number: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """What is known of a volume before it is drawn.

    span: the values of an axis that shows it all; counts: (n,) heights of its histogram there.
    """

    volume: Volume
    scale: Scale
    span: tuple[float, float]
    counts: NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """A finished picture: pixels (height, width, 3), and the wish it answers.

    is_reduced: it is the finest that this machine draws, and not of all voxels. is_finest: a
    longer rest brings nothing better. path: what drew it, empty for the processor.
    """

    pixels: NDArray[np.uint8]
    wish: Wish
    is_reduced: bool = False
    is_finest: bool = False
    path: str = ""


class WishList:
    """Wishes in order, of pictures the newest alone; used by two threads."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._wishes: list[Wish] = []
        self._is_forgetting = False
        self._is_interrupted = False
        self.is_ended = False

    def put(self, wish: Wish) -> None:
        """Add a wish; one for a picture takes the place of another that waits."""
        with self._lock:
            is_picture = wish.scene is not None and wish.pick is None
            waiting = [w for w in self._wishes if w.volume is wish.volume]
            if is_picture:
                waiting = [w for w in waiting if w.scene is None or w.pick is not None]
            self._wishes = [*waiting, wish]
            self._lock.notify()

    def interrupt(self) -> None:
        """What is being done, or waits, is not wanted any more; what is kept stays."""
        with self._lock:
            self._wishes, self._is_interrupted = [], True

    def forget(self) -> None:
        """Nothing that waits is wanted any more, nor what was kept for it."""
        with self._lock:
            self._wishes, self._is_forgetting = [], True
            self._lock.notify()

    def end(self) -> None:
        """There will be no more."""
        with self._lock:
            self._wishes, self.is_ended = [], True
            self._lock.notify()

    def next(self) -> tuple[Wish | None, bool]:
        """Wait for the next wish, None at the end; and whether what is kept has to go first."""
        with self._lock:
            self._lock.wait_for(lambda: self._wishes or self.is_ended or self._is_forgetting)
            is_forgetting, self._is_forgetting = self._is_forgetting, False
            if self.is_ended or is_forgetting:
                return None, is_forgetting and not self.is_ended
            self._is_interrupted = False
            return self._wishes.pop(0), False

    def is_late(self) -> bool:
        """Whether what is being done now is not wanted any more."""
        return bool(self._wishes) or self._is_interrupted or self.has_ended()

    def has_ended(self) -> bool:
        """Whether nothing at all is wanted any more."""
        return self.is_ended or self._is_forgetting

    def check(self) -> None:
        """Raise Cancelled where it is late."""
        if self.is_late():
            raise Cancelled
