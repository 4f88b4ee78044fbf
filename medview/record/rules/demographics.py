"""Age, sex and dates."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import Entity, Span, Value
from medview.record.rules.units import BEGIN, END, has_digit, number

_UNIT = r"years?|yrs?|months?|mths?|mos?|weeks?|wks?|days?"
_ZH_UNIT = r"岁|周岁|个月|月龄|月|周龄|周|天|日龄"
# A range of ages, and a number of something else, are no age.
_NO_AGE = (
    r"(?!\d|[.,]\d|[A-Za-z%％]|\s?(?:岁\s?)?(?:[-–~～至到]|to )\s?\d"
    r"|\s?(?:(?:hours?|hrs?|h|minutes?|min|kg|cm|percent)(?![a-z])|%|小时|分钟))"
)
# "The patient is 6 weeks pregnant", "patient 2 weeks s/p CABG": a time since something else
_ENDS_AGE = (
    r"(?=,? (?:male|female|man|woman|boy|girl|gentleman|lady|infant|who|with|present(?:s|ed|ing)|admitted|complain\w*|[MF]\b)"
    r"|[ ]?(?:$|[;)\n]|[.,](?! (?:post|s/p|status|after|pregnan|since|in|into|out|prior|ago)|\d)))"
)
_AGE = re.compile(
    rf"{BEGIN}(?P<n>\d{{1,3}})(?:[ -]?(?P<u>{_UNIT})(?:[ -]old| of age)|[ -]?(?P<yo>y/?o|y\.o\.|yo){END})"
    rf"|(?:(?<=\bpatient )|(?<=\bpatient, )|(?<=\bpatient is )|(?<=\bpt ))(?P<n6>\d{{1,3}})[ -]?(?P<u6>{_UNIT}){END}{_ENDS_AGE}"
    rf"|{BEGIN}(?<!\bat )(?<!since )(?<!from )(?<!before )(?<!after )(?<!until )aged?[: ]+"
    rf"(?P<n2>\d{{1,3}}(?:\.\d)?)(?:(?<=[: ]\d{{3}})(?P<u2>[YMWD]){END}|(?P<y>Y){END}|[ -]?(?P<u3>{_UNIT}){END}|{_NO_AGE})"
    rf"|(?<![-–~～至到\d])(?P<n3>\d{{1,3}})\s?(?P<u4>岁(?!\s?[-–~～至到]\s?\d)|个月大|月龄|月大|周龄|周大|日龄|天大)"
    rf"|(?:年龄[:：]?\s?|(?<=年龄[:：])|(?<=年龄[:：]\s))(?P<n4>\d{{1,3}}){_NO_AGE}(?:\s?(?P<u5>{_ZH_UNIT}))?",
    re.IGNORECASE,
)
_UCUM_OF_AGE = {
    "m": "mo",
    "个": "mo",
    "月": "mo",
    "w": "wk",
    "周": "wk",
    "d": "d",
    "天": "d",
    "日": "d",
}
_SEX = re.compile(
    rf"{BEGIN}(?:(?P<f>female|woman|lady|girl|(?<=y/o )f|(?<=yo )f|(?<=old )f)|(?P<m>male|man|gentleman|boy|(?<=y/o )m|(?<=yo )m|(?<=old )m)){END}"
    r"|(?:(?<=性别[:：])|(?<=性别)|(?<=患者[，,])|(?<=患者)|(?<=[，,、；;：:\s\d岁])|^)(?P<zh>(?:男|女)性?)患?(?=[，,、。；;\s\d（(]|性|患|$)",
    re.IGNORECASE | re.MULTILINE,
)
# "62F with chest pain", "72 M h/o": age and sex in one
_SHORT = re.compile(
    rf"{BEGIN}(?<![\d.,])(?P<age>\d{{1,3}}) ?(?P<sex>[MF])(?=,? (?:with|w/|h/o|hx|p/w|s/p|who|present|c/o|patient|known|smoker))"
)
# Degrees Fahrenheit, French sizes and metres are written like an age and a sex.
_LEAST_FAHRENHEIT = 95
_OTHER_UNIT = re.compile(
    r"(?:fever|febrile|temp(?:erature)?|tmax|\bT|foley|catheter|tube|drain|sheath|stent|french|\bfr|mobili[sz]\w*|ambulat\w*|walk\w*|moved?)\b"
    r"[^;\n]{0,24}$",
    re.IGNORECASE,
)
_AID = re.compile(
    r",? (?:with|w/) (?:\w+ ){0,2}(?:walker|frame|stick|cane|assist\w*|supervision|drain)\b", re.I
)
_MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
_DATE = re.compile(
    rf"(?<![\d./-])(?:(?:19|20)\d{{2}}[-./](?:0?[1-9]|1[0-2])(?:[-./](?:3[01]|[12]\d|0?[1-9]))?(?:[ T]\d{{1,2}}:\d{{2}}(?::\d{{2}})?)?"
    rf"|(?:3[01]|[12]\d|0?[1-9])[/.](?:3[01]|[12]\d|0?[1-9])[/.](?:19|20)?\d{{2}}"
    rf"|(?:\d{{1,2}}(?:st|nd|rd|th)? )?{_MONTH}\.?(?: \d{{1,2}}(?:st|nd|rd|th)?,?)? (?:19|20)\d{{2}}"
    r"|(?:19|20)\d{2}\s?年(?:\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?[日号])?)?)(?![\d/-])"
    rf"|(?<![\d./-])(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)? (?!may\b)(?-i:{_MONTH})(?![A-Za-z]| \d)"
    r"|(?<![\d年./-])\d{1,2}月\d{1,2}[日号]"
    r"|(?<=\bin )(?:19|20)\d{2}(?![\d-])|(?<=\bsince )(?:19|20)\d{2}(?![\d-])|(?<=CT )(?:19|20)\d{2}(?=[:：])",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def find_demographics(text: str, span: Span) -> list[Entity]:
    """Ages, sexes and dates inside `span`."""
    found = _dates_and_ages(text, span) if has_digit(text, span) else []
    for match in _SHORT.finditer(text, *span):
        if _is_other_unit(text, match):
            continue
        for group, value in (
            ("age", Value(num=number(match["age"]), unit="a")),
            ("sex", Value(text="female" if match["sex"] == "F" else "male")),
        ):
            found.append(_entity(text, match.span(group), value))
    for match in _SEX.finditer(text, *span):
        word = "female" if match["f"] or (match["zh"] or "")[:1] == "女" else "male"
        group = "zh" if match["zh"] else ("f" if match["f"] else "m")
        found.append(_entity(text, match.span(group), Value(text=word)))
    return sorted(found, key=lambda e: e.start)


def _is_other_unit(text: str, match: re.Match[str]) -> bool:
    """Whether "102 F" is a temperature, "16 F" a catheter's size or "3 M" a way walked."""
    if match["sex"] == "F" and int(match["age"]) >= _LEAST_FAHRENHEIT:
        return True
    before = text[max(0, match.start() - 40) : match.start()]
    return bool(_OTHER_UNIT.search(before) or _AID.match(text, match.end()))


def _entity(text: str, span: Span, value: Value) -> Entity:
    start, end = span
    return Entity(type="demographic", start=start, end=end, text=text[start:end], value=value)


def _dates_and_ages(text: str, span: Span) -> list[Entity]:
    found = [
        Entity(type="date", start=match.start(), end=match.end(), text=match[0])
        for match in _DATE.finditer(text, *span)
    ]
    for match in _AGE.finditer(text, *span):
        if any(match.start() < e.end and e.start < match.end() for e in found):
            continue
        start, end = _age_span(match)
        value = Value(num=number(_age_number(match)), unit=_age_unit(match))
        found.append(_entity(text, (start, end), value))
    return found


def _age_number(match: re.Match[str]) -> str:
    return match["n"] or match["n2"] or match["n3"] or match["n4"] or match["n6"]


def _age_span(match: re.Match[str]) -> Span:
    start = (
        match.start("n2") if match["n2"] else match.start("n4") if match["n4"] else match.start()
    )
    return start, match.end()


def _age_unit(match: re.Match[str]) -> str:
    unit = (
        match["u"] or match["u2"] or match["u3"] or match["u4"] or match["u5"] or match["u6"] or "y"
    ).lower()
    return "a" if "岁" in unit else _UCUM_OF_AGE.get(unit[0], "a")


def iso_date(written: str) -> str:
    """ISO date with the precision that was written; empty when day and month are ambiguous."""
    numbers = re.findall(r"\d+", written)
    month = re.search(_MONTH, written, re.IGNORECASE)
    if month:
        number_of = _MONTHS.index(month[0][:3].lower()) + 1
        day = next((n for n in numbers if len(n) <= 2), "")
        year = next((n for n in numbers if len(n) == 4), "")
        return f"{year}-{number_of:02d}" + (f"-{int(day):02d}" if day else "") if year else ""
    if numbers and len(numbers[0]) == 4:
        return "-".join([numbers[0], *(f"{int(n):02d}" for n in numbers[1:3])])
    if len(numbers) == 3 and len(numbers[2]) == 4:
        one, two = int(numbers[0]), int(numbers[1])
        if one > 12 >= two or one == two:  # 25/12/1980 is read in one way alone
            return f"{numbers[2]}-{two:02d}-{one:02d}"
        if two > 12 >= one:
            return f"{numbers[2]}-{one:02d}-{two:02d}"
    return ""
