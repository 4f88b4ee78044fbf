"""Which chemical causes which disease, by what a whole abstract says of both.

Names that are written alike, or that a bracket explains, are one thing. Each pair of things gets
features of where and how often they stand, and of the words between them; a linear model weighs
them. `training.text.pairs` fits it with these very functions.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from medview.record.note import Span
from medview.record.rules.lexicon import normal_word
from medview.record.rules.sentences import sentences
from medview.record.tagging.abbreviations import abbreviations
from medview.record.tagging.names import Name

FEATURE_BITS = 15
_WORD = re.compile(r"[A-Za-z]+|\d+")
_NEAR = 12  # words between two names that are looked at
_AROUND = 3  # words before and after them


@dataclass(frozen=True, slots=True)
class Thing:
    """All names of one chemical or disease in a text."""

    type: str
    words: str
    names: tuple[Name, ...]

    @property
    def probability(self) -> float:
        """That it is named at all: of its surest name."""
        return max(name.probability for name in self.names)


@dataclass(frozen=True, slots=True)
class PairModel:
    """Weights of hashed features. least: probability from which a pair is said; best: from which
    the likeliest pair of a text is said where no other is."""

    weights: NDArray[np.float32]
    bias: float
    least: float
    best: float

    def pairs(self, text: str, names: Sequence[Name]) -> list[tuple[Thing, Thing, float]]:
        """(chemical, disease, probability) of what causes what in a text.

        The probability is that of the pair times those of both names: it was fitted on names that
        annotators had marked.
        """
        judged = [
            (c, d, self.probability(f) * c.probability * d.probability)
            for c, d, f in candidates(text, names)
        ]
        said = [one for one in judged if one[2] >= self.least]
        if not said and judged:
            said = [one for one in [max(judged, key=lambda j: j[2])] if one[2] >= self.best]
        return said

    def probability(self, features: Mapping[str, float]) -> float:
        """How likely a pair with these features is one."""
        total = self.bias + sum(self.weights[slot(k)] * v for k, v in features.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, float(total)))))


def slot(feature: str) -> int:
    """The weight of a feature."""
    return crc32(feature.encode()) % (1 << FEATURE_BITS)


def things_of(text: str, names: Sequence[Name]) -> list[Thing]:
    """The things that a text names, each with all its names."""
    long_forms = {
        a.short: _plain(text[slice(*a.long_span)]) for a in abbreviations(text)
    }  # fmt: skip
    groups: dict[tuple[str, str], list[Name]] = {}
    for name in names:
        written = text[name.start : name.end]
        words = long_forms.get(written) or long_forms.get(written.removesuffix("s"))
        groups.setdefault((name.type, words or _plain(written)), []).append(name)
    return [Thing(kind, words, tuple(own)) for (kind, words), own in groups.items()]


def _plain(written: str) -> str:
    return " ".join(normal_word(word) for word in _WORD.findall(written))


@dataclass(frozen=True, slots=True)
class _Place:
    text: str
    sentences: tuple[Span, ...]
    things: tuple[Thing, ...]

    def sentence(self, name: Name) -> int:
        return bisect_right(self.sentences, (name.start, 1 << 60)) - 1

    def rank(self, thing: Thing) -> int:
        """How many things of its type are named more often."""
        own = len(thing.names)
        return sum(len(t.names) > own for t in self.things if t.type == thing.type)


def candidates(text: str, names: Sequence[Name]) -> Iterator[tuple[Thing, Thing, dict[str, float]]]:
    """Every chemical with every disease of a text, and the features of the pair."""
    things = things_of(text, names)
    place = _Place(text, tuple(sentences(text)), tuple(things))
    chemicals = [t for t in things if t.type == "Chemical"]
    diseases = [t for t in things if t.type == "Disease"]
    for chemical in chemicals:
        for disease in diseases:
            features = {
                **_alone(place, chemical, "c"),
                **_alone(place, disease, "d"),
                **_together(place, chemical, disease),
            }
            features["chemicals"] = math.log(len(chemicals))
            features["diseases"] = math.log(len(diseases))
            yield chemical, disease, features


def _alone(place: _Place, thing: Thing, who: str) -> dict[str, float]:
    where = {place.sentence(name) for name in thing.names}
    rank, last = place.rank(thing), len(place.sentences) - 1
    features = {
        f"{who} often": math.log(len(thing.names)),
        f"{who} title": float(0 in where),
        f"{who} end": float(last in where or last - 1 in where),
        f"{who} rank {min(rank, 3)}": 1.0,
        f"{who} once": float(len(thing.names) == 1),
        f"{who} share": len(where) / len(place.sentences),
    }
    words = thing.words.split()
    features.update({f"{who} word {word}": 0.5 for word in words})
    if words:
        features[f"{who} end {words[-1][-4:]}"] = 0.5
    # The annotators mark the most specific disease: a general one beside it is seldom meant.
    others = [t.words for t in place.things if t.type == thing.type and t is not thing]
    features[f"{who} general"] = float(any(f" {thing.words} " in f" {o} " for o in others))
    return features


def _together(place: _Place, chemical: Thing, disease: Thing) -> dict[str, float]:
    rows = {who: [(place.sentence(n), n) for n in t.names]
            for who, t in (("c", chemical), ("d", disease))}  # fmt: skip
    near = [(abs(i - j), _gap(c, d), c, d) for i, c in rows["c"] for j, d in rows["d"]]
    distance, gap, c, d = min(near, key=lambda n: (n[0], n[1]))
    shared = {i for i, _ in rows["c"]} & {j for j, _ in rows["d"]}
    features = {
        "shared": math.log1p(len(shared)),
        f"shared {min(len(shared), 4)}": 1.0,
        f"apart {min(distance, 4)}": 1.0,
        "title both": float(0 in shared),
        "last both": float(len(place.sentences) - 1 in shared),
    }
    if distance == 0:
        features[f"gap {min(int(math.log2(gap + 1)), 7)}"] = 1.0
        for same, _, one, other in near:
            if same == 0:
                for word in _words_between(place.text, one, other):
                    features[word] = 1.0
        features["chemical first"] = float(c.start < d.start)
    return features


def _gap(one: Name, other: Name) -> int:
    return max(0, max(one.start, other.start) - min(one.end, other.end))


def _words_between(text: str, chemical: Name, disease: Name) -> list[str]:
    first, second = sorted((chemical, disease))
    order = "cd" if first is chemical else "dc"
    between = [w.lower() for w in _WORD.findall(text[first.end : second.start])]
    before = _WORD.findall(text[max(0, first.start - 40) : first.start])[-_AROUND:]
    after = _WORD.findall(text[second.end : second.end + 40])[:_AROUND]
    found = [f"{order} before {w.lower()}" for w in before]
    found += [f"{order} after {w.lower()}" for w in after]
    if len(between) <= _NEAR:
        found += [f"{order} {word}" for word in between]
        found += [f"{order} {a} {b}" for a, b in pairwise(between)]
        if not between or between == ["induced"]:
            found.append(f"{order} close {text[first.end : second.start].strip()}")
    return found
