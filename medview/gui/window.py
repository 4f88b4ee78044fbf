"""The main window: bars, panels and views around one session; it wires, it does not compute."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from medview.core.progress import CancelToken
from medview.core.settings import load_settings
from medview.core.words import Sentence, say, tr
from medview.gui.actions import Actions
from medview.gui.menus import view_menu
from medview.gui.nodule_work import NoduleWork
from medview.gui.notices import Notices, empty_canvas
from medview.gui.statusbar import StatusBar
from medview.gui.style import (
    LEFT_PANEL,
    RIGHT_PANEL,
)
from medview.gui.topbar import TopBar

if TYPE_CHECKING:
    from medview.gui.actions.bindings import Bindings
    from medview.gui.chosen_work import ChosenWork
    from medview.gui.measuring_work import MeasuringWork
    from medview.gui.operations import Operations
    from medview.gui.panels.studies import StudiesPanel
    from medview.gui.preferences import Preferences
    from medview.gui.preset_work import PresetWork
    from medview.gui.reactions import Reactions
    from medview.gui.second_work import SecondWork
    from medview.gui.showing import Showing
    from medview.gui.sidebar import Sidebar
    from medview.gui.trust_work import TrustWork
    from medview.gui.view_grid import ViewGrid
    from medview.session import Session
    from medview.session.studies import Key

_TELL_S = 0.1


class MainWindow(QMainWindow):
    """One window on one session.

    Without a session it is the frame alone: bars and empty places, drawn before anything heavy
    is loaded. `furnish` makes it whole.
    """

    progressed = Signal(str, int, int)
    closing = Signal()  # before anything is waited for
    session: Session
    operations: Operations
    studies: StudiesPanel
    grid: ViewGrid
    sidebar: Sidebar
    preferences: Preferences
    presets: PresetWork
    showing: Showing
    measures: MeasuringWork
    chosen_work: ChosenWork
    second: SecondWork
    reactions: Reactions
    trust: TrustWork

    def __init__(self, session: Session | None = None) -> None:
        super().__init__()
        self.messages: list[tuple[str, Sentence, str]] = []
        self._cancel = CancelToken()
        self._is_whole = False
        self._reading = 0  # how many folders are being read
        self._told_at = 0.0  # when progress was told last
        self.setWindowTitle("MedView")
        self.actions_ = Actions(self)
        self.top = TopBar(self.actions_, self)
        self.status = StatusBar(self)
        self.notices = Notices(self)
        self._places = (QWidget(), empty_canvas(), QWidget())
        self._lay_out()
        settings = load_settings() if session is None else session.settings
        self._places[0].setVisible(settings.left_panel)
        self._places[2].setVisible(settings.right_panel)
        self.top.show_tool("window")
        self.resize(1600, 980)
        if session is not None:
            self.furnish(session)

    def furnish(self, session: Session) -> None:
        """Put panels and views in their places and wire them to the session."""
        from medview.gui.bridge import SessionBridge
        from medview.gui.chosen_work import ChosenWork
        from medview.gui.measuring_work import MeasuringWork
        from medview.gui.operations import Operations
        from medview.gui.panels.studies import StudiesPanel
        from medview.gui.preferences import Preferences
        from medview.gui.preset_work import PresetWork
        from medview.gui.reactions import Reactions
        from medview.gui.showing import Showing
        from medview.gui.sidebar import Sidebar
        from medview.gui.trust_work import TrustWork
        from medview.gui.view_grid import ViewGrid

        self.session = session
        self.operations = Operations(session)
        self.studies = StudiesPanel(session)
        self.grid = ViewGrid()
        self.sidebar = Sidebar(session, self.operations.run)
        for place, part in zip(self._places, (self.studies, self.grid, self.sidebar), strict=True):
            self._middle.replaceWidget(place, part)
            place.deleteLater()
        self.showing = Showing(self)
        self.measures = MeasuringWork(self)
        self.chosen_work = ChosenWork(self)
        self.trust = TrustWork(self)
        self.presets = PresetWork(self)
        self.reactions = Reactions(self)
        self.preferences = Preferences(self, self.reactions.say)
        self._add_works()
        SessionBridge(session, self).heard.connect(self.reactions.hear)
        self._connect_parts()
        self.preferences.show()
        self.setAcceptDrops(True)
        self._is_whole = True

    def _add_works(self) -> None:
        """What the window can do, one part a line."""
        from medview.gui.action_work import ActionWork
        from medview.gui.curve_work import CurveWork
        from medview.gui.export_work import ExportWork
        from medview.gui.hanging_work import HangingWork
        from medview.gui.key_images_work import KeyImagesWork
        from medview.gui.key_work import KeyWork
        from medview.gui.layout_work import LayoutWork
        from medview.gui.library_work import LibraryWork
        from medview.gui.models_work import ModelsWork
        from medview.gui.picture_works import PictureWorks
        from medview.gui.record_work import RecordWork
        from medview.gui.results_work import ResultsWork
        from medview.gui.risk_work import RiskWork
        from medview.gui.scripts.work import ScriptWork
        from medview.gui.second_work import SecondWork
        from medview.gui.segment_work import SegmentWork
        from medview.gui.send_work import SendWork
        from medview.gui.volume_work import VolumeWork

        self.library = LibraryWork(self)
        self.pictures = PictureWorks(self)
        self.fusion = self.pictures.fusion
        self.hanging = HangingWork(self)
        ActionWork(self)
        self.scripts = ScriptWork(self)
        self.export = ExportWork(self)
        LayoutWork(self)
        self.keys = KeyWork(self)
        self.second = SecondWork(self)
        self.curves = CurveWork(self)
        VolumeWork(self)
        segments = SegmentWork(self)
        NoduleWork(self, segments)
        ResultsWork(self, segments)
        ModelsWork(self)
        SendWork(self)
        KeyImagesWork(self)
        RecordWork(self)
        RiskWork(self)

    # -- what the reader asks for --------------------------------------------------------

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders in the background."""
        self._cancel = CancelToken()

        async def action() -> None:
            self._reading += 1
            try:
                cancel = self._cancel
                await self.operations.call_or_leave(
                    cancel, self.session.open, list(paths), self._report_progress, cancel
                )
            finally:
                self._reading -= 1
                self.progressed.emit("", 0, 0)

        self.operations.start(action())

    def open_demo(self) -> None:
        """Make the demo study in the user's folder if it is not there, and open it."""
        from medview.core.paths import user_data_dir

        folder = user_data_dir() / "demo"
        parts = [folder / "images", folder / "record"]  # the masks beside them are no patient
        self._cancel = CancelToken()

        async def action() -> None:
            from medview.gui.demo import make_in_child

            self._reading += 1
            try:
                if not (folder / "truth" / "truth.json").is_file():
                    await self.operations.call(
                        make_in_child, folder, self._report_progress, self._cancel
                    )
                await self.operations.call(
                    self.session.open, parts, self._report_progress, self._cancel
                )
            finally:
                self._reading -= 1
                self.progressed.emit("", 0, 0)

        self.operations.start(action())

    def show_series(self, key: Key) -> None:
        """Look at another series."""
        self.showing.choose(key)

    def examine_shown(self) -> None:
        """The file doctor on the series that is looked at, else on what could not be read."""
        active = self.session.active
        self.examine_series(None if active is None else active.key)

    def examine_series(self, key: Key | None) -> None:
        """The file doctor on a series; on the files that could not be read without one."""
        from medview.gui.dialogs.doctor import DoctorDialog
        from medview.session.doctoring import files_of, unreadable_files

        place = None if key is None else self.session.studies.place(key)
        holdings = self.session.studies.holdings
        paths = unreadable_files(holdings) if place is None else files_of(place.series)
        if not paths:
            self.reactions.say(say("There is no file to examine."), "warn")
            return
        dialog = DoctorDialog(paths, self.operations, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def analyse(self) -> None:
        """Run every model that fits the series that is shown."""
        self.reactions.analyse(self.session.active)

    def analyse_study(self) -> None:
        """Run every model that fits a series of the active patient's newest study."""
        active = self.session.active
        for place in self.session.studies.places():
            if active is None or place.study.date != active.study.date:
                continue
            if place.is_of_patient_with(active):
                self.reactions.analyse(place, is_asked=False)

    def restore(self) -> None:
        """After a crash, open again what was open."""

        async def action() -> None:
            found = await self.operations.call(self.session.restore)
            if found:
                self.reactions.say(say("Restored after MedView ended unexpectedly."))

        self.operations.start(action())

    def start_worker(self) -> None:
        """Start the analysis process in the background."""

        async def action() -> None:
            await self.operations.call(self.session.analyses.start_worker)

        self.operations.start(action())

    def show_anonymize(self) -> None:
        """Copies without identity of what is open, or of a folder that is named there."""
        from medview.gui.dialogs.anonymize import AnonymizeDialog

        paths = [Path(path) for path in self.session.studies.opened_paths]
        dialog = AnonymizeDialog(paths, self.operations, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    @property
    def is_busy(self) -> bool:
        """Whether something is being read, drawn or analysed."""
        return (
            self.operations.is_busy
            or bool(self.session.analyses.running)
            or not self.grid.is_drawn
            or self.sidebar.is_busy
        )

    def close_patient(self) -> None:
        """Close the active patient, and stop reading."""
        self._cancel.cancel()
        self.reactions.cancel_loading()
        if not self.session.studies.opened_paths:
            self.reactions.say(say("Open a study first."), "warn")
        else:
            self.status.show_message("", "info")  # what was said of them goes with them
        self.session.close_patient()

    def cancel(self) -> None:
        """Stop what is being read or analysed."""
        self._cancel.cancel()
        self.reactions.cancel_loading()
        self.session.prefetch.yield_to(None)
        for job in self.session.analyses.running:
            self.session.analyses.cancel(job.id)

    def set_tool(self, name: str) -> None:
        """What the left button does."""
        self.grid.set_tool(name)
        self.top.show_tool(name)

    def retranslate(self) -> None:
        """Every word of the window in the current language."""
        self.actions_.retranslate()
        for part in (
            self.top, self.studies, self.sidebar, self.status, self.grid, self.fusion.bar,
            self.pictures.phases,
        ):  # fmt: skip
            part.retranslate()
        self.reactions.show_all()
        for dialog in self.findChildren(QDialog):  # those that stand beside the window
            QApplication.sendEvent(dialog, QEvent(QEvent.Type.LanguageChange))

    def show_palette(self) -> None:
        """Ctrl+K."""
        from medview.gui.dialogs.palette import Palette, entries_of

        palette = Palette(entries_of(self), self)
        palette.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        palette.open()
        palette.search.setFocus()

    # -- Qt ------------------------------------------------------------------------------

    def answer_key(self, event: QKeyEvent) -> str:
        """Do what a key means in the active view; see `views.keys.AnswersKeys`."""
        return self.actions_.answer(event)

    def answer_volume_key(self, event: QKeyEvent) -> str:
        """Do what a key means in the volume view; see `views.keys.AnswersKeys`."""
        action_id = self.actions_.bindings.answer(event, in_volume=True)
        if action_id:
            self.actions_.perform(action_id)
        return action_id

    @property
    def bindings(self) -> Bindings:
        """The reader's keys."""
        return self.actions_.bindings

    def perform_action(self, action_id: str) -> None:
        """Do an action by its name."""
        self.actions_.perform(action_id)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped anywhere."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        paths = [Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.open_paths(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop what runs, keep what was made, end the worker."""
        self.closing.emit()
        if not self._is_whole:
            super().closeEvent(event)
            return
        self.cancel()
        self.grid.close_views()
        self.operations.close()
        self.session.close()
        super().closeEvent(event)

    # -- wiring --------------------------------------------------------------------------

    def _lay_out(self) -> None:
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        self._middle = QHBoxLayout()
        self._middle.setSpacing(1)
        left, views, right = self._places
        left.setFixedWidth(LEFT_PANEL)
        right.setFixedWidth(RIGHT_PANEL)
        self._middle.addWidget(left)
        self._middle.addWidget(views, 1)
        self._middle.addWidget(right)
        column.addWidget(self.top)
        column.addLayout(self._middle, 1)
        column.addWidget(self.status)
        self.setCentralWidget(centre)
        centre.setObjectName("centre")

    def _connect_parts(self) -> None:
        self.top.search_asked.connect(self.show_palette)
        self.status.cancel_asked.connect(self.cancel)
        self.status.messages_asked.connect(self.notices.show_messages)
        self.progressed.connect(self._show_progress)
        for signal, slot in (
            (self.studies.series_chosen, self.show_series),
            (self.studies.doctor_asked, self.examine_series),
        ):
            signal.connect(slot)
        self.studies.document_chosen.connect(self._show_document)
        self.studies.details_asked.connect(self.notices.show_left_out)
        self.studies.pictures_wanted.connect(self._make_pictures)
        self.grid.series_step.connect(self.studies.step)
        self.grid.series_dropped.connect(self.session.select)
        self.grid.tool_chosen.connect(self.set_tool)
        self.grid.playing.changed.connect(lambda plays: self.top.show_cine(is_playing=plays))
        self.grid.menu_requested.connect(self._show_menu)

    def _report_progress(self, done: int, total: int, _what: str) -> None:
        now = time.monotonic()
        if now - self._told_at >= _TELL_S:  # a folder of many thousands must not be slowed by it
            self._told_at = now
            self.progressed.emit(tr("Reading"), done, total)

    def _show_progress(self, what: str, done: int, total: int) -> None:
        if self._reading or not what:  # the last word of a thread may come after its end
            self.status.show_progress(what, done, total)

    def _show_menu(self, place: QPoint, measurement_id: str) -> None:
        menu = view_menu(self.actions_, self, self.chosen_work.offered(measurement_id))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def _show_document(self, document_id: str) -> None:
        self.sidebar.show_tab("record")
        self.sidebar.record.show_document(document_id)

    def _make_pictures(self, keys: list[Key]) -> None:
        from medview.gui.thumbnails import make_thumbnails

        # After the first image: the reader waits for that one, not for these.
        QTimer.singleShot(50, lambda: self.operations.start(make_thumbnails(self, keys)))
