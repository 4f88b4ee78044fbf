"""Observation: the one currency between image, record, ruler, header and risk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from medview.core.paths import resources_dir
from medview.core.results import Code
from medview.core.units import converted, without_notes

SOURCE_KINDS = ("reader", "lab", "header", "ruler", "sentence", "model")
# Concepts that name one thing of a list each; no score reads them.
LISTS = ("problem", "medication", "allergy", "procedure", "family_history", "adverse_drug_effect",
         "other_result")  # fmt: skip
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a value comes from.

    kind: one of SOURCE_KINDS. where: short words for the chip's tooltip (document name and place,
    tag, ruler, model with version). locator: for a click, `document:<id>:<start>:<end>`,
    `tag:<keyword>`, `measurement:<id>`, `finding:<id>` or empty.
    """

    kind: str
    where: str = ""
    locator: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A value about a patient.

    concept: an id of `concepts()`. value: number, yes/no, a word of a closed list, or a pair
    (blood pressure: systolic, diastolic). unit: UCUM, "" for words and yes/no. comparator: "<",
    "<=", ">", ">=" or "". time: ISO date or date-time with the precision that was written.
    original: the text as it stood in the source. confidence: 0-1 where a source gives one.
    reference: the laboratory's range, in `unit`. status: final, preliminary, corrected, amended
    of a result; active, past, denied, possible, family of a thing in a list. subject: which of
    several of a kind in one source ("nodule 2"), empty for the one that leads. detail: what
    belongs to a thing of a list: dose, route and frequency, reactions, the relative. also: other
    sources that say the same.
    interval: where the value lies with 95 %, in `unit`, where a source says so (models).
    """

    patient_id: str
    concept: str
    value: float | bool | str | tuple[float, float]
    unit: str = ""
    comparator: str = ""
    time: str = ""
    source: Source
    code: Code | None = None
    original: str = ""
    confidence: float | None = None
    reference: Bounds = (None, None)
    status: str = ""
    subject: str = ""
    detail: str = ""
    also: tuple[Source, ...] = ()
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A kind of observation; `plausible` is in `unit`; `units` maps other UCUM units to a factor,
    `offsets` to what is added after it, where two scales do not begin at one zero.

    kind: number, pair, yes-no, text or choice (then `choices` lists the words). molar_mass in
    g/mol, where amounts of substance are common. usual: an unremarkable value, against which the
    share of an input in a result is shown; None where there is none. is_whole: it is counted.
    unclear: numbers, as written, that without a unit may be in either of two.
    """

    id: str
    title: str
    kind: str
    unit: str = ""
    loinc: str = ""
    plausible: tuple[float, float] | None = None
    units: Mapping[str, float]
    choices: tuple[str, ...] = ()
    molar_mass: float | None = None
    usual: float | str | None = None
    is_whole: bool = False
    unclear: tuple[float, float] | None = None
    offsets: Mapping[str, float] = field(default_factory=dict)

    def to_own_unit(self, value: float, unit: str) -> float | None:
        """The value in this concept's unit, None where the unit cannot be converted."""
        if unit == self.unit:
            return value
        known = unit if unit in self.units else without_notes(unit)
        if known in self.units:
            return value * self.units[known] + self.offsets.get(known, 0.0)
        return converted(value, unit, self.unit, self.molar_mass)

    def difference_in_own_unit(self, difference: float, unit: str) -> float | None:
        """A difference of two values, which knows no offset, in this concept's unit."""
        zero, end = self.to_own_unit(0.0, unit), self.to_own_unit(difference, unit)
        return None if zero is None or end is None else end - zero

    def from_own_unit(self, value: float, unit: str) -> float | None:
        """A value of this concept's unit in another one, None where that cannot be had."""
        if unit == self.unit:
            return value
        zero, slope = self.to_own_unit(0.0, unit), self.difference_in_own_unit(1.0, unit)
        return None if zero is None or not slope else (value - zero) / slope


@cache
def concepts() -> Mapping[str, Concept]:
    """Every concept that MedView knows, from `resources/concepts.json`."""
    loaded = json.loads((resources_dir() / "concepts.json").read_text(encoding="utf-8"))
    return {
        row["id"]: Concept(
            id=row["id"],
            title=row["title"],
            kind=row["kind"],
            unit=row.get("unit", ""),
            loinc=row.get("loinc", ""),
            plausible=tuple(row["plausible"]) if "plausible" in row else None,
            units={unit: _line(way)[0] for unit, way in row.get("units", {}).items()},
            offsets={unit: _line(way)[1] for unit, way in row.get("units", {}).items()},
            choices=tuple(row.get("choices", ())),
            molar_mass=row.get("molar_mass"),
            usual=row.get("usual"),
            is_whole=row.get("whole", False),
            unclear=tuple(row["unclear"]) if "unclear" in row else None,
        )
        for row in loaded["concepts"]
    }


def _line(way: float | list[float]) -> tuple[float, float]:
    """Factor and offset of a unit: a number alone is a factor.

    HbA1c, mmol/mol of the IFCC to % of the NGSP: Hoelzel 2004, 10.1373/clinchem.2003.024802.
    """
    return (way[0], way[1]) if isinstance(way, list) else (way, 0.0)
