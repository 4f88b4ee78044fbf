"""One lesion at two dates as a card: growth, both places; and pairs that may be one lesion."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from medview.core.errors import MedViewError
from medview.core.results import Measurement
from medview.core.words import say, tr
from medview.gui.cards import Card, button, label, row
from medview.gui.style import GRID
from medview.imaging import roi
from medview.session import Session
from medview.session.events import GoTo, Message
from medview.session.growth import (
    JoinedLesion,
    Offer,
    dates_of,
    joined,
    offers,
    pair_of,
    partners,
    with_pair,
)

_MOST_OFFERS = 5


def growth_widgets(session: Session) -> list[QWidget]:
    """A caption, a card for each joined lesion and each offer; nothing where there is none."""
    lesions = joined(session.work)
    offered = offers(session.work, session.patient, session.links.registrations)[:_MOST_OFFERS]
    if not lesions and not offered:
        return []
    return [
        label(tr("GROWTH"), "caption"),
        *(_lesion_card(session, lesion) for lesion in lesions),
        *(_offer_card(session, offer) for offer in offered),
    ]


def join_button(session: Session, item: Measurement) -> list[QWidget]:
    """A button that joins a measurement with one of another date; nothing without such ones."""
    dates = dates_of(session.patient)
    others = partners(session.work, item, dates)
    if not others:
        return []
    made = button(tr("Join…"), "link")
    made.setToolTip(tr("Joins this with a measurement of another date and tells the growth"))
    menu = QMenu(made)
    for other in others:
        words = f"{dates[other.series_uid]} · {_words(other)}"
        menu.addAction(words, partial(join, session, item, other))
    made.setMenu(menu)
    return [made]


def join(session: Session, one: Measurement, other: Measurement) -> None:
    """Two measurements are one lesion from now on; a refusal is said."""
    book = session.book
    if book is None:
        return
    try:
        pair = pair_of(one, other, dates_of(session.patient))
    except MedViewError as error:
        session.events.send(Message(error.what, "warn"))
        return
    book.change(say("Join two measurements"), pairs=with_pair(book.work, pair))


def _lesion_card(session: Session, lesion: JoinedLesion) -> Card:
    card = Card()
    title = f"{lesion.pair.earlier_date} → {lesion.pair.later_date}"
    card.add(label(title, "title"))
    card.setAccessibleName(tr("Growth {dates}", dates=title))
    card.add(label(f"{_words(lesion.earlier)} → {_words(lesion.later)}", "muted"))
    is_certain = lesion.growth is not None and lesion.growth.is_beyond_error
    for line in lesion.lines:
        card.add(label(str(line), "" if is_certain else "muted"))
    earlier = button(tr("Earlier"), "link", partial(_go_to, session, lesion.earlier))
    later = button(tr("Later"), "link", partial(_go_to, session, lesion.later))
    part = button(tr("Part"), "link", partial(_part, session, lesion))
    part.setToolTip(tr("These two are not one lesion; the measurements stay"))
    card.add(row(earlier, later, None, part, spacing=GRID))
    return card


def _offer_card(session: Session, offer: Offer) -> Card:
    card = Card()
    dates = dates_of(session.patient)
    both = f"{dates[offer.earlier.series_uid]} → {dates[offer.later.series_uid]}"
    card.add(label(tr("One lesion? {dates}", dates=both)))
    card.setAccessibleName(tr("One lesion? {dates}", dates=both))
    card.add(label(f"{_words(offer.earlier)} → {_words(offer.later)}", "muted"))
    apart = tr("Their registered places are {apart} mm apart.", apart=f"{offer.apart_mm:.1f}")
    card.add(label(apart, "faint"))
    act = button(tr("Join"), "primary", partial(join, session, offer.earlier, offer.later))
    look = button(tr("Earlier"), "link", partial(_go_to, session, offer.earlier))
    card.add(row(act, None, look, spacing=GRID))
    return card


def _words(item: Measurement) -> str:
    """A measurement by its first number, its name before where it has one."""
    shown = roi.lines(item)
    first = shown[0] if shown else roi.title_of(item)
    return first if not item.text or item.text in first else f"{item.text} {first}"


def _go_to(session: Session, item: Measurement) -> None:
    session.events.send(GoTo(item.series_uid, item.points[0] if item.points else None))


def _part(session: Session, lesion: JoinedLesion) -> None:
    book = session.book
    if book is not None:
        kept = tuple(pair for pair in book.work.pairs if pair.id != lesion.pair.id)
        book.change(say("Part two measurements"), pairs=kept)
