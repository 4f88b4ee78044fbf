"""C-CDA documents: whose, when, the narrative of the sections, and their coded entries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.errors import UnreadableInstance
from medview.core.words import Sentence, say
from medview.record.document import Document, PatientIdentity
from medview.record.readers.attachments import attachment_text
from medview.record.readers.cda_entries import write_entries
from medview.record.readers.cda_values import Names, day, narrative, rows, words
from medview.record.readers.demographics import write_demographics
from medview.record.readers.page import Page, date_of, document_id
from medview.record.readers.whose import checked_birth
from medview.record.readers.xml import parse_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LABELS: Mapping[str, str] = {
    "11450-4": "conditions", "10160-0": "medications", "10183-2": "medications",
    "42346-7": "medications", "29549-3": "medications", "48765-2": "allergies", "30954-2": "labs",
    "8716-3": "examination", "29545-1": "examination", "29762-2": "social", "10157-6": "family",
    "47519-4": "procedures", "11369-6": "procedures", "11348-0": "history", "10164-2": "present",
    "18776-5": "plan", "51847-2": "impression", "51848-0": "impression", "29299-5": "indication",
    "10154-3": "present", "11535-2": "impression", "46241-6": "impression", "18782-3": "findings",
    "19005-8": "impression", "121181": "other", "55111-9": "technique", "18834-2": "comparison",
    "55115-0": "indication", "55113-5": "other",
}  # fmt: skip
# The coded entries of these carry their own times: their narrative would give the document's.
_TIMED = frozenset(("30954-2", "8716-3"))


def read_cda(data: bytes, path: Path) -> Document:
    """The document. Raises UnreadableInstance for broken XML, entities, or another root."""
    root, notes = parse_xml(data, path.name)
    if root.tag not in ("ClinicalDocument", "section", "component", "structuredBody"):
        raise UnreadableInstance(
            say("The XML is no clinical document (CDA)."),
            path.name,
            what_to_do=say("FHIR is read from JSON, clinical documents as C-CDA."),
        )
    page = Page(document_id(data))
    page.notes += notes
    if root.tag != "ClinicalDocument":
        page.notes.append(say("The file is a part of a clinical document; it names no patient."))
    page.title = words(root.find("title")) or "CDA"
    effective = root.find("effectiveTime")
    page.date = date_of(effective.get("value") if effective is not None else "")
    page.patient = _identity(root, page)
    page.write(page.title + "\n")
    write_demographics(page)
    _body(root, page)
    return page.document(str(path), "CDA", "UTF-8")


def _identity(root: Element, page: Page) -> PatientIdentity:
    roles = root.findall("recordTarget/patientRole")
    if not roles:
        return PatientIdentity()
    if len(roles) > 1:
        page.notes.append(say("The document is about several patients; the first is taken."))
    role = roles[0]
    ids = [e.get("extension", "").strip() or _root_alone(e) for e in role.findall("id")]
    person = role.find("patient")
    if person is None:
        return PatientIdentity(ids=tuple(i for i in ids if i))
    name = person.find("name")
    gender = person.find("administrativeGenderCode")
    sex = (gender.get("code", "") if gender is not None else "")[:1].upper()
    parts = [words(part) for part in name] if name is not None else []
    return PatientIdentity(
        ids=tuple(i for i in ids if i),
        name=" ".join(p for p in parts if p) or words(name),
        birth_date=checked_birth(day(person.find("birthTime")), "birthTime", page.notes),
        sex=sex if sex in ("F", "M") else "O" if sex == "U" else "",
    )


def _root_alone(element: Element) -> str:
    """An identifier that is only an OID or UUID, which is unique by itself."""
    root = element.get("root", "").strip()
    return root if "-" in root and not element.get("nullFlavor") else ""


def _body(root: Element, page: Page) -> None:
    names = Names.of(root)
    loose = root.find("component/nonXMLBody/text")
    if loose is not None:
        _loose_text(loose, page)
    for section in root.iter("section"):
        _section(section, page, names)
    for media in root.iter("observationMedia"):
        value = media.find("value")
        if value is not None and value.get("representation") == "B64":
            kind, place = value.get("mediaType", ""), f"observationMedia {media.get('ID', '')}"
            attachment_text(page, kind, "".join(value.itertext()), place=place.strip())
    for text in root.iterfind(".//externalDocument/text"):
        link = text.find("reference")
        if link is not None and link.get("value"):
            page.notes.append(_not_followed(link.get("value", "")))


def _loose_text(loose: Element, page: Page) -> None:
    link = loose.find("reference")
    if link is not None:
        page.notes.append(_not_followed(link.get("value", "")))
    elif loose.get("representation") == "B64":
        kind, place = loose.get("mediaType", ""), "component/nonXMLBody/text"
        attachment_text(page, kind, "".join(loose.itertext()), place=place)
    else:
        page.free_text("".join(loose.itertext()))


def _not_followed(name: str) -> Sentence:
    return say(
        "The document's text lies in another file, which is not followed: {name}.", name=name[:120]
    )


def _section(section: Element, page: Page, names: Names) -> None:
    coded = section.find("code")
    code = coded.get("code", "") if coded is not None else ""
    label = _LABELS.get(code, "other")
    text, title = section.find("text"), words(section.find("title"))
    told = narrative(text) if text is not None else ""
    if not told and not title and section.find("entry") is None:
        return
    page.heading(label, title or (names.name_of(coded) or label).capitalize())
    before = len(page.narrative)
    if told:
        page.free_text(told)
    count = write_entries(page, section, code, names)
    if count and text is not None and (code in _TIMED or count >= rows(text)):
        # What the entries say in full is not read a second time from the narrative.
        del page.narrative[before:]
