"""Plain text in any common encoding; a header of the text may say whose it is."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from medview.core.words import Sentence, say
from medview.record.document import Document, PatientIdentity
from medview.record.encoding import decode, is_guessed
from medview.record.language import detect_language
from medview.record.readers.page import document_id
from medview.record.readers.whose import checked_birth
from medview.record.rules.demographics import iso_date

_HEAD = 1500  # characters in which identity and date may stand
# A number holds a digit and ends in a letter or digit; PID is a disease elsewhere than at a line's start.
_NUMBER = r"[ \t]*[:：#][ \t]*((?=[A-Za-z._-]{0,39}\d)[A-Za-z0-9._-]{1,39}[A-Za-z0-9])"
_ID = re.compile(
    r"(?:(?:^[ \t]*|(?P<who>[^\s,;|，；(（]+)?[\s,;|，；(（]+)(?:Patient ID|MRN|Medical record (?:number|no\.?)|Hospital (?:number|no\.?)|患者ID|患者编号|病历号|住院号|门诊号|病案号)"
    rf"|^[ \t]*(?-i:PID)){_NUMBER}",
    re.IGNORECASE | re.MULTILINE,
)
_OTHERS = re.compile(
    r"(?:mother|father|parent|donor|sister|brother|twin|baby|infant|husband|wife|spouse|partner|son|daughter|母亲|父亲|供体|供者|配偶)的?(?:['’]s)?$|(?<!patient)(?<!pt)['’]s$",
    re.IGNORECASE,
)
_OF_OTHERS = re.compile(
    r"[ \t]*(?:[(（]|of)[ \t]*(?:the |her |his )?(?:mother|father|donor|sister|brother|twin|baby|husband|wife|son|daughter)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"^[ \t]*(?:Patient(?: name)?|Name|姓名|患者姓名)[ \t]*[:：][ \t]*([^\n,，;；|]{2,60}(?:, ?[A-Z][\w'.-]+(?: [A-Z][\w'.-]*)?(?=[ \t]*(?:$|[|;])))?)",
    re.IGNORECASE | re.MULTILINE,
)
# What follows a name on its line: another label, or a gap as wide as a column's.
_AFTER_NAME = re.compile(
    r"\s{2,}|\t|\s*[(（]|\s+(?=[^\s:：]+(?: (?:of birth|ID|no\.?|number))?[ \t]*[:：#])",
    re.IGNORECASE,
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
    notes = (say("The encoding was guessed: {encoding}.", encoding=encoding),)
    return worded(
        data, path, text, kind="text", encoding=encoding,
        notes=notes if is_guessed(encoding) else (),
    )  # fmt: skip


def worded(
    data: bytes, path: Path, text: str, *, kind: str, encoding: str, notes: Sequence[Sentence] = ()
) -> Document:
    """A document that is only words; its first lines may say whose it is and of which day."""
    head = text[:_HEAD]
    told = list(_conflicts(head))
    patient = identity_in(text, told)
    return Document(
        id=document_id(data),
        path=str(path),
        kind=kind,
        title=_title(text, path),
        date=_date(head),
        encoding=encoding,
        patient=patient,
        text=text,
        narrative=((0, len(text)),) if text.strip() else (),
        notes=(*notes, *told),
    )


def _conflicts(head: str) -> tuple[Sentence, ...]:
    """What the header says in two ways."""
    births = {iso_date(m[1]) for m in _births(head)} - {""}
    sexes = {_sex(m) for m in _SEX.finditer(head)}
    numbers = {number.casefold() for number in _numbers(head)}
    said = (
        (births, say("The document gives two birth dates: {values}.", values=_both(births))),
        (sexes, say("The document gives two sexes: {values}.", values=_both(sexes))),
        (numbers, say("The document gives two patient numbers: {values}.", values=_both(numbers))),
    )
    return tuple(sentence for values, sentence in said if len(values) > 1)


def _numbers(head: str) -> Iterator[str]:
    """The patient's numbers, none of a mother, donor or sister."""
    for match in _ID.finditer(head):
        written = match[2]
        is_others = _OTHERS.search(match["who"] or "") or _OF_OTHERS.match(head, match.end())
        if not is_others:
            yield written


def _births(head: str) -> Iterator[re.Match[str]]:
    """Where the patient's birth date stands, and not a mother's."""
    for match in _BIRTH.finditer(head):
        word = re.split(r"[\s(（。，,;；]", head[: match.start()].rstrip(" \t(（"))[-1]
        if not _OTHERS.search(word) or head[match.start() - 1 : match.start()] == "\n":
            yield match


def _both(values: set[str]) -> str:
    return ", ".join(sorted(values))


def _sex(match: re.Match[str]) -> str:
    return "F" if match[1].lower()[0] in "f女" else "M"


def identity_in(text: str, notes: list[Sentence]) -> PatientIdentity:
    """Whom the first lines of a text name; what cannot be used of that is told in `notes`."""
    head = text[:_HEAD]
    sex = _SEX.search(head)
    name, birth = _NAME.search(head), next(_births(head), None)
    number = next(_numbers(head), "")
    return PatientIdentity(
        ids=(number,) if number else (),
        name=_AFTER_NAME.split(name[1].strip(), maxsplit=1)[0] if name else "",
        birth_date=checked_birth(iso_date(birth[1]), "DOB", notes, birth[1]) if birth else "",
        sex=_sex(sex) if sex else "",
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
