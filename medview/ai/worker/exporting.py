"""A model folder's network for other programs: one ONNX file, or a MONAI bundle without code.

Only ever called by `ai.worker.child`. What comes before and after the net is told in words of the
model's own steps; no other program runs them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from medview import __version__
from medview.ai.folder import ModelFolder, open_folder
from medview.ai.worker.net_steps import load_weights
from medview.ai.worker.nets import build_net
from medview.ai.worker.onnx_graph import graph_of
from medview.core.errors import ModelUnavailable
from medview.core.words import say

_FLAT = ("resnet2d",)


def export(folder: str, target: str, form: str) -> Mapping[str, Any]:
    """Write an ONNX file at `target`, or a bundle below it. Raises ModelUnavailable."""
    model = open_folder(Path(folder))
    steps = [step for step in model.pipeline if step["op"] == "network"]
    if len(steps) != 1:
        raise ModelUnavailable(
            say("Only a model with one network can be handed on ({kind}).", kind=model.kind)
        )
    net = build_net(steps[0]["arch"], steps[0].get("args", {})).eval()
    name = steps[0]["weights"]
    load_weights(net, model.content(name), name, steps[0].get("prefix", ""))
    if form == "onnx":
        _write_onnx(model, net, steps[0]["arch"], Path(target))
    else:
        _write_bundle(model, net, steps[0], Path(target))
    return {"parameters": sum(p.numel() for p in net.parameters())}


def _write_onnx(model: ModelFolder, net: nn.Module, arch: str, target: Path) -> None:
    graph, start = graph_of(net, "logits")
    classes = _classes(net)
    sizes = ["rows", "columns"] if arch in _FLAT else ["k", "j", "i"]
    answer: list[int | str] = ["batch", classes, *([] if arch in _FLAT else sizes)]
    about = {
        "medview.description": json.dumps(dict(model.description), ensure_ascii=False),
        "medview.manifest_sha256": model.manifest_sha256,
        "medview.calibration": json.dumps(dict(model.calibration())),
        "medview.card": model.card(),
        "preprocessing": _told(model, before=True),
        "postprocessing": _told(model, before=False),
        "licence": model.licence,
    }
    target.write_bytes(graph.write((start, ["batch", 1, *sizes]), ("logits", answer), about))


def _classes(net: nn.Module) -> int:
    return int(list(net.state_dict().values())[-1].shape[0])


def _told(model: ModelFolder, *, before: bool) -> str:
    ops = [step["op"] for step in model.pipeline]
    at = ops.index("network")
    steps = model.pipeline[:at] if before else model.pipeline[at + 1 :]
    return json.dumps([dict(step) for step in steps], ensure_ascii=False)


def _write_bundle(
    model: ModelFolder, net: nn.Module, step: Mapping[str, Any], target: Path
) -> None:
    for name in ("configs", "models", "docs"):
        (target / name).mkdir(parents=True)
    weights = {name: value.contiguous() for name, value in net.state_dict().items()}
    torch.save(weights, target / "models" / "model.pt")
    save_file(weights, target / "models" / "model.safetensors")
    network = {"_target_": f"{type(net).__module__}.{type(net).__qualname__}",
               **step.get("args", {})}  # fmt: skip
    _write_json(target / "configs" / "metadata.json", _metadata(model, net, step["arch"]))
    _write_json(target / "configs" / "inference.json", {
        "network_def": network,
        "preprocessing_steps": json.loads(_told(model, before=True)),
        "postprocessing_steps": json.loads(_told(model, before=False)),
    })  # fmt: skip
    (target / "docs" / "README.md").write_text(model.card(), encoding="utf-8")
    (target / "LICENSE").write_text(model.licence + "\n", encoding="utf-8")


def _metadata(model: ModelFolder, net: nn.Module, arch: str) -> dict[str, Any]:
    intended = model.description["intended"]
    patch = next((s["patch"][::-1] for s in model.pipeline if s["op"] == "tile"), None)
    shape = patch or (["16*n"] * 2 if arch in _FLAT else ["16*n"] * 3)
    names = {str(label.value): label.name for label in model.outputs}
    image = {"type": "image", "format": "magnitude", "num_channels": 1, "spatial_shape": shape,
             "dtype": "float32", "is_patch_data": patch is not None,
             "channel_def": {"0": "image"}}  # fmt: skip
    answer = {**image, "type": "probabilities" if arch in _FLAT else "image",
              "format": "segmentation", "num_channels": _classes(net),
              "channel_def": {"0": "background", **names}}  # fmt: skip
    return {
        "schema": "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/"
                  "0.8.1/meta_schema_20220324.json",
        "version": model.version,
        "changelog": {model.version: f"written by MedView {__version__}"},
        "pytorch_version": torch.__version__.split("+")[0],
        "task": model.title,
        "description": intended["use"],
        "authors": "see docs/README.md",
        "copyright": model.licence,
        "intended_use": f"{intended['use']} Not for: {'; '.join(intended['not_for'])}.",
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": answer}},
        "medview": {"description": dict(model.description),
                    "manifest_sha256": model.manifest_sha256},
    }  # fmt: skip


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
