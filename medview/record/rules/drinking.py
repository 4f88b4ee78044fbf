"""Drinking: whether, how much where it is said, and whose it is; each mention one clause."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import PLAIN, Attributes, Entity, Span, Value
from medview.record.rules.smoking_amounts import AGO, N
from medview.record.rules.smoking_context import denied, whose
from medview.record.rules.units import BEGIN, END

_USE = r"(?: (?:use|intake|consumption))?"
_KIND = r"(?:(?:social|occasional|heavy|moderate|light|regular|daily|rare|excessive|binge) )"
_DRINKER = rf"{_KIND}?(?:drinker|drinking)|{_KIND}(?:alcohol{_USE}|etoh{_USE})"
_QUIT = (
    rf"(?:quit|stopped|ceased|gave up|until|till|abstinent|sober)(?: (?:drinking|alcohol))?"
    rf"(?: (?:{AGO}|(?:in |since )?(?:19|20)\d{{2}}))"
)
_AMOUNT = rf"(?:about |approximately )?{N}(?:\s*(?:-|to)\s*{N})?[^.,;\n]{{0,40}}?(?:day|week|weekend|month|daily|weekly|night)s?"
_UNITS = rf"{N}(?:\s*(?:-|to)\s*{N})? (?:units?|drinks?|beers?|glass(?:es)?(?: of wine)?|g)(?: ?(?:per|/|a) ?(?:week(?:end)?|day|month|night))?"
_ANSWERS = {
    "never": r"never|none|no|nil|non[ -]?drinker|denie[sd]|negative|teetotal(?:er|ler)?",
    "former": r"former|ex|past|previous|quit|stopped|in recovery",
    "current": r"yes|current|social(?:ly)?|occasional(?:ly)?|rare(?:ly)?|moderate|heavy|daily|regular|weekends?(?: only)?",
}
_LABEL = (
    rf"(?:alcohol|etoh|drinking|drinks)(?: (?:status|history|use|habits?|intake|consumption))*\s*[:：?]\s*"
    rf"(?:{'|'.join(f'(?P<is_{k}>{v})(?![ -]*to |-)' for k, v in _ANSWERS.items())})(?: (?:use|drinker|intake))?"
)
_NEVER = (
    r"(?:denies|denied|no) (?:any )?(?:alcohol|etoh|drinking)(?: (?:use|abuse|consumption|intake))?|(?:does not|doesn['’]t) drink(?: any)?(?: alcohol)?"
    r"|never drinks?|never drank|teetotal(?:er|ler)?|non[ -]?drinker"
)
# Words after which "no alcohol" is about something else than drinking.
_OTHER = r"(?![ -](?:withdrawal|related|induced|swabs?|levels?|septal|ablation|hand|rubs?|wipes?|pads?|dependence|intoxication|hepatitis|based|gel|poisoning|dehydrogenase))"
_BEFORE = r"(?:previous(?:ly)?|prior|past|former(?:ly)?|remote|(?:a )?history of|h/o|used to be)"
_FORMER = (
    rf"ex[ -]?drinker|former alcoholic|{_BEFORE} (?:a )?(?:{_DRINKER}|alcohol (?:use|intake|consumption)|etoh use)"
    r"|(?:abstinent|abstaining|sober) from alcohol(?: since (?:19|20)\d{2})?|(?:quit|stopped) drinking(?: (?:alcohol|in \d{4}|since \d{4}|\d+ years? ago))*"
    r"|drank (?:alcohol )?(?:heavily|socially|regularly|daily)"
)
_CURRENT = (
    rf"{_KIND}?drinker|{_KIND}(?:alcohol{_USE}|etoh{_USE}|drinking)"
    rf"|drinks (?:alcohol )?(?:socially|occasionally|heavily|rarely|moderately|regularly|daily|{_AMOUNT})|drinks alcohol"
    rf"|(?:alcohol|etoh){_USE}:? (?:of )?{_UNITS}"
)
_ENGLISH = re.compile(
    rf"{BEGIN}(?:(?P<label>{_LABEL})|(?P<never>{_NEVER})|(?P<former>{_FORMER})|(?P<current>{_CURRENT}))"
    rf"(?P<quit>[ ,;(]*(?:and |but )?{_QUIT})?{END}{_OTHER}",
    re.IGNORECASE,
)
# "Denies tobacco, alcohol or drugs": the word alone, with a list and its denial before it.
_LISTED = re.compile(rf"{BEGIN}(?:alcohol|etoh){_USE}{END}{_OTHER}", re.IGNORECASE)
_DENIED_LIST = re.compile(
    r"\b(?:denies|denied|denying|no|never|without|negative for)\b[^.;:\n]{0,60}(?:,|/|\b(?:or|and|nor))\s*(?:any )?$",
    re.IGNORECASE,
)
_HABIT = re.compile(r"smok|tobacco|cigar|drug|substance|illicit|vap", re.IGNORECASE)
_LISTED_AFTER = re.compile(
    r"(?:,|/| or| and|\s)*(?:tobacco|smok|illicit|drugs?\b|recreational)", re.I
)

_ZH_DRINK = r"(?:饮酒|嗜酒|酗酒)"
_ZH_AMOUNT = (
    r"(?:[，,]?(?:约)?\d+余?年)?(?:[，,]?(?:每[日天]|日均|约)*(?:白酒|啤酒|黄酒|红酒)?\d+(?:g|克|ml|mL|两|斤|瓶)(?:/[日天])?)?"
    r"(?P<quit>[，,]?(?:已|现已|目前已)?戒酒?(?:\d+余?(?:年|个?月))?)?"
)
_ZH_HOW = r"有|偶尔|偶|少量|社交|经常|大量"
_CHINESE = re.compile(
    rf"(?P<never>(?:否认|无|没有)(?:长期)?{_ZH_DRINK}(?:史|嗜好)?|(?:不|从不|从未){_ZH_DRINK}"
    rf"|(?:{_ZH_DRINK}|酒)(?:史|情况|嗜好)?\s*(?:[:：]\s*(?:否认?|无|没有|从不|从未|不饮)|[(（][-－—][)）]))"
    r"|(?P<former>(?:已)?戒酒(?:\d+余?年)?)"
    rf"|(?P<current>(?:既往|曾|有|长期|偶有|偶尔|偶|少量|间断|社交性|大量|经常)*{_ZH_DRINK}(?:史)?(?:[:：]\s*(?:{_ZH_HOW}))?{_ZH_AMOUNT})"
)
_ZH_LABEL = re.compile(rf"(?:{_ZH_DRINK}|烟?酒)(?:史|情况|嗜好)?\s*[:：]\s*$")
_ZH_ANSWER = re.compile(
    rf"(?P<never>否认|无|没有|从不|从未|不饮)|(?P<current>(?:{_ZH_HOW})?{_ZH_AMOUNT})"
)
_LABEL_LENGTH = 12
_ZH_PAST = re.compile(r"(?:曾|既往)(?:长期|大量)*(?:饮酒|嗜酒|酗酒)")
# One of them stands in whatever the patterns find: a sentence without them needs no pattern.
_WORDS = ("alcohol", "etoh", "drink", "drank", "teetotal", "酒")


def find_drinking(text: str, span: Span) -> list[Entity]:
    """Mentions of drinking inside `span`, or from the Chinese label before it on ("饮酒史：无").

    value.text: never, former, current, or not said.
    """
    label = _ZH_LABEL.search(text[max(0, span[0] - _LABEL_LENGTH) : span[0]])
    if label is not None:
        return _answers(text, span, span[0] - len(label[0]))
    said = text[span[0] : span[1]].lower()
    if not any(word in said for word in _WORDS):
        return []
    found = [_english(text, span, match) for match in _ENGLISH.finditer(text, *span)]
    for listed in _LISTED.finditer(text, *span):
        one = _listed(text, span, listed)
        if one is not None and not any(one.overlaps(f) for f in found):
            found.append(one)
    found += [_chinese(text, span, match) for match in _CHINESE.finditer(text, *span)]
    return sorted(found, key=lambda e: e.start)


def _answers(text: str, span: Span, start: int) -> list[Entity]:
    answer = _ZH_ANSWER.match(text, *span)
    if answer is None or answer.end() == span[0]:
        return []
    status = "never" if answer["never"] else "former" if answer["quit"] else "current"
    return [_entity(text, start, answer.end(), status, PLAIN)]


def _english(text: str, span: Span, match: re.Match[str]) -> Entity:
    words = ("never", "former", "current", "is_never", "is_former", "is_current")
    status = next(w for w in words if match[w]).removeprefix("is_")
    if match["quit"]:
        status = "former"
    return _mention(text, span, match.span(), status)


def _chinese(text: str, span: Span, match: re.Match[str]) -> Entity:
    status = next(w for w in ("never", "former", "current") if match[w])
    if match["quit"] or (status == "current" and _ZH_PAST.match(match[0])):
        status = "former"
    return _mention(text, span, match.span(), status)


def _mention(text: str, span: Span, place: Span, status: str) -> Entity:
    start, end = place
    attrs = whose(text, span, start, end)
    no = denied(text, span, start, end) if status == "current" else None
    if no is not None:
        start, end, status = no
    return _entity(text, start, end, status, attrs)


def _listed(text: str, span: Span, match: re.Match[str]) -> Entity | None:
    cue = _DENIED_LIST.search(text[span[0] : match.start()])
    if cue is None:
        return None
    is_of_habits = _HABIT.search(cue[0]) or _LISTED_AFTER.match(text, match.end(), span[1])
    return _entity(text, *match.span(), "never", PLAIN) if is_of_habits else None


def _entity(text: str, start: int, end: int, status: str, attrs: Attributes) -> Entity:
    value = Value(text=status)
    return Entity(
        type="alcohol", start=start, end=end, text=text[start:end], value=value, attrs=attrs
    )
