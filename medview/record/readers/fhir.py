"""FHIR R4 (and STU3 where it is the same): bundles, single resources, NDJSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from medview.core.errors import UnreadableInstance
from medview.core.words import Sentence, say
from medview.record.document import Document, PatientIdentity
from medview.record.encoding import decode
from medview.record.readers.demographics import write_demographics
from medview.record.readers.fhir_kinds import KINDS
from medview.record.readers.fhir_resources import SECTIONS, render
from medview.record.readers.fhir_values import Context, Resource, text_of
from medview.record.readers.page import Page, date_of, document_id
from medview.record.readers.whose import checked_birth

_RECORD_KINDS = frozenset(
    ("Condition", "MedicationStatement", "MedicationRequest", "AllergyIntolerance")
)
_MAX_BUNDLES = 4  # bundles inside bundles
_CONTAINED = frozenset(
    ("Observation", "Condition", "AllergyIntolerance", "Procedure", "DiagnosticReport")
)
_EXPORT_AGAIN = say("Export it again from the system that wrote it.")


def read_fhir(data: bytes, path: Path) -> list[Document]:
    """One document for each patient that the file speaks of. Raises UnreadableInstance."""
    text, encoding = decode(data, path.name)
    notes: list[Sentence] = []
    resources = list(_resources(_parse(text, path, notes), path, notes))
    context = Context()
    for found in resources:
        context.add(found.full_url, found.resource, found.place)
    groups: dict[str, list[Resource]] = {}
    for found in resources:
        resource = found.resource
        if _refers_to_itself(found.full_url, resource):
            notes.append(
                say(
                    "A resource ({kind}) refers to itself; the reference was not followed.",
                    kind=found.place,
                )
            )
        groups.setdefault(_patient_key(resource, context), []).append(resource)
    if "" in groups and len(groups) == 2:  # what names nobody belongs to the only patient there is
        nameless = groups.pop("")
        next(iter(groups.values())).extend(nameless)
    documents = []
    for index, (key, members) in enumerate(groups.items()):
        page = Page(document_id(data, index))
        page.notes += notes
        _fill(page, key, members, context)
        documents.append(page.document(str(path), "FHIR", encoding))
    return documents


def _parse(text: str, path: Path, notes: list[Sentence]) -> list[tuple[str, Any]]:
    """(place, value) of the file's one value, or of each of its lines."""
    try:
        return [("", _loads(text))]
    except RecursionError as error:
        raise UnreadableInstance(
            say("The JSON is nested too deeply."), path.name, what_to_do=_EXPORT_AGAIN
        ) from error
    except json.JSONDecodeError as error:
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) > 1 and sum(line.lstrip().startswith("{") for _, line in lines) > 1:
            whole = [line for _, line in lines if line.rstrip().endswith("}")]
            if len(whole) >= len(lines) - 1:
                return _lines(lines, path, notes)
        raise UnreadableInstance(
            say(
                "The JSON is broken at line {line}, column {column}.",
                line=error.lineno,
                column=error.colno,
            ),
            path.name,
            what_to_do=_EXPORT_AGAIN,
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise UnreadableInstance(
            say("The JSON holds a number that is too long."), path.name, what_to_do=_EXPORT_AGAIN
        ) from error


def _lines(
    lines: list[tuple[int, str]], path: Path, notes: list[Sentence]
) -> list[tuple[str, Any]]:
    parsed = []
    for number, line in lines:
        try:
            parsed.append((f"line {number}", _loads(line)))
        except (ValueError, RecursionError):
            notes.append(say("Line {line} is broken JSON and was left out.", line=number))
    if not parsed:
        raise UnreadableInstance(
            say("The JSON is broken in line {line}.", line=lines[0][0]), path.name,
            what_to_do=_EXPORT_AGAIN,
        )  # fmt: skip
    return parsed


def _loads(text: str) -> Any:
    # 1.0 and 1.00 stay what they are; NaN is no number of FHIR, and is named by its word.
    return json.loads(text, parse_float=Decimal, parse_constant=str)


@dataclass(frozen=True, slots=True)
class _Found:
    """A resource, the name under which others refer to it, its JSON path."""

    full_url: str
    resource: Resource
    place: str


def _resources(
    values: list[tuple[str, Any]], path: Path, notes: list[Sentence]
) -> Iterator[_Found]:
    for place, value in values:
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            if len(values) > 1:
                notes.append(say("What stands in {place} is no FHIR resource.", place=place))
                continue
            raise UnreadableInstance(
                say("The JSON is no FHIR resource."), path.name,
                what_to_do=say("Open a FHIR bundle or a single resource (it has a resourceType)."),
            )  # fmt: skip
        if kind not in KINDS and len(values) == 1:
            raise UnreadableInstance(
                say("FHIR has no resource of the type {kind}.", kind=kind[:40]),
                path.name,
                what_to_do=_EXPORT_AGAIN,
            )
        yield from _with_inner("", value, f"{place} {kind}".strip(), notes, 0)


def _with_inner(
    full_url: str, resource: Resource, place: str, notes: list[Sentence], depth: int
) -> Iterator[_Found]:
    """A resource, what a bundle holds, and what is contained and says something by itself."""
    kind = resource["resourceType"]
    if kind not in KINDS:
        notes.append(
            say("A resource of the unknown type {kind} was left out ({place}).", kind=kind[:40],
                place=place)
        )  # fmt: skip
        return
    if kind == "Bundle":
        yield from _entries(resource, place, notes, depth)
        return
    yield _Found(full_url, resource, place)
    contained = resource.get("contained")
    for number, inner in enumerate(contained if isinstance(contained, list) else []):
        if isinstance(inner, dict) and inner.get("resourceType") in _CONTAINED:
            owner = {k: resource[k] for k in ("subject", "patient") if k in resource}
            own = {**owner, **inner, "id": f"{resource.get('id', '')}#{inner.get('id', '')}"}
            yield _Found("", own, f"{place}.contained[{number}]")


def _entries(bundle: Resource, place: str, notes: list[Sentence], depth: int) -> Iterator[_Found]:
    if depth >= _MAX_BUNDLES:
        notes.append(say("Bundles inside bundles were left out."))
        return
    entries = bundle.get("entry") or []
    if not isinstance(entries, list):
        notes.append(say("The bundle's entries are no list ({place}.entry).", place=place))
        return
    for number, entry in enumerate(entries):
        here = f"{place}.entry[{number}]"
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or (resource is not None and not _is_resource(resource)):
            notes.append(say("What stands in {place} is no FHIR resource.", place=here))
        elif resource is not None:
            url = str(entry.get("fullUrl") or "")
            yield from _with_inner(url, resource, f"{here}.resource", notes, depth + 1)


def _is_resource(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def _refers_to_itself(full_url: str, resource: Resource) -> bool:
    own = {full_url, f"{resource['resourceType']}/{resource.get('id')}"} - {""}
    for name in ("hasMember", "derivedFrom", "partOf", "basedOn", "related", "replaces"):
        links = resource.get(name) or []
        for link in links if isinstance(links, list) else [links]:
            if isinstance(link, dict) and link.get("reference") in own:
                return True
    return False


def _patient_key(resource: Resource, context: Context) -> str:
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource.get('id', '')}"
    for name in ("subject", "patient", "beneficiary", "individual"):
        link = resource.get(name)
        if isinstance(link, dict):
            found = context.find(link.get("reference"), resource)
            if found is not None:
                return _patient_key(found, context) if found["resourceType"] == "Patient" else ""
            reference = str(link.get("reference") or "")
            if match := re.search(r"Patient/([^/|#?]+)", reference):
                return f"Patient/{match[1]}"
            if number := _identifier(link):
                return context.patient_with(number) or f"Patient/{number}"
    return ""


def _identifier(link: Resource) -> str:
    """The value of a reference that only gives an identifier."""
    identifier = link.get("identifier")
    return str(identifier.get("value") or "") if isinstance(identifier, dict) else ""


def _fill(page: Page, key: str, members: list[Resource], context: Context) -> None:
    patient = next(
        (r for r in members if r["resourceType"] == "Patient"), None
    ) or context.patients.get(key)
    page.patient = (
        identity(patient, page.notes)
        if patient is not None
        else PatientIdentity(
            ids=tuple(k for k in [key.partition("/")[2]] if k), name=_shown_subject(members)
        )
    )
    page.title, page.date = _title_and_date(members)
    if patient is not None:
        page.write(f"{page.title}\n")
        write_demographics(page)
    order = {kind: i for i, kind in enumerate(SECTIONS)}
    ordered = sorted(members, key=lambda r: order.get(r["resourceType"], len(order)))
    for resource in ordered:
        render(page, resource, context)
    if not page.length:  # nothing that speaks of health: the document says at least what it is
        page.write(page.title)


def _shown_subject(members: list[Resource]) -> str:
    """The name that stands beside a reference to a patient who is not in the file."""
    for resource in members:
        for name in ("subject", "patient"):
            link = resource.get(name)
            if isinstance(link, dict) and isinstance(link.get("display"), str):
                return str(link["display"])
    return ""


def identity(patient: Resource, notes: list[Sentence] | None = None) -> PatientIdentity:
    """Whose the documents are: identifiers, name, birth date, sex."""
    told = notes if notes is not None else []
    ids: list[str] = []
    for entry in patient.get("identifier") or []:
        if isinstance(entry, dict) and entry.get("value"):
            codes = [
                c.get("code")
                for c in (entry.get("type") or {}).get("coding") or []
                if isinstance(c, dict)
            ]
            ids.insert(0 if "MR" in codes else len(ids), str(entry["value"]))
    if patient.get("id"):
        ids.append(str(patient["id"]))
    names = patient.get("name") or []
    name = next(
        (n for n in (names if isinstance(names, list) else [names]) if isinstance(n, dict)), {}
    )
    family = name.get("family") or ""
    given = name.get("given") or []
    parts = [
        *(given if isinstance(given, list) else [given]),
        *(family if isinstance(family, list) else [family]),
    ]
    written = " ".join(str(p) for p in parts if p) or str(name.get("text") or "")
    sex = {"female": "F", "male": "M", "other": "O"}.get(str(patient.get("gender")), "")
    return PatientIdentity(
        ids=tuple(dict.fromkeys(ids)),
        name=written,
        birth_date=checked_birth(
            date_of(patient.get("birthDate")),
            "Patient.birthDate",
            told,
            str(patient.get("birthDate") or ""),
        ),
        sex=sex,
    )


def _title_and_date(members: list[Resource]) -> tuple[str, str]:
    title = ""
    kinds = {r["resourceType"] for r in members} - {"Patient"}
    # A bundle with conditions or drugs in it is a record, not the report that it may hold too.
    naming = (
        ("Composition",)
        if kinds & _RECORD_KINDS
        else ("Composition", "DocumentReference", "DiagnosticReport")
    )
    for kind in naming:
        named = [r for r in members if r["resourceType"] == kind]
        if named:
            title = str(named[0].get("title") or named[0].get("description") or "") or text_of(
                named[0].get("type") or named[0].get("code")
            )
            date = date_of(
                next(
                    (
                        named[0].get(k)
                        for k in ("date", "effectiveDateTime", "issued", "created")
                        if named[0].get(k)
                    ),
                    "",
                )
            )
            if title and len(named) == 1:
                return title, date[:10]
    dates = [d for r in members if (d := _date(r))]
    single = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", next(iter(kinds))) if len(kinds) == 1 else ""
    return title or single or "Patient record", max(dates, default="")[:10]


def _date(resource: Resource) -> str:
    for name in ("effectiveDateTime", "date", "recordedDate", "issued", "authoredOn",
                 "dateAsserted", "performedDateTime", "onsetDateTime", "created"):  # fmt: skip
        if isinstance(resource.get(name), str):
            return date_of(resource[name])
    return ""
