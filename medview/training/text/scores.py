"""F1 over texts with its interval: counts a text, texts drawn with replacement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.training.metrics import figure

Counts = tuple[int, int, int]  # found and there, found and not there, there and not found


class Tally:
    """Counts by name, one row a text."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, Counts]] = defaultdict(dict)
        self._texts: list[str] = []

    def begin(self, text_id: str) -> None:
        """The counts that follow are of a new text."""
        self._texts.append(text_id)

    def add(self, name: str, gold: Iterable[Hashable], ours: Iterable[Hashable]) -> None:
        """Count what is in both, only in ours, only in gold."""
        there, found = set(gold), set(ours)
        self.count(name, (len(there & found), len(found - there), len(there - found)))

    def count(self, name: str, counts: Counts) -> None:
        """Counts made by somebody else."""
        number = len(self._texts) - 1
        old = self._rows[name].get(number, (0, 0, 0))
        self._rows[name][number] = (old[0] + counts[0], old[1] + counts[1], old[2] + counts[2])

    @property
    def texts(self) -> tuple[str, ...]:
        """What every text is called."""
        return tuple(self._texts)

    @property
    def names(self) -> tuple[str, ...]:
        """What was counted, in the order in which it first was."""
        return tuple(self._rows)

    def rows(self, name: str) -> NDArray[np.int64]:
        """(texts, 3)."""
        table = np.zeros((len(self._texts), 3), np.int64)
        for number, counts in self._rows[name].items():
            table[number] = counts
        return table


def f1_of(counts: NDArray[np.int64]) -> float:
    """2 TP / (2 TP + FP + FN); NaN where there was nothing to find and nothing was found."""
    hit, extra, lost = (int(n) for n in counts)
    return 2 * hit / (2 * hit + extra + lost) if hit + extra + lost else float("nan")


def f1_figure(tally: Tally, name: str) -> dict[str, Any]:
    """F1 with its 95 % interval over texts, precision, recall and how many there are."""
    rows = tally.rows(name)
    hit, extra, lost = (int(n) for n in rows.sum(0))
    return {
        **figure(lambda n: f1_of(rows[n].sum(0)), tally.texts),
        "precision": round(hit / (hit + extra), 4) if hit + extra else 0.0,
        "recall": round(hit / (hit + lost), 4) if hit + lost else 0.0,
        "gold": hit + lost,
    }


def macro_figure(tally: Tally, names: Sequence[str]) -> dict[str, Any]:
    """The mean of the F1 of some names, with its interval."""
    tables = [tally.rows(name) for name in names]

    def mean(chosen: NDArray[np.int64]) -> float:
        return float(np.nanmean([f1_of(table[chosen].sum(0)) for table in tables]))

    return figure(mean, tally.texts)


def share_figure(tally: Tally, name: str) -> dict[str, Any]:
    """The share of right ones: counts are (right, wrong, 0)."""
    rows = tally.rows(name)

    def share(chosen: NDArray[np.int64]) -> float:
        right, wrong, _ = (int(n) for n in rows[chosen].sum(0))
        return right / (right + wrong) if right + wrong else float("nan")

    return {**figure(share, tally.texts), "gold": int(rows[:, :2].sum())}


def figures(tally: Tally, prefix: str = "") -> Mapping[str, Mapping[str, Any]]:
    """`f1.NAME` of everything that was counted."""
    return {f"f1.{name}": f1_figure(tally, name) for name in tally.names if name.startswith(prefix)}
