"""Results that are looked at and not kept: other versions, sources left out, values tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from medview.core.observation import Observation, Source, concepts
from medview.gui.slices import Steps
from medview.risk import RiskResult, Score
from medview.session import Session
from medview.session.judging import Judging
from medview.session.research import scores_at_hand

if TYPE_CHECKING:
    from medview.gui.panels.risk_card import ScoreCard

_MOST_VERSIONS = 5


class Trial:
    """Asks the session for results that are not the patient's; nothing of it is stored."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._judging: Judging | None = None
        self._judged: dict[str, RiskResult] = {}
        self._on: set[str] = set()

    def begin(self) -> None:
        """Gather what is known now."""
        self._judging = self._session.judging()
        self._judged.clear()

    def fitting(self) -> Iterator[RiskResult | None]:
        """The answers of the scores that fit, one by one; None for one that does not."""
        return iter(()) if self._judging is None else self._judging.one_by_one()

    def result(self, score: Score) -> RiskResult | None:
        """One score's answer to what was known when it was last gathered."""
        if self._judging is None:
            return None
        if score.id not in self._judged:
            self._judged[score.id] = self._judging.result(score)
        return self._judged[score.id]

    def is_on(self, score_id: str) -> bool:
        """Whether values are being tried on a score."""
        return score_id in self._on

    def turn(self, score_id: str, *, is_on: bool) -> None:
        """Begin or end trying values on a score."""
        (self._on.add if is_on else self._on.discard)(score_id)

    def judge_versions(self, result: RiskResult) -> Steps:
        """Compute what `versions` shows, one at a time."""
        for score in self._family(result):
            self.result(score)
            yield

    def _family(self, result: RiskResult) -> list[Score]:
        scores = scores_at_hand()
        family = scores[result.score].family
        return [
            s for s in scores.values() if family and s.family == family and s.id != result.score
        ]

    def versions(self, result: RiskResult) -> tuple[tuple[Score, RiskResult], ...]:
        """What the score's other versions say, those that have a result first."""
        found = [
            (score, other)
            for score in self._family(result)
            if (other := self.result(score)) is not None
        ]
        found = [pair for pair in found if pair[1].status != "invalid"]
        found.sort(key=lambda pair: pair[1].status != "computed")
        return tuple(found[:_MOST_VERSIONS])

    def without(self, result: RiskResult) -> Mapping[str, RiskResult]:
        """A joined result with each kind of source left out; nothing for a plain score."""
        score = scores_at_hand()[result.score]
        if not score.is_research or score.model is not None or len(result.shares) < 2:
            return {}
        judging = self._judging
        if judging is None:
            return {}
        return {kind: judging.result(score, left_out=(kind,)) for kind in result.shares}

    def try_on(self, card: ScoreCard, values: Mapping[str, float | bool | str]) -> None:
        """Show what comes out with some values tried."""
        if self._judging is not None and card.what_if is not None:
            result = self._judging.result(card.score, _as_observations(values))
            card.what_if.show_result(result)

    def leave_out(self, card: ScoreCard, kinds: Sequence[str]) -> None:
        """Show what comes out with some kinds of source left out."""
        if self._judging is not None and card.sources is not None:
            result = self._judging.result(card.score, left_out=kinds) if kinds else None
            card.sources.show_result(result)


def _as_observations(values: Mapping[str, float | bool | str]) -> list[Observation]:
    blank = Observation(patient_id="", concept="", value=0.0, source=Source(kind="reader"))
    return [
        replace(blank, concept=name, value=value, unit=concepts()[name].unit)
        for name, value in values.items()
    ]
