"""Sizes, volumes, HU and SUV (`clinical.md` knows what is never a size)."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import Entity, Number, Span, Value
from medview.record.rules.units import END, NUMBER, has_digit, number, ucum

_LENGTH = r"mm|cm|毫米|厘米|公分"
_BY = r"\s*(?:[x×X*✕＊]|by)\s*"
_SIZE = re.compile(
    rf"(?<![\d./-])(?P<a>{NUMBER})(?:[ -]?(?P<ua>{_LENGTH}))?"
    rf"(?:{_BY}(?P<b>{NUMBER})(?:[ -]?(?P<ub>{_LENGTH}))?)?"
    rf"(?:{_BY}(?P<c>{NUMBER}))?[ -]?(?P<unit>{_LENGTH}){END}(?!\s?(?:Hg|slice|层厚|thick))",
    re.IGNORECASE,
)
_RANGE = re.compile(
    rf"(?<![\d./])(?P<low>{NUMBER})\s?(?:{_LENGTH})?\s?(?:-|–|~|～|to|至)\s?(?P<high>{NUMBER})[ -]?(?P<unit>{_LENGTH}){END}",
    re.IGNORECASE,
)
_VOLUME = re.compile(
    rf"(?<![\d./])(?P<num>{NUMBER})[ -]?(?P<unit>mL|cc|cm3|cm³|mm3|mm³|毫升){END}(?!\s?/)",
    re.IGNORECASE,
)
_HU = re.compile(rf"(?<![\d.])(?P<num>[-−]?\d+(?:\.\d+)?)\s?(?P<unit>HU|Hu|Hounsfield units?){END}")
_HU_RANGE = re.compile(
    rf"(?<![\d.])(?P<low>[-−]?\d{{1,4}})\s?(?:-|–|~|～|to|至)\s?(?P<high>[-−]?\d{{1,4}})\s?(?P<unit>HU|Hu|Hounsfield units?){END}"
)
# "HU 65", "HU of -10", "CT值约35": the word before the number
_HU_AHEAD = re.compile(
    r"(?:(?<![A-Za-z0-9])(?<!\d )(?:HU|Hu|Hounsfield units?)|CT值)\s?(?:[:：=]|of|is|was|value|为|约)*\s*(?:约|about|approximately)?\s*"
    rf"(?P<num>[-−]?\d{{1,4}}(?:\.\d+)?){END}(?!\s?(?:HU|Hu|Hounsfield|mm|cm))"
)
_SUV = re.compile(
    r"SUV\s?-?(?:max|mean|peak|bw|值|最大值)?\s*(?:[:：=]|of|is|was|为|约)?\s*(?:约|about)?\s*(?P<num>\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_COMPARATOR = re.compile(
    r"(<=|(?<![-=])>=?|[<≤≥＜＞]|less than|more than|greater than|up to|小于|大于)\s?$"
)
_SIGN = {"less than": "<", "小于": "<", "＜": "<", "more than": ">", "greater than": ">",
         "大于": ">", "＞": ">", "up to": "<=", "≤": "<=", "≥": ">="}  # fmt: skip
_ANY_SIZE = rf"\d[\d.,]*(?:{_BY}\d[\d.,]*)?\s?(?:{_LENGTH})"
_PRIOR = re.compile(
    r"(?:\b(?:previously|prior(?:ly)?|formerly|from|compared (?:to|with)|versus|vs\.?|earlier|(?:on|in) (?:the )?(?:prior|previous|earlier)(?: \w+)?"
    r"|last (?:year|month|week|time))|原|较前|前片|既往|旧片|[上前]次|先前|从|由|去年|[年月周]前)"
    r"(?: (?:about|approximately|measur(?:ed|ing)|seen|noted|described|known|reported|exam|study|CT|it|this|was|at|as))*"
    r"(?:大小|检查|直径|[ (（约为是示测量]|(?<!to prior)(?<!with prior)[:：])*$",
    re.IGNORECASE,
)
# "9 mm previously", but of "12 mm, previously measured at 9 mm" the second is the earlier one.
_PRIOR_AFTER = re.compile(
    r"[ ,]*(?:previously|on (?:the )?(?:prior|previous)|before\b|earlier|(?:\w+ )?(?:year|month|week)s? (?:ago|earlier))"
    rf"(?!(?:(?! and | now |[.;)] )[^,，。;；)）\n]){{0,40}}?(?:{_ANY_SIZE}|SUV|\d+ ?HU|\d ?mL))",
    re.IGNORECASE,
)
# "5 mm, now 7 mm", "9 mm RML nodule now measures 12 mm", "9 mm -> 12 mm": the first is of earlier
_NOW_AFTER = re.compile(
    r"(?:(?: [A-Za-z-]+){0,3}[ ,，;；)）]*(?:\bnow (?:\w+ ){0,2}|(?:现|目前|今|本次)(?:约|为|测|量)*\s*)|\s*(?:-+>|=+>|→)\s*)"
    rf"{_ANY_SIZE}",
    re.IGNORECASE,
)
# "was 8 mm" speaks of another time only when a present size stands beside it.
_WAS = re.compile(r"\bwas(?: (?:about|approximately|only))*[ (]*$", re.IGNORECASE)
_NOW = re.compile(r"(?:now|currently|today)\b", re.IGNORECASE)
_WAS_BESIDE = re.compile(
    rf"{_ANY_SIZE}[ ,(]+(?:(?:but|and|which|it|this) )*was[a-z ]*$", re.IGNORECASE
)
# "12 mm (2020: 9 mm)", "12mm，2020年为9mm", "12 mm (9 mm in 2020)"
_DATED_BESIDE = re.compile(
    rf"{_ANY_SIZE}[ ,，(（;；]+(?:in |on )?(?:(?:19|20)\d{{2}}(?:年|[-/.]?\d{{1,2}}|月|日)*)[ :：为是]*$",
    re.IGNORECASE,
)
_IN_BRACKET = re.compile(rf"{_ANY_SIZE} ?[(（]$", re.IGNORECASE)
_DATED_AFTER = re.compile(
    r" ?(?:in|on|at|dated|,) [^()（）]{0,24}(?:19|20)\d{2}[^()（）]{0,6}[)）]"
)
_NEVER = re.compile(r"(?:series|image|slice|slices|se|im|frame|collimation|层厚|层距|increment|interval|kernel)\s*:?$",
                    re.IGNORECASE)  # fmt: skip
_UCUM_VOLUME = {"cm3": "cm3", "cm³": "cm3", "mm3": "mm3", "mm³": "mm3"}


def find_measurements(text: str, span: Span) -> list[Entity]:
    """Measurements inside `span`, none overlapping another."""
    found: list[Entity] = []
    if not has_digit(text, span):
        return found
    for pattern, read in (
        (_RANGE, _range),
        (_SIZE, _size),
        (_VOLUME, _single),
        (_HU_RANGE, _hu_range),
        (_HU, _hu),
        (_HU_AHEAD, _hu_ahead),
        (_SUV, _suv),
    ):
        for match in pattern.finditer(text, *span):
            if _NEVER.search(text[max(span[0], match.start() - 12) : match.start()].rstrip()):
                continue
            entity = read(text, match)
            if not any(entity.overlaps(other) for other in found):
                found.append(entity)
    return sorted(found, key=lambda e: e.start)


def _context(text: str, start: int, end: int) -> tuple[str, bool]:
    before = text[max(0, start - 60) : start]
    sign = _COMPARATOR.search(before)
    comparator = _SIGN.get(sign.group(1), sign.group(1)) if sign else ""
    if sign:
        before = before[: sign.start()]
    return comparator, _is_prior(text, before, end)


def _is_prior(text: str, before: str, end: int) -> bool:
    """Whether a size is of an earlier examination. before: the text up to it; end: its own."""
    if _PRIOR.search(before) or _PRIOR_AFTER.match(text, end) or _NOW_AFTER.match(text, end):
        return True
    if _WAS.search(before):
        return bool(_WAS_BESIDE.search(before) or _NOW.search(text[end : end + 60]))
    if _IN_BRACKET.search(before):
        return _DATED_AFTER.match(text, end) is not None
    return _DATED_BESIDE.search(before) is not None


def _entity(text: str, span: Span, begun: int | None = None, **value: object) -> Entity:
    """begun: where the words begin that belong to the number, where not at its first digit."""
    comparator, prior = _context(text, span[0] if begun is None else begun, span[1])
    return Entity(
        type="measurement", start=span[0], end=span[1], text=text[span[0] : span[1]],
        value=Value(comparator=comparator, prior=prior, **value),  # type: ignore[arg-type]
    )  # fmt: skip


def _size(text: str, match: re.Match[str]) -> Entity:
    unit = ucum(match["unit"])
    dims: list[Number] = [number(match[k]) for k in "abc" if match[k]]
    if len(dims) > 1:
        return _entity(text, match.span(), dims=tuple(dims), unit=unit)
    return _entity(text, match.span(), num=dims[0], unit=unit)


def _range(text: str, match: re.Match[str]) -> Entity:
    low, high = number(match["low"]), number(match["high"])
    if (
        match[0].find("to") > 0
        and text[max(0, match.start() - 5) : match.start()].lower() == "from "
    ):
        end = match.end("low")  # "from 6 to 8 mm": the first is the earlier size
        return _entity(text, (match.start(), end), num=low, unit=ucum(match["unit"]))
    return _entity(text, match.span(), low=low, high=high, unit=ucum(match["unit"]))


def _single(text: str, match: re.Match[str]) -> Entity:
    unit = _UCUM_VOLUME.get(match["unit"].lower(), "mL")
    return _entity(text, match.span(), num=number(match["num"]), unit=unit)


def _hu(text: str, match: re.Match[str]) -> Entity:
    value = number(match["num"].replace("−", "-"))
    return _entity(text, match.span(), num=value, unit="[hnsf'U]")


def _hu_range(text: str, match: re.Match[str]) -> Entity:
    low, high = (number(match[k].replace("−", "-")) for k in ("low", "high"))
    return _entity(text, match.span(), low=low, high=high, unit="[hnsf'U]")


def _hu_ahead(text: str, match: re.Match[str]) -> Entity:
    value = number(match["num"].replace("−", "-"))
    return _entity(text, match.span("num"), match.start(), num=value, unit="[hnsf'U]")


def _suv(text: str, match: re.Match[str]) -> Entity:
    begun = match.start()  # "previously SUVmax 9.8"
    return _entity(text, match.span("num"), begun, num=number(match["num"]), unit="{SUVbw}g/mL")
