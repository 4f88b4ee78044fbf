"""HL7 v2 messages (2.3 to 2.8): results, documents, admissions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.record.document import Document, PatientIdentity
from medview.record.encoding import decode
from medview.record.note import PLAIN, Attributes, Relation, Value
from medview.record.readers.attachments import attachment_text
from medview.record.readers.page import Page, date_of, document_id, kind_of
from medview.record.rules.laboratory import lab_test_for
from medview.record.rules.units import number, ucum

_NO_RESULT = ("D", "W", "X", "N")  # deleted, wrong patient, not obtained, not asked
_KINDS = {"ORU": "Results", "OUL": "Results", "MDM": "Document", "ADT": "Admission", "ORM": "Order",
          "OML": "Order", "VXU": "Vaccinations", "SIU": "Appointment", "RDE": "Prescription",
          "LRI": "Results"}  # fmt: skip


@dataclass(frozen=True)
class _Segment:
    """Fields by their HL7 number; what a field holds is split by the message's own delimiters."""

    name: str
    fields: Sequence[str]
    marks: str  # field, component, repetition, escape, sub-component

    def raw(self, index: int) -> str:
        return self.fields[index] if index < len(self.fields) else ""

    def repeats(self, index: int) -> list[list[str]]:
        """Repetitions, each a list of components, escapes decoded."""
        raw = self.raw(index)
        return [
            [self.decoded(c) for c in repeat.split(self.marks[1])]
            for repeat in raw.split(self.marks[2])
            if repeat and repeat != '""'
        ]

    def component(self, index: int, part: int = 1) -> str:
        """A component (counted from one) of the first repetition, empty when absent."""
        repeats = self.repeats(index)
        return repeats[0][part - 1].strip() if repeats and len(repeats[0]) >= part else ""

    def name_of(self, index: int) -> str:
        """Text of a coded field: its meaning, else its alternate, else its code."""
        return next((c for p in (2, 5, 9, 1) if (c := self.component(index, p))), "")

    def loinc(self, index: int) -> str:
        """The LOINC code of a coded field, empty where it has none."""
        for code, system in ((1, 3), (4, 6)):
            if self.component(index, system).upper() in ("LN", "LOINC"):
                return self.component(index, code)
        return ""

    def decoded(self, text: str) -> str:
        """Escapes decoded once, after splitting."""
        escape = re.escape(self.marks[3]) if self.marks[3].strip() else None
        if escape is None or self.marks[3] not in text:
            return text
        return re.sub(rf"{escape}([^{escape}\r\n]{{1,40}}?){escape}", self._escape, text)

    def _escape(self, match: re.Match[str]) -> str:
        code = match[1]
        simple = {
            "F": self.marks[0],
            "S": self.marks[1],
            "R": self.marks[2],
            "E": self.marks[3],
            "T": self.marks[4],
        }
        if code in simple:
            return simple[code]
        if code.startswith((".br", ".sp")):
            return "\n"
        if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", code):
            return bytes.fromhex(code[1:]).decode("latin-1")
        return "" if code in ("H", "N") or code.startswith(".") else match[0]


def read_hl7(data: bytes, path: Path) -> list[Document]:
    """One document a message. Raises UnreadableInstance where there is no message."""
    text, encoding = decode(data.strip(b"\x0b\x1c\r\n"), path.name)
    text = text.lstrip("\ufeff")
    notes = []
    if "\x00" in text:
        text = text.replace("\x00", "")
        notes.append(say("The file has NUL characters; they were left out."))
    segments = [s for s in re.split(r"[\r\n\x1c\x0b]+", text) if s.strip()]
    messages = _messages(segments)
    if not messages:
        raise UnreadableInstance(
            say("The file does not begin with an HL7 message header (MSH)."), path.name
        )
    documents = []
    for index, lines in enumerate(messages):
        page = Page(document_id(data, index))
        page.notes += notes
        _read_message(lines, page, encoding)
        if index == len(messages) - 1 and not re.search(rb"[\r\n\x1c]\s*$", data):
            _note_cut(lines[-1], page)
        documents.append(page.document(str(path), "HL7 v2", encoding))
    return documents


def _messages(segments: Sequence[str]) -> list[list[str]]:
    messages: list[list[str]] = []
    for segment in segments:
        if segment.startswith("MSH") and len(segment) >= 8:
            messages.append([segment])
        elif messages and segment[:3] not in ("FHS", "BHS", "BTS", "FTS"):
            messages[-1].append(segment)
    return messages


def _note_cut(last: str, page: Page) -> None:
    if len(last) > 3 and not re.match(r"[A-Z][A-Z0-9]{2}[^A-Za-z0-9]", last):
        page.notes.append(say("The message ends in the middle of a segment."))
    else:
        page.notes.append(
            say("The last segment ({name}) has no end; the message may be cut.", name=last[:3])
        )


def _parse(lines: Sequence[str]) -> list[_Segment]:
    header = lines[0]
    marks = header[3] + (header[4:8] + "^~\\&"[len(header[4:8]) :])[:4]
    if header[3].isalnum() or len(set(header[4:8].split(header[3])[0])) < 2:
        marks = "|^~\\&"
    parsed: list[_Segment] = []
    for line in lines:
        if not re.match(r"[A-Z][A-Z0-9]{2}(?:$|[^A-Za-z0-9])", line) and parsed:
            # A line break inside a field: the line goes on with the segment before.
            before = parsed.pop()
            joined = [
                *before.fields[:-1],
                before.fields[-1] + "\n" + line.split(marks[0])[0],
                *line.split(marks[0])[1:],
            ]
            parsed.append(_Segment(before.name, joined, marks))
            continue
        fields = line.split(marks[0])
        if fields[0] == "MSH":
            fields.insert(1, marks[0])  # MSH-1 is the separator itself
        parsed.append(_Segment(fields[0][:3], fields, marks))
    return parsed


def _read_message(lines: Sequence[str], page: Page, encoding: str) -> None:
    segments = _parse(lines)
    header = segments[0]
    kind = header.component(9)
    page.title = _KINDS.get(kind, "") or f"HL7 {kind}".strip()
    page.date = date_of(header.component(7))
    declared = header.component(18).upper()
    if declared.startswith("UNICODE UTF-8") and not encoding.startswith("UTF-8"):
        page.notes.append(say("The message says UTF-8 and is {encoding}.", encoding=encoding))
    elif not declared and encoding in ("Windows-1252", "Latin-1"):
        page.notes.append(
            say("The message says UTF-8 and is {encoding}.", encoding=encoding)
            if re.search("utf", " ".join(lines[:1]), re.IGNORECASE)
            else say(
                "The message names no character set; it was read as {encoding}.", encoding=encoding
            )
        )
    for segment in segments:
        reader = _READERS.get(segment.name)
        if reader is not None:
            reader(segment, page)


def _pid(segment: _Segment, page: Page) -> None:
    ids = [r[0].strip() for i in (3, 2, 4) for r in segment.repeats(i) if r and r[0].strip()]
    names = segment.repeats(5)
    parts = names[0] if names else []
    given = " ".join(p for p in parts[1:3] if p)
    family = parts[0].split(segment.marks[4])[0] if parts else ""
    sex = segment.component(8).upper()[:1]
    page.patient = PatientIdentity(
        ids=tuple(dict.fromkeys(ids)),
        name=f"{given} {family}".strip(),
        birth_date=date_of(segment.component(7))[:10],
        sex=sex if sex in ("F", "M", "O") else "",
    )


def _obr(segment: _Segment, page: Page) -> None:
    name = segment.name_of(4)
    if name and not any(page.title == t for t in (name,)):
        if page.title in _KINDS.values():
            page.title = name
        page.date = date_of(segment.component(7)) or page.date
        page.heading("labs" if lab_test_for(segment.loinc(4), name) else "findings", name)
    reason = segment.name_of(31)
    if reason:
        page.free_text(f"Indication: {reason}")


def _obx(segment: _Segment, page: Page) -> None:
    if segment.component(11) in _NO_RESULT:
        return
    kind = segment.component(2).upper()
    if kind in ("TX", "FT", "ST") and not _is_number(segment.component(5)):
        _text_result(segment, page)
    elif kind == "ED":
        parts = (segment.repeats(5) or [[]])[0]
        if len(parts) >= 5 and parts[4]:
            media = "/".join(p.lower() for p in parts[1:3] if p)
            attachment_text(
                page, {"text/plain": "text/plain", "text": "text/plain"}.get(media, media), parts[4]
            )
    elif kind in ("NM", "SN", "ST", "CE", "CWE", "CNE", "DT", "TS", "TX", ""):
        _value_result(segment, page)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[<>]?=?\s*-?\d+(?:\.\d+)?", text.strip()) is not None


def _text_result(segment: _Segment, page: Page) -> None:
    lines = [segment.decoded(r) for r in segment.raw(5).split(segment.marks[2])]
    label = segment.name_of(3)
    code = segment.component(3).upper()
    if label and label not in ("", code) and not any(label == s for s, _ in page.sections):
        role = (
            "impression"
            if re.search("IMP|印象|诊断|结论", code + label, re.IGNORECASE)
            else "findings"
        )
        if not page.sections or page.pieces[-1] != label + "\n":
            here = "".join(page.pieces[-40:])
            if f"{label}\n" not in here:
                page.heading(role, label)
    text = "\n".join(lines)
    if text.strip() not in ("", '""'):
        page.free_text(text)


def _value_result(segment: _Segment, page: Page) -> None:
    name, loinc = segment.name_of(3), segment.loinc(3)
    written = segment.component(5)
    sign = ""
    if segment.component(2).upper() == "SN":
        sign, written = segment.component(5, 1), segment.component(5, 2)
        separator, second = segment.component(5, 3), segment.component(5, 4)
        if separator and second:  # a range or a titre: words, not one number
            written, sign = f"{sign}{written}{separator}{second}", ""
    elif matched := re.match(r"([<>]=?)\s*(.+)$", written):
        sign, written = matched[1], matched[2]
    if not name or not written:
        return
    unit_written = segment.component(6) or segment.component(6, 2)
    test = lab_test_for(loinc, name)
    span_start = page.length
    if _is_number(written):
        unit = ucum(unit_written) if unit_written else ""
        value = Value(
            num=number(written),
            unit=unit,
            comparator=sign.replace("=<", "<="),
            concept=loinc or (test.loinc if test else ""),
        )
        shown = f"{name} {sign}{written} {unit_written}".rstrip()
        page.mention(test.kind if test else "lab", shown, value)
        _reference(segment, page, test.concept if test else "")
        if test and test.concept:
            time = date_of(segment.component(14)) or page.date
            page.observe(
                test.concept,
                float(value.num or 0),
                (span_start, span_start + len(shown)),
                value_of=value,
                time=time,
                original=shown,
            )
    else:
        text = segment.component(5, 2) or written
        page.write(
            f"{name}: {text if segment.component(2).upper() in ('CE', 'CWE', 'CNE') else written}"
        )
    page.write("\n")


def _reference(segment: _Segment, page: Page, concept: str) -> None:
    written = segment.component(7)
    if not written:
        return
    page.write(f" (reference {written})")
    match = re.match(r"\s*(\d+(?:\.\d+)?)\s*[-–~]\s*(\d+(?:\.\d+)?)", written)
    limit = re.match(r"\s*([<>])=?\s*(\d+(?:\.\d+)?)", written)
    if match and concept:
        page.references[concept] = (float(match[1]), float(match[2]))
    elif limit and concept:
        bound = float(limit[2])
        page.references[concept] = (None, bound) if limit[1] == "<" else (bound, None)


def _nte(segment: _Segment, page: Page) -> None:
    page.free_text("\n".join(segment.decoded(r) for r in segment.raw(3).split(segment.marks[2])))


def _al1(segment: _Segment, page: Page) -> None:
    substance = segment.name_of(3)
    if not substance:
        return
    _list_heading(page, "allergies", "Allergies")
    entity = page.mention("allergy", substance)
    reaction = segment.component(5)
    original = substance
    if reaction:
        page.write(": ")
        effect = page.mention("symptom", reaction)
        page.relations.append(Relation("allergy_reaction", entity.id, effect.id))
        original = f"{substance}: {reaction}"
    page.observe(
        "allergy",
        original,
        (entity.start, entity.end),
        time=date_of(segment.component(6)),
        kind="sentence",
        original=original,
    )
    page.write("\n")


def _dg1(segment: _Segment, page: Page) -> None:
    name = segment.name_of(3) or segment.component(4)
    if name:
        _list_heading(page, "impression", "Diagnoses")
        page.mention(kind_of(name, "disease"), name)
        page.write("\n")


def _drug(index: int) -> Callable[[_Segment, Page], None]:
    def read(segment: _Segment, page: Page) -> None:
        name = segment.name_of(index)
        if name:
            _list_heading(page, "medications", "Medications")
            not_given = segment.name == "RXA" and segment.component(20) in ("RE", "NA")
            page.mention("drug", name, attrs=Attributes(negated=True) if not_given else PLAIN)
            page.write("\n")

    return read


def _pr1(segment: _Segment, page: Page) -> None:
    name = segment.name_of(3) or segment.component(4)
    if name:
        _list_heading(page, "history", "Procedures")
        page.mention("procedure", name)
        page.write("\n")


def _txa(segment: _Segment, page: Page) -> None:
    page.title = segment.name_of(2) if len(segment.name_of(2)) > 3 else page.title
    page.date = date_of(segment.component(4)) or date_of(segment.component(6)) or page.date


def _mrg(segment: _Segment, page: Page) -> None:
    old = segment.component(1)
    if old:
        page.notes.append(say("The message merges another patient number into this one."))


def _list_heading(page: Page, label: str, title: str) -> None:
    if not page.sections or page.sections[-1][0] != label:
        page.heading(label, title)


_READERS: dict[str, Callable[[_Segment, Page], None]] = {
    "PID": _pid, "OBR": _obr, "OBX": _obx, "NTE": _nte, "AL1": _al1, "DG1": _dg1, "PR1": _pr1,
    "TXA": _txa, "MRG": _mrg, "RXA": _drug(5), "RXE": _drug(2), "RXO": _drug(1), "RXD": _drug(2),
}  # fmt: skip
