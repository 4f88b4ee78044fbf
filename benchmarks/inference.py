"""Networks from the DICOM folder to the written mask against MONAI (B12), all heatmaps (B13).

    python -m benchmarks.inference [--json] [--only B12-memory]

Data and networks are made here with a fixed seed (`inference_case`); results are compared before
they are timed. B12 counts from the second case on: what is compiled for a network is kept.
B12-memory takes the first case, each side in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import inference_case as case
from benchmarks.pairs import Goal, Row, against_peer, in_units, main, not_run

SAME = 0.999  # share of labels that must be those of the peer
CLASSES, FILM = 18, 224
_MB = 1 << 20
_MISSING = "MONAI is not installed: pip install 'medview[dev]'"


def _has_peer() -> bool:
    return find_spec("monai") is not None and find_spec("nibabel") is not None


def _peer_name() -> str:
    import monai

    return f"MONAI {monai.__version__}"


def b12() -> Row:
    """Reading, window by window, back to the grid, and writing."""
    goal = Goal(
        name="B12",
        what="CT 512x512x64, six classes, read to written mask, from the second case on",
        goal=2.5,
        aim=5.0,
        n=case.SLICES * case.SIDE**2,
    )
    if not _has_peer():
        return not_run(goal, _MISSING)
    case.ours()  # an engine is asked for when a model comes back, see decision 0060
    same = float((case.labels(case.ours()) == case.labels(case.peer())).mean())
    if same < SAME:
        return not_run(goal, f"labels differ: only {same:.5f} are the same")
    named = Goal(**{**_fields(goal), "peer": _peer_name()})
    row = against_peer(named, case.peer, case.ours, pairs=3)
    return row | {"same_labels": round(same, 6), "computed_by": case.computed_by()}


def b12_memory() -> Row:
    """The peak of a process over what it holds before the first case."""
    goal = Goal(name="B12-memory", what="growth at the peak, a third of the peer's", n=1)
    if not _has_peer():
        return not_run(goal, _MISSING)
    theirs, mine = _peak("peer"), _peak("ours")
    named = Goal(**{**_fields(goal), "peer": _peer_name()})
    row = in_units(named, mine / _MB, theirs / 3 / _MB, "MB")
    return row | {"peak_mb": [round(theirs / _MB), round(mine / _MB)]}


def _peak(side: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.inference_case", side],
        check=True, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    return int(done.stdout.split()[-1])


def _fields(goal: Goal) -> dict[str, Any]:
    return {name: getattr(goal, name) for name in Goal.__dataclass_fields__}


@cache
def _film() -> Any:
    """A film of noise and DenseNet-121 with a pooled linear head of 18 classes."""
    import torch
    from monai.networks.nets import DenseNet121

    torch.set_num_threads(case.THREADS)
    torch.manual_seed(13)
    net = DenseNet121(spatial_dims=2, in_channels=1, out_channels=CLASSES).eval()
    for layer in net.modules():
        if isinstance(layer, torch.nn.ReLU):
            layer.inplace = False  # MONAI's Grad-CAM fails on it
    return net, torch.randn(1, 1, FILM, FILM)


def _one_by_one() -> NDArray[np.float32]:
    """MONAI's Grad-CAM, a class at a time, as it is called; [class, j, i], 0 to 1 each."""
    from monai.visualize import GradCAM

    net, film = _film()
    cam = GradCAM(nn_module=net, target_layers="features.norm5")
    maps = [cam(film, class_idx=n)[0, 0].numpy() for n in range(CLASSES)]
    return np.stack(maps)


def _at_once() -> NDArray[np.float32]:
    """One forward pass and one matrix product: the gradient of a pooled linear head is its weight
    times the share of places that its ReLU lets through."""
    import torch

    from medview.ai.worker.saliency import pooled_cams

    net, film = _film()
    with torch.inference_mode():
        last = net.features(film)
        net.class_layers(last)
        return pooled_cams(last[0], net.class_layers.out.weight, is_rectified=False).numpy()


def _forward() -> object:
    import torch

    net, film = _film()
    with torch.inference_mode():
        return net(film)


def _difference() -> float:
    """The largest one between the maps, ours enlarged and scaled as MONAI does it."""
    import torch
    from monai.visualize.class_activation_maps import default_normalizer
    from monai.visualize.visualizer import default_upsampler

    positive = torch.from_numpy(_at_once())[:, None]
    mine = default_normalizer(default_upsampler((FILM, FILM))(positive)).numpy()[:, 0]
    return float(np.abs(_one_by_one() - mine).max())


def b13() -> Row:
    """All classes at once against one after the other."""
    goal = Goal(
        name="B13", what="heatmaps of 18 classes, DenseNet-121, 224x224", goal=25, n=CLASSES
    )
    if not _has_peer():
        return not_run(goal, _MISSING)
    off = _difference()
    if off > 1e-3:
        return not_run(goal, f"maps differ by {off:.5f}")
    named = Goal(**{**_fields(goal), "peer": f"{_peer_name()} GradCAM, a class at a time"})
    return against_peer(named, _one_by_one, _at_once, pairs=3) | {"largest_difference": off}


def b13_forward() -> Row:
    """All heatmaps may cost a tenth more than the answer alone."""
    goal = Goal(
        name="B13-forward",
        what="answer alone over answer with 18 heatmaps",
        goal=round(1 / 1.1, 3),
        peer="one forward pass",
        n=CLASSES,
    )
    if not _has_peer():
        return not_run(goal, _MISSING)
    return against_peer(goal, lambda: _often(_forward), lambda: _often(_at_once), pairs=7)


def _often(work: Callable[[], object], times: int = 5) -> None:
    """One pass takes 0.1 s: too short to tell a tenth of it from the machine's own unrest."""
    for _ in range(times):
        work()


ROWS = {"B12": b12, "B12-memory": b12_memory, "B13": b13, "B13-forward": b13_forward}

if __name__ == "__main__":
    sys.exit(main(ROWS))
