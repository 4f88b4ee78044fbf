"""A sentence as the tagger sees it: tokens, and numbers for each that say how it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from medview.record.note import Span
from medview.record.rules.lexicon import anatomy_for, lexicon_for

Ints = NDArray[np.int64]

GRAM_BITS = 15
GRAM_GAIN = 4.0  # the mean of some twenty n-grams is small beside one word's row
WIDE_BITS = 18
SHAPES = 256
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_MARKED = ("disease", "finding", "symptom", "drug", "procedure", "device", "anatomy")
MARKS = 1 + 2 * len(_MARKED)
_GRAMS_MOST = 60
_LONGEST_WORD = 40  # characters that are looked at
_MIX = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], np.uint64)


@dataclass(frozen=True, slots=True)
class Word:
    """What is known of a word by its letters alone. keys: hashes of the word as written, in small
    letters, of its last three and four and its first four letters, and of its shape."""

    lower: str
    shape: int
    grams: tuple[int, ...]
    keys: tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one sentence. marks: (n,) which list of the lexicon each stands in."""

    words: tuple[str, ...]
    spans: tuple[Span, ...]
    marks: Ints


def tokens_of(text: str, start: int, end: int) -> Tokens:
    """Runs of letters, runs of digits and single other marks of text[start:end]."""
    found = [(m.group(), m.span()) for m in _TOKEN.finditer(text, start, end)]
    spans = tuple(span for _, span in found)
    return Tokens(tuple(word for word, _ in found), spans, _marks(text, (start, end), spans))


def _marks(text: str, sentence: Span, spans: Sequence[Span]) -> Ints:
    marks = np.zeros(len(spans), np.int64)
    by_start = {span[0]: i for i, span in enumerate(spans)}
    matches = [
        *anatomy_for(("en",)).find(text, *sentence),
        *lexicon_for(("en",)).find(text, *sentence),  # names last: they win over their organs
    ]
    for match in matches:
        first = by_start.get(match.start)
        if first is None:
            continue
        kind = 1 + 2 * _MARKED.index(match.term.type)
        i = first
        while i < len(spans) and spans[i][1] <= match.end:
            marks[i] = kind if i == first else kind + 1
            i += 1
    return marks


@lru_cache(maxsize=1 << 16)
def word_of(raw: str) -> Word:
    """The word's own numbers; digits count by how many they are."""
    raw = raw[:_LONGEST_WORD]
    lower = "0" * min(len(raw), 4) if raw.isdigit() else raw.lower()
    shape = _shape(raw)
    keys = (raw, lower, "~" + lower[-3:], "~~" + lower[-4:], lower[:4] + "~", "^" + shape)
    return Word(
        lower=lower,
        shape=crc32(shape.encode()) % SHAPES,
        grams=_grams(lower),
        keys=tuple(crc32(key.encode()) for key in keys),  # type: ignore[arg-type]
    )


def _shape(raw: str) -> str:
    kinds = ("A" if c.isupper() else "a" if c.islower() else "0" if c.isdigit() else c for c in raw)
    return re.sub(r"(.)\1{2,}", r"\1\1", "".join(kinds)) + str(min(len(raw), 6))


def _grams(lower: str) -> tuple[int, ...]:
    closed = f"<{lower}>"
    grams = [closed[i : i + n] for n in (3, 4, 5) for i in range(len(closed) - n + 1)]
    grams = [closed, *grams][:_GRAMS_MOST]
    return tuple(crc32(gram.encode()) % (1 << GRAM_BITS) for gram in grams)


def wide_features(words: Sequence[str]) -> Ints:
    """Hashes of each token with its neighbours: (n, 16) rows of a table of 2**WIDE_BITS.

    The features of a linear-chain CRF: words, pairs of words and endings up to two tokens away.
    """
    n = len(words)
    keys = np.zeros((n + 4, 6), np.uint64)
    if n:
        keys[2 : n + 2] = [word_of(word).keys for word in words]
    raw, lower, last3, last4, first4, shape = keys.T
    at = {d: slice(2 + d, n + 2 + d) for d in (-2, -1, 0, 1, 2)}
    combined = [
        (raw[at[0]],), (lower[at[0]],), (lower[at[-1]],), (lower[at[1]],),
        (lower[at[-2]],), (lower[at[2]],),
        (lower[at[-1]], lower[at[0]]), (lower[at[0]], lower[at[1]]),
        (last3[at[-1]],), (last3[at[0]],), (last3[at[1]],), (last4[at[0]],), (first4[at[0]],),
        (shape[at[-1]], shape[at[0]], shape[at[1]]), (last4[at[-1]], last4[at[0]]),
        (last4[at[0]], last4[at[1]]),
    ]  # fmt: skip
    columns = [_mixed(number, parts) for number, parts in enumerate(combined)]
    return np.stack(columns, 1).astype(np.int64)


def _mixed(number: int, parts: tuple[NDArray[np.uint64], ...]) -> NDArray[np.uint64]:
    total = np.full(len(parts[0]), number * 0x27D4EB2F + 1, np.uint64)
    for factor, part in zip(_MIX, parts, strict=False):
        total = (total ^ part) * factor  # wraps, as a hash may
        total ^= total >> np.uint64(29)
    return total % np.uint64(1 << WIDE_BITS)


def word_numbers(words: Sequence[str], vocabulary: Mapping[str, int]) -> Ints:
    """Row of each word in the table of known words; 0 for all others."""
    return np.array([vocabulary.get(word_of(word).lower, 0) for word in words], np.int64)
