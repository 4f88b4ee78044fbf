"""The file doctor: what is wrong, by weight, and a repaired copy after its repairs were listed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QProgressBar, QVBoxLayout, QWidget

from medview.core.errors import MedViewError
from medview.core.progress import CancelToken
from medview.core.words import Sentence, say, tr
from medview.gui.cards import Card, CardColumn, ElidedLabel, button, empty_state, label, row
from medview.gui.dialogs.files import ask_folder
from medview.gui.operations import Operations
from medview.gui.style import GRID
from medview.session import doctoring

if TYPE_CHECKING:
    from medview.dicom.doctor import Examination, Finding, Plan, RepairedCopy

T = TypeVar("T")
_MOST_LINES = 5  # findings of one check that a card lists
_MOST_OTHERS = 20  # files that are no DICOM, by name


class DoctorDialog(QDialog):
    """Examines files as soon as it is shown; closing it stops what it does."""

    progressed = Signal(int, int)

    def __init__(self, paths: Sequence[Path], operations: Operations, parent: QWidget) -> None:
        super().__init__(parent)
        self._paths = tuple(paths)
        self._operations = operations
        self._cancel = CancelToken()
        self._found: Examination | None = None
        self._plan: Plan | None = None
        self._is_left = False
        self.finished.connect(self._leave)
        # No patient in the title: the system keeps it.
        self.resize(720, 640)
        self._head = label("", "title")
        self._said = label("", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._column = CardColumn()
        self._stop = button("", "", self._cancelled)
        self._back = button("", "", self._show_findings)
        self._save = button("", "primary", self._next)
        self._close = button("", "", self.close)
        self._say_again: Callable[[], None] = lambda: None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        for widget in (self._head, self._said, self._bar):
            layout.addWidget(widget)
        layout.addWidget(self._column, 1)
        layout.addWidget(row(self._stop, None, self._back, self._save, self._close))
        self.progressed.connect(self._show_progress)
        self._retranslate()
        self._examine()

    @property
    def is_busy(self) -> bool:
        """Whether files are being examined or written."""
        return self._stop.isVisibleTo(self)

    def save_to(self, folder: Path) -> None:
        """Write the copies that are listed into a folder."""
        plan = self._plan
        if plan is None:
            return

        async def action() -> None:
            copies = await self._called(
                doctoring.repair, plan, self._paths, folder, self._report, self._cancel
            )
            if copies is not None:
                self._show_copies(copies, folder)

        self._begin(say("Writing repaired copies"))
        self._operations.start(action())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Nothing goes on for a window that is gone."""
        self._leave()
        super().closeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Another language: what is shown is said in it."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        self.setWindowTitle(tr("File doctor"))
        self._bar.setAccessibleName(tr("Progress"))
        self._column.setAccessibleName(tr("Findings"))
        self._save.setToolTip(tr("Lists each repair first; the files themselves stay as they are."))
        for control, words in (
            (self._stop, tr("Stop")),
            (self._back, tr("Back")),
            (self._close, tr("Close")),
        ):
            control.setText(words)
            control.setAccessibleName(words)
        self._say_again()

    def _name_save(self, words: str) -> None:
        self._save.setText(words)
        self._save.setAccessibleName(words)

    def _leave(self) -> None:
        self._is_left = True
        self._cancel.cancel()

    # -- what is done ------------------------------------------------------------------------

    def _examine(self) -> None:
        async def action() -> None:
            found = await self._called(doctoring.examine, self._paths, self._report, self._cancel)
            if found is not None:
                self._found = found
                self._show_findings()

        self._begin(say("Examining files"))
        self._operations.start(action())

    def _next(self) -> None:
        """From the findings to the list of repairs; from the list to the folder."""
        if self._plan is None:
            self._show_plan()
            return
        ask_folder(self, tr("A folder for the repaired copies"), self.save_to)

    def _show_plan(self) -> None:
        found = self._found
        if found is None:
            return

        async def action() -> None:
            plan = await self._called(doctoring.plan_repairs, found)
            if plan is not None:
                self._plan = plan
                self._list_repairs(plan)

        self._begin(say("Looking what can be repaired"))
        self._operations.start(action())

    async def _called(self, function: Callable[..., T], *args: Any) -> T | None:
        """The result, or None where it was stopped or refused: then the reason stands here."""
        try:
            result = await self._operations.call(function, *args)
        except MedViewError as error:
            if self._is_left:
                return None
            self._show_refusal(error)
            return None
        return None if self._is_left else result

    def _cancelled(self) -> None:
        self._cancel.cancel()

    def _report(self, done: int, total: int, what: str) -> None:
        del what
        if not self._is_left:
            self.progressed.emit(done, total)

    # -- what is shown -----------------------------------------------------------------------

    def _show_progress(self, done: int, total: int) -> None:
        self._bar.setRange(0, total)
        self._bar.setValue(done)

    def _begin(self, what: Sentence) -> None:
        self._cancel = CancelToken()
        self._say_again = lambda: self._head.setText(str(what))
        self._say_again()
        self._said.setText("")
        self._bar.setRange(0, 0)
        for widget in (self._bar, self._stop):
            widget.setVisible(True)
        for widget in (self._back, self._save):
            widget.setVisible(False)

    def _end(self, head: str, said: str) -> None:
        self._head.setText(head)
        self._said.setText(said)
        for widget in (self._bar, self._stop):
            widget.setVisible(False)
        self._back.setVisible(self._plan is not None)

    def _show_refusal(self, error: MedViewError) -> None:
        self._say_again = partial(self._show_refusal, error)
        self._end(error.sentence(), tr("Nothing more was done."))

    def _show_findings(self) -> None:
        self._say_again = self._show_findings
        found = self._found
        if found is None:
            return
        self._plan = None
        counts = {name: found.count(name) for name in ("error", "warning", "remark")}
        self._end(
            tr("{files} {files:file|files}: {error} {error:error|errors}, {warning} "
               "{warning:warning|warnings}, {remark} {remark:remark|remarks}.",
               files=found.files, **counts),
            tr("Nothing is changed in the files themselves."),
        )  # fmt: skip
        self._name_save(tr("Save a repaired copy…"))
        self._save.setVisible(any(finding.is_repairable for finding in found.findings))
        self._column.fill(_finding_cards(found))

    def _list_repairs(self, plan: Plan) -> None:
        self._say_again = partial(self._list_repairs, plan)
        self._end(
            tr("{count} {count:copy|copies} would be written", count=len(plan.copies)),
            tr("Each repair is listed here and inside its copy; pixels stay as they are."),
        )
        self._name_save(tr("Choose a folder…"))
        self._save.setVisible(bool(plan.copies))
        self._column.fill(_plan_cards(plan))

    def _show_copies(self, copies: tuple[RepairedCopy, ...], folder: Path) -> None:
        self._say_again = partial(self._show_copies, copies, folder)
        self._end(
            tr("{count} {count:repaired copy was|repaired copies were} written", count=len(copies)),
            str(folder),
        )
        self._save.setVisible(False)


def _finding_cards(found: Examination) -> list[QWidget]:
    """Cards by weight, one a check, with the places where it was found."""
    titles = {"error": tr("ERRORS"), "warning": tr("WARNINGS"), "remark": tr("REMARKS")}
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in found.findings:
        groups[finding.check.id].append(finding)
    widgets: list[QWidget] = []
    for severity, title in titles.items():
        cards = [_card(g) for g in groups.values() if g[0].check.severity == severity]
        widgets += [label(title, "caption"), *cards] if cards else []
    if found.unreadable:
        widgets.append(label(tr("NOT EXAMINED"), "caption"))
        widgets += [label(f"{Path(n.path).name}: {n.reason}", "bad") for n in found.unreadable]
    if not widgets and found.dicom:
        widgets = [empty_state(tr("Nothing is wrong"), tr("Every check was passed."))]
    if found.ignored:
        widgets.append(label(tr("NOT DICOM"), "caption"))
        some = found.ignored[:_MOST_OTHERS]
        widgets += [label(f"{Path(n.path).name}: {n.reason}", "muted") for n in some]
        if len(found.ignored) > len(some):
            said = tr("and {count} more", count=len(found.ignored) - len(some))
            widgets.append(label(said, "muted"))
    return widgets


def _card(findings: list[Finding]) -> Card:
    check = findings[0].check
    card = Card()
    card.setAccessibleName(str(check.title))
    role = {"error": "bad", "warning": "warn"}.get(check.severity, "")
    count = f" · {len(findings)}" if len(findings) > 1 else ""
    card.add(label(f"{check.title}{count}", role))
    for finding in findings[:_MOST_LINES]:
        place = "" if finding.offset is None else tr("at byte {offset}", offset=finding.offset)
        parts = (Path(finding.path).name, finding.tag, place)
        card.add(ElidedLabel(" · ".join(part for part in parts if part), "small"))
        card.add(label(str(finding.what)))
    if len(findings) > _MOST_LINES:
        card.add(label(tr("and {count} more", count=len(findings) - _MOST_LINES), "muted"))
    card.add(label(str(check.causes), "muted"))
    if any(finding.is_repairable for finding in findings):
        card.add(label(tr("In a repaired copy: {repair}", repair=check.repair), "good"))
    else:
        card.add(label(tr("What to do: {advice}", advice=check.what_to_do), "muted"))
    return card


def _plan_cards(plan: Plan) -> list[QWidget]:
    widgets: list[QWidget] = []
    for planned in plan.copies:
        card = Card()
        card.add(ElidedLabel(Path(planned.path).name, "title"))
        card.add(*(label(f"{f.tag} {f.check.repair}".strip()) for f in planned.repairs))
        if planned.moves:
            said = tr("The copy has UIDs of its own, for its order or place is another.")
            card.add(label(said, "muted"))
        widgets.append(card)
    if plan.left:
        widgets.append(label(tr("LEFT AS THEY ARE"), "caption"))
        widgets += [label(f"{Path(n.path).name}: {n.reason}", "muted") for n in plan.left]
    return widgets or [empty_state(tr("Nothing can be repaired honestly"))]
