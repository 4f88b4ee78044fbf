"""FHIR R4 (and STU3 where it is the same): bundles, single resources, NDJSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from medview.core.errors import UnreadableInstance
from medview.core.words import Sentence, say
from medview.record.document import Document, PatientIdentity
from medview.record.encoding import decode
from medview.record.note import Value
from medview.record.readers.fhir_resources import SECTIONS, render
from medview.record.readers.fhir_values import Context, Resource, text_of
from medview.record.readers.page import Page, date_of, document_id

_RECORD_KINDS = frozenset(
    ("Condition", "MedicationStatement", "MedicationRequest", "AllergyIntolerance")
)
_MAX_BUNDLES = 4  # bundles inside bundles
_KNOWN = frozenset(
    [
        "Account",
        "ActivityDefinition",
        "AdverseEvent",
        "AllergyIntolerance",
        "Appointment",
        "AppointmentResponse",
        "AuditEvent",
        "Basic",
        "Binary",
        "BiologicallyDerivedProduct",
        "BodySite",
        "BodyStructure",
        "Bundle",
        "CapabilityStatement",
        "CarePlan",
        "CareTeam",
        "ChargeItem",
        "Claim",
        "ClaimResponse",
        "ClinicalImpression",
        "CodeSystem",
        "Communication",
        "CommunicationRequest",
        "Composition",
        "ConceptMap",
        "Condition",
        "Consent",
        "Contract",
        "Coverage",
        "DetectedIssue",
        "Device",
        "DeviceMetric",
        "DeviceRequest",
        "DeviceUseStatement",
        "DiagnosticReport",
        "DocumentManifest",
        "DocumentReference",
        "Encounter",
        "Endpoint",
        "EpisodeOfCare",
        "ExplanationOfBenefit",
        "FamilyMemberHistory",
        "Flag",
        "Goal",
        "Group",
        "HealthcareService",
        "ImagingStudy",
        "ImagingManifest",
        "Immunization",
        "ImmunizationEvaluation",
        "ImmunizationRecommendation",
        "InsurancePlan",
        "Invoice",
        "Library",
        "List",
        "Location",
        "Measure",
        "MeasureReport",
        "Media",
        "Medication",
        "MedicationAdministration",
        "MedicationDispense",
        "MedicationKnowledge",
        "MedicationRequest",
        "MedicationStatement",
        "MessageHeader",
        "MolecularSequence",
        "NamingSystem",
        "NutritionOrder",
        "Observation",
        "OperationOutcome",
        "Organization",
        "Parameters",
        "Patient",
        "PaymentNotice",
        "Person",
        "PlanDefinition",
        "Practitioner",
        "PractitionerRole",
        "Procedure",
        "ProcedureRequest",
        "Provenance",
        "Questionnaire",
        "QuestionnaireResponse",
        "ReferralRequest",
        "RelatedPerson",
        "RequestGroup",
        "ResearchStudy",
        "ResearchSubject",
        "RiskAssessment",
        "Schedule",
        "Sequence",
        "ServiceRequest",
        "Slot",
        "Specimen",
        "StructureDefinition",
        "Subscription",
        "Substance",
        "SupplyDelivery",
        "SupplyRequest",
        "Task",
        "ValueSet",
        "VisionPrescription",
    ]
)


def read_fhir(data: bytes, path: Path) -> list[Document]:
    """One document for each patient that the file speaks of. Raises UnreadableInstance."""
    text, encoding = decode(data, path.name)
    notes: list[Sentence] = []
    resources = list(_resources(_parse(text, path), path, notes, 0))
    context = Context()
    for full_url, resource in resources:
        context.add(full_url, resource)
    groups: dict[str, list[Resource]] = {}
    for full_url, resource in resources:
        if _refers_to_itself(full_url, resource):
            notes.append(
                say(
                    "A resource ({kind}) refers to itself; the reference was not followed.",
                    kind=resource["resourceType"],
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


def _parse(text: str, path: Path) -> list[Any]:
    try:
        return [_loads(text)]
    except RecursionError as error:
        raise UnreadableInstance(say("The JSON is nested too deeply."), path.name) from error
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and all(
            line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines
        ):
            return _lines(lines, path)
        raise UnreadableInstance(
            say(
                "The JSON is broken at line {line}, column {column}.",
                line=error.lineno,
                column=error.colno,
            ),
            path.name,
        ) from error


def _lines(lines: list[str], path: Path) -> list[Any]:
    parsed = []
    for number, line in enumerate(lines, 1):
        try:
            parsed.append(_loads(line))
        except (json.JSONDecodeError, RecursionError) as error:
            raise UnreadableInstance(
                say("The JSON is broken in line {line}.", line=number), path.name
            ) from error
    return parsed


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)  # 1.0 and 1.00 stay what they are


def _resources(
    values: list[Any], path: Path, notes: list[Sentence], depth: int
) -> Iterator[tuple[str, Resource]]:
    for value in values:
        if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
            raise UnreadableInstance(say("The JSON is no FHIR resource."), path.name)
        kind = value["resourceType"]
        if kind not in _KNOWN:
            if depth == 0 and len(values) == 1:
                raise UnreadableInstance(
                    say("FHIR has no resource of the type {kind}.", kind=kind[:40]), path.name
                )
            notes.append(say("A resource of the unknown type {kind} was left out.", kind=kind[:40]))
        elif kind == "Bundle":
            yield from _entries(value, path, notes, depth)
        else:
            yield "", value


def _entries(
    bundle: Resource, path: Path, notes: list[Sentence], depth: int
) -> Iterator[tuple[str, Resource]]:
    if depth >= _MAX_BUNDLES:
        notes.append(say("Bundles inside bundles were left out."))
        return
    entries = bundle.get("entry") or []
    if not isinstance(entries, list):
        raise UnreadableInstance(say("The bundle's entries are no list."), path.name)
    for entry in entries:
        if not isinstance(entry, dict):
            raise UnreadableInstance(say("The bundle's entries are no list."), path.name)
        resource = entry.get("resource")
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            continue
        for _, inner in _resources([resource], path, notes, depth + 1):
            yield str(entry.get("fullUrl") or "") if inner is resource else "", inner


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
    return ""


def _fill(page: Page, key: str, members: list[Resource], context: Context) -> None:
    patient = next(
        (r for r in members if r["resourceType"] == "Patient"), None
    ) or context.patients.get(key)
    page.patient = (
        identity(patient)
        if patient is not None
        else PatientIdentity(ids=tuple(k for k in [key.partition("/")[2]] if k))
    )
    page.title, page.date = _title_and_date(members)
    if patient is not None:
        _demographics(page)
    order = {kind: i for i, kind in enumerate(SECTIONS)}
    ordered = sorted(members, key=lambda r: order.get(r["resourceType"], len(order)))
    for resource in ordered:
        render(page, resource, context)


def identity(patient: Resource) -> PatientIdentity:
    """Whose the documents are: identifiers, name, birth date, sex."""
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
        birth_date=date_of(patient.get("birthDate")),
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


def _demographics(page: Page) -> None:
    who = page.patient
    page.write(f"{page.title}\n")
    words = [
        w
        for w in (
            who.name,
            {"F": "female", "M": "male"}.get(who.sex, ""),
            f"born {who.birth_date}" if who.birth_date else "",
        )
        if w
    ]
    start, end = page.write(", ".join(words))
    page.write("\n")
    if who.sex in ("F", "M"):
        page.observe("sex", who.sex, (start, end), kind="header", original=", ".join(words))
    age = age_at(who.birth_date, page.date)
    if age is not None:
        page.observe(
            "age",
            age,
            (start, end),
            value_of=Value(unit="a"),
            kind="header",
            original=f"{who.birth_date}",
        )


def age_at(birth_date: str, date: str) -> int | None:
    """Whole years between two full ISO dates, None where one of them is not full."""
    if len(birth_date) < 10 or len(date) < 10:
        return None
    born, then = birth_date[:10], date[:10]
    years = int(then[:4]) - int(born[:4]) - (then[5:] < born[5:])
    return years if 0 <= years <= 130 else None
