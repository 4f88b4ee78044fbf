"""Values of CDA elements: names of coded things, times, quantities, narrative."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medview.core.results import Code
from medview.record.readers.page import date_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
SNOMED, LOINC = "2.16.840.1.113883.6.96", "2.16.840.1.113883.6.1"
_SCHEMES = {
    SNOMED: "SCT", LOINC: "LN", "2.16.840.1.113883.6.88": "RXNORM",
    "2.16.840.1.113883.6.90": "ICD10", "2.16.840.1.113883.6.3": "ICD10",
    "2.16.840.1.113883.6.103": "ICD9", "2.16.840.1.113883.12.292": "CVX",
    "2.16.840.1.113883.6.12": "CPT",
}  # fmt: skip
_BLOCKS = frozenset(("paragraph", "item", "tr", "br", "caption", "list", "table"))
_MAX_DEPTH = 200


@dataclass(frozen=True)
class Names:
    """The narrative's elements by their ID, which entries refer to as `#id`."""

    by_id: Mapping[str, Element] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Element) -> Names:
        """All of a document."""
        return cls({e.get("ID", ""): e for e in root.iter() if e.get("ID")})

    def referred(self, element: Element | None) -> str:
        """Words that an element holds itself or refers to."""
        if element is None:
            return ""
        link = element.find("reference")
        target = self.by_id.get((link.get("value") or "").lstrip("#")) if link is not None else None
        return words(target) if target is not None else words(element)

    def name_of(self, coded: Element | None) -> str:
        """What a coded element means, in words; its code where nothing else stands."""
        if coded is None:
            return ""
        translations = [t.get("displayName") or "" for t in coded.findall("translation")]
        found = (
            coded.get("displayName"), self.referred(coded.find("originalText")), *translations,
            "" if coded.get("nullFlavor") else coded.get("code"),
        )  # fmt: skip
        return next((" ".join(w.split()) for w in found if w and w.strip()), "")


def words(element: Element | None) -> str:
    """All words inside an element on one line."""
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def code_of(coded: Element | None) -> Code | None:
    """The code, where it is of a terminology that others know."""
    if coded is None:
        return None
    for one in (coded, *coded.findall("translation")):
        scheme = _SCHEMES.get(one.get("codeSystem", ""))
        if scheme and one.get("code"):
            return Code(scheme, one.get("code", ""), one.get("displayName", ""))
    return None


def loinc_of(coded: Element | None) -> str:
    """The LOINC code of a coded element or of one of its translations."""
    if coded is None:
        return ""
    for one in (coded, *coded.findall("translation")):
        if one.get("codeSystem") == LOINC and one.get("code"):
            return one.get("code", "").strip()
    return ""


def time_of(*owners: Element | None) -> str:
    """ISO time of the first owner that has one: its value, its beginning, its end."""
    for owner in owners:
        for effective in owner.findall("effectiveTime") if owner is not None else ():
            ends = (effective, *(effective.find(k) for k in ("low", "center", "high")))
            for end in ends:
                if end is not None and (found := date_of(end.get("value"))):
                    return found
    return ""


def day(element: Element | None) -> str:
    """ISO date of an element with a `value`."""
    return date_of(element.get("value") if element is not None else "")[:10]


def end_of(owner: Element) -> str:
    """ISO time at which something ended, empty where it goes on or nobody says."""
    for effective in owner.findall("effectiveTime"):
        high = effective.find("high")
        if high is not None and high.get("value"):
            return date_of(high.get("value"))
    return ""


def is_negated(element: Element) -> bool:
    """Whether the element says that something is not so."""
    return element.get("negationInd", "").strip().lower() in ("true", "1")


def narrative(text: Element) -> str:
    """Words of a narrative block, a line for each paragraph, item and table row."""
    joined = "".join(_pieces(text, 0))
    lines = (re.sub(r"[ \t]+", " ", line).strip(" |") for line in joined.split("\n"))
    return "\n".join(line for line in lines if line)


def rows(text: Element) -> int:
    """How many rows, items and paragraphs a narrative has, without the heads of tables."""
    heads = {id(row) for head in text.iter("thead") for row in head.iter("tr")}
    return sum(
        1 for e in text.iter() if e.tag in ("tr", "item", "paragraph") and id(e) not in heads
    )


def _pieces(element: Element, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        yield " ".join("".join(element.itertext()).split())
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
