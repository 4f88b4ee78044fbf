"""Whether the weights of a model are those of its networks, asked before anything is allocated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.ai.folder import ModelFolder
from medview.ai.weights import read_header
from medview.core.errors import ModelUnavailable
from medview.core.words import say


def check_networks(folder: ModelFolder) -> int:
    """Compare names and shapes of all tensors with the networks; returns the number of weights.

    The networks are built without memory (torch's meta device), so that a description that asks
    for a huge one is refused and not tried. Raises ModelUnavailable.
    """
    return sum(_check(folder, step) for step in folder.pipeline if step["op"] == "network")


def _check(folder: ModelFolder, step: Mapping[str, Any]) -> int:
    import torch

    from medview.ai.worker.nets import build_net

    with torch.device("meta"):
        net = build_net(step["arch"], step.get("args", {}))
    own = net.state_dict()
    wanted = {name: tuple(tensor.shape) for name, tensor in own.items()}
    tensors = read_header(folder.path / step["weights"])
    prefix = step.get("prefix", "")
    found = {name.removeprefix(prefix): tensor.shape for name, tensor in tensors.items()}
    if wanted.keys() != found.keys():
        name = sorted(wanted.keys() ^ found.keys())[0]
        raise ModelUnavailable(
            say("The weights are not those of the network: tensor {name} does not fit.", name=name),
            step["weights"],
        )
    _require_kinds({n.removeprefix(prefix): t.dtype for n, t in tensors.items()}, own, step)
    for name, shape in wanted.items():
        if found[name] != shape:
            raise ModelUnavailable(
                say("The weights have another shape than the network: {name}.", name=name),
                step["weights"],
            )
    return sum(tensor.count for tensor in tensors.values())


def _require_kinds(
    found: Mapping[str, str], own: Mapping[str, Any], step: Mapping[str, Any]
) -> None:
    # Floats may be narrower than the network's own, and are widened; counters are whole numbers.
    for name, tensor in own.items():
        is_float = found[name] in ("F16", "BF16", "F32", "F64")
        if is_float != tensor.is_floating_point():
            raise ModelUnavailable(
                say("The weights have another kind of number than the network: {name}.", name=name),
                step["weights"],
            )
