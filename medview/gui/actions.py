"""The table of actions: one row each for the bar, the menus, the palette and the key sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from medview.core.words import tr
from medview.gui.style import icon


@dataclass(frozen=True, slots=True)
class Row:
    """What an action is called, how it looks and which keys it has.

    title is an English template for `tr`; group orders menus: file, edit, view, tool, models,
    help. keys that the views handle themselves are named in `shown_keys` for the sheet alone.
    """

    id: str
    title: str
    group: str
    icon: str = ""
    keys: str = ""
    shown_keys: str = ""
    checkable: bool = False


ROWS = (
    Row("open_folder", "Open folder…", "file", "folder-open", "Ctrl+O"),
    Row("open_files", "Open files…", "file", "file-text", "Ctrl+Shift+O"),
    Row("library", "Library…", "file", "search", "Ctrl+B"),
    Row("open_demo", "Open the demo study", "file", "sparkles"),
    Row("save_report", "Save report…", "file", "file-text", "Ctrl+S"),
    Row("save_objects", "Save results as DICOM…", "file", "save", "Ctrl+Shift+S"),
    Row("anonymize", "Copies without identity…", "file", "eye-off", "Ctrl+Shift+A"),
    Row("close_patient", "Close the patient", "file", "x", "Ctrl+W"),
    Row("settings", "Settings…", "file", "settings", "Ctrl+,"),
    Row("doctor", "Examine files…", "file", "stethoscope", "Ctrl+Shift+E"),
    Row("quit", "Quit", "file", "x", "Ctrl+Q"),
    Row("undo", "Undo", "edit", "undo-2", "Ctrl+Z"),
    Row("redo", "Redo", "edit", "redo-2", "Ctrl+Y"),
    Row("layout_2x2", "Layout 2 × 2", "view", "grid-2x2", "Alt+2"),
    Row("layout_1x1", "Layout 1 × 1", "view", "square", "Alt+1"),
    Row("left_panel", "Studies panel", "view", "panel-left", "F2", checkable=True),
    Row("right_panel", "Findings, record, risk and report", "view", "panel-right", "F3",
        checkable=True),
    Row("overlay", "Overlays", "view", "eye", shown_keys="O", checkable=True),
    Row("corner_text", "Corner texts", "view", "info", shown_keys="T", checkable=True),
    Row("theme", "Light theme", "view", "sun", checkable=True),
    Row("full_screen", "Full screen", "view", "maximize-2", "F11", checkable=True),
    Row("tool_window", "Window", "tool", "contrast", shown_keys="Esc", checkable=True),
    Row("tool_pan", "Pan", "tool", "move", checkable=True),
    Row("tool_zoom", "Zoom", "tool", "zoom-in", checkable=True),
    Row("tool_scroll", "Scroll", "tool", "layers", checkable=True),
    Row("tool_crosshair", "Crosshair", "tool", "crosshair", shown_keys="X", checkable=True),
    Row("tool_length", "Length", "tool", "ruler", shown_keys="L", checkable=True),
    Row("tool_ellipse", "Ellipse", "tool", "circle", shown_keys="E", checkable=True),
    Row("tool_probe", "Probe", "tool", "pipette", shown_keys="P", checkable=True),
    Row("cine", "Cine", "view", "play", shown_keys="C", checkable=True),
    Row("cine_bounce", "Cine back and forth", "view", shown_keys="Shift+C"),
    Row("cine_faster", "Cine faster", "view", "plus", shown_keys="+"),
    Row("cine_slower", "Cine slower", "view", "minus", shown_keys="-"),
    Row("suv_unit", "Next SUV: body weight, lean mass, surface", "view", keys="Ctrl+U"),
    Row("analyse", "Analyse this series", "models", "activity", "Ctrl+R"),
    Row("cancel", "Stop reading and analysing", "models", "ban", "Ctrl+."),
    Row("palette", "Search actions and studies", "help", "search", "Ctrl+K"),
    Row("keys", "Keys and mouse", "help", "circle-help", "F1"),
    Row("messages", "Messages", "help", "circle-alert"),
    Row("language", "中文 / English", "help", "languages", "Ctrl+L"),
    Row("about", "About MedView", "help", "info"),
)  # fmt: skip

# What the views answer to, for the key sheet and the guide.
VIEW_KEYS = (
    ("Left drag", "active tool (window: across is width, up is level)"),
    ("Middle drag, Space + left drag", "pan"),
    ("Right drag", "zoom"),
    ("Wheel", "next or previous slice"),
    ("Ctrl + wheel", "zoom at the pointer"),
    ("Shift + wheel", "ten slices"),
    ("Double click, Enter", "this view alone, and back"),
    ("Up, Down, Home, End", "slices"),
    ("Page Up, Page Down", "series"),
    ("0, 1, 2 … 9", "window: automatic, as in the file, presets"),
    ("I, R, Shift + R", "invert, reset the view, reset the window"),
    ("H, V, Ctrl + Left, Ctrl + Right", "flip, turn"),
    ("X, L, E, P, Esc", "crosshair, length, ellipse, probe, back to the window tool"),
    ("C, Shift + C, +, −", "cine, back and forth, faster, slower"),
    ("O (hold to peek)", "overlays"),
    ("T", "corner texts"),
    ("Del", "delete the selected measurement"),
)


_IN_THE_BAR = ("open_folder", "cine")  # beside the tools


class Actions:
    """The window's QActions by id. Icons of the menus are drawn by the first `retranslate`."""

    def __init__(self, parent: QWidget) -> None:
        self._actions: dict[str, QAction] = {}
        for line in ROWS:
            action = QAction(parent)
            action.setObjectName(line.id)
            action.setCheckable(line.checkable)
            if line.keys:
                action.setShortcut(QKeySequence(line.keys))
            parent.addAction(action)
            self._actions[line.id] = action
        self._name()
        self._dress(line for line in ROWS if line.group == "tool" or line.id in _IN_THE_BAR)

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def connect(self, action_id: str, reaction: Callable[[], object]) -> None:
        """Call a function when the action is triggered."""
        self._actions[action_id].triggered.connect(lambda _checked=False: reaction())

    def group(self, name: str) -> Iterator[QAction]:
        """The actions of one group, in the table's order."""
        return (self._actions[line.id] for line in ROWS if line.group == name)

    def retranslate(self) -> None:
        """Give every action its name in the current language, and icons in the theme's colour."""
        self._name()
        self._dress(ROWS)

    def _name(self) -> None:
        for line in ROWS:
            action = self._actions[line.id]
            name = tr(line.title)
            keys = line.keys or line.shown_keys
            action.setText(name)
            action.setToolTip(f"{name}  {keys}" if keys else name)

    def _dress(self, lines: Iterable[Row]) -> None:
        for line in lines:
            if line.icon:
                self._actions[line.id].setIcon(icon(line.icon))
