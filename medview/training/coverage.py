"""Shares of cases with the exact interval of a binomial count."""

from __future__ import annotations


def binomial_interval(hits: int, cases: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson 1934); 0 to 1 where there is no case."""
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, cases - hits + 1))
    high = 1.0 if hits == cases else float(beta.ppf(1 - tail, hits + 1, cases - hits))
    return low, high
