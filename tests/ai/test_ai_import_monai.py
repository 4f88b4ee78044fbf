"""MONAI bundles of others: UNet, transforms and inferer as data; the key that stops is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from medview.ai.importers import Wish
from medview.ai.importers.bundle import read_bundle
from medview.ai.importers.monai_net import MonaiUnet
from medview.ai.worker.checkpoint import convert_state_dict
from medview.ai.worker.net_steps import load_weights
from medview.ai.worker.nets import build_net
from medview.core.errors import ModelUnavailable

UNET: dict[str, Any] = {
    "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2,
    "channels": [2, 4, 6], "strides": [2, 2], "num_res_units": 2, "norm": "batch",
}  # fmt: skip
# As the Model Zoo's organ bundles are written; what is code there is not needed.
INFERENCE: dict[str, Any] = {
    "imports": ["$import glob"],
    "device": "$torch.device('cuda:0')",
    "pixdim": [1.5, 1.4, 2.0],
    "network_def": UNET,
    "network": "$@network_def.to(@device)",
    "preprocessing": {"_target_": "Compose", "transforms": [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
        {"_target_": "Spacingd", "keys": "image", "pixdim": "@pixdim", "mode": "bilinear"},
        {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164,
         "b_min": 0, "b_max": 1, "clip": True},
        {"_target_": "EnsureTyped", "keys": "image", "device": "@device"},
    ]},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [96, 80, 64], "overlap": 0.5},
    "postprocessing": {"_target_": "Compose", "transforms": [
        {"_target_": "Activationsd", "keys": "pred", "softmax": True},
        {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing"},
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir"},
    ]},
}  # fmt: skip
METADATA = {
    "version": "0.5.3", "name": "Spleen CT segmentation", "copyright": "MONAI Consortium",
    "network_data_format": {
        "inputs": {"image": {"modality": "CT", "num_channels": 1}},
        "outputs": {"pred": {"channel_def": {"0": "background", "1": "spleen"}}},
    },
}  # fmt: skip


def bundle(root: Path, **changes: Any) -> Path:
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    told = {**INFERENCE, **changes}
    (root / "configs" / "inference.json").write_text(json.dumps(told), encoding="utf-8")
    (root / "configs" / "metadata.json").write_text(json.dumps(METADATA), encoding="utf-8")
    torch.save({}, root / "models" / "model.pt")
    return root


def test_a_bundle_as_the_model_zoo_writes_it_becomes_steps(tmp_path: Path) -> None:
    found = read_bundle(bundle(tmp_path / "b"), Wish(licence="Apache-2.0"))
    steps = found.description["pipeline"]

    assert [step["op"] for step in steps] == [
        "orient", "resample", "scale_grey", "pad_to", "tile", "network", "unpad", "restore",
        "measure",
    ]  # fmt: skip
    assert steps[0]["axes"] == "SAR"  # k, j, i are MONAI's x, y, z
    assert steps[1]["spacing_mm"] == [2.0, 1.4, 1.5]
    assert (steps[2]["low"], steps[2]["high"], steps[2]["mean"], steps[2]["sd"]) == (
        -57, 164, -57, 221
    )  # fmt: skip
    assert (steps[4]["patch"], steps[4]["blend"]) == ([64, 80, 96], "constant")
    assert steps[3]["size"] == [64, 80, 96]  # MONAI fills up to a tile
    assert [out["name"] for out in found.description["outputs"]] == ["Spleen"]
    assert found.description["gates"][0]["in"] == ["CT"]


def changed(part: str, number: int, **fields: Any) -> dict[str, Any]:
    whole = json.loads(json.dumps(INFERENCE[part]))
    whole["transforms"][number] |= fields
    return {part: whole}


@pytest.mark.parametrize(("changes", "words"), [
    ({"network_def": {**UNET, "_target_": "SegResNet"}}, "SegResNet at network_def::_target_"),
    ({"network_def": {**UNET, "channels": "$[2, 4]"}}, "code to be run at network_def::channels"),
    ({"network_def": {**UNET, "in_channels": 4}}, "4 at network_def::in_channels"),
    ({"network_def": {**UNET, "act": "swish"}}, "swish at network_def::act"),
    ({"preprocessing": "$monai.data.x()"}, "code to be run at preprocessing"),
    (changed("preprocessing", 3, _target_="Resized"), "Resized at preprocessing::transforms::3"),
    (changed("preprocessing", 4, a_min="$min(x)"), "run at preprocessing::transforms::4::a_min"),
    (changed("postprocessing", 0, softmax=False, sigmoid=True), "postprocessing::transforms::0"),
    ({"inferer": {"_target_": "mine.Inferer"}}, "mine.Inferer at inferer::_target_"),
    ({"inferer": {"_target_": "SlidingWindowInferer", "roi_size": [8, 8, -1]}},
     "at inferer::roi_size"),
    ({"inferer": {**INFERENCE["inferer"], "cval": -1}}, "cval: -1 at inferer::cval"),
    ({"preprocessing": {**INFERENCE["preprocessing"], "lazy": True}}, "at preprocessing::lazy"),
    (changed("preprocessing", 0, dtype="int8"), "int8 at preprocessing::transforms::0::dtype"),
    (changed("preprocessing", 2, as_closest_canonical=True), "::2::as_closest_canonical"),
    (changed("preprocessing", 3, min_pixdim=[1, 1, 1]), "transforms::3::min_pixdim"),
    (changed("preprocessing", 3, pixdim=[1.0, -1.0, 1.0]), "pixdim at preprocessing"),
    (changed("preprocessing", 4, made_up=3), "made_up: 3 at preprocessing::transforms::4::made_up"),
    (changed("preprocessing", 4, b_max=None), "b_min, b_max at preprocessing::transforms::4"),
    (changed("postprocessing", 0, other="$abs"), "run at postprocessing::transforms::0::other"),
    (changed("postprocessing", 2, threshold=0.5), "postprocessing::transforms::2::threshold"),
    (changed("postprocessing", 2, _target_="KeepLargestConnectedComponentd", num_components=3),
     "postprocessing::transforms::2"),
])  # fmt: skip
def test_the_key_that_stops_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        read_bundle(bundle(tmp_path / "b", **changes), Wish())
    assert words in caught.value.sentence()


def read_steps(root: Path, wish: Wish, *transforms: dict[str, Any]) -> list[dict[str, Any]]:
    preprocessing = {"_target_": "Compose", "transforms": list(transforms)}
    found = read_bundle(bundle(root, preprocessing=preprocessing), wish)
    return list(found.description["pipeline"])


SPACING = {"_target_": "Spacingd", "keys": "image", "pixdim": [1.5, 1.4, 2.0]}
ORIENT = {"_target_": "Orientationd", "keys": "image", "axcodes": "LAS"}


def test_a_spacing_before_the_axes_are_turned_counts_along_those_of_the_file(
    tmp_path: Path,
) -> None:
    steps = read_steps(tmp_path / "b", Wish(), SPACING, {**ORIENT, "axcodes": "SPL"})

    assert [step.get("axes") for step in steps[:3]] == ["SAR", None, "LPS"]
    assert steps[1]["spacing_mm"] == [2.0, 1.4, 1.5]


@pytest.mark.parametrize(("transforms", "axes"), [
    ([], ["SPL"]), ([ORIENT], ["SAL"]), ([SPACING, ORIENT], ["SPL", "SAL"]),
])  # fmt: skip
def test_the_axes_of_the_training_files_can_be_said(
    transforms: list[dict[str, Any]], axes: list[str], tmp_path: Path
) -> None:
    steps = read_steps(tmp_path / "b", Wish(axes="LPS"), *transforms)
    assert [step["axes"] for step in steps if step["op"] == "orient"] == axes


@pytest.mark.parametrize("told", [True, "true", " True "])
def test_a_transform_that_is_disabled_is_left_out_as_monai_does(
    told: object, tmp_path: Path
) -> None:
    steps = read_steps(tmp_path / "b", Wish(), {**SPACING, "_disabled_": told}, ORIENT)
    assert "resample" not in [step["op"] for step in steps]
    assert steps[0]["axes"] == "SAL"


def test_a_transform_of_the_label_alone_is_none_of_the_picture_s(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        read_steps(tmp_path / "b", Wish(), {**SPACING, "keys": ["label"]})
    assert "preprocessing::transforms::0::keys" in caught.value.sentence()


def test_the_picture_s_own_interpolation_is_taken_where_each_key_has_one(tmp_path: Path) -> None:
    both = {**SPACING, "keys": ["label", "image"], "mode": ["nearest", "bilinear"]}
    (resample,) = [s for s in read_steps(tmp_path / "b", Wish(), both) if s["op"] == "resample"]
    assert resample["order"] == 1


def test_left_and_right_are_spoken_of_on_the_card(tmp_path: Path) -> None:
    notes = read_bundle(bundle(tmp_path / "b"), Wish()).notes
    assert any("left and right" in note for note in notes)


@pytest.mark.parametrize(("given", "grey"), [
    ({}, [-0.5, 0.0, 0.5, 1.5]), ({"clip": True}, [-0.5, 0.0, 0.5, 1.5]),
    ({"b_min": -1, "b_max": 1}, [-2.0, -1.0, 0.0, 2.0]),
    ({"b_min": -1, "b_max": 1, "clip": True}, [-1.0, -1.0, 0.0, 1.0]),
])  # fmt: skip
def test_grey_values_come_out_as_monai_s_range_scales_them(
    given: dict[str, Any], grey: list[float], tmp_path: Path
) -> None:
    told = {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -100, "a_max": 300}
    step = read_steps(tmp_path / "b", Wish(), told | given)[1]

    values = np.clip(np.array([-300.0, -100.0, 100.0, 500.0]), step["low"], step["high"])
    np.testing.assert_allclose((values - step["mean"]) / step["sd"], grey)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [
    {}, {"num_res_units": 0, "norm": ["instance", {"affine": True}], "act": "relu"},
    {"num_res_units": 1, "strides": [2, 1], "kernel_size": [3, 3, 1], "norm": "instance",
     "act": ["leakyrelu", {"negative_slope": 0.2}], "channels": [2, 2, 4]},
    {"channels": [2, 4, 4, 8], "strides": [1, 2, 2], "bias": False},
])  # fmt: skip
def test_the_unet_answers_as_monai_s_own_does(changes: dict[str, Any], tmp_path: Path) -> None:
    nets = pytest.importorskip("monai.networks.nets")
    given = {key: value for key, value in {**UNET, **changes}.items() if key != "_target_"}
    torch.manual_seed(4)
    peer = nets.UNet(**given).eval()
    with torch.no_grad():
        for name, tensor in peer.state_dict().items():  # so that norms are no identities
            if "running_var" in name:
                tensor.uniform_(0.5, 2)
    torch.save(peer.state_dict(), tmp_path / "model.pt")
    made = MonaiUnet({**UNET, **changes})
    target = tmp_path / "weights.safetensors"
    convert_state_dict(str(tmp_path / "model.pt"), str(target), made.names)
    net = build_net("graph", {"dims": 3, "nodes": made.nodes})
    load_weights(net, target.read_bytes(), "w")
    image = torch.from_numpy(np.random.default_rng(5).normal(size=(1, 1, 16, 8, 24)).astype("f4"))
    with torch.inference_mode():
        torch.testing.assert_close(net.eval()(image), peer(image), atol=1e-5, rtol=1e-5)
