"""The rows of every action; other rooms of the window join theirs at the end."""

from __future__ import annotations

from medview.gui.actions import measuring
from medview.gui.actions.hanging import HANGING_ROWS
from medview.gui.actions.layers import COLOURS, FUSION, PHASES, STATES
from medview.gui.actions.planes import PLANES
from medview.gui.actions.row import GROUPS, LETTERS, Parameter, Row
from medview.gui.actions.volume_rows import VOLUME_ROWS

_FILE = (
    Row("file.open_folder", "Open folder…", "folder-open", "Ctrl+O"),
    Row("file.open_files", "Open files…", "file-text", "Ctrl+Shift+O"),
    Row("file.library", "Library…", "search", "Ctrl+B"),
    Row("file.open_demo", "Open the demo study", "sparkles"),
    Row("file.save_report", "Save report…", "file-text", "Ctrl+S"),
    Row("file.save_objects", "Save results as DICOM…", "save", "Ctrl+Shift+S"),
    Row("file.anonymize", "Copies without identity…", "eye-off", "Ctrl+Shift+A"),
    Row("file.close_patient", "Close the patient", "x", "Ctrl+W"),
    Row("file.settings", "Settings…", "settings", "Ctrl+,"),
    Row("file.doctor", "Examine files…", "stethoscope", "Ctrl+Shift+E"),
    Row("file.quit", "Quit", "x", "Ctrl+Q", is_scripted=False),
    Row("file.record", "Record what I do", "circle", "Ctrl+Shift+R", switch=True,
        is_scripted=False),
    Row("file.replay", "Repeat a recording…", "play"),
    Row("file.open", "Open", parameters=(Parameter("paths", "texts"),)),
)  # fmt: skip
_EDIT = (
    Row("edit.undo", "Undo", "undo-2", "Ctrl+Z"),
    Row("edit.redo", "Redo", "redo-2", "Ctrl+Y; Ctrl+Shift+Z"),
    Row("edit.delete", "Delete the selected measurement", "trash-2", "Del; Backspace",
        in_views=True),
    Row("edit.work", "Change the work", parameters=(Parameter("field", "text"),
        Parameter("put", "value"), Parameter("gone", "value", is_required=False))),
    Row("edit.escape", "Give up, back to the window tool", keys="Esc", in_views=True),
)  # fmt: skip
_VIEW = (
    Row("view.invert", "Invert", keys="I", in_views=True),
    Row("view.flip_h", "Flip left to right", keys="H", in_views=True),
    Row("view.flip_v", "Flip top to bottom", keys="V", in_views=True),
    Row("view.rotate_left", "Turn left", "rotate-ccw", "Ctrl+Left", in_views=True),
    Row("view.rotate_right", "Turn right", "refresh-cw", "Ctrl+Right", in_views=True),
    Row("view.zoom_in", "Zoom in", "zoom-in", "Ctrl++; Ctrl+=", in_views=True, repeats=True),
    Row("view.zoom_out", "Zoom out", keys="Ctrl+-", in_views=True, repeats=True),
    Row("view.pan_left", "Pan left", keys="Alt+Left", in_views=True, repeats=True),
    Row("view.pan_right", "Pan right", keys="Alt+Right", in_views=True, repeats=True),
    Row("view.pan_up", "Pan up", keys="Alt+Up", in_views=True, repeats=True),
    Row("view.pan_down", "Pan down", keys="Alt+Down", in_views=True, repeats=True),
    Row("view.reset", "Reset the view", keys="R", in_views=True),
    Row("view.overlay", "Overlays", "eye", "O", in_views=True, switch=True, peeks=True),
    Row("view.corner_text", "Corner texts", "info", "T", in_views=True, switch=True),
    Row("view.letters", "Orientation letters", switch=True),
    Row("view.left_panel", "Studies panel", "panel-left", "F2", switch=True),
    Row("view.right_panel", "Findings, record, risk and report", "panel-right", "F3", switch=True),
    Row("view.theme", "Light theme", "sun", switch=True),
    Row("view.full_screen", "Full screen", "maximize-2", "F11", switch=True),
    Row("view.stand", "Stand", parameters=(Parameter("tile", "whole"),
        Parameter("state", "value"))),
    Row("view.suv_unit", "Next SUV: body weight, lean mass, surface", keys="Ctrl+U"),
    Row("view.language", "中文 / English", "languages", "Ctrl+L"),
)  # fmt: skip
_LAYOUT = (
    Row("layout.choose", "Rows and columns…", "layout-grid", "Alt+0"),
    Row("layout.1x1", "Layout 1 × 1", "square", "Alt+1"),
    Row("layout.2x2", "Layout 2 × 2", "grid-2x2", "Alt+2"),
    Row("layout.3x3", "Layout 3 × 3", keys="Alt+3"),
    Row("layout.4x4", "Layout 4 × 4", keys="Alt+4"),
    Row("layout.1x2", "Two views side by side", "columns-2", "Ctrl+2"),
    Row("layout.1x3", "Three views side by side", keys="Ctrl+3"),
    Row("layout.2x3", "Layout 2 × 3", keys="Ctrl+6"),
    Row("layout.planes", "Three planes and volume", "box", "Ctrl+M"),
    Row("layout.plane_native", "This view: as acquired"),
    Row("layout.plane_axial", "This view: axial"),
    Row("layout.plane_coronal", "This view: coronal"),
    Row("layout.plane_sagittal", "This view: sagittal"),
    Row("layout.plane_volume", "This view: the volume in space"),
    Row("layout.empty", "Empty this view", keys="Shift+Del", in_views=True),
    Row("layout.set", "Layout", parameters=(Parameter("rows", "whole"),
        Parameter("columns", "whole"))),
    Row("layout.activate", "Activate a view", parameters=(Parameter("tile", "whole"),)),
    Row("layout.alone", "This view alone", parameters=(Parameter("tile", "whole"),)),
    Row("layout.next_tile", "Next view", keys="Tab", in_views=True),
    Row("layout.previous_tile", "Previous view", keys="Shift+Tab", in_views=True),
    Row("layout.next_part", "Next part of the window", keys="F6", is_scripted=False),
    Row("layout.previous_part", "Previous part of the window", keys="Shift+F6",
        is_scripted=False),
    Row("layout.maximise", "This view alone, and back", "maximize-2", "Return; Enter",
        in_views=True),
    Row("layout.second_window", "Second window", keys="Ctrl+Shift+N", switch=True),
    Row("layout.link_here", "Link here: these slices belong together", keys="Ctrl+J"),
    Row("layout.unlink", "Take the link by hand back", keys="Ctrl+Shift+J"),
    Row("layout.linked_scroll", "Scroll linked views together", switch=True),
    Row("layout.linked_zoom", "Zoom and pan like views together", switch=True),
    Row("layout.linked_window", "One window for like series", switch=True),
    Row("layout.reference_lines", "Reference lines", switch=True),
)  # fmt: skip
_WINDOW = (
    Row("window.automatic", "Automatic window", keys="0", in_views=True),
    Row("window.from_file", "Window as in the file", keys="1", in_views=True),
    Row("window.preset_2", "Window preset 2", keys="2", in_views=True),
    Row("window.preset_3", "Window preset 3", keys="3", in_views=True),
    Row("window.preset_4", "Window preset 4", keys="4", in_views=True),
    Row("window.preset_5", "Window preset 5", keys="5", in_views=True),
    Row("window.preset_6", "Window preset 6", keys="6", in_views=True),
    Row("window.preset_7", "Window preset 7", keys="7", in_views=True),
    Row("window.preset_8", "Window preset 8", keys="8", in_views=True),
    Row("window.preset_9", "Window preset 9", keys="9", in_views=True),
    Row("window.reset", "Reset the window", keys="Shift+R", in_views=True),
    Row("window.wider", "Window wider", keys="]", in_views=True, repeats=True),
    Row("window.narrower", "Window narrower", keys="[", in_views=True, repeats=True),
    Row("window.higher", "Window level higher", keys="Shift+]; }", in_views=True, repeats=True),
    Row("window.lower", "Window level lower", keys="Shift+[; {", in_views=True, repeats=True),
    Row("window.set", "Window", parameters=(Parameter("width", "number"),
        Parameter("level", "number"), Parameter("tile", "whole", is_required=False))),
)  # fmt: skip
_SERIES = (
    Row("series.next_slice", "Next slice", keys="Down; Right", in_views=True, repeats=True),
    Row("series.previous_slice", "Previous slice", keys="Up; Left", in_views=True, repeats=True),
    Row("series.ten_on", "Ten slices on", keys="Shift+Down", in_views=True, repeats=True),
    Row("series.ten_back", "Ten slices back", keys="Shift+Up", in_views=True, repeats=True),
    Row("series.first_slice", "First slice", keys="Home", in_views=True),
    Row("series.last_slice", "Last slice", keys="End", in_views=True),
    Row("series.hang", "Show a series", parameters=(Parameter("tile", "whole"),
        Parameter("series", "text"), Parameter("stack", "whole"), Parameter("plane", "text"))),
    Row("series.empty", "Empty a view", parameters=(Parameter("tile", "whole"),
        Parameter("plane", "text"))),
    Row("series.look_at", "Go to a place", parameters=(Parameter("tile", "whole"),
        Parameter("point", "numbers"))),
    Row("series.next", "Next series", keys="PgDown", in_views=True),
    Row("series.previous", "Previous series", keys="PgUp", in_views=True),
)  # fmt: skip
_TOOL = (
    Row("tool.window", "Window", "contrast", is_marked=True),
    Row("tool.pan", "Pan", "move", is_marked=True),
    Row("tool.zoom", "Zoom", "zoom-in", is_marked=True),
    Row("tool.scroll", "Scroll", "layers", is_marked=True),
    Row("tool.crosshair", "Crosshair", "crosshair", "X", in_views=True, is_marked=True),
    Row("tool.length", "Length", "ruler", "L", in_views=True, is_marked=True),
    Row("tool.ellipse", "Ellipse", "circle", "E", in_views=True, is_marked=True),
    Row("tool.probe", "Probe", "pipette", "P", in_views=True, is_marked=True),
)
_SEGMENT = (
    Row("tool.nodule", "Nodule", "target", "D", in_views=True, is_marked=True),
    Row("tool.brush", "Brush", keys="B", in_views=True, is_marked=True),
    Row("tool.eraser", "Eraser", keys="Shift+B", in_views=True, is_marked=True),
    Row("tool.threshold", "Brush in a window", keys="U", in_views=True, is_marked=True),
    Row("tool.grow", "Grow from a seed", keys="G", in_views=True, is_marked=True),
    Row("segment.new", "New segment", "plus"),
    Row("segment.correct", "Correct masks of models", "scissors"),
    Row("segment.take_up", "Take up stored segmentations", "upload"),
    Row("segment.fill", "Fill between drawn slices"),
    Row("segment.largest", "Keep the largest part"),
    Row("segment.clean", "Remove parts under 50 mm³"),
    Row("segment.smooth", "Smooth the segment"),
    Row("segment.larger", "Segment 1 mm larger"),
    Row("segment.smaller", "Segment 1 mm smaller"),
    Row("segment.rename", "Rename the segment", parameters=(Parameter("name", "text"),)),
    Row("segment.delete", "Delete the segment", "trash-2"),
)
_CINE = (
    Row("cine.toggle", "Cine", "play", "C", in_views=True, is_marked=True),
    Row("cine.bounce", "Cine back and forth", keys="Shift+C", in_views=True),
    Row("cine.faster", "Cine faster", "plus", "+; =", in_views=True, repeats=True),
    Row("cine.slower", "Cine slower", "minus", "-", in_views=True, repeats=True),
)
_MODELS = (
    Row("models.analyse", "Analyse this series", "activity", "Ctrl+R"),
    Row("models.cancel", "Stop reading and analysing", "ban", "Ctrl+."),
)
_HELP = (
    Row("help.palette", "Search actions and studies", "search", "Ctrl+K", is_scripted=False),
    Row("help.keys", "Keys and mouse", "circle-help", "F1", is_scripted=False),
    Row("help.messages", "Messages", "circle-alert", is_scripted=False),
    Row("help.about", "About MedView", "info", is_scripted=False),
)  # fmt: skip
_MENUS = tuple(
    Row(f"menu.{group}", GROUPS[group], keys=f"Alt+{letter}", is_scripted=False)
    for group, letter in LETTERS.items()
)

ROWS: tuple[Row, ...] = (
    *_FILE,
    *_EDIT,
    *_VIEW,
    *_LAYOUT,
    *HANGING_ROWS,
    *_WINDOW,
    *_SERIES,
    *_CINE,
    *COLOURS,
    *STATES,
    *PHASES,
    *FUSION,
    *PLANES,
    *_TOOL,
    *measuring.TOOLS,
    *measuring.MEASURE,
    *VOLUME_ROWS,
    *_SEGMENT,
    *_MODELS,
    *_HELP,
    *_MENUS,
)
