"""What every tool has, and what it may ask of the view it works in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from medview.core.geometry import PatientPoint
from medview.core.results import CurvePath, Measurement
from medview.gui.views.marks import Mark
from medview.gui.views.state import ViewState
from medview.imaging.fusion import UpperLayer
from medview.imaging.roi import EdgeWays
from medview.imaging.slice_plane import SlicePlane


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the mouse is, in the view's pixels."""

    x: float
    y: float
    is_shift: bool = False


class Measures(Protocol):
    """What is drawn on a view's slices, as a tool sees it."""

    def measured(
        self, kind: str, points: tuple[PatientPoint, ...], like: Measurement | None = None
    ) -> Measurement:
        """A measurement of the shown slice with its numbers; `like` is the one it replaces."""

    def lies_here(self, points: tuple[PatientPoint, ...]) -> bool:
        """Whether places that were set lie on the slice that is shown."""

    def pixel_mm(self) -> float:
        """The width of a pixel of the slice."""

    def edge_ways(self, place: PatientPoint) -> EdgeWays | None:
        """The ways along edges from a place; None where there are none."""

    def along(self, ways: EdgeWays, to: PatientPoint) -> tuple[PatientPoint, ...]:
        """The places of a way along edges, both ends left out."""

    def sketch(self, measurement: Measurement | None) -> None:
        """Draw a measurement that is not finished, or none."""

    def with_label_at(self, mark: Mark, x: float, y: float) -> Measurement:
        """The measurement of a mark with the middle of its label at a place of the screen."""

    def finish(self, measurement: Measurement) -> None:
        """A measurement was drawn, or changed where its id is known."""


class Paints(Protocol):
    """What is painted on a view's slices, as a tool sees it."""

    def hover(self, x: float, y: float) -> None:
        """The brush is here."""

    def leave(self) -> None:
        """The brush is nowhere."""

    def dab(
        self, tool: str, phase: Literal["begin", "go", "end", "cancel", "click"], x: float, y: float
    ) -> None:
        """The tool begins, goes on, ends or clicks at a place of the screen."""


class Curves(Protocol):
    """The curves of a view's stack, as a tool sees them."""

    @property
    def path(self) -> CurvePath | None:
        """The one in use."""

    def add(self, point: PatientPoint) -> None:
        """Another point at its end, or the first of a new one."""

    def handle_at(self, x: float, y: float) -> int | None:
        """The number of its point under a place of the screen."""

    def sketch(self, path: CurvePath | None) -> None:
        """Show it as it would be, or as it is."""

    def finish(self) -> None:
        """Keep what was sketched."""


class Stage(Protocol):
    """The view as a tool sees it."""

    @property
    def measuring(self) -> Measures:
        """What is drawn on it."""

    @property
    def painting(self) -> Paints:
        """What is painted on it."""

    @property
    def curving(self) -> Curves:
        """The curves through it."""

    @property
    def state(self) -> ViewState:
        """How the view stands."""

    @property
    def upper(self) -> UpperLayer | None:
        """What lies over its pictures, None for nothing."""

    def lay_over(self, layer: UpperLayer | None, *, tell: bool = False) -> None:
        """Another upper layer, or another look of it; `tell`: the views beside it follow."""

    @property
    def plane(self) -> SlicePlane | None:
        """The plane that the view shows, None without a stack."""

    @property
    def planes(self) -> Mapping[str, SlicePlane]:
        """The three planes of a reconstruction by name; empty for films."""

    def change(self, state: ViewState) -> None:
        """Show another state and tell the window what changed."""

    def scroll(self, steps: int) -> None:
        """Go some slices further as they are read."""

    def from_middle(self, pointer: Pointer) -> tuple[float, float]:
        """Pixels from the view's middle."""

    def patient_at(self, x: float, y: float) -> PatientPoint:
        """The place of the shown slice under a screen place."""

    def slice_height(self) -> float:
        """Pixels to drag for a slice, so that the whole stack fits into the view."""


class Tool:
    """One way to use the mouse; the base does nothing."""

    name = ""
    kind = ""  # of the measurements that it draws
    cursor = "arrow"
    is_brush = False  # has a size, which the wheel changes

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """The button went down."""

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """The mouse moved with the button down."""

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """The button came up."""

    def hover(self, stage: Stage, pointer: Pointer) -> None:
        """The mouse moved without a button."""

    def cancel(self, stage: Stage) -> bool:
        """Give up what is half done; whether there was something."""
        return False

    def close(self, stage: Stage) -> bool:
        """Close an outline with the places that it has; whether there was one."""
        return False

    @property
    def is_drawing(self) -> bool:
        """Whether the next press belongs to a shape that was begun."""
        return False


class PointTool(Tool):
    """A tool that acts on the one place under the mouse, from the press until the release."""

    cursor = "cross"

    def __init__(self) -> None:
        self._is_down = False

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Begin here."""
        self._is_down = True
        self.move(stage, pointer)


class DragTool(Tool):
    """A tool that only cares how far the mouse went since the button went down."""

    def __init__(self) -> None:
        self._start: tuple[Pointer, ViewState] | None = None

    def press(self, stage: Stage, pointer: Pointer) -> None:
        """Remember where it began."""
        self._start = (pointer, stage.state)

    def move(self, stage: Stage, pointer: Pointer) -> None:
        """Apply the whole way since the beginning."""
        if self._start is not None:
            begin, state = self._start
            self.drag(stage, state, begin, pointer)

    def release(self, stage: Stage, pointer: Pointer) -> None:
        """The drag is over."""
        self._start = None

    def cancel(self, stage: Stage) -> bool:
        """Back to how it was when the drag began."""
        if self._start is None:
            return False
        stage.change(self._start[1])
        self._start = None
        return True

    def drag(self, stage: Stage, state: ViewState, begin: Pointer, now: Pointer) -> None:
        """The mouse is at `now`; `state` is how the view stood at `begin`."""


ToolMaker = Callable[[], Tool]
