"""What the window does for the risk panel: leads to where a value can be measured, reads models."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer

from medview.core.observation import concepts
from medview.core.words import say, tr
from medview.gui.bridge import SessionBridge
from medview.session.events import ActiveChanged, Event
from medview.session.research import card_of, research_scores

if TYPE_CHECKING:
    from medview.gui.window import MainWindow

_TOOLS = {
    "nodule": "tool.nodule",
    "ruler": "tool.length",
    "region": "tool.ellipse",
    "segment": "tool.brush",
}
_SETTLED_MS = 300  # the first picture goes before models that no card may ask for


class RiskWork(QObject):
    """Between the risk panel and the rest of the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._is_asked = False
        panel = window.sidebar.risk
        panel.way_asked.connect(self.lead)
        panel.card_asked.connect(self.show_card)
        SessionBridge(window.session, self).heard.connect(self._hear)

    def lead(self, way: str, concept: str) -> None:
        """Take up the tool, ask the models or show the record: where a concept comes from."""
        if way == "record":
            self._window.sidebar.show_tab("record")
            return
        if way == "model":
            self._window.analyse()
            return
        if way in ("ruler", "region"):
            self._window.measures.named_next = concept
        # Chosen again a tool is put down; who asks for the second ruler still wants it.
        if f"tool.{self._window.grid.active_view.tool_name}" != _TOOLS[way]:
            self._window.perform_action(_TOOLS[way])
        name = say(concepts()[concept].title)
        words = {
            "nodule": say("Click the nodule: its diameters go into the scores."),
            "ruler": say("Draw the ruler: it becomes “{name}”.", name=name),
            "region": say("Draw the region: its mean becomes “{name}”.", name=name),
            "segment": say("Paint it and label the segment: it becomes “{name}”.", name=name),
        }
        self._window.reactions.say(words[way])

    def show_card(self, name: str) -> None:
        """The card of a model, as text."""
        from medview.gui.dialogs.texts import TextDialog

        html = f"<pre style='white-space: pre-wrap'>{escape(card_of(name))}</pre>"
        dialog = TextDialog(tr("Card of the model {name}", name=name), html, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ActiveChanged) and not self._is_asked:
            self._is_asked = True
            QTimer.singleShot(_SETTLED_MS, self, self._read_models)

    def _read_models(self) -> None:
        async def action() -> None:
            await self._window.operations.call(research_scores)
            self._window.sidebar.risk.scores_read()

        self._window.operations.start(action())
