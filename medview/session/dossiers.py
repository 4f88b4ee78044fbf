"""Whose record a panel shows: of the open patient, or of one of those whom documents name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medview.core.observation import Observation
from medview.session.documents import OpenDocument

if TYPE_CHECKING:
    from medview.record import Chart, PatientIdentity
    from medview.session.session import Session


@dataclass(frozen=True, eq=False, kw_only=True)
class Dossier:
    """One patient's documents, newest first. key: stays while they are open; name: as written."""

    key: str
    name: str
    documents: tuple[OpenDocument, ...]


def dossiers(session: Session) -> tuple[Dossier, ...]:
    """The open patient's one; without images one for each patient whom documents name.

    Documents that name nobody stand in one of their own, last.
    """
    if session.patient is not None:
        patient = session.patient
        own = _newest_first(session.documents.of(patient))
        return (Dossier(key=patient.id, name=patient.name.replace("^", " "), documents=own),)
    groups: dict[str, list[OpenDocument]] = {}
    for item in session.documents.opened:
        groups.setdefault(_key(item.document.patient), []).append(item)
    made = [
        Dossier(key=key, name=_name(items), documents=_newest_first(items))
        for key, items in groups.items()
    ]
    return tuple(sorted(made, key=lambda d: (not d.key, d.name.casefold())))


def known_of_dossier(session: Session, shown: Dossier | None) -> tuple[Observation, ...]:
    """Everything that is known of a dossier's patient, doubles joined."""
    if session.patient is not None and session.active is not None:
        return session.observations()
    if shown is None:
        return ()  # before the grammar of the record is compiled, which an empty window needs not
    from medview.record import observations

    return observations(item.note for item in shown.documents)


def chart_of_dossier(session: Session, known: Sequence[Observation], today: dt.date) -> Chart:
    """The lists of a panel, with ages on the day of the study that is open, else today."""
    from medview.record import chart_of, day_of

    study = session.study
    limits = session.settings.stale_days
    return chart_of(known, (day_of(study.date) if study else None) or today, limits)


def _newest_first(items: Sequence[OpenDocument]) -> tuple[OpenDocument, ...]:
    return tuple(sorted(items, key=lambda item: item.document.date[:10], reverse=True))


def _key(who: PatientIdentity) -> str:
    if who.id:
        return f"id {who.id.strip().casefold()}"
    return f"name {who.name.casefold()} {who.birth_date}" if who.name else ""


def _name(items: Sequence[OpenDocument]) -> str:
    who = next((i.document.patient for i in items if i.document.patient.name), None)
    if who is None:
        who = items[0].document.patient
    return " · ".join(part for part in (who.name, who.id, who.birth_date) if part)
