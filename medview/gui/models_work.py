"""What the window does with the models themselves: opens their manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from medview.session.events import ModelsChanged

if TYPE_CHECKING:
    from medview.gui.dialogs.models import ModelsDialog
    from medview.gui.window import MainWindow


class ModelsWork(QObject):
    """Shows the model manager when it is asked for."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.actions_.connect("models.manage", self.show)

    def show(self) -> ModelsDialog:
        """The model manager, a dialog of the window."""
        from medview.gui.dialogs.models import ModelsDialog

        dialog = ModelsDialog(self._window.operations, self._window)
        dialog.changed.connect(lambda: self._window.session.events.send(ModelsChanged()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
        return dialog
