"""The tagger's network, worked out in NumPy: what `training.text.network` fits in torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.record.tagging.tokens import GRAM_GAIN, Tokens, word_numbers, word_of

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Network:
    """One set of weights. arrays: by the names of `training.text.network`, as float32.

    vocabulary: known words, numbered from 1. One object may serve several threads.
    """

    arrays: Mapping[str, Floats]
    vocabulary: Mapping[str, int]

    def hidden(self, sentences: Sequence[Tokens]) -> list[Floats]:
        """(n, 2 h) state of the recurrent layer at the tokens of each sentence."""
        inputs = [self._inputs(tokens) for tokens in sentences]
        ahead = self._run(inputs, "l0")
        behind = self._run([x[::-1] for x in inputs], "l0_reverse")
        return [np.concatenate([a, b[::-1]], 1) for a, b in zip(ahead, behind, strict=True)]

    def scores(self, head: str, hidden: Floats) -> Floats:
        """(n, K) scores of a corpus's tags, without those of the sparse layer."""
        weight, bias = self.arrays[f"out.{head}.weight"], self.arrays[f"out.{head}.bias"]
        return np.asarray(hidden @ weight.T + bias)

    def moves(self, head: str) -> Floats:
        """(K + 1, K + 1) scores of one tag after another, the last being the outside."""
        return self.arrays[f"steps.{head}"]

    def _inputs(self, tokens: Tokens) -> Floats:
        words = [word_of(word) for word in tokens.words]
        gram = self.arrays["gram.weight"]
        columns = (
            self.arrays["word.weight"][word_numbers(tokens.words, self.vocabulary)],
            np.stack([gram[list(w.grams)].mean(0) for w in words]) * GRAM_GAIN,
            self.arrays["shape.weight"][[w.shape for w in words]],
            self.arrays["mark.weight"][tokens.marks],
        )
        return np.concatenate(columns, 1).astype(np.float32)

    def _run(self, inputs: Sequence[Floats], layer: str) -> list[Floats]:
        """A long short-term memory over sentences side by side, the longest ones first."""
        w, u = self.arrays[f"lstm.weight_ih_{layer}"], self.arrays[f"lstm.weight_hh_{layer}"].T
        bias = self.arrays[f"lstm.bias_ih_{layer}"] + self.arrays[f"lstm.bias_hh_{layer}"]
        lengths = np.array([len(x) for x in inputs])
        order = np.argsort(-lengths, kind="stable")
        gates = np.zeros((lengths.max(), len(inputs), len(bias)), np.float32)
        for row, i in enumerate(order):
            gates[: lengths[i], row] = inputs[i] @ w.T + bias
        size = len(bias) // 4
        h, c = (np.zeros((len(inputs), size), np.float32) for _ in range(2))
        states = np.zeros((len(gates), len(inputs), size), np.float32)
        for t, row in enumerate(gates):
            n = int((lengths > t).sum())
            z = row[:n] + h[:n] @ u
            opened = _sigmoid(z)
            c[:n] = opened[:, size : 2 * size] * c[:n] + opened[:, :size] * np.tanh(
                z[:, 2 * size : 3 * size]
            )
            h[:n] = opened[:, 3 * size :] * np.tanh(c[:n])
            states[t, :n] = h[:n]
        result: list[Floats] = [np.empty(0, np.float32)] * len(inputs)
        for row, i in enumerate(order):
            result[i] = states[: lengths[i], row]
        return result


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5)
