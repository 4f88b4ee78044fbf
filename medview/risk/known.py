"""What is known about one patient: direct observations first, then what openly follows from them.

A derived value says in `source.where` what it was made of. Nothing is derived from silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from medview.core.numbers import number_text
from medview.core.observation import Observation, Source, concepts
from medview.core.study import Patient, Study
from medview.core.words import Sentence, say
from medview.risk.choose import Choice, Setting, choose, day_of
from medview.risk.formulas import Inputs
from medview.risk.formulas.kidney import ckd_epi_2021
from medview.risk.result import UsedInput
from medview.risk.score import ScoreInput, catalogue

_EMPHYSEMA_SHARE = 5.0  # per cent below -950 HU; less does not exclude emphysema

_UREA_PER_NITROGEN = 0.357  # mmol/L of urea per mg/dL of urea nitrogen


@dataclass(frozen=True)
class Known:
    """The observations of one patient at one exam."""

    observations: tuple[Observation, ...]
    setting: Setting

    @cached_property
    def _found(self) -> dict[tuple[str, bool], UsedInput | None]:
        return {}

    @cached_property
    def by_concept(self) -> Mapping[str, list[Observation]]:
        """The observations of each concept."""
        grouped: dict[str, list[Observation]] = {}
        for observation in self.observations:
            grouped.setdefault(observation.concept, []).append(observation)
        return grouped

    def choose(self, spec: ScoreInput) -> Choice:
        """The value for one input, derived where no source gives it itself."""
        direct = choose(spec, self.by_concept.get(spec.name, ()), self.setting)
        if direct.used is not None or direct.impossible is not None:
            return direct
        derivation = _DERIVATIONS.get(spec.name)
        derived = derivation(self) if derivation else None
        if derived is None:
            return direct
        found = choose(spec, (derived.observation,), self.setting)
        caveat = () if derived.caveat is None else (derived.caveat,)
        return replace(found, warnings=(*direct.warnings, *found.warnings, *caveat))

    def is_impossible(self, concept: str) -> bool:
        """Whether all that is told of a concept is what nobody can have."""
        if concept not in self.by_concept:
            return False
        choice = self.choose(ScoreInput(concept=concepts()[concept]))
        return choice.used is None and choice.impossible is not None

    def find(self, concept: str, *, of_study: bool = False) -> UsedInput | None:
        """The value of a concept, None where it is not known."""
        key = (concept, of_study)
        if key not in self._found:
            spec = ScoreInput(concept=concepts()[concept], of_study=of_study)
            self._found[key] = self.choose(spec).used
        return self._found[key]


def know(
    observations: Sequence[Observation],
    patient: Patient | None = None,
    study: Study | None = None,
    reference: date | None = None,
) -> Known:
    """Join observations with what the header says of the patient.

    Observations of another patient are left out. reference: the day of the exam; the study's
    date, else today.
    """
    exam = day_of(study.date) if study else None
    day = reference or exam or date.today()  # noqa: DTZ011 - a calendar day of the user's place
    # The scores ask about the nodule that leads; the others have a subject of their own.
    lead = [o for o in observations if not o.subject]
    mine = [o for o in lead if patient is None or o.patient_id in ("", patient.id)]
    # First, so that where a source gives the same of the same day its own words stand.
    identity = _from_identity(patient, day, bool(study)) if patient else []
    pairs = [part for o in mine for part in _pressures(o)]
    return Known((*identity, *mine, *pairs), Setting(day, exam))


def overridden(
    observations: Sequence[Observation], overrides: Sequence[Observation]
) -> list[Observation]:
    """The observations with all of some concepts replaced by others."""
    replaced = {observation.concept for observation in overrides}
    return [*(o for o in observations if o.concept not in replaced), *overrides]


def _from_identity(patient: Patient, day: date, has_images: bool) -> list[Observation]:
    found = []
    born = day_of(patient.birth_date) if len(patient.birth_date) == len("1950-01-31") else None
    if born and born <= day:
        years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        source = _identity(has_images, "PatientBirthDate", "birth date, at the exam")
        found.append(
            Observation(
                patient_id=patient.id,
                concept="age",
                value=float(years),
                unit="a",
                time=day.isoformat(),
                source=source,
            )
        )
    if patient.sex in ("F", "M"):
        source = _identity(has_images, "PatientSex", "sex")
        found.append(
            Observation(patient_id=patient.id, concept="sex", value=patient.sex, source=source)
        )
    return found


def _identity(has_images: bool, keyword: str, where: str) -> Source:
    locator = f"tag:{keyword}" if has_images else ""  # without images a document says who it is
    return Source(kind="header", where=where, locator=locator)


def _pressures(observation: Observation) -> list[Observation]:
    if observation.concept != "blood_pressure" or not isinstance(observation.value, tuple):
        return []
    names = ("systolic_bp", "diastolic_bp")
    return [
        replace(observation, concept=name, value=value)
        for name, value in zip(names, observation.value, strict=True)
    ]


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


def _egfr(known: Known) -> Derived | None:
    unit = catalogue()["ckd-epi-2021"]
    used = {spec.name: known.find(spec.name) for spec in unit.inputs}
    creatinine = used["creatinine"]
    values = {name: item.value for name, item in used.items() if item is not None}
    numbers = ((spec, values.get(spec.name)) for spec in unit.inputs)
    fits = all(spec.allows(number) for spec, number in numbers if isinstance(number, float))
    if creatinine is None or len(values) < len(unit.inputs) or not fits:
        return None
    egfr = ckd_epi_2021(Inputs(values), unit.coefficients).value
    if egfr is None:
        return None
    how = f"CKD-EPI 2021, creatinine {creatinine.value:g} mg/dL"
    return _follows("egfr", egfr, creatinine, how)


def _bmi(known: Known) -> Derived | None:
    weight, height = known.find("weight"), known.find("height")
    if weight is None or height is None:
        return None
    value = float(weight.value) / (float(height.value) / 100.0) ** 2
    how = f"{number_text(float(weight.value))} kg, {number_text(float(height.value))} cm"
    return _follows("bmi", value, weight, how)


def _urea(known: Known) -> Derived | None:
    nitrogen = known.find("urea_nitrogen")
    if nitrogen is None:
        return None
    how = f"urea nitrogen {number_text(float(nitrogen.value))} mg/dL"
    return _follows("urea", float(nitrogen.value) * _UREA_PER_NITROGEN, nitrogen, how)


def _mean_diameter(known: Known) -> Derived | None:
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


def _emphysema(known: Known) -> Derived | None:
    share = known.find("emphysema_share", of_study=True)
    if share is None or float(share.value) < _EMPHYSEMA_SHARE:
        return None
    how = f"{number_text(float(share.value))} % below -950 HU"
    return _follows("emphysema", True, share, how)


def _no_older_cancer(known: Known) -> Derived | None:
    cancer = known.find("cancer_history")
    if cancer is None or cancer.value is not False:
        return None
    return _follows("extrathoracic_cancer_over_5y", False, cancer, "no cancer in the past")


def _perifissural(known: Known) -> Derived | None:
    pleural = known.find("nodule_smooth_juxtapleural")
    if pleural is None or pleural.value is not False:
        return None
    return _follows("nodule_perifissural", False, pleural, "not at the pleura")


def _high_risk(known: Known) -> Derived | None:
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


_DERIVATIONS: Mapping[str, Callable[[Known], Derived | None]] = {
    "egfr": _egfr,
    "bmi": _bmi,
    "urea": _urea,
    "nodule_diameter_mean": _mean_diameter,
    "emphysema": _emphysema,
    "extrathoracic_cancer_over_5y": _no_older_cancer,
    "nodule_high_risk": _high_risk,
    "nodule_perifissural": _perifissural,
}
