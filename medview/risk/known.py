"""What is known about one patient: direct observations first, then what openly follows from them.

A derived value says in `source.where` what it was made of. Nothing is derived from silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from medview.core.observation import Observation, Source, concepts
from medview.core.study import Patient, Study
from medview.risk.choose import Choice, Near, Setting, choose, day_of
from medview.risk.follows import derived
from medview.risk.result import UsedInput
from medview.risk.score import ScoreInput


@dataclass(frozen=True)
class Known:
    """The observations of one patient at one exam."""

    observations: tuple[Observation, ...]
    setting: Setting

    @cached_property
    def _found(self) -> dict[tuple[str, bool, Near | None], UsedInput | None]:
        return {}

    @cached_property
    def _asked(self) -> set[str]:
        return set()

    @cached_property
    def by_concept(self) -> Mapping[str, list[Observation]]:
        """The observations of each concept."""
        grouped: dict[str, list[Observation]] = {}
        for observation in self.observations:
            grouped.setdefault(observation.concept, []).append(observation)
        return grouped

    def choose(self, spec: ScoreInput, near: Near | None = None) -> Choice:
        """The value for one input, derived where no source gives it. near: of a time only."""
        told = self.by_concept.get(spec.name, ())
        told = told if near is None else [o for o in told if near.holds(o)]
        direct = choose(spec, told, self.setting)
        if direct.used is not None or direct.impossible is not None:
            return direct
        if spec.name in self._asked:  # two concepts that follow from each other
            return direct
        self._asked.add(spec.name)
        said = derived(spec.name, self)
        self._asked.discard(spec.name)
        if said is None or (near is not None and not near.holds(said.observation)):
            return direct
        found = choose(spec, (said.observation,), self.setting)
        caveat = () if said.caveat is None else (said.caveat,)
        return replace(found, warnings=(*direct.warnings, *found.warnings, *caveat))

    def is_impossible(self, concept: str) -> bool:
        """Whether all that is told of a concept is what nobody can have."""
        if concept not in self.by_concept:
            return False
        choice = self.choose(ScoreInput(concept=concepts()[concept]))
        return choice.used is None and choice.impossible is not None

    def find(
        self, concept: str, *, of_study: bool = False, near: Near | None = None
    ) -> UsedInput | None:
        """The value of a concept (near a day), None where it is not known."""
        key = (concept, of_study, near)
        if key not in self._found:
            spec = ScoreInput(concept=concepts()[concept], of_study=of_study)
            self._found[key] = self.choose(spec, near).used
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
