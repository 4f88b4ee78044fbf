"""Foreign checkpoints to safetensors: read without unpickling classes, in a confined process.

Only ever called by `ai.worker.child`. torch's restricted reader builds tensors, containers and
numbers; which other names a file asks for is looked at first, and anything beyond the numpy
scalars that nnU-Net writes into its logs is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from medview.ai.folder import PARAMETERS_MAX, ModelFolder, open_folder
from medview.core.errors import ModelUnavailable
from medview.core.words import say

_NUMPY = re.compile(r"numpy(\.dtype|\.dtypes\.\w+DType|\.(_core|core)\.multiarray\.scalar)")
_TRAINER = re.compile(r"nnUNetTrainer\w*")
_SCAN = (400, 512, 512)
_PREFIXES = ("module.", "_orig_mod.")


def convert_nnunet(source: str, target: str) -> Mapping[str, Any]:
    """A checkpoint of nnU-Net v2 to one safetensors file; says what else it states.

    Keeps `network_weights` only, under the names of `nnunet_nets`. Raises ModelUnavailable.
    """
    document = _read(Path(source))
    weights = document.get("network_weights") if isinstance(document, dict) else None
    if not isinstance(weights, dict):
        raise ModelUnavailable(say("The checkpoint holds no weights of nnU-Net v2."))
    trainer = str(document.get("trainer_name", ""))
    if not _TRAINER.fullmatch(trainer):
        raise ModelUnavailable(
            say("The model was trained by an own trainer ({name}), whose net is not known.",
                name=trainer[:80])
        )  # fmt: skip
    # A network of planes becomes one of volumes whose kernels are one slice thick.
    deep = {name: value[:, :, None] if value.ndim == 4 else value
            for name, value in _renamed(weights).items()}  # fmt: skip
    _save({name: value.contiguous() for name, value in deep.items()}, Path(target))
    axes = document.get("inference_allowed_mirroring_axes")
    return {"trainer": trainer, "mirror": [int(axis) for axis in axes or ()]}


def convert_state_dict(
    source: str, target: str, names: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """A plain dictionary of tensors (`.pt` of a MONAI bundle) to one safetensors file.

    names: of those that get another one.
    """
    document = _read(Path(source))
    for key in ("state_dict", "model"):
        if isinstance(document, dict) and isinstance(document.get(key), dict):
            document = document[key]
    if not isinstance(document, dict):
        raise ModelUnavailable(say("The file holds no table of weights."))
    new = names or {}
    _save(_plain(document, lambda name: new.get(name, name)), Path(target))
    return {}


def make_selftest(folder: str) -> Mapping[str, Any]:
    """Write the self-test of a new folder, with what the model answers here and now.

    Gives the number of its weights, and the GB that the memory plan foretells for a scan of
    512 x 512 x 400 (None where no tiles are asked for), beside the libraries' own.
    """
    from medview.ai.worker.check import check_networks
    from medview.ai.worker.selftest import make_case

    model = open_folder(Path(folder))
    count = check_networks(model)
    make_case(model)
    return {"parameters": count, "ram_gb": _memory_gb(model)}


def _memory_gb(model: ModelFolder) -> float | None:
    from medview.ai.worker.budget import cost_of, foretold
    from medview.ai.worker.net_steps import as_volumes
    from medview.ai.worker.nets import build_net

    steps = {step["op"]: step for step in model.pipeline}
    if "tile" not in steps or "network" not in steps:
        return None
    tile = steps["tile"]["patch"][::-1]
    net = as_volumes(build_net(steps["network"]["arch"], steps["network"].get("args", {}))).eval()
    return round(foretold(cost_of(net, tile), _SCAN, tile[0]) / 1e9, 1)


def _read(path: Path) -> Any:
    try:
        wanted = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception as error:
        raise ModelUnavailable(
            say("This is no checkpoint that can be read without running code in it."),
            path.name,
            say("Ask for the weights alone: a table of tensors, best as safetensors."),
        ) from error
    foreign = sorted(name for name in wanted if not _NUMPY.fullmatch(name))
    if foreign:
        raise ModelUnavailable(
            say("The checkpoint is a whole pickle: it asks for {name}, and is refused.",
                name=foreign[0][:80]),
            path.name,
            say("Ask for the weights alone: a table of tensors, best as safetensors."),
        )  # fmt: skip
    with torch.serialization.safe_globals(_numpy_names()):
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ModelUnavailable(
                say("This is no checkpoint that can be read without running code in it."), path.name
            ) from error


def _numpy_names() -> list[Any]:
    from numpy._core.multiarray import scalar

    kinds = [kind for name, kind in vars(np.dtypes).items() if name.endswith("DType")]
    # NumPy 1 called it numpy.core; a file says the name that its writer had.
    return [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]


def _renamed(weights: Mapping[str, Any]) -> dict[str, Tensor]:
    heads = [int(found[1]) for name in weights
             if (found := re.search(r"decoder\.seg_layers\.(\d+)\.", name))]  # fmt: skip
    last = f"decoder.seg_layers.{max(heads, default=0)}."

    def rename(name: str) -> str | None:
        # The decoder names the encoder again, and each block its parts: the same tensors.
        if "decoder.encoder." in name or ".all_modules." in name:
            return None
        if "decoder.seg_layers." in name:
            return name.replace(last, "head.") if last in name else None
        return name

    return _plain(weights, rename)


def _plain(weights: Mapping[Any, Any], rename: Callable[[str], str | None]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    count = 0
    for key, value in weights.items():
        name = str(key)
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix)
        new = rename(name)
        if new is None:
            continue
        if not isinstance(value, Tensor) or value.is_sparse or value.is_quantized:
            raise ModelUnavailable(say("The file holds no table of weights."), str(key)[:80])
        # A few bytes may stand for any number: counted before they are written out.
        count += value.numel()
        if count > PARAMETERS_MAX:
            raise ModelUnavailable(say("The model is larger than it says."))
        found[new] = value.detach().float() if value.is_floating_point() else value.detach()
    if not found:
        raise ModelUnavailable(say("The file holds no table of weights."))
    return {name: value.contiguous().clone() for name, value in found.items()}


def _save(weights: dict[str, Tensor], target: Path) -> None:
    save_file(weights, target)
