"""FHIR observations as readable lines: results, vital signs, smoking."""

from __future__ import annotations

from collections.abc import Sequence

from medview.core.observation import Bounds
from medview.core.words import say
from medview.record.note import Value
from medview.record.readers.fhir_values import (
    Context,
    Resource,
    codes_of,
    number_of,
    quantity,
    text_of,
    unusable,
)
from medview.record.readers.page import Page, date_of
from medview.record.readers.results import (
    Result,
    write_pressure,
    write_result,
    write_smoking,
    write_time,
)
from medview.record.rules.laboratory import lab_test_for

_SMOKING = "72166-2"
_PRESSURE = frozenset(("8480-6", "8462-4"))


def write_observation(page: Page, resource: Resource, context: Context) -> None:
    """A value, words or components; a blood pressure is one value of two numbers."""
    page.place = context.place_of(resource)
    time = date_of(resource.get("effectiveDateTime")
                   or (resource.get("effectivePeriod") or {}).get("start")
                   or resource.get("effectiveInstant") or resource.get("issued"))  # fmt: skip
    components = [c for c in resource.get("component") or [] if isinstance(c, dict)]
    pressure = _pressure(components)
    if pressure is not None:
        write_pressure(page, *pressure, time)
        components = [c for c in components if not set(codes_of(c.get("code"))) & _PRESSURE]
    else:
        _result(page, resource, time)
    for component in components:
        _result(page, component, time)
    for note in resource.get("note") or []:
        if isinstance(note, dict):
            page.free_text(str(note.get("text") or ""))


def _pressure(components: Sequence[Resource]) -> tuple[Value, Value] | None:
    found: dict[str, Value] = {}
    for component in components:
        for code in codes_of(component.get("code")):
            value, _ = quantity(component.get("valueQuantity"))
            if value is not None and code in _PRESSURE:
                found[code] = value
    return (found["8480-6"], found["8462-4"]) if len(found) == 2 else None


def _result(page: Page, result: Resource, time: str) -> None:
    name = text_of(result.get("code"))
    loincs = codes_of(result.get("code"), "loinc")
    value, shown = quantity(result.get("valueQuantity"))
    words = "" if value is not None else _words_of(result)
    if value is None and (written := unusable(result.get("valueQuantity"))):
        page.write(f"{name}: {written}\n")
        page.notes.append(
            say(
                "The value {value} of {name} is no number that can be used ({place}).",
                value=written, name=name or page.place, place=page.place,
            )
        )  # fmt: skip
    elif value is None and _SMOKING in loincs and words:
        write_smoking(page, words, time)
    elif value is None and not words:
        absent = text_of(result.get("dataAbsentReason"))
        page.write(f"{name}: no value ({absent})\n" if name and absent else "")
    else:
        reference, written = _reference(result)
        known = (c for c in loincs if lab_test_for(c) is not None)
        write_result(
            page,
            Result(
                name=name,
                loinc=next(known, loincs[0] if loincs else ""),
                value=value,
                shown=shown,
                words=words,
                time=time,
                reference=reference,
                range_shown=written,
                status=str(result.get("status") or ""),
                is_vital="vital-signs" in str(result.get("category")),
            ),
        )
        write_time(page, time)


def _reference(result: Resource) -> tuple[Bounds, str]:
    for interval in result.get("referenceRange") or []:
        if isinstance(interval, dict):
            ends = [(interval.get(k) or {}).get("value") for k in ("low", "high")]
            low, high = (None if (n := number_of(end)) is None else float(n) for end in ends)
            written = f"{ends[0] or ''} - {ends[1] or ''}" if ends != [None, None] else ""
            return (low, high), written or str(interval.get("text") or "")
    return (None, None), ""


def _words_of(result: Resource) -> str:
    """A value that is no number, in words."""
    words = text_of(result.get("valueCodeableConcept")) or str(result.get("valueString") or "")
    if isinstance(result.get("valueBoolean"), bool):
        words = "yes" if result["valueBoolean"] else "no"
    for key in ("valueInteger", "valueDateTime", "valueTime"):
        words = words or str(result.get(key) if result.get(key) is not None else "")
    if isinstance(ratio := result.get("valueRatio"), dict):
        parts = [quantity(ratio.get(k))[1] for k in ("numerator", "denominator")]
        words = " : ".join(p for p in parts if p)
    if isinstance(span := result.get("valueRange"), dict):
        words = " - ".join(t for k in ("low", "high") if (t := quantity(span.get(k))[1]))
    return words
