"""Smoking: its status and amount, each mention one clause, and whose it is."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import PLAIN, Attributes, Entity, Span, Value
from medview.record.rules.smoking_amounts import (
    AGO,
    NOT_QUIT,
    PACK_YEARS,
    SOME,
    TO,
    ZH_NOT_QUIT,
    N,
    pack_years,
)
from medview.record.rules.smoking_context import denied, whose
from medview.record.rules.units import BEGIN, END

_PY = rf"(?:{N}{TO})?{N}\s*+-?\s*+(?:\+\s*+)?{PACK_YEARS}(?: (?:smoking )?history(?: of smoking)?| of smoking| smoker)?"
_PER_DAY = r"(?:/\s*day|/\s*d\b|per day|a day|daily|each day|every day)"
_A_DAY = (
    rf"(?:{SOME}{TO})?{SOME}\s*+-?\s*+(?:packs?|ppd|cigarettes?|cigs?)(?:\s*of cigarettes)?(?:\s*-?\s*{_PER_DAY})?"
    rf"|(?:\d+{TO})?\d+\s*{_PER_DAY}"
)
_YEARS = (
    rf"(?:for |x ?|×|over )\s*(?:the (?:past|last) )?(?:about |approximately |over |almost |nearly )?(?:{N}{TO})?{N}\+?\s*(?:-?years?|yrs?)"
    rf"|(?:from |since )?(?:19|20)\d{{2}}(?:{TO}|\s*until\s*)(?:19|20)\d{{2}}"
)
_ENDED = rf"(?: (?:{AGO}|(?:in |since )?(?:\w+ )?(?:19|20)\d{{2}}\b))"
_QUIT = rf"(?:quit|stopped|gave up|ceased)(?: smoking)?(?: (?:tobacco|cigarettes))?{_ENDED}?"
_NEVER = (
    r"never[ -]?smok(?:ed|er|ing|es)|non[ -]?smok(?:er|ing)|has never smoked|life-?(?:long|time) non[ -]?smoker"
    r"|(?:denies|no|denied) (?:any )?(?:(?:history of )?(?:smoking|tobacco|cigarettes?)(?: (?:use|history|or drug use))?|smoking history)"
    r"|den(?:ies|ied) ever smoking|(?:do|does|did)(?: not|n['’]t) smoke(?! any ?more)|nonsmoker"
)
_FORMER = (
    r"ex[ -]?(?:heavy |light )?smoker|former(?:ly)? (?:smoker|smoked|cigarette smoker|tobacco smoker|heavy smoker)|(?:past|previous) smoker|previously smoked"
    r"|used to smoke|former tobacco use|history of (?:smoking|tobacco use|tobacco abuse)|(?:prior|remote|previous) (?:smoking|tobacco use)"
    rf"|(?:quit|stopped|gave up|ceased) (?:smoking|tobacco|cigarettes){_ENDED}?|(?:quit|stopped){_ENDED} after(?: smoking)?"
    rf"|(?:does not|doesn['’]t|not) smok(?:e|ing) any ?more|(?:(?:has|have|had) not|ha(?:s|ve|d)n['’]t) smoked (?:since (?:19|20)\d{{2}}|(?:in|for) (?:the (?:past|last) )?{N} (?:years?|months?|yrs?))"
)
_CURRENT = (
    r"(?:current(?:ly)?|active|heavy|daily|chronic|every ?day) (?:(?:cigarette|tobacco|everyday|every day) )?smok(?:er|es|ing)"
    r"|(?:resumed|restarted|relapsed to|back to) smoking|started smoking again|smoker|smokes|continues to smoke|still smok(?:es|ing)|(?:ongoing|current) tobacco use|tobacco use disorder|smoking (?=\d)"
)
_ANSWERS = {
    "never": r"never|none|no|nil|non|denie[sd]|negative",
    "former": r"former|ex|past|previous",
    "current": r"yes|current|active|daily|every ?day|some ?days?|occasional(?:ly)?",
}
_ANSWER = "|".join(f"(?P<is_{k}>{v})" for k, v in _ANSWERS.items())
_LABELLED = (
    r"(?:smoking|tobacco|cigarettes?|smokes)(?: (?:status|history|use|habits?))*\s*[:：?]\s*"
    rf"(?:(?:{_ANSWER})(?![\w-]| (?:to|longer)\b)(?! [\w-]*smok)|(?={_A_DAY}|{_QUIT}))"
)
_TAIL = (
    rf"(?:[ ,;:()]*+(?:and |with (?:a |an )?|of |about |approximately |has (?:a )?|smoked |after (?:smoking )?|who (?:has |had )?|at |(?:has )?done so |but |having |(?:now|currently|at present),? |in (?:his|her|their) (?:early |late )?[a-z0-9']+ )*"
    rf"(?:{_PY}|{_A_DAY}|{_YEARS}|{NOT_QUIT}|{_QUIT}))*"
)
_ENGLISH = re.compile(
    rf"{BEGIN}(?:(?P<still>{NOT_QUIT}(?:(?<=smoking)|(?<=tobacco)|(?<=cigarettes))|(?:quit|stopped) smoking\s*[:?]\s*(?:no|not yet)\b)|(?P<label>{_LABELLED})"
    rf"|(?P<never>{_NEVER})|(?P<former>{_FORMER})|(?P<current>{_CURRENT})|(?P<smoked>smoked)|(?P<py>{_PY})"
    rf"|(?P<plain>(?:{SOME}\s*packs?|\d+ cig(?:arette)?s)(?: of cigarettes)?\s*{_PER_DAY}(?= (?:for|x|over) ?\d))){_TAIL}{END}",
    re.IGNORECASE,
)  # fmt: skip
_HAS_QUIT = re.compile(r"\b(?:quit|stopped|gave up|ceased)\b", re.IGNORECASE)
# What stands around a mention and gives it another time, or another meaning.
_WAS = re.compile(
    r"\b(?:was|used to be|had been|previously|formerly|once)(?: (?:also|a|an|been))*\s+$",
    re.IGNORECASE,
)
_IS_NOW = re.compile(r"current|now|active|ongoing|still|continue", re.IGNORECASE)
_IN_THE_PAST = re.compile(
    r"\s*(?:(?:until|till) (?:(?:19|20)\d{2}|age \d+|\w+ years? ago|recently)|(?:\w+ )?in the (?:distant )?past|in remission|previously|formerly)\b",
    re.IGNORECASE,
)
_NOT_SINCE = re.compile(
    r"\s*(?:since (?:\w+ )?(?:19|20)\d{2}|(?:in|for|over) (?:the )?(?:last|past) \w+ (?:years?|months?|weeks?|decades?)|(?:in|for) \w+ (?:years|months|decades))\b",
    re.IGNORECASE,
)
_NOT_SAID = re.compile(
    r"\s*(?:status\s*[:：]?\s*(?:unknown|not (?:known|asked|recorded|documented)|unclear)|(?:cessation|counsel)|[?]\s*(?:no|not|unknown|unsure|unclear)\b)",
    re.IGNORECASE,
)
_OTHER_SMOKE = re.compile(
    r"\s*(?:marijuana|cannabis|weed|pot|hashish|crack|cocaine|heroin|opium|thc|meth)\b", re.I
)
_SUPPOSED = re.compile(r"\b(?:if|whether|unless|should|in case)\b[^.,;]{0,16}$", re.IGNORECASE)
_AGAIN = re.compile(
    r"(?P<gap>[^.;。；\n]{0,24})\b(?:resumed|relapsed|restarted|(?:started|smoking|smokes) again|back to smoking)\b"
    r"|(?P<zh>[^。；\n]{0,6}?)(?:复吸|又吸|再次吸烟|再吸|重新吸烟)(?:\d+年)?",
    re.IGNORECASE,
)
_NOT_AGAIN = re.compile(r"\b(?:not|never|no|without|n['’]t)\b|[未没无不]", re.IGNORECASE)
# "Quit 2010, metformin restarted": another thing than smoking
_HABIT_GOES_ON = re.compile(
    r"(?:[\s,()]|\b(?:but|and|then|later|has|have|had|he|she|recently|since|now|again|unfortunately|after|for|ago|in|briefly|years?|months?|weeks?|(?:19|20)?\d{1,2})\b)*",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"\b(?:to|should|must|will|can|could|help|helped|if|when|once|have you|consider)\s+$",
    re.IGNORECASE,
)

_ZH_NUMBER = r"[半一两二三]"
_ZH_SINGLE = r"\d+(?:[-~～]\d+)?\s*余?[支根]"
_ZH_PACKS = rf"(?:(?:{N}|{_ZH_NUMBER})[-~～])?(?:\d/\d|{N}|{_ZH_NUMBER})"
_ZH_DAY = r"(?:日|天|[dD](?![a-z]))"
_ZH_PY = rf"{N}\s*(?:包\s*[·.*×]?\s*年|年包)"
_ZH_QUIT = (
    r"(?:已|现已|目前已|后)?(?:戒烟|戒除|戒掉|戒(?![酒毒断]))(?:\s*(?:约|已|近|有|了|达)*\s*(?:\d{1,2}|[一两二三十半])\s*余?(?:年|个?月|周)|[于自](?:19|20)\d{2}年?)?"
    r"|(?:于|自)?(?:19|20)\d{2}年(?:\d{1,2}月)?(?:份|起|开始|已|后)*戒烟?"
)
_ZH_TAIL = (
    rf"(?:[，,、；;：:（( ×xX*]{{0,2}}(?:约|近|已|平均|余|共|达|吸烟|抽烟|量|烟量|烟龄|史|后|前){{0,3}}(?:{_ZH_PY}|(?:吸烟)?指数[:：为约达]*\s*\d+(?:\s*(?:年支|支\s*[·.*×/]?\s*年))?|\d+\s*(?:年支|支\s*[·.*×/]?\s*年)"
    rf"|(?:每[日天]|日均|日)\s*(?:吸烟|吸|抽烟|抽)?(?:约|平均)?\s*{_ZH_SINGLE}|{_ZH_SINGLE}(?:\s*[/／每]?\s*{_ZH_DAY})?|(?:每[日天]|日均|日)\s*(?:吸烟|吸|抽烟|抽)?(?:约)?{_ZH_PACKS}\s*包|{_ZH_PACKS}\s*包\s*[/／每]\s*{_ZH_DAY}"
    rf"|(?<!\d){N}\s*(?:余|多|\+)?年(?:包)?(?:余|史)?(?!前|\d|月)|{ZH_NOT_QUIT}|{_ZH_QUIT})[)）]?)*"
)
_CHINESE = re.compile(
    r"(?P<never>(?:否认|无|没有|未)(?:有)?(?:长期)?(?:吸烟|抽烟|烟酒|吸烟饮酒|吸烟、饮酒|烟酒不良)(?:史|嗜好|习惯|等不良嗜好)?|(?<!现)(?<!目前)(?<!已)(?:从不|不|从未|未曾|从来不|从无)(?:吸烟|抽烟)(?:史)?"
    r"|(?:吸烟|抽烟|烟酒|烟)(?:史|情况|嗜好)?\s*[:：]?\s*(?:[(（][-－—][)）]|[:：]\s*(?:否认?|无|没有|从不|从未|不吸))|非吸烟者)"
    r"|(?P<gone>(?:现|目前|现在|近\S{0,4})?(?:已经?不再?|不再|未再|没有?再)(?:吸烟|抽烟))|(?P<notnow>(?:现在?|目前)(?:不|未|无)(?:吸烟|抽烟))"
    rf"|(?P<still>{ZH_NOT_QUIT}(?:[，,](?:既往|曾|现)?(?:吸烟|抽烟)(?:史)?)?{_ZH_TAIL})"
    rf"|(?P<yes>(?:既往|曾|有|长期|仍|目前|现|每[日天]|日均)*(?:吸烟|抽烟|烟龄)(?:史|病史)?(?:[:：](?:是|有|目前|现吸))?)(?P<tail>{_ZH_TAIL})"
    rf"|(?P<quit>(?<![嘱劝议应须需要导烟])(?=[^戒，。；]{{0,16}}戒(?:烟|除|掉|$|[，。；]))(?:{_ZH_QUIT})(?:[，,](?:既往|曾|原|戒烟前|戒前|此前)(?:吸烟)?{_ZH_TAIL})?)|(?<![\d.]){_ZH_PY}"
)
_ZH_TOLD = re.compile(
    r"(?:嘱|劝|建议|议|应|须|需|要|指导|宣教|告知|鼓励|督促|注意)[^，。；\n]{0,8}$"
)
_ZH_DONE = re.compile(r"已|后|于|有|\d|半|[一两二三十][年月]")
_ZH_AFTER_SMOKING = re.compile(r"[吸抽]烟[^。；\n]*$")
_ZH_HAS_QUIT = re.compile(r"戒|曾吸烟|曾抽烟|既往吸烟|既往抽烟")
_ZH_SAID_YES = re.compile(r"[:：](?:是|有|目前|现吸)$")
_ZH_UNKNOWN = re.compile(r"[:：]?(?:不详|不明|未知|不清)")
_ZH_LABEL = re.compile(r"(?:吸烟|抽烟|烟酒?)(?:指数|史|情况|状况|嗜好)?\s*[:：]\s*$")
_LABEL_LENGTH = 12
# One of them stands in whatever the patterns find: a sentence without them needs no pattern.
_WORDS = ("smok", "tobacco", "cig", "pack", "pk", "py", "烟", "包")


def find_smoking(text: str, span: Span) -> list[Entity]:
    """Mentions of smoking inside `span`, or from the Chinese label before it on ("吸烟史：无")."""
    label = _ZH_LABEL.search(text[max(0, span[0] - _LABEL_LENGTH) : span[0]])
    if label is not None:
        span = (span[0] - len(label[0]), span[1])
    said = text[span[0] : span[1]].lower()
    if not any(word in said for word in _WORDS):
        return []
    english = (_english(text, span, match) for match in _ENGLISH.finditer(text, *span))
    found = [e for e in english if e is not None]
    chinese = [_chinese(text, span, m) for m in _CHINESE.finditer(text, *span)]
    found += [c for c in chinese if not any(c.overlaps(f) for f in found)]
    return sorted(found, key=lambda e: e.start)


def _english(text: str, span: Span, match: re.Match[str]) -> Entity | None:
    start, end = match.span()
    if _OTHER_SMOKE.match(text, end, span[1]):
        return None
    status, end = _at_its_time(text, span, match)
    is_advice = re.match(r"quit|stop|give", match[0], re.I) and _ADVICE.search(
        text[max(0, start - 12) : start]
    )
    # what somebody should do is not done, and what is supposed is not said
    if is_advice or _SUPPOSED.search(text[max(span[0], start - 24) : start]):
        return _mention(text, start, end, "", PLAIN)
    attrs = whose(text, span, start, end)
    if match["current"] or match["smoked"]:
        no = denied(text, span, start, end)
        if no is not None:
            start, end, left = no
            status = status if status == "former" else left
    return _mention(text, start, end, status, attrs)


def _again(text: str, end: int, stop: int) -> re.Match[str] | None:
    """Where it is said that somebody who had stopped smokes again, and not that he does not."""
    match = _AGAIN.match(text, end, stop)
    if match is None or _NOT_AGAIN.search(match["gap"] or match["zh"] or ""):
        return None
    return match if match["gap"] is None or _HABIT_GOES_ON.fullmatch(match["gap"]) else None


def _at_its_time(text: str, span: Span, match: re.Match[str]) -> tuple[str, int]:
    """The status with what stands around the words, and where the mention ends."""
    start, end = match.span()
    status = _english_status(match)
    if again := _again(text, end, span[1]):
        return ("current", again.end()) if status == "former" else (status, end)
    if _NOT_SAID.match(text, end):  # the answer may be a sentence of its own
        return "", end
    past = None
    if status == "current" and not _IS_NOW.search(match[0]):
        past = _IN_THE_PAST.match(text, end, span[1])
        if past is None and _WAS.search(text[max(span[0], start - 24) : start]):
            return "former", end
    elif status == "never":
        past = _NOT_SINCE.match(text, end, span[1])
    return (status, end) if past is None else ("former", past.end())


def _english_status(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if groups["still"]:
        return "current"
    answers = ("is_never", "is_former", "is_current")
    said = next((k for k in ("never", "former", "current", *answers) if groups[k]), "")
    status = said.removeprefix("is_")
    if status == "never" and _HAS_QUIT.search(match[0]):
        return "former"
    if status == "never" and re.search(PACK_YEARS, match[0], re.IGNORECASE):
        return ""  # "denies smoking but has a 30 pack-year history"
    if not status and groups["py"] and re.search(r"smoker", match[0], re.IGNORECASE):
        status = "current"
    negated = re.search(NOT_QUIT, match[0], re.IGNORECASE)
    rest = re.sub(NOT_QUIT, "", match[0], flags=re.IGNORECASE)
    if status in ("", "current") and _HAS_QUIT.search(rest):
        return "former"
    return "current" if negated and not status else status


def _mention(text: str, start: int, end: int, status: str, attrs: Attributes) -> Entity:
    amount = pack_years(text[start:end])
    value = Value(num=amount, unit="{pack-years}" if amount is not None else "", text=status)
    return Entity(
        type="smoking", start=start, end=end, text=text[start:end], value=value, attrs=attrs
    )


def _chinese(text: str, span: Span, match: re.Match[str]) -> Entity:
    said = match[0].rstrip("（( ，,、；;：:×xX*")
    start, end = match.start(), match.start() + len(said)
    attrs = whose(text, span, start, end)
    if match["quit"] and _is_told_to(text, start, said):
        return _mention(text, start, end, "", attrs)
    if _ZH_HAS_QUIT.search(said) and (again := _again(text, end, span[1])):
        return _mention(text, start, again.end(), "current", attrs)
    if match["never"] or match["gone"] or match["notnow"]:
        status = "never" if match["never"] else "former" if match["gone"] else ""
        return _mention(text, start, end, status, attrs)
    no = denied(text, span, start, end) if match["yes"] and not match["tail"] else None
    if no is not None:
        return _mention(text, *no, attrs)
    return _mention(text, start, end, _chinese_status(match, said), attrs)


def _is_told_to(text: str, start: int, said: str) -> bool:
    """Whether 戒烟 is what somebody is told to do: 嘱其戒烟, 健康宣教：戒烟."""
    if _ZH_DONE.search(said):
        return False
    return _ZH_TOLD.search(
        text, max(0, start - 16), start
    ) is not None or not _ZH_AFTER_SMOKING.search(text, max(0, start - 40), start)


def _chinese_status(match: re.Match[str], said: str) -> str:
    rest = re.sub(ZH_NOT_QUIT, "", said)
    if _ZH_HAS_QUIT.search(rest):
        return "former"
    if rest != said:
        return "current"
    if match["yes"] and _ZH_SAID_YES.search(match["yes"]):
        return "current"
    is_unknown = _ZH_UNKNOWN.match(match.string, match.end())
    is_bare = match["yes"] and not is_unknown and pack_years(said) is None and not match["tail"]
    return "current" if is_bare else ""
