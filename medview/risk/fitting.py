"""Which scores are worth showing for a patient."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from medview.core.observation import Observation
from medview.core.study import Patient, Study
from medview.risk.compute import judge
from medview.risk.known import Known, know
from medview.risk.offered import offered
from medview.risk.result import RiskResult
from medview.risk.score import Score, catalogue


def fitting(
    observations: Sequence[Observation],
    *,
    patient: Patient | None = None,
    study: Study | None = None,
    reference: date | None = None,
) -> tuple[Score, ...]:
    """Scores for which something that only they ask is known, in the catalogue's order."""
    return fitting_of(catalogue().values(), know(observations, patient, study, reference))


def shown_of(
    scores: Iterable[Score],
    known: Known,
    patient: Patient | None,
    study: Study | None,
    left_out: Collection[str] = (),
) -> Iterator[RiskResult | None]:
    """The answers of the scores that fit, then of those that belong to the study, one by one.

    None for a score that does not fit, so that a caller can do something else in between.
    left_out: as in `judge`.
    """
    there = set()
    every = tuple(scores)
    own = {score.id for score in offered(every, study)}
    for score in every:
        if _fits(score, known):
            there.add(score.id)
            found = judge(score, known, patient=patient, study=study, left_out=left_out)
            yield replace(found, is_of_study=score.id in own)
        else:
            yield None
    for score in offered((s for s in every if s.id not in there), study):
        found = judge(score, known, patient=patient, study=study, left_out=left_out)
        is_valid = found.status != "invalid"
        yield replace(found, is_of_study=True, is_offered=True) if is_valid else None


def fitting_of(scores: Iterable[Score], known: Known) -> tuple[Score, ...]:
    """As `fitting`, of these scores and from what is known."""
    return tuple(score for score in scores if _fits(score, known))


def _fits(score: Score, known: Known) -> bool:
    if score.fits_age is not None:
        age = known.find("age")
        low, high = score.fits_age
        if age is None or not low <= float(age.value) <= high:
            return False
    needed = all(_is_there(score, known, name) for name in score.fits_all)
    return needed and any(_is_there(score, known, name) for name in score.fits_any)


def _is_there(score: Score, known: Known, concept: str) -> bool:
    spec = score.input(concept)
    if spec is not None and spec.stale_days == 1:  # vital signs of another day say nothing now
        found = known.choose(spec).used
        return found is not None and not found.is_stale
    if known.is_impossible(concept):  # a score that a wrong value keeps away must say so
        return True
    found = known.find(concept)
    return found is not None and found.value not in (False, "none")


def by_use(results: Sequence[RiskResult]) -> tuple[RiskResult, ...]:
    """Computed ones first, then those that miss something, then those that are not valid; of each
    what was made for the study before what fits the patient. Last what is offered.
    """
    rank = {"computed": 0, "missing": 1, "invalid": 2}
    return tuple(sorted(results, key=lambda r: (r.is_offered, rank[r.status], not r.is_of_study)))
