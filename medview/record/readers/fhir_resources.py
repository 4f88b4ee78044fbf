"""FHIR resources as readable lines with the entities and observations that stand in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from medview.core.words import say
from medview.record.note import PLAIN, Attributes, Relation
from medview.record.readers.attachments import attachment_text
from medview.record.readers.dosing import write_dosing
from medview.record.readers.fhir_observations import write_observation
from medview.record.readers.fhir_values import (
    Context,
    Resource,
    code_of,
    codes_of,
    quantity,
    text_of,
)
from medview.record.readers.page import Page, date_of, kind_of, plain_text
from medview.record.readers.results import write_time

# Order of the sections, and their labels and titles.
SECTIONS: Mapping[str, tuple[str, str]] = {
    "Composition": ("findings", "Document"),
    "DocumentReference": ("findings", "Documents"),
    "DiagnosticReport": ("impression", "Reports"),
    "Condition": ("conditions", "Conditions"),
    "MedicationStatement": ("medications", "Medications"),
    "MedicationRequest": ("medications", "Prescriptions"),
    "MedicationAdministration": ("medications", "Medications given"),
    "AllergyIntolerance": ("allergies", "Allergies"),
    "FamilyMemberHistory": ("relatives", "Family history"),
    "Procedure": ("procedures", "Procedures"),
    "Observation": ("labs", "Observations"),
    "Immunization": ("procedures", "Immunizations"),
    "ImagingStudy": ("procedures", "Imaging studies"),
}
_SILENT = frozenset((
    "Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "Medication",
    "Claim", "ExplanationOfBenefit", "Provenance", "Coverage", "Person", "RelatedPerson",
    "Endpoint", "StructureDefinition", "ValueSet", "CodeSystem", "Device", "CareTeam", "Bundle",
    "AuditEvent", "Account", "Contract", "OperationOutcome",
))  # fmt: skip
_WITHDRAWN = ("entered-in-error", "cancelled")
_NO_ALLERGY = frozenset(("716186003", "409137002", "428607008", "429625007"))


def render(page: Page, resource: Resource, context: Context) -> None:
    """Write one resource; kinds that say nothing of the patient's health are passed over.

    Where its fields say nothing its narrative does, so that nothing is lost.
    """
    kind = resource["resourceType"]
    if (
        kind in _SILENT
        or resource.get("status") in _WITHDRAWN
        or _state(resource, "verificationStatus") in _WITHDRAWN
    ):
        return
    before = len(page.pieces), page.length, len(page.sections), page.section_title
    if kind in SECTIONS and not _in_section(page, *SECTIONS[kind]):
        page.heading(*SECTIONS[kind])
    start = page.length
    try:
        _WRITERS.get(kind, _other)(page, resource, context)
    except (AttributeError, TypeError, KeyError, ValueError, IndexError, ArithmeticError):
        page.notes.append(
            say(
                "A resource ({kind}) is not built as FHIR says; it was left out in part.",
                kind=context.place_of(resource),
            )
        )
    if page.length == start and kind in SECTIONS:
        page.free_text(div_of(resource))
    if page.length == start:  # nothing was said: no empty heading
        del page.pieces[before[0] :], page.sections[before[2] :]
        page.length, page.section_title = before[1], before[3]
    elif not page.pieces[-1].endswith("\n"):
        page.write("\n")


def _in_section(page: Page, label: str, title: str) -> bool:
    return bool(page.sections) and (page.sections[-1][0], page.section_title) == (label, title)


def _state(resource: Resource, name: str) -> str:
    value = resource.get(name)
    codes = codes_of(value)
    return codes[0] if codes else value if isinstance(value, str) else ""


def _condition(page: Page, resource: Resource, context: Context) -> None:
    name = text_of(resource.get("code"))
    if not name:
        return
    verification = _state(resource, "verificationStatus")
    clinical = _state(resource, "clinicalStatus")
    family = re.match(r"family history", name, re.IGNORECASE) is not None
    attrs = Attributes(
        negated=verification == "refuted",
        uncertain=verification in ("provisional", "differential", "unconfirmed"),
        temporality="historical"
        if clinical in ("resolved", "inactive", "remission")
        else "current",
        experiencer="family" if family else "patient",
    )
    kind = kind_of(name, "disease") if not family else "disease"
    page.mention(kind, name, attrs=attrs, code=code_of(resource.get("code")))
    for word in (
        verification
        if verification in ("refuted", "provisional", "differential", "unconfirmed")
        else "",
        clinical,
    ):
        if word and word != "active":
            page.write(f" ({word})")
    onset = (
        resource.get("onsetDateTime")
        or (resource.get("onsetPeriod") or {}).get("start")
        or resource.get("recordedDate")
    )
    write_time(page, date_of(onset))
    for note in resource.get("note") or []:
        if isinstance(note, dict):
            page.free_text(str(note.get("text") or ""))


def _drug_name(resource: Resource, context: Context) -> str:
    name = text_of(resource.get("medicationCodeableConcept"))
    if name:
        return name
    link = resource.get("medicationReference") or {}
    found = context.find(link.get("reference"), resource)
    named = text_of((found or {}).get("code")) or str(link.get("display") or "")
    return named or (div_of(found).replace("\n", " ")[:80] if found else "")


def _medication(page: Page, resource: Resource, context: Context) -> None:
    name = _drug_name(resource, context)
    if not name:
        return
    status = str(resource.get("status") or "")
    not_taken = (
        status == "not-taken" or resource.get("taken") == "n" or resource.get("wasNotTaken") is True
    )
    over = status in ("completed", "stopped", "on-hold", "not-done")
    attrs = Attributes(
        negated=not_taken or resource.get("doNotPerform") is True,
        temporality="historical" if over else "current",
    )
    if resource.get("intent") in ("proposal", "plan"):
        attrs = Attributes(temporality="hypothetical")
    code = code_of(resource.get("medicationCodeableConcept"))
    drug = page.mention("drug", name, attrs=attrs, code=code)
    instructions = resource.get("dosageInstruction") or resource.get("dosage") or []
    text = "; ".join(
        t
        for d in (instructions if isinstance(instructions, list) else [instructions])
        if isinstance(d, dict) and (t := _dosage(d))
    )
    if text:
        write_dosing(page, drug, text)
    if status and status != "active":
        page.write(f" ({status})")
    write_time(
        page,
        date_of(
            resource.get("authoredOn")
            or resource.get("effectiveDateTime")
            or (resource.get("effectivePeriod") or {}).get("start")
        ),
    )


def _dosage(dosage: Resource) -> str:
    if dosage.get("text"):
        return str(dosage["text"])
    rate = (dosage.get("doseAndRate") or [{}])[0]
    _, dose = quantity(rate.get("doseQuantity") or dosage.get("doseQuantity") or dosage.get("dose"))
    words = (dose, text_of(dosage.get("route")).lower(), _frequency(dosage.get("timing")))
    return " ".join(w for w in words if w)


_PERIODS = {"h": "hours", "d": "days", "wk": "weeks", "mo": "months", "min": "minutes"}


def _frequency(timing: Any) -> str:
    """How often, in the words that the rules know ("twice daily", "every 8 hours")."""
    if not isinstance(timing, dict):
        return ""
    repeat = timing.get("repeat")
    count, period, unit = (
        (repeat.get(k) for k in ("frequency", "period", "periodUnit"))
        if isinstance(repeat, dict)
        else (None, None, None)
    )
    if count is not None and period == 1 and unit == "d":
        return {1: "once daily", 2: "twice daily"}.get(int(count), f"{count} times daily")
    if count == 1 and period is not None and unit in _PERIODS:
        return f"every {period} {_PERIODS[unit]}"
    return text_of(timing.get("code"))


def _allergy(page: Page, resource: Resource, context: Context) -> None:
    name = text_of(resource.get("code")) or text_of(resource.get("substance"))
    none_known = set(codes_of(resource.get("code"))) & _NO_ALLERGY or re.match(
        r"no (?:known|history)", name, re.IGNORECASE
    )
    if not name:
        return
    if none_known:
        page.write(f"{name}\n")
        return
    refuted = _state(resource, "verificationStatus") == "refuted"
    code = code_of(resource.get("code"))
    allergy = page.mention("allergy", name, attrs=Attributes(negated=refuted), code=code)
    effects = [
        text_of(m)
        for r in resource.get("reaction") or []
        if isinstance(r, dict)
        for m in r.get("manifestation") or []
    ]
    for i, effect in enumerate(e for e in effects if e):
        page.write(": " if i == 0 else ", ")
        symptom = page.mention(kind_of(effect, "symptom"), effect)
        page.relations.append(Relation("allergy_reaction", allergy.id, symptom.id))
    if not refuted:
        said = name + (f": {', '.join(effects)}" if any(effects) else "")
        page.observe("allergy", said, (allergy.start, allergy.end), kind="sentence", original=said,
                     time=date_of(resource.get("recordedDate")
                                  or resource.get("assertedDate")),
                     code=code, detail=", ".join(e for e in effects if e))  # fmt: skip
    page.write("\n")


def _family(page: Page, resource: Resource, context: Context) -> None:
    who = text_of(resource.get("relationship")) or "relative"
    for condition in resource.get("condition") or []:
        name = text_of(condition.get("code")) if isinstance(condition, dict) else ""
        if name:
            start, end = page.write(who)
            page.write(": ")
            page.mention(
                "disease", name, attrs=Attributes(experiencer="family", trigger=(start, end))
            )
            page.write("\n")


def _procedure(page: Page, resource: Resource, context: Context) -> None:
    name = text_of(resource.get("code")) or text_of(resource.get("vaccineCode"))
    if not name:
        return
    status = resource.get("status")
    not_done = status in ("not-done", "aborted") or resource.get("notDone") is True
    kind = "drug" if resource["resourceType"] == "Immunization" else "procedure"
    code = code_of(resource.get("code") or resource.get("vaccineCode"))
    page.mention(kind, name, attrs=Attributes(negated=True) if not_done else PLAIN, code=code)
    time = (
        resource.get("performedDateTime")
        or (resource.get("performedPeriod") or {}).get("start")
        or resource.get("occurrenceDateTime")
    )
    write_time(page, date_of(time))
    _notes(page, resource)


def _notes(page: Page, resource: Resource) -> None:
    for note in resource.get("note") or []:
        if isinstance(note, dict):
            page.free_text(str(note.get("text") or ""))


def _report(page: Page, resource: Resource, context: Context) -> None:
    name = text_of(resource.get("code"))
    date = date_of(resource.get("effectiveDateTime") or resource.get("issued"))
    if name:
        page.write(name)
        write_time(page, date)
    page.free_text(str(resource.get("conclusion") or ""), date)
    for coded in resource.get("conclusionCode") or resource.get("codedDiagnosis") or []:
        if words := text_of(coded):
            page.mention(kind_of(words, "disease"), words)
            page.write("\n")
    for form in resource.get("presentedForm") or []:
        _attachment(page, form, date, context)
    if (
        not resource.get("conclusion")
        and not resource.get("presentedForm")
        and not resource.get("result")
    ):
        page.free_text(div_of(resource), date)


def _attachment(page: Page, form: Any, date: str, context: Context) -> None:
    if not isinstance(form, dict):
        return
    kind, data = str(form.get("contentType") or ""), form.get("data")
    inside = context.find(form.get("url"), {})
    if not data and inside is not None and inside["resourceType"] == "Binary":
        kind, data = str(inside.get("contentType") or kind), inside.get("data")
    if data:
        attachment_text(page, kind, str(data), date[:10])
    elif form.get("url"):
        url = str(form["url"])[:120]
        page.notes.append(
            say("The document's text lies in another file, which is not followed: {name}.",
                name=url)
        )  # fmt: skip


def _reference_document(page: Page, resource: Resource, context: Context) -> None:
    title = str(resource.get("description") or "") or text_of(resource.get("type"))
    date = date_of(resource.get("date") or resource.get("created") or resource.get("indexed"))
    if title:
        page.write(title)
        write_time(page, date)
    for content in resource.get("content") or []:
        if isinstance(content, dict):
            _attachment(page, content.get("attachment"), date, context)


def _composition(page: Page, resource: Resource, context: Context) -> None:
    pending = [s for s in resource.get("section") or [] if isinstance(s, dict)]
    for _ in range(500):  # sections may hold sections; a bound is enough
        if not pending:
            break
        section = pending.pop(0)
        pending[:0] = [s for s in section.get("section") or [] if isinstance(s, dict)]
        words = div_of(section)
        if words:
            title = str(section.get("title") or text_of(section.get("code")))
            if title:
                page.write(title + "\n")
            page.free_text(words)


def div_of(resource: Resource) -> str:
    text = resource.get("text")
    return plain_text(str(text.get("div") or "")) if isinstance(text, dict) else ""


def _imaging(page: Page, resource: Resource, context: Context) -> None:
    name = str(resource.get("description") or "") or text_of(resource.get("procedureCode"))
    modality = resource.get("modality") or resource.get("modalityList") or []
    codes = [str(m.get("code")) for m in modality if isinstance(m, dict) and m.get("code")]
    if name or codes:
        page.mention("procedure", name or ", ".join(codes))
        write_time(page, date_of(resource.get("started")))


def _other(page: Page, resource: Resource, context: Context) -> None:
    words = div_of(resource) or text_of(resource.get("code") or resource.get("type"))
    if words:
        page.heading("other", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", resource["resourceType"]))
        page.free_text(words)


_WRITERS: Mapping[str, Callable[[Page, Resource, Context], None]] = {
    "Observation": write_observation, "Condition": _condition, "MedicationStatement": _medication,
    "MedicationRequest": _medication, "MedicationAdministration": _medication,
    "MedicationDispense": _medication, "AllergyIntolerance": _allergy,
    "FamilyMemberHistory": _family,
    "Procedure": _procedure, "Immunization": _procedure, "DiagnosticReport": _report,
    "DocumentReference": _reference_document, "Composition": _composition, "ImagingStudy": _imaging,
}  # fmt: skip
