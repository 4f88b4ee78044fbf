"""Outlines that are missing, or end where the drawing ended: learning and measuring with them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from medview.core.errors import InvalidInput
from medview.training.augment import cropped, mirrored
from medview.training.cases import read_cases
from medview.training.loop import generator
from medview.training.losses import UNDRAWN, partial_dice_and_cross_entropy
from medview.training.outlines import where_drawn
from medview.training.segmentation import Prepared, prepare_volume

WANTED = tuple(range(1, 8))


def write_plan_ct(folder: Path, structures: str = "SpinalCord RightParotid LeftParotid") -> Path:
    """One made patient: a cord along k in the slices 2 to 5, a parotid on either side."""
    folder.mkdir(parents=True, exist_ok=True)
    ct, mask = np.full((8, 6, 10), 110, np.uint8), np.zeros((8, 6, 10), np.uint16)
    mask[2:6, 3, 5] |= 1 << 1
    mask[3, 1, 1] |= 1 << 2  # the patient's right is where i is small
    mask[3, 1, 8] |= 1 << 3
    mask[3, 0, 0] |= 1 << 7  # a target volume is no organ
    np.savez(folder / "dev.npz", ct_001=ct, mask_001=mask)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "split", "dz_mm", "dy_mm", "dx_mm", "structures"))
        writer.writerow((1, "dev", 2.5, 4.0, 3.5, structures))
    return folder


def test_planning_ct_is_read_in_hounsfield_units_and_millimetres(tmp_path: Path) -> None:
    (case,) = read_cases(write_plan_ct(tmp_path), "dev")
    assert case.volume.value_at(0, 0, 0) == 40
    assert case.volume.geometry.spacing == (3.5, 4.0, 2.5)
    assert case.truth is not None
    assert (case.truth[2, 3, 5], case.truth[3, 1, 1], case.truth[3, 1, 8]) == (2, 3, 4)
    assert case.truth[3, 0, 0] == 0
    assert case.labels == {2, 3, 4}


def test_an_outline_too_large_for_its_name_counts_as_not_drawn(tmp_path: Path) -> None:
    write_plan_ct(tmp_path)
    mask = np.zeros((60, 40, 40), np.uint16)
    mask[10:50, 5:30, 5:30] = 1 << 1  # 875 mL under the name of the cord
    mask[20:24, 8:10, 8:10] |= 1 << 2
    np.savez(tmp_path / "dev.npz", ct_001=np.zeros(mask.shape, np.uint8), mask_001=mask)
    (case,) = read_cases(tmp_path, "dev")
    assert case.labels == {3, 4}
    assert dict(case.left_out) == {"SpinalCord": pytest.approx(875.0)}
    assert case.truth is not None
    assert set(np.unique(case.truth)) == {0, 3}


def test_a_mask_on_another_grid_is_refused(tmp_path: Path) -> None:
    write_plan_ct(tmp_path)
    np.savez(tmp_path / "dev.npz", ct_001=np.zeros((4, 4, 4), np.uint8),
             mask_001=np.zeros((4, 4, 5), np.uint16))  # fmt: skip
    with pytest.raises(InvalidInput, match="another grid"):
        list(read_cases(tmp_path, "dev"))


def test_what_nobody_drew_is_unknown_and_beyond_a_cord_s_drawing_too(tmp_path: Path) -> None:
    (case,) = read_cases(write_plan_ct(tmp_path), "dev")
    prepared = prepare_volume(case, (), WANTED)
    assert prepared.unknown == (1, 5, 6, 7)
    assert prepared.open_ended == (2,)
    assert (prepared.label[[0, 1, 6, 7]] == UNDRAWN).all()
    assert not (prepared.label[2:6] == UNDRAWN).any()


def _logits(best: torch.Tensor) -> torch.Tensor:
    one_hot = torch.nn.functional.one_hot(best, 8).permute(3, 0, 1, 2)[None]
    return one_hot.float() * 40


def _loss(logits: torch.Tensor, label: torch.Tensor, case: Prepared) -> torch.Tensor:
    return partial_dice_and_cross_entropy(logits, label, case.unknown, case.open_ended)


def test_an_unknown_organ_neither_rewards_nor_punishes(tmp_path: Path) -> None:
    (case,) = read_cases(write_plan_ct(tmp_path), "dev")
    prepared = prepare_volume(case, (), WANTED)
    right = prepared.label.masked_fill(prepared.label == UNDRAWN, 0)
    extra = right.clone()
    extra[3, 4, 2] = 7  # a mandible, which nobody looked for
    extra[0, 3, 5] = 2  # the cord goes on where nobody drew it
    wrong = right.clone()
    wrong[3, 4, 2] = 3  # a piece of parotid too much
    losses = [float(_loss(_logits(x), prepared.label[None], prepared)) for x in
              (right, extra, wrong)]  # fmt: skip
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert losses[2] > losses[0] + 0.05


def test_a_case_with_every_outline_is_judged_as_ever(tmp_path: Path) -> None:
    label = torch.zeros((4, 4, 4), dtype=torch.int64)
    label[1, 1, 1] = 1
    whole = Prepared(torch.zeros(4, 4, 4), label)
    worse = float(_loss(_logits(torch.zeros_like(label)), label[None], whole))
    assert worse > float(_loss(_logits(label), label[None], whole)) + 0.05


def test_a_mirrored_patient_s_left_is_the_other_side() -> None:
    label = torch.zeros((1, 1, 4), dtype=torch.int64)
    label[0, 0, 0], label[0, 0, 3], label[0, 0, 1] = 3, 4, 1
    image = torch.arange(4.0).reshape(1, 1, 4)
    seen = set()
    for step in range(20):
        _, found = mirrored(image, label, generator(1, step), ((3, 4),))
        seen.add(tuple(found.ravel().tolist()))
    assert seen == {(3, 1, 0, 4), (3, 0, 1, 4)}


def test_a_crop_takes_image_and_label_from_the_same_place() -> None:
    image = torch.arange(5 * 6 * 7.0).reshape(5, 6, 7)
    for step in range(10):
        a, b = cropped(image, image.long(), generator(2, step), (3, 9, 4))
        assert a.shape == (4, 6, 3)
        assert torch.equal(a.long(), b)


def test_the_cord_is_compared_where_it_was_drawn() -> None:
    truth, found = np.zeros((6, 2, 2), bool), np.ones((6, 2, 2), bool)
    truth[2:4] = True
    a, b = where_drawn(found, truth)
    assert a.all()
    assert b.all()
    assert len(a) == len(b) == 2
