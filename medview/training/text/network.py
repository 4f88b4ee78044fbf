"""The tagger's network in torch: a recurrent layer over words, and a CRF for each corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from medview.record.tagging.tags import allowed, tag_names
from medview.record.tagging.tokens import GRAM_BITS, GRAM_GAIN, MARKS, SHAPES, WIDE_BITS


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Widths of the parts; `dropout` of what goes into the recurrent layer and out of it."""

    word: int = 64
    gram: int = 96
    small: int = 12
    hidden: int = 128
    dropout: float = 0.45
    wide_dropout: float = 0.3


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
        x = nn.functional.dropout(x, size.dropout, self.training)
        h, _ = self.lstm(x)
        h = nn.functional.dropout(h, size.dropout, self.training)
        kept = nn.functional.dropout(torch.ones(batch.wide.shape), size.wide_dropout, self.training)
        wide = (self.wide[head](batch.wide) * kept[..., None]).sum(2)
        result: Tensor = self.out[head](h) + wide
        return result

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
