"""Values as people type them - `1.1mg/dL`, `yes`, `67` - turned into a reader's observations."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping

from medview.core.errors import InvalidInput
from medview.core.numbers import number_text, unit_text
from medview.core.observation import Concept, Observation, Source, concepts
from medview.core.unit_names import ucum
from medview.core.words import Sentence, say
from medview.risk.choose import is_possible, meant_unit
from medview.risk.result import Meant
from medview.risk.wording import amount, listing

_NUMBER = re.compile(
    r"\s*([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?|nan|inf|-inf)\s*(.*)", re.I
)
_YES = frozenset(("yes", "y", "true", "1", "present", "是", "有"))
_NO = frozenset(("no", "n", "false", "0", "absent", "否", "无"))
_WORDS = {
    "female": "F", "f": "F", "w": "F", "女": "F", "male": "M", "m": "M", "男": "M",
    "ex": "former", "ex-smoker": "former", "former smoker": "former", "smoker": "current",
    "ground-glass": "non-solid", "ggn": "non-solid", "nonsolid": "non-solid",
    "subsolid": "part-solid", "partsolid": "part-solid",
}  # fmt: skip
_UNITS = {
    "years": "a", "year": "a", "y": "a", "yr": "a", "yrs": "a", "yo": "a", "y/o": "a",
    "yearsold": "a", "岁": "a", "months": "mo", "month": "mo", "月": "mo",
    "kg/m²": "kg/m2", "kg/m^2": "kg/m2", "ml/min": "mL/min/{1.73_m2}",
    "mm³": "mm3", "mm^3": "mm3", "cm³": "cm3", "cm^3": "cm3", "ccm": "cm3",
    "ft": "[ft_i]", "feet": "[ft_i]", "/minute": "/min", "perminute": "/min", "points": "",
    "gm/l": "g/L", "cigarettes/day": "/d", "/day": "/d", "thousand/ul": "10*3/uL",
    "cells/mm3": "/uL", "cells/mcl": "/uL", "/mm³": "/uL",
    "nanogm/ml": "ng/mL", "mcmol/l": "umol/L", "millimeter": "mm", "millimetre": "mm",
}  # fmt: skip
_COUNTS = "10*9/L"  # of cells, for which G/L means giga and not gram
_FEU = re.compile(r"\s*\(?FEU\)?$", re.I)  # the only D-dimer that counts so


_SHORT = {
    "gender": "sex", "hdl": "hdl_cholesterol", "ldl": "ldl_cholesterol", "tc": "total_cholesterol",
    "cholesterol": "total_cholesterol", "sbp": "systolic_bp", "dbp": "diastolic_bp",
    "bp": "blood_pressure", "plt": "platelets", "smoking": "smoking_status",
    "quit_years": "smoking_quit_years", "statin": "statin_treatment",
    "bp_treatment": "antihypertensive_treatment", "antihypertensive": "antihypertensive_treatment",
    "stroke": "stroke_tia_embolism", "diameter": "nodule_diameter_max",
    "mean_diameter": "nodule_diameter_mean", "count": "nodule_count", "type": "nodule_type",
    "spiculated": "nodule_spiculated", "spiculation": "nodule_spiculated",
    "upper_lobe": "nodule_upper_lobe", "solid_part": "nodule_solid_part",
    "family_history": "family_history_lung_cancer", "high_risk": "nodule_high_risk",
}  # fmt: skip


class ImpossibleValue(InvalidInput):
    """A number that no person can have; what to do names the range, or what may have been meant."""


class UnitNotClear(InvalidInput):
    """A number without a unit that could be in either of two; what to do asks in which it is."""


def concept_called(name: str) -> Concept:
    """The concept with this id or short name. Raises InvalidInput, with the nearest name."""
    plain = name.strip().lower().replace("-", "_")
    concept = concepts().get(_SHORT.get(plain, plain))
    if concept is None:
        close = difflib.get_close_matches(plain[:40], concepts(), n=1)
        hint = say("Was {name} meant?", name=close[0]) if close else None
        raise InvalidInput(say("There is no input called {name}.", name=name[:40]), "", hint)
    return concept


def by_hand(name: str, given: str | float | bool, where: str = "") -> Observation:
    """A reader's observation from a value as typed; `name` is the id of a concept, or short.

    A number without a unit is in the concept's own unit, but where it is unclear (a creatinine of
    12): that is asked. Raises InvalidInput for an unknown name, a value of the wrong
    kind, a unit that is not clear or cannot be converted, and what no person can have.
    """
    concept = concept_called(name)
    value, unit = _value(concept, given)
    return Observation(
        patient_id="",
        concept=concept.id,
        value=value,
        unit=unit,
        source=Source(kind="reader", where=where),
        original=str(given),
    )


def meant_by(name: str, given: str) -> Meant | None:
    """What may have been meant by a number that was refused, None where nothing is."""
    concept = concept_called(name)
    match = _NUMBER.fullmatch(given)
    if concept.kind != "number" or match is None:
        return None
    value, unit = float(match[1].replace(",", ".")), _unit(concept, match[2].strip())
    other = meant_unit(concept, value, unit)
    return None if other is None else Meant(concept.id, value, other)


def _value(
    concept: Concept, given: str | float | bool
) -> tuple[float | bool | str | tuple[float, float], str]:
    if concept.kind == "yes-no":
        return _yes_no(concept, given), ""
    if concept.kind == "choice":
        return _word(concept, str(given)), ""
    if concept.kind == "text":
        return str(given), ""
    if concept.kind == "pair":
        return _pair(concept, str(given)), concept.unit
    return _number(concept, given)


def _refuse(concept: Concept, given: object, wanted: Sentence) -> InvalidInput:
    return InvalidInput(
        say("{name} cannot be {given}.", name=say(concept.title), given=str(given)[:40]), "", wanted
    )


def _yes_no(concept: Concept, given: str | float | bool) -> bool:
    word = str(int(given) if given in (0, 1) else given).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise _refuse(concept, given, say("Give yes or no."))


def _word(concept: Concept, given: str) -> str:
    word = given.strip()
    for candidate in (word, word.lower(), _WORDS.get(word.lower(), "")):
        if candidate in concept.choices:
            return candidate
    choices = listing([say("{text}", text=choice) for choice in concept.choices])
    raise _refuse(concept, given, say("Give one of: {choices}.", choices=choices))


def _pair(concept: Concept, given: str) -> tuple[float, float]:
    parts = given.removesuffix("mmHg").removesuffix("mm[Hg]").split("/")
    try:
        high, low = (float(part) for part in parts)
    except ValueError:
        raise _refuse(concept, given, say("Give it as 120/80.")) from None
    if not 20 <= low <= high <= 300:
        raise _refuse(concept, given, say("Give it as 120/80."))
    return high, low


def _number(concept: Concept, given: str | float | bool) -> tuple[float, str]:
    match = None if isinstance(given, bool) else _NUMBER.fullmatch(str(given))
    if match is None:
        raise _refuse(concept, given, say("Give a number."))
    value, unit = float(match[1].replace(",", ".")), _unit(concept, match[2].strip())
    own = concept.to_own_unit(value, unit)
    if own is None:
        known = listing([say("{text}", text=u) for u in (concept.unit, *concept.units)])
        raise _refuse(concept, given, say("Its unit is one of: {units}.", units=known))
    if not math.isfinite(own) or not is_possible(concept, own):
        raise _impossible(concept, given, value, unit)
    if not match[2].strip():
        _ask_for_unit(concept, value)
    return value, unit


def _ask_for_unit(concept: Concept, value: float) -> None:
    """Raises UnitNotClear for a bare number that the concept's listed unit does not settle."""
    low, high = concept.unclear or (math.inf, -math.inf)
    other = meant_unit(concept, value, concept.unit)
    if other is None or not low <= value <= high:
        return
    number, own, unit = number_text(value), unit_text(concept.unit), unit_text(other)
    raise UnitNotClear(
        say("{name} {number} has no unit.", name=say(concept.title), number=number),
        "",
        say("Is it {number} {own} or {number} {unit}?", number=number, own=own, unit=unit),
    )


def _unit(concept: Concept, written: str) -> str:
    """The UCUM code of a unit as people write it; as written where it is not known."""
    written = _FEU.sub("", written) if concept.id == "d_dimer" else written
    if not written:
        return concept.unit
    if written == "G/L" and concept.unit == _COUNTS:
        return _COUNTS
    written = written.replace("µ", "u").replace("μ", "u")
    by_lower: Mapping[str, str] = {unit.lower(): unit for unit in (*concept.units, concept.unit)}
    lower = written.lower()
    return by_lower.get(lower) or _UNITS.get(lower.replace(" ", "")) or ucum(written)


def _impossible(concept: Concept, given: object, value: float, unit: str) -> ImpossibleValue:
    low, high = concept.plausible or (-math.inf, math.inf)
    what = say("{name} cannot be {given}.", name=say(concept.title), given=str(given)[:40])
    other = meant_unit(concept, value, unit)
    if other is not None:
        meant = amount(concept, concept.to_own_unit(value, other) or math.nan)
        advice = say(
            "Was {value} {unit} meant ({meant})?",
            value=number_text(value),
            unit=unit_text(other),
            meant=meant,
        )
    else:
        ends = f"{number_text(low)}–{number_text(high)} {unit_text(concept.unit)}".strip()
        advice = say("Possible is {ends}.", ends=ends)
        if concept.is_whole:
            advice = say("Possible is a whole number, {ends}.", ends=ends)
    return ImpossibleValue(what, "", advice)
