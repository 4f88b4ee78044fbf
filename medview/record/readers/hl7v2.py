"""HL7 v2 messages (2.3 to 2.8): results, documents, admissions, orders, vaccinations."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from medview.core.errors import UnreadableInstance
from medview.core.results import Code
from medview.core.words import Sentence, say
from medview.record.document import Document, PatientIdentity
from medview.record.encoding import decode
from medview.record.note import Attributes, Relation
from medview.record.readers.attachments import attachment_text
from medview.record.readers.demographics import write_demographics
from medview.record.readers.hl7_message import (
    Segment,
    cut_note,
    messages_in,
    of_patients,
    segments_of,
)
from medview.record.readers.page import Page, date_of, document_id, kind_of
from medview.record.readers.plaintext import identity_in
from medview.record.readers.results import (
    Result,
    bounds_of,
    value_of,
    write_result,
    write_smoking,
    write_time,
)
from medview.record.readers.whose import checked_birth
from medview.record.rules.laboratory import lab_test_for
from medview.record.rules.units import ucum

_NO_RESULT = ("D", "W", "X", "N")  # deleted, wrong patient, not obtained, not asked
_STATUS = {
    "F": "final",
    "P": "preliminary",
    "C": "corrected",
    "R": "preliminary",
    "S": "preliminary",
}
_KINDS = {"ORU": "Results", "OUL": "Results", "MDM": "Document", "ADT": "Admission", "ORM": "Order",
          "OML": "Order", "VXU": "Vaccinations", "SIU": "Appointment", "RDE": "Prescription",
          "LRI": "Results"}  # fmt: skip
_SYSTEMS = {
    "SCT": "SCT", "SNM3": "SCT", "I10": "ICD10", "I10C": "ICD10", "I10P": "ICD10",
    "I9C": "ICD9", "I9": "ICD9", "CVX": "CVX", "NDC": "NDC", "RXNORM": "RXNORM",
}  # fmt: skip
_CHARSETS = {
    "GB 18030-2000": "gb18030", "GB18030": "gb18030", "GB2312": "gb18030", "BIG-5": "big5",
    "ISO IR87": "iso2022_jp", "ISO IR159": "iso2022_jp", "KS X 1001": "euc_kr", "8859/1": "cp1252",
    "8859/2": "iso8859-2", "8859/5": "iso8859-5", "8859/9": "iso8859-9", "8859/15": "iso8859-15",
    "UNICODE UTF-16": "utf-16",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_SIGNED = re.compile(r"\s*(<=|>=|=<|[<>])\s*(.+)$")
_SMOKING = "72166-2"
_SHORT = 40  # characters up to which words are a result, not a text
_FREE = {"OBX": (5,), "NTE": (3,), "OBR": (13, 31)}  # fields that hold words


def read_hl7(data: bytes, path: Path) -> list[Document]:
    """One document a message and patient. Raises UnreadableInstance where there is no message."""
    bare = data.strip(b"\x0b\x1c\r\n")
    text, encoding = decode(bare, path.name, _charset(bare))
    text = text.replace("\ufeff", "")
    notes: list[Sentence] = []
    if "\x00" in text:
        text = text.replace("\x00", "")
        notes.append(say("The file has NUL characters; they were left out."))
    messages = messages_in(text)
    if not messages:
        raise UnreadableInstance(
            say("The file does not begin with an HL7 message header (MSH)."),
            path.name,
            what_to_do=say("Export it again from the system that wrote it."),
        )
    has_end = re.search(rb"[\r\n\x1c]\s*$", data) is not None
    documents: list[Document] = []
    for number, lines in enumerate(messages, 1):
        segments = segments_of(lines)
        cut = cut_note(segments, has_end=has_end or number < len(messages))
        for group in of_patients(segments):
            page = Page(document_id(data, len(documents)))
            page.notes += [*notes, *([cut] if cut else [])]
            _read_message(group, page, encoding)
            documents.append(page.document(str(path), "HL7 v2", encoding))
    return documents


def _read_message(segments: Sequence[Segment], page: Page, encoding: str) -> None:
    header = segments[0]
    kind = header.component(9)
    page.title = _KINDS.get(kind, "") or f"HL7 {kind}".strip()
    page.date = date_of(header.component(7))
    _check_charset(header, page, encoding)
    replaced = _replaced(segments)
    counts: dict[str, int] = {}
    for segment in segments:
        counts[segment.name] = number = counts.get(segment.name, 0) + 1
        reader = _READERS.get(segment.name)
        if reader is None or id(segment) in replaced:
            continue
        reader(segment, page)
        if any(segment.has_broken_escape(i) for i in _FREE.get(segment.name, ())):
            place = f"{segment.name} {number}"
            page.notes.append(
                say("A broken escape sequence was left as it is ({place}).", place=place)
            )


def _charset(data: bytes) -> str:
    """The codec that the header names in MSH-18 (HL7 table 0211), empty where it names none."""
    header = re.split(rb"[\r\n]", data[:4000], maxsplit=1)[0]
    fields = header.split(header[3:4] or b"|")
    declared = fields[17].split(b"~")[0] if len(fields) > 17 else b""
    return _CHARSETS.get(declared.decode("ascii", "replace").strip().upper(), "")


def _check_charset(header: Segment, page: Page, encoding: str) -> None:
    declared = header.component(18).upper()
    is_single = encoding in ("Windows-1252", "Latin-1")
    if declared.startswith("UNICODE UTF-8") and not encoding.startswith("UTF-8"):
        page.notes.append(say("The message says UTF-8 and is {encoding}.", encoding=encoding))
    elif not declared and is_single:
        page.notes.append(
            say("The message names no character set; it was read as {encoding}.", encoding=encoding)
        )


def _replaced(segments: Sequence[Segment]) -> set[int]:
    """Earlier results that the same message corrects."""
    seen: dict[tuple[str, str, str], Segment] = {}
    gone: set[int] = set()
    for segment in segments:
        if segment.name == "OBX":
            key = (segment.raw(3), segment.raw(4), segment.raw(14))
            earlier = seen.get(key)
            if earlier is not None and segment.component(11) == "C":
                gone.add(id(earlier))
            seen[key] = segment
    return gone


def _pid(segment: Segment, page: Page) -> None:
    ids = [r[0].strip() for i in (3, 2, 4) for r in segment.repeats(i) if r and r[0].strip()]
    names = segment.repeats(5)
    parts = names[0] if names else []
    given = " ".join(p for p in parts[1:3] if p)
    family = parts[0].split(segment.marks[4])[0] if parts else ""
    sex = segment.component(8).upper()[:1]
    found = PatientIdentity(
        ids=tuple(dict.fromkeys(ids)),
        name=f"{given} {family}".strip(),
        birth_date=checked_birth(
            date_of(segment.component(7))[:10], "PID-7", page.notes, segment.component(7)
        ),
        sex=sex if sex in ("F", "M", "O") else "",
    )
    before = page.patient
    if before.ids and (before.birth_date, before.sex) != (found.birth_date, found.sex):
        page.notes.append(
            say("The message gives the patient's birth date or sex in two ways (PID).")
        )
        return
    page.patient = found
    write_demographics(page)


def _visit(segment: Segment, page: Page) -> None:
    reason = segment.name_of(3)
    if reason:
        page.free_text(f"Reason for admission: {reason}")


def _obr(segment: Segment, page: Page) -> None:
    name = segment.name_of(4)
    if name and page.title != name:
        if page.title in _KINDS.values():
            page.title = name
        page.date = date_of(segment.component(7)) or page.date
        page.heading("labs" if lab_test_for(segment.loinc(4), name) else "findings", name)
    for field, what in ((31, "Indication"), (13, "Clinical information")):
        said = segment.name_of(field)
        if said:
            page.free_text(f"{what}: {said}")


def _obx(segment: Segment, page: Page) -> None:
    if segment.component(11) in _NO_RESULT:
        return
    kind = segment.component(2).upper()
    if kind in ("TX", "FT", "ST") and not _NUMBER.fullmatch(_unsigned(segment.component(5))):
        _text_result(segment, page)
    elif kind == "ED":
        _attached(segment, page)
    elif kind == "RP":
        name = segment.component(5)
        page.notes.append(
            say("The document's text lies in another file, which is not followed: {name}.",
                name=name[:120])
        )  # fmt: skip
    else:
        _value_result(segment, page, kind)


def _unsigned(written: str) -> str:
    signed = _SIGNED.match(written)
    return (signed[2] if signed else written).strip()


def _attached(segment: Segment, page: Page) -> None:
    """Encapsulated data: source, type, subtype, encoding, data (PS 2.A.24)."""
    parts = (segment.repeats(5) or [[]])[0]
    data = parts[4] if len(parts) >= 5 else ""
    place = f"OBX {segment.component(1)}".strip()
    if not data:
        page.write(f"{segment.name_of(3) or place}: (empty)\n")
        return
    label = segment.name_of(3)
    if label:
        page.heading("findings", label)
    media = "/".join(p.lower() for p in parts[1:3] if p)
    attachment_text(page, media, data, place=place)


def _text_result(segment: Segment, page: Page) -> None:
    text, label = segment.lines(5), segment.name_of(3)
    if text.strip() in ("", '""'):
        return
    if not label or label == segment.component(3):
        page.free_text(text)
        return
    loinc = segment.loinc(3)
    if loinc == _SMOKING:
        write_smoking(page, text, date_of(segment.component(14)) or page.date)
    elif len(text) <= _SHORT and "\n" not in text and segment.component(2).upper() == "ST":
        status = _STATUS.get(segment.component(11), "")
        time = date_of(segment.component(14)) or page.date
        write_result(page, Result(name=label, loinc=loinc, words=text, time=time, status=status))
        page.write("\n")
    else:
        if page.section_title != label:
            page.heading(_role(segment.component(3).upper() + label), label)
        span = page.free_text(text)
        page.claims.append((f"OBX {label}", identity_in(text, page.notes), span))


def _role(name: str) -> str:
    is_impression = re.search("IMP|印象|诊断|结论|CONCLUSION", name, re.IGNORECASE)
    return "impression" if is_impression else "findings"


def _value_result(segment: Segment, page: Page, kind: str) -> None:
    written, sign = segment.component(5), ""
    if kind == "SN":
        written, sign = _structured_number(segment)
    elif matched := _SIGNED.match(written):
        sign, written = matched[1], matched[2].strip()
    name, loinc = segment.name_of(3), segment.loinc(3)
    unit = segment.component(6) or segment.component(6, 2)
    is_single = len(segment.repeats(5)) < 2 and _NUMBER.fullmatch(written) is not None
    words = "" if is_single else _words(segment, kind)
    if not name or not (written or words):
        return
    time = date_of(segment.component(14)) or page.date
    if loinc == _SMOKING and words:
        write_smoking(page, words, time)
        return
    limits = segment.component(7)
    write_result(
        page,
        Result(
            name=name,
            loinc=loinc,
            value=None if words else value_of(written, ucum(unit) if unit else "", sign),
            shown=f"{sign}{written} {unit}".rstrip(),
            words=words,
            time=time,
            reference=bounds_of(limits),
            range_shown=limits,
            status=_STATUS.get(segment.component(11), ""),
        ),
    )
    if not page.pieces[-1].endswith("\n"):
        page.write("\n")


def _structured_number(segment: Segment) -> tuple[str, str]:
    """(number or words, comparator) of comparator ^ number ^ separator ^ second number."""
    sign, written = segment.component(5, 1), segment.component(5, 2)
    separator, second = segment.component(5, 3), segment.component(5, 4)
    if separator and second:  # a range or a titre: words, not one number
        return f"{sign}{written}{separator}{second}", ""
    return written, sign


def _words(segment: Segment, kind: str) -> str:
    """A value that is no number: the meaning of a code, a date, else all that stands there."""
    found = []
    for repeat in segment.repeats(5):
        if kind in ("CE", "CWE", "CNE", "CF", "IS"):
            parts = (repeat[p] for p in (1, 4, 8, 0) if p < len(repeat))
            found.append(next((part for part in parts if part), ""))
        elif kind in ("DT", "TS", "DTM"):
            found.append(date_of(repeat[0]) or repeat[0])
        elif kind == "SN":
            found.append("".join(repeat))
        else:
            found.append(" ".join(part for part in repeat if part))
    return ", ".join(part for part in found if part)


def _nte(segment: Segment, page: Page) -> None:
    page.free_text(segment.lines(3))


def _code(segment: Segment, index: int) -> Code | None:
    for number, meaning, system in ((1, 2, 3), (4, 5, 6)):
        scheme = _SYSTEMS.get(segment.component(index, system).upper())
        if scheme and segment.component(index, number):
            return Code(scheme, segment.component(index, number), segment.component(index, meaning))
    return None


def _al1(segment: Segment, page: Page) -> None:
    substance = segment.name_of(3)
    if not substance:
        return
    _list_heading(page, "allergies", "Allergies")
    entity = page.mention("allergy", substance, code=_code(segment, 3))
    effects = [r[0].strip() for r in segment.repeats(5) if r and r[0].strip()]
    for number, effect in enumerate(effects):
        page.write(": " if number == 0 else ", ")
        symptom = page.mention(kind_of(effect, "symptom"), effect)
        page.relations.append(Relation("allergy_reaction", entity.id, symptom.id))
    original = f"{substance}: {', '.join(effects)}" if effects else substance
    page.observe(
        "allergy", original, (entity.start, entity.end), time=date_of(segment.component(6)),
        kind="sentence", original=original, code=entity.code, detail=", ".join(effects),
    )  # fmt: skip
    page.write("\n")


def _dg1(segment: Segment, page: Page) -> None:
    name = segment.name_of(3) or segment.component(4)
    if name:
        _list_heading(page, "impression", "Diagnoses")
        page.mention(kind_of(name, "disease"), name, code=_code(segment, 3))
        write_time(page, date_of(segment.component(5)))


def _prb(segment: Segment, page: Page) -> None:
    name = segment.name_of(3)
    if name and segment.component(1) not in ("DE", "UN"):
        _list_heading(page, "impression", "Problems")
        page.mention(kind_of(name, "disease"), name, code=_code(segment, 3))
        write_time(page, date_of(segment.component(2)))


def _drug(index: int, dose: int) -> Callable[[Segment, Page], None]:
    def read(segment: Segment, page: Page) -> None:
        name = segment.name_of(index)
        if not name:
            return
        is_vaccine = segment.name == "RXA"
        _list_heading(page, "medications", "Vaccinations" if is_vaccine else "Medications")
        not_given = is_vaccine and segment.component(20) in ("RE", "NA")
        attrs = Attributes(negated=not_given, temporality="historical" if is_vaccine else "current")
        drug = page.mention("drug", name, attrs=attrs, code=_code(segment, index))
        amount = segment.component(dose)
        if _NUMBER.fullmatch(amount) and amount != "999":  # 999: the amount is not known
            unit = segment.component(dose + 1 if is_vaccine else dose + 2)
            page.write(" ")
            shown = f"{amount} {unit}".strip()
            value = value_of(amount, ucum(unit) if unit else "")
            part = page.mention("dose", shown, value)
            page.relations.append(Relation("drug_dose", drug.id, part.id))
        write_time(page, date_of(segment.component(3)) if is_vaccine else "")

    return read


def _pr1(segment: Segment, page: Page) -> None:
    name = segment.name_of(3) or segment.component(4)
    if name:
        _list_heading(page, "procedures", "Procedures")
        page.mention("procedure", name, code=_code(segment, 3))
        write_time(page, date_of(segment.component(5)))


def _sch(segment: Segment, page: Page) -> None:
    for field in (7, 8):
        reason = segment.name_of(field)
        if reason:
            page.free_text(f"Appointment: {reason}")


def _txa(segment: Segment, page: Page) -> None:
    page.title = segment.name_of(2) if len(segment.name_of(2)) > 3 else page.title
    page.date = date_of(segment.component(4)) or date_of(segment.component(6)) or page.date


def _mrg(segment: Segment, page: Page) -> None:
    old = segment.component(1)
    if old:
        page.notes.append(say("The message merges another patient number into this one."))
        page.write(f"Merged patient number: {old}\n")


def _list_heading(page: Page, label: str, title: str) -> None:
    if page.section_title != title:
        page.heading(label, title)


_READERS: dict[str, Callable[[Segment, Page], None]] = {
    "PID": _pid, "PV2": _visit, "OBR": _obr, "OBX": _obx, "NTE": _nte, "AL1": _al1, "IAM": _al1,
    "DG1": _dg1, "PRB": _prb, "PR1": _pr1, "TXA": _txa, "MRG": _mrg, "SCH": _sch,
    "RXA": _drug(5, 6), "RXE": _drug(2, 3), "RXO": _drug(1, 2), "RXD": _drug(2, 4),
}  # fmt: skip
