"""Whether two written names can be one person's, as a clerk of records compares them.

Accents, the two ways to write an umlaut, apostrophes, titles and traditional characters make no
other name. What remains is compared word by word, in one script.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

from medview.record.language import simplified

_NAME_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['.’`´-])*")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ0-9]")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_HAN_TITLE = re.compile(r"(?:先生|女士|小姐|太太|老师|教授|医生|主任)$")
_TITLES = frozenset((
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "frau", "herr", "hr",
    "fr", "mme", "mlle", "monsieur", "madame", "sr", "sra", "srta", "señor", "señora", "dipl", "md",
    "phd", "jr", "senior", "junior", "ii", "iii", "iv",
))  # fmt: skip
# What stands in the place of a name where none is told.
_NO_NAME = re.compile(
    r"unknown|unnamed|available|withheld|privacy|anonym\w*|redacted|removed|deidentified|de-identified|none|null|n/a"
    r"|patient|male|female|woman|boy|girl|baby|infant|child|elderly|adult|middle-aged|subject|name|x+",
    re.IGNORECASE,
)
_BESIDE_NO_NAME = frozenset(("not", "no", "na", "for", "of", "the"))  # Na and The are names too
_NO_HAN_NAME = frozenset(("无名氏", "未知", "佚名", "不详", "匿名", "未提供", "某某"))
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "a",
                          "œ": "o", "ı": "i"})  # fmt: skip
_LONGEST_INITIALS = 4
_SPELLED = 0.7  # share of letters in order that one name's words have in common when misspelt
Names = tuple[frozenset[str], frozenset[str]]


def readable_name(name: str) -> str:
    """A person name of DICOM: parts by blanks, its writings apart."""
    return " · ".join(" ".join(part.split("^")).strip() for part in name.split("=") if part)


def names_differ(one: str, two: str) -> bool:
    """Whether two names share no word: both whole ones, in one script."""
    pairs = _in_one_script(one, two)
    return bool(pairs) and not any(a & b or _run_together(a, b) for a, b in pairs)


def _run_together(one: frozenset[str], two: frozenset[str]) -> bool:
    """Whether two words of one name are one of the other's: Mc Donald, Xiao Ming."""
    return any(
        first + second in others
        for words, others in ((one, two), (two, one))
        for first in words
        for second in words
        if first != second and len(first + second) > _LONGEST_INITIALS
    )


def are_two_spellings(one: str, two: str) -> bool:
    """Whether each word of the shorter name is nearly one of the other's: Smyth, Jon."""
    return any(_nearly_all(*sorted(pair, key=len)) for pair in _in_one_script(one, two))


def _in_one_script(one: str, two: str) -> list[tuple[frozenset[str], frozenset[str]]]:
    return [(a, b) for a, b in zip(_parts(one), _parts(two), strict=True) if a and b]


def _nearly_all(few: frozenset[str], many: frozenset[str]) -> bool:
    return all(
        any(SequenceMatcher(None, a, b, autojunk=False).ratio() >= _share(a) for b in many)
        for a in few
    )


def _share(word: str) -> float:
    return 0.5 if _HAN.match(word) else _SPELLED  # one of two characters, two of three


def _is_no_name(name: str) -> bool:
    words = [w for w in re.split(r"[\s^]+", name) if w.casefold() not in _BESIDE_NO_NAME and w]
    return bool(words) and all(_NO_NAME.fullmatch(word) for word in words)


def _parts(name: str) -> Names:
    """Latin words where two or more of them are written as names are; Chinese names."""
    if _is_no_name(name):
        return frozenset(), frozenset()
    words = readable_name(name.replace(",", " ")).split()
    latin = [w for w in words if _NAME_WORD.fullmatch(w) and w[0].isupper()]
    is_whole = len(latin) > 1 and all(w in latin or not _LATIN.match(w) for w in words)
    han = _HAN_TITLE.sub("", simplified("".join(w for w in words if _HAN.fullmatch(w))))
    return (
        frozenset(k for w in latin for k in _keys(w)) if is_whole else frozenset(),
        frozenset((han,)) if 2 <= len(han) <= 4 and han not in _NO_HAN_NAME else frozenset(),
    )


def _keys(word: str) -> set[str]:
    """What a Latin word is compared by, none of a title or an initial: José jose, Müller muller
    as Mueller, O'Brien obrien and brien, García-López garcialopez, garcia and lopez."""
    if word.casefold().strip(".") in _TITLES:
        return set()
    pieces = [_folded(piece) for piece in re.split(r"['’`´.-]", word) if piece]
    whole = "".join(pieces)
    return {whole, *(p for p in pieces if len(p) > 2)} if len(whole) > 1 else set()


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold().translate(_LETTERS))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"([aou])e", r"\1", letters)
