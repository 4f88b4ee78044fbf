"""Smoking (status, pack-years) and alcohol, each mention one clause."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import Entity, Span, Value
from medview.record.rules.units import BEGIN, END, number

CIGARETTES_A_PACK = 20

_N = r"\d+(?:\.\d+)?"
_PY = rf"{_N}\s*-?\s*(?:\+\s*)?(?:pack[ -]?years?|pk[ -]?yrs?|py)(?: (?:smoking )?history(?: of smoking)?| of smoking| smoker)?"
_A_DAY = (
    rf"(?:{_N}|one|two|half an?|a)(?:\s*(?:-|to)\s*{_N})?\s*(?:packs?|ppd|cigarettes?|cigs?)(?:\s*of cigarettes)?"
    rf"\s*(?:/\s*day|/d|per day|a day|daily|each day)?|{_N}\s*ppd"
)
_YEARS = rf"(?:for |x ?|×)\s*(?:the (?:past|last) )?(?:about |approximately |over )?{_N}\s*(?:-?years?|yrs?)"
_QUIT = (
    rf"(?:quit|stopped|gave up|ceased)(?: smoking)?(?: (?:tobacco|cigarettes))?"
    rf"(?: (?:(?:about |approximately )?(?:{_N}|ten|five|two|three|twenty) (?:years?|months?|yrs?) ago|(?:in |since )?(?:19|20)\d{{2}}\b))?"
)
_STATUS = {
    "never": r"never[ -]?smok(?:ed|er|ing)|non[ -]?smoker|has never smoked|lifelong non[ -]?smoker|lifetime non[ -]?smoker"
    r"|(?:denies|no|denied) (?:any )?(?:(?:history of )?(?:smoking|tobacco)(?: (?:use|history|or drug use))?|smoking history)"
    r"|does not smoke|doesn't smoke|nonsmoker",
    "former": rf"ex[ -]?smoker|former(?:ly)? (?:smoker|smoked|cigarette smoker|tobacco smoker|heavy smoker)|past smoker|previous smoker"
    rf"|used to smoke|former tobacco use|history of (?:smoking|tobacco use|tobacco abuse)|(?:prior|remote|previous) (?:smoking|tobacco use)"
    rf"|{_QUIT}(?<=smoking)|quit smoking(?: (?:about |approximately )?(?:{_N}|ten|five) (?:years?|months?|yrs?) ago| in \d{{4}})?"
    rf"|stopped smoking(?: {_N} (?:years?|months?) ago| in \d{{4}})?",
    "current": r"(?:current(?:ly)?|active|heavy|daily|chronic) (?:(?:cigarette|tobacco|everyday|every day) )?smok(?:er|es|ing)"
    r"|smoker|smokes|continues to smoke|still smok(?:es|ing)|ongoing tobacco use|current tobacco use|tobacco use disorder",
}  # fmt: skip
_TAIL = rf"(?:[ ,;:()]*(?:and |with (?:a |an )?|of |about |approximately |has (?:a )?|smoked |who (?:has |had )?)*(?:{_PY}|{_A_DAY}|{_YEARS}|{_QUIT}))*"
_ENGLISH = re.compile(
    rf"{BEGIN}(?:(?P<never>{_STATUS['never']})|(?P<former>{_STATUS['former']})|(?P<current>{_STATUS['current']})"
    rf"|smoked(?= [^.;]*(?:pack|cig|ppd|year)|\b)|(?P<py>{_PY})){_TAIL}{END}",
    re.IGNORECASE,
)
_HAS_QUIT = re.compile(r"\b(?:quit|stopped|gave up|ceased)\b", re.IGNORECASE)
_ZH_PY = rf"{_N}\s*包\s*[·.*]?\s*年"
_ZH_PACKS = rf"(?:{_N}|[半一两])"
_CHINESE = re.compile(
    r"(?P<never>(?:否认|无|没有|未)(?:有)?(?:长期)?(?:吸烟|抽烟|烟酒|吸烟饮酒|吸烟、饮酒|烟酒不良)(?:史|嗜好|习惯|等不良嗜好)?|(?:从不|不|从未|未曾)(?:吸烟|抽烟)|烟酒史?[(（]-[)）])"
    r"|(?P<yes>(?:既往|曾|有|长期)*(?:吸烟|抽烟|烟龄)(?:史|病史)?)"
    rf"(?P<tail>(?:[，,、；（( ]?(?:约|近|已|平均|余)?(?:{_N}\s*(?:余|多|\+)?年(?:包)?(?:余|史)?|(?:每[日天]|日均)\s*(?:约)?\d+(?:[-~～]\d+)?\s*余?支"
    rf"|\d+(?:[-~～]\d+)?\s*余?支\s*[/／每]?\s*(?:日|天|d)|每[日天](?:约)?{_ZH_PACKS}\s*包|{_ZH_PACKS}\s*包\s*[/／每]\s*(?:日|天)|{_ZH_PY}|\d+\s*年\s*支"
    r"|(?:已|现已|目前已)?(?:戒烟|戒除|戒)(?:\s*(?:约|已)?\d+\s*余?(?:年|个?月))?|未戒(?:烟)?|吸烟指数\d+)[)）]?)*)"
    rf"|(?P<quit>(?:已)?戒烟(?:\s*\d+\s*余?年)?(?:[，,](?:既往|曾|原)(?:吸烟)?{_ZH_PY})?)|(?<![\d.]){_ZH_PY}"
)
_ALCOHOL = re.compile(
    rf"{BEGIN}(?:(?P<never>(?:denies|denied|no) (?:any )?(?:alcohol|etoh|drinking)(?: (?:use|abuse|consumption|intake))?|does not drink(?: alcohol)?"
    rf"|never drinks?|teetotal(?:er|ler)?|non[ -]?drinker)|(?P<former>ex[ -]?drinker|former (?:alcohol use|drinker|alcoholic)|(?:abstinent|abstaining|sober) from alcohol(?: since (?:19|20)\d{{2}})?|(?:quit|stopped) drinking(?: (?:alcohol|in \d{{4}}|since \d{{4}}|\d+ years? ago))*)"
    rf"|(?P<current>(?:social|occasional|heavy|moderate) (?:alcohol(?: use| consumption)?|drinker|drinking|etoh)|drinks (?:alcohol )?(?:socially|occasionally|(?:about )?{_N}[^.,;]{{0,40}}?(?:day|week|month|daily))"
    rf"|(?:alcohol|etoh)(?: use| intake| consumption)?:? (?:of )?{_N} (?:units?|drinks?|beers?|glass(?:es)?(?: of wine)?|g)(?: ?(?:per|/|a) ?(?:week|day))?)){END}"
    r"|(?P<zhnever>(?:否认|无|没有)(?:长期)?(?:饮酒|酗酒|嗜酒)(?:史|嗜好)?|(?:不|从不)饮酒)"
    r"|(?P<zhformer>(?:已)?戒酒(?:\d+余?年)?)|(?P<zhcurrent>(?:有|长期|偶有|偶尔|偶|少量|间断|社交性|大量|经常)?(?:饮酒|嗜酒|酗酒)(?:史)?(?:[，,]?(?:约)?\d+余?年)?(?:[，,]?(?:每[日天]|日均|约)*(?:白酒|啤酒|黄酒|红酒)?\d+(?:g|克|ml|mL|两|斤|瓶)(?:/[日天])?)?(?P<zhquit>[，,]?(?:已|现已|目前已)?戒酒?(?:\d+余?(?:年|个?月))?)?)",
    re.IGNORECASE,
)
_WORDS = {
    "one": 1.0,
    "a": 1.0,
    "two": 2.0,
    "half": 0.5,
    "half a": 0.5,
    "一": 1.0,
    "两": 2.0,
    "半": 0.5,
}


# One of them stands in whatever the patterns find: a sentence without them needs no pattern.
_SMOKING_WORDS = ("smok", "tobacco", "pack", "pk", "py", "烟", "包")
_DRINKING_WORDS = ("alcohol", "etoh", "drink", "teetotal", "酒")


def find_habits(text: str, span: Span) -> list[Entity]:
    """Smoking and alcohol mentions inside `span`."""
    said = text[span[0] : span[1]].lower()
    found: list[Entity] = []
    if any(word in said for word in _SMOKING_WORDS):
        found += [_english(text, match) for match in _ENGLISH.finditer(text, *span)]
        found += _beside(found, [_chinese(text, m) for m in _CHINESE.finditer(text, *span)])
    if any(word in said for word in _DRINKING_WORDS):
        found += _beside(found, [_alcohol(match) for match in _ALCOHOL.finditer(text, *span)])
    return sorted(found, key=lambda e: e.start)


def _beside(found: list[Entity], others: list[Entity]) -> list[Entity]:
    return [o for o in others if not any(o.overlaps(f) for f in found)]


def _alcohol(match: re.Match[str]) -> Entity:
    word = next(k for k, v in match.groupdict().items() if v).removeprefix("zh")
    value = Value(text="former" if match["zhquit"] else word)
    return Entity(type="alcohol", start=match.start(), end=match.end(), text=match[0], value=value)


def _english(text: str, match: re.Match[str]) -> Entity:
    said = match[0]
    status = next((k for k in ("never", "former", "current") if match[k]), "")
    if not status and match["py"] and re.search(r"smoker", said, re.IGNORECASE):
        status = "current"
    if status in ("", "current") and _HAS_QUIT.search(said):
        status = "former"
    return _smoking(said, match.start(), status, _english_pack_years(said))


def _smoking(said: str, start: int, status: str, pack_years: int | float | None) -> Entity:
    value = Value(
        num=pack_years, unit="{pack-years}" if pack_years is not None else "", text=status
    )
    return Entity(type="smoking", start=start, end=start + len(said), text=said, value=value)


def _english_pack_years(said: str) -> int | float | None:
    if direct := re.search(
        rf"({_N})\s*-?\s*\+?\s*(?:pack[ -]?years?|pk[ -]?yrs?|py)", said, re.IGNORECASE
    ):
        return number(direct[1])
    years = re.search(rf"({_N})\s*-?(?:years?|yrs?)(?! ago)", said, re.IGNORECASE)
    packs = re.search(rf"({_N}|one|two|half an?|a)\s*(?:packs?|ppd)", said, re.IGNORECASE)
    single = re.search(rf"({_N})\s*(?:cigarettes?|cigs?)", said, re.IGNORECASE)
    if years and packs:
        word = packs[1].lower()
        daily = _WORDS.get(word) or (0.5 if word.startswith("half") else float(word))
        return _tidy(daily * float(years[1]))
    if years and single:
        return _tidy(float(single[1]) / CIGARETTES_A_PACK * float(years[1]))
    return None


def _chinese(text: str, match: re.Match[str]) -> Entity:
    said = match[0].rstrip("（( ")
    if match["never"]:
        return _smoking(said, match.start(), "never", None)
    if match["quit"] or re.search(r"(?<!未)戒(?:烟|除|\d|$)|曾吸烟|既往吸烟", said):
        status = "former"
    elif re.search(r"未戒", said):
        status = "current"
    else:
        status = ""
    pack_years = _chinese_pack_years(said)
    if not status and pack_years is None and not match["tail"]:
        status = "current"
    return _smoking(said, match.start(), status, pack_years)


def _chinese_pack_years(said: str) -> int | float | None:
    if direct := re.search(rf"({_N})\s*(?:包\s*[·.*]?\s*年|年包)", said):
        return _tidy(float(direct[1]))
    if index := re.search(r"(\d+)\s*年支|吸烟指数(\d+)", said):
        return _tidy(int(index[1] or index[2]) / CIGARETTES_A_PACK)
    smoked = re.sub(r"戒烟?除?\s*(?:约|已)?\d+\s*余?(?:年|个?月)", "", said)
    years = re.search(rf"({_N})\s*(?:余|多|\+)?年", smoked)
    single = re.search(r"(\d+)(?:[-~～](\d+))?\s*余?支", smoked)
    packs = re.search(rf"({_ZH_PACKS})\s*包", smoked)
    if years and single:
        daily = (int(single[1]) + int(single[2] or single[1])) / 2
        return _tidy(daily / CIGARETTES_A_PACK * float(years[1]))
    if years and packs:
        return _tidy((_WORDS.get(packs[1]) or float(packs[1])) * float(years[1]))
    return None


def quit_years(said: str, date: str = "") -> float | None:
    """Years since quitting at `date` (ISO), where a smoking clause says so."""
    match = re.search(
        rf"(?:quit|stopped|gave up)[^.;]*?({_N}) (years?|months?|yrs?) ago", said, re.IGNORECASE
    )
    match = match or re.search(r"戒(?:烟|除)?\s*(?:约|已)?(\d+)\s*余?(年|个?月)", said)
    if match is not None:
        months = match[2].startswith(("month", "个", "月"))
        return float(match[1]) / (12 if months else 1)
    year = re.search(r"(?:quit|stopped|gave up)[^.;]*? (?:in|since) (\d{4})", said, re.IGNORECASE)
    if year is None or not date[:4].isdigit():
        return None
    since = int(date[:4]) - int(year[1])
    return float(since) if since >= 0 else None


def _tidy(value: float) -> int | float:
    return int(value) if value == int(value) else round(value, 2)
