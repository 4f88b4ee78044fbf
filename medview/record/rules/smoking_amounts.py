"""How much and how long was smoked, and for how long no more, of the words of one mention."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

CIGARETTES_A_PACK = 20
N = r"\d{1,4}(?:\.\d{1,4})?"
TO = r"\s*(?:-|–|~|～|to|至|到)\s*"
SOME = rf"(?:\d{{1,2}} \d/\d|\d/\d|½|{N}|one and a half|half an?|a half|half|one|two|three|an?)"
COUNT = rf"(?:{N}|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty)"
PACK_YEARS = r"(?:pack[ -]?years?|pk[ -]?yrs?|py)"
_QUIT = r"(?:quit|stopped|gave up|ceased|not smoked|n['’]t smoked)"
# Whatever stands between the word and the number is short: the reading stays quick.
AGO = rf"(?:(?:about|approximately|over|almost|nearly|some|more than) )?{COUNT}\+? (?:years?|months?|weeks?|yrs?|mos?) ago"
NOT_QUIT = (
    r"(?:(?:has|have|had|did|does) ?(?:not|never|n['’]t)|never|not|unable to|cannot|can['’]t|could not|couldn['’]t"
    r"|refuses? to|refused to|failed to|fails to|unwilling to|declines? to|declined to|trying to|tries to|tried to"
    r"|attempting to|wants? to|would like to|wishes to|plans? to|planning to|struggling to|yet to)"
    r"(?: yet| been able to| successfully| completely| managed to)* (?:quit|stop|stopped|give up|given up|cease|ceased)"
    r"(?: (?:smoking|tobacco|cigarettes))?"
)
ZH_NOT_QUIT = r"(?:(?:尚|仍|至今|一直)?(?:未能|没有|未|没|不愿|不肯|拒绝|无法|不能)(?:成功|完全|再|有)?戒(?:烟|除|掉)?|戒烟(?:失败|未成功|未果))"
_HALVES = {
    "half": 0.5,
    "half a": 0.5,
    "half an": 0.5,
    "a half": 0.5,
    "½": 0.5,
    "半": 0.5,
    "one and a half": 1.5,
}
_WORDS = {
    "one": 1, "a": 1, "an": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "一": 1, "两": 2, "二": 2, "三": 3, "十": 10,
}  # fmt: skip
_MONTHS_A_YEAR, _WEEKS_A_YEAR = 12.0, 365.25 / 7
_I = re.IGNORECASE

_QUIT_SPAN = re.compile(
    rf"{_QUIT}[^.;]{{0,40}}?(?:(?P<n>{COUNT})\+? (?P<u>years?|months?|weeks?|yrs?|mos?) ago"
    rf"|(?<=smoked )(?:in|for) (?:the (?:past|last) )?(?P<n2>{COUNT}) (?P<u2>years?|months?|weeks?|yrs?|mos?)"
    r"|(?<![\d.])(?P<year>(?:19|20)\d{2})(?![\d.]))", _I
)  # fmt: skip
_ZH_QUIT_SPAN = re.compile(
    r"戒(?:烟|除|掉)?\s*(?:约|已|近|有|了|达|共|大约)*\s*(?P<n>\d{1,2}|[一两二三十半])\s*(?:余|多)?\s*(?P<u>年|个?月|周)"
    r"|(?P<year>(?:19|20)\d{2})年(?:\d{1,2}月)?(?:份|起|开始|已|后)*戒(?:烟|除)?|戒(?:烟|除)?(?:于|自)(?P<year2>(?:19|20)\d{2})年?"
)
_DIRECT = re.compile(
    rf"(?:({N}){TO})?({N})\s*\+?\s*(?:-?\s*{PACK_YEARS}|包\s*[·.*×]?\s*年|年包)", _I
)
_INDEX = re.compile(r"(?:指数\s*[:：为约达]*\s*(\d+)|(\d+)\s*(?:年支|支\s*[·.*×/]?\s*年))")
_SPAN_OF_YEARS = re.compile(rf"((?:19|20)\d{{2}})(?:{TO}|\s*until\s*)((?:19|20)\d{{2}})")
_YEARS = re.compile(
    rf"(?:(?<![\d./])({N}){TO})?(?<![\d./])({COUNT}|[一两二三十])\s*(?:余|多|\+)?\s*(?:-?(?:years?|yrs?)\b(?!-old| old)|年(?!月))",
    _I,
)
_PACKS = re.compile(
    rf"(?<![\d./])(?:({SOME}){TO})?({SOME}|[半一两二三])\s*-?\s*(?:packs?|ppd|包)", _I
)
_SINGLE = re.compile(
    rf"(?<![\d./])(?:(\d+){TO})?(\d+)\s*(?:余|多)?\s*(?:cigarettes?|cigs?|支|根|/\s*d(?:ay)?\b|(?:a|per) day)",
    _I,
)


def pack_years(said: str) -> int | float | None:
    """Packs a day times years, where the words tell both; of a range the mean."""
    if direct := _DIRECT.search(said):
        return _tidy(_mean(direct))
    if index := _INDEX.search(said):
        return _tidy(int(index[1] or index[2]) / CIGARETTES_A_PACK)
    smoked = _ZH_QUIT_SPAN.sub("", _QUIT_SPAN.sub("", said))
    years = _years(smoked)
    if years is None:
        return None
    if packs := _PACKS.search(smoked):
        return _tidy(_mean(packs) * years)
    if single := _SINGLE.search(smoked):
        return _tidy(_mean(single) / CIGARETTES_A_PACK * years)
    return None


def quit_years(said: str, date: str = "") -> float | None:
    """Years since quitting at `date` (ISO), where a smoking mention says so."""
    without = re.sub(ZH_NOT_QUIT, "", re.sub(NOT_QUIT, "", said, flags=_I))
    match = _QUIT_SPAN.search(without) or _ZH_QUIT_SPAN.search(without)
    if match is None:
        return None
    found = match.groupdict()
    if year := found["year"] or found.get("year2"):
        since = int(date[:4]) - int(year) if date[:4].isdigit() else -1
        return float(since) if since >= 0 else None
    unit = (found["u"] or found.get("u2") or "").lower()
    a_year = (
        _MONTHS_A_YEAR if unit.startswith(("m", "个", "月"))
        else _WEEKS_A_YEAR if unit.startswith(("w", "周")) else 1.0
    )  # fmt: skip
    return _worth(found["n"] or found.get("n2") or "") / a_year


def _years(said: str) -> float | None:
    if span := _SPAN_OF_YEARS.search(said):
        return max(0.0, float(span[2]) - float(span[1]))
    found = _YEARS.search(said)
    return None if found is None else _mean(found)


def _mean(match: re.Match[str]) -> float:
    return (_worth(match[1] or match[2]) + _worth(match[2])) / 2


def _worth(written: str) -> float:
    word = written.lower()
    if word in _HALVES or word in _WORDS:
        return _HALVES.get(word) or float(_WORDS[word])
    whole, _, part = word.rpartition(" ")
    over, _, under = part.partition("/")
    return float(whole or 0) + float(over) / float(under or 1) if under != "0" else 0.0


def _tidy(value: float) -> int | float:
    return int(value) if value == int(value) else round(value, 2)
