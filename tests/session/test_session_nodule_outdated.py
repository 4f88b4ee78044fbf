"""An answer about a nodule holds while the nodule measures what it did."""

from __future__ import annotations

import pytest

from medview.core.results import Check, GateVerdict, Measurement, ModelRef, ModelRun, Quantity
from medview.core.words import say
from medview.session.nodules import is_outdated


def nodule(long_mm: float, short_mm: float) -> Measurement:
    return Measurement(
        id="m", kind="bidirectional", series_uid="1", stack=0, points=(), normal=(0, 0, 1),
        quantities=(Quantity(concept="Long axis", value=long_mm, unit="mm"),
                    Quantity(concept="Short axis", value=short_mm, unit="mm")),
        extra=(("type", "solid"),),
    )  # fmt: skip


def asked(diameter_mm: float) -> ModelRun:
    said = say("The diameter fits ({size} mm).", size=diameter_mm)
    gate = GateVerdict("accepted", (Check("diameter_mm", ok=True, said=said),))
    return ModelRun(
        id="r", model=ModelRef(name="nodule", version="1.0.0", manifest_sha256=""),
        series_uid="1", stack=0, status="run", gate=gate, subject="m",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("axes", "wanted"),
    [((12.0, 10.0), False), ((12.2, 10.0), False), ((13.0, 10.0), True), ((8.0, 7.0), True)],
)
def test_an_answer_is_outdated_when_the_diameter_moved(axes: tuple[float, float], wanted: bool):
    assert is_outdated(asked(11.0), nodule(*axes)) is wanted


def test_a_run_without_a_gate_is_not_outdated():
    run = ModelRun(
        id="r", model=ModelRef(name="x", version="1.0.0", manifest_sha256=""), series_uid="1",
        stack=0, status="run",
    )  # fmt: skip
    assert not is_outdated(run, nodule(12.0, 10.0))
