"""Window presets against the table of the reading-room reference, and where they hold."""

from __future__ import annotations

import numpy as np
import pytest

from medview.imaging.presets import opening_window, opens_inverted, preset_named, presets_for

# Width and level of the reference's section 2.2, "Use in MedView".
TABLE = {
    "Brain": (80, 40), "Subdural": (200, 75), "Stroke": (40, 40), "Stroke, tight": (8, 32),
    "Temporal bone": (2800, 600), "Neck": (375, 40), "Lung": (1500, -600),
    "Posterior fossa": (120, 40), "Emphysema": (500, -850), "Mediastinum": (350, 50),
    "Abdomen": (400, 50), "Liver, plain": (150, 30), "Liver, contrast": (150, 90),
    "Spine, soft tissue": (250, 50), "Spine, bone": (1800, 400), "Bone": (2000, 350),
    "CT angiography": (600, 170),
}  # fmt: skip


def test_every_ct_preset_has_the_width_and_level_of_the_table() -> None:
    found = {p.name: (p.window.width, p.window.center) for p in presets_for("CT", "HU")}
    assert found == TABLE


@pytest.mark.parametrize(
    ("modality", "unit"), [("CT", ""), ("MR", "HU"), ("MR", ""), ("CT", "SUV")]
)
def test_ct_presets_hold_for_ct_in_hu_alone(modality: str, unit: str) -> None:
    assert presets_for(modality, unit) == ()


def test_pet_opens_between_0_and_6_suv_dark_on_white(ct_volume) -> None:
    pet = ct_volume(np.zeros((1, 4, 4), np.int16), modality="PT", unit="SUVbw", intercept=0.0)
    window = opening_window(pet)
    assert (window.center - window.width / 2, window.center + window.width / 2) == (0, 6)
    assert opens_inverted(pet)


def test_the_first_window_is_the_files_then_an_automatic_one(ct_volume) -> None:
    own = ct_volume(windows=((30.0, 200.0, "own"), (50.0, 300.0, "")))
    assert opening_window(own).name == "own"
    assert opening_window(ct_volume()).width == pytest.approx(120, abs=4)


def test_a_preset_is_found_by_id_or_name() -> None:
    lung = preset_named("LUNG")
    assert lung is not None
    assert lung == preset_named("lung")
    assert preset_named("no such region") is None
