"""Imported nnU-Net models beside nnunetv2 itself: preprocessing, answer of the net, label map.

Development only: `pip install nnunetv2` into an environment of its own, then

    python -m benchmarks.nnunet_import

Small networks with random weights, on a made image: what is compared is arithmetic, not medicine.
Prints one row a case; ends with 1 where more than three voxels in a thousand differ.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medview.ai.folder import ModelFolder
from medview.ai.importers import Wish, imported
from medview.ai.worker.pipeline import load_steps, run_steps
from medview.ai.worker.steps import Context, State
from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume

INTENSITY = {"mean": 20.0, "std": 180.0, "percentile_00_5": -900.0, "percentile_99_5": 700.0,
             "max": 3000.0, "median": 0.0, "min": -1000.0}  # fmt: skip
LEAST = 0.997  # share of voxels that must agree; nnunetv2 adds its tiles up in half precision
# name: class, old plans, spacing and shape of the image [k, j, i], target spacing, patch,
# scheme and mask, transpose, strides of the last stages
CASES: dict[str, dict[str, Any]] = {
    "plain, even CT": {
        "net": "PlainConvUNet", "spacing": (2.5, 1.7, 1.7), "shape": (40, 60, 56),
        "target": [2.0, 2.0, 2.0], "patch": [32, 32, 32], "scheme": "CTNormalization",
    },
    "plain, old plans, thick slices": {
        "net": "PlainConvUNet", "old": True, "spacing": (6.0, 0.9, 0.9), "shape": (14, 70, 64),
        "target": [5.0, 1.2, 1.2], "patch": [12, 48, 40], "scheme": "ZScoreNormalization",
        "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
        "kernels": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
    },
    "residual, masked, turned": {
        "net": "ResidualEncoderUNet", "spacing": (2.0, 1.5, 1.1), "shape": (36, 50, 60),
        "target": [1.5, 1.5, 1.5], "patch": [40, 32, 32], "scheme": "ZScoreNormalization",
        "mask": True, "transpose": [2, 0, 1],
    },
    "residual, smaller than its patch": {
        "net": "ResidualEncoderUNet", "spacing": (3.0, 2.0, 2.0), "shape": (12, 24, 25),
        "target": [2.0, 2.0, 2.0], "patch": [32, 32, 32], "scheme": "RescaleTo01Normalization",
    },
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Compare every case; 0 when all agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as home:
        os.environ["MEDVIEW_HOME"] = home
        for number, (name, case) in enumerate(CASES.items()):
            rows.append({"case": name, **compare(case, Path(home) / f"case{number}")})
            if not args.json:
                print(rows[-1], flush=True)
    if args.json:
        print(json.dumps(rows, indent=1))
    return 0 if all(row["voxels_equal"] >= LEAST for row in rows) else 1


def compare(case: dict[str, Any], root: Path) -> dict[str, float]:
    """Largest difference of the prepared image, and the share of voxels with the same label."""
    torch.manual_seed(3)
    trained = write_trained(case, root / "Dataset900_Made")
    image, spacing = picture(case["shape"]), list(case["spacing"])
    theirs, prepared = predict(trained, image, spacing)
    with imported(trained, Wish(modality="CT")) as model:
        labels, own = run(model, image, spacing)
    order = case.get("transpose", [0, 1, 2])
    same = prepared.shape == own.shape
    return {
        "prepared_differs_by": float(np.abs(prepared - own).max()) if same else float("inf"),
        "voxels_equal": float(np.mean(theirs == labels)),
        "labels": len(np.unique(theirs)),
        "first_axis": order[0],
    }


def picture(shape: tuple[int, int, int]) -> np.ndarray:
    """Blobs in noise, within a border of zeros that is cropped away."""
    rng = np.random.default_rng(1)
    k, j, i = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    image = 300 * np.sin(5 * i) * np.cos(4 * j + k) + 60 * rng.standard_normal(shape)
    image[(i**2 + j**2 + 0.3 * k**2) > 1.1] = 0
    image[:, :3] = 0
    return image.astype(np.float32)


def run(model: ModelFolder, image: np.ndarray, spacing: list[float]) -> tuple[Any, Any]:
    """Label map of an imported model, and the image as it was prepared for the net."""
    load_steps()
    geometry = Geometry(shape=image.shape, spacing=tuple(spacing[::-1]),
                        origin=PatientPoint(0.0, 0.0, 0.0))  # fmt: skip
    state = State(Volume(geometry=geometry, stored=image, modality="CT"), Context(model))
    first = [step["op"] for step in model.pipeline].index("pad_to")
    run_steps(state, model.pipeline[:first])
    prepared = state.image.copy()
    run_steps(state, model.pipeline[first:])
    return state.label_map, prepared


def predict(trained: Path, image: np.ndarray, spacing: list[float]) -> tuple[Any, Any]:
    """Label map of nnunetv2 for the same files, and the image as its preprocessor leaves it."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor

    predictor = nnUNetPredictor(use_mirroring=False, device=torch.device("cpu"),
                                perform_everything_on_device=False, allow_tqdm=False)  # fmt: skip
    predictor.initialize_from_trained_model_folder(str(trained), use_folds=(0,))
    properties = {"spacing": spacing}
    labels = predictor.predict_single_npy_array(image[None], dict(properties), None, None, False)
    prepared, _, _ = DefaultPreprocessor(verbose=False).run_case_npy(
        image[None], None, dict(properties), predictor.plans_manager,
        predictor.configuration_manager, predictor.dataset_json,
    )  # fmt: skip
    return labels, np.asarray(prepared)[0]


def write_trained(case: dict[str, Any], dataset: Path) -> Path:
    """A results folder as nnU-Net leaves it, with random weights."""
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    folder = dataset / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    (folder / "fold_0").mkdir(parents=True)
    plans = plans_of(case)
    labels = {"background": 0, "one": 1, "two": 2}
    description = {"channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz",
                   "numTraining": 1}  # fmt: skip
    for name, document in (("plans.json", plans), ("dataset.json", description)):
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    own = PlansManager(plans).get_configuration("3d_fullres")
    net = get_network_from_plans(own.network_arch_class_name, own.network_arch_init_kwargs,
                                 own.network_arch_init_kwargs_req_import, 1, 3,
                                 deep_supervision=True)  # fmt: skip
    for name, value in net.named_parameters():
        if name.endswith("bias") or ".norm." in name:
            torch.nn.init.normal_(value, 0.5, 0.5)
    checkpoint = {
        "network_weights": net.state_dict(), "optimizer_state": {}, "grad_scaler_state": None,
        "logging": {"ema_fg_dice": [np.float64(0.5), np.float32(0.6)]},
        "_best_ema": np.float64(0.6), "current_epoch": 1, "trainer_name": "nnUNetTrainer",
        "init_args": {"plans": plans, "configuration": "3d_fullres", "fold": 0,
                      "dataset_json": description},
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }  # fmt: skip
    torch.save(checkpoint, folder / "fold_0" / "checkpoint_final.pth")
    return folder


def plans_of(case: dict[str, Any]) -> dict[str, Any]:
    """plans.json as nnU-Net v2 writes it, in its old or its new form."""
    strides = case.get("strides", [[1, 1, 1], [2, 2, 2], [2, 2, 2]])
    kernels = case.get("kernels", [[3, 3, 3]] * 3)
    transpose = case.get("transpose", [0, 1, 2])
    own: dict[str, Any] = {
        "data_identifier": "made", "preprocessor_name": "DefaultPreprocessor", "batch_size": 2,
        "patch_size": case["patch"], "spacing": case["target"],
        "median_image_size_in_voxels": list(case["shape"]),
        "normalization_schemes": [case["scheme"]], "use_mask_for_norm": [case.get("mask", False)],
        "batch_dice": False,
    }  # fmt: skip
    for what, order, segments in (
        ("data", 3, False),
        ("seg", 1, True),
        ("probabilities", 1, False),
    ):
        own[f"resampling_fn_{what}"] = "resample_data_or_seg_to_shape"
        own[f"resampling_fn_{what}_kwargs"] = {
            "is_seg": segments, "order": order, "order_z": 0, "force_separate_z": None,
        }  # fmt: skip
    if case.get("old"):
        own |= {"UNet_class_name": case["net"], "UNet_base_num_features": 8,
                "unet_max_num_features": 32, "n_conv_per_stage_encoder": [2, 2, 2],
                "n_conv_per_stage_decoder": [2, 2], "num_pool_per_axis": [1, 2, 2],
                "pool_op_kernel_sizes": strides, "conv_kernel_sizes": kernels}  # fmt: skip
    else:
        count = "n_conv_per_stage" if case["net"] == "PlainConvUNet" else "n_blocks_per_stage"
        own["architecture"] = {
            "network_class_name": f"dynamic_network_architectures.architectures.unet.{case['net']}",
            "arch_kwargs": {
                "n_stages": 3, "features_per_stage": [8, 16, 32],
                "conv_op": "torch.nn.modules.conv.Conv3d", "kernel_sizes": kernels,
                "strides": strides, count: [1, 2, 2], "n_conv_per_stage_decoder": [1, 1],
                "conv_bias": True, "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                "norm_op_kwargs": {"eps": 1e-05, "affine": True}, "dropout_op": None,
                "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        }  # fmt: skip
    back = [int(n) for n in np.argsort(transpose)]
    return {
        "dataset_name": "Dataset900_Made", "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": case["target"],
        "original_median_shape_after_transp": list(case["shape"]),
        "image_reader_writer": "SimpleITKIO", "transpose_forward": transpose,
        "transpose_backward": back, "configurations": {"3d_fullres": own},
        "experiment_planner_used": "ExperimentPlanner", "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": INTENSITY},
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
