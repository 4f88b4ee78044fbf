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
    wanted = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    tensors = read_header(folder.path / step["weights"])
    prefix = step.get("prefix", "")
    found = {name.removeprefix(prefix): tensor.shape for name, tensor in tensors.items()}
    if wanted.keys() != found.keys():
        name = sorted(wanted.keys() ^ found.keys())[0]
        raise ModelUnavailable(
            say("The weights are not those of the network: tensor {name} does not fit.", name=name),
            step["weights"],
        )
    for name, shape in wanted.items():
        if found[name] != shape:
            raise ModelUnavailable(
                say("The weights have another shape than the network: {name}.", name=name),
                step["weights"],
            )
    return sum(tensor.count for tensor in tensors.values())
