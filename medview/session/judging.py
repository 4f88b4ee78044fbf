"""Scores of one patient from what is known at one moment: gathered once, asked many times."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from medview.core.observation import Observation
from medview.core.study import Patient, Study
from medview.session.research import scores_at_hand

if TYPE_CHECKING:
    from medview.risk import RiskResult, Score


class Judging:
    """What is known of a patient, and every score's answer to it."""

    def __init__(
        self, patient: Patient, study: Study | None, observations: Sequence[Observation]
    ) -> None:
        from medview.risk import know

        self._patient, self._study = patient, study
        self._observations = observations
        self._known = know(observations, patient, study)

    def results(self) -> tuple[RiskResult, ...]:
        """Every score that is worth showing, computed, missing or not valid.

        Research models are among them once they have been read (`research.research_scores`).
        """
        return tuple(result for result in self.one_by_one() if result is not None)

    def one_by_one(self) -> Iterator[RiskResult | None]:
        """As `results`, for somebody who has other things to do in between; None: does not fit."""
        from medview.risk import shown_of

        yield from shown_of(scores_at_hand().values(), self._known, self._patient, self._study)

    def result(
        self, score: Score, tried: Sequence[Observation] = (), left_out: Collection[str] = ()
    ) -> RiskResult:
        """One score; `tried` stands for what is known of its concepts, `left_out` is not known."""
        from medview.risk import judge, know, overridden

        known = self._known
        if tried:
            known = know(overridden(self._observations, tried), self._patient, self._study)
        return judge(score, known, patient=self._patient, study=self._study, left_out=left_out)
