"""The library as a worklist: find, open with priors, tag, add, forget."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QLineEdit,
    QMenu,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from medview.core.progress import CancelToken, Progress
from medview.core.words import tr
from medview.gui.bridge import SessionBridge
from medview.gui.cards import button, empty_state, label, row, swap
from medview.gui.dialogs.files import ask_folder
from medview.gui.dialogs.library_asks import ForgetDialog, TagsDialog
from medview.gui.dialogs.library_table import WorklistModel, first_and_last_day, make_table
from medview.gui.style import GRID
from medview.session import Session
from medview.session.events import Event, LibraryChanged, Message

if TYPE_CHECKING:
    from medview.gui.library_work import LibraryWork
    from medview.library import Checked, StudyEntry

_MODALITIES = ("CT", "MR", "PT", "CR", "DX", "MG", "US", "NM", "XA", "RF", "SEG", "SR")
_TYPING_MS = 120
_DATE_WIDTH = 150


class LibraryDialog(QDialog):
    """Lists what is indexed. What it starts goes on in threads when it is closed.

    work: runs what lasts, and tells how far it is.
    """

    open_asked = Signal(object)  # list of paths

    def __init__(self, session: Session, work: LibraryWork, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._work, self._operations = session, work, work.operations
        self._is_over = False
        self._asked = 0  # the newest search wins
        # No patient in the title: the system keeps it.
        self.resize(1120, 640)
        self.model = WorklistModel(self)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.timeout.connect(self.refresh)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._body = QWidget()
        outer.addWidget(self._body)
        self._build()
        self._connect()
        self._choose()
        self.refresh()

    # -- what it shows -----------------------------------------------------------------------

    @property
    def current(self) -> StudyEntry | None:
        """The study that is chosen."""
        return self.model.entry(self.table.currentIndex().row())

    def refresh(self) -> None:
        """Search again in a thread."""
        from medview.library import Query

        self._asked += 1
        number = self._asked
        since, until = (first_and_last_day(line.text()) for line in (self.since, self.until))
        query = Query(
            text=self.search.text(),
            modality=self._modality.currentData() or "",
            since=since[0] if since else "",
            until=until[1] if until else "",
        )
        is_narrowed = any((query.text, query.modality, query.since, query.until))
        is_understood = since is not None and until is not None

        async def action() -> None:
            found = await self._operations.call(self._session.library.studies, query)
            if number == self._asked and not self._is_over:
                self._show(found, is_narrowed=is_narrowed)
                if not is_understood:
                    self._count.setText(tr("A date is given as YYYY-MM-DD."))

        self._operations.start(action())

    def _show(self, found: tuple[StudyEntry, ...], *, is_narrowed: bool) -> None:
        before = self.current
        self.model.fill(found)
        line = -1 if before is None else self.model.line_of(before.id)
        if found:
            self.table.selectRow(max(line, 0))
        self._pages.setCurrentIndex(0 if found else 2 if is_narrowed else 1)
        count = (
            tr("1 study")
            if len(found) == 1
            else tr("{count} {count:study|studies}", count=len(found))
        )
        self._count.setText(count)
        self._choose()

    def _choose(self) -> None:
        for control in self._for_one:
            control.setVisible(self.current is not None)

    # -- what the reader asks for ------------------------------------------------------------

    def open_current(self, *, with_priors: bool = False) -> None:
        """Open the chosen study, with the patient's earlier ones if wanted."""
        entry = self.current
        if entry is None:
            return
        self._work.run(self._paths_of, entry, with_priors, then=self._open)

    def _paths_of(
        self, entry: StudyEntry, with_priors: bool, _progress: Progress, cancel: CancelToken
    ) -> list[Path]:
        desk = self._session.library
        paths = list(desk.paths_of(entry))
        for prior in desk.priors_of(entry) if with_priors else ():
            cancel.check()
            paths += desk.paths_if_there(prior)
        return list(dict.fromkeys(paths))

    def _open(self, paths: list[Path]) -> None:
        if not self._is_over:
            self.open_asked.emit(paths)
            self.accept()

    def edit_tags(self) -> None:
        """Ask for the tags of the chosen study."""
        entry = self.current
        if entry is not None:
            dialog = TagsDialog(entry.tags, self)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.chosen.connect(
                lambda tags: self._do(self._session.library.set_tags, entry, tags)
            )
            dialog.open()

    def ask_to_forget(self) -> None:
        """Say what is kept of the chosen study's patient, and ask."""
        entry = self.current
        if entry is None:
            return
        desk = self._session.library

        async def action() -> None:
            for item in await self._operations.call(desk.forgettable, entry.patient):
                if item.patient == entry.patient and not self._is_over:
                    dialog = ForgetDialog(item, self)
                    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
                    dialog.confirmed.connect(partial(self._do, desk.forget, item))
                    dialog.open()

        self._operations.start(action())

    def add(self, folder: Path, *, is_copy: bool = False) -> None:
        """Index a folder, or copy it into the library."""
        desk = self._session.library
        self._work.run(desk.add_copy if is_copy else desk.add, [folder])

    def check(self) -> None:
        """Compare the index with the disk and say what is not as it was."""
        self._work.run(self._session.library.check, then=self._show_check)

    def _show_check(self, found: Checked) -> None:
        from medview.library import words_of_check

        if not self._is_over:
            self._said.setText(" ".join(map(str, words_of_check(found))))

    # -- Qt ----------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows and Enter in the search line go to the table."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if event.key() in keys:
                is_wide = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
                self.open_current(with_priors=is_wide)
                return True
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            if watched is self.search and event.key() in steps:
                last = self.model.rowCount() - 1
                line = self.table.currentIndex().row() + steps[Qt.Key(event.key())]
                self.table.selectRow(min(max(line, 0), last))
                return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Another language: built anew around the same search and studies."""
        if event.type() == QEvent.Type.LanguageChange:
            self._rebuild()
        super().changeEvent(event)

    def done(self, result: int) -> None:
        """Closed, in whatever way: what ends later shows nothing here any more."""
        self._is_over = True
        super().done(result)

    # -- wiring ------------------------------------------------------------------------------

    def _rebuild(self) -> None:
        lines = [line.text() for line in (self.search, self.since, self.until)]
        modality, row_number = self._modality.currentIndex(), self.table.currentIndex().row()
        self._build()
        for line, text in zip((self.search, self.since, self.until), lines, strict=True):
            line.setText(text)
        self._modality.setCurrentIndex(modality)
        self.table.selectRow(row_number)
        self.search.setFocus()
        self.refresh()

    def _build(self) -> None:
        """Everything that carries words, in the current language."""
        self.setWindowTitle(tr("Library"))
        before, self._body = self._body, QWidget()
        self.table = make_table(self.model)
        self.search, self.since, self.until = QLineEdit(), QLineEdit(), QLineEdit()
        self._modality = QComboBox()
        self._lay_out()
        self._connect_fields()
        swap(self, before, self._body)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self._body)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.setSpacing(2 * GRID)
        self.search.setPlaceholderText(
            tr("Name, ID, date, description, body part, accession number, tag")
        )
        self.search.setAccessibleName(tr("Search the library"))
        self.search.setClearButtonEnabled(True)
        self._modality.addItem(tr("All modalities"), "")
        for name in _MODALITIES:
            self._modality.addItem(name, name)
        self._modality.setAccessibleName(tr("Modality"))
        for line, name in ((self.since, tr("From")), (self.until, tr("To"))):
            line.setPlaceholderText(f"{name} YYYY-MM-DD")
            line.setAccessibleName(tr("Study date, {which}", which=name.lower()))
            line.setToolTip(tr("A day, a month (YYYY-MM) or a year (YYYY); it counts in full."))
            line.setClearButtonEnabled(True)
            line.setFixedWidth(_DATE_WIDTH)
        self._count = label("", "muted", wrap=False)
        layout.addWidget(row(self.search, self._modality, self.since, self.until, self._count))
        self._pages = QStackedWidget()
        self._pages.addWidget(self.table)
        self._pages.addWidget(
            _page(
                tr("The library is empty"),
                tr("Add a folder: its studies are listed here and found by any word."),
                tr("The files stay where they are. Opening a folder needs no library."),
            )
        )
        self._pages.addWidget(_page(tr("No study is found"), tr("Try fewer words.")))
        layout.addWidget(self._pages, 1)
        self._said = label("", "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(tr("Progress"))
        self._bar.hide()
        self._stop = button(tr("Stop"), "", self._work.cancel)
        self._stop.hide()
        layout.addWidget(row(self._said, self._bar, self._stop))
        layout.addWidget(self._buttons())

    def _buttons(self) -> QWidget:
        more = button(tr("More"))
        menu = QMenu(more)
        menu.addAction(tr("Copy a folder into the library…"), partial(self._ask, "copy"))
        menu.addAction(tr("Watch a folder…"), partial(self._ask, "watch"))
        self._watched_menu = menu.addMenu(tr("Stop watching"))
        self._watched_menu.aboutToShow.connect(self._list_watched)
        menu.addSeparator()
        menu.addAction(tr("Check the library"), self.check)
        menu.addAction(
            tr("Clean up the library"), lambda: self._work.do(self._session.library.clean)
        )
        more.setMenu(menu)
        tags = button(tr("Tags…"), "", self.edit_tags)
        tags.setToolTip("Ctrl+T")
        forget = button(tr("Forget this patient…"), "", self.ask_to_forget)
        forget.setToolTip("Ctrl+Del")
        priors = button(tr("Open with priors"), "", lambda: self.open_current(with_priors=True))
        priors.setToolTip(tr("With the patient's earlier studies") + "  Ctrl+Enter")
        opening = button(tr("Open"), "primary", self.open_current)
        opening.setToolTip("Enter")
        self._for_one = (tags, forget, priors, opening)
        adding = button(tr("Add a folder…"), "", partial(self._ask, "add"))
        for control in (*self._for_one, adding, more):
            control.setAutoDefault(False)
        return row(adding, more, None, tags, forget, 4 * GRID, priors, opening)

    def _connect_fields(self) -> None:
        for line in (self.search, self.since, self.until):
            line.textChanged.connect(lambda _text: self._wait.start(_TYPING_MS))
            line.installEventFilter(self)
        self._modality.currentIndexChanged.connect(self.refresh)
        self.table.installEventFilter(self)
        self.table.doubleClicked.connect(lambda _index: self.open_current())
        self.table.selectionModel().currentChanged.connect(lambda *_: self._choose())
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._show_menu)

    def _connect(self) -> None:
        self._work.progressed.connect(self._show_progress)
        for keys, reaction in (
            ("Ctrl+T", self.edit_tags),
            ("Ctrl+Del", self.ask_to_forget),
            ("Ctrl+F", self._find),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(reaction)
        SessionBridge(self._session, self).heard.connect(self._hear)

    def _find(self) -> None:
        self.search.setFocus()

    def _hear(self, event: Event) -> None:
        if isinstance(event, LibraryChanged):
            self.refresh()
        if isinstance(event, Message):  # the bar that says it lies behind this window
            where = f"{event.where}: " if event.where else ""
            self._said.setText(f"{where}{event.sentence}")

    def _show_menu(self, place: QPoint) -> None:
        if self.current is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(tr("Open"), self.open_current)
        menu.addAction(tr("Open with priors"), lambda: self.open_current(with_priors=True))
        menu.addAction(tr("Tags…"), self.edit_tags)
        menu.addSeparator()
        menu.addAction(tr("Forget this patient…"), self.ask_to_forget)
        menu.popup(self.table.viewport().mapToGlobal(place))

    def _ask(self, what: str) -> None:
        def take(folder: Path) -> None:
            if what == "watch":
                self._work.do(self._session.library.watch.add, folder)
            else:
                self.add(folder, is_copy=what == "copy")

        ask_folder(self, tr("Choose a folder"), take)

    def _list_watched(self) -> None:
        """The folders that are watched, to be asked for in a thread while the menu is open."""
        self._watched_menu.clear()
        waiting = self._watched_menu.addAction(tr("No folder is watched"))
        waiting.setEnabled(False)

        async def action() -> None:
            for folder in await self._operations.call(self._session.library.watch.folders):
                waiting.setVisible(False)
                self._watched_menu.addAction(
                    str(folder), partial(self._do, self._session.library.watch.remove, folder)
                )

        self._operations.start(action())

    def _do(self, work: Callable[..., Any], *args: object) -> None:
        """Short work of the desk in a thread; it tells itself what came of it."""

        async def action() -> None:
            await self._operations.call(work, *args)

        self._operations.start(action())

    def _show_progress(self, done: int, total: int) -> None:
        is_running = done >= 0 and (total == 0 or done != total)
        self._bar.setVisible(is_running)
        self._stop.setVisible(is_running)
        self._bar.setRange(0, total)
        self._bar.setValue(done)


def _page(title: str, *lines: str) -> QWidget:
    """An empty state at the top of its page."""
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.addWidget(empty_state(title, *lines))
    layout.addStretch(1)
    return made
