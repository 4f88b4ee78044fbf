"""nnU-Net v2 folders and zips become native folders; what cannot be followed is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ai_nnunet_made as made
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from medview.ai.catalogue import user_models_dir
from medview.ai.importers import Wish, imported
from medview.ai.importers.nnunet import find_nnunet, read_nnunet, with_mirrors
from medview.ai.signature import KEY_VARIABLE, make_key
from medview.ai.worker.budget import cost_of, least_shape
from medview.ai.worker.checkpoint import convert_nnunet, convert_state_dict
from medview.ai.worker.net_steps import load_weights, network, tile
from medview.ai.worker.nets import build_net
from medview.ai.worker.output_steps import restore
from medview.ai.worker.resize_steps import (
    background_outside,
    coarse_axis,
    crop_foreground,
    fit_spacing,
    pad_to,
    scale_grey,
    unpad,
)
from medview.ai.worker.steps import State
from medview.cli.main import main
from medview.core.errors import InputRefused, ModelUnavailable
from medview.core.geometry import Geometry, VoxelIndex
from medview.core.volume import Volume

Refused = Callable[..., str]


def state_of(image: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> State:
    k, j, i = image.shape
    geometry = Geometry(shape=(k, j, i), spacing=spacing)
    return State(Volume(geometry=geometry, stored=image.astype(np.float32), modality="CT"))


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    def read(own: Any = None, about: Any = None, wish: Wish | None = None) -> str:
        folder = made.write(tmp_path / "new", own=own, about=about)
        with pytest.raises(ModelUnavailable) as caught:
            read_nnunet(folder, wish or Wish())
        return caught.value.sentence()

    return read


def test_zip_of_a_trained_folder_becomes_a_model_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(tmp_path / "key")
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key"))  # for one's own models, not for these
    made.write(tmp_path / "results")
    archive = shutil.make_archive(str(tmp_path / "export"), "zip", tmp_path / "results")

    assert main(["models", "import", archive, "--name", "made-liver", "--json"]) == 0

    row = json.loads(capsys.readouterr().out)["models"][0]
    assert (row["name"], row["signature"]) == ("made-liver", "unsigned")
    assert row["selftest"]["state"] == "passed"
    folder = user_models_dir() / "made-liver"
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert 0 < description["limits"]["ram_gb_max"] < 1
    assert [output["name"] for output in description["outputs"]] == ["Liver", "Tumour"]
    assert "Not evaluated by MedView" in (folder / "card.md").read_text(encoding="utf-8")
    assert not list(folder.rglob("*.pth"))
    # As `ask_geometry` names the grids of stacks; another word would refuse every series.
    assert description["gates"][1]["in"] == ["regular"]


@pytest.mark.parametrize(("arch", "name"), [
    ("nnunet_plain", "PlainConvUNet"), ("nnunet_resenc", "ResidualEncoderUNet"),
])  # fmt: skip
def test_old_and_new_plans_ask_for_the_same_net_and_its_weights_fit(
    tmp_path: Path, arch: str, name: str
) -> None:
    old = made.plans(UNet_class_name=name)
    new = made.plans(architecture=made.architecture(name))
    folder = made.write(tmp_path / "old", arch, own=old)
    steps = {step["op"]: step for step in read_nnunet(folder, Wish()).description["pipeline"]}
    other = made.write(tmp_path / "new", arch, own=new)
    again = {step["op"]: step for step in read_nnunet(other, Wish()).description["pipeline"]}

    assert steps == again
    assert steps["network"]["arch"] == arch
    assert steps["fit_spacing"]["spacing_mm"] == [1.0, 1.0, 3.0]  # i, j, k
    assert steps["tile"]["patch"] == [16, 16, 8]
    convert_nnunet(str(folder / "fold_0" / "checkpoint_final.pth"), str(tmp_path / "w.safetensors"))
    net = build_net(arch, steps["network"]["args"])
    found = load_file(tmp_path / "w.safetensors")
    assert {n: a.shape for n, a in found.items()} == {
        n: tuple(t.shape) for n, t in net.state_dict().items()
    }


def test_turned_arrays_and_reading_direction_become_axes(tmp_path: Path) -> None:
    turned = {**made.plans(), "transpose_forward": [2, 0, 1]}
    folder = made.write(tmp_path, own=turned)

    # Arrays are [S, P, L]; turned to [L, S, P]: i grows to P, j to S, k to L.
    assert read_nnunet(folder, Wish()).description["pipeline"][0]["axes"] == "PSL"
    assert read_nnunet(folder, Wish(axes="RAS")).description["pipeline"][0]["axes"] == "ASR"


def flat(plans: dict[str, Any]) -> dict[str, Any]:
    """The same as a configuration of planes."""
    own = plans["configurations"].pop("3d_fullres")
    own |= {
        "patch_size": [16, 24], "spacing": [1.0, 0.8], "conv_kernel_sizes": [[3, 3]] * 3,
        "pool_op_kernel_sizes": [[1, 1], [2, 2], [2, 2]],
    }  # fmt: skip
    return {**plans, "configurations": {"2d": own}}


def test_a_model_of_planes_looks_at_each_slice_by_itself(tmp_path: Path) -> None:
    folder = tmp_path / "nnUNetTrainer__nnUNetPlans__2d"
    made.write(tmp_path).rename(folder)
    (folder / "plans.json").write_text(json.dumps(flat(made.plans())), encoding="utf-8")
    steps = {step["op"]: step for step in read_nnunet(folder, Wish()).description["pipeline"]}
    assert steps["fit_spacing"]["spacing_mm"] == [0.8, 1.0, 0.0]
    assert steps["tile"]["patch"] == [24, 16, 1]

    net = build_net(steps["network"]["arch"], steps["network"]["args"]).eval()
    planes = {name: value[:, :, 0] if value.ndim == 5 else value
              for name, value in net.state_dict().items()}  # fmt: skip
    checkpoint = {"network_weights": planes, "trainer_name": "nnUNetTrainer"}
    torch.save(checkpoint, tmp_path / "c.pth")
    convert_nnunet(str(tmp_path / "c.pth"), str(tmp_path / "w.safetensors"))
    load_weights(net, (tmp_path / "w.safetensors").read_bytes(), "w")
    assert cost_of(net, (1, 16, 24)).classes == 3

    state = state_of(np.random.default_rng(1).normal(size=(3, 16, 24)))
    state.context.networks["nnunet_plain:w:"] = net
    fit_spacing(state, [1.0, 1.0, 0.0])
    tile(state, [24, 16, 1], blend="nnunet")
    network(state, "nnunet_plain", "w")
    with torch.inference_mode():
        alone = net(torch.from_numpy(state.image[1:2])[None, None])[0].numpy()
    assert state.logits is not None
    np.testing.assert_allclose(state.logits[:, 1:2], alone, atol=1e-5)


def test_a_net_of_many_levels_can_be_foretold() -> None:
    # Six levels as TotalSegmentator's: five times half, once not along k.
    shapes = [3, 3, 3, 1, 1, 1, *[3, 3, 3, 2, 2, 2] * 4, 3, 3, 3, 1, 2, 2]
    net = build_net("nnunet_plain", {
        "outputs": 2, "features": [2] * 6, "shapes": shapes, "counts": [1] * 6, "decoder": [1] * 5,
    }).eval()  # fmt: skip
    assert least_shape(net) == [32, 64, 64]
    assert cost_of(net, (32, 64, 64)).flops > 0


def test_what_add_is_given_may_be_foreign_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made.write(tmp_path / "results", own=made.plans(UNet_class_name="MyUNet"))

    assert main(["models", "add", str(tmp_path / "results")]) == 2
    assert "(MyUNet)" in capsys.readouterr().err


def test_mirrored_looks_are_taken_where_training_mirrored(tmp_path: Path) -> None:
    foreign = with_mirrors(read_nnunet(made.write(tmp_path), Wish()), [0, 2])
    mirror = next(s for s in foreign.description["pipeline"] if s["op"] == "mirror")
    assert (mirror["axes"], mirror["max_evals"]) == ([0, 2], 3)


def test_a_model_that_leaves_grey_values_alone_is_mirrored_too(tmp_path: Path) -> None:
    plans = made.plans(normalization_schemes=["NoNormalization"])
    foreign = with_mirrors(read_nnunet(made.write(tmp_path, own=plans), Wish()), [0])
    mirror = next(s for s in foreign.description["pipeline"] if s["op"] == "mirror")
    assert mirror["axes"] == [2]  # k of the array, i.e. the last of i, j, k


def test_finest_configuration_of_several_is_taken(tmp_path: Path) -> None:
    fine = made.write(tmp_path)
    shutil.copytree(fine, fine.with_name("nnUNetTrainer__nnUNetPlans__3d_lowres"))
    shutil.copytree(fine, fine.with_name("nnUNetTrainer__nnUNetPlans__2d"))

    assert find_nnunet(tmp_path) == fine


@pytest.mark.parametrize(("changes", "words"), [
    ({"UNet_class_name": "MyUNet"}, "a network that this version does not know"),
    ({"normalization_schemes": ["MyNorm"]}, "scales grey values by MyNorm"),
    ({"resampling_fn_data": "my_resampling"}, "resamples by my_resampling"),
    ({"previous_stage": "3d_lowres"}, "second of a cascade"),
    ({"previous_stage": "3d_lowres"}, "plans.json: configurations.3d_fullres.previous_stage"),
    ({"architecture": made.architecture("PlainConvUNet", norm_op="os.system")},
     "norm_op: os.system"),
    ({"patch_size": [9, 9]}, "lacks what nnU-Net v2 writes"),
    ({"conv_kernel_sizes": "x"}, "lacks what nnU-Net v2 writes"),
])  # fmt: skip
def test_plans_that_cannot_be_followed_say_why(
    refused: Refused, changes: dict[str, Any], words: str
) -> None:
    assert words in refused(own=made.plans(**changes))


@pytest.mark.parametrize(("changes", "words"), [
    ({"channel_names": {"0": "T1", "1": "T2"}}, "needs 2 images of a patient"),
    ({"channel_names": {"0": "T1", "1": "T2"}}, "dataset.json: channel_names"),
    ({"labels": {"background": 0, "whole": [1, 2], "core": 2}}, "regions that overlap"),
    ({"labels": {"background": 0, "whole": [1, 2], "core": 2}}, "dataset.json: labels.whole"),
    ({"channel_names": {"0": "noNorm"}}, "for which modality"),
    ({"labels": {"background": 0, "a": 7}}, "lacks what nnU-Net v2 writes"),
])  # fmt: skip
def test_data_sets_that_cannot_be_followed_say_why(
    refused: Refused, changes: dict[str, Any], words: str
) -> None:
    assert words in refused(about=made.dataset(**changes))


def said(path: Path) -> str:
    with pytest.raises(ModelUnavailable) as caught, imported(path, Wish()):
        pass
    return caught.value.sentence()


class Evil:
    """A pickle that would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_checkpoint_that_would_run_code_is_refused_by_name_and_runs_nothing(tmp_path: Path) -> None:
    folder = made.write(tmp_path, logging=Evil(tmp_path / "ran"))
    source = str(folder / "fold_0" / "checkpoint_final.pth")

    with pytest.raises(ModelUnavailable, match="whole pickle: it asks for "):
        convert_nnunet(source, str(tmp_path / "w.safetensors"))
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "w.safetensors").exists()


@pytest.mark.parametrize(("changes", "words"), [
    ({"trainer_name": "MyTrainer"}, "an own trainer .MyTrainer."),
    ({"network_weights": None}, "no weights of nnU-Net v2"),
    ({"network_weights": {"a": "text"}}, "no table of weights"),
    ({"network_weights": {"a": torch.zeros(1).expand(10**9)}}, "larger than it says"),
])  # fmt: skip
def test_checkpoint_with_other_content_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    folder = made.write(tmp_path, **changes)

    with pytest.raises(ModelUnavailable, match=words):
        convert_nnunet(str(folder / "fold_0" / "checkpoint_final.pth"), str(tmp_path / "w"))


def test_whole_modules_torchscript_and_noise_are_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pt")
    (tmp_path / "noise.pt").write_bytes(b"\x80\x04noise")
    for name in ("whole.pt", "noise.pt"):
        with pytest.raises(ModelUnavailable):
            convert_state_dict(str(tmp_path / name), str(tmp_path / "w"))
        assert "can run code when it is opened" in said(tmp_path / name)


def test_folder_of_no_known_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("x", encoding="utf-8")

    assert "neither an nnU-Net v2 results folder" in said(tmp_path)


def test_crop_keeps_what_is_not_zero_with_its_place_and_the_rest_is_background() -> None:
    image = np.zeros((6, 8, 10), np.float32)
    image[1:4, 2:7, 3:9] = 5
    image[2, 4, 5] = 0  # a hole stays
    state = state_of(image, (2.0, 1.0, 1.0))
    crop_foreground(state)

    assert state.image.shape == (3, 5, 6)
    assert tuple(state.geometry.origin) == (6.0, 2.0, 1.0)
    state.label_map = np.ones(image.shape, np.uint8)
    background_outside(state)
    assert state.label_map is not None
    assert state.label_map.sum() == 3 * 5 * 6
    assert state.label_map[2, 4, 5] == 1


def test_image_of_zeros_is_refused() -> None:
    with pytest.raises(InputRefused):
        crop_foreground(state_of(np.zeros((3, 3, 3))))


def test_grey_values_are_scaled_by_each_mode() -> None:
    image = np.array([[[0.0, 2.0, 4.0, 6.0]]])
    for mode, wanted in (
        ("unit", [0, 1 / 3, 2 / 3, 1]),
        ("whole", (np.array([0, 2, 4, 6]) - 3) / np.sqrt(5)),
        ("foreground", np.array([0, -2, 0, 2]) / np.sqrt(8 / 3)),
    ):
        state = state_of(image)
        scale_grey(state, mode)
        np.testing.assert_allclose(state.image.ravel(), wanted, atol=1e-6)
    state = state_of(image)
    scale_grey(state, "fixed", low=1, high=5, mean=3, sd=2)
    np.testing.assert_allclose(state.image.ravel(), [-1, -0.5, 0.5, 1])


def test_thick_slices_are_resampled_one_by_one() -> None:
    assert coarse_axis((5.0, 1.0, 1.0), (1.0, 1.0, 1.0)) == 0
    assert coarse_axis((1.0, 1.0, 1.0), (1.0, 1.0, 4.0)) == 2
    assert coarse_axis((1.0, 4.0, 4.0), (2.0, 2.0, 2.0)) is None
    image = np.repeat(np.arange(4.0)[:, None, None], 6, 1).repeat(6, 2)
    state = state_of(image, (1.0, 1.0, 6.0))
    fit_spacing(state, [0.5, 0.5, 3.0])

    assert state.image.shape == (8, 12, 12)
    assert state.image[:, 3, 3].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]  # none between two
    # The box stays: the first corner half a voxel before the first centre.
    assert state.geometry.to_patient(VoxelIndex(-0.5, -0.5, -0.5)) == pytest.approx(
        (-0.5, -0.5, -3)
    )


@pytest.mark.parametrize("is_fitted", [True, False])  # MONAI's bundles have `resample` or nothing
def test_padding_is_taken_off_the_answer_again(is_fitted: bool) -> None:
    state = state_of(np.ones((3, 4, 5)))
    if is_fitted:
        fit_spacing(state, [1.0, 1.0, 1.0])
    pad_to(state, [8, 4, 6])
    assert state.image.shape == (6, 4, 8)
    state.logits = np.pad(np.ones((2, 3, 4, 5), np.float32), ((0, 0), (1, 2), (0, 0), (1, 2)))
    unpad(state)

    assert state.logits.shape == (2, 3, 4, 5)
    assert state.logits.min() == 1
    assert tuple(state.geometry.origin) == (0, 0, 0)


def test_of_a_padded_image_only_its_own_slices_are_ever_labelled() -> None:
    class Bright(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.cat([torch.zeros_like(image), image - 0.5], 1)

    voxels = np.random.default_rng(7).integers(0, 2, (3, 4, 5)).astype(float)
    state = state_of(voxels)
    state.context.networks["a:w:"] = Bright()
    fit_spacing(state, [1.0, 1.0, 1.0])
    pad_to(state, [8, 4, 6])
    tile(state, [4, 4, 3])
    network(state, "a", "w")
    unpad(state)
    restore(state)
    assert not state.has_logits
    assert state.label_map is not None
    np.testing.assert_array_equal(state.label_map, voxels)
    assert state.logits is not None
    assert state.logits.shape == (2, 3, 4, 5)
