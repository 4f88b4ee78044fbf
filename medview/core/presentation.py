"""How somebody wanted pictures to be shown: a softcopy presentation state (PS3.3 A.33)."""

from __future__ import annotations

from dataclasses import dataclass

from medview.core.study import FrameRef
from medview.core.volume import FileWindow, Shutter, VoiTable
from medview.core.words import Sentence

PixelPlace = tuple[float, float]  # row, column; whole numbers are pixel centres


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A picture by SOP Instance UID; frames from 0, none for all of them."""

    uid: str
    frames: tuple[int, ...] = ()

    def is_of(self, frame: FrameRef) -> bool:
        """Whether it names this picture."""
        own = self.uid == frame.sop_instance_uid
        return own and (not self.frames or frame.frame in self.frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graphic:
    """Something drawn. kind: POINT, POLYLINE, INTERPOLATED, CIRCLE or ELLIPSE (C.10.5.1.2).

    places: in pixels of the picture. of: the pictures it belongs to, none for all.
    """

    kind: str
    places: tuple[PixelPlace, ...]
    is_filled: bool = False
    of: tuple[ImageReference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphicText:
    """Words that begin at a place. anchor: what they speak of, where a line leads there."""

    text: str
    place: PixelPlace
    anchor: PixelPlace | None = None
    of: tuple[ImageReference, ...] = ()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StateWindow:
    """The window or VOI LUT for some pictures, for all where none is named."""

    window: FileWindow | None = None
    function: str = "LINEAR"
    table: VoiTable | None = None
    of: tuple[ImageReference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayedArea:
    """Which pixels are to fill the view: first and last row and column, from 0."""

    rows: tuple[float, float]
    columns: tuple[float, float]
    of: tuple[ImageReference, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class PresentationState:
    """All that a presentation state says of the pictures in `images`.

    is_inverted: the least value is white, whatever the picture's own photometric interpretation.
    quarters: turned clockwise by quarters, then is_flipped across. notes: what is not shown.
    """

    uid: str
    label: str = ""
    description: str = ""
    images: tuple[ImageReference, ...] = ()
    windows: tuple[StateWindow, ...] = ()
    is_inverted: bool = False
    quarters: int = 0
    is_flipped: bool = False
    areas: tuple[DisplayedArea, ...] = ()
    shutter: Shutter | None = None
    graphics: tuple[Graphic, ...] = ()
    texts: tuple[GraphicText, ...] = ()
    notes: tuple[Sentence, ...] = ()

    def is_for(self, frame: FrameRef) -> bool:
        """Whether it speaks of a picture."""
        return concerns(self.images, frame) if self.images else False

    def window_for(self, frame: FrameRef) -> StateWindow | None:
        """The window that it wants for a picture."""
        return next((each for each in self.windows if concerns(each.of, frame)), None)

    def area_for(self, frame: FrameRef) -> DisplayedArea | None:
        """The part of a picture that it wants to be seen."""
        return next((each for each in self.areas if concerns(each.of, frame)), None)


def concerns(references: tuple[ImageReference, ...], frame: FrameRef) -> bool:
    """Whether a list of pictures names this one; an empty one means all."""
    return not references or any(reference.is_of(frame) for reference in references)
