"""Tiles: every voxel is seen, a net sees no more than a tile, mirrors change sides with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ai_pipeline_dicom import as_volume
from torch import Tensor, nn

from medview.ai.worker.forward import Answer, Forward
from medview.ai.worker.ladder import Ladder
from medview.ai.worker.net_steps import mirror, network, tile
from medview.ai.worker.output_steps import components
from medview.ai.worker.steps import State
from medview.ai.worker.tiles import Tiling
from medview.core.errors import Cancelled, ModelUnavailable
from medview.core.geometry import Geometry
from medview.core.progress import CancelToken

SHAPE = (11, 20, 31)


def answer_of(net, image: np.ndarray, tiling: Tiling, cancel: CancelToken | None = None) -> Answer:
    return Answer(Forward(net, Ladder()), image, tiling, cancel or CancelToken())


class _Sides(nn.Module):
    """Class 1 likes the lower half of i, class 2 the upper one, both where the image is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, ...]] = []

    def forward(self, image: Tensor) -> Tensor:
        self.seen.append(tuple(image.shape[2:]))
        along = torch.linspace(-1, 1, image.shape[-1]).expand(image.shape)
        return torch.cat([torch.zeros_like(image), image - along, image + along], 1)


def state_with(net: nn.Module, image: np.ndarray) -> State:
    state = State(as_volume(image, Geometry(shape=image.shape)))
    state.context.networks[":w:"] = net
    return state


def run(state: State) -> np.ndarray:
    network(state, arch="", weights="w")
    assert state.logits is not None
    return state.logits


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(5).normal(size=SHAPE).astype(np.float32)


@pytest.mark.parametrize("patch", [(8, 8, 8), (31, 20, 11), (64, 7, 5), (1, 1, 3)])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
def test_tiles_cover_every_voxel_and_stay_inside(patch, overlap):
    seen = np.zeros(SHAPE, int)
    for place in Tiling(patch, overlap).tiles(SHAPE):
        assert all(0 <= s.start < s.stop <= n for s, n in zip(place, SHAPE, strict=True))
        assert all(s.stop - s.start == min(n, m)
                   for s, n, m in zip(place, SHAPE, patch[::-1], strict=True))  # fmt: skip
        seen[place] += 1
    assert seen.min() >= 1


def test_more_tiles_than_anybody_could_wait_for_are_refused_before_one_is_listed():
    with pytest.raises(ModelUnavailable, match="impossible tiles"):
        next(Tiling((1, 1, 1), 0.0).tiles((512, 512, 512)))


def test_a_net_without_context_answers_the_same_in_tiles(image):
    def net(tensor: Tensor) -> Tensor:
        return torch.cat([tensor, tensor**2 - 1], 1)

    found = answer_of(net, image, Tiling((9, 8, 7))).whole()
    assert np.allclose(found, net(torch.from_numpy(image)[None, None])[0], atol=1e-5)


def test_the_net_never_sees_more_than_a_tile(image):
    net = _Sides()
    state = state_with(net, image)
    tile(state, patch=[10, 9, 8])
    run(state)
    assert set(net.seen) == {(8, 9, 10)}


def test_a_tile_without_contrast_is_background_and_costs_nothing(image):
    image[:, :, 12:] = -1
    net = _Sides()
    state = state_with(net, image)
    tile(state, patch=[6, 40, 40], overlap=0)
    logits = run(state)
    assert len(net.seen) < 6
    assert not logits[:, :, :, 20:].any()


def test_an_image_without_any_contrast_is_still_answered():
    state = state_with(_Sides(), np.zeros(SHAPE, np.float32))
    tile(state, patch=[6, 6, 6])
    assert run(state).shape == (3, *SHAPE)


def test_mirrored_sides_change_places_with_their_labels(image):
    symmetric = (image + image[:, :, ::-1]) / 2
    state = state_with(_Sides(), np.ascontiguousarray(symmetric))
    once = run(state).copy()
    mirror(state, axes=[0], max_evals=2, pairs=[1, 2])
    assert np.allclose(state.logits, once, atol=1e-6)
    mirror(state, axes=[0], max_evals=2)
    assert not np.allclose(state.logits, once, atol=1e-2)


@pytest.mark.parametrize("pairs", [[1], [1, 9], [0, -1]])
def test_labels_that_are_not_there_are_refused(image, pairs):
    state = state_with(_Sides(), image)
    run(state)
    with pytest.raises(ModelUnavailable):
        mirror(state, axes=[0], pairs=pairs)


@pytest.mark.parametrize("fields", [{"patch": [8, 8]}, {"patch": [8, 0, 8]},
                                    {"patch": [8, 8, 8], "overlap": 1.0}])  # fmt: skip
def test_impossible_tiles_are_refused(image, fields):
    with pytest.raises(ModelUnavailable):
        tile(state_with(_Sides(), image), **fields)


def test_tiles_stop_at_once_when_cancelled(image):
    cancel, seen = CancelToken(), []

    def net(tensor: Tensor) -> Tensor:
        seen.append(1)
        cancel.cancel()
        return tensor

    with pytest.raises(Cancelled):
        answer_of(net, image, Tiling((4, 4, 4)), cancel).whole()
    assert len(seen) == 1


def test_of_each_label_its_own_largest_part_is_kept():
    labels = np.zeros((6, 6, 12), np.uint8)
    labels[:3, :3, :3], labels[5, 5, 5], labels[:2, :2, 8:10], labels[4, 4, 10] = 2, 2, 1, 1
    state = State(as_volume(labels, Geometry(shape=labels.shape)))
    state.label_map = labels.copy()
    components(state, keep="each")
    assert (state.label_map == 2).sum() == 27
    assert (state.label_map == 1).sum() == 8
