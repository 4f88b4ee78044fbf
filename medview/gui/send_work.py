"""What the window does to hand results and images to a DICOM node that the reader set up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medview.core.words import say

if TYPE_CHECKING:
    from medview.gui.dialogs.send import SendDialog
    from medview.gui.window import MainWindow


class SendWork(QObject):
    """Shows the dialog that sends the shown study."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.actions_.connect("file.send", self.show)

    def show(self) -> SendDialog | None:
        """The dialog, a part of the window; None where there is nothing to send."""
        from medview.gui.dialogs.send import SendDialog

        window = self._window
        place = window.session.active
        if place is None:
            window.reactions.say(say("Open a study first."), "warn")
            return None
        dialog = SendDialog(window.session, place, window.operations, self._set_up, window)
        window.closing.connect(dialog.close)
        dialog.show()
        return dialog

    def _set_up(self, then: Callable[[], None]) -> None:
        settings = self._window.preferences.ask("nodes")
        settings.finished.connect(lambda _result: then())
