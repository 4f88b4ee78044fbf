"""Checks of single values against their representation and multiplicity (PS3.5 6.2, PS3.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from medview.core.words import say
from medview.dicom.doctor.anatomy import Node, is_bulk
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import REMARK, WARNING, Check, Finding, declare
from medview.dicom.doctor.words import FIX_AT_SOURCE, NO_EFFECT, OTHERS_MISREAD, TELL_MAKER
from medview.dicom.keywords import vr_of

_MOST_FINDINGS = 40  # of one check in one file
_LONGEST = {"AE": 16, "CS": 16, "DS": 16, "IS": 12, "LO": 64, "SH": 16, "UI": 64, "AS": 4, "PN": 64}
_SIZE = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "AT": 4, "UV": 8, "SV": 8}
_FORM = {
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9 _]*"),
    "DA": re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"),
    "DS": re.compile(r" *[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d+)? *"),
    "DT": re.compile(r"\d{4}(\d\d){0,5}(\.\d{1,6})?([+-]\d{4})?"),
    "IS": re.compile(r" *[+-]?\d+ *"),
    "TM": re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?)?(\.\d{1,6})?"),
    "UI": re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*"),
}
_MULTIPLE_WORDS = frozenset(("DS", "IS", "CS", "DA", "TM", "UI", "AS", "LO", "SH", "AE", "PN"))
# What tells right from left, a man from a woman, or a picture with a name from one without.
_DEFINED = {
    0x00100040: ("M", "F", "O"), 0x00200060: ("R", "L"), 0x00200062: ("R", "L", "U", "B"),
    0x00280301: ("YES", "NO"), 0x00282110: ("00", "01"),
}  # fmt: skip
_CONTROL = re.compile(rb"[\0-\x1a\x1c-\x1f]")  # but for ESC, which changes the character set
# Tags that queries and old standards write otherwise, and representations that change places.
_INTERCHANGEABLE = (frozenset(("US", "SS", "OW")), frozenset(("OB", "OW")), frozenset(("LO", "SH")))

FORMAT = declare(Check(
    id="value.format", severity=WARNING, title=say("A value is not written as its kind demands"),
    causes=OTHERS_MISREAD, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
NOT_DEFINED = declare(Check(
    id="value.not-defined", severity=WARNING,
    title=say("A value that the standard does not define"),
    causes=say("Programs leave it out or take it for something else."),
    what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
TOO_LONG = declare(Check(
    id="value.too-long", severity=REMARK, title=say("A value is longer than allowed"),
    causes=say("Archives may cut it or refuse the file."), what_to_do=TELL_MAKER,
))  # fmt: skip
SIZE = declare(Check(
    id="value.size", severity=WARNING, title=say("A number has the wrong count of bytes"),
    causes=OTHERS_MISREAD, what_to_do=TELL_MAKER,
))  # fmt: skip
REPRESENTATION = declare(Check(
    id="value.representation", severity=WARNING,
    title=say("An element has another kind of value than the standard gives it"),
    causes=OTHERS_MISREAD, what_to_do=TELL_MAKER,
))  # fmt: skip
UNKNOWN = declare(Check(
    id="value.unknown", severity=REMARK,
    title=say("A standard element is labelled as of unknown kind"),
    causes=say("Programs without a dictionary skip it; MedView reads it."), what_to_do=TELL_MAKER,
))  # fmt: skip
MULTIPLICITY = declare(Check(
    id="value.multiplicity", severity=WARNING,
    title=say("An element has too few or too many values"),
    causes=OTHERS_MISREAD, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
DATES = declare(Check(
    id="value.old-date", severity=REMARK,
    title=say("A date is written with points, as before 1993"), causes=NO_EFFECT,
    what_to_do=TELL_MAKER,
))  # fmt: skip


def value_findings(case: Case) -> Iterator[Finding]:
    """Every value of the file, nested ones included, bulk data left out."""
    counts: dict[str, int] = {}
    for node, way in case.anatomy.walk():
        if node.tag >> 16 & 1 or node.items is not None or is_bulk(node):
            continue
        for finding in _of_node(case, node, way):
            counts[finding.check.id] = counts.get(finding.check.id, 0) + 1
            if counts[finding.check.id] <= _MOST_FINDINGS:
                yield finding


def _of_node(case: Case, node: Node, way: str) -> Iterator[Finding]:
    expected = _kinds(node.tag)
    if not expected:
        return
    if node.vr == "UN":
        yield case.finding(UNKNOWN, say("It is {kind}.", kind=expected[0]), way, node.offset)
    elif node.vr and node.vr not in expected and not _is_harmless(node.vr, expected):
        said = say("It says {vr}; the standard says {kind}.",
                   vr=node.vr, kind=" or ".join(expected))  # fmt: skip
        yield case.finding(REPRESENTATION, said, way, node.offset)
    vr = expected[0] if node.vr in ("", "UN") else node.vr
    if vr in _SIZE:
        yield from _binary(case, node, way, vr)
    elif vr in _FORM or vr in _LONGEST:
        yield from _text(case, node, way, vr)


def _kinds(tag: int) -> list[str]:
    from pydicom.datadict import dictionary_VR

    try:
        return str(dictionary_VR(tag)).split(" or ")
    except KeyError:
        return []


def _is_harmless(vr: str, expected: list[str]) -> bool:
    return any(vr in pair and pair & set(expected) for pair in _INTERCHANGEABLE)


def _multiplicity(tag: int) -> tuple[int, int | None, int]:
    """Least, most (None: any) and step of the number of values (PS3.6 section 6)."""
    from pydicom.datadict import dictionary_VM

    low, _, high = str(dictionary_VM(tag)).partition("-")
    if not high:
        return int(low), int(low), 1
    if high.endswith("n"):
        return int(low), None, int(high[:-1] or 1)
    return int(low), int(high), 1


def _count(case: Case, node: Node, way: str, count: int) -> Iterator[Finding]:
    low, high, step = _multiplicity(node.tag)
    if count and (count < low or (high is not None and count > high) or count % step):
        wanted = f"{low}" if low == high else f"{low}-{high or 'n'}"
        said = say(
            "{count} {count:value stands|values stand}; there must be {wanted}.",
            count=count,
            wanted=wanted,
        )
        yield case.finding(MULTIPLICITY, said, way, node.offset)


def _binary(case: Case, node: Node, way: str, vr: str) -> Iterator[Finding]:
    if node.length % _SIZE[vr]:
        said = say("{count} {count:byte does|bytes do} not make whole numbers.", count=node.length)
        yield case.finding(SIZE, said, way, node.offset)
    elif vr_of(node.tag) == vr:
        yield from _count(case, node, way, node.length // _SIZE[vr])


def _text(case: Case, node: Node, way: str, vr: str) -> Iterator[Finding]:
    raw = case.anatomy.value(node)
    parts = raw.split(b"\\") if vr in _MULTIPLE_WORDS else [raw]
    if not any(part.strip(b" \0") for part in parts):
        return
    # Two-byte scripts may hold the byte of a backslash inside a character.
    if raw.isascii():
        yield from _count(case, node, way, len(parts))
    if _CONTROL.search(raw.rstrip(b" \0")):
        yield case.finding(FORMAT, say("Control characters stand in it."), way, node.offset)
        return
    for part in parts:
        text = part.decode("ascii", "replace").strip("\0").strip()
        if text:
            yield from _part(case, node, way, vr, text)


def _part(case: Case, node: Node, way: str, vr: str, text: str) -> Iterator[Finding]:
    """One of the values of an element."""
    if vr == "DA" and re.fullmatch(r"\d{4}\.\d\d\.\d\d", text):
        yield case.finding(DATES, say("It says {text}.", text=text), way, node.offset)
    elif (vr in _FORM and not _FORM[vr].fullmatch(text)) or (vr == "DA" and not _is_day(text)):
        said = say("{text} is no {vr}.", text=text[:64], vr=vr)
        yield case.finding(FORMAT, said, way, node.offset)
    elif text not in _DEFINED.get(node.tag, (text,)):
        said = say("{text} is none of {all}.", text=text, all=", ".join(_DEFINED[node.tag]))
        yield case.finding(NOT_DEFINED, said, way, node.offset)
    # The characters of a name count in each of its groups; those outside of ASCII are not told.
    longest = max(map(len, text.split("="))) if vr == "PN" else len(text)
    if vr in _LONGEST and "\ufffd" not in text and longest > _LONGEST[vr]:
        said = say("{count} {count:character stands|characters stand} where {most} are allowed.",
                   count=longest, most=_LONGEST[vr])  # fmt: skip
        yield case.finding(TOO_LONG, said, way, node.offset)


def _is_day(text: str) -> bool:
    """Whether the calendar has the day."""
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return False
    return True
