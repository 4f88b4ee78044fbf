"""What openly follows from something else that is known: eGFR from creatinine, a yes from a number.

`resources/follows.json` has a row for each: the `concept`; `of`, from which it follows and whose
source it keeps; `if`, a condition (`formulas.conditions`) that makes it a yes, where `no` stands
also a no if it is not met; `not_if`, one that makes it a no if it is not met; or `score`, one of
the catalogue whose number it is, or whose number (`value`) the condition is about. `days`: a
value further from the exam says nothing. What goes into a score besides `of` must be of its time,
by the score's own word on when it is stale. The rest, with more arithmetic, stands here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

from medview.core.numbers import number_text
from medview.core.observation import Observation, concepts
from medview.core.paths import resources_dir
from medview.core.words import Sentence, say
from medview.risk.choose import Near, Setting, day_of
from medview.risk.formulas import Inputs, NotKnown, formula
from medview.risk.formulas.conditions import holds
from medview.risk.result import UsedInput
from medview.risk.score import Score, catalogue
from medview.risk.wording import amount

_EMPHYSEMA_SHARE = 5.0  # per cent below -950 HU; less does not exclude emphysema
_UREA_PER_NITROGEN = 0.357  # mmol/L of urea per mg/dL of urea nitrogen

Rule = Mapping[str, Any]


class Found(Protocol):
    """What is known of a patient."""

    @property
    def setting(self) -> Setting:
        """The day of the exam."""

    def find(
        self, concept: str, *, of_study: bool = False, near: Near | None = None
    ) -> UsedInput | None:
        """The value of a concept (near a day), None where it is not known."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that follows from others; `caveat` is said beside the score where it has one."""

    observation: Observation
    caveat: Sentence | None = None


def _follows(concept: str, value: float | bool | str, origin: UsedInput, how: str) -> Derived:
    where = f"{how} ({origin.source.where})" if origin.source.where else how
    observation = Observation(
        patient_id="",
        concept=concept,
        value=value,
        unit=concepts()[concept].unit,
        time=origin.time,
        source=replace(origin.source, where=where),
    )
    return Derived(observation)


def derived(concept: str, known: Found) -> Derived | None:
    """The value of a concept that follows from others, None where none does."""
    own = _DERIVATIONS.get(concept)
    if own is not None:
        return own(known)
    return next(
        (said for rule in _rules().get(concept, ()) if (said := _by_rule(rule, known))), None
    )


@cache
def _rules() -> Mapping[str, list[Rule]]:
    loaded = json.loads((resources_dir() / "follows.json").read_text(encoding="utf-8"))
    found: dict[str, list[Rule]] = {}
    for rule in loaded["follows"]:
        found.setdefault(rule["concept"], []).append(rule)
    return found


def _by_rule(rule: Rule, known: Found) -> Derived | None:
    days = rule.get("days")
    near = None if days is None else Near(known.setting.reference, days)
    origin = known.find(rule["of"], near=near)
    if origin is None:
        return None
    if "score" in rule:
        made = _by_score(catalogue()[rule["score"]], origin, known)
        if made is None:
            return None
        values: Mapping[str, float | bool | str] = {"value": made[0]}
        origin = replace(origin, time=made[1])
    else:
        sex = known.find("sex")
        values = {rule["of"]: origin.value} | ({} if sex is None else {"sex": sex.value})
    found = _answer(rule, values)
    return None if found is None else _follows(rule["concept"], found, origin, _how(rule, origin))


def _by_score(score: Score, origin: UsedInput, known: Found) -> tuple[float, str] | None:
    """A score's number from values of one time, and the time of the oldest of them.

    None where it cannot be computed, or where the score refuses the patient.
    """
    if _refuses(score, known):
        return None
    day = day_of(origin.time) or known.setting.reference
    used = {origin.name: origin}
    times = [origin.time]
    for spec in score.inputs:
        if spec.name == origin.name:
            continue
        near = Near(day, spec.stale_days) if spec.stale_days else None
        item = known.find(spec.name, near=near)
        if item is not None:
            used[spec.name] = item
            times += [item.time] if spec.stale_days and spec.name != "age" else []
    values = {name: item.value for name, item in used.items()}
    if not all(spec.allows(values[spec.name]) for spec in score.inputs if spec.name in values):
        return None
    try:
        value = formula(score.formula)(Inputs(values), score.coefficients).value
    except (NotKnown, ArithmeticError):
        return None
    return None if value is None else (value, min(filter(None, times), default=""))


def _refuses(score: Score, known: Found) -> bool:
    """Whether something is known that makes the score not valid."""
    for exclusion in score.exclusions:
        item = known.find(exclusion.name)
        if item is not None and item.value in exclusion.values:
            return True
    age = known.find("age")
    if score.ages is None or age is None:
        return False
    return not score.ages[0] <= float(age.value) <= score.ages[1]


def _answer(rule: Rule, values: Mapping[str, float | bool | str]) -> float | bool | str | None:
    condition = rule.get("if") or rule.get("not_if")
    if condition is None:
        return values["value"]
    try:
        is_met = holds(condition, Inputs(values))
    except NotKnown:
        return None
    if "not_if" in rule:
        return None if is_met else False
    return is_met if is_met or rule.get("no") else None


def _how(rule: Rule, origin: UsedInput) -> str:
    concept = concepts()[rule["of"]]
    said = concept.title if origin.value is True else _said(rule["of"], origin)
    if "score" not in rule:
        return said
    return f"{catalogue()[rule['score']].title.english()}, {said[0].lower()}{said[1:]}"


def _said(name: str, origin: UsedInput) -> str:
    concept = concepts()[name]
    return f"{concept.title} {amount(concept, origin.value).english()}"


def _bmi(known: Found) -> Derived | None:
    weight, height = known.find("weight"), known.find("height")
    if weight is None or height is None:
        return None
    value = float(weight.value) / (float(height.value) / 100.0) ** 2
    how = f"{number_text(float(weight.value))} kg, {number_text(float(height.value))} cm"
    return _follows("bmi", value, weight, how)


def _urea(known: Found) -> Derived | None:
    nitrogen = known.find("urea_nitrogen")
    if nitrogen is None:
        return None
    how = f"urea nitrogen {number_text(float(nitrogen.value))} mg/dL"
    return _follows("urea", float(nitrogen.value) * _UREA_PER_NITROGEN, nitrogen, how)


def _mean_diameter(known: Found) -> Derived | None:
    longest = known.find("nodule_diameter_max", of_study=True)
    volume = known.find("nodule_volume", of_study=True)
    if volume is not None and (longest is None or longest.source.kind == "model"):
        diameter = (6.0 * float(volume.value) / math.pi) ** (1.0 / 3.0)
        how = f"sphere of {number_text(float(volume.value))} mm3"
        return _follows("nodule_diameter_mean", diameter, volume, how)
    if longest is None:
        return None
    found = _follows("nodule_diameter_mean", float(longest.value), longest, "longest diameter")
    caveat = say("The longest diameter stands for the mean: the short axis is not known.")
    return replace(found, caveat=caveat)


def _emphysema(known: Found) -> Derived | None:
    share = known.find("emphysema_share", of_study=True)
    if share is None or float(share.value) < _EMPHYSEMA_SHARE:
        return None
    how = f"{number_text(float(share.value))} % below -950 HU"
    return _follows("emphysema", True, share, how)


def _no_older_cancer(known: Found) -> Derived | None:
    cancer = known.find("cancer_history")
    if cancer is None or cancer.value is not False:
        return None
    return _follows("extrathoracic_cancer_over_5y", False, cancer, "no cancer in the past")


def _perifissural(known: Found) -> Derived | None:
    pleural = known.find("nodule_smooth_juxtapleural")
    if pleural is None or pleural.value is not False:
        return None
    return _follows("nodule_perifissural", False, pleural, "not at the pleura")


def _high_risk(known: Found) -> Derived | None:
    """Yes where a factor that the guideline names is known; silence never makes it a no."""
    factors = ("nodule_spiculated", "nodule_upper_lobe", "emphysema", "family_history_lung_cancer")
    for name in factors:
        found = known.find(name)
        if found is not None and found.value is True:
            return _follows("nodule_high_risk", True, found, concepts()[name].title)
    smoking = known.find("smoking_status")
    if smoking is not None and smoking.value == "current":
        return _follows("nodule_high_risk", True, smoking, "current smoker")
    return None


def _sirs(known: Found) -> Derived | None:
    """Two or more signs of SIRS (Bone 1992, 10.1378/chest.101.6.1644), of the newest day with one.

    A slow breath leaves the third sign open, which a low PaCO2 gives as well. What has no day
    counts only in the reader's own words.
    """
    near = Near(known.setting.reference, 1)
    found = {name: known.find(name, near=near) for name, *_ in _SIRS}
    newest = max((item.time[:10] for item in found.values() if item is not None), default="")
    fresh = {
        name: float(item.value)
        for name, item in found.items()
        if item is not None
        and (item.time[:10] == newest or item.source.kind == "reader")
        and (item.time or item.source.kind == "reader")
    }
    signs = [n for n, low, high in _SIRS if n in fresh and not low <= fresh[n] <= high]
    open_ones = [n for n, *_ in _SIRS if n not in fresh or n == "respiratory_rate"]
    is_two = len(signs) >= 2
    if not is_two and len({*signs, *open_ones}) >= 2:
        return None
    origin = found[signs[0]] if signs else found["temperature"]
    assert origin is not None  # noqa: S101 - one of those that were found
    how = ", ".join(_said(name, item) for name, item in found.items() if item and name in fresh)
    return _follows("sirs_two", is_two, origin, how)


_SIRS = (
    ("temperature", 36.0, 38.0),
    ("heart_rate", 0.0, 90.0),
    ("respiratory_rate", 0.0, 20.0),
    ("leucocytes", 4.0, 12.0),
)
"""Signs of SIRS and the limits beyond which each counts."""

_DERIVATIONS: Mapping[str, Callable[[Found], Derived | None]] = {
    "bmi": _bmi,
    "urea": _urea,
    "nodule_diameter_mean": _mean_diameter,
    "emphysema": _emphysema,
    "extrathoracic_cancer_over_5y": _no_older_cancer,
    "nodule_high_risk": _high_risk,
    "nodule_perifissural": _perifissural,
    "sirs_two": _sirs,
}
