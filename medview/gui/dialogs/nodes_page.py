"""The DICOM nodes that MedView may send to, in the settings: none until the reader names one."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFormLayout, QGridLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from medview.core.errors import MedViewError
from medview.core.words import tr
from medview.dicom.nodes import OWN_TITLE, check_title, read_node
from medview.gui.cards import button, label, row
from medview.gui.style import GRID

_USUAL_PORT = 104  # of DICOM, by IANA


class NodeRow:
    """The fields of one node: its name, AE title, host and port.

    kept: name and place when these were last whole, empty before.
    """

    def __init__(self, name: str, place: str) -> None:
        title, host, port, self.kept = "", "", _USUAL_PORT, (name, place)
        try:
            node = read_node(name, place)
            title, host, port = node.title, node.host, node.port
        except MedViewError:
            self.kept = ("", "")  # somebody else wrote the settings: the row begins empty
        self.name, self.title, self.host = QLineEdit(name), QLineEdit(title), QLineEdit(host)
        self.port = QSpinBox()
        self.port.setRange(1, 65535)
        self.port.setValue(port)
        self.title.setMaxLength(16)
        self.remove = button(tr("Remove"), "link")

    @property
    def place(self) -> str:
        """As `read_node` reads it."""
        host = self.host.text().strip()
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"{self.title.text().strip()}@{host}:{self.port.value()}"

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        """In the order of their columns."""
        return self.name, self.title, self.host, self.port, self.remove


class NodesPage(QWidget):
    """One row a node; what is whole holds at once, what is not is said below."""

    changed = Signal(object, str)  # places of nodes by name, MedView's own AE title

    def __init__(self, nodes: Mapping[str, str], own_title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows = [NodeRow(name, place) for name, place in nodes.items()]
        self._own_title = own_title or OWN_TITLE
        self.own = QLineEdit(own_title)
        self.own.setMaxLength(16)
        self.own.setPlaceholderText(OWN_TITLE)
        self.own.setAccessibleName(tr("MedView's own AE title"))
        self.own.editingFinished.connect(self._tell)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(2 * GRID)
        self._grid.setColumnStretch(0, 3)
        self._grid.setColumnStretch(1, 2)
        self._grid.setColumnStretch(2, 3)
        self.wrong = label("", "bad")
        form = QFormLayout()
        form.addRow(tr("MedView's own AE title"), self.own)
        about = tr("MedView connects to nothing but what stands here, and only when you send.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.setSpacing(3 * GRID)
        layout.addWidget(label(about, "muted"))
        layout.addLayout(form)
        layout.addLayout(self._grid)
        self.add = button(tr("Add a node"), "", self._add)
        layout.addWidget(row(self.add, None))
        layout.addWidget(self.wrong)
        layout.addStretch(1)
        self._fill()

    def _add(self) -> None:
        self.rows.append(NodeRow("", ""))
        self._fill()
        self.rows[-1].name.setFocus()

    def _fill(self) -> None:
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None and not any(widget in each.widgets for each in self.rows):
                widget.deleteLater()
        if not self.rows:
            return
        heads = (tr("Node"), tr("AE title"), tr("Host"), tr("Port"))
        for column, words in enumerate(heads):
            self._grid.addWidget(label(words, "caption"), 0, column)
        for number, each in enumerate(self.rows, start=1):
            for column, widget in enumerate(each.widgets):
                self._grid.addWidget(widget, number, column)
            for field, words in zip(each.widgets, heads, strict=False):
                field.setAccessibleName(f"{words} {number}")
            self._connect(each)

    def _connect(self, each: NodeRow) -> None:
        if each.remove.property("joined"):
            return
        each.remove.setProperty("joined", True)
        each.remove.clicked.connect(lambda _on=False: self._remove(each))
        for field in (each.name, each.title, each.host, each.port):
            field.editingFinished.connect(self._tell)

    def _remove(self, each: NodeRow) -> None:
        self.rows.remove(each)
        self._fill()
        self._tell()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return ends a field, and not the dialog with a row that is half written."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            return
        super().keyPressEvent(event)

    def _tell(self) -> None:
        """Keep what is whole, of a row that is not what was; say what is wrong with the first."""
        wrong, own = "", self.own.text().strip() or OWN_TITLE
        try:
            check_title(own)
            self._own_title = own
        except MedViewError as error:
            wrong = str(error.what)
        nodes: dict[str, str] = {}
        for each in self.rows:
            said = self._fault(each, nodes)
            if said == "":
                each.kept = (each.name.text().strip(), each.place)
            wrong = wrong or said
            name, place = each.kept
            if name and name not in nodes:
                nodes[name] = place
        self.wrong.setText(wrong)
        self.changed.emit(nodes, self._own_title)

    def _fault(self, each: NodeRow, others: Mapping[str, str]) -> str:
        name = each.name.text().strip()
        if not (name and each.title.text().strip() and each.host.text().strip()):
            return tr("A node needs a name, an AE title and a host.")
        if name in others:
            return tr("Two nodes have the name {name}.", name=name)
        try:
            read_node(name, each.place)
        except MedViewError as error:
            return f"{name}: {error.what}"
        return ""
