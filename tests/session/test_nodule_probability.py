"""What the nodule's net says reaches the scores as an observation, until the reader rejects it."""

from __future__ import annotations

import pytest

from medview.core.results import Finding, ModelRef, ModelRun
from medview.core.study import Series, Study
from medview.risk import catalogue, judge, know
from medview.session.knowledge import from_runs
from medview.session.work import Decision, Work


@pytest.fixture
def study() -> Study:
    """A study with one series."""
    series = Series(uid="1.2", modality="CT", stacks=())
    return Study(uid="1", date="2026-01-31", series=(series,))


@pytest.fixture
def run() -> ModelRun:
    """The net on that series: 71 %, from 58 to 82."""
    finding = Finding(
        id="f1", kind="classification", label="suspicious", probability=0.71, interval=(0.58, 0.82)
    )
    return ModelRun(
        id="r1", series_uid="1.2", stack=0,
        model=ModelRef(name="nodule", version="0.1.0", manifest_sha256="0" * 64),
        status="run", findings=(finding,),
    )  # fmt: skip


def test_the_probability_comes_with_its_interval_and_its_finding(
    study: Study, run: ModelRun
) -> None:
    (said,) = from_runs([run], Work(), "P", study)

    assert (said.concept, said.value, said.unit) == ("nodule_malignancy_probability", 71.0, "%")
    assert said.interval == pytest.approx((58.0, 82.0))
    assert (said.source.kind, said.source.locator) == ("model", "finding:f1")


def test_one_number_for_the_nodule_takes_it_in_with_its_interval(
    study: Study, run: ModelRun
) -> None:
    known = know(from_runs([run], Work(), "P", study))

    result = judge(catalogue()["nodule-fused"], known)

    used = result.used("nodule_malignancy_probability")
    assert result.status == "computed"
    assert used is not None
    assert used.interval == pytest.approx((58.0, 82.0))
    assert used.source.kind == "model"


def test_rejected_by_the_reader_it_is_gone(study: Study, run: ModelRun) -> None:
    rejected = Decision(finding_id="f1", decision="rejected", at="2026-01-31T10:00")

    assert from_runs([run], Work(decisions=(rejected,)), "P", study) == []
