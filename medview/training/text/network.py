"""The tagger's network in torch: a recurrent layer over words, and a CRF for each corpus."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from medview.record.tagging.tags import allowed, tag_names
from medview.record.tagging.tokens import GRAM_BITS, GRAM_GAIN, MARKS, SHAPES, WIDE_BITS
from medview.training.text.plan import Sizes


@dataclass(frozen=True, slots=True)
class Batch:
    """b sentences of t tokens each, of one corpus, in which u different words stand."""

    words: Tensor  # (u,) numbers in the vocabulary
    shapes: Tensor  # (u,)
    grams: Tensor  # all words' n-grams in a row
    gram_starts: Tensor  # (u,)
    which: Tensor  # (b, t) row of each token's word among the u
    marks: Tensor  # (b, t)
    wide: Tensor  # (b, t, f)
    tags: Tensor  # (b, t)


class TaggerNetwork(nn.Module):
    """Words, n-grams, shape and lexicon to scores of tags, for each corpus its own."""

    def __init__(self, words: int, heads: Mapping[str, Sequence[str]], sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.pool: Tensor
        self.register_buffer("pool", torch.rand(1 << 22), False)
        self.word = nn.Embedding(words, sizes.word)
        self.gram = nn.EmbeddingBag(1 << GRAM_BITS, sizes.gram, mode="mean", sparse=True)
        self.shape = nn.Embedding(SHAPES, sizes.small)
        self.mark = nn.Embedding(MARKS, sizes.small)
        width = sizes.word + sizes.gram + 2 * sizes.small
        self.lstm = nn.LSTM(width, sizes.hidden, bidirectional=True, batch_first=True)
        self.out = nn.ModuleDict()
        self.wide = nn.ModuleDict()
        self.steps = nn.ParameterDict()
        for name, types in heads.items():
            k = len(tag_names(types))
            self.out[name] = nn.Linear(2 * sizes.hidden, k)
            self.wide[name] = nn.Embedding(1 << WIDE_BITS, k, sparse=True)
            nn.init.zeros_(self.wide[name].weight)  # type: ignore[arg-type]
            self.steps[name] = nn.Parameter(torch.zeros(k + 1, k + 1))
            self.register_buffer(f"allowed_{name}", torch.from_numpy(allowed(types)), False)
        for table in (self.word, self.gram, self.shape, self.mark):
            nn.init.normal_(table.weight, std=0.3)

    def scores(self, batch: Batch, head: str) -> Tensor:
        """(b, t, K) scores of tags."""
        size = self.sizes
        words, grams = batch.words, batch.grams
        if self.training:  # rare words are learned as unknown ones too
            words = words * (torch.rand_like(words, dtype=torch.float32) > 0.1)
        of_word = torch.cat(
            [
                self.word(words),
                self.gram(grams, batch.gram_starts) * GRAM_GAIN,
                self.shape(batch.shapes),
            ],
            1,
        )
        x = torch.cat([of_word[batch.which], self.mark(batch.marks)], 2)
        x = self._dropped(x, size.dropout)
        h, _ = self.lstm(x)
        h = self._dropped(h, size.dropout)
        rows = self._dropped(self.wide[head](batch.wide), size.wide_dropout)
        result: Tensor = self.out[head](h) + rows.sum(2)
        return result

    def _dropped(self, x: Tensor, rate: float) -> Tensor:
        """Dropout of x[i, j, k], with numbers drawn once: new ones cost as much as the rest."""
        if not self.training or not rate:
            return x
        n = math.prod(x.shape[:3])
        start = int(torch.randint(0, len(self.pool) - n, ()))
        kept = (self.pool[start : start + n] >= rate).float() / (1 - rate)
        return x * kept.reshape(*x.shape[:3], *[1] * (x.ndim - 3))

    def tables(self) -> list[nn.Parameter]:
        """The large tables, of which a step touches a few rows only."""
        return [self.gram.weight, *(table.weight for table in self.wide.values())]  # type: ignore[list-item]

    def moves(self, head: str) -> Tensor:
        """(K + 1, K + 1) scores of one tag after another; what may not be is far below."""
        result: Tensor = self.steps[head] + getattr(self, f"allowed_{head}")
        return result

    def loss(self, batch: Batch, head: str) -> Tensor:
        """Negative log likelihood of the tags, a token."""
        scores, steps = self.scores(batch, head), self.moves(head)
        gap = _log_sum(scores, steps) - _of_path(scores, steps, batch.tags)
        return gap.sum() / batch.tags.numel()


def _log_sum(scores: Tensor, steps: Tensor) -> Tensor:
    k = scores.shape[2]
    inner = steps[None, :k, :k]
    first, *rest = scores.unbind(1)
    total = first + steps[k, :k]
    for row in rest:
        total = torch.logsumexp(total[:, :, None] + inner, 1) + row
    return torch.logsumexp(total + steps[:k, k], 1)


def _of_path(scores: Tensor, steps: Tensor, tags: Tensor) -> Tensor:
    k = scores.shape[2]
    own = scores.gather(2, tags[:, :, None])[:, :, 0].sum(1)
    between: Tensor = steps[tags[:, :-1], tags[:, 1:]].sum(1)
    return own + between + steps[k, tags[:, 0]] + steps[tags[:, -1], k]


def arrays_of(network: TaggerNetwork) -> dict[str, np.ndarray]:
    """The tables as `record.tagging` reads them; the moves with what may not be."""
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    for name in list(arrays):
        if name.startswith("steps."):
            arrays[name] = network.moves(name.removeprefix("steps.")).detach().numpy()
    return arrays
