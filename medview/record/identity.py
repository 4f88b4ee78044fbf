"""Whether a document belongs to the open patient: by id, birth date and sex, never by name.

A name joins nothing, but where nothing else is said, another name keeps a document apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from medview.core.study import Patient
from medview.core.words import Sentence, say
from medview.record.document import Document, PatientIdentity
from medview.record.person_names import are_two_spellings, names_differ, readable_name


@dataclass(frozen=True, slots=True)
class Belonging:
    """verdict: match, mismatch or unknown. rows: (what, of the document, of the study, differs)."""

    verdict: str
    rows: tuple[tuple[Sentence, str, str, bool], ...]
    sentence: Sentence


def contradictions(documents: Iterable[Document]) -> tuple[Sentence, ...]:
    """What documents of one patient id say against each other of birth date and sex."""
    births: dict[str, str] = {}  # by patient id the first, as precise as one that agrees has it
    sexes: dict[str, str] = {}
    found: dict[str, Sentence] = {}
    for document in documents:
        own = document.patient
        if not own.id.strip():
            continue
        key = _plain(own.id)
        birth = births.setdefault(key, own.birth_date) if own.birth_date else ""
        if len(_digits(own.birth_date)) > len(_digits(birth)) and not _dates_differ(
            own.birth_date, birth
        ):
            births[key] = own.birth_date
        if _dates_differ(own.birth_date, birth):
            said = say(
                "Documents of patient {id} name two birth dates: {one} and {two}.",
                id=own.id, one=birth, two=own.birth_date,
            )  # fmt: skip
            found.setdefault(str(said), said)
        if own.sex in ("F", "M") and sexes.setdefault(key, own.sex) != own.sex:
            said = say("Documents of patient {id} name two sexes.", id=own.id)
            found.setdefault(str(said), said)
    return tuple(found.values())


def differ(one: PatientIdentity, other: PatientIdentity) -> bool:
    """Whether two identities cannot be of one person, by birth date, sex or name.

    Other numbers say nothing here: a report and the record around it may count by two systems.
    """
    sexes = {one.sex, other.sex} & {"F", "M"}
    return (
        _dates_differ(one.birth_date, other.birth_date)
        or len(sexes) > 1
        or names_differ(one.name, other.name)
    )


def belongs_to(document: Document, patient: Patient) -> Belonging:
    """Compare identities; a document that says nothing of id, birth date or sex is unknown."""
    own = document.patient
    known_ids = {_plain(i) for i in own.ids if i.strip()}
    same_id = bool(known_ids) and _plain(patient.id) in known_ids
    id_differs = bool(known_ids) and bool(patient.id.strip()) and not same_id
    birth_differs = _dates_differ(own.birth_date, patient.birth_date)
    sex_differs = bool(
        own.sex in ("F", "M") and patient.sex in ("F", "M") and own.sex != patient.sex
    )
    name_differs = not same_id and names_differ(own.name, patient.name)
    if name_differs and are_two_spellings(own.name, patient.name):
        # A slip of the pen is nothing beside an equal birth date and sex; without them it is asked.
        name_differs = not (_is_same_day(own, patient) and own.sex == patient.sex != "")
    rows = (
        (say("Patient ID"), _shown_id(own, patient.id), patient.id, id_differs),
        (say("Name"), own.name, readable_name(patient.name), name_differs),
        (say("Birth date"), own.birth_date, patient.birth_date, birth_differs),
        (say("Sex"), own.sex, patient.sex, sex_differs),
    )
    if id_differs or birth_differs or sex_differs or name_differs:
        return Belonging("mismatch", rows, say("This document is about another patient."))
    if same_id:
        return Belonging("match", rows, say("This document is about the open patient."))
    return Belonging("unknown", rows, say("The document does not say whom it is about."))


def _plain(identifier: str) -> str:
    return identifier.strip().casefold()


def _shown_id(own: PatientIdentity, wanted: str) -> str:
    return next((i for i in own.ids if _plain(i) == _plain(wanted)), own.id)


def _is_same_day(own: PatientIdentity, patient: Patient) -> bool:
    one, two = _digits(own.birth_date), _digits(patient.birth_date)
    return len(one) >= 8 and one[:8] == two[:8]


def _digits(date: str) -> str:
    return date.replace("-", "")


def _dates_differ(one: str, two: str) -> bool:
    # A year alone agrees with every day of that year.
    one, two = _digits(one), _digits(two)
    shared = min(len(one), len(two))
    return shared >= 4 and one[:shared] != two[:shared]
