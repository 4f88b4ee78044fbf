"""Heatmaps against independent computations: gradients by hand, closed forms, known pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from medview.ai.worker import saliency
from medview.ai.worker.looking import occlusion_cells
from medview.ai.worker.nets import ResNet2d, UNet3d
from medview.core.errors import Cancelled

METHODS = ("grad_cam", "grad_cam_pp", "hirescam", "layer_cam")


class Toy(nn.Module):
    """A net whose gradients can be written down: score = sum of v_k times the mean of A_k^2."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        torch.manual_seed(3)
        self.features = conv(1, 4, 3, padding=1)
        self.v = torch.tensor([1.0, -0.5, 2.0, 0.25])
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        maps = self.features(x)
        return (maps**2).mean(tuple(range(2, maps.ndim))) @ self.v


def by_hand(method: str, maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """The methods' formulas in numpy, cell by cell, as their papers print them."""
    k, cells = maps.shape[0], list(np.ndindex(*maps.shape[1:]))
    found = np.zeros(maps.shape[1:])
    if method in ("grad_cam", "grad_cam_pp"):
        weights = []
        for n in range(k):
            if method == "grad_cam":
                weights.append(sum(gradients[(n, *c)] for c in cells) / len(cells))
                continue
            total = sum(maps[(n, *c)] for c in cells)
            weight = 0.0
            for c in cells:
                g = gradients[(n, *c)]
                below = 2 * g**2 + total * g**3
                weight += (g**2 / below if below else 0) * max(g, 0)
            weights.append(weight)
        for c in cells:
            found[c] = max(0, sum(weights[n] * maps[(n, *c)] for n in range(k)))
        return found
    for c in cells:
        parts = [gradients[(n, *c)] * maps[(n, *c)] for n in range(k)]
        if method == "layer_cam":
            parts = [max(gradients[(n, *c)], 0) * maps[(n, *c)] for n in range(k)]
        found[c] = max(0, sum(parts))
    return found


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_maps_are_those_of_gradients_by_hand(method: str, dims: int) -> None:
    net = Toy(dims)
    x = torch.randn(1, 1, *[5, 6, 4][:dims], generator=torch.Generator().manual_seed(1))
    maps = net.features(x)[0].detach().numpy().astype(np.float64)
    space = maps[0].size
    shape = (4, *[1] * dims)
    gradients = net.v.numpy().reshape(shape) * 2 * maps / space  # d(mean A^2) / dA

    found = saliency.gradient_map(method, net, net.features, x, net).numpy()

    wanted = by_hand(method, maps, gradients)
    if method == "grad_cam_pp":  # its weights have no unit: dealt out as Grad-CAM's sum
        wanted *= by_hand("grad_cam", maps, gradients).sum() / wanted.sum()
    assert found.any()
    assert np.allclose(found, wanted, rtol=1e-4, atol=1e-7)


def test_a_pooled_linear_head_gives_all_classes_in_one_product() -> None:
    torch.manual_seed(5)
    net = ResNet2d(outputs=6, widths=[8, 16], blocks=[1, 1]).eval()
    x = torch.randn(1, 1, 32, 32)
    maps = net.maps(x)[-1][0].detach()

    at_once = saliency.pooled_cams(maps, net.head.weight.detach())

    for number in range(6):
        one = saliency.gradient_map(
            "grad_cam", net, net.stages[-1], x, lambda p, n=number: net(p)[:, n]
        )
        assert torch.allclose(at_once[number], one, atol=1e-6)
        exact = saliency.gradient_map(
            "hirescam", net, net.stages[-1], x, lambda p, n=number: net(p)[:, n]
        )
        assert torch.allclose(at_once[number], exact, atol=1e-6)
    assert at_once.any()


def test_before_a_rectifier_the_closed_form_counts_the_places_that_pass() -> None:
    """As in DenseNet: what is looked at is rectified before it is pooled."""

    class Rectified(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(2)
            self.features = nn.Conv2d(1, 7, 3, padding=1)
            self.head = nn.Linear(7, 3)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(torch.relu(self.features(x)).mean((2, 3)))
            return out

    net, x = Rectified(), torch.randn(1, 1, 9, 8)
    maps = net.features(x)[0].detach()
    at_once = saliency.pooled_cams(maps, net.head.weight.detach(), is_rectified=False)

    for number in range(3):
        one = saliency.gradient_map(
            "grad_cam", net, net.features, x, lambda p, n=number: net(p)[:, n]
        )
        assert torch.allclose(at_once[number], one, atol=1e-6)


def test_occlusion_finds_the_only_place_that_counts() -> None:
    x = torch.zeros(1, 1, 24, 24)
    x[0, 0, 8:12, 16:20] = 1
    score = lambda p: 5 * p[:, 0, 8:12, 16:20].mean((1, 2))  # noqa: E731
    told: list[int] = []

    found = saliency.occlusion_map(x, torch.zeros_like(x), score, (6, 6), told.append)

    wanted = torch.zeros(6, 6)
    wanted[2, 4] = 5
    assert torch.allclose(found, wanted)
    assert told == sorted(told)


def test_occlusion_cuts_a_volume_into_cells_of_its_own_grid() -> None:
    x = torch.zeros(1, 1, 10, 12, 8)
    x[0, 0, 0:5, 6:12, 0:4] = 1
    score = lambda p: p[:, 0].sum((1, 2, 3))  # noqa: E731

    found = saliency.occlusion_map(x, torch.zeros_like(x), score, (2, 2, 2), lambda _n: None)

    assert found[0, 1, 0] == x.sum()
    assert found.sum() == x.sum()


def test_occlusion_of_a_volume_stops_after_the_pass_that_is_under_way() -> None:
    x, passes = torch.zeros(1, 1, 8, 8, 8), []

    def score(pictures: Tensor) -> Tensor:
        passes.append(len(pictures))
        return pictures[:, 0].sum((1, 2, 3))

    def told(done: int) -> None:
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        saliency.occlusion_map(x, torch.zeros_like(x), score, (4, 4, 4), told)
    assert passes == [1, 1, 1]  # the picture as it is, and two cubes


def test_a_costly_net_is_asked_about_fewer_cubes() -> None:
    """125 passes of this one would take minutes."""
    narrow = UNet3d(outputs=2, widths=[2, 4], encoder=[1, 1], decoder=[1])
    wide = UNet3d(outputs=2, widths=[48, 96], encoder=[2, 2], decoder=[2])
    x = torch.zeros(1, 1, 96, 96, 96)

    assert occlusion_cells(narrow, x) == (5, 5, 5)
    assert occlusion_cells(wide, x) == (3, 3, 3)
    assert occlusion_cells(narrow, torch.zeros(1, 1, 96, 96)) == (12, 12)


def test_a_true_map_wins_and_loses_more_than_a_false_one() -> None:
    """A score that is the sum of four pixels: the curves can be written down."""
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 0] = 1
    score = lambda p: p[:, 0, 0].sum(1)  # noqa: E731
    blurred = torch.zeros_like(x)
    true = np.zeros((4, 4), np.float32)
    true[0] = 1

    won, lost = saliency.curves(true, (x, blurred), score, 4, lambda _n: None)
    badly_won, badly_lost = saliency.curves(1 - true, (x, blurred), score, 4, lambda _n: None)

    # A quarter of the pixels holds all of it: 0, 4, 4, 4, 4 against 0, 0, 0, 0, 4.
    assert (won, lost) == pytest.approx((3.5, 3.5))
    assert (badly_won, badly_lost) == pytest.approx((0.5, 0.5))


def test_a_net_with_shuffled_weights_has_the_same_numbers_and_another_answer() -> None:
    build = lambda: UNet3d(outputs=2, widths=[4, 8], encoder=[1, 1], decoder=[1])  # noqa: E731
    torch.manual_seed(0)
    net, x = build().eval(), torch.randn(1, 1, 4, 4, 4)

    other = saliency.shuffled(net, build)

    for mine, theirs in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine.flatten().sort().values, theirs.flatten().sort().values)
    assert not torch.allclose(net(x), other(x), atol=1e-3)


def test_likeness_is_a_rank_correlation() -> None:
    one = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)

    assert saliency.likeness(one, one**3) == pytest.approx(1)
    assert saliency.likeness(one, -one) == pytest.approx(-1)
    assert saliency.likeness(one, np.ones_like(one)) == 0
