"""What the reader set up in the volume view, as one value with its own undo."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from medview.core.geometry import PatientPoint, Vector
from medview.gui.views.volume_camera import SIDES, Camera, Frame
from medview.imaging.cutting import Carving, CropBox, CutPlane, Lasso
from medview.imaging.looks import is_sound
from medview.imaging.transfer import BLENDS, Look, shifted

CUTS = ("axial", "coronal", "sagittal", "free")
_DEPTH = 100
# What a new cut takes away: the side that hides the rest from the front, the head or the left.
_KEPT_SIDE: dict[str, Vector] = {
    "axial": (0.0, 0.0, -1.0),
    "coronal": (0.0, 1.0, 0.0),
    "sagittal": (-1.0, 0.0, 0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeState:
    """number: of the look among those that fit. edited: the look as the reader changed it, None
    for as it is. shift: along the values. blend: empty for the look's own. cuts: planes by name.
    """

    number: int = 0
    edited: Look | None = None
    shift: float = 0.0
    blend: str = ""
    is_lit: bool | None = None  # None for the look's own
    box: CropBox = field(default_factory=CropBox)
    cuts: tuple[tuple[str, CutPlane], ...] = ()
    lassos: tuple[Lasso, ...] = ()

    @property
    def carving(self) -> Carving:
        """All that is left out."""
        return Carving(self.box, self.cuts, self.lassos)

    def carved(self, carving: Carving) -> VolumeState:
        """With something else left out."""
        return replace(self, box=carving.box, cuts=carving.cuts, lassos=carving.lassos)

    def cut_named(self, name: str) -> CutPlane | None:
        """A cut by its name, None where there is none."""
        return next((plane for known, plane in self.cuts if known == name), None)

    def with_cut(self, name: str, plane: CutPlane | None) -> VolumeState:
        """One cut more or changed; None takes it away."""
        others = tuple((known, each) for known, each in self.cuts if known != name)
        return replace(self, cuts=others if plane is None else (*others, (name, plane)))

    def with_cuts_at(self, point: PatientPoint) -> VolumeState:
        """The cuts along the slices follow the crosshair; a free one stays where it was put."""
        cuts = tuple(
            (name, plane if name == "free" else replace(plane, point=(point.x, point.y, point.z)))
            for name, plane in self.cuts
        )
        return replace(self, cuts=cuts)

    def dressed(self, look: Look) -> Look:
        """A look with the reader's light and shift."""
        if self.is_lit is not None:
            look = replace(look, is_lit=self.is_lit)
        return shifted(look, self.shift)


def new_cut(name: str, point: PatientPoint, frame: Frame = SIDES["A"]) -> CutPlane:
    """A cut through a point: along the slices of a plane, or (free) facing the viewer."""
    near = frame[2]
    facing = (-near[0], -near[1], -near[2])
    normal = facing if name == "free" else _KEPT_SIDE[name]
    return CutPlane(point=(point.x, point.y, point.z), normal=normal)


def next_blend(blend: str) -> str:
    """The way of joining samples after this one."""
    return BLENDS[(BLENDS.index(blend) + 1) % len(BLENDS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeStand:
    """From where a volume is seen, and in which look: what a recording repeats.

    look: its id, "" for the one that fits. The rest as in `VolumeState`. Raises ValueError for
    what is no camera, no shift and no way of joining samples.
    """

    camera: Camera = field(default_factory=Camera)
    look: str = ""
    edited: Look | None = None
    shift: float = 0.0
    blend: str = ""
    is_lit: bool | None = None

    def __post_init__(self) -> None:
        frame = np.array(self.camera.frame, float)
        numbers = (self.camera.zoom, *self.camera.pan, self.shift)
        if not (
            np.allclose(frame @ frame.T, np.eye(3), atol=1e-3)
            and np.isfinite(numbers).all()
            and self.camera == self.camera.zoomed(1.0)
            and self.blend in ("", *BLENDS)
            and (self.edited is None or is_sound(self.edited))
        ):
            raise ValueError("no stand")


class History:
    """States that undo and redo go through."""

    def __init__(self) -> None:
        self._back: list[VolumeState] = []
        self._forth: list[VolumeState] = []

    def clear(self) -> None:
        """Forget all."""
        self._back, self._forth = [], []

    def remember(self, before: VolumeState) -> None:
        """A change was made; this is what was there before it."""
        self._back = [*self._back[-_DEPTH:], before]
        self._forth = []

    def undo(self, now: VolumeState) -> VolumeState | None:
        """The state before the last change, None when there is none."""
        return self._step(self._back, self._forth, now)

    def redo(self, now: VolumeState) -> VolumeState | None:
        """The state that the last undo took away, None when there is none."""
        return self._step(self._forth, self._back, now)

    def step_to(self, wanted: VolumeState, now: VolumeState) -> bool:
        """Go one step back or forth where that leads to a state; whether it did."""
        if self._back and self._back[-1] == wanted:
            return self.undo(now) is not None
        if self._forth and self._forth[-1] == wanted:
            return self.redo(now) is not None
        return False

    @property
    def has_undo(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._back)

    @property
    def has_redo(self) -> bool:
        """Whether there is something to do again."""
        return bool(self._forth)

    @staticmethod
    def _step(
        source: list[VolumeState], target: list[VolumeState], now: VolumeState
    ) -> VolumeState | None:
        if not source:
            return None
        target.append(now)
        return source.pop()
