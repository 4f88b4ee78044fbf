"""The word lists of `resources/lexicon/` and how they are found in a text.

A list is `<language>/<type>.tsv`: names with `|` between, then (after a tab) the concepts of
`core.observation` that the names stand for. `compose.tsv` multiplies heads with tails: type,
heads, tails, concepts. Matching ignores case, plurals and British or American spelling; a name
that is written in capitals (COPD) only matches in capitals.
"""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from medview.core.paths import resources_dir

_Token = tuple[str, int, int]  # as written, start, end
LANGUAGES = ("en", "zh")
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+|\d+")
_GLUE = re.compile(r"[ \t]?(?:\r?\n)?[ \t]*|[ \t]?[-–/'’][ \t]?")
_HAN = re.compile(r"[\u3400-\u9fff]")
_PLURALS = {
    "metastases": "metastasis", "diagnoses": "diagnosis", "stenoses": "stenosis",
    "thromboses": "thrombosis", "calculi": "calculus", "emboli": "embolus", "thrombi": "thrombus",
    "bullae": "bulla", "vertebrae": "vertebra", "fistulae": "fistula", "atelectases": "atelectasis",
    "anastomoses": "anastomosis", "bronchi": "bronchus", "hila": "hilum", "foci": "focus",
    "nevi": "nevus", "sinuses": "sinus", "uteri": "uterus", "testes": "testis", "ova": "ovum",
    "prostheses": "prosthesis", "biopsies": "biopsy", "abscesses": "abscess", "masses": "mass",
    "biases": "bias", "synechiae": "synechia", "pleurae": "pleura", "feet": "foot",
    "diverticula": "diverticulum", "ganglia": "ganglion", "maxillae": "maxilla", "axillae": "axilla",
    "petechiae": "petechia", "stomata": "stoma", "lymphomata": "lymphoma", "scleroses": "sclerosis",
    "necroses": "necrosis", "pneumothoraces": "pneumothorax", "cortices": "cortex",
}  # fmt: skip
_SPELLING = (("ae", "e"), ("oe", "e"), ("our", "or"), ("leuc", "leuk"), ("sulph", "sulf"),
             ("isation", "ization"), ("ise", "ize"), ("fibre", "fiber"), ("grey", "gray"),
             ("centre", "center"))  # fmt: skip
_FULLWIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


@dataclass(frozen=True, slots=True)
class Term:
    """What a name stands for."""

    type: str
    concepts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A name of the lexicon in a text."""

    start: int
    end: int
    term: Term


@dataclass
class Lexicon:
    """Names of some languages, ready for matching."""

    words: dict[tuple[str, ...], Term] = field(default_factory=dict)  # normalised words
    capitals: dict[tuple[str, ...], Term] = field(default_factory=dict)  # exact words
    longest: dict[str, int] = field(default_factory=dict)  # by first word, in words
    han: dict[str, Term] = field(default_factory=dict)
    han_longest: dict[str, int] = field(default_factory=dict)  # by the first two characters

    def __len__(self) -> int:
        return len(self.words) + len(self.capitals) + len(self.han)

    def add(self, name: str, term: Term) -> None:
        """Take a name in; the first type that claims a name keeps it."""
        if _HAN.search(name):
            folded = fold(name)
            self.han.setdefault(folded, term)
            first = folded[:2]
            self.han_longest[first] = max(self.han_longest.get(first, 0), len(folded))
            return
        raw = _WORD.findall(name)
        if not raw:
            return
        if is_capitals(name):
            key = tuple(raw)
            self.capitals.setdefault(key, term)
        else:
            key = tuple(normal_word(w) for w in raw)
            self.words.setdefault(key, term)
        first = normal_word(raw[0])
        self.longest[first] = max(self.longest.get(first, 0), len(key))

    def find(self, text: str, start: int, end: int) -> list[Match]:
        """Longest names inside [start, end), left to right, none overlapping another."""
        found = [*self._find_words(text, start, end)]
        han = [*self._find_han(text, start, end)]
        if not han or not found:
            return found or han  # each of them overlaps none of its own
        found += han
        kept: list[Match] = []
        for match in sorted(found, key=lambda m: (m.start - m.end, m.start)):
            # "胸部CT" is one name although "CT" alone is an English one too.
            if not any(match.start < k.end and k.start < match.end for k in kept):
                kept.append(match)
        return sorted(kept, key=lambda m: m.start)

    def _find_words(self, text: str, start: int, end: int) -> Iterator[Match]:
        said = text[start:end]
        tokens, normal = _words_of(said)
        longest, count, past = self.longest, len(tokens), 0
        for i, first in enumerate(normal):
            if i < past or first not in longest:
                continue
            length, term = self._longest_at(
                said, tokens, normal, (i, min(longest[first], count - i))
            )
            if term is not None:
                yield Match(start + tokens[i][1], start + tokens[i + length - 1][2], term)
                past = i + length

    def _longest_at(
        self, text: str, tokens: Sequence[_Token], normal: Sequence[str], at: tuple[int, int]
    ) -> tuple[int, Term | None]:
        """Of the names that begin at a word, of at most so many words, the longest."""
        i, most = at
        reach = 1
        while reach < most and _GLUE.fullmatch(
            text, tokens[i + reach - 1][2], tokens[i + reach][1]
        ):
            reach += 1
        for length in range(min(most, reach), 0, -1):
            term = self.words.get(tuple(normal[i : i + length])) or self.capitals.get(
                tuple(t[0] for t in tokens[i : i + length])
            )
            if term is None and length == 1 and tokens[i][0].endswith("s"):
                term = self.capitals.get((tokens[i][0][:-1],))  # CTs, PEs
            if term is not None:
                return length, term
        return 0, None

    def _find_han(self, text: str, start: int, end: int) -> Iterator[Match]:
        if _HAN.search(text, start, end) is None:
            return
        folded, longest = _folded(text[start:end]), self.han_longest
        i = 0
        while i < len(folded):
            most = longest.get(folded[i : i + 2], 0) or longest.get(folded[i], 0)
            if not most:
                i += 1
                continue
            for length in range(min(most, len(folded) - i), 0, -1):
                term = self.han.get(folded[i : i + length])
                if (
                    term is not None
                    and folded[i + length - 1 : i + length + 1] == "病史"
                    and folded[i : i + length - 1] in self.han
                ):
                    continue  # 高血压 + 病史, not 高血压病 + 史
                if term is not None:
                    yield Match(start + i, start + i + length, term)
                    i += length
                    break
            else:
                i += 1


@lru_cache(maxsize=16)
def _words_of(said: str) -> tuple[tuple[_Token, ...], tuple[str, ...]]:
    """The words of a sentence with their places, and as they are looked up; every list asks."""
    tokens = tuple((m.group(), m.start(), m.end()) for m in _WORD.finditer(said))
    return tokens, tuple(normal_word(t[0]) for t in tokens)


@lru_cache(maxsize=16)
def _folded(said: str) -> str:
    return fold(said)


def is_capitals(name: str) -> bool:
    """Whether a name is an abbreviation that only means something in capitals."""
    letters = [c for c in name if c.isalpha()]
    return len(letters) <= 6 and sum(c.isupper() for c in letters) * 2 > len(letters)


def fold(text: str) -> str:
    """Small letters and half-width forms, each character staying one character."""
    half = text.translate(_FULLWIDTH)
    small = half.lower()
    if len(small) == len(half):
        return small
    return "".join(low if len(low := c.lower()) == 1 else c for c in half)


@cache
def _normal(word: str) -> str:
    word = _PLURALS.get(word, word)
    for british, american in _SPELLING:
        word = word.replace(british, american)
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def normal_word(word: str) -> str:
    """The form under which a word is looked up: small, singular, American."""
    return _normal(word.lower()) if len(word) < 40 else word


def _rows(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def _fill(lexicon: Lexicon, folder: Path, language: str) -> None:
    # Order decides who keeps a name that stands in two lists.
    for kind in ("disease", "finding", "symptom", "drug", "procedure", "device"):
        for row in _rows(folder / f"{kind}.tsv"):
            concepts = tuple(row[1].split(",")) if len(row) > 1 and row[1] else ()
            for name in row[0].split("|"):
                lexicon.add(name, Term(kind, concepts))
    between = "" if language == "zh" else " "
    for row in _rows(folder / "compose.tsv"):
        concepts = tuple(row[3].split(",")) if len(row) > 3 and row[3] else ()
        for head in row[1].split("|"):
            for tail in row[2].split("|"):
                lexicon.add(head + between + tail, Term(row[0], concepts))


@cache
def lexicon_for(languages: tuple[str, ...]) -> Lexicon:
    """Diseases, findings, symptoms, drugs, procedures and devices of some languages."""
    lexicon = Lexicon()
    for language in languages:
        _fill(lexicon, resources_dir() / "lexicon" / language, language)
    return lexicon


@cache
def anatomy_for(languages: tuple[str, ...]) -> Lexicon:
    """Organs and regions, which `rules.anatomy` extends by side and part."""
    lexicon = Lexicon()
    for language in languages:
        for row in _rows(resources_dir() / "lexicon" / language / "anatomy.tsv"):
            for name in row[0].split("|"):
                lexicon.add(name, Term("anatomy"))
    return lexicon
