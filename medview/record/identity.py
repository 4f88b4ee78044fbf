"""Whether a document belongs to the open patient: by id, birth date and sex, never by name.

A name joins nothing, but where nothing else is said, another name keeps a document apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from medview.core.study import Patient
from medview.core.words import Sentence, say
from medview.record.document import Document, PatientIdentity
from medview.record.language import simplified

_NAME_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['.’-])*")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ0-9]")
_HAN = re.compile(r"[\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Belonging:
    """verdict: match, mismatch or unknown. rows: (what, of the document, of the study, differs)."""

    verdict: str
    rows: tuple[tuple[Sentence, str, str, bool], ...]
    sentence: Sentence


def contradictions(documents: Iterable[Document]) -> tuple[Sentence, ...]:
    """What documents of one patient id say against each other of birth date and sex."""
    births: dict[str, str] = {}  # by patient id the first that is named at all
    sexes: dict[str, str] = {}
    found: dict[str, Sentence] = {}
    for document in documents:
        own = document.patient
        if not own.id.strip():
            continue
        key = _plain(own.id)
        birth = births.setdefault(key, own.birth_date) if own.birth_date else ""
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
    name_differs = not same_id and _names_differ(own.name, patient.name)
    rows = (
        (say("Patient ID"), _shown_id(own, patient.id), patient.id, id_differs),
        (say("Name"), own.name, _readable(patient.name), name_differs),
        (say("Birth date"), own.birth_date, patient.birth_date, birth_differs),
        (say("Sex"), own.sex, patient.sex, sex_differs),
    )
    if id_differs or birth_differs or sex_differs or name_differs:
        return Belonging("mismatch", rows, say("This document is about another patient."))
    if same_id:
        return Belonging("match", rows, say("This document is about the open patient."))
    return Belonging("unknown", rows, say("The document does not say whom it is about."))


def _readable(name: str) -> str:
    """A person name of DICOM: parts by blanks, its writings apart."""
    return " · ".join(" ".join(part.split("^")).strip() for part in name.split("=") if part)


def _names_differ(one: str, two: str) -> bool:
    """Whether two names share no word: both whole ones, in one script."""
    pairs = list(zip(_parts_of_name(one), _parts_of_name(two), strict=True))
    return any(a and b for a, b in pairs) and not any(a & b for a, b in pairs)


def _parts_of_name(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Latin words where two or more of them are written as names are; Chinese names."""
    words = _readable(name.replace(",", " ")).split()
    latin = [w for w in words if _NAME_WORD.fullmatch(w) and w[0].isupper()]
    is_whole = len(latin) > 1 and all(w in latin or not _LATIN.match(w) for w in words)
    han = "".join(w for w in words if _HAN.fullmatch(w))
    return (
        frozenset(w.casefold().strip(".") for w in latin) if is_whole else frozenset(),
        frozenset((simplified(han),)) if 2 <= len(han) <= 4 else frozenset(),
    )


def _plain(identifier: str) -> str:
    return identifier.strip().casefold()


def _shown_id(own: PatientIdentity, wanted: str) -> str:
    return next((i for i in own.ids if _plain(i) == _plain(wanted)), own.id)


def _dates_differ(one: str, two: str) -> bool:
    # A year alone agrees with every day of that year.
    one, two = one.replace("-", ""), two.replace("-", "")
    shared = min(len(one), len(two))
    return shared >= 4 and one[:shared] != two[:shared]
