"""FHIR resources as readable lines with the entities and observations that stand in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medview.core.observation import concepts
from medview.core.words import say
from medview.record.note import PLAIN, Attributes, Entity, Relation, Value
from medview.record.readers.fhir_values import Context, Resource, codes_of, quantity, text_of
from medview.record.readers.page import Page, attachment_text, date_of, kind_of, plain_text
from medview.record.rules.dosing import find_dosing
from medview.record.rules.laboratory import lab_test_for

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
_SMOKING = "72166-2"
_WITHDRAWN = ("entered-in-error", "cancelled")
_NO_ALLERGY = frozenset(("716186003", "409137002", "428607008", "429625007"))


def render(page: Page, resource: Resource, context: Context) -> None:
    """Write one resource; kinds that say nothing of the patient's health are passed over."""
    kind = resource["resourceType"]
    if (
        kind in _SILENT
        or resource.get("status") in _WITHDRAWN
        or _state(resource, "verificationStatus") in _WITHDRAWN
    ):
        return
    writer = _WRITERS.get(kind)
    before = len(page.pieces), page.length, len(page.sections), page.section_title
    if kind in SECTIONS and not _in_section(page, *SECTIONS[kind]):
        page.heading(*SECTIONS[kind])
    start = page.length
    try:
        (writer or _other)(page, resource, context)
    except (AttributeError, TypeError, KeyError, ValueError, IndexError):
        page.notes.append(
            say(
                "A resource ({kind}) is not built as FHIR says; it was left out in part.", kind=kind
            )
        )
    if page.length == start:  # nothing was said: no empty heading
        del page.pieces[before[0] :], page.sections[before[2] :]
        page.length, page.section_title = before[1], before[3]


def _in_section(page: Page, label: str, title: str) -> bool:
    return bool(page.sections) and (page.sections[-1][0], page.section_title) == (label, title)


def _state(resource: Resource, name: str) -> str:
    value = resource.get(name)
    codes = codes_of(value)
    return codes[0] if codes else value if isinstance(value, str) else ""


def _observation(page: Page, resource: Resource, context: Context) -> None:
    time = date_of(resource.get("effectiveDateTime")
                   or (resource.get("effectivePeriod") or {}).get("start")
                   or resource.get("effectiveInstant") or resource.get("issued"))  # fmt: skip
    components = [c for c in resource.get("component") or [] if isinstance(c, dict)]
    pressure = _pressure(components)
    if pressure is not None:
        _write_pressure(page, resource, pressure, time)
        return
    _result(page, resource, time)
    for component in components:
        _result(page, component, time)
    for note in resource.get("note") or []:
        if isinstance(note, dict):
            page.free_text(str(note.get("text") or ""))


def _pressure(components: Sequence[Resource]) -> tuple[Value, Value] | None:
    found: dict[str, Value] = {}
    for component in components:
        for code in codes_of(component.get("code")):
            value, _ = quantity(component.get("valueQuantity"))
            if value is not None and code in ("8480-6", "8462-4"):
                found[code] = value
    return (found["8480-6"], found["8462-4"]) if len(found) == 2 else None


def _write_pressure(
    page: Page, resource: Resource, pressure: tuple[Value, Value], time: str
) -> None:
    high, low = (float(v.num or 0) for v in pressure)
    value = Value(
        dims=(pressure[0].num or 0, pressure[1].num or 0), unit=pressure[0].unit, concept="85354-9"
    )
    entity = page.mention(
        "vital", f"Blood pressure {pressure[0].num}/{pressure[1].num} mmHg", value
    )
    span = entity.start, entity.end
    page.observe(
        "blood_pressure", (high, low), span, value_of=value, time=time, original=entity.text
    )
    for concept, one in (("systolic_bp", pressure[0]), ("diastolic_bp", pressure[1])):
        plain = Value(num=one.num, unit=one.unit)
        page.observe(
            concept, float(one.num or 0), span, value_of=plain, time=time, original=entity.text
        )
    _write_time(page, time)


def _result(page: Page, result: Resource, time: str) -> None:
    name = text_of(result.get("code"))
    loincs = codes_of(result.get("code"), "loinc")
    test = next((t for c in loincs if (t := lab_test_for(c))), None) or lab_test_for("", name)
    value, shown = quantity(result.get("valueQuantity"))
    if value is None:
        _worded_result(page, result, name, loincs, time)
        return
    concept = test.concept if test else _concept_of(loincs)
    code = loincs[0] if loincs else ""
    value = Value(num=value.num, unit=value.unit, comparator=value.comparator, concept=code)
    vital = test.kind == "vital" if test else "vital-signs" in str(result.get("category"))
    entity = page.mention("vital" if vital else "lab", f"{name} {shown}", value)
    low, high = _reference(page, result, concept)
    if concept and concepts()[concept].kind == "number":
        page.observe(
            concept,
            float(value.num or 0),
            (entity.start, entity.end),
            value_of=value,
            time=time,
            original=entity.text,
        )
    if low or high:
        page.write(f" (reference {low or ''} - {high or ''})")
    _write_time(page, time)


def _concept_of(loincs: Sequence[str]) -> str:
    """A concept that is no lab (pack-years), by its LOINC code."""
    return next((c.id for c in concepts().values() if c.loinc and c.loinc in loincs), "")


def _reference(page: Page, result: Resource, concept: str) -> tuple[Any, Any]:
    for interval in result.get("referenceRange") or []:
        if isinstance(interval, dict):
            low, high = ((interval.get(k) or {}).get("value") for k in ("low", "high"))
            if concept and (low is not None or high is not None):
                page.references[concept] = (
                    float(low) if low is not None else None,
                    float(high) if high is not None else None,
                )  # fmt: skip
            return low, high
    return None, None


def _worded_result(page: Page, result: Resource, name: str, loincs: list[str], time: str) -> None:
    words = text_of(result.get("valueCodeableConcept")) or str(result.get("valueString") or "")
    if isinstance(result.get("valueBoolean"), bool):
        words = "yes" if result["valueBoolean"] else "no"
    for key in ("valueInteger", "valueDateTime", "valueTime"):
        words = words or str(result.get(key) or "")
    if not words:
        absent = text_of(result.get("dataAbsentReason"))
        if name and absent:
            page.write(f"{name}: no value ({absent})\n")
        return
    if _SMOKING in loincs:
        status = smoking_status(words)
        entity = page.mention("smoking", words, Value(text=status))
        if status:
            page.observe(
                "smoking_status",
                status,
                (entity.start, entity.end),
                time=time,
                kind="sentence",
                original=words,
            )
    else:
        page.write(f"{name}: ")
        page.free_text(words) if len(words) > 40 else page.write(words)
    _write_time(page, time)


def smoking_status(words: str) -> str:
    """never, former or current; empty for what says neither."""
    folded = words.lower()
    if "never" in folded or "non-smoker" in folded or "nonsmoker" in folded:
        return "never"
    if "former" in folded or folded.startswith("ex"):
        return "former"
    return (
        "current"
        if re.search(r"current|every ?day|some day|heavy|light|smoker", folded)
        and "unknown" not in folded
        else ""
    )


def _write_time(page: Page, time: str) -> None:
    if time:
        page.write(", ")
        page.mention("date", time[:10])
    if not page.pieces[-1].endswith("\n"):
        page.write("\n")


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
    page.mention(kind_of(name, "disease") if not family else "disease", name, attrs=attrs)
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
    _write_time(page, date_of(onset))
    for note in resource.get("note") or []:
        if isinstance(note, dict):
            page.free_text(str(note.get("text") or ""))


def _drug_name(resource: Resource, context: Context) -> str:
    name = text_of(resource.get("medicationCodeableConcept"))
    if name:
        return name
    link = resource.get("medicationReference") or {}
    found = context.find(link.get("reference"), resource)
    return text_of((found or {}).get("code")) or str(link.get("display") or "")


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
    drug = page.mention("drug", name, attrs=attrs)
    instructions = resource.get("dosageInstruction") or resource.get("dosage") or []
    text = "; ".join(
        t
        for d in (instructions if isinstance(instructions, list) else [instructions])
        if isinstance(d, dict) and (t := _dosage(d))
    )
    if text:
        start, end = page.write(f" {text}")
        _dosing(page, drug, start, end, text)
    if status and status != "active":
        page.write(f" ({status})")
    _write_time(
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
    return " ".join(w for w in (dose, text_of(dosage.get("route")).lower()) if w)


def _dosing(page: Page, drug: Entity, start: int, end: int, text: str) -> None:
    # The rules read "drug + text" as one sentence; the offsets are then moved to the page.
    shift = drug.end - len(drug.text)
    line = drug.text + " " + text
    moved = Entity(type="drug", start=0, end=len(drug.text), text=drug.text)
    for relation, _, tail in find_dosing(line, (0, len(line)), [moved]):
        entity = Entity(
            type=tail.type, start=tail.start + shift, end=tail.end + shift, text=tail.text,
            value=tail.value, id=f"S{len(page.entities)}",
        )  # fmt: skip
        page.entities.append(entity)
        page.relations.append(Relation(relation, drug.id, entity.id))


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
    allergy = page.mention("allergy", name, attrs=Attributes(negated=refuted))
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
                                  or resource.get("assertedDate")))  # fmt: skip
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
    page.mention(kind, name, attrs=Attributes(negated=True) if not_done else PLAIN)
    time = (
        resource.get("performedDateTime")
        or (resource.get("performedPeriod") or {}).get("start")
        or resource.get("occurrenceDateTime")
    )
    _write_time(page, date_of(time))
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
        _write_time(page, date)
    page.free_text(str(resource.get("conclusion") or ""), date)
    for coded in resource.get("conclusionCode") or resource.get("codedDiagnosis") or []:
        if words := text_of(coded):
            page.mention(kind_of(words, "disease"), words)
            page.write("\n")
    for form in resource.get("presentedForm") or []:
        _attachment(page, form, date)
    if (
        not resource.get("conclusion")
        and not resource.get("presentedForm")
        and not resource.get("result")
    ):
        page.free_text(_div(resource), date)


def _attachment(page: Page, form: Any, date: str) -> None:
    if not isinstance(form, dict):
        return
    if form.get("data"):
        attachment_text(page, str(form.get("contentType") or ""), str(form["data"]), date[:10])
    elif form.get("url"):
        page.notes.append(say("The document's text lies in another file, which is not followed."))


def _reference_document(page: Page, resource: Resource, context: Context) -> None:
    title = str(resource.get("description") or "") or text_of(resource.get("type"))
    date = date_of(resource.get("date") or resource.get("created") or resource.get("indexed"))
    if title:
        page.write(title)
        _write_time(page, date)
    for content in resource.get("content") or []:
        if isinstance(content, dict):
            _attachment(page, content.get("attachment"), date)


def _composition(page: Page, resource: Resource, context: Context) -> None:
    pending = [s for s in resource.get("section") or [] if isinstance(s, dict)]
    for _ in range(500):  # sections may hold sections; a bound is enough
        if not pending:
            break
        section = pending.pop(0)
        pending[:0] = [s for s in section.get("section") or [] if isinstance(s, dict)]
        words = _div(section)
        if words:
            title = str(section.get("title") or text_of(section.get("code")))
            if title:
                page.write(title + "\n")
            page.free_text(words)


def _div(resource: Resource) -> str:
    text = resource.get("text")
    return plain_text(str(text.get("div") or "")) if isinstance(text, dict) else ""


def _imaging(page: Page, resource: Resource, context: Context) -> None:
    name = str(resource.get("description") or "") or text_of(resource.get("procedureCode"))
    modality = resource.get("modality") or resource.get("modalityList") or []
    codes = [str(m.get("code")) for m in modality if isinstance(m, dict) and m.get("code")]
    if name or codes:
        page.mention("procedure", name or ", ".join(codes))
        _write_time(page, date_of(resource.get("started")))


def _other(page: Page, resource: Resource, context: Context) -> None:
    words = _div(resource) or text_of(resource.get("code") or resource.get("type"))
    if words:
        page.heading("other", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", resource["resourceType"]))
        page.free_text(words)


_WRITERS: Mapping[str, Callable[[Page, Resource, Context], None]] = {
    "Observation": _observation, "Condition": _condition, "MedicationStatement": _medication,
    "MedicationRequest": _medication, "MedicationAdministration": _medication,
    "MedicationDispense": _medication, "AllergyIntolerance": _allergy,
    "FamilyMemberHistory": _family,
    "Procedure": _procedure, "Immunization": _procedure, "DiagnosticReport": _report,
    "DocumentReference": _reference_document, "Composition": _composition, "ImagingStudy": _imaging,
}  # fmt: skip
