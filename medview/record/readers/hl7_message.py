"""HL7 v2 as it stands in files: messages, segments, fields, escapes, by their own separators."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medview.core.words import Sentence, say

_USUAL = "|^~\\&"
_ENVELOPES = ("FHS", "BHS", "BTS", "FTS")
# Segments of 2.3 to 2.8 that a line may begin with; Z ones are a site's own.
_SEGMENTS = """
MSH MSA ERR SFT UAC EVN PID PD1 PD2 NK1 PV1 PV2 MRG DB1 OBX AL1 DG1 DRG PR1 ROL GT1 IN1 IN2 IN3
ACC UB1 UB2 PDA NTE ORC OBR TQ1 TQ2 RQD RQ1 ODS ODT BLG CTI CTD FT1 SPM SAC INV TXA CON RXA RXC
RXD RXE RXG RXO RXR RXV IAM IAR SCH RGS AIS AIG AIL AIP APR ARQ ARV PRT PRB GOL PTH VAR QRD QRF
QAK QPD RCP RDF RDT DSP DSC FAC OM1 OM2 OM3 OM4 OM5 OM6 OM7 MFI MFE MFA CSR CSP CSS CM0 CM1 CM2
LOC LCH LDP LRL LCC PRA STF AFF LAN EDU CER ORG PAC PKG PES PEO PCR PSH PDC ECD EQU EQP TCC TCD
NDS NSC NST SID SGH SGT NPU DEV ADD RFI URD URS BPO BPX BTX IPC ISD REL PYE RF1 AUT ABS BLC
"""
_NAMED = frozenset(_SEGMENTS.split())
_NEWLINES = re.compile(r"[\r\n\x1c\x0b]+")
# A field by which a segment of this kind would have said what it says.
_LEAST_FIELDS = {"PID": 5, "OBR": 25, "OBX": 11, "DG1": 3, "AL1": 3, "TXA": 2}


@dataclass(frozen=True)
class Segment:
    """Fields by their HL7 number; what a field holds is split by the message's own separators."""

    name: str
    fields: Sequence[str]
    marks: str  # field, component, repetition, escape, sub-component

    def raw(self, index: int) -> str:
        """A field as it stands, empty when absent."""
        return self.fields[index] if index < len(self.fields) else ""

    def repeats(self, index: int) -> list[list[str]]:
        """Repetitions, each a list of components, escapes decoded."""
        return [
            [self.decoded(c) for c in repeat.split(self.marks[1])]
            for repeat in self.raw(index).split(self.marks[2])
            if repeat and repeat != '""'
        ]

    def component(self, index: int, part: int = 1) -> str:
        """A component (counted from one) of the first repetition, empty when absent."""
        repeats = self.repeats(index)
        return repeats[0][part - 1].strip() if repeats and len(repeats[0]) >= part else ""

    def name_of(self, index: int) -> str:
        """Text of a coded field: its meaning, else its alternate, else its code."""
        return next((c for p in (2, 5, 9, 1) if (c := self.component(index, p))), "")

    def code_in(self, index: int, *systems: str) -> str:
        """The code of a coded field in one of some systems, empty where it has none."""
        for code, system in ((1, 3), (4, 6)):
            if self.component(index, system).upper() in systems:
                return self.component(index, code)
        return ""

    def loinc(self, index: int) -> str:
        """The LOINC code of a coded field, empty where it has none."""
        return self.code_in(index, "LN", "LOINC")

    def lines(self, index: int) -> str:
        """A text field: its repetitions are lines."""
        return "\n".join(self.decoded(r) for r in self.raw(index).split(self.marks[2]))

    def decoded(self, text: str) -> str:
        """Escapes decoded once, after splitting; one that is broken stays as it is."""
        mark = self.marks[3]
        if not mark.strip() or mark not in text:
            return text
        escape = re.escape(mark)
        return re.sub(rf"{escape}([^{escape}\r\n]{{1,400}}?){escape}", self._escape, text)

    def has_broken_escape(self, index: int) -> bool:
        """Whether a field has an escape that has no end or that nobody knows."""
        mark = self.marks[3]
        return bool(mark.strip()) and mark in self.raw(index) and mark in self.decoded(
            self.raw(index).replace(f"{mark}E{mark}", "")
        )  # fmt: skip

    def _escape(self, match: re.Match[str]) -> str:
        code, marks = match[1], self.marks
        simple = {"F": marks[0], "S": marks[1], "R": marks[2], "E": marks[3], "T": marks[4]}
        if code in simple:
            return simple[code]
        if code.startswith((".br", ".sp", ".ce")):
            return "\n"
        if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", code):
            return _characters(bytes.fromhex(code[1:]))
        is_known = code in ("H", "N") or re.fullmatch(r"\.[a-z]{2}[+-]?\d*", code)
        return "" if is_known else match[0]


def _characters(data: bytes) -> str:
    for codec in ("utf-8", "gb18030"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def messages_in(text: str) -> list[list[str]]:
    """The lines of each message; what stands before the first header is no message."""
    messages: list[list[str]] = []
    for line in _NEWLINES.split(text):
        if not line.strip():
            continue
        if line.startswith("MSH") and len(line) >= 8:
            messages.append([line])
        elif messages and line[:3] not in _ENVELOPES:
            messages[-1].append(line)
    return messages


def segments_of(lines: Sequence[str]) -> list[Segment]:
    """The segments of one message; a line that begins none goes on with the one before."""
    header = lines[0]
    marks = header[3] + (header[4:8] + _USUAL[1:][len(header[4:8]) :])[:4]
    if header[3].isalnum() or len(set(header[4:8].split(header[3])[0])) < 2:
        marks = _USUAL
    parsed: list[list[str]] = []
    for line in lines:
        fields = line.split(marks[0])
        if parsed and not _begins_segment(fields[0]):
            parsed[-1][-1] += "\n" + fields[0]
            parsed[-1] += fields[1:]
            continue
        if fields[0] == "MSH":
            fields.insert(1, marks[0])  # MSH-1 is the separator itself
        parsed.append(fields)
    return [Segment(fields[0], fields, marks) for fields in parsed]


def _begins_segment(name: str) -> bool:
    return name in _NAMED or re.fullmatch(r"Z[A-Z0-9]{2}", name) is not None


def of_patients(segments: Sequence[Segment]) -> Iterator[list[Segment]]:
    """The message once for each patient that it has results of (ORU and VXU repeat the PID)."""
    start = list(segments[:1])
    group: list[Segment] = []
    seen = ""
    for segment in segments[1:]:
        if segment.name == "PID":
            number = segment.component(3) or segment.component(2)
            if seen and number and number != seen:
                yield [*start, *group]
                group = []
            seen = number or seen
        group.append(segment)
    yield [*start, *group]


def cut_note(segments: Sequence[Segment], *, has_end: bool) -> Sentence | None:
    """What speaks for a message that was cut off in its last segment; None where nothing does."""
    last = segments[-1]
    if has_end or len(last.fields) > _LEAST_FIELDS.get(last.name, 1):
        return None
    return say("The last segment ({name}) has no end; the message may be cut.", name=last.name)
