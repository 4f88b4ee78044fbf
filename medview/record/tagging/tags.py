"""Tags of the tagger: per type Begin, Inside, End and Single, and O; and which may follow which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medview.record.note import Span

FORBIDDEN = -1e4


def tag_names(types: Sequence[str]) -> tuple[str, ...]:
    """O first, then B, I, E and S of each type."""
    return ("O", *(f"{part}-{kind}" for kind in types for part in "BIES"))


def allowed(types: Sequence[str]) -> NDArray[np.float32]:
    """(K + 1, K + 1) zeros where the second may follow the first; the last is the outside."""
    tags = (*tag_names(types), "O")
    table = np.zeros((len(tags), len(tags)), np.float32)
    for i, first in enumerate(tags):
        for j, second in enumerate(tags):
            is_open, goes_on = first[0] in "BI", second[0] in "IE"
            if is_open != goes_on or (is_open and first[2:] != second[2:]):
                table[i, j] = FORBIDDEN
    return table


def tags_for(
    spans: Sequence[Span], mentions: Iterable[tuple[int, int, str]], types: Sequence[str]
) -> list[int]:
    """The tag of each token; a mention whose ends are no ends of tokens is left out."""
    numbers = {name: i for i, name in enumerate(tag_names(types))}
    starts, ends = ({s[k]: i for i, s in enumerate(spans)} for k in (0, 1))
    tags = [0] * len(spans)
    for start, end, kind in mentions:
        first, last = starts.get(start), ends.get(end)
        if first is None or last is None:
            continue
        parts = "S" if first == last else "B" + "I" * (last - first - 1) + "E"
        tags[first : last + 1] = [numbers[f"{part}-{kind}"] for part in parts]
    return tags


def mentions_in(tags: Sequence[int], types: Sequence[str]) -> list[tuple[int, int, str]]:
    """(first token, last token, type) of each mention of an allowed sequence."""
    names = tag_names(types)
    found = []
    begin = 0
    for i, tag in enumerate(tags):
        part = names[tag][0]
        if part in "BS":
            begin = i
        if part in "ES":
            found.append((begin, i, names[tag][2:]))
    return found


def best_path(scores: NDArray[np.float32], steps: NDArray[np.float32]) -> list[int]:
    """Viterbi: the best tags of one sentence. scores: (n, K); steps: (K + 1, K + 1)."""
    k = scores.shape[1]
    inner = steps[:k, :k]
    total = scores[0] + steps[k, :k]
    back = np.empty((len(scores), k), np.int64)
    for i in range(1, len(scores)):
        through = total[:, None] + inner
        back[i] = through.argmax(0)
        total = through[back[i], np.arange(k)] + scores[i]
    tag = int((total + steps[:k, k]).argmax())
    path = [tag]
    for i in range(len(scores) - 1, 0, -1):
        tag = int(back[i, tag])
        path.append(tag)
    return path[::-1]


def marginals(scores: NDArray[np.float32], steps: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, K) probability of each tag at each token, by the forward-backward algorithm."""
    k = scores.shape[1]
    inner = np.exp(steps[:k, :k].astype(np.float64))
    rows = np.exp((scores - scores.max(1, keepdims=True)).astype(np.float64))
    ahead, behind = np.empty_like(rows), np.ones_like(rows)
    ahead[0] = _scaled(rows[0] * np.exp(steps[k, :k]))
    for i in range(1, len(rows)):
        ahead[i] = _scaled((ahead[i - 1] @ inner) * rows[i])
    behind[-1] = _scaled(np.exp(steps[:k, k].astype(np.float64)))
    for i, j in pairwise(range(len(rows) - 1, -1, -1)):
        behind[j] = _scaled(inner @ (rows[i] * behind[i]))
    both = ahead * behind
    return np.asarray(both / both.sum(1, keepdims=True))


def _scaled(row: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(row / max(row.sum(), 1e-300))
