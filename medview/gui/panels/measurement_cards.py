"""The reader's measurements as cards: value, place, label, histogram; and the key images."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from medview.core.geometry import VoxelIndex
from medview.core.observation import concepts
from medview.core.results import Measurement
from medview.core.words import say, tr
from medview.gui.cards import Card, button, chip, label, row
from medview.gui.dialogs.asking import ask_text
from medview.gui.panels.growth_cards import join_button
from medview.gui.panels.histogram import HistogramPlot
from medview.gui.panels.risk_ways import AVERAGED, RULED
from medview.gui.style import GRID
from medview.imaging import roi
from medview.session import Session, measures
from medview.session.events import GoTo, ShowSource
from medview.session.knowledge import name_measurement
from medview.session.mentions import query_of
from medview.session.remeasuring import histogram_of
from medview.session.work import KeyPicture

# What a ruler may be named, so that scores can use it.
_NAMED_KINDS = {
    **dict.fromkeys(("length", "bidirectional"), RULED),
    **dict.fromkeys((*roi.CLOSED, "probe", "sphere"), AVERAGED),
}


class MeasurementCards(QObject):
    """Makes the cards; one may be open and shows all numbers with a histogram."""

    changed = Signal()  # another card is open

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._parent = session, parent
        self._open = ""

    def widgets(self) -> list[QWidget]:
        """Measurements, then key images; nothing where nothing was made."""
        return [*self._measured(), *self._keys()]

    def _measured(self) -> list[QWidget]:
        measured = self._session.work.measurements
        if not measured:
            return []
        copy = button(tr("Copy all"), "link", self.copy_all)
        return [
            row(label(tr("MEASUREMENTS"), "caption"), None, copy),
            *(self._card(item) for item in measured),
        ]

    def _keys(self) -> list[QWidget]:
        """A line for each key image of the patient that is open: a click goes there."""
        work = self._session.work
        lines: list[QWidget] = []
        for place in self._session.studies.places():
            for k in measures.key_slices(work, place.stack):
                geometry = place.stack.geometry
                series = place.series.description or place.series.modality
                words = f"{series} · {geometry.slice_number(k)} / {geometry.shape[0]}"
                middle = VoxelIndex(k, (geometry.shape[1] - 1) / 2, (geometry.shape[2] - 1) / 2)
                go = partial(
                    self._session.events.send,
                    GoTo(place.series.uid, geometry.to_patient(middle)),
                )
                picture = measures.picture_of(place.series, place.stack, k)
                away = button(tr("Remove"), "link", partial(self._unmark, picture))
                lines.append(row(button(words, "link", go), None, away, spacing=GRID))
        return [label(tr("KEY IMAGES"), "caption"), *lines] if lines else []

    def _unmark(self, picture: KeyPicture) -> None:
        book = self._session.book
        if book is not None:
            measures.toggle_key(book, picture)

    def open(self, measurement_id: str) -> None:
        """Show all numbers of one measurement."""
        self._open = measurement_id
        self.changed.emit()

    def copy_all(self) -> None:
        """All measurements to the clipboard, as text."""
        texts = (roi.as_text(item) for item in self._session.work.measurements)
        QGuiApplication.clipboard().setText("\n\n".join(texts))

    def _card(self, item: Measurement) -> Card:
        card = Card()
        named = dict(item.extra).get("concept", "")
        title = tr(concepts()[named].title) if named in concepts() else roi.title_of(item)
        card.add(label(title))
        is_open = item.id == self._open
        if is_open:
            self._add_numbers(card, item)
        else:
            for line in roi.lines(item)[1 if item.text else 0 :]:
                card.add(label(line, "muted"))
        card.add(*self._origin(item))
        if item.id in self._session.work.hidden_measurements:
            card.add(label(tr("Hidden in the views"), "faint"))
        if item.kind == "bidirectional" and self._has_documents:
            ask = ShowSource("mentions:" + query_of(item))
            link = button(tr("What the record says of it"), "link")
            link.clicked.connect(lambda: self._session.events.send(ask))
            card.add(link)
        card.add(self._buttons(item, named, is_open=is_open))
        card.set_open(is_open)
        card.make_button(title)
        card.clicked.connect(partial(self._choose, item))
        return card

    @property
    def _has_documents(self) -> bool:
        patient = self._session.patient
        return patient is not None and bool(self._session.documents.of(patient))

    def _add_numbers(self, card: Card, item: Measurement) -> None:
        for name, value in roi.rows(item):
            card.add(row(label(name, "muted"), None, label(value, wrap=False), spacing=GRID))
        found = histogram_of(self._session, item)
        if found is not None:
            histogram, unit = found
            card.add(HistogramPlot(histogram, unit))
        if any(quantity.concept == "Peak" for quantity in item.quantities):
            card.add(label(tr("Peak: the highest mean of a 1 mL sphere centred inside the region, "
                              "voxels weighted by their share of it."), "faint"))  # fmt: skip

    def _origin(self, item: Measurement) -> list[QWidget]:
        reported = dict(item.extra).get(measures.REPORTED, "")
        return (
            [label(tr("Numbers as reported by {who}", who=reported), "faint")] if reported else []
        )

    def _buttons(self, item: Measurement, named: str, *, is_open: bool) -> QWidget:
        parts: list[QWidget | int | None] = [chip(tr("ruler"))]
        if item.kind in _NAMED_KINDS:
            parts.append(self._name_button(item, named))
        parts += join_button(self._session, item)
        parts += [None, button(tr("Rename"), "link", partial(self._rename, item))]
        if is_open:
            parts.append(button(tr("Copy"), "link", partial(self._copy, item)))
        if item.id in self._session.work.hidden_measurements:
            parts.append(button(tr("Show"), "link", partial(self._show, item)))
        parts.append(button(tr("Delete"), "link", partial(self._delete, item)))
        return row(*parts, spacing=GRID)

    def _name_button(self, item: Measurement, named: str) -> QWidget:
        name = button(tr("Use as…"), "link")
        menu = QMenu(name)
        for concept in _NAMED_KINDS[item.kind]:
            menu.addAction(tr(concepts()[concept].title), partial(self._name, item, concept))
        if named:
            menu.addAction(tr("Nothing in particular"), partial(self._name, item, ""))
        name.setMenu(menu)
        return name

    # -- what the reader does ----------------------------------------------------------------

    def _choose(self, item: Measurement) -> None:
        if item.points:
            self._session.events.send(GoTo(item.series_uid, item.points[0]))
        self.open("" if self._open == item.id else item.id)

    def _name(self, item: Measurement, concept: str) -> None:
        book = self._session.book
        if book is None:
            return
        changed = tuple(
            name_measurement(m, concept) if m.id == item.id else m for m in book.work.measurements
        )
        book.change(say("Name a measurement"), measurements=changed)

    def _rename(self, item: Measurement) -> None:
        book = self._session.book
        if book is not None:
            ask_text(self._parent, tr("Label"), item.text, partial(measures.rename, book, item.id))

    def _copy(self, item: Measurement) -> None:
        QGuiApplication.clipboard().setText(roi.as_text(item))

    def _show(self, item: Measurement) -> None:
        book = self._session.book
        if book is not None:
            measures.show_again(book, (item.id,))

    def _delete(self, item: Measurement) -> None:
        book = self._session.book
        if book is not None:
            measures.remove(book, (item.id,))
