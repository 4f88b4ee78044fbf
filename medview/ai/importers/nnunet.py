"""nnU-Net v2: plans.json and dataset.json to the steps of a native folder.

What is read: the configuration `3d_fullres`, `3d_lowres` or `2d`, by its folder's name; old plans
(`UNet_class_name`) and new ones (`architecture`). A model of planes becomes one of tiles of one
slice, with kernels of one slice. What stops is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from medview.ai.folder import read_json
from medview.ai.importers.wish import Foreign, Wish, described, modality_of, outputs_of
from medview.core.errors import ModelUnavailable
from medview.core.words import say

_NETS = {"PlainConvUNet": "nnunet_plain", "ResidualEncoderUNet": "nnunet_resenc"}
_CONFIGURATIONS = ("3d_fullres", "3d_lowres", "2d")
_ARGUMENTS = {
    "conv_op": ("torch.nn.modules.conv.Conv3d", "torch.nn.modules.conv.Conv2d"),
    "norm_op": (
        "torch.nn.modules.instancenorm.InstanceNorm3d",
        "torch.nn.modules.instancenorm.InstanceNorm2d",
    ),
    "nonlin": ("torch.nn.LeakyReLU", "torch.nn.modules.activation.LeakyReLU"),
    "dropout_op": (None,),
}
_RESAMPLING = "resample_data_or_seg_to_shape"
_CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
_BACK_AXES = {"NibabelIOWithReorient": "RAS"}


def find_nnunet(root: Path) -> Path | None:
    """The folder of a trained configuration below `root`, the finest of several."""
    found = [path.parent for path in _plans(root) if (path.parent / "dataset.json").is_file()]
    with_folds = [path for path in found if any(path.glob("fold_*"))]
    order = {name: number for number, name in enumerate(_CONFIGURATIONS)}
    return min(with_folds, key=lambda path: order.get(_configuration(path), 9), default=None)


def _plans(root: Path) -> Iterator[Path]:
    for depth in range(4):
        yield from sorted(root.glob("/".join(["*"] * depth + ["plans.json"])))


def _configuration(folder: Path) -> str:
    return folder.name.rsplit("__", 1)[-1]


def read_nnunet(folder: Path, wish: Wish) -> Foreign:
    """What a trained configuration says. Raises ModelUnavailable for what MedView cannot follow."""
    plans, dataset = read_json(folder / "plans.json"), read_json(folder / "dataset.json")
    name = _configuration(folder)
    try:
        own = _resolved(plans["configurations"], name)
        channel = _channel(dataset)
        names = _labels(dataset)
        axes = _axes(plans, wish)
        pipeline = _pipeline(plans, own, axes, len(names) + 1)
        title = str(plans.get("dataset_name") or dataset.get("name") or folder.parent.name)
        fold, weights = _weights(folder)
        trained = folder.name.split("__", maxsplit=1)[0]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelUnavailable(
            say("plans.json or dataset.json lacks what nnU-Net v2 writes there."),
            folder.name,
            detail=type(error).__name__,
        ) from error
    rest = {"kind": "segmentation", "pipeline": pipeline, "outputs": outputs_of(names)}
    notes = (
        f"nnU-Net v2, configuration {name}, trainer {trained}, {fold}.",
        f"Channel: {channel}. Arrays run towards {axes}.",
        "Where left and right change places, the training files ran otherwise (`--axes`).",
        "One fold; mirrored passes only with `--mirror`: somewhat below what all folds reach.",
        f"Licence as its maker says: {dataset.get('licence') or dataset.get('license') or 'none'}.",
    )
    description = described(title, title, modality_of(channel, wish), wish, rest)
    return Foreign(description, weights, "nnunet-weights", notes, wish)


def with_mirrors(foreign: Foreign, axes: Sequence[int]) -> Foreign:
    """The same with one mirrored look along each axis (k, j, i, or j, i) that training allowed."""
    if not axes:
        return foreign
    pipeline: list[dict[str, Any]] = []
    fit = next(s for s in foreign.description["pipeline"] if s["op"] == "fit_spacing")
    last = 1 if fit["spacing_mm"][2] == 0 else 2
    for step in foreign.description["pipeline"]:
        pipeline.append(step)
        if step["op"] == "network":
            turned = sorted(last - int(axis) for axis in axes)
            pipeline.append({"op": "mirror", "axes": turned, "max_evals": 1 + len(turned)})
    note = "One mirrored look along each axis; nnU-Net takes all combinations of them."
    return replace(foreign, description={**foreign.description, "pipeline": pipeline},
                   notes=(*foreign.notes, note))  # fmt: skip


def _resolved(configurations: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name not in _CONFIGURATIONS:
        raise ModelUnavailable(
            say("MedView reads the configurations 3d_fullres, 3d_lowres and 2d, not {name}.",
                name=name[:40])
        )  # fmt: skip
    chain: list[Mapping[str, Any]] = []
    at: Any = name
    while at is not None and len(chain) < 8:
        chain.append(configurations[at])
        at = chain[-1].get("inherits_from")
    merged: dict[str, Any] = {}
    for part in reversed(chain):
        merged |= part
    if merged.get("previous_stage"):
        raise ModelUnavailable(
            say("The model is the second of a cascade and needs the first."),
            f"plans.json: configurations.{name}.previous_stage",
        )
    return merged


def _channel(dataset: Mapping[str, Any]) -> str:
    names = dataset.get("channel_names") or dataset["modality"]
    if len(names) != 1:
        raise ModelUnavailable(
            say("The model needs {count} images of a patient at once; MedView gives a model one.",
                count=len(names)),
            f"dataset.json: {'channel_names' if dataset.get('channel_names') else 'modality'}",
        )  # fmt: skip
    return str(names["0"])


def _labels(dataset: Mapping[str, Any]) -> dict[int, str]:
    found: dict[int, str] = {}
    for name, value in dataset["labels"].items():
        if isinstance(value, list) or "regions_class_order" in dataset:
            raise ModelUnavailable(
                say("The model finds regions that overlap; MedView reads one label a voxel."),
                f"dataset.json: labels.{name}" if isinstance(value, list)
                else "dataset.json: regions_class_order",
            )  # fmt: skip
        if str(name) == "ignore" or int(value) == 0:
            continue
        found[int(value)] = str(name)
    if sorted(found) != list(range(1, len(found) + 1)) or not 1 <= len(found) <= 255:
        raise ValueError("labels")
    return found


def _axes(plans: Mapping[str, Any], wish: Wish) -> str:
    along = wish.axes or _BACK_AXES.get(str(plans.get("image_reader_writer")), "LPS")
    array = along[::-1]  # k, j, i, as nnU-Net counts
    return "".join(array[int(n)] for n in plans["transpose_forward"])[::-1]


def _pipeline(
    plans: Mapping[str, Any], own: Mapping[str, Any], axes: str, classes: int
) -> list[dict[str, Any]]:
    order = _resampling(own, "data", 3)
    back = _resampling(own, "probabilities", 1)
    patch = [int(n) for n in own["patch_size"]][::-1]
    spacing = [float(n) for n in own["spacing"]][::-1]
    if len(patch) == len(spacing) == 2:
        patch, spacing = [*patch, 1], [*spacing, 0.0]  # slice by slice, as far apart as they are
    if len(patch) != 3 or len(spacing) != 3 or not 0 < max(patch) <= 1024:
        raise ValueError("patch")
    fit = {"op": "fit_spacing", "spacing_mm": spacing, "order": order, "separate": "auto"}
    return [
        {"op": "orient", "axes": axes},
        {"op": "crop_foreground"},
        *_scaling(plans, own),
        fit,
        {"op": "pad_to", "size": patch},
        {"op": "tile", "patch": patch, "overlap": 0.5, "blend": "nnunet"},
        {"op": "network", "weights": "weights.safetensors", **_network(own, classes)},
        {"op": "unpad"},
        {"op": "restore", "order": back},
        {"op": "background_outside"},
        {"op": "measure", "list": ["volume_ml"]},
    ]


def _resampling(own: Mapping[str, Any], what: str, order: int) -> int:
    name = str(own.get(f"resampling_fn_{what}", _RESAMPLING))
    if name != _RESAMPLING:
        raise ModelUnavailable(
            say("The model resamples by {name}, which MedView does not have.", name=name[:60])
        )
    given = own.get(f"resampling_fn_{what}_kwargs") or {}
    if given.get("force_separate_z") is not None or given.get("order_z", 0) != 0:
        raise ModelUnavailable(
            say("The model resamples by {name}, which MedView does not have.",
                name=f"{_RESAMPLING}, force_separate_z")
        )  # fmt: skip
    found = int(given.get("order", order))
    if not 0 <= found <= 3:
        raise ValueError("order")
    return found


def _scaling(plans: Mapping[str, Any], own: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = str(own["normalization_schemes"][0])
    if name == "CTNormalization":
        known = plans["foreground_intensity_properties_per_channel"]["0"]
        return [{"op": "scale_grey", "mode": "fixed", "low": float(known["percentile_00_5"]),
                 "high": float(known["percentile_99_5"]), "mean": float(known["mean"]),
                 "sd": float(known["std"])}]  # fmt: skip
    masked = bool(own.get("use_mask_for_norm", [False])[0])
    modes = {"ZScoreNormalization": "foreground" if masked else "whole",
             "RescaleTo01Normalization": "unit", "NoNormalization": ""}  # fmt: skip
    if name not in modes:
        raise ModelUnavailable(
            say("The model scales grey values by {name}, which MedView does not have.",
                name=name[:60])
        )  # fmt: skip
    return [{"op": "scale_grey", "mode": modes[name]}] if modes[name] else []


def _network(own: Mapping[str, Any], classes: int) -> dict[str, Any]:
    if "architecture" in own:
        name = str(own["architecture"]["network_class_name"])
        given = own["architecture"]["arch_kwargs"]
        _require_known(given)
    else:
        name, given = str(own["UNet_class_name"]), _old(own)
    arch = _NETS.get(name.rsplit(".", 1)[-1])
    if arch is None or not re.fullmatch(r"[\w.]*", name):
        raise ModelUnavailable(
            say("The model asks for a network that this version does not know ({arch}).",
                arch=name[:80])
        )  # fmt: skip
    stages = int(given["n_stages"])
    count = "n_conv_per_stage" if arch == "nnunet_plain" else "n_blocks_per_stage"
    dims = len(own["patch_size"])
    kernels, strides = (_threes(given[key], stages, dims) for key in ("kernel_sizes", "strides"))
    args = {
        "outputs": classes,
        "features": _each(given["features_per_stage"], stages),
        "shapes": [n for pair in zip(kernels, strides, strict=True) for row in pair for n in row],
        "counts": _each(given[count], stages),
        "decoder": _each(given["n_conv_per_stage_decoder"], stages - 1),
        "bias": bool(given.get("conv_bias", False)),
    }
    return {"arch": arch, "args": args}


def _require_known(given: Mapping[str, Any]) -> None:
    for key, known in _ARGUMENTS.items():
        if given.get(key) not in known:
            raise ModelUnavailable(
                say("The model's network uses {name}, which MedView does not have.",
                    name=f"{key}: {given.get(key)}"[:80])
            )  # fmt: skip
    norm, bend = given.get("norm_op_kwargs") or {}, given.get("nonlin_kwargs") or {}
    is_plain = norm.get("affine") is True and norm.get("eps", 1e-5) == 1e-5
    if not is_plain or bend.get("negative_slope", 0.01) != 0.01 or given.get("nonlin_first"):
        raise ModelUnavailable(
            say("The model's network uses {name}, which MedView does not have.",
                name="norm_op_kwargs, nonlin_kwargs")
        )  # fmt: skip


def _old(own: Mapping[str, Any]) -> dict[str, Any]:
    counts = own["n_conv_per_stage_encoder"]
    first, most = int(own["UNet_base_num_features"]), int(own["unet_max_num_features"])
    return {
        "n_stages": len(counts),
        "features_per_stage": [min(first * 2**n, most) for n in range(len(counts))],
        "kernel_sizes": own["conv_kernel_sizes"],
        "strides": own["pool_op_kernel_sizes"],
        "n_conv_per_stage": counts,
        "n_blocks_per_stage": counts,
        "n_conv_per_stage_decoder": own["n_conv_per_stage_decoder"],
        "conv_bias": True,
    }


def _each(value: Any, count: int) -> list[int]:
    found = [int(n) for n in value] if isinstance(value, list) else [int(value)] * count
    if len(found) != count or not 2 <= count + 1 <= 16:
        raise ValueError("stages")
    return found


def _threes(value: Any, count: int, dims: int) -> list[list[int]]:
    rows = value if isinstance(value, list) else [value] * count
    found = [[int(n) for n in (row if isinstance(row, list) else [row] * dims)] for row in rows]
    if dims == 2:
        found = [[1, *row] for row in found]
    if len(found) != count or any(len(row) != 3 for row in found):
        raise ValueError("threes")
    return found


def _weights(folder: Path) -> tuple[str, Path]:
    for fold in ("fold_all", *(path.name for path in sorted(folder.glob("fold_[0-9]*")))):
        for name in _CHECKPOINTS:
            if (folder / fold / name).is_file():
                return f"{fold}/{name}", folder / fold / name
    raise ModelUnavailable(say("The model's weights are missing."), _CHECKPOINTS[0])
