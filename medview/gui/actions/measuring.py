"""The rows of what measures: further tools, handles, key images, known lengths."""

from __future__ import annotations

from medview.gui.actions.row import Row

TOOLS = (
    Row("tool.bidirectional", "Long and short axis", "bidirectional", is_marked=True),
    Row("tool.angle", "Angle", "angle", "A", in_views=True, is_marked=True),
    Row("tool.cobb", "Cobb angle", "cobb", is_marked=True),
    Row("tool.rectangle", "Rectangle", "square", is_marked=True),
    Row("tool.freehand", "Freehand", "freehand", "F", in_views=True, is_marked=True),
    Row("tool.spline", "Spline", "spline", is_marked=True),
    Row("tool.livewire", "Edge-following outline", "livewire", is_marked=True),
    Row("tool.sphere", "Sphere", "sphere", is_marked=True),
    Row("tool.suv_peak", "SUV peak", "target", is_marked=True),
    Row("tool.ctr", "Cardiothoracic ratio", "heart-pulse", is_marked=True),
    Row("tool.arrow", "Arrow", "arrow-up-right", is_marked=True),
    Row("tool.text", "Text", "text", is_marked=True),
    Row("tool.calibrate", "Calibrate by a known length", "scan", is_marked=True),
)
MEASURE = (
    Row("measure.label", "Label of the selected measurement…", "text"),
    Row("measure.go_to", "Go to the selected measurement", "crosshair"),
    Row("measure.copy", "Copy the numbers of the selected measurement", "copy"),
    Row("measure.hide", "Hide the selected measurement"),
    Row("measure.show_hidden", "Show hidden measurements"),
    Row("measure.label_back", "Put the label back beside its measurement"),
    Row("measure.uncalibrate", "Forget the known length"),
    Row("measure.next_handle", "Choose the next handle", keys="M", in_views=True),
    Row("measure.nudge_left", "Move the chosen handle left", repeats=True),
    Row("measure.nudge_right", "Move the chosen handle right", repeats=True),
    Row("measure.nudge_up", "Move the chosen handle up", repeats=True),
    Row("measure.nudge_down", "Move the chosen handle down", repeats=True),
    Row("measure.key_image", "Key image, or no longer", "star", "K", in_views=True),
    Row("measure.next_key", "Next key image", keys="N", in_views=True),
    Row("measure.previous_key", "Previous key image", keys="Shift+N", in_views=True),
    Row("measure.only_keys", "Show key images only", switch=True),
)  # fmt: skip
