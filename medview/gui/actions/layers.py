"""The rows of what lies over, behind or beside a picture: fusion, phases, colours, states."""

from __future__ import annotations

from medview.gui.actions.row import Parameter, Row

PHASES = (
    Row("series.next_phase", "Next phase", keys="Shift+Right", in_views=True, repeats=True),
    Row("series.previous_phase", "Previous phase", keys="Shift+Left", in_views=True, repeats=True),
    Row("series.curve", "Curve over the phases", "activity", "Ctrl+T"),
    Row("cine.phases", "Cine over the phases", "play", "Ctrl+Shift+C"),
)  # fmt: skip
STATES = (
    Row("view.presentation", "Next presentation state of the picture", keys="Ctrl+P"),
    Row("view.presentation_graphics", "Next presentation state, drawings alone",
        keys="Ctrl+Shift+P"),
)  # fmt: skip
COLOURS = (
    Row("colours.grey", "Grey", is_marked=True),
    Row("colours.inverse_grey", "Inverse grey", is_marked=True),
    Row("colours.hot_iron", "Hot iron", is_marked=True),
    Row("colours.inferno", "Inferno", is_marked=True),
    Row("colours.viridis", "Viridis", is_marked=True),
    Row("colours.cividis", "Cividis, colour-blind safe", is_marked=True),
)
FUSION = (
    Row("fusion.fuse", "Lay another series over this one…", "layers", "Ctrl+F"),
    Row("fusion.end", "Take the upper series away", keys="Ctrl+Shift+F"),
    Row("fusion.more", "More of the upper series", keys=".", in_views=True, repeats=True),
    Row("fusion.less", "Less of the upper series", keys=",", in_views=True, repeats=True),
    Row("fusion.next_map", "Next colours of the upper series"),
    Row("fusion.window", "Window tool for the upper series", "contrast", switch=True),
    Row("fusion.measure", "Measure on the upper series", "ruler", switch=True),
    Row("fusion.lay", "Lay a series over another", parameters=(
        Parameter("lower", "text"), Parameter("upper", "text"),
        Parameter("blend", "number", is_required=False))),
    Row("fusion.stand", "How a series lies over another", parameters=(
        Parameter("state", "value"),)),
)  # fmt: skip
