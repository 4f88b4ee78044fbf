"""Dose, route, frequency and duration of a drug in the same sentence."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from medview.record.note import Entity, Number, Span, Value
from medview.record.rules.units import BEGIN, END, NUMBER, number, ucum

_DOSE = re.compile(
    rf"(?<![\d./])(?P<num>{NUMBER})(?:\s?[-–~]\s?(?P<high>{NUMBER}))?[ -]?(?P<unit>mg|g|mcg|ug|μg|µg|mL|IU|units?|U|mmol|meq|毫克|克|微克|毫升|单位"
    rf"|片|粒|支|tablets?|tabs?|capsules?|puffs?|drops?|滴|袋)(?P<per>/kg(?:/(?:min|hr?|d(?:ay)?|次))?|/m[2²](?:/d(?:ay)?)?|/hr?(?![a-z]))?{END}(?!\s?/\s?(?:d?L|min)|[ ]?(?:caliber|%))",
    re.IGNORECASE,
)
_COUNTED = {"片": "{tbl}", "tablet": "{tbl}", "tab": "{tbl}", "粒": "{cap}", "capsule": "{cap}", "支": "{amp}",
            "puff": "{puff}", "drop": "[drp]", "滴": "[drp]", "袋": "{bag}"}  # fmt: skip
_ROUTES = {
    "oral": r"orally|oral|by mouth|p\.o\.|po|口服|经口",
    "intravenous": r"intravenously|intravenous|i\.v\.|iv|静脉滴注|静滴|静脉注射|静注|静脉推注|静脉泵入|微量泵入|泵入|静脉",
    "intramuscular": r"intramuscularly|intramuscular|i\.m\.|IM|肌肉注射|肌注",
    "subcutaneous": r"subcutaneously|subcutaneous|s\.c\.|SC|subq|subcut|皮下注射|皮下",
    "inhaled": r"inhaled|by inhalation|inhalation|inhalers?|nebuli[sz]ed|nebuli[sz]er|nebs?|吸入|雾化吸入|雾化",
    "topical": r"topically|topical|外用",
    "sublingual": r"sublingually|sublingual|舌下含服|舌下",
    "rectal": r"rectally|per rectum|rectal|PR|灌肠|肛塞",
    "transdermal": r"transdermal|patch",
    "nasal": r"intranasal|nasal spray|滴鼻",
}
_ROUTE = re.compile(
    "|".join(
        f"(?P<{k}>"
        + "|".join(n if n > "一" else f"{BEGIN}{n}(?![A-Za-z])" for n in v.split("|"))
        + ")"
        for k, v in _ROUTES.items()
    ),
    re.IGNORECASE,
)
_TIMES = {"once": 1, "twice": 2, "thrice": 3, "one": 1, "two": 2, "three": 3, "four": 4, "一": 1, "两": 2,
          "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6}  # fmt: skip
_FREQUENCY = re.compile(
    rf"{BEGIN}(?:(?P<word>once|twice|thrice|(?:one|two|three|four|[1-6]) times)(?: a| per| every|/)?[ -]?(?P<per>daily|day|d|week|weekly|month|monthly)"
    rf"|(?P<latin>b\.i\.d\.|bid|b\.d\.|bd|tds|t\.d\.s\.|qds|q\.d\.s\.|t\.i\.d\.|tid|q\.i\.d\.|qid|q\.o\.d\.|qod|o\.d\.|od|q\.d\.|qd|qhs|qn|qam|qpm|nocte|mane|qw|prn)(?![A-Za-z])"
    rf"|q\.?\s?(?P<hours>\d{{1,2}})\s?(?:-\d+\s?)?h(?:ours?|rs?)?|every (?P<everyn>\d{{1,2}}|two|three|four) (?P<everyu>hours?|hrs?|h|days?|weeks?|months?)|every (?P<every>day|morning|evening|night|other day|week|month)"
    rf"|(?P<daily>daily|nightly|weekly|monthly|at bedtime|at night|in the morning)){END}"
    r"|(?P<zhper>每[日天]|每周|每晚|每早|隔日|一日|1日|日)(?P<zhn>[一两二三四1-6])次|(?P<zhq>每晚|每日|每天|睡前|隔日)(?:1次|一次)?|(?P<zhn2>[1-6一两二三四])次\s?/\s?(?P<zhper2>日|天|周|d)|每(?P<zhh>\d{1,2})(?P<zhu>小时|天|日|周|个?月)(?:一次|1次)?",
    re.IGNORECASE,
)
_LATIN: dict[str, tuple[Number | None, str]] = {
    "bid": (2, "/d"), "bd": (2, "/d"), "tid": (3, "/d"), "tds": (3, "/d"), "qid": (4, "/d"), "qds": (4, "/d"), "qw": (1, "/wk"), "qod": (0.5, "/d"),
    **dict.fromkeys(("od", "qd", "qhs", "qn", "qam", "qpm", "nocte", "mane"), (1, "/d")),
}  # fmt: skip


def is_dosing(text: str, span: Span) -> bool:
    """Whether words are nothing but how a drug is taken ("BD", "PO q4-6h"): no name of a drug."""
    at, end = span
    while at < end:
        match = _FREQUENCY.match(text, at, end) or _ROUTE.match(text, at, end)
        if match is None:
            return False
        at = match.end()
        while at < end and text[at] in " ,":
            at += 1
    return True


_DURATION = re.compile(
    rf"(?:{BEGIN}(?:for|x|×) (?:a total of |another |the next )?)(?P<en>(?P<n>\d+|one|two|three|four)[ -](?P<u>days?|weeks?|months?|years?)){END}"
    r"|(?P<zh>(?:连用|连服|疗程|共|服用|使用|口服)?(?<!每)(?<![\d.])(?P<zn>\d+)(?P<zu>天|日|周|个月|月|年))(?!前|后|次|以)",
    re.IGNORECASE,
)
_PERIOD = {
    "d": "d",
    "天": "d",
    "日": "d",
    "w": "wk",
    "周": "wk",
    "m": "mo",
    "个": "mo",
    "月": "mo",
    "y": "a",
    "年": "a",
}
_FOR = re.compile(r"\bfor (?:\w+ ){0,2}$|治疗$", re.IGNORECASE)
_STEP = re.compile(
    r"\bthen\b|\bfollowed by\b|\btaper(?:ed|ing)? to\b|\b(?:de|in)creas(?:ed?|ing) to\b|→|->|然后|继以|后改为|改为|减至|减为|减量至|加至",
    re.IGNORECASE,
)
_STEPS = 12  # of a taper that are read
REACH = 60  # characters after a drug in which its dosing stands


def find_dosing(
    text: str, span: Span, drugs: Sequence[Entity], entities: Sequence[Entity] = ()
) -> list[tuple[str, Entity, Entity]]:
    """(relation, drug, tail) for each dose, route, frequency and duration that follows a drug.

    entities: all of the sentence; how long an illness lasts is not how long a drug is taken.
    """
    ill = [e for e in entities if e.type in ("disease", "symptom")]
    found: list[tuple[str, Entity, Entity]] = []
    for i, drug in enumerate(drugs):
        stop = drugs[i + 1].start if i + 1 < len(drugs) else span[1]
        begin = drugs[i - 1].end if i else span[0]
        own = _of_drug(text, drug, (begin, min(stop, drug.end + REACH)))
        own += _tapered(text, drug, own, stop)
        found += [f for f in own if not _is_of_illness(text, f, ill)]
    taken: list[Entity] = []
    single = []
    for relation, drug, tail in found:
        if not any(tail.overlaps(t) for t in taken):
            taken.append(tail)
            single.append((relation, drug, tail))
    return single


def _is_of_illness(text: str, found: tuple[str, Entity, Entity], ill: Sequence[Entity]) -> bool:
    relation, drug, tail = found
    return relation == "drug_duration" and any(
        drug.end <= e.start and e.end <= tail.start and not _FOR.search(text[drug.end : e.start])
        for e in ill
    )


def _tapered(
    text: str, drug: Entity, own: list[tuple[str, Entity, Entity]], stop: int
) -> list[tuple[str, Entity, Entity]]:
    """What comes after the first dose: "then 40 mg daily x 5 days, then 20 mg"."""
    doses = [tail for relation, _, tail in own if relation == "drug_dose" and tail.start > drug.end]
    if not doses:
        return []
    steps = [m.start() for m in _STEP.finditer(text, doses[0].end, stop)][:_STEPS]
    more = []
    for begin, end in zip(steps, [*steps[1:], stop], strict=False):
        step = replace(drug, start=begin, end=begin)
        found = _of_drug(text, step, (begin, min(end, begin + REACH)))
        if any(relation == "drug_dose" for relation, _, _ in found):
            more += [(relation, drug, tail) for relation, _, tail in found]
    return more


def _of_drug(text: str, drug: Entity, span: Span) -> list[tuple[str, Entity, Entity]]:
    found = []
    if dose := _first(_DOSE, text, span, drug):
        found.append(("drug_dose", drug, _dose(dose)))
    if route := _first(_ROUTE, text, span, drug):
        word = next(k for k, v in route.groupdict().items() if v)
        found.append(("drug_route", drug, _entity("route", route, Value(text=word))))
    if rate := _first(_FREQUENCY, text, (drug.end, span[1]), drug):
        found.append(("drug_frequency", drug, _entity("frequency", rate, _rate(rate))))
    if lasting := _first(_DURATION, text, (drug.end, span[1]), drug):
        group = "en" if lasting["en"] else "zh"
        if group == "en" or dose:
            tail = _entity("duration", lasting, _period(lasting), group)
            found.append(("drug_duration", drug, tail))
    return found


def _first(pattern: re.Pattern[str], text: str, span: Span, drug: Entity) -> re.Match[str] | None:
    after = pattern.search(text, drug.end, span[1])
    if after is not None:
        return after
    # "5 mg warfarin", "oral prednisone", "口服阿司匹林" stand directly before the drug.
    near = list(pattern.finditer(text, max(span[0], drug.start - 14), drug.start))
    if near and re.fullmatch(r"\s*(?:of\s+|dose\s+(?:of\s+)?)?", text[near[-1].end() : drug.start]):
        return near[-1]
    return None


def _entity(kind: str, match: re.Match[str], value: Value, group: str | int = 0) -> Entity:
    start, end = match.span(group)
    return Entity(type=kind, start=start, end=end, text=match[group], value=value)


def _dose(match: re.Match[str]) -> Entity:
    written = match["unit"].lower().rstrip("s") if match["unit"].lower() != "s" else "s"
    unit = (_COUNTED.get(written) or ucum(match["unit"])) + _each(match["per"] or "")
    if match["high"]:
        value = Value(low=number(match["num"]), high=number(match["high"]), unit=unit)
    else:
        value = Value(num=number(match["num"]), unit=unit)
    return _entity("dose", match, value)


def _each(written: str) -> str:
    """UCUM of "/kg/hr", "/m²/day"."""
    units = {"hr": "h", "day": "d", "m²": "m2", "次": ""}
    return "".join(f"/{own}" for u in written.lower().split("/")[1:] if (own := units.get(u, u)))


def _rate(match: re.Match[str]) -> Value:
    times, unit = _rate_numbers(match)
    return Value(num=times, unit=unit) if times else Value(text=match[0].lower())


def _rate_numbers(match: re.Match[str]) -> tuple[Number | None, str]:
    hours = match["hours"] or match["everyn"] or match["zhh"]
    if hours and (every := _TIMES.get(hours.lower()) or int(hours)):
        unit = (match["everyu"] or match["zhu"] or "h").lower()
        if unit[0] not in "h小":
            return _tidy(1 / every), _per(unit)
        return _tidy(24 / every), "/d"
    if match["latin"]:
        return _LATIN.get(match["latin"].lower().replace(".", ""), (None, ""))
    if "隔日" in match[0] or match["every"] == "other day":
        return 0.5, "/d"
    count = (match["word"] or "").split(" ")[0].lower() or match["zhn"] or match["zhn2"]
    period = match["per"] or match["every"] or match["daily"] or match["zhper"] or match["zhper2"]
    return _TIMES.get(count or "", 1), _per(period or "day")


def _tidy(times: float) -> Number:
    return int(times) if times == int(times) else round(times, 3)


def _per(word: str) -> str:
    if word.startswith("week") or "周" in word:
        return "/wk"
    return "/mo" if word.startswith("month") or "月" in word else "/d"


def _period(match: re.Match[str]) -> Value:
    if match["en"]:
        count = _TIMES.get(match["n"].lower()) or int(match["n"])
        return Value(num=count, unit=_PERIOD[match["u"][0].lower()])
    return Value(num=int(match["zn"]), unit=_PERIOD[match["zu"][0]])
