"""The left panel: patient, studies by date, series as thumbnails, documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QDrag, QImage, QKeyEvent, QMouseEvent, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from medview.core.study import Patient, Series, Study, shown_name
from medview.core.words import tr
from medview.gui.bridge import SessionBridge
from medview.gui.cards import (
    Card,
    CardColumn,
    ElidedLabel,
    ElidedLink,
    button,
    empty_state,
    label,
    row,
)
from medview.gui.panels.left_out import LeftOutCard, left_out_files
from medview.gui.panels.study_objects import object_line
from medview.gui.style import GRID, LEFT_PANEL, colour, icon, tokens
from medview.gui.views.corners import age_of, badge_text, sex_text
from medview.session import Session
from medview.session.candidates import FittingPrior, fitting_prior
from medview.session.events import (
    ActiveChanged,
    DocumentsChanged,
    Event,
    HoldingsChanged,
    LoadProgress,
    WorkChanged,
)
from medview.session.studies import Key

if TYPE_CHECKING:
    from medview.library import StudyEntry

_PATIENTS = 40  # cards that are made at first
SERIES_MIME = "application/x-medview-series"
THUMB = 48
_WORDS_WIDTH = LEFT_PANEL - THUMB - 11 * GRID  # beside the thumbnail, scroll bar taken off


class SeriesItem(QFrame):
    """One stack: thumbnail with its loading bar, name, count, badges. Click, Enter or drag."""

    chosen = Signal(object)
    doctor_asked = Signal(object)

    def __init__(self, series: Series, number: int, marks: Iterable[str]) -> None:
        super().__init__()
        self.key: Key = (series.uid, number)
        self._pressed: QPoint | None = None
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        stack = series.stacks[number]
        name = " · ".join(
            part
            for part in (str(series.number or ""), series.description or series.modality)
            if part
        )
        self.count = count = len(stack.frames)
        images = tr("{count} {count:image|images}", count=count)
        parted = "" if stack.label is None else f" · {stack.label}"
        if stack.label is None and len(series.stacks) > 1:
            parts = len(series.stacks)
            parted = " · " + tr("part {number} of {count}", number=number + 1, count=parts)
        detail = " · ".join(part for part in (series.modality, images) if part) + parted
        self.setAccessibleName(", ".join(part for part in (name, detail) if part))
        self._thumb = QLabel()
        self._thumb.setFixedSize(THUMB, THUMB)
        self._thumb.setStyleSheet(f"background: {tokens().canvas};")
        self._thumb.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._bar = QProgressBar(self._thumb)
        self._bar.setTextVisible(False)
        self._bar.setGeometry(0, THUMB - 4, THUMB, 4)
        self._bar.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(self._thumb, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(ElidedLabel(name))
        words.addWidget(ElidedLabel(detail, "small"))
        own = [*map(badge_text, stack.badges), *_verdict(stack.verdict)]
        words.addWidget(_badges(series.modality, [*own, *marks]))
        layout.addLayout(words, 1)
        said = [] if stack.values_said is None else [stack.values_said]
        said += [scale.said for scale in stack.scales if scale.said is not None]
        notes = "\n".join(map(str, (*stack.notes, *said)))
        self.setToolTip(notes)
        self.setAccessibleDescription(notes)

    def set_picture(self, picture: QImage) -> None:
        """The thumbnail."""
        self._thumb.setPixmap(
            QPixmap.fromImage(picture).scaled(
                THUMB,
                THUMB,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        )

    def set_progress(self, done: int, total: int) -> None:
        """How much of the series is in memory; the bar goes when it is whole."""
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._bar.setVisible(0 < done < total)
        words = tr("{done} of {total} images are in memory", done=done, total=total)
        self.setAccessibleDescription(
            "\n".join(filter(None, (words if done else "", self.toolTip())))
        )
        self._thumb.setToolTip(words if done else "")

    def set_active(self, is_active: bool) -> None:
        """Frame the series that is being looked at."""
        self.setProperty("open", is_active)
        self.style().unpolish(self)
        self.style().polish(self)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What else can be done with the series."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(tr("Open")).triggered.connect(lambda: self.chosen.emit(self.key))
        examine = menu.addAction(icon("stethoscope"), tr("Examine files…"))
        examine.triggered.connect(lambda: self.doctor_asked.emit(self.key))
        menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter or space opens the series."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.key)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a drag would begin."""
        self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the series into a view."""
        if self._pressed is None:
            return
        moved = (event.position().toPoint() - self._pressed).manhattanLength()
        if moved >= QApplication.startDragDistance():
            self._pressed = None
            drag = QDrag(self)
            data = QMimeData()
            data.setData(SERIES_MIME, f"{self.key[0]}\n{self.key[1]}".encode())
            drag.setMimeData(data)
            drag.setPixmap(self._thumb.pixmap())
            drag.exec(Qt.DropAction.CopyAction)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click opens the series."""
        if self._pressed is not None and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self.key)
        self._pressed = None


def dropped_key(data: QMimeData) -> Key | None:
    """The series that is being dragged, None when it is something else."""
    if not data.hasFormat(SERIES_MIME):
        return None
    uid, number = bytes(data.data(SERIES_MIME).data()).decode().split("\n")
    return uid, int(number)


def _badges(modality: str, marks: Iterable[str]) -> QWidget:
    made = [ElidedLabel(text, "small") for text in (modality, *marks) if text]
    for mark in made:
        mark.setStyleSheet(
            f"background: {colour(tokens().line).name()}; border-radius: 3px; padding: 0 4px;"
        )
    return _flow(made, _WORDS_WIDTH)


def _flow(widgets: Iterable[QWidget], width: int) -> QWidget:
    """Widgets side by side, in as many lines as they need."""
    lines: list[list[QWidget]] = [[]]
    used = 0
    for widget in widgets:
        widget.ensurePolished()
        wanted = widget.sizeHint().width() + GRID
        if lines[-1] and used + wanted > width:
            lines.append([])
            used = 0
        used += wanted
        lines[-1].append(widget)
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    for line in lines:
        layout.addWidget(row(*line, None, spacing=GRID))
    return made


def _verdict(verdict: str) -> list[str]:
    return [tr("doubles")] if verdict == "duplicates" else []


class StudiesPanel(QWidget):
    """Lists what is open; emits what the reader wants to see."""

    series_chosen = Signal(object)
    document_chosen = Signal(str)
    prior_chosen = Signal(object)  # a study of the library
    details_asked = Signal()
    doctor_asked = Signal(object)  # the key of a series, None for the unreadable files
    pictures_wanted = Signal(object)  # list of keys without a thumbnail

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setFixedWidth(LEFT_PANEL)
        self._column = CardColumn()
        self._column.column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._column)
        self._items: dict[Key, SeriesItem] = {}
        self._most = _PATIENTS  # a folder of thousands must not hold the window up at each change
        self._priors: tuple[StudyEntry, ...] = ()
        self._pictures: dict[Key, QImage] = {}
        self._pictured: dict[Key, int] = {}  # with how many images a picture was asked for
        self._progress: dict[Key, tuple[int, int]] = {}
        SessionBridge(session, self).heard.connect(self._hear)
        self.retranslate()

    @property
    def items(self) -> tuple[SeriesItem, ...]:
        """The series that are listed, from the top."""
        return tuple(self._items.values())

    def set_picture(self, key: Key, picture: QImage) -> None:
        """A thumbnail is ready."""
        self._pictures[key] = picture
        if key in self._items:
            self._items[key].set_picture(picture)

    def set_priors(self, priors: tuple[StudyEntry, ...]) -> None:
        """Earlier studies of the active patient that the library knows and that are not open."""
        if priors != self._priors:
            self._priors = priors
            self.retranslate()

    def step(self, by: int) -> None:
        """The next or previous series of the list becomes the one looked at."""
        keys = list(self._items)
        active = self._session.active
        if keys and active is not None and active.key in keys:
            place = min(max(keys.index(active.key) + by, 0), len(keys) - 1)
            self.series_chosen.emit(keys[place])

    def retranslate(self) -> None:
        """Build the list again, in the current language."""
        self._column.setAccessibleName(tr("Studies"))
        self._items = {}
        widgets: list[QWidget] = []
        holdings = self._session.studies.holdings
        active = self._session.patient
        # Who is looked at stands first: with many patients nobody has to scroll for it.
        patients = [(active is not None and _same(p, active), p) for p in holdings.patients]
        ordered = sorted(patients, key=lambda pair: not pair[0])
        for is_active, patient in ordered[: self._most]:
            widgets.append(self._patient_card(patient, is_active=is_active))
            if is_active or not _has_images(patient):  # nobody could turn to one without images
                widgets += self._studies(patient)
            if is_active:
                widgets += self._documents(patient)
        if len(ordered) > self._most:
            more = tr("{count} more {count:patient|patients}…", count=len(ordered) - self._most)
            widgets.append(button(more, "link", self._show_more))
        widgets += self._left_out()
        if not widgets:
            has_record = bool(self._session.documents.opened)
            widgets = [
                empty_state(
                    tr("No images are open") if has_record else tr("Nothing is open"),
                    tr("Drop a folder with images or documents here,"),
                    tr("or press Ctrl+O."),
                )
            ]
        self._column.fill(widgets)
        self._mark_active()
        # A series that has grown gets another picture; one that is being made is not made twice.
        counts = {key: item.count for key, item in self._items.items()}
        missing = [key for key, count in counts.items() if self._pictured.get(key) != count]
        self._pictured.update(counts)
        if missing:
            self.pictures_wanted.emit(missing)

    def _show_more(self) -> None:
        self._most += _PATIENTS
        self.retranslate()

    def _hear(self, event: Event) -> None:
        if isinstance(event, HoldingsChanged | DocumentsChanged | WorkChanged):
            self.retranslate()
        elif isinstance(event, ActiveChanged):
            active = self._session.active
            if active is not None and active.key in self._items:
                self._mark_active()
            else:
                self.retranslate()
                self._column.verticalScrollBar().setValue(0)
        elif isinstance(event, LoadProgress):
            key = (event.series_uid, event.stack)
            self._progress[key] = (event.done, event.total)
            if key in self._items:
                self._items[key].set_progress(event.done, event.total)

    def _mark_active(self) -> None:
        active = self._session.active
        for key, item in self._items.items():
            item.set_active(active is not None and key == active.key)

    def _patient_card(self, patient: Patient, *, is_active: bool) -> Card:
        card = Card()
        card.add(ElidedLabel(shown_name(patient.name) or tr("No name"), "title"))
        age = _age(patient, self._session.study if is_active else None)
        facts = [sex_text(patient.sex), age, patient.birth_date]
        if any(facts):
            card.add(ElidedLabel(" · ".join(fact for fact in facts if fact), "muted"))
        if patient.id:
            card.add(ElidedLabel(f"ID {patient.id}", "faint"))
        elif not patient.name and patient.studies[:1]:  # strangers are told by what was examined
            card.add(ElidedLabel(patient.studies[0].description, "faint"))
        if not is_active:
            first = next(
                ((s.uid, 0) for study in patient.studies for s in study.series if s.stacks), None
            )
            if first is not None:
                name = shown_name(patient.name) or tr("No name")
                card.make_button(tr("Open {name}", name=" ".join(filter(None, (name, patient.id)))))
                card.clicked.connect(_emitter(self.series_chosen.emit, first))
        return card

    def _studies(self, patient: Patient) -> list[QWidget]:
        newest = max((study.date for study in patient.studies), default="")
        current = [s for s in patient.studies if s.date == newest]
        earlier = [s for s in patient.studies if s.date != newest]
        widgets: list[QWidget] = []
        for study in current:
            widgets += self._study(study, is_prior=False)
        if earlier:
            widgets.append(label(tr("EARLIER"), "caption"))
        active = self._session.active
        fitting = None if active is None else fitting_prior(active, patient)
        for study in earlier:
            widgets += self._study(study, is_prior=True, fitting=fitting)
        if self._priors:
            widgets.append(label(tr("IN THE LIBRARY"), "caption"))
        for prior in self._priors:
            words = (prior.date, "/".join(prior.modalities), prior.description)
            link = ElidedLink(" · ".join(word for word in words if word))
            link.setToolTip(tr("Open this study of the same patient beside the others"))
            link.clicked.connect(_emitter(self.prior_chosen.emit, prior))
            widgets.append(link)
        return widgets

    def _study(
        self, study: Study, *, is_prior: bool, fitting: FittingPrior | None = None
    ) -> list[QWidget]:
        title = " · ".join(p for p in (study.date, study.description) if p) or tr("Study")
        caption = ElidedLabel(title, "caption")
        if fitting is not None and fitting.study.uid == study.uid:
            caption.setToolTip(str(fitting.why))
        widgets: list[QWidget] = [caption]
        analysed = self._analysed()
        for series in sorted(study.series, key=lambda s: (_rank(s), s.number or 0)):
            for number in range(len(series.stacks)):
                marks = [tr("prior")] if is_prior else []
                marks += [tr("scout")] if _is_scout(series) else []
                marks += [tr("AI")] if (series.uid, number) in analysed else []
                item = SeriesItem(series, number, marks)
                item.chosen.connect(self.series_chosen.emit)
                item.doctor_asked.connect(self.doctor_asked.emit)
                self._items[item.key] = item
                if item.key in self._pictures:
                    item.set_picture(self._pictures[item.key])
                if item.key in self._progress:
                    item.set_progress(*self._progress[item.key])
                widgets.append(item)
        widgets.extend(object_line(found) for found in study.objects)
        return widgets

    def _analysed(self) -> set[Key]:
        active = self._session.active
        if active is None:
            return set()
        runs = self._session.made.runs_of(active)
        return {(run.series_uid, run.stack) for run in runs if run.status == "run"}

    def _documents(self, patient: Patient) -> list[QWidget]:
        documents = self._session.documents.of(patient)
        widgets: list[QWidget] = [label(tr("DOCUMENTS"), "caption")] if documents else []
        for item in documents:
            document = item.document
            line = ElidedLink(document.title or document.kind)
            line.clicked.connect(_emitter(self.document_chosen.emit, document.id))
            detail = " · ".join(p for p in (document.date[:10], tr(document.kind)) if p)
            widgets += [line, label(detail, "faint")]
        return widgets

    def _left_out(self) -> list[QWidget]:
        files = left_out_files(self._session)
        if not files:
            return []
        card = LeftOutCard(files)
        card.all_asked.connect(self.details_asked)
        card.doctor_asked.connect(_emitter(self.doctor_asked.emit, None))
        return [card]


def _emitter(emit: Callable[[object], object], value: object) -> Callable[[], None]:
    def send() -> None:
        emit(value)

    return send


def _has_images(patient: Patient) -> bool:
    return any(series.stacks for study in patient.studies for series in study.series)


def _same(a: Patient, b: Patient) -> bool:
    is_known = bool(a.id or a.name)
    of_one = is_known or {s.uid for s in a.studies} == {s.uid for s in b.studies}
    return of_one and (a.id, a.birth_date, a.sex, a.name) == (b.id, b.birth_date, b.sex, b.name)


def _rank(series: Series) -> int:
    return 1 if _is_scout(series) else 0


def _is_scout(series: Series) -> bool:
    return "LOCALIZER" in series.header.get("ImageType", "")


def _age(patient: Patient, study: Study | None) -> str:
    """The age at a study, at the newest one when none is looked at."""
    newest = study or max(patient.studies, key=lambda each: each.date, default=None)
    ages = [] if newest is None else [age_of(patient, newest, each) for each in newest.series]
    return next((age for age in ages if age), "")
