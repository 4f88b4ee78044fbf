"""FHIR data types: references, coded concepts, quantities."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from medview.core.results import Code
from medview.record.note import Value
from medview.record.rules.units import ucum

Resource = Mapping[str, Any]
_LARGEST = 1e15  # no quantity of a person is larger
_SHOWN = 40  # characters of what is no number


class Context:
    """The resources of one file by every name under which they may be referred to."""

    def __init__(self) -> None:
        self._by_name: dict[str, Resource] = {}
        self.patients: dict[str, Resource] = {}
        self._places: dict[int, str] = {}

    def place_of(self, resource: Resource) -> str:
        """Where in the file a resource stands, as a JSON path."""
        return self._places.get(id(resource), str(resource.get("resourceType", "")))

    def add(self, full_url: str, resource: Resource, place: str) -> None:
        """Take a resource in; place: its JSON path."""
        self._places[id(resource)] = place
        names = [full_url] if full_url else []
        if resource.get("id"):
            names.append(f"{resource['resourceType']}/{resource['id']}")
        for name in names:
            self._by_name.setdefault(name, resource)
        if resource["resourceType"] == "Patient":
            self.patients[f"Patient/{resource.get('id', '')}"] = resource

    def patient_with(self, number: str) -> str:
        """The name of the patient in the file who has an identifier, empty where none has."""
        for name, patient in self.patients.items():
            found = patient.get("identifier")
            entries = found if isinstance(found, list) else []
            if any(isinstance(e, dict) and e.get("value") == number for e in entries):
                return name
        return ""

    def find(self, reference: object, owner: Resource) -> Resource | None:
        """What a reference means: contained, relative, absolute or versioned; None when absent."""
        if not isinstance(reference, str) or not reference:
            return None
        if reference.startswith("#"):
            for inner in owner.get("contained") or []:
                if (
                    isinstance(inner, dict)
                    and inner.get("id") == reference[1:]
                    and inner.get("resourceType")
                ):
                    return inner
            return None
        plain = re.sub(r"/_history/[^/]*$", "", reference)
        return self._by_name.get(plain) or self._by_name.get("/".join(plain.split("/")[-2:]))


def text_of(concept: Any) -> str:
    """Words of a CodeableConcept (or a list of them): its text, else a display, else a code."""
    if isinstance(concept, list):
        return ", ".join(t for c in concept if (t := text_of(c)))
    if isinstance(concept, str):
        return concept
    if not isinstance(concept, dict):
        return ""
    codings = [c for c in concept.get("coding") or [] if isinstance(c, dict)]
    shown = next((str(c["display"]) for c in codings if c.get("display")), "")
    return str(
        concept.get("text") or shown or next((str(c["code"]) for c in codings if c.get("code")), "")
    )


def codes_of(concept: Any, system: str = "") -> list[str]:
    """Codes of a CodeableConcept, of one system where it is given."""
    codings = concept.get("coding") or [] if isinstance(concept, dict) else []
    return [
        str(c["code"]) for c in codings
        if isinstance(c, dict) and c.get("code") and system in str(c.get("system", ""))
    ]  # fmt: skip


_SCHEMES = (("snomed", "SCT"), ("loinc", "LN"), ("rxnorm", "RXNORM"), ("icd-10", "ICD10"),
            ("cvx", "CVX"), ("icd-9", "ICD9"), ("atc", "ATC"), ("ndc", "NDC"))  # fmt: skip


def code_of(concept: Any) -> Code | None:
    """The first code of a CodeableConcept that is of a terminology everybody knows."""
    codings = concept.get("coding") or [] if isinstance(concept, dict) else []
    for coding in codings:
        if isinstance(coding, dict) and coding.get("code"):
            system = str(coding.get("system", "")).lower()
            scheme = next((short for part, short in _SCHEMES if part in system), "")
            if scheme:
                return Code(scheme, str(coding["code"]), str(coding.get("display") or ""))
    return None


def number_of(value: Any) -> int | float | None:
    """A number of FHIR that can be one of a person, else None."""
    if isinstance(value, bool) or not isinstance(value, Decimal | float | int):
        return None
    if isinstance(value, int):
        return value if abs(value) < _LARGEST else None
    number = float(value)
    return number if math.isfinite(number) and abs(number) < _LARGEST else None


def quantity(quantity: Any) -> tuple[Value | None, str]:
    """(value, as it is shown); the unit is the code (UCUM), not the display."""
    number = number_of(quantity.get("value")) if isinstance(quantity, dict) else None
    if number is None:
        return None, ""
    code, shown = str(quantity.get("code") or ""), str(quantity.get("unit") or "")
    unit = (
        code
        if "unitsofmeasure" in str(quantity.get("system", "")) and code
        else ucum(shown or code)
    )
    sign = str(quantity.get("comparator") or "")
    value = Value(num=number, unit=unit, comparator=sign)
    return value, f"{sign}{quantity['value']} {shown or code}".strip()


def unusable(quantity: Any) -> str:
    """The value of a quantity as it is written, where it is there and no number; else empty."""
    written = quantity.get("value") if isinstance(quantity, dict) else None
    if written is None or number_of(written) is not None:
        return ""
    return str(written)[:_SHOWN]
