"""Which files are of one patient: the same ID, birth date and sex; without ID the same name too.

Without ID and name nothing says that two studies are of one person: each has a patient of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from medview.dicom.elements import Elements, say_alike, worked_out
from medview.dicom.instance import Instance
from medview.dicom.keywords import tag_of

_TAGS = tuple(
    tag_of(keyword)
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex",
                    "SpecificCharacterSet", "StudyInstanceUID")
)  # fmt: skip

_ALL_TAGS = frozenset(_TAGS)


class Identity(NamedTuple):
    """What a file says of its patient; `name` is letters alone, "" where an ID stands for it.

    study: its UID where neither ID nor name stands for the patient, else "".
    """

    id: str
    birth_date: str
    sex: str
    name: str
    study: str

    def can_be(self, other: Identity) -> bool:
        """Whether `other` says all that this one says, and more."""
        return (
            (self.id, self.name, self.study) == (other.id, other.name, other.study)
            and self.birth_date in ("", other.birth_date)
            and self.sex in ("", other.sex)
            and self != other
        )


def by_patient(instances: Iterable[Instance]) -> list[list[Instance]]:
    """The instances of each patient, in the order of the first ones.

    Files that leave out birth date or sex go to the one patient with that ID (and then name) whom
    they can be; where several can be meant they stay a patient of their own.
    """
    who: dict[object, Identity] = {}
    names: dict[Identity, set[str]] = defaultdict(set)
    instances = list(instances)
    tops = [one.elements for one in instances]
    if say_alike(tops, _said_of_patient, _ALL_TAGS):
        return [instances] if instances else []
    keys = worked_out(tops, _said_of_patient, _ALL_TAGS)
    keyed = list(zip(keys, instances, strict=True))
    last: object = None
    for key, instance in keyed:
        if key is last:
            continue
        last = key
        if key not in who:  # equal bytes are decoded once
            who[key] = _identity(instance.elements)
            names[who[key]].add(letters_of_name(instance.elements))
    meant = _meant(names)
    parts: dict[Identity, list[Instance]] = defaultdict(list)
    last = None
    for key, instance in keyed:
        if key is not last:
            part, last = parts[meant[who[key]]], key
        part.append(instance)
    return list(parts.values())


def _said_of_patient(top: Elements) -> tuple[tuple[str, bytes] | None, ...]:
    return tuple(map(top.values.get, _TAGS))


def _meant(names: dict[Identity, set[str]]) -> dict[Identity, Identity]:
    """For each identity the fullest one that it can only be."""
    meant: dict[Identity, Identity] = {}
    for own in sorted(names, key=lambda one: -bool(one.birth_date) - bool(one.sex)):
        fuller = {meant[other] for other in meant if own.can_be(other)}
        if len(fuller) > 1:
            fuller = {other for other in fuller if names[other] & names[own]}
        meant[own] = fuller.pop() if len(fuller) == 1 else own
    return meant


def _identity(top: Elements) -> Identity:
    number = top.text("PatientID")
    name = "" if number else letters_of_name(top)
    return Identity(
        number,
        iso_date(top.text("PatientBirthDate")),
        sex_of(top),
        name,
        "" if number or name else top.text("StudyInstanceUID"),
    )


def letters_of_name(top: Elements) -> str:
    """The first component group of the name without marks and case."""
    return letters_of(top.text("PatientName"))


def letters_of(name: str) -> str:
    """As `letters_of_name`, of a decoded name."""
    return re.sub(r"[\W_]+", "", name.split("=", maxsplit=1)[0]).casefold()


def sex_of(top: Elements) -> str:
    """M, F or O; empty for anything else."""
    return known_sex(top.text("PatientSex"))


def known_sex(text: str) -> str:
    """M, F or O; empty for anything else."""
    sex = text.upper()
    return sex if sex in ("M", "F", "O") else ""


@lru_cache(maxsize=1024)
def iso_date(text: str) -> str:
    """YYYY-MM-DD of a DICOM date (also of the old form with dots), empty where it is none."""
    digits = re.sub(r"[.\-/]", "", text.split("\\", maxsplit=1)[0]).strip()
    if not re.fullmatch(r"\d{8}", digits) or not "01" <= digits[4:6] <= "12":
        return ""
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if "01" <= digits[6:] <= "31" else ""
