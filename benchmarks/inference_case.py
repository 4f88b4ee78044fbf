"""The case of `inference`: a CT made by code, a 3-D U-Net of six classes, and both ways to use it.

    python -m benchmarks.inference_case peer|ours    the memory that one case takes, in bytes

The network's features are random, its last layer is fitted to the tissues of the phantom (ridge
regression on two of its own tiles): it computes what a trained one computes. Since it never learnt
to say the same wherever a tile lies, the grid is one on which both lay the same tiles, and nothing
is cropped. Both ways read the DICOM folder, go to 112 x 112 x 64 voxels of 3.2 x 3.2 x 1 mm, look
at it in windows of 64 x 64 x 64 with a quarter of overlap and equal weights (MONAI's defaults),
bring the logits back to 512 x 512 x 64 by linear interpolation, take the best class and
write it as NIfTI.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian

from benchmarks.made_series import written

SLICES, SIDE = 64, 512
SPACING, PATCH, OVERLAP = (3.2, 3.2, 1.0), (64, 64, 64), 0.25  # i, j, k
GRID = 112  # of the network, along i and j: two windows with a quarter in common
LOW, HIGH = -1024.0, 1000.0
HU = (-1000, 40, -850, 160, 600, 300)  # air, soft tissue, lung, liver, bone, heart
THREADS = min(2, os.cpu_count() or 1)
_ARGS = {"outputs": 6, "widths": [16, 32, 64, 128], "encoder": [1, 2, 2, 2], "decoder": [1, 1, 1]}
Labels = NDArray[np.uint8]


def _tissues(k: int) -> Labels:
    """The phantom's classes in slice k: a thorax that is no mirror image of itself."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    z = 2 * k / (SLICES - 1) - 1
    found = np.zeros((SIDE, SIDE), np.uint8)
    found[(x / 0.8) ** 2 + (y / 0.55) ** 2 < 1] = 1
    for side, width in ((-0.4, 0.28), (0.38, 0.24)):
        found[((x - side) / width) ** 2 + (y / 0.4) ** 2 + (z / 1.3) ** 2 < 1] = 2
    found[((x + 0.3) / 0.36) ** 2 + (y / 0.38) ** 2 + ((z + 1) / 0.8) ** 2 < 1] = 3
    found[(x / 0.11) ** 2 + ((y - 0.4) / 0.1) ** 2 < 1] = 4
    found[((x - 0.12) / 0.2) ** 2 + ((y + 0.1) / 0.18) ** 2 + (z / 0.6) ** 2 < 1] = 5
    return found


def _pictures() -> Iterator[NDArray[np.uint16]]:
    random = np.random.default_rng(12)
    values = np.array(HU, np.float32) + 1024
    for k in range(SLICES):
        noise = random.normal(0, 12, (SIDE, SIDE)).astype(np.float32)
        yield np.clip(values[_tissues(k)] + noise, 0, 4095).astype(np.uint16)


@cache
def series() -> Path:
    """The DICOM folder, 64 files; gone when the program ends."""
    return written(ExplicitVRLittleEndian, SLICES, _pictures())


@cache
def scratch() -> Path:
    """A folder for what both write."""
    base = tempfile.TemporaryDirectory(prefix="medview-bench-")
    atexit.register(base.cleanup)
    return Path(base.name)


@cache
def network() -> Any:
    """The network with its fitted last layer, as torch runs it."""
    import torch

    from medview.ai.worker.nets import build_net

    torch.set_num_threads(THREADS)
    torch.manual_seed(12)
    net: Any = build_net("unet3d", _ARGS).eval()
    seen: list[Any] = []
    hook = net.head.register_forward_pre_hook(lambda _layer, inputs: seen.append(inputs[0]))
    at = (np.arange(GRID) + 0.5).astype(int) * SIDE // GRID
    wanted = np.stack([_tissues(k)[np.ix_(at, at)] for k in range(SLICES)])  # the network's grid
    values = np.array(HU, np.float32)[wanted] + np.random.default_rng(1).normal(0, 4, wanted.shape)
    scaled = (np.clip(values, LOW, HIGH) - LOW) * 2 / (HIGH - LOW) - 1
    spots = [(slice(None), slice(j, j + 64), slice(i, i + 64)) for j, i in ((0, 0), (48, 48))]
    with torch.inference_mode():
        for place in spots:
            net(torch.from_numpy(scaled[place].astype(np.float32))[None, None])
    hook.remove()
    features = np.concatenate([s[0].flatten(1).T[::5].double().numpy() for s in seen])
    truth = np.eye(6)[np.concatenate([wanted[place].ravel()[::5] for place in spots])]
    _fit(net.head, features, truth)
    return net


def _fit(head: Any, features: NDArray[np.float64], truth: NDArray[np.float64]) -> None:
    """Ridge regression of the classes on the features that reach the last layer."""
    import torch

    one = np.column_stack([features, np.ones(len(features))])
    balance = 1 / np.sqrt(truth.sum(0)[truth.argmax(1)])[:, None]
    one, aim = one * balance, truth * balance
    solved = np.linalg.solve(one.T @ one + 1e-6 * np.eye(one.shape[1]), one.T @ aim).T
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(solved[:, :-1]).float()[..., None, None, None])
        head.bias.copy_(torch.from_numpy(solved[:, -1]).float())


@cache
def model() -> Path:
    """The same network as a model folder."""
    from safetensors.torch import save_file

    from medview.ai.folder import write_manifest

    folder = scratch() / "model"
    folder.mkdir(exist_ok=True)
    state = {name: tensor.contiguous() for name, tensor in network().state_dict().items()}
    save_file(state, folder / "weights.safetensors")
    names = ["Soft tissue", "Lung", "Liver", "Bone", "Heart"]
    description = {
        "schema": "medview-model/1", "name": "phantom", "version": "0.1.0", "kind": "segmentation",
        "title": "Tissues of a phantom", "licence": "Apache-2.0", "data_licences": [],
        "intended": {"use": "a benchmark", "not_for": ["patients"], "status": "research"},
        "gates": [{"check": "modality", "in": ["CT"], "fail": "refuse"}],
        "outputs": [{"label": n, "name": name, "color": "#56b4e9"}
                    for n, name in enumerate(names, start=1)],
        "pipeline": [
            {"op": "orient", "axes": "LPS"},
            {"op": "resample", "spacing_mm": list(SPACING), "smooth": False},
            {"op": "normalize", "mode": "range", "low": LOW, "high": HIGH},
            {"op": "pad_multiple", "factors": [8, 8, 8], "value": -1.0},
            {"op": "tile", "patch": list(PATCH), "overlap": OVERLAP, "blend": "constant"},
            {"op": "network", "arch": "unet3d", "weights": "weights.safetensors", "args": _ARGS},
            {"op": "restore"},
        ],
        "provenance": {},
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(description), encoding="utf-8")
    (folder / "card.md").write_text("A phantom's tissues.", encoding="utf-8")
    (folder / "eval.json").write_text('{"metrics": {}}', encoding="utf-8")
    write_manifest(folder)
    return folder


@cache
def _pipeline() -> Any:
    import torch

    from medview.ai.folder import open_folder
    from medview.ai.worker.pipeline import Pipeline

    folder = open_folder(model())
    torch.set_num_threads(THREADS)
    return Pipeline(folder)


def ours() -> Path:
    """From the DICOM folder to a NIfTI file by MedView's reader, pipeline and writer."""
    from medview.core.progress import CancelToken, no_progress
    from medview.dicom.write.nifti import write_nifti
    from medview.session.events import Events
    from medview.session.memory import Budget
    from medview.session.studies import Studies

    studies = Studies(Events(), Budget(4 << 30))
    try:
        studies.open([series()], no_progress, CancelToken())
        (place,) = studies.places()
        volume = studies.load(place, cancel=CancelToken()).volume
        found = _pipeline().run(volume, no_progress, CancelToken())
        return write_nifti(found.label_map, volume.geometry, scratch() / "ours.nii.gz")
    finally:
        studies.close()


def computed_by() -> str:
    """What computed our last run's network."""
    from medview.ai.worker.steps import ASKED

    name, precision = _pipeline()._networks[ASKED].computed_by  # noqa: SLF001 - told beside figures
    return f"{name} {precision}"


@cache
def _peer() -> Callable[[], Path]:
    import torch
    from monai.data import decollate_batch, list_data_collate
    from monai.inferers import sliding_window_inference
    from monai.transforms import (
        AsDiscreted,
        Compose,
        EnsureChannelFirstd,
        Invertd,
        LoadImaged,
        Orientationd,
        SaveImaged,
        ScaleIntensityRanged,
        Spacingd,
    )

    net = network()
    before = Compose([
        LoadImaged("image"), EnsureChannelFirstd("image"), Orientationd("image", axcodes="LPS"),
        Spacingd("image", pixdim=SPACING, mode="bilinear", scale_extent=True),
        ScaleIntensityRanged("image", LOW, HIGH, -1, 1, clip=True),
    ])  # fmt: skip
    after = Compose([
        Invertd("pred", before, orig_keys="image", nearest_interp=False),
        AsDiscreted("pred", argmax=True),
        SaveImaged("pred", output_dir=str(scratch()), output_postfix="peer", resample=False,
                   separate_folder=False, output_dtype=np.uint8, print_log=False),
    ])  # fmt: skip

    def look(window: Any) -> Any:  # MONAI counts x, y, z; the network k, j, i
        return net(window.permute(0, 1, 4, 3, 2)).permute(0, 1, 4, 3, 2)

    def run() -> Path:
        torch.set_num_threads(THREADS)
        batch = list_data_collate([before({"image": str(series())})])
        with torch.no_grad():
            batch["pred"] = sliding_window_inference(batch["image"], PATCH, 1, look, OVERLAP)
        after(decollate_batch(batch)[0])
        return next(scratch().glob("*peer.nii.gz"))

    return run


def peer() -> Path:
    """The same by MONAI's transforms and its sliding window, in float32, eager."""
    return _peer()()


def labels(path: Path) -> Labels:
    """What was written, [k, j, i]."""
    import SimpleITK as sitk  # noqa: N813 - the name everybody gives it

    image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    return np.asarray(sitk.GetArrayFromImage(image), np.uint8)


def _peak_of(side: str) -> int:
    """Bytes by which this process grows at its peak over what it holds before the first case."""
    run = {"peer": peer, "ours": ours}[side]
    model() if side == "ours" else network()
    if side == "peer":
        _peer()
    else:
        _pipeline()
        import openvino  # type: ignore[import-not-found,unused-ignore]  # noqa: F401 - loaded before
    series()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = _held("VmRSS")
    run()
    return _held("VmHWM") - before


def _held(field: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) << 10
    raise OSError(field)


if __name__ == "__main__":
    sys.stdout.write(f"{_peak_of(sys.argv[1])}\n")
