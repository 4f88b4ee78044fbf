"""C-CDA documents: whose, when, and the narrative of the sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.record.document import Document, PatientIdentity
from medview.record.readers.page import Page, attachment_text, date_of, document_id

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_V3 = "{urn:hl7-org:v3}"
_LABELS = {
    "11450-4": "history", "10160-0": "medications", "48765-2": "allergies", "30954-2": "labs",
    "8716-3": "examination", "29762-2": "social", "10157-6": "family", "47519-4": "history",
    "11348-0": "history", "10164-2": "present", "18776-5": "plan", "51847-2": "impression",
    "29299-5": "indication", "10154-3": "present", "11535-2": "impression", "18782-3": "findings",
    "19005-8": "impression", "121181": "other", "55111-9": "technique", "18834-2": "comparison",
}  # fmt: skip
_BLOCKS = frozenset(("paragraph", "item", "tr", "br", "caption", "list", "table"))
_MAX_DEPTH = 200


def read_cda(data: bytes, path: Path) -> Document:
    """The document. Raises UnreadableInstance for broken XML, entities, or another root."""
    try:
        root = fromstring(data)
    except DefusedXmlException as error:
        raise UnreadableInstance(
            say("The XML declares entities, which are not followed."),
            path.name,
            detail=type(error).__name__,
        ) from error
    except ParseError as error:
        line, column = error.position
        raise UnreadableInstance(
            say("The XML is broken at line {line}, column {column}.", line=line, column=column),
            path.name,
        ) from error
    except (ValueError, LookupError, RecursionError) as error:
        raise UnreadableInstance(
            say("The XML cannot be read."), path.name, detail=type(error).__name__
        ) from error
    if root.tag != f"{_V3}ClinicalDocument":
        raise UnreadableInstance(say("The XML is no clinical document (CDA)."), path.name)
    page = Page(document_id(data))
    page.title = _words(root.find(f"{_V3}title")) or "CDA"
    effective = root.find(f"{_V3}effectiveTime")
    page.date = date_of(effective.get("value") if effective is not None else "")
    page.patient = _identity(root)
    page.write(page.title + "\n")
    _body(root, page)
    return page.document(str(path), "CDA", "UTF-8")


def _identity(root: Element) -> PatientIdentity:
    role = root.find(f"{_V3}recordTarget/{_V3}patientRole")
    if role is None:
        return PatientIdentity()
    ids = [e.get("extension", "").strip() for e in role.findall(f"{_V3}id")]
    person = role.find(f"{_V3}patient")
    if person is None:
        return PatientIdentity(ids=tuple(i for i in ids if i))
    name = person.find(f"{_V3}name")
    birth = person.find(f"{_V3}birthTime")
    gender = person.find(f"{_V3}administrativeGenderCode")
    sex = (gender.get("code", "") if gender is not None else "")[:1].upper()
    return PatientIdentity(
        ids=tuple(i for i in ids if i),
        name=" ".join(_words(part) for part in name if _words(part)) if name is not None else "",
        birth_date=date_of(birth.get("value") if birth is not None else "")[:10],
        sex=sex if sex in ("F", "M") else "",
    )


def _body(root: Element, page: Page) -> None:
    loose = root.find(f"{_V3}component/{_V3}nonXMLBody/{_V3}text")
    if loose is not None:
        if loose.find(f"{_V3}reference") is not None:
            page.notes.append(
                say("The document's text lies in another file, which is not followed.")
            )
        elif loose.get("representation") == "B64":
            attachment_text(page, loose.get("mediaType", ""), "".join(loose.itertext()))
        else:
            page.free_text("".join(loose.itertext()))
    for section in root.iter(f"{_V3}section"):
        code = section.find(f"{_V3}code")
        label = _LABELS.get(code.get("code", "") if code is not None else "", "other")
        text = section.find(f"{_V3}text")
        title = _words(section.find(f"{_V3}title"))
        if text is not None and (title or len(text)):
            page.heading(label, title or label.capitalize())
            page.free_text(narrative(text))
    for value in root.iter(f"{_V3}observationMedia"):
        media = value.find(f"{_V3}value")
        if media is not None and media.get("representation") == "B64":
            attachment_text(page, media.get("mediaType", ""), "".join(media.itertext()))


def _words(element: Element | None) -> str:
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def narrative(text: Element) -> str:
    """Words of a narrative block, a line for each paragraph, item and table row."""
    joined = "".join(_pieces(text, 0))
    lines = (re.sub(r"[ \t]+", " ", line).strip(" |") for line in joined.split("\n"))
    return "\n".join(line for line in lines if line)


def _pieces(element: Element, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    name = str(element.tag).rpartition("}")[2]
    if name in _BLOCKS:
        yield "\n"
    elif name in ("td", "th"):
        yield " | "
    yield " ".join((element.text or "").split()) and re.sub(r"\s+", " ", element.text or "")
    for child in element:
        yield from _pieces(child, depth + 1)
        yield re.sub(r"\s+", " ", child.tail or "")
    if name in _BLOCKS:
        yield "\n"
