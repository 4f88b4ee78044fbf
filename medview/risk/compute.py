"""One score for one patient: choose the inputs, refuse what does not fit, compute, say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import product

from medview.core.numbers import number_text
from medview.core.observation import Concept, Observation, concepts
from medview.core.study import Patient, Study
from medview.core.words import Sentence, say
from medview.risk.choose import Choice
from medview.risk.formulas import Inputs, NotKnown, Outcome, formula
from medview.risk.known import Known, know
from medview.risk.result import RiskResult, UsedInput, Value, Without
from medview.risk.score import Exclusion, Score, ScoreInput
from medview.risk.wording import amount, listing

_MOST_ANSWERS = 1024  # combinations of missing yes/no answers that are tried for the range


def compute(
    score: Score,
    observations: Sequence[Observation],
    *,
    patient: Patient | None = None,
    study: Study | None = None,
    reference: date | None = None,
    overrides: Sequence[Observation] = (),
) -> RiskResult:
    """Compute one score from observations.

    patient gives age and sex where no observation does; study and reference set the day of the
    exam. overrides replace every observation of their concepts (values given by hand, what-if).
    Never raises for what it is given: the result's status says computed, missing or invalid.
    """
    replaced = {o.concept for o in overrides}
    kept = [o for o in observations if o.concept not in replaced]
    return _judge(score, know([*kept, *overrides], patient, study, reference), patient, study)


def _judge(score: Score, known: Known, patient: Patient | None, study: Study | None) -> RiskResult:
    choices = {spec.name: known.choose(spec) for spec in score.inputs}
    excluding = _excluding(score, known)
    used = tuple(choice.used for choice in choices.values() if choice.used is not None)
    shown = (*used, *(item for item in excluding.values() if item.name not in choices))
    result = RiskResult(
        patient_id=patient.id if patient else next((o.patient_id for o in known.observations), ""),
        study_uid=study.uid if study else None,
        score=score.id,
        version=score.version,
        status="invalid",
        unit=score.unit,
        decimals=score.decimals,
        inputs=shown,
        warnings=tuple(w for choice in choices.values() for w in choice.warnings),
        citation=score.citation,
    )
    reason = _refusal(score, choices, excluding)
    if reason is not None:
        return replace(result, reason=reason)
    values = {item.name: item.value for item in used}
    missing = _missing(score, values)
    if missing:
        return replace(
            result, status="missing", missing=missing, possible=_possible(score, values, missing)
        )
    unasked = _unasked(score, excluding, values)
    return replace(_computed(score, result, values), warnings=(*result.warnings, *unasked))


def _excluding(score: Score, known: Known) -> Mapping[str, UsedInput]:
    names = {exclusion.name for exclusion in score.exclusions}
    found = {name: known.find(name) for name in sorted(names)}
    return {name: item for name, item in found.items() if item is not None}


def _refusal(
    score: Score, choices: Mapping[str, Choice], excluding: Mapping[str, UsedInput]
) -> Sentence | None:
    for exclusion in score.exclusions:
        item = excluding.get(exclusion.name)
        if item is not None and item.value in exclusion.values:
            return exclusion.reason
    for spec in score.inputs:
        choice = choices[spec.name]
        if choice.used is None and choice.impossible is not None:
            return choice.impossible
        if choice.used is not None and not _is_allowed(spec, choice.used.value):
            return _outside(spec, choice.used.value)
    return None


def _is_allowed(spec: ScoreInput, value: Value) -> bool:
    return not isinstance(value, float) or spec.allows(value)


def _outside(spec: ScoreInput, value: Value) -> Sentence:
    low, high = spec.valid or (0.0, 0.0)
    return say(
        "{name} {value} is outside {low}–{high}, for which the score was made.",
        name=spec.title,
        value=amount(spec.concept, value),
        low=number_text(low),
        high=number_text(high),
    )


def _missing(score: Score, values: Mapping[str, Value]) -> tuple[str, ...]:
    needed = [s.name for s in score.inputs if s.required and s.name not in values]
    if needed:
        return tuple(needed)
    try:
        formula(score.formula)(Inputs(values), score.coefficients)
    except NotKnown as gap:
        return (gap.name,)
    return ()


def _unasked(
    score: Score, excluding: Mapping[str, UsedInput], values: Mapping[str, Value]
) -> list[Sentence]:
    """What would make the score not valid and nobody has said: named, not taken for a no."""
    open_ones = [
        say(concepts()[e.name].title)
        for e in score.exclusions
        if e.name not in excluding and _makes_sense(e, values)
    ]
    if not open_ones:
        return []
    return [
        say("Not known, and it can make the score not valid: {names}.", names=listing(open_ones))
    ]


def _makes_sense(exclusion: Exclusion, values: Mapping[str, Value]) -> bool:
    sex, age = values.get("sex", exclusion.sex), values.get("age", 0.0)
    fits_sex = not exclusion.sex or sex == exclusion.sex
    return fits_sex and isinstance(age, float) and age <= exclusion.age_to


def _run(score: Score, values: Mapping[str, Value]) -> Outcome:
    return formula(score.formula)(Inputs(values), score.coefficients)


def _computed(score: Score, result: RiskResult, values: Mapping[str, Value]) -> RiskResult:
    outcome = _run(score, values)
    value = outcome.value
    band = score.band(outcome.band) if outcome.band else None
    if band is None and value is not None:
        band = score.band_of(value)
    return replace(
        result,
        status="computed",
        value=value,
        band_id=band.id if band else "",
        band=band.title if band else None,
        tone=band.tone if band else "",
        advice=band.advice if band else None,
        without=() if value is None else tuple(_without(score, values)),
    )


def _without(score: Score, values: Mapping[str, Value]) -> Iterator[Without]:
    for name, value in values.items():
        if value is True:
            try:
                other = _run(score, {**values, name: False}).value
            except NotKnown:  # without it the score would ask for something else
                continue
            if other is not None:
                yield Without(name, other)


def _answers(concept: Concept) -> tuple[Value, ...]:
    """All answers that a missing input can have; none for numbers, which have no list."""
    if concept.kind == "yes-no":
        return (False, True)
    return concept.choices if concept.kind == "choice" else ()


def _possible(
    score: Score, values: Mapping[str, Value], missing: Sequence[str]
) -> tuple[float, float] | None:
    answers = [_answers(concepts()[name]) for name in missing]
    count = 1
    for one in answers:
        count *= len(one)
    if not 0 < count <= _MOST_ANSWERS:
        return None
    found = []
    for combination in product(*answers):
        try:
            outcome = _run(score, {**values, **dict(zip(missing, combination, strict=True))})
        except NotKnown:
            return None
        if outcome.value is not None:
            found.append(outcome.value)
    return (min(found), max(found)) if found else None
