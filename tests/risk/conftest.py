"""Small makers of what a record, a header and a reader say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

import pytest

from medview.core.observation import Observation, Source, concepts
from medview.risk import RiskResult, by_hand, catalogue, compute


@pytest.fixture
def said() -> Callable[..., Observation]:
    """`said("creatinine", 1.1, kind="lab", time="2026-01-29")`, in the concept's own unit."""

    def make(concept: str, value: object, kind: str = "lab", **more: str) -> Observation:
        return Observation(
            patient_id=more.get("patient", "P1"),
            concept=concept,
            value=value,  # type: ignore[arg-type]
            unit=more.get("unit", concepts()[concept].unit),
            comparator=more.get("comparator", ""),
            time=more.get("time", ""),
            source=Source(kind=kind, where=more.get("where", "")),
        )

    return make


@pytest.fixture
def typed() -> Callable[[str, Mapping[str, str | float | bool]], RiskResult]:
    """A score from values as a person types them."""

    def make(score: str, inputs: Mapping[str, str | float | bool]) -> RiskResult:
        return compute(catalogue()[score], [by_hand(k, v) for k, v in inputs.items()])

    return make


@pytest.fixture
def no_log_left() -> Iterator[None]:
    """The command starts the program's log; take it down again for the tests that follow."""
    yield
    logger = logging.getLogger("medview")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True
