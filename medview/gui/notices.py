"""What the main window says: in windows beside it, and before its views stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from medview.core.words import tr
from medview.gui.cards import label
from medview.gui.style import tokens

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


class Notices:
    """Keys, messages, what was left out, about; loaded when they are asked for."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def show_keys(self) -> None:
        """Every key and mouse habit, as they are bound."""
        from medview.gui.dialogs.texts import keys_html

        self._say(tr("Keys and mouse"), keys_html(self._window.actions_.bindings))

    def show_about(self) -> None:
        """What this program is."""
        from medview.gui.dialogs.texts import about_html

        self._say(tr("About MedView"), about_html())

    def show_messages(self) -> None:
        """All that was said in this session."""
        from medview.gui.dialogs.texts import messages_html

        said = self._window.messages
        texts = [(level, f"{sentence} {where}".strip()) for level, sentence, where in said]
        self._say(tr("Messages"), messages_html(texts))

    def show_left_out(self) -> None:
        """Files that could not be read, with the reason."""
        from medview.gui.panels.left_out import left_out_files, left_out_html

        files = left_out_files(self._window.session)
        self._say(tr("Files that could not be read"), left_out_html(files))

    def _say(self, title: str, html: str) -> None:
        from medview.gui.dialogs.texts import TextDialog

        dialog = TextDialog(title, html, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()


def empty_canvas() -> QWidget:
    """Where the views will stand: black, with the hint that the empty view has."""
    made = label(tr("Drop a folder, files or a series here."), "faint", wrap=False)
    made.setAlignment(Qt.AlignmentFlag.AlignCenter)
    made.setStyleSheet(f"background: {tokens().canvas};")
    return made
