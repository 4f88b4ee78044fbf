"""Who smokes, and whether it is denied, by the words around a mention of smoking."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re

from medview.record.note import PLAIN, Attributes, Span

_I = re.IGNORECASE
_WINDOW = 160  # characters of the sentence before a mention
_KIN_EN = (
    r"(?:grand|step|foster )?(?:mother|father|son|daughter|parents?|mom|mum|dad)|(?:half-)?(?:brother|sister)s?|siblings?"
    r"|uncle|aunt|cousin|nephew|niece|twin|relatives?|family members?|(?:mother|father|brother|sister)-in-law"
)
_OTHERS_EN = r"husband|wife|spouse|partner|girlfriend|boyfriend|roommate|housemate|flatmate|friends?|co-?workers?|colleagues?|household|neighbou?rs?|caregiver"
_KIN_ZH = r"祖父|祖母|外祖父|外祖母|爷爷|奶奶|外公|外婆|父母|父亲|母亲|其父|其母|爸爸|妈妈|哥哥|弟弟|姐姐|妹妹|兄弟|姐妹|儿子|女儿|子女|家人|家属|亲属|叔叔|伯父|舅舅|姑姑"
_OTHERS_ZH = r"配偶|丈夫|妻子|爱人|老伴|同事|室友|邻居|朋友|同住者"
_WHO = re.compile(
    rf"\b(?P<family>{_KIN_EN})(?:['’]s)?\b|\b(?P<other>{_OTHERS_EN})(?:['’]s)?\b|(?P<zhfamily>{_KIN_ZH})|(?P<zhother>{_OTHERS_ZH})",
    _I,
)
# Here the patient is spoken of again.
_RESET = re.compile(
    r"\b(?:patient|pt|he|she|they|i|himself|herself|personal|personally|social history|family history)\b|患者|病人|本人|自己|个人史|自述|代诉|代述",
    _I,
)
_WITH = re.compile(
    r"\b(?:lives?|living|lived|resid(?:es?|ing)|married|stays?|here|came|comes|accompanied|cared for|presents?)\b(?: \w+)? (?:with|by|to|for)(?: (?:his|her|a|the|an|their|elderly)){0,3} $|\b(?:per|from|according to|(?:reported|told) by|informant)(?: (?:his|her|the|a)){0,2} $|[与和跟同由]$",
    _I,
)
_AND = re.compile(r"\s*(?:\([^()]*\))?\s*(?:[:：]|,(?! who\b)|;|and\b|&|同住|一起|共同)", _I)
_WELL = re.compile(r"体健|健在|健康|均健|\b(?:well|healthy|alive)\b", _I)
_PASSIVE = re.compile(
    r"(?:\b(?:passive|second-?hand|environmental|involuntary|family|maternal|paternal|household)|被动|二手)\s*$"
    r"|\b(?:liv(?:es?|ing|ed)|married|exposed|exposure|contact|resid(?:es|ing)) (?:with|to)(?: (?:a|an|another|his|her|the|heavy|chronic))* *$",
    _I,
)
_AFTER = re.compile(
    rf"\s*(?:history )?(?:of|by|in|from) (?:the |his |her |their |a )?(?:patient['’]?s? )?(?:(?P<family>{_KIN_EN})|(?P<other>{_OTHERS_EN}|home|house))\b"
    rf"|\s*[(（](?:his |her |the )?(?:(?P<family2>{_KIN_EN}|{_KIN_ZH})|(?P<other2>{_OTHERS_EN}|{_OTHERS_ZH}))[)）]|\s+at home\b",
    _I,
)
_NOT = re.compile(
    r"\b(?P<cue>no longer(?: (?:a|an))?|never|not|(?:is|was|has|does|did)n['’]t|den(?:y|ies|ied|ying)|neither|no)"
    r"(?P<gap>(?: (?:been|being|was|is|ever|having|to be|that (?:he|she|they) (?:is|was|ever)|that (?:he|she)|a|an|any|currently|presently|now|actively|regularly|known|considered))*)\s+$",
    _I,
)
_ZH_NOT = re.compile(r"(?:不是|并非|非|否认(?:为|是|系)?)$")
_NO = re.compile(
    r"\s*[:：?=]\s*(?:no|none|never|nil|n|denie[sd]|negative|not? applicable|否|无|没有|从不|从未|不)(?![a-z])(?! longer)|(?:史)?\s*[(（][-－—][)）]",
    _I,
)
_NOW = re.compile(
    r"current|present|\bnow\b|active|ongoing|heavy|daily|every ?day|regular|chronic|still|continue",
    _I,
)


def whose(text: str, span: Span, start: int, end: int) -> Attributes:
    """The person who smokes: the patient, where nobody else is named whom the words reach."""
    before = text[max(span[0], start - _WINDOW) : start]
    if passive := _PASSIVE.search(before):
        at = start - len(before) + passive.start()
        return Attributes(experiencer="other", trigger=(at, start))
    named = None
    for named in _WHO.finditer(before):  # noqa: B007 - the last one counts
        pass
    if named is not None and _reaches(before, named):
        shift = start - len(before)
        return Attributes(
            experiencer=_kind(named), trigger=(shift + named.start(), shift + named.end())
        )
    if after := _AFTER.match(text, end, span[1]):
        return Attributes(experiencer=_kind(after), trigger=after.span())
    return PLAIN


def _kind(match: re.Match[str]) -> str:
    return "family" if any(v for k, v in match.groupdict().items() if "family" in k) else "other"


def _reaches(before: str, named: re.Match[str]) -> bool:
    gap = re.sub(r"[(（][^()（）]*[)）]", "", before[named.end() :])
    if _RESET.search(gap) or re.search(r"[;；。\n)）]", gap):  # a bracket that names it is closed
        return False
    if re.search(r"[,，]", gap) and (_WELL.search(gap) or re.search(r"父母|子女", named[0])):
        return False
    return not (_WITH.search(before[: named.start()]) and _AND.match(gap))


def denied(text: str, span: Span, start: int, end: int) -> tuple[int, int, str] | None:
    """Start and end with the words that deny a mention of one who smokes, and what remains:
    never, former, or nothing where only the present is denied. None where nothing denies it."""
    before = text[max(span[0], start - _WINDOW) : start]
    said = text[start:end]
    if cue := _NOT.search(before):
        begin = start - len(before) + cue.start()
        if cue["cue"].lower().startswith("no longer"):
            return begin, end, "former"
        return begin, end, "" if _NOW.search(cue["gap"] + said) else "never"
    if zh := _ZH_NOT.search(before):
        return start - len(before) + zh.start(), end, "never"
    if no := _NO.match(text, end, span[1]):
        return start, no.end(), "" if _NOW.search(said) else "never"
    return None
