"""Steps: grids come back by place in the patient, grey values do not depend on a film's scale."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from ai_pipeline_dicom import as_volume

from medview.ai.worker.explain import coarser, linear_cam
from medview.ai.worker.input_steps import reorder
from medview.ai.worker.net_steps import load_weights, mahalanobis
from medview.ai.worker.nets import ResNet2d, UNet3d, build_net
from medview.ai.worker.output_steps import components
from medview.ai.worker.pipeline import load_steps, run_steps
from medview.ai.worker.steps import Fields, State, check_fields
from medview.core.errors import InputRefused, ModelUnavailable
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.volume import Volume
from medview.training.cases import film_volume
from medview.training.checkpoint import save_half

load_steps()
ORIENT: Fields = {"op": "orient", "axes": "LPS"}
PAD: Fields = {"op": "pad_multiple", "factors": [8, 8, 8]}
ZSCORE: Fields = {"op": "normalize", "mode": "zscore"}
PERCENTILE: Fields = {"op": "normalize", "mode": "percentile", "low": 1, "high": 99}


def oblique(shape: tuple[int, int, int] = (5, 7, 6)) -> Geometry:
    """A grid turned by 20 degrees about z, with three different spacings."""
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    return Geometry(
        shape=shape, spacing=(1.0, 1.2, 1.5), origin=PatientPoint(-12.0, 33.0, 4.0),
        axes=((c, s, 0.0), (-s, c, 0.0), (0.0, 0.0, 1.0)),
    )  # fmt: skip


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 250, (5, 7, 6)).astype(np.uint8)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product([False, True], repeat=3)))
def test_orient_finds_the_same_array_however_the_axes_were_stored(noise, order, flips):
    moved, grid = reorder(noise, oblique(), order, flips)
    state = State(as_volume(moved, grid))

    run_steps(state, (ORIENT,))

    assert np.array_equal(state.image, noise)
    assert state.geometry.same_grid(oblique(), 1e-9)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_restore_puts_every_label_back_at_its_place_after_turning_and_padding(noise, order):
    moved, grid = reorder(noise, oblique(), order, (True, False, True))
    state = State(as_volume(moved, grid))
    run_steps(state, (ORIENT, PAD))
    above = (state.image > 120).astype(np.float32)
    state.logits = np.stack([1 - above, above])

    run_steps(state, ({"op": "restore", "slab_slices": 2},))

    assert np.array_equal(state.label_map, moved > 120)


def test_resample_keeps_a_point_of_light_at_its_millimetres():
    grid = Geometry(shape=(20, 20, 20), spacing=(2.0, 1.5, 1.0), origin=PatientPoint(5, -7, 9))
    stored = np.zeros(grid.shape, np.float32)
    stored[8:12, 8:12, 8:12] = 1
    state = State(as_volume(stored, grid))

    run_steps(state, ({"op": "resample", "spacing_mm": [1.0, 1.0, 1.0]},))

    weights = state.image / state.image.sum()
    centre = [float((weights * axis).sum()) for axis in np.indices(state.image.shape)]
    found = state.geometry.to_patient(VoxelIndex(*centre))
    assert np.allclose(found, grid.to_patient(VoxelIndex(9.5, 9.5, 9.5)), atol=0.05)
    assert state.geometry.spacing == (1.0, 1.0, 1.0)


def test_resampled_masks_come_back_on_the_input_grid():
    grid = Geometry(shape=(16, 24, 24), spacing=(0.8, 0.8, 1.3))
    stored = np.zeros(grid.shape, np.float32)
    stored[4:12, 6:18, 6:18] = 1
    state = State(as_volume(stored, grid))
    run_steps(state, ({"op": "resample", "spacing_mm": [1.0, 1.0, 1.0]}, PAD))
    state.logits = np.stack([0.5 - state.image, state.image - 0.5])

    run_steps(state, ({"op": "restore"},))

    overlap = 2 * (state.label_map * stored).sum() / (state.label_map.sum() + stored.sum())
    assert state.label_map.shape == stored.shape
    assert overlap > 0.95


def test_a_film_of_12_bits_looks_like_the_same_film_of_8_bits():
    grey = np.random.default_rng(0).integers(0, 256, (30, 40)).astype(np.uint16)
    images = []
    for stored in (grey, grey * 16 + 200):
        state = State(film_volume(stored))
        run_steps(state, ({"op": "resize", "size": [16, 16]}, PERCENTILE))
        images.append(state.image)
    assert np.allclose(images[0], images[1], atol=1e-4)
    assert images[0].mean() == pytest.approx(0, abs=1e-5)


def test_an_inverted_film_is_turned_before_the_net_sees_it():
    grey = np.arange(64, dtype=np.uint16).reshape(8, 8)
    upright, inverted = film_volume(grey), film_volume(1000 - grey)
    inverted = Volume(geometry=inverted.geometry, stored=inverted.stored, is_inverted=True)
    images = []
    for volume in (upright, inverted):
        state = State(volume)
        run_steps(state, ({"op": "invert_if", "photometric": "MONOCHROME1"}, PERCENTILE))
        images.append(state.image)
    assert np.allclose(images[0], images[1], atol=1e-5)


@pytest.mark.parametrize("value", [0, 700])
def test_an_image_of_one_grey_is_refused_in_words(value):
    state = State(film_volume(np.full((8, 8), value, np.uint16)))
    with pytest.raises(InputRefused, match="all its values are the same"):
        run_steps(state, (PERCENTILE,))


def test_infinite_and_missing_numbers_do_not_spoil_the_scaling():
    stored = np.random.default_rng(1).normal(size=(4, 5, 6)).astype(np.float32)
    stored[0, 0, 0], stored[1, 1, 1] = np.nan, np.inf
    state = State(as_volume(stored, Geometry(shape=(4, 5, 6))))
    run_steps(state, (ZSCORE,))
    assert np.isfinite(state.image).all()


@pytest.mark.parametrize(
    "fields",
    [{"op": "evaluate"}, {"op": 3}, {"op": "orient"}, {"op": "orient", "axes": "LPS", "x": 1}],
)
def test_a_step_that_is_unknown_or_ill_formed_is_refused(fields):
    with pytest.raises(ModelUnavailable):
        check_fields(fields)


def test_only_the_largest_part_is_kept():
    state = State(as_volume(np.zeros((6, 6, 6), np.uint8), Geometry(shape=(6, 6, 6))))
    state.label_map = np.zeros((6, 6, 6), np.uint8)
    state.label_map[:3, :3, :3], state.label_map[5, 5, 5] = 2, 1
    components(state, keep="largest")
    assert np.unique(state.label_map).tolist() == [0, 2]


def resnet() -> ResNet2d:
    torch.manual_seed(4)
    net = build_net("resnet2d", {"outputs": 1, "widths": [4, 8], "blocks": [1, 1]})
    assert isinstance(net, ResNet2d)
    return net.eval()


def test_the_activation_map_adds_up_to_the_logit():
    net = resnet()
    with torch.inference_mode():
        maps = net.maps(torch.randn(1, 1, 32, 32))[-1]
        logit = float(net.classify(maps)[0, 0])
    weights, bias = net.head.weight[0].detach().numpy(), net.head.bias[0].item()
    cam = linear_cam(maps[0].numpy(), weights, bias)
    assert cam.mean() == pytest.approx(logit, abs=1e-5)


def test_the_activation_map_is_the_grad_cam_of_this_kind_of_net():
    net = resnet()
    maps = net.maps(torch.randn(1, 1, 32, 32))[-1]
    maps.retain_grad()
    net.classify(maps)[0, 0].backward()
    weights = maps.grad[0].mean((1, 2))  # Grad-CAM: gradients averaged over space
    by_gradient = torch.einsum("c,cji->ji", weights, maps[0]).detach().numpy()

    cam = linear_cam(maps[0].detach().numpy(), net.head.weight[0].detach().numpy())

    assert np.allclose(cam, by_gradient * by_gradient.size, atol=1e-5)


def test_the_activation_map_changes_with_the_weights():
    net, image = resnet(), torch.randn(1, 1, 32, 32)
    with torch.inference_mode():
        before = net.maps(image)[-1][0].numpy()
        for parameter in net.stages.parameters():
            parameter.copy_(torch.randn_like(parameter))
        after = net.maps(image)[-1][0].numpy()
    weights = net.head.weight[0].detach().numpy()
    assert (
        np.corrcoef(linear_cam(before, weights).ravel(), linear_cam(after, weights).ravel())[0, 1]
        < 0.9
    )


def test_the_cells_of_a_map_cover_the_same_picture():
    fine = Geometry(shape=(1, 192, 192), spacing=(0.5, 0.7, 1.0), is_spatial=False)
    cells = coarser(fine, (12, 12))
    assert np.allclose(cells.centre, fine.centre)
    assert cells.spacing[:2] == pytest.approx((8.0, 11.2))


def test_images_like_the_training_are_near_and_others_far():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 20))
    train = rng.normal(size=(500, 6)) @ mixing + 0.1 * rng.normal(size=(500, 20))
    from medview.training.calibrate import known_world

    known = known_world(train, train[:200])
    near = [mahalanobis(x, known) for x in rng.normal(size=(200, 6)) @ mixing]
    far = [mahalanobis(x, known) for x in 3 * rng.normal(size=(200, 20)) @ np.diag(train.std(0))]
    assert np.mean(np.array(near) <= known["limit"]) > 0.9
    assert np.mean(np.array(far) > known["limit"]) > 0.9


def test_weights_of_another_net_are_refused(tmp_path):
    small = UNet3d(outputs=3, widths=[4, 8], encoder=[1, 1], decoder=[1])
    other = UNet3d(outputs=2, widths=[4, 8], encoder=[1, 1], decoder=[1])
    path = tmp_path / "weights.safetensors"
    path.write_bytes(save_half(small))

    with pytest.raises(ModelUnavailable, match="do not belong"):
        load_weights(other, path.read_bytes(), path.name)
    load_weights(small, path.read_bytes(), path.name)


def test_damaged_weights_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(save_half(resnet())[:-100])
    with pytest.raises(ModelUnavailable, match="damaged"):
        load_weights(resnet(), path.read_bytes(), path.name)


@pytest.mark.parametrize("arch", ["os.system", "unet3d"])
def test_a_net_that_is_not_registered_or_ill_described_is_refused(arch):
    with pytest.raises(ModelUnavailable):
        build_net(arch, {"command": "true"})
