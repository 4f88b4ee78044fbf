"""Parts that resources of FHIR R4 are made of: codes, quantities, times, references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from medview.core.numbers import unit_text
from medview.core.observation import Observation, Source
from medview.core.results import Code
from medview.record.staleness import day_of

Json = dict[str, Any]

_SYSTEMS = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ICD9": "http://hl7.org/fhir/sid/icd-9-cm",
    "ICD10": "http://hl7.org/fhir/sid/icd-10-cm",
    "ATC": "http://www.whocc.no/atc",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "CPT": "http://www.ama-assn.org/go/cpt",
    "CVX": "http://hl7.org/fhir/sid/cvx",
}
_TERMS = "http://terminology.hl7.org/CodeSystem/"
_UCUM = "http://unitsofmeasure.org"
_TIME = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_EMPTY: tuple[object, ...] = ("", [], {}, None)


@dataclass(frozen=True, slots=True)
class Names:
    """Where references of a bundle point."""

    patient: str
    documents: Mapping[str, str]  # urn by document id
    titles: Mapping[str, str]


def number(value: float, one: Observation) -> Json:
    """A Quantity with the unit of an observation."""
    if not one.unit:
        return {"value": value}
    return {"value": value, "unit": unit_text(one.unit), "system": _UCUM, "code": one.unit}


def ranges(one: Observation) -> list[Json]:
    """The reference range of an observation, as a list of one or none."""
    low, high = one.reference
    found = {
        name: number(bound, one)
        for name, bound in (("low", low), ("high", high))
        if bound is not None
    }
    return [found] if found else []


def coded(code: Code | None, text: str) -> Json:
    """A CodeableConcept; without a coding where the terminology is not one of FHIR's."""
    system = _SYSTEMS.get(code.scheme.upper()) if code is not None and code.value else None
    coding = []
    if code is not None and system is not None:
        coding = [{"system": system, "code": code.value, "display": code.meaning}]
    return {"coding": coding, "text": text}


def term(system: str, code: str) -> Json:
    """A CodeableConcept of a terminology of HL7's own."""
    return {"coding": [{"system": _TERMS + system, "code": code}]}


def references(sources: Iterable[Source], names: Names) -> list[Json]:
    """References to the documents of some sources, each once."""
    ids = dict.fromkeys(_document_id(source) for source in sources)
    return [
        {"reference": names.documents[i], "display": names.titles[i]}
        for i in ids
        if i in names.documents
    ]


def notes(sources: Iterable[Source], names: Names, original: str = "") -> list[Json]:
    """Where a value stands, in words: a document and a place in it, else what kind of source."""
    lines = []
    for source in sources:
        parts = source.locator.split(":")
        title = names.titles.get(_document_id(source), "")
        said = f"{source.kind}: {title or source.where}".rstrip(": ")
        if title and len(parts) >= 4:
            said += f", characters {parts[-2]} to {parts[-1]}"
        lines.append(said)
    if original:
        lines.insert(0, f"\u201c{' '.join(original.split())}\u201d")
    return [{"text": line} for line in dict.fromkeys(lines)]


def _document_id(source: Source) -> str:
    kind, _, rest = source.locator.partition(":")
    return rest.split(":", maxsplit=1)[0] if kind == "document" else ""


def time_of(time: str) -> str:
    """A date or an instant as R4 allows it: a time of day needs its zone, else the day stays."""
    if _ZONED.fullmatch(time):
        return time
    found = _TIME.match(time)
    return "" if found is None or (len(found[0]) == 10 and day_of(found[0]) is None) else found[0]


def clean(resource: Json) -> Json:
    """Without empty texts, lists and objects, which R4 forbids."""
    made = {name: _pruned(item) for name, item in resource.items()}
    return {name: item for name, item in made.items() if item not in _EMPTY}


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return clean(value)
    if isinstance(value, list):
        return [item for item in map(_pruned, value) if item not in _EMPTY]
    return value
