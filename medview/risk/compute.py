"""One score for one patient: choose the inputs, refuse what does not fit, compute, say so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from math import ceil

from medview.core.numbers import number_text
from medview.core.observation import Observation, concepts
from medview.core.study import Patient, Study
from medview.core.words import Sentence, say
from medview.risk.choose import Choice
from medview.risk.contradictions import contradiction, left_aside
from medview.risk.explain import contributions, possible, run
from medview.risk.formulas import Inputs, NotKnown
from medview.risk.known import Known, know, overridden
from medview.risk.result import RiskResult, UsedInput, Value, Without
from medview.risk.score import Exclusion, Score, ScoreInput
from medview.risk.wording import amount, listing


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
    known = know(overridden(observations, overrides), patient, study, reference)
    return judge(score, known, patient=patient, study=study)


def judge(
    score: Score,
    known: Known,
    *,
    patient: Patient | None = None,
    study: Study | None = None,
    left_out: Collection[str] = (),
) -> RiskResult:
    """As `compute`, from what is known: for many scores of one patient.

    left_out: inputs, or kinds of sources, that are to count as not known.
    """
    choices = {spec.name: _chosen(known, spec, left_out) for spec in score.inputs}
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
        meant=tuple(choice.meant for choice in choices.values() if choice.meant is not None),
        is_research=score.is_research,
        citation=score.citation,
    )
    values = {item.name: item.value for item in used}
    reason = (
        _refusal(score, choices, excluding) or _wrong_age(score, known) or contradiction(values)
    )
    if reason is not None:
        return replace(result, reason=reason)
    missing = _missing(score, values)
    if missing:
        return replace(
            result, status="missing", missing=missing, possible=possible(score, values, missing)
        )
    unasked = _unasked(score, excluding, values)
    aside = left_aside(values)
    found = _computed(score, result, values)
    named = () if aside is None else (aside,)
    return replace(found, warnings=(*found.warnings, *named, *unasked))


def _chosen(known: Known, spec: ScoreInput, left_out: Collection[str]) -> Choice:
    choice = known.choose(spec)
    used = choice.used
    if used is not None and {used.name, used.source.kind} & set(left_out):
        return Choice()
    return choice


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
        if choice.used is not None and not spec.allows(choice.used.value):
            return _outside(spec, choice.used.value)
    return None


def _wrong_age(score: Score, known: Known) -> Sentence | None:
    """A child in a score for adults that does not ask for the age itself."""
    if score.ages is None:
        return None
    spec = ScoreInput(concept=concepts()["age"], valid=score.ages)
    used = known.choose(spec).used
    return None if used is None or spec.allows(used.value) else _outside(spec, used.value)


def _outside(spec: ScoreInput, value: Value) -> Sentence:
    if isinstance(value, str):
        return say(
            "{name} {value}: the score was not made for this group.",
            name=spec.title,
            value=amount(spec.concept, value),
        )
    low, high = spec.valid or (0.0, 0.0)
    if spec.below:
        return say(
            "{name} {value} is not {low} to below {high}, for which the score was made.",
            name=spec.title,
            value=amount(spec.concept, value),
            low=number_text(low),
            high=number_text(high),
        )
    return say(
        "{name} {value} is outside {low}–{high}, for which the score was made.",
        name=spec.title,
        value=amount(spec.concept, value),
        low=number_text(low),
        high=number_text(high),
    )


def _missing(score: Score, values: Mapping[str, Value]) -> tuple[str, ...]:
    unknown = [s for s in score.inputs if s.name not in values]
    needed = tuple(s.name for s in unknown if s.required)
    if needed:
        return needed
    if len(score.inputs) - len(unknown) < ceil(score.least * len(score.inputs)):
        return tuple(s.name for s in unknown)
    try:
        run(score, Inputs(values))
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


def _computed(score: Score, result: RiskResult, values: Mapping[str, Value]) -> RiskResult:
    given = _given(result.inputs, values)
    outcome = run(score, given)
    value = outcome.value
    band = score.band(outcome.band) if outcome.band else None
    if band is None and value is not None:
        band = score.band_of(value)
    parts = () if value is None else contributions(score, given, value)
    without = (Without(p.name, p.other) for p in parts if values[p.name] is True)
    return replace(
        result,
        status="computed",
        value=value,
        interval=outcome.interval,
        band_id=band.id if band else "",
        band=band.title if band else None,
        tone=band.tone if band else "",
        advice=band.advice if band else None,
        filled=outcome.filled,
        warnings=(*result.warnings, *outcome.remarks),
        contributions=parts,
        without=tuple(without),
    )


def _given(used: Sequence[UsedInput], values: Mapping[str, Value]) -> Inputs:
    intervals = {item.name: item.interval for item in used if item.interval is not None}
    return Inputs(values, intervals)
