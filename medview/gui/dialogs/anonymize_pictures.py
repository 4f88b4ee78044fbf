"""The second page: each picture that may show a name, with its areas and what becomes of it."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from medview.core.words import tr
from medview.dicom.anonymize import Box, Decision, Suspicion
from medview.gui.cards import button, label, row
from medview.gui.dialogs.anonymize_canvas import BlackoutCanvas
from medview.gui.style import GRID
from medview.session.anonymizing import short_name


class PicturesPage(QWidget):
    """Lists suspicious pictures; `picture_wanted` asks for one, `show_picture` answers."""

    picture_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._suspicions: tuple[Suspicion, ...] = ()
        self._decisions: dict[str, Decision] = {}
        self._boxes: dict[str, tuple[Box, ...]] = {}
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Pictures that may show names"))
        self.list.setFixedWidth(220)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.currentRowChanged.connect(self._choose)
        self.canvas = BlackoutCanvas()
        self.canvas.setToolTip(
            tr("Drag to draw an area; N adds one, arrows move it, Shift + arrows size it, "
               "Delete removes it.")
        )  # fmt: skip
        self.canvas.changed.connect(self._take_boxes)
        self._reasons = label("", "muted")
        self._group = QButtonGroup(self)
        self._lay_out()

    def show_suspicions(self, suspicions: tuple[Suspicion, ...]) -> None:
        """Begin with every picture left out and the areas that were found."""
        self._suspicions = suspicions
        self._decisions = {one.path: Decision.LEAVE_OUT for one in suspicions}
        self._boxes = {one.path: one.boxes for one in suspicions}
        self.list.clear()
        for one in suspicions:
            self.list.addItem(QListWidgetItem(short_name(one.path)))
            self._mark(self.list.count() - 1)
        if suspicions:
            self.list.setCurrentRow(0)

    def take_over(self, other: PicturesPage) -> None:
        """Show what another page shows, with what was decided and drawn there."""
        self.show_suspicions(other._suspicions)
        self._decisions, self._boxes = other.decisions, other.boxes
        for number in range(self.list.count()):
            self._mark(number)
        self.list.setCurrentRow(other.list.currentRow())
        self._choose(self.list.currentRow())

    def show_picture(self, path: str, image: QImage | None) -> None:
        """The picture that was asked for, unless another is looked at by now."""
        one = self._current()
        if one is not None and one.path == path:
            boxes = [
                QRect(b.left, b.top, b.right - b.left, b.bottom - b.top) for b in self._boxes[path]
            ]
            self.canvas.show_picture(image, boxes)

    def decide(self, decision: Decision, *, for_all: bool = False) -> None:
        """What becomes of the picture that is shown, or of all of them."""
        rows = range(len(self._suspicions)) if for_all else (self.list.currentRow(),)
        for number in rows:
            one = self._suspicions[number]
            if decision is Decision.BLANK and not (one.can_blank and self._boxes[one.path]):
                continue
            self._decisions[one.path] = decision
            self._mark(number)
        self._show_decision()

    @property
    def decisions(self) -> dict[str, Decision]:
        """What was decided, by path."""
        return dict(self._decisions)

    @property
    def boxes(self) -> dict[str, tuple[Box, ...]]:
        """The areas to black out, by path."""
        return dict(self._boxes)

    # -- inside --------------------------------------------------------------------------

    def _lay_out(self) -> None:
        choices = QWidget()
        line = QHBoxLayout(choices)
        line.setContentsMargins(0, 0, 0, 0)
        for decision, text in (
            (Decision.LEAVE_OUT, tr("Leave out")),
            (Decision.BLANK, tr("Black out the areas")),
            (Decision.KEEP, tr("Keep as it is")),
        ):
            made = QRadioButton(text)
            made.setAccessibleName(text)
            made.setProperty("decision", decision.value)
            made.clicked.connect(self._take_decision)
            self._group.addButton(made)
            line.addWidget(made)
        line.addStretch(1)
        add = button(tr("Add area"), "", self.canvas.add_box)
        add.setToolTip(tr("Add an area in the middle (N)"))
        same = button(tr("Same for all"), "", self._same_for_all)
        same.setToolTip(tr("Do the same with every picture of the list"))
        right = QVBoxLayout()
        right.setSpacing(2 * GRID)
        right.addWidget(self._reasons)
        right.addWidget(self.canvas, 1)
        right.addWidget(row(choices, None, add, same))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3 * GRID)
        layout.addWidget(self.list)
        layout.addLayout(right, 1)

    def _current(self) -> Suspicion | None:
        number = self.list.currentRow()
        return self._suspicions[number] if 0 <= number < len(self._suspicions) else None

    def _choose(self, _number: int) -> None:
        one = self._current()
        if one is None:
            return
        self._reasons.setText("\n".join(str(reason) for reason in one.reasons))
        self.canvas.show_picture(None, [])
        self._show_decision()
        self.picture_wanted.emit(one.path)

    def _show_decision(self) -> None:
        one = self._current()
        if one is None:
            return
        decision = self._decisions[one.path]
        for made in self._group.buttons():
            value = str(made.property("decision"))
            made.setChecked(value == decision.value)
            if value == Decision.BLANK.value:
                made.setVisible(one.can_blank)
        self.canvas.set_solid(decision is Decision.BLANK)

    def _take_decision(self) -> None:
        made = self._group.checkedButton()
        if made is not None:
            self.decide(Decision(str(made.property("decision"))))

    def _same_for_all(self) -> None:
        one = self._current()
        if one is None:
            return
        decision = self._decisions[one.path]
        for other in self._suspicions:
            # Areas go along to pictures of the same size: a series has its text in one place.
            if (other.rows, other.columns) == (one.rows, one.columns):
                self._boxes[other.path] = self._boxes[one.path]
        self.decide(decision, for_all=True)

    def _take_boxes(self) -> None:
        one = self._current()
        if one is None:
            return
        self._boxes[one.path] = tuple(
            Box(b.x(), b.y(), b.x() + b.width(), b.y() + b.height()) for b in self.canvas.boxes
        )
        has_boxes = bool(self._boxes[one.path])
        self.decide(Decision.BLANK if has_boxes and one.can_blank else Decision.LEAVE_OUT)

    def _mark(self, number: int) -> None:
        one = self._suspicions[number]
        words = {
            Decision.LEAVE_OUT: tr("left out"),
            Decision.BLANK: tr("blacked out"),
            Decision.KEEP: tr("kept"),
        }[self._decisions[one.path]]
        item = self.list.item(number)
        item.setText(f"{short_name(one.path)}\n{words}")
        item.setToolTip(one.path)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{short_name(one.path)}, {words}")
