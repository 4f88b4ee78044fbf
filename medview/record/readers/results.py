"""A result of a structured document as a readable line and an observation."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from medview.core.observation import Bounds, concepts
from medview.core.results import Code
from medview.core.words import say
from medview.record.note import Entity, Span, Value
from medview.record.plausible import is_impossible, only_plausible_unit
from medview.record.readers.page import Page
from medview.record.rules.laboratory import LabTest, lab_test_for
from medview.record.rules.smoking import find_smoking
from medview.record.rules.units import number, ucum

_LONG_WORDS = 40  # above it words are read as free text
_RANGE = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:[-–~]|to)\s*(-?\d+(?:\.\d+)?)", re.IGNORECASE)
_WORDED = re.compile(
    r"\s*(?P<sign><=|>=|[<>])?\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-zµμ%][^\s+]{0,20})?\s*"
)
# The answer to a question about smoking that does not name it again.
_ANSWER = re.compile(
    r"\s*(?:(?P<never>never\b)|(?P<former>(?:former|ex|past|previous|quit)\b)"
    r"|(?P<current>current\b|every ?day|some ?days?\b|daily\b|(?:heavy|light)(?: use)?\s*$))",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"\s*([<>≤≥])\s*=?\s*(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One result as a document gives it.

    value: a number with its UCUM unit, None for words. shown: the number and unit as written.
    time: ISO. reference: in the value's unit; range_shown: as written. status: final,
    preliminary, corrected, amended or empty.
    """

    name: str
    loinc: str = ""
    value: Value | None = None
    shown: str = ""
    words: str = ""
    time: str = ""
    reference: Bounds = (None, None)
    range_shown: str = ""
    status: str = ""
    is_vital: bool = False


def bounds_of(written: str) -> Bounds:
    """The limits of a range as laboratories write it ("0.5-1.1", "<5", ">= 60")."""
    if match := _RANGE.match(written):
        return float(match[1]), float(match[2])
    if match := _LIMIT.match(written):
        bound = float(match[2])
        return (None, bound) if match[1] in "<≤" else (bound, None)
    return None, None


def value_of(written: str, unit: str, sign: str = "") -> Value:
    """A number as written with its UCUM unit."""
    return Value(num=number(written), unit=unit, comparator=sign.replace("=<", "<="))


def write_result(page: Page, result: Result) -> None:
    """One line of the page, without its end: name, value, range; an observation where it fits."""
    test = lab_test_for(result.loinc, result.name)
    if result.value is None and test is not None and (found := _WORDED.fullmatch(result.words)):
        # A number that was sent as words ("< 0.5 mg/dL") of a test that is known.
        sign, written, unit = found["sign"] or "", found["number"], found["unit"] or ""
        value = value_of(written, ucum(unit) if unit else "", sign)
        result = replace(result, value=value, shown=result.words.strip())
    if result.value is None or result.value.num is None:
        _write_words(page, result)
        return
    concept = test.concept if test and test.concept else _by_code(result.loinc)
    value = _with_unit(result.value, concept)
    value = replace(value, unit=test.unit_for(value.unit)) if test is not None else value
    loinc = result.loinc or (test.loinc if test else "")
    entity = page.mention(
        _type(test, result), f"{result.name} {result.shown}".rstrip(), replace(value, concept=loinc)
    )
    if result.range_shown:
        page.write(f" (reference {result.range_shown})")
    if concept and is_impossible(concept, value):
        page.notes.append(
            say(
                "{name} cannot be {value}; it was left out of what is known.",
                name=result.name or concept, value=result.shown,
            )
        )  # fmt: skip
    elif concept and concepts()[concept].kind == "number" and _fits(concept, value):
        if result.reference != (None, None):
            page.references[concept] = result.reference
        _observe(page, result, concept, replace(value, concept=loinc), entity)
    else:
        _observe(page, result, "other_result", value, entity)


def _type(test: LabTest | None, result: Result) -> str:
    return test.kind if test else "vital" if result.is_vital else "lab"


def _by_code(loinc: str) -> str:
    """A concept that is no lab (pack-years), by its LOINC code."""
    return next((c.id for c in concepts().values() if c.loinc and c.loinc == loinc), "")


def _with_unit(value: Value, concept: str) -> Value:
    if value.unit or not concept or value.num is None:
        return value
    return replace(value, unit=only_plausible_unit(concept, float(value.num)))


def _fits(concept: str, value: Value) -> bool:
    """Whether the value is one of the concept: "neutrophils 60 %" is not their count."""
    if not value.unit or value.num is None:
        return False
    return concepts()[concept].to_own_unit(float(value.num), value.unit) is not None


def _observe(page: Page, result: Result, concept: str, value: Value, entity: Entity) -> None:
    page.observe(
        concept,
        float(value.num or 0),
        (entity.start, entity.end),
        value_of=value,
        time=result.time,
        original=entity.text,
        code=_code(result) if concept == "other_result" else None,
        reference=result.reference,
        status=result.status,
        detail="" if result.value is None or result.value.unit == value.unit else "unit inferred",
    )


def _code(result: Result) -> Code:
    return Code("LN" if result.loinc else "", result.loinc, result.name)


def _write_words(page: Page, result: Result) -> None:
    if not result.words:
        return
    start = page.length
    page.write(f"{result.name}: " if result.name else "")
    if len(result.words) > _LONG_WORDS or "\n" in result.words:
        page.free_text(result.words, result.time)
        return
    _, end = page.write(result.words)
    if result.name:
        _observe_words(page, result, (start, end))


def _observe_words(page: Page, result: Result, span: Span) -> None:
    page.observe(
        "other_result",
        result.words,
        span,
        time=result.time,
        original=f"{result.name}: {result.words}",
        code=_code(result),
        status=result.status,
    )


def write_pressure(page: Page, high: Value, low: Value, time: str) -> None:
    """A blood pressure: one line, the pair and both of its numbers as observations."""
    pair = (float(high.num or 0), float(low.num or 0))
    value = Value(dims=(high.num or 0, low.num or 0), unit=high.unit, concept="85354-9")
    entity = page.mention("vital", f"Blood pressure {high.num}/{low.num} mmHg", value)
    span, original = (entity.start, entity.end), entity.text
    page.observe("blood_pressure", pair, span, value_of=value, time=time, original=original)
    for concept, one in (("systolic_bp", high), ("diastolic_bp", low)):
        plain = Value(num=one.num, unit=one.unit)
        number_of = float(one.num or 0)
        page.observe(concept, number_of, span, value_of=plain, time=time, original=original)
    write_time(page, time)


def write_smoking(page: Page, words: str, time: str, status: str = "") -> None:
    """A smoking status in the document's words; status: where a code says it."""
    status = status or smoking_status(words)
    entity = page.mention("smoking", words, Value(text=status))
    if status:
        span = entity.start, entity.end
        page.observe("smoking_status", status, span, time=time, kind="sentence", original=words)
    write_time(page, time)


def smoking_status(words: str) -> str:
    """never, former or current; empty for what says neither, or of somebody else."""
    if "unknown" in words.lower():
        return ""
    said = find_smoking(words, (0, len(words)))
    if said:
        own = (e.value.text for e in said if e.value and e.attrs.experiencer == "patient")
        return next((status for status in own if status), "")
    answer = _ANSWER.match(words)
    return next((k for k, v in answer.groupdict().items() if v), "") if answer else ""


def write_time(page: Page, time: str) -> None:
    """End a line with its day, where it has one: it is the day of all that stands in the line."""
    if time:
        page.write(", ")
        page.mention("date", time[:10])
        page.dated.append((page.line_start, page.length, time))
    if not page.pieces[-1].endswith("\n"):
        page.write("\n")
