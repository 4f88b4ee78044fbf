"""Checks of the file meta information and of the transfer syntax that it names (PS3.10 7.1)."""

from __future__ import annotations

from collections.abc import Iterator

from medview.core.words import say
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import ERROR, REMARK, WARNING, Check, Edit, Finding, declare
from medview.dicom.doctor.opening import declared_encoding
from medview.dicom.doctor.words import (
    NO_EFFECT,
    OTHERS_MISREAD,
    OTHERS_REFUSE,
    SAVE_COPY,
    TELL_MAKER,
)
from medview.dicom.elements import Encoding
from medview.dicom.instance import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE

SYNTAX_TAG = 0x00020010
_REQUIRED = (
    ("MediaStorageSOPClassUID", "SOPClassUID"),
    ("MediaStorageSOPInstanceUID", "SOPInstanceUID"),
)
NO_META = declare(Check(
    id="meta.missing", severity=WARNING, title=say("The file meta information is missing"),
    causes=OTHERS_REFUSE, what_to_do=SAVE_COPY,
    repair=say("Meta information is written from the data set and the bytes' own encoding."),
))  # fmt: skip
INCOMPLETE = declare(Check(
    id="meta.incomplete", severity=WARNING, title=say("The file meta information lacks an element"),
    causes=OTHERS_REFUSE, what_to_do=SAVE_COPY,
    repair=say("The element is added from the data set and the bytes' own encoding."),
))  # fmt: skip
GROUP_LENGTH = declare(Check(
    id="meta.group-length", severity=WARNING, title=say("The length of the meta group is wrong"),
    causes=OTHERS_MISREAD, what_to_do=SAVE_COPY, repair=say("The group length is counted anew."),
))  # fmt: skip
NO_GROUP_LENGTH = declare(Check(
    id="meta.no-group-length", severity=REMARK,
    title=say("The length of the meta group is missing"),
    causes=NO_EFFECT, what_to_do=SAVE_COPY, repair=say("The group length is counted anew."),
))  # fmt: skip
MISMATCH = declare(Check(
    id="meta.mismatch", severity=WARNING, title=say("Meta information and data set disagree"),
    causes=say("Archives may file the object under another number than viewers show."),
    what_to_do=TELL_MAKER,
    repair=say("The meta information takes over what the data set says."),
))  # fmt: skip
ENCODING = declare(Check(
    id="meta.transfer-syntax", severity=ERROR,
    title=say("The transfer syntax label and the bytes disagree"),
    causes=OTHERS_MISREAD, what_to_do=SAVE_COPY,
    repair=say("The label is set to what the bytes are."),
))  # fmt: skip
_NAMES = {
    IMPLICIT_LE: "Implicit VR Little Endian",
    EXPLICIT_LE: "Explicit VR Little Endian",
    EXPLICIT_BE: "Explicit VR Big Endian",
}


def meta_findings(case: Case) -> Iterator[Finding]:
    """What is wrong with group 2."""
    anatomy = case.anatomy
    if not anatomy.meta:
        if anatomy.nodes:
            said = say("The file has no elements of group 0002.")
            yield case.finding(NO_META, said, SYNTAX_TAG, 0)
        return
    for keyword, twin in _REQUIRED:
        here, there = anatomy.meta_text(keyword), case.top.text(twin)
        if not here and there:
            yield case.finding(INCOMPLETE, say("{keyword} is missing.", keyword=keyword), keyword)
        elif here and there and here != there:
            said = say("{keyword} is {here}, the data set says {there}.",
                       keyword=keyword, here=here, there=there)  # fmt: skip
            yield case.finding(MISMATCH, said, keyword)
    if not anatomy.declared_syntax:
        said = say("{keyword} is missing.", keyword="TransferSyntaxUID")
        yield case.finding(INCOMPLETE, said, SYNTAX_TAG)
    yield from _group_length(case)
    yield from _encoding(case)


def _group_length(case: Case) -> Iterator[Finding]:
    anatomy = case.anatomy
    first, last = anatomy.meta[0], anatomy.meta[-1]
    if first.tag != 0x00020000:
        yield case.finding(NO_GROUP_LENGTH, say("(0002,0000) is missing."), 0x00020000)
        return
    raw = anatomy.meta_source.read(first.start, min(first.length, 4))
    stated = int.from_bytes(raw, "little")
    found = last.start + last.length - first.start - first.length
    if stated != found:
        said = say(
            "{stated} {stated:byte is|bytes are} stated; there are {found}.",
            stated=stated,
            found=found,
        )
        yield case.finding(GROUP_LENGTH, said, 0x00020000, first.offset)


def _encoding(case: Case) -> Iterator[Finding]:
    anatomy = case.anatomy
    syntax = anatomy.declared_syntax
    if not syntax or not anatomy.nodes or declared_encoding(syntax) == anatomy.encoding:
        return
    true = syntax_of(anatomy.encoding)
    said = say("The label says {label}; the elements are written as {true}.",
               label=_NAMES.get(syntax, syntax), true=_NAMES.get(true, true))  # fmt: skip
    pixels = next((node for node in anatomy.nodes if node.fragments is not None), None)
    # Compressed pixels want an explicit data set: then there is no label that would be true.
    edit = Edit(tag=SYNTAX_TAG, vr="UI", value=true)
    yield case.finding(
        ENCODING, said, SYNTAX_TAG, edit=edit, is_repairable=pixels is None and bool(true)
    )


def syntax_of(encoding: Encoding) -> str:
    """The uncompressed transfer syntax of an encoding; empty where there is none."""
    if encoding.big:
        return EXPLICIT_BE if encoding.explicit else ""
    return EXPLICIT_LE if encoding.explicit else IMPLICIT_LE
