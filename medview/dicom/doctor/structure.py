"""Checks of the file's structure: what stands before the data set, lengths, delimiters, order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from medview.core.words import Sentence, say
from medview.dicom.doctor.anatomy import Fault, Node
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import (
    ERROR,
    REMARK,
    WARNING,
    Check,
    Finding,
    declare,
    shown_tag,
)
from medview.dicom.doctor.words import (
    LOST,
    NO_EFFECT,
    OTHERS_MISREAD,
    OTHERS_REFUSE,
    SAVE_COPY,
    SEND_AGAIN,
    TELL_MAKER,
)

NO_PREAMBLE = declare(Check(
    id="file.no-preamble", severity=WARNING, title=say("The preamble is missing"),
    causes=OTHERS_REFUSE, what_to_do=SAVE_COPY,
    repair=say("Preamble and DICM are written before the data."),
))  # fmt: skip
STRAY_START = declare(Check(
    id="file.stray-start", severity=ERROR, title=say("Stray bytes stand before the data"),
    causes=say("No program finds the first element, so the file is refused."),
    what_to_do=SAVE_COPY, repair=say("The stray bytes are left out."),
))  # fmt: skip
CUT = declare(Check(
    id="file.cut", severity=ERROR, title=say("The file breaks off"),
    causes=LOST, what_to_do=SEND_AGAIN,
))  # fmt: skip
GARBAGE = declare(Check(
    id="file.no-element", severity=ERROR, title=say("Bytes that are no element"),
    causes=LOST, what_to_do=SEND_AGAIN,
))  # fmt: skip
DAMAGED_SEQUENCE = declare(Check(
    id="file.sequence-damaged", severity=ERROR, title=say("A sequence is damaged"),
    causes=say("What the sequence says is lost; the elements after it may be lost too."),
    what_to_do=SEND_AGAIN,
))  # fmt: skip
ENDLESS = declare(Check(
    id="file.too-much", severity=ERROR, title=say("More elements or levels than any real file has"),
    causes=say("Programs may hang or run out of memory."), what_to_do=TELL_MAKER,
))  # fmt: skip
LENGTH = declare(Check(
    id="file.length-wrong", severity=ERROR, title=say("The length of an element is wrong"),
    causes=OTHERS_MISREAD, what_to_do=SAVE_COPY,
    repair=say("The length is written as the next element shows it."),
))  # fmt: skip
SEQUENCE_LENGTH = declare(Check(
    id="file.sequence-length", severity=WARNING, title=say("The length of a sequence is wrong"),
    causes=OTHERS_MISREAD, what_to_do=SAVE_COPY,
    repair=say("The length is written as its items have it."),
))  # fmt: skip
DELIMITER = declare(Check(
    id="file.delimiter-missing", severity=WARNING, title=say("A closing delimiter is missing"),
    causes=OTHERS_REFUSE, what_to_do=SAVE_COPY, repair=say("The delimiter is added."),
))  # fmt: skip
STRAY_DELIMITER = declare(Check(
    id="file.delimiter-stray", severity=WARNING, title=say("A delimiter that closes nothing"),
    causes=OTHERS_MISREAD, what_to_do=SAVE_COPY, repair=say("The delimiter is left out."),
))  # fmt: skip
ODD = declare(Check(
    id="file.odd-length", severity=WARNING, title=say("A value has an odd number of bytes"),
    causes=OTHERS_REFUSE, what_to_do=SAVE_COPY, repair=say("One byte of padding is added."),
))  # fmt: skip
NO_VR = declare(Check(
    id="file.no-vr", severity=ERROR, title=say("An element without its value representation"),
    causes=OTHERS_MISREAD, what_to_do=TELL_MAKER,
))  # fmt: skip
ORDER = declare(Check(
    id="file.element-order", severity=WARNING, title=say("Elements are not in ascending order"),
    causes=OTHERS_MISREAD, what_to_do=SAVE_COPY,
    repair=say("The elements are put in ascending order."),
))  # fmt: skip
DOUBLED = declare(Check(
    id="file.element-doubled", severity=ERROR, title=say("An element stands in the file twice"),
    causes=say("Programs differ in which of the two they use."), what_to_do=TELL_MAKER,
    repair=say("Of equal doubles one is kept."),
))  # fmt: skip
GROUP_LENGTH = declare(Check(
    id="file.group-length", severity=WARNING, title=say("The stated length of a group is wrong"),
    causes=OTHERS_MISREAD, what_to_do=SAVE_COPY,
    repair=say("The lengths of groups, which the standard has retired, are left out."),
))  # fmt: skip
TRAILING = declare(Check(
    id="file.trailing", severity=REMARK, title=say("Bytes after the last element"),
    causes=NO_EFFECT, what_to_do=SAVE_COPY, repair=say("The zero bytes at the end are left out."),
))  # fmt: skip


# By the kind of fault: the check that it answers, and what is said of it.
_FAULTS = {
    "cut": (CUT, say("{tag} states {stated} bytes; only {found} are there.")),
    "length": (
        LENGTH, say("{tag} states {stated} bytes; the next element begins after {found}."),
    ),
    "sequence-length": (
        SEQUENCE_LENGTH, say("{tag} states {stated} bytes; its items have {found}."),
    ),
    "sequence-damaged": (DAMAGED_SEQUENCE, say("The items of {tag} cannot be told apart.")),
    "delimiter": (DELIMITER, say("{tag} is not closed.")),
    "stray-delimiter": (STRAY_DELIMITER, say("A delimiter stands after {tag}.")),
    "odd-length": (ODD, say("{tag} has {stated} bytes.")),
    "no-vr": (NO_VR, say("{tag} stands without one.")),
    "too-much": (ENDLESS, say("Reading stopped at {tag}.")),
    "garbage": (GARBAGE, say("{stated} {stated:byte|bytes} cannot be understood.")),
}  # fmt: skip


def structure_findings(case: Case) -> Iterator[Finding]:
    """What is wrong with the file as a chain of elements."""
    anatomy = case.anatomy
    if anatomy.stray:
        said = say(
            "{count} {count:byte stands|bytes stand} before the first element.", count=anatomy.stray
        )
        yield case.finding(STRAY_START, said, offset=0)
    if not anatomy.has_preamble:
        yield case.finding(NO_PREAMBLE, say("The file begins with its data."), offset=0)
    for fault in anatomy.faults:
        if fault.kind == "trailing":
            yield _trailing(case, fault)
            continue
        check, template = _FAULTS[fault.kind]
        names = {"tag": shown_tag(fault.tag), "stated": fault.stated, "found": fault.found}
        said = Sentence(template.template, names)
        yield case.finding(check, said, fault.tag, fault.offset)
    yield from _order(case, anatomy.nodes)
    yield from _groups(case, anatomy.nodes)


def _groups(case: Case, nodes: list[Node]) -> Iterator[Finding]:
    """Lengths of groups at the top level (PS3.5 7.2) against where the next group begins."""
    for number, node in enumerate(nodes):
        if node.tag & 0xFFFF or node.tag >> 16 <= 2 or node.length != 4:
            continue
        others = (other for other in nodes[number + 1 :] if other.tag >> 16 != node.tag >> 16)
        after = next(others, None)
        if after is None:  # the last group: what follows it may be padding
            continue
        order: Literal["big", "little"] = "big" if case.anatomy.encoding.big else "little"
        stated = int.from_bytes(case.anatomy.value(node), order)
        found = after.offset - node.start - node.length
        if stated != found:
            said = say("{stated} {stated:byte is|bytes are} stated; there are {found}.",
                       stated=stated, found=found)  # fmt: skip
            yield case.finding(GROUP_LENGTH, said, node.tag, node.offset)


def _trailing(case: Case, fault: Fault) -> Finding:
    raw = case.anatomy.source.read(fault.offset, min(fault.stated, 1 << 20))
    said = say(
        "{stated} {stated:byte stands|bytes stand} after the last element.", stated=fault.stated
    )
    is_padding = not raw.strip(b"\0")
    check = TRAILING if is_padding or case.has_pixels else CUT
    return case.finding(
        check, said, offset=fault.offset, is_repairable=is_padding and check is TRAILING
    )


def _order(case: Case, nodes: list[Node]) -> Iterator[Finding]:
    """Elements that stand too late or twice, at the top level."""
    known: dict[int, Node] = {}
    highest = -1
    for node in nodes:
        tag = shown_tag(node.tag)
        earlier = known.setdefault(node.tag, node)
        if earlier is not node:
            same = is_same_value(case, earlier, node)
            said = say("{tag} stands twice, with equal values.", tag=tag) if same else (
                say("{tag} stands twice, with different values.", tag=tag)
            )  # fmt: skip
            yield case.finding(DOUBLED, said, node.tag, node.offset, is_repairable=same)
        elif node.tag < highest:
            said = say("{tag} stands after {other}.", tag=tag, other=shown_tag(highest))
            yield case.finding(ORDER, said, node.tag, node.offset)
        highest = max(highest, node.tag)


def is_same_value(case: Case, one: Node, other: Node) -> bool:
    """Whether two elements hold the same bytes."""
    plain = one.items is None and other.items is None and one.length == other.length < 1 << 20
    return plain and case.anatomy.value(one) == case.anatomy.value(other)
