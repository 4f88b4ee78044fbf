"""Small trainings are many here: their intervals are drawn from fewer resamples."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from medview.training import metrics


@pytest.fixture(autouse=True, scope="module")
def few_resamples(request: pytest.FixtureRequest) -> Iterator[None]:
    """100 resamples of the patients in place of 2000, but where figures themselves are tested."""
    whole = metrics.RESAMPLES
    if "metrics" not in request.node.name and "text" not in request.node.name:
        metrics.RESAMPLES = 100
    yield
    metrics.RESAMPLES = whole
