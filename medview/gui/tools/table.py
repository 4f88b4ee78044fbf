"""The tools by name."""

from __future__ import annotations

from medview.gui.tools.angles import AngleTool, CobbTool
from medview.gui.tools.base import Tool, ToolMaker
from medview.gui.tools.bidirectional import BidirectionalTool
from medview.gui.tools.boxes import (
    ArrowTool,
    CalibrateTool,
    PeakTool,
    RectangleTool,
    SphereTool,
)
from medview.gui.tools.chest import ChestTool
from medview.gui.tools.crosshair import CrosshairTool
from medview.gui.tools.curve import CurveTool
from medview.gui.tools.ellipse import EllipseTool
from medview.gui.tools.length import LengthTool
from medview.gui.tools.outlines import FreehandTool, LivewireTool, SplineTool
from medview.gui.tools.painting import (
    BrushTool,
    EraserTool,
    GrowTool,
    NoduleTool,
    ThresholdTool,
)
from medview.gui.tools.pan import PanTool
from medview.gui.tools.probe import ProbeTool
from medview.gui.tools.scroll import ScrollTool
from medview.gui.tools.window import WindowTool
from medview.gui.tools.words import TextTool
from medview.gui.tools.zoom import ZoomTool

_MAKERS: dict[str, ToolMaker] = {
    tool.name: tool
    for tool in (
        WindowTool, PanTool, ZoomTool, ScrollTool, CrosshairTool, LengthTool, EllipseTool,
        ProbeTool, BidirectionalTool, AngleTool, CobbTool, RectangleTool, FreehandTool, SplineTool,
        LivewireTool, SphereTool, PeakTool, ChestTool, ArrowTool, TextTool, CalibrateTool,
        NoduleTool, BrushTool, EraserTool, ThresholdTool, GrowTool, CurveTool,
    )
}  # fmt: skip
TOOL_NAMES = tuple(_MAKERS)


def tool_named(name: str) -> Tool:
    """A fresh tool; an unknown name is the window tool."""
    return _MAKERS.get(name, WindowTool)()
