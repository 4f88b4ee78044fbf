"""Whether an age that a text says is that of its patient today."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import Entity

_LOOK_BACK, _LOOK_ON = 60, 24  # characters
# "When she was 12 years old", "at 12 years of age", "bone age 12 years", 初潮年龄13岁, 自20岁
_OF_ANOTHER_TIME = re.compile(
    r"\bwhen (?:\w+ ){0,3}(?:was |were )?(?:only |about |around |aged? )?$"
    r"|\b(?:at|since|from|until|till|before|after|by) (?:the age of |age |aged |about |around )?$"
    r"|\b(?:gestational|bone|skeletal|corrected|postmenstrual|mental|developmental|biological|maternal|paternal) age[: ]*(?:of |is |about )?$"
    r"|(?:骨龄|胎龄|孕龄|初潮|绝经|月经|发病|起病|确诊|诊断|结婚|生育|预期寿命|自|于|从|曾在)(?:年龄)?[:：约为在]*\s?$",
    re.IGNORECASE,
)
_THEN = re.compile(
    r"时(?!间)|起|开始|始|初潮|绝经|诊断|确诊|发病|患(?![者儿])|结婚|生育|以前|之前|前(?![列臂壁胸额])|后(?![循颅壁背纵腹])"
)
# "his 12-year-old son"; a "45-year-old mother of two" may be the patient
_OWNED = re.compile(
    r"\b(?<!brought )(?<!brings )(?:his|her|their|my|has an?|have an?|with an?) $", re.IGNORECASE
)
_RELATIVE = re.compile(
    r"[ -](?:old )?(?:\w+ )?(?:sons?|daughters?|child|children|brother|sister|mother|father|wife|husband|partner|grand\w+|niece|nephew|twin)\b",
    re.IGNORECASE,
)
_RELATIVES = re.compile(r"其(?:子|女|夫|妻|弟|兄|父|母|姐|妹|长子|次子)亲?[，,]?(?:今年|现年)?\s?$")
# "Hysterectomy aged 40": whom a bare number after "aged" is said of
_AGED = re.compile(r"(?P<word>[^\s,.;:：，。；(（]+) (?:at )?aged? $", re.IGNORECASE)
_PERSON = re.compile(
    r"(?:wo)?m[ae]n|ladies|lady|gentlem[ae]n|girl|boy|male|female|patient|pt|person|infant|child|adult|adolescent|baby|is|was|now|currently|and|[MF]",
    re.IGNORECASE,
)


def is_age_today(text: str, said: Entity) -> bool:
    """Whether an age in `text` (simplified characters) is neither of another time, a bone or a pregnancy
    nor of somebody else; an age without such words is taken for the patient's."""
    before = text[max(0, said.start - _LOOK_BACK) : said.start]
    after = text[said.end : said.end + _LOOK_ON]
    if _OF_ANOTHER_TIME.search(before) or _RELATIVES.search(before):
        return False
    if _OWNED.search(before) and _RELATIVE.match(after):
        return False
    if text[said.end - 1] in "岁月天周" and _THEN.match(after):
        return False
    aged = _AGED.search(before)
    return aged is None or _PERSON.fullmatch(aged["word"]) is not None
