"""Everything a training needs to go on: safetensors and JSON, written in one step, no pickles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from medview.core.errors import InvalidInput, WriteFailed
from medview.core.files import why_not_written, write_private
from medview.core.words import say


@dataclass(eq=False)
class Progressed:
    """A net on its way: `average` is the moving average that will ship; seconds of processor.

    best: the average of the best look so far, where the training may stop early, else empty.
    """

    net: nn.Module
    average: nn.Module
    optimizer: Optimizer
    step: int
    history: list[dict[str, float]]
    seconds: float = 0.0
    best: dict[str, Tensor] = field(default_factory=dict)


def save_checkpoint(path: Path, at: Progressed, fingerprint: str) -> None:
    """Replace the checkpoint. Raises WriteFailed on a full disk and leaves the old one."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in (("net", at.net), ("average", at.average)):
        tensors |= {f"{prefix}/{k}": v.detach().clone() for k, v in module.state_dict().items()}
    tensors |= {f"best/{k}": v for k, v in at.best.items()}
    state = at.optimizer.state_dict()["state"]
    for number, entries in state.items():
        tensors |= {f"optimizer/{number}/{k}": v.detach().clone() for k, v in entries.items()}
    about = {
        "step": at.step,
        "history": at.history,
        "seconds": at.seconds,
        "fingerprint": fingerprint,
    }
    contiguous = {k: v.contiguous() for k, v in tensors.items()}
    try:
        write_private(path, save(contiguous, {"medview": json.dumps(about)}))
    except OSError as error:
        raise WriteFailed(why_not_written(error), path.name) from error


def load_checkpoint(path: Path, at: Progressed, fingerprint: str) -> None:
    """Fill `at` from a checkpoint.

    Raises InvalidInput for a damaged one, or one of another plan or other data.
    """
    try:
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["medview"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(say("The checkpoint is damaged."), path.name) from error
    if about["fingerprint"] != fingerprint:
        raise InvalidInput(
            say("The checkpoint belongs to another training file or other data."),
            path.name,
            say("Start without --resume, or choose another folder with --runs."),
        )
    at.net.load_state_dict(_below(tensors, "net/"))
    at.average.load_state_dict(_below(tensors, "average/"))
    at.best = _below(tensors, "best/")
    state: dict[int, dict[str, Any]] = {}
    for key, value in _below(tensors, "optimizer/").items():
        number, name = key.split("/")
        state.setdefault(int(number), {})[name] = value
    groups = at.optimizer.state_dict()["param_groups"]
    at.optimizer.load_state_dict({"state": state, "param_groups": groups})
    at.step, at.history = int(about["step"]), list(about["history"])
    at.seconds = float(about.get("seconds", 0.0))


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def save_half(net: nn.Module) -> bytes:
    """Weights for shipping: floats in half precision, as one safetensors file."""
    tensors = {
        k: (v.half() if v.is_floating_point() else v).detach().contiguous().clone()
        for k, v in net.state_dict().items()
    }
    return save({k: v.to(memory_format=torch.contiguous_format) for k, v in tensors.items()})
