"""A trained text model: names of diseases and chemicals in an English text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import ModelUnavailable
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import say
from medview.record.rules.sentences import sentences
from medview.record.tagging.abbreviations import abbreviations
from medview.record.tagging.names import Name
from medview.record.tagging.network import Floats, Network
from medview.record.tagging.pairs import PairModel
from medview.record.tagging.tags import best_path, marginals, mentions_in
from medview.record.tagging.tokens import Tokens, tokens_of, wide_features

_TOGETHER = 32  # sentences that are worked out side by side
_SURE = 0.9  # probability
_LONGER = 20  # characters that a name may begin before the long form of a short one
_QUANTISED = ".steps_of"  # a table of small whole numbers, times one step a column
_LARGE = 1 << 12  # rows
_SHARED = "wide."


@dataclass(frozen=True)
class TextModel:
    """Networks whose scores are averaged. heads: the types of each corpus's annotation; wide: by
    corpus, (rows, K) the sparse layer: a sum, so it is kept once, as the networks' mean."""

    name: str
    version: str
    heads: Mapping[str, tuple[str, ...]]
    networks: tuple[Network, ...]
    wide: Mapping[str, Floats]
    pairs: PairModel | None

    def names(self, text: str, head: str, cancel: CancelToken | None = None) -> list[Name]:
        """The names in a text as the annotators of that corpus would mark them, by place.

        Raises Cancelled.
        """
        parts = [tokens_of(text, *span) for span in sentences(text)]
        return self.names_in(text, [tokens for tokens in parts if tokens.words], head, cancel)

    def names_in(
        self,
        text: str,
        parts: Sequence[Tokens],
        head: str,
        cancel: CancelToken | None = None,
        progress: Progress = no_progress,
    ) -> list[Name]:
        """The names in some sentences of a text. progress: of the sentences. Raises Cancelled."""
        found: list[Name] = []
        for i in range(0, len(parts), _TOGETHER):
            if cancel is not None:
                cancel.check()
            progress(i, len(parts), "documents")
            found += self._tagged(parts[i : i + _TOGETHER], head)
        return consistent(text, found)

    def _tagged(self, parts: Sequence[Tokens], head: str) -> list[Name]:
        states = [network.hidden(parts) for network in self.networks]
        moves = np.mean([network.moves(head) for network in self.networks], 0)
        found = []
        for i, tokens in enumerate(parts):
            rows = [n.scores(head, s[i]) for n, s in zip(self.networks, states, strict=True)]
            scores = np.mean(rows, 0) + self.wide[head][wide_features(tokens.words)].sum(1)
            path = best_path(scores, moves)
            if not any(path):
                continue
            sure = marginals(scores, moves)
            for first, last, kind in mentions_in(path, self.heads[head]):
                probability = min(float(sure[k, path[k]]) for k in range(first, last + 1))
                span = tokens.spans[first][0], tokens.spans[last][1]
                found.append(Name(*span, kind, probability))
        return found


def consistent(text: str, names: Sequence[Name]) -> list[Name]:
    """The names, and the same words elsewhere in the text where the tagger did not see them.

    A short form is what the long form is that explains it: of its type, or no name.
    """
    found = list(names)
    for short in abbreviations(text):
        begin, end = short.long_span
        long = [n for n in found if n.start < end and begin < n.end]
        kind = next((n for n in long if n.end == end and n.start >= begin - _LONGER), None)
        if kind is not None:
            found = _everywhere(text, found, short.short, kind)
        elif not long:
            found = _without_doubtful(text, found, short.short)
    said: dict[str, list[Name]] = {}
    for name in found:
        said.setdefault(text[name.start : name.end], []).append(name)
    for words, own in said.items():
        if len(words) >= 5 and max(n.probability for n in own) > _SURE:
            found = _everywhere(text, found, words, own[0])
    return sorted(found)


def _without_doubtful(text: str, names: list[Name], words: str) -> list[Name]:
    own = [n for n in names if text[n.start : n.end] == words]
    is_sure = bool(own) and float(np.mean([n.probability for n in own])) >= _SURE
    return names if is_sure else [n for n in names if n not in own]


def _everywhere(text: str, names: list[Name], words: str, like: Name) -> list[Name]:
    found = list(names)
    for match in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(words)}(?![A-Za-z0-9])", text):
        if not any(n.start < match.end() and match.start() < n.end for n in found):
            found.append(replace(like, start=match.start(), end=match.end()))
    return found


def open_text_model(description: Mapping[str, Any], weights: bytes) -> TextModel:
    """The model of a checked folder; weights: the bytes of its safetensors file, as checked.

    Raises ModelUnavailable where its arrays do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return text_model(description, load(weights))
    except (SafetensorError, KeyError, ValueError, TypeError, IndexError) as error:
        raise ModelUnavailable(
            say("The weights do not belong to this network."), str(description["name"])
        ) from error


def text_model(description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> TextModel:
    """The model of a folder's description and its arrays.

    Raises KeyError or ValueError where they do not belong together.
    """
    tagger = description["tagger"]
    words = bytes(np.asarray(arrays["vocabulary"], np.uint8)).decode().split("\n")
    vocabulary = {word: i for i, word in enumerate(words, 1)}
    heads = {head["name"]: tuple(head["types"]) for head in tagger["heads"]}
    networks = []
    for number in range(int(tagger["networks"])):
        own = _opened(arrays, f"{number}.")
        if len(own["word.weight"]) != len(vocabulary) + 1:
            raise ValueError("vocabulary")
        networks.append(Network(own, vocabulary))
    shared = _opened(arrays, _SHARED)
    wide = {head: shared[f"{head}.weight"] for head in heads}
    said = description.get("pairs")
    pairs = said and PairModel(
        arrays["pairs"].astype(np.float32), said["bias"], said["least"], said["best"]
    )
    return TextModel(
        description["name"], description["version"], heads, tuple(networks), wide, pairs
    )


def _opened(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[np.float32]]:
    own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    opened = {}
    for key, table in own.items():
        if not key.endswith(_QUANTISED):
            step = own.get(key + _QUANTISED)
            wide = table.astype(np.float32)
            opened[key] = wide if step is None else wide * step.astype(np.float32)
    return opened


def packed(networks: Sequence[Mapping[str, NDArray[np.float32]]]) -> dict[str, NDArray[Any]]:
    """Networks as they are kept: the large tables in eight bits, the rest in sixteen, and one
    sparse layer, the mean of theirs."""
    kept: dict[str, NDArray[Any]] = {}
    for key in (k for k in networks[0] if k.startswith(_SHARED)):
        _keep(kept, key, np.mean([arrays[key] for arrays in networks], 0))
    for number, arrays in enumerate(networks):
        for key, table in arrays.items():
            if not key.startswith(_SHARED):
                _keep(kept, f"{number}.{key}", table)
    return kept


def _keep(kept: dict[str, NDArray[Any]], key: str, table: NDArray[np.float32]) -> None:
    if table.ndim == 2 and len(table) >= _LARGE:
        step = np.maximum(np.abs(table).max(0), 1e-12).astype(np.float32) / 127
        kept[key] = np.rint(table / step).astype(np.int8)
        kept[key + _QUANTISED] = step
    else:
        kept[key] = table.astype(np.float16)
