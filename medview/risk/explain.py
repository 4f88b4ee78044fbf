"""What a result hangs on: the share of each input, and the range while some are not known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product

from medview.risk.formulas import Inputs, NotKnown, Outcome, formula
from medview.risk.result import Contribution, Value
from medview.risk.score import Score, ScoreInput

_MOST_ANSWERS = 128  # combinations of what is missing that are tried for the range
_STEPS = (17, 9, 5, 3, 2)  # of the valid range of a missing number, the fewer the more are missing


def run(score: Score, given: Inputs) -> Outcome:
    """The score's arithmetic. Raises NotKnown."""
    if score.model is not None:
        return score.model(given)
    return formula(score.formula)(given, score.coefficients)


def contributions(score: Score, given: Inputs, value: float) -> tuple[Contribution, ...]:
    """What each known input does to the result, against its usual value, the largest first.

    Where a score can do without an input it is held against not knowing it. One at a time: where
    inputs act on each other the parts need not add up.
    """
    found = []
    for spec in score.inputs:
        if not given.has(spec.name):
            continue
        part = _contribution(score, spec, given, value)
        if part is not None:
            found.append(part)
    return tuple(sorted(found, key=lambda part: -abs(part.effect)))


def _contribution(
    score: Score, spec: ScoreInput, given: Inputs, value: float
) -> Contribution | None:
    usual = _usual(score, spec)
    others = {name: known for name, known in given.values.items() if name != spec.name}
    if usual is None and not _can_do_without(score):
        return None
    if usual is not None:
        others[spec.name] = usual
    try:
        other = run(score, Inputs(others, given.intervals)).value
    except NotKnown:  # without it the score would ask for something else
        return None
    if other is None:
        return None
    if score.model is not None:
        return Contribution(spec.name, score.model.effect(given, spec.name), other, usual)
    return Contribution(spec.name, _distance(score, value, other), other, usual)


def _can_do_without(score: Score) -> bool:
    return score.model is not None or score.formula.startswith("fused.")


def _usual(score: Score, spec: ScoreInput) -> Value | None:
    """An unremarkable value: no, what the data say, else the first that can be chosen."""
    if _can_do_without(score):
        return None
    if spec.usual is not None:
        return float(spec.usual) if isinstance(spec.usual, int) else spec.usual
    if spec.concept.kind == "yes-no":
        return False
    return (spec.choices or spec.concept.choices)[0] if spec.concept.kind == "choice" else None


def _distance(score: Score, value: float, other: float) -> float:
    if score.unit == "%" and 0.0 < value < 100.0 and 0.0 < other < 100.0:
        return _logit(value / 100.0) - _logit(other / 100.0)
    return value - other


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def possible(
    score: Score, values: Mapping[str, Value], missing: Sequence[str]
) -> tuple[float, float] | None:
    """The lowest and highest result over what is missing, None where it cannot be listed.

    Yes/no and words are tried one and all, numbers at even steps over their valid range. Where
    that would be too many, one input after the other is moved to its best answer, twice: the true
    ends wherever inputs do not turn each other's direction.
    """
    specs = [spec for name in missing if (spec := score.input(name)) is not None]
    answers = next((a for n in _STEPS if _count(a := _all(specs, n)) <= _MOST_ANSWERS), ())
    answers = answers or _all(specs, _STEPS[-1])
    if score.model is not None or len(specs) < len(missing) or not _count(answers):
        return None

    def tried(combination: Sequence[Value]) -> float | None:
        given = {**values, **dict(zip(missing, combination, strict=True))}
        return run(score, Inputs(given)).value

    try:
        if _count(answers) > _MOST_ANSWERS:
            ends = (_end(tried, answers, -1.0), _end(tried, answers, 1.0))
            return None if None in ends else (ends[0] or 0.0, ends[1] or 0.0)
        found = [value for each in product(*answers) if (value := tried(each)) is not None]
    except NotKnown:
        return None
    return (min(found), max(found)) if found else None


def _end(
    tried: Callable[[Sequence[Value]], float | None],
    answers: Sequence[Sequence[Value]],
    sign: float,
) -> float | None:
    best = [one[0] for one in answers]
    for place, one in [*enumerate(answers)] * 2:
        results = [(tried([*best[:place], a, *best[place + 1 :]]), a) for a in one]
        told = [(sign * value, a) for value, a in results if value is not None]
        if told:
            best[place] = max(told, key=lambda pair: pair[0])[1]
    return tried(best)


def _all(specs: Sequence[ScoreInput], steps: int) -> tuple[tuple[Value, ...], ...]:
    return tuple(_answers(spec, steps) for spec in specs)


def _count(answers: Sequence[Sequence[Value]]) -> int:
    return math.prod(len(one) for one in answers) if answers else 0


def _answers(spec: ScoreInput, steps: int) -> tuple[Value, ...]:
    """What a missing input can be; nothing for a number whose range nobody gave."""
    kind = spec.concept.kind
    if kind == "yes-no":
        return (False, True)
    if kind == "choice":
        return spec.choices or spec.concept.choices
    if kind != "number" or spec.valid is None:
        return ()
    low, high = spec.valid
    return tuple(low + (high - low) * step / (steps - 1) for step in range(steps))
