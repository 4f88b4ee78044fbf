"""Plain text in any common encoding; a header of the text may say whose it is."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from pathlib import Path

from medview.record.document import Document, PatientIdentity
from medview.record.encoding import decode
from medview.record.language import detect_language
from medview.record.readers.page import document_id
from medview.record.rules.demographics import iso_date

_HEAD = 1500  # characters in which identity and date may stand
_ID = re.compile(r"^[ \t]*(?:Patient ID|MRN|Medical record (?:number|no\.?)|Hospital (?:number|no\.?)|PID|患者ID|患者编号|病历号|住院号|门诊号|病案号)[ \t]*[:：#][ \t]*([A-Za-z0-9._-]{2,40})",
                 re.IGNORECASE | re.MULTILINE)  # fmt: skip
_NAME = re.compile(
    r"^[ \t]*(?:Patient(?: name)?|Name|姓名|患者姓名)[ \t]*[:：][ \t]*([^\n,，;；|]{2,60})",
    re.IGNORECASE | re.MULTILINE,
)
_BIRTH = re.compile(
    r"(?:Date of birth|DOB|Birth date|Born|出生日期|出生年月|出生)[ \t]*[:：]?[ \t]*([0-9A-Za-z年月日 ./,-]{4,24})",
    re.IGNORECASE,
)
_SEX = re.compile(
    r"(?:^|[\s,;|，；])(?:Sex|Gender|性别)[ \t]*[:：][ \t]*(female|male|F\b|M\b|女|男)",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?:^|[\s|])(?:Date|Date of (?:exam|examination|service|visit|report|study)|Exam date|Study date|Visit date|Report date|Dictated|日期|检查日期|报告日期|就诊日期|记录日期|检查时间|就诊时间)[ \t]*[:：][ \t]*([0-9A-Za-z年月日 ./,-]{4,24})",
                   re.IGNORECASE)  # fmt: skip


def read_plain_text(data: bytes, path: Path) -> Document:
    """The text exactly as decoded. Raises UnreadableInstance for what is no text."""
    text, encoding = decode(data, path.name)
    head = text[:_HEAD]
    return Document(
        id=document_id(data),
        path=str(path),
        kind="text",
        title=_title(text, path),
        date=_date(head),
        encoding=encoding,
        patient=_identity(head),
        text=text,
        narrative=((0, len(text)),) if text.strip() else (),
    )


def _identity(head: str) -> PatientIdentity:
    sex = _SEX.search(head)
    name, birth, number = _NAME.search(head), _BIRTH.search(head), _ID.search(head)
    return PatientIdentity(
        ids=(number[1],) if number else (),
        name=name[1].strip() if name else "",
        birth_date=iso_date(birth[1]) if birth else "",
        sex=("F" if sex[1].lower()[0] in "f女" else "M") if sex else "",
    )


def _date(head: str) -> str:
    match = _DATE.search(head)
    return iso_date(match[1]) if match else ""


def _title(text: str, path: Path) -> str:
    """The first line where it reads like a title, without brackets, else the file's name."""
    first = next((line.strip() for line in text[:2000].splitlines() if line.strip()), "")
    bare = re.sub(r"[(（][^()（）]*[)）]", "", first).strip(" #=*-")
    limit = 24 if detect_language(bare) == "zh" else 60
    if not 2 <= len(bare) <= limit or re.search(r"[:：，。,;；]|\.$", bare):
        return path.stem
    return bare.capitalize() if bare.isupper() and bare.isascii() and " " in bare else bare
