"""Advice of scores that the reader wants to see in the report, as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medview.core.words import tr
from medview.session.work import Reminder, Work

if TYPE_CHECKING:
    from medview.core.study import Study
    from medview.risk import RiskResult


def reminder_of(result: RiskResult, study: Study | None) -> Reminder | None:
    """What a result can be remembered by; None where it gives no advice."""
    from medview.risk import catalogue, due

    score = catalogue().get(result.score)
    band = score.band(result.band_id) if score is not None else None
    if band is None or band.advice is None or result.is_research:
        return None
    days = due(band, study.date if study is not None else "") or ("", "")
    return Reminder(score=result.score, band=band.id, first=days[0], last=days[1])


def follow_ups(work: Work, results: Sequence[RiskResult]) -> tuple[str, ...]:
    """One sentence a reminder; where the score now says something else, that is said too."""
    now = {result.score: result for result in results}
    said = []
    for reminder in work.reminders:
        sentence = _sentence(reminder)
        result = now.get(reminder.score)
        if sentence and result is not None and result.band_id != reminder.band:
            sentence += " " + tr("(The score says something else by now.)")
        if sentence:
            said.append(sentence)
    return tuple(said)


def _sentence(reminder: Reminder) -> str:
    from medview.risk import catalogue

    score = catalogue().get(reminder.score)
    band = score.band(reminder.band) if score is not None else None
    if score is None or band is None or band.advice is None:
        return ""
    title, advice = str(score.title), str(band.advice)
    if not reminder.first:
        return tr("{title}: {advice}", title=title, advice=advice)
    if reminder.first == reminder.last:
        return tr("{title}: {advice} Due {day}.", title=title, advice=advice, day=reminder.first)
    return tr(
        "{title}: {advice} Due {first} to {last}.",
        title=title, advice=advice, first=reminder.first, last=reminder.last,
    )  # fmt: skip
