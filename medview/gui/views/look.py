"""What of a view is shown besides its picture."""

from __future__ import annotations

from dataclasses import dataclass

from medview.gui.views.reference_lines import ReferenceLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The switches of one view and the words that follow the mouse or a cine."""

    has_text: bool = True
    has_overlay: bool = True
    has_crosshair: bool = True
    has_handles: bool = False
    has_curve_handles: bool = False
    is_active: bool = False
    probe: str = ""
    cine: str = ""
    phase: str = ""  # of a 4-D series
    link: str = ""  # how the slices are linked to the active view's
    lines: tuple[ReferenceLine, ...] = ()  # where slices of the active view cut this one
