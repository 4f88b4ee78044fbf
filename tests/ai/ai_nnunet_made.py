"""A trained nnU-Net v2 folder as its own program leaves it, made with our net's weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medview.ai.worker.nets import build_net

KERNELS = [[1, 3, 3], [3, 3, 3], [3, 3, 3]]
STRIDES = [[1, 1, 1], [1, 2, 2], [2, 2, 2]]
ARGS = {
    "outputs": 3, "features": [4, 8, 16], "bias": True, "decoder": [1, 2],
    "shapes": [n for pair in zip(KERNELS, STRIDES, strict=True) for row in pair for n in row],
}  # fmt: skip


def plans(**changes: Any) -> dict[str, Any]:
    """plans.json with one configuration; `changes` of that configuration."""
    own: dict[str, Any] = {
        "patch_size": [8, 16, 16], "spacing": [3.0, 1.0, 1.0],
        "normalization_schemes": ["CTNormalization"], "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0,
                                      "force_separate_z": None},
        "UNet_class_name": "PlainConvUNet", "UNet_base_num_features": 4,
        "unet_max_num_features": 16, "n_conv_per_stage_encoder": [1, 2, 2],
        "n_conv_per_stage_decoder": [1, 2], "pool_op_kernel_sizes": STRIDES,
        "conv_kernel_sizes": KERNELS,
    }  # fmt: skip
    intensity = {"mean": 20.0, "std": 180.0, "percentile_00_5": -900.0, "percentile_99_5": 700.0}
    return {
        "dataset_name": "Dataset900_Made", "transpose_forward": [0, 1, 2],
        "image_reader_writer": "SimpleITKIO", "configurations": {"3d_fullres": {**own, **changes}},
        "foreground_intensity_properties_per_channel": {"0": intensity},
    }  # fmt: skip


def architecture(name: str, **changes: Any) -> dict[str, Any]:
    """The `architecture` of newer plans."""
    count = "n_conv_per_stage" if name == "PlainConvUNet" else "n_blocks_per_stage"
    kwargs: dict[str, Any] = {
        "n_stages": 3, "features_per_stage": [4, 8, 16], "kernel_sizes": KERNELS,
        "strides": STRIDES, count: [1, 2, 2], "n_conv_per_stage_decoder": [1, 2],
        "conv_op": "torch.nn.modules.conv.Conv3d", "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True}, "dropout_op": None,
        "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True},
    }  # fmt: skip
    where = "dynamic_network_architectures.architectures.unet."
    return {"network_class_name": where + name, "arch_kwargs": {**kwargs, **changes}}


def dataset(**changes: Any) -> dict[str, Any]:
    """dataset.json."""
    labels = {"background": 0, "liver": 1, "tumour": 2}
    return {"channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz", **changes}


def weights(arch: str) -> dict[str, torch.Tensor]:
    """Under the names of its checkpoints: encoder twice, parts of blocks twice, two heads."""
    torch.manual_seed(5)
    own = build_net(arch, {**ARGS, "counts": [1, 2, 2]}).state_dict()
    found: dict[str, torch.Tensor] = {"decoder.seg_layers.0.weight": torch.zeros(3, 8, 1, 1, 1),
                                      "decoder.seg_layers.0.bias": torch.zeros(3)}  # fmt: skip
    for name, value in own.items():
        found[name.replace("head.", "decoder.seg_layers.1.")] = value
        if ".conv." in name:
            found[name.replace(".conv.", ".all_modules.0.")] = value
        if name.startswith("encoder."):
            found[f"decoder.{name}"] = value
    return found


def write(
    root: Path, arch: str = "nnunet_plain", own: Any = None, about: Any = None, **checkpoint: Any
) -> Path:
    """A results folder below `root`."""
    folder = root / "Dataset900_Made" / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    (folder / "fold_0").mkdir(parents=True)
    (folder / "plans.json").write_text(json.dumps(own or plans()), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(about or dataset()), encoding="utf-8")
    document = {
        "network_weights": weights(arch), "optimizer_state": {}, "trainer_name": "nnUNetTrainer",
        "_best_ema": np.float64(0.7), "logging": {"ema": [np.float32(0.5)]},
        "inference_allowed_mirroring_axes": (0, 1, 2), **checkpoint,
    }  # fmt: skip
    torch.save(document, folder / "fold_0" / "checkpoint_final.pth")
    return folder
