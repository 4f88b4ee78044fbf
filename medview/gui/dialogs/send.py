"""Sending to a DICOM node: where to, what, how far it is, and what the node did not take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QProgressBar, QVBoxLayout, QWidget
from shiboken6 import isValid

from medview.core.errors import Cancelled, InvalidInput, MedViewError
from medview.core.progress import CancelToken
from medview.core.study import shown_name
from medview.core.words import Sentence, say, tr
from medview.dicom.nodes import Node, echo, read_node
from medview.gui.cards import button, label, row
from medview.gui.operations import Operations
from medview.gui.style import GRID
from medview.session import Session
from medview.session.reporting import session_subject
from medview.session.sending import Delivery, Parcel, deliver, files_of
from medview.session.studies import Place


class SendDialog(QDialog):
    """What is sent is the study that was looked at when it opened, with the work as it is when
    *Send* is pressed.

    set_up: shows the nodes in the settings and calls back when these are closed.
    """

    progressed = Signal(int, int)

    def __init__(
        self,
        session: Session,
        place: Place,
        operations: Operations,
        set_up: Callable[[Callable[[], None]], None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session, self._operations, self._place = session, operations, place
        self._home: Path | None = session.made.folder_of(place)
        self._series = (place.series.uid,)
        self._cancel = CancelToken()
        self._said: list[tuple[Sentence, int]] = []
        self._is_busy = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(120 * GRID)
        self._whose, self._about = label("", "title"), label("", "muted")
        self.nodes = QComboBox()
        self.results, self.series, self.study = QCheckBox(), QCheckBox(), QCheckBox()
        self.results.setChecked(True)
        for box in (self.results, self.series, self.study):
            box.toggled.connect(lambda _on: self._enable())
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.answer = label("")
        self.test = button("", "", self._test)
        self.set_up = button("", "link", lambda: set_up(self.refresh))
        self.send = button("", "primary", self._send)
        self.stop = button("", "", self._stop)
        self._close = button("", "", self.close)
        self.progressed.connect(self._show_progress)
        self._lay_out()
        self._retranslate()
        self.refresh()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * GRID, 4 * GRID, 4 * GRID, 4 * GRID)
        layout.setSpacing(3 * GRID)
        layout.addWidget(self._whose)
        layout.addWidget(self._about)
        layout.addWidget(row(self.nodes, self.test, None, self.set_up))
        for box in (self.results, self.series, self.study):
            layout.addWidget(box)
        layout.addStretch(1)
        layout.addWidget(self.bar)
        layout.addWidget(self.answer)
        layout.addWidget(row(self.send, self.stop, None, self._close))

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def done(self, result: int) -> None:
        """Closing stops what is being sent."""
        self._cancel.cancel()
        super().done(result)

    def refresh(self) -> None:
        """The nodes that the settings name now."""
        if not isValid(self):
            return
        now = self.nodes.currentText()
        self.nodes.clear()
        self.nodes.addItems(list(self._session.settings.nodes))
        self.nodes.setCurrentIndex(max(0, self.nodes.findText(now)))
        if not self.nodes.count():
            self._tell([(say("No node is set up: name one, and MedView can send to it."), 1)])
        elif not self._is_busy:
            self._tell([])

    def _retranslate(self) -> None:
        self.setWindowTitle(tr("Send to a DICOM node"))
        about = tr("Objects go as they are, with the patient's name, and are not encrypted.")
        self._about.setText(about)
        self._whose.setText(self._name())
        whole, shown = Parcel(all=True), Parcel(series=self._series)
        subject = session_subject(self._session, self._place)
        counts = [len(files_of(subject, parcel)) if subject else 0 for parcel in (shown, whole)]
        for widget, words in (
            (self.results, tr("Results of models, my decisions, measurements and key images")),
            (self.series, tr("The images of the shown series ({count} {count:file|files})",
                             count=counts[0])),
            (self.study, tr("Every file of the study that could be read ({count})",
                            count=counts[1])),
            (self.test, tr("Test")), (self.set_up, tr("Set up nodes…")), (self.send, tr("Send")),
            (self.stop, tr("Stop")), (self._close, tr("Close")),
        ):  # fmt: skip
            widget.setText(words)
            widget.setAccessibleName(words)
        self.nodes.setAccessibleName(tr("DICOM node"))
        self.bar.setAccessibleName(tr("Sending"))
        self._tell(self._said)

    def _name(self) -> str:
        """Whose study it is: another may be shown meanwhile."""
        patient, study = self._place.patient, self._place.study
        name = shown_name(patient.name).replace("^", " ") or tr("No name")
        return " · ".join(filter(None, (name, patient.id, study.date, study.description)))

    def _enable(self) -> None:
        is_set_up = self.nodes.count() > 0
        for widget in (self.nodes, self.test, self.send):
            widget.setVisible(is_set_up)
        there = is_set_up and not self._is_busy
        wanted = any(box.isChecked() for box in (self.results, self.series, self.study))
        self.test.setEnabled(there)
        self.send.setEnabled(there and wanted)
        self.series.setEnabled(not self.study.isChecked())
        self.stop.setVisible(self._is_busy)
        self.bar.setVisible(self._is_busy)

    def _tell(self, said: list[tuple[Sentence, int]]) -> None:
        self._said = said
        lines = [str(what) if count == 1 else f"{count} ✕ {what}" for what, count in said]
        self.answer.setText("\n".join(lines))
        self._enable()

    def _show_progress(self, done: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    # -- what lasts ------------------------------------------------------------------------

    def _node(self) -> Node:
        name, settings = self.nodes.currentText(), self._session.settings
        return read_node(name, settings.nodes.get(name, ""), settings.ae_title)

    def _test(self) -> None:
        def work(node: Node, cancel: CancelToken) -> list[tuple[Sentence, int]]:
            echo(node, cancel)
            return [(say("The node answers."), 1)]

        self._begin(work)

    def _send(self) -> None:
        series = self._series if self.series.isChecked() else ()
        parcel = Parcel(results=self.results.isChecked(), series=series, all=self.study.isChecked())

        def progress(done: int, total: int, _what: str) -> None:
            if not self._cancel.is_cancelled:
                self.progressed.emit(done, total)

        def work(node: Node, cancel: CancelToken) -> list[tuple[Sentence, int]]:
            if subject is None or self._session.studies.place(self._place.key) is None:
                raise InvalidInput(say("This study is no longer open: open it and send again."))
            return _told(deliver(subject, parcel, node, self._home, (progress, cancel)), node)

        subject = session_subject(self._session, self._place)
        self._begin(work)

    def _begin(self, work: Callable[[Node, CancelToken], list[tuple[Sentence, int]]]) -> None:
        self._cancel, self._is_busy = CancelToken(), True
        self._show_progress(0, 0)
        self._tell([(say("Asking the node …"), 1)])
        self._operations.start(self._run(work, self._cancel))

    async def _run(
        self, work: Callable[[Node, CancelToken], list[tuple[Sentence, int]]], cancel: CancelToken
    ) -> None:
        try:
            said = await self._operations.call_or_leave(cancel, work, self._node(), cancel)
        except Cancelled:
            said = [(say("Stopped. What the node has already stays there."), 1)]
        except MedViewError as error:
            said = [(each, 1) for each in (error.what, error.what_to_do) if each is not None]
        except Exception:
            said = []  # told by the window; the dialog can be used again
            raise
        finally:
            if isValid(self):
                self._is_busy = False
                self._tell(said)

    def _stop(self) -> None:
        self._cancel.cancel()
        self._tell([(say("Stopping …"), 1)])


def _told(delivery: Delivery, node: Node) -> list[tuple[Sentence, int]]:
    """The counts first, then each reason why something was not taken or not written."""
    sent = delivery.sent
    first = say(
        "{node} took {taken} of {total} {total:object|objects}.",
        node=node.name, taken=sent.taken, total=sent.total,
    )  # fmt: skip
    return [(first, 1), *sent.faults, *((note, 1) for note in delivery.notes)]
