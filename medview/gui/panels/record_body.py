"""What stands in the record panel's column: cards made of lists, what is known, what is apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from medview.core.words import tr
from medview.gui.cards import Card, button, empty_state, label
from medview.gui.growing import Growing, Maker
from medview.gui.panels.record_document import unread_card
from medview.gui.panels.record_filters import ALL
from medview.gui.panels.record_joining import RefusedCard
from medview.gui.panels.record_lists import KnownCard, StatementsCard
from medview.gui.panels.record_timeline import TimelineCard
from medview.gui.panels.record_trend import SeriesLine, TrendCard
from medview.record.plotting import is_course
from medview.record.summary import GROUPS, members_of
from medview.session.documents import OpenDocument, UnreadDocument

if TYPE_CHECKING:
    from medview.gui.panels.record import RecordPanel
    from medview.record import Chart, Series
    from medview.session.timeline import Happening

_TRENDS = 6  # plots that stand below the documents; the list of labs has all of them
_LABS = 40  # lines of labs before the rest is asked for
_LINES_AT_ONCE = 3
Asking = TrendCard | KnownCard | StatementsCard | TimelineCard


class Body:
    """Makes the cards; what they ask for goes to the panel."""

    def __init__(self, panel: RecordPanel) -> None:
        self._panel = panel
        self._labs = _LABS

    def trends(self, chart: Chart, group: str) -> list[Maker]:
        """Plots of the labs that took a course; the first ones where everything is shown."""
        if group not in (ALL, "labs"):
            return []
        courses = [series for series in chart.series if is_course(series)]
        shown = courses if group != ALL else courses[:_TRENDS]
        return [partial(self._made, TrendCard, series) for series in shown]

    def known(self, chart: Chart) -> list[Maker]:
        """What is known, without what has a plot."""
        plotted = {s.key for s in [c for c in chart.series if is_course(c)][:_TRENDS]}
        listed = [k for k in chart.known if k.observation.concept not in plotted]
        return [partial(self._made, KnownCard, listed)] if listed else []

    def summary(self, chart: Chart) -> list[Maker]:
        """Every list that has something in it."""
        lists = (
            (tr("Problems"), chart.problems),
            (tr("Medicines"), chart.medications),
            (tr("Allergies"), chart.allergies),
            (tr("Adverse drug effects"), chart.adverse_effects),
            (tr("Family history"), chart.relatives),
            (tr("Procedures"), chart.procedures),
        )
        cards: list[Maker] = [
            partial(self._made, StatementsCard, title, statements)
            for title, statements in lists
            if statements
        ]
        if chart.series:
            cards.insert(min(3, len(cards)), partial(self._labs_card, chart.series))
        measured = {series.key for series in chart.series}
        listed = {"allergy", "adverse_drug_effect", *measured}
        known = [k for k in chart.known if k.observation.concept not in listed]
        if known:
            cards.append(partial(self._made, KnownCard, known))
        return cards

    def contradictions(self, shown: Sequence[OpenDocument]) -> list[QWidget]:
        """What the documents say against each other of who the patient is."""
        from medview.record import contradictions

        return [label(f"⚠ {said}", "small") for said in contradictions(d.document for d in shown)]

    def timeline(self, found: Sequence[Happening]) -> list[Maker]:
        """Everything that has a day, on one line."""
        return [partial(self._made, TimelineCard, found)] if found else []

    def apart(
        self, refused: Sequence[OpenDocument], count: int, unread: Sequence[UnreadDocument]
    ) -> list[QWidget]:
        """Documents of somebody else, and files that could not be read."""
        cards: list[QWidget] = []
        if refused:
            cards.append(label(tr("Of somebody else"), "caption"))
        for item in refused:
            other = RefusedCard(item)
            other.asked.connect(self._panel.ask_whose)
            cards.append(other)
        cards += self.more(count - len(refused))
        return [*cards, unread_card(unread)] if unread else cards

    def more(self, left: int) -> list[QWidget]:
        """A button for the documents that are not shown yet."""
        if left <= 0:
            return []
        said = tr("Show more documents ({count} left)", count=left)
        return [button(said, "link", self._panel.show_more)]

    def empty(self, *, has_documents: bool) -> QWidget:
        """What to do where there is nothing to show."""
        if has_documents:
            return empty_state(
                tr("Nothing of this kind"),
                tr("MedView found nothing in the documents that belongs here."),
                tr("Words that it passed over can be marked: draw over them in a document."),
            )
        return empty_state(
            tr("No documents yet"),
            tr("Drop the patient's documents here: FHIR bundles, HL7 messages, C-CDA, text files."),
            tr("What they say is underlined in them, and feeds the risks."),
        )

    def _labs_card(self, series: Sequence[Series]) -> Card:
        card = Card()
        title = tr("Labs and vital signs")
        card.setAccessibleName(f"{title}: {len(series)}")
        card.add(label(title, "title"))
        rest = series[self._labs :]
        more = button(tr("Show {count} more", count=len(rest)), "link")
        more.setHidden(not rest)
        growing = Growing(card, _LINES_AT_ONCE)

        def adding(one: Series) -> None:
            line = SeriesLine(one)
            line.source_asked.connect(self._panel.ask_source)
            card.body.insertWidget(card.body.indexOf(more) if not more.isHidden() else -1, line)

        def show_rest() -> None:
            more.hide()
            growing.add([partial(adding, one) for one in rest])

        more.clicked.connect(show_rest)
        card.add(more)
        growing.begin([partial(adding, one) for one in series[: self._labs]])
        return card

    def _made(self, kind: Callable[..., Asking], *args: object) -> Card:
        card = kind(*args)
        card.source_asked.connect(self._panel.ask_source)
        return card


def totals_of(shown: Sequence[OpenDocument]) -> Mapping[str, int]:
    """How many mentions every filter leaves."""
    found = [members_of(item.note) for item in shown]
    return {group: sum(len(members[group]) for members in found) for group in GROUPS}


def ids_of(item: OpenDocument, group: str) -> frozenset[str] | None:
    """The mentions of a document that a filter leaves; None for all of them."""
    return None if group == ALL else members_of(item.note)[group]
