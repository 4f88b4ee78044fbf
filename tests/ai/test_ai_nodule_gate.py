"""The gate of a model that looks at one lesion: its size, and nothing without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from medview.ai.folder import open_folder
from medview.ai.gate import applies, judge, needs_lesion
from medview.core.geometry import Geometry
from medview.core.study import Patient, Series, Stack, Study

MODEL = open_folder(Path(__file__).parents[2] / "models" / "nodule")


def series_of(**changes: object) -> Series:
    geometry = Geometry(shape=(60, 512, 512), spacing=(0.7, 0.7, 2.0))
    stack = Stack(geometry=geometry, verdict="regular", frames=(), photometric="MONOCHROME2")
    header = {"PatientAge": "064Y", "Modality": "CT", **changes}
    return Series(
        uid="1.2", modality="CT", body_part="CHEST", description="Lung", stacks=(stack,),
        header=header,
    )  # fmt: skip


def verdict(series: Series, diameter_mm: float | None):
    patient, study = Patient(id="p"), Study(uid="1", series=(series,))
    return judge(MODEL, patient, study, series, series.stacks[0], diameter_mm)


def test_a_whole_series_needs_a_click():
    found = verdict(series_of(), None)
    assert found.verdict == "refused"
    assert "click" in found.reason.english()
    assert needs_lesion(MODEL)
    assert not applies(MODEL, series_of())


@pytest.mark.parametrize(
    ("diameter", "wanted"),
    [(2.8, "refused"), (3.0, "accepted"), (30.0, "accepted"), (31.0, "refused")],
)
def test_only_sizes_of_the_training_are_taken(diameter: float, wanted: str):
    assert verdict(series_of(), diameter).verdict == wanted


def test_a_child_is_refused_and_said_so():
    found = verdict(series_of(PatientAge="009Y"), 8.0)
    assert found.verdict == "refused"
    assert "child" in found.reason.english()


def test_a_scout_view_is_refused():
    found = verdict(series_of(ImageType="ORIGINAL\\PRIMARY\\LOCALIZER"), 8.0)
    assert "localizer" in found.reason.english()
