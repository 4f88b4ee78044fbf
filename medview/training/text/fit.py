"""Fitting the tagger: batches of sentences of a like length, one corpus at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch

from medview.core.progress import CancelToken, Progress
from medview.record.rules.sentences import sentences
from medview.record.tagging.tags import tags_for
from medview.record.tagging.tokens import (
    Ints,
    Tokens,
    tokens_of,
    wide_features,
    word_numbers,
    word_of,
)
from medview.training.text.corpora import Abstract
from medview.training.text.network import Batch, TaggerNetwork
from medview.training.text.plan import Sizes, TextRecipe

Heads = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an abstract, as numbers."""

    head: str
    tokens: Tokens
    wide: Ints
    tags: tuple[int, ...]


def sentences_of(abstracts: Sequence[Abstract], head: str, types: Sequence[str]) -> list[Sentence]:
    """The sentences of a corpus with their tags."""
    found = []
    for abstract in abstracts:
        named = [(m.start, m.end, m.type) for m in abstract.mentions]
        for span in sentences(abstract.text):
            tokens = tokens_of(abstract.text, *span)
            if tokens.words:
                tags = tags_for(tokens.spans, named, types)
                found.append(Sentence(head, tokens, wide_features(tokens.words), tuple(tags)))
    return found


def vocabulary_of(corpus: Sequence[Sentence], least: int = 2) -> dict[str, int]:
    """Words that stand there at least so often, numbered from 1; 0 is any other."""
    counts = Counter(word_of(word).lower for s in corpus for word in s.tokens.words)
    return {word: i for i, word in enumerate(sorted(w for w, n in counts.items() if n >= least), 1)}


def batch_of(corpus: Sequence[Sentence], vocabulary: Mapping[str, int]) -> Batch:
    """Sentences of one corpus and one length as one batch."""
    words = sorted({word for s in corpus for word in s.tokens.words})
    row = {word: i for i, word in enumerate(words)}
    known = [word_of(word) for word in words]
    which = np.array([[row[word] for word in s.tokens.words] for s in corpus])
    starts = np.cumsum([0, *(len(w.grams) for w in known)])[:-1]
    arrays = (
        word_numbers(words, vocabulary), np.array([w.shape for w in known]),
        np.array([g for w in known for g in w.grams]), starts, which,
        [s.tokens.marks for s in corpus], [s.wide for s in corpus], [s.tags for s in corpus],
    )  # fmt: skip
    return Batch(*(torch.from_numpy(np.asarray(a, np.int64)) for a in arrays))


def _batches(
    corpus: Sequence[Sentence], size: int, rng: np.random.Generator
) -> Iterator[list[Sentence]]:
    """Batches of at most about `size` tokens, each of one corpus and of sentences of one length."""
    batches: list[list[Sentence]] = []
    alike: dict[tuple[str, int], list[Sentence]] = {}
    for i in rng.permutation(len(corpus)):
        alike.setdefault((corpus[i].head, len(corpus[i].tags)), []).append(corpus[i])
    for (_, length), members in sorted(alike.items()):
        many = max(1, size // length)
        batches += [members[i : i + many] for i in range(0, len(members), many)]
    yield from (batches[i] for i in rng.permutation(len(batches)))


@dataclass(frozen=True, slots=True)
class Steps:
    """Who hears how far it is, and who may stop it."""

    progress: Progress
    cancel: CancelToken


def fit(
    corpus: Sequence[Sentence], heads: Heads, recipe: TextRecipe, sizes: Sizes, steps: Steps
) -> tuple[TaggerNetwork, dict[str, int]]:
    """The network and its vocabulary; the weights are a running mean over epochs.

    Raises Cancelled.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    vocabulary = vocabulary_of(corpus)
    network = TaggerNetwork(len(vocabulary) + 1, heads, sizes)
    mean = deepcopy(network)
    tables = network.tables()
    dense = [p for p in network.parameters() if all(p is not table for table in tables)]
    optimisers = (
        torch.optim.AdamW(dense, recipe.rate, weight_decay=recipe.decay),
        torch.optim.SparseAdam(tables, recipe.rate),
    )
    for epoch in range(recipe.epochs):
        batches = list(_batches(corpus, recipe.batch, rng))
        for number, chosen in enumerate(batches):
            steps.cancel.check()
            steps.progress(epoch * len(batches) + number, recipe.epochs * len(batches), "batches")
            network.zero_grad()
            loss = network.loss(batch_of(chosen, vocabulary), chosen[0].head)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(dense, 1.0)
            for optimiser in optimisers:
                for group in optimiser.param_groups:
                    done = (epoch + number / len(batches)) / recipe.epochs
                    group["lr"] = recipe.rate * _pace(done)
                optimiser.step()
        _follow(mean, network, 0.0 if epoch < recipe.epochs // 3 else 0.6)
    return mean.eval(), vocabulary


def _pace(done: float) -> float:
    return min(1.0, done * 20) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def _follow(mean: TaggerNetwork, network: TaggerNetwork, keep: float) -> None:
    with torch.no_grad():
        for old, new in zip(mean.parameters(), network.parameters(), strict=True):
            old.mul_(keep).add_(new.detach(), alpha=1 - keep)
