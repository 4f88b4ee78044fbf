"""MONAI bundles, as far as they are plain: JSON whose every word is a value, weights as tensors.

A bundle's configuration may run code (`$` is evaluated, `_target_` may be any callable). Here
nothing of it is resolved: the first key that asks for such a thing stops the import and is named.
What can be followed: a bundle that `medview models export --to monai` wrote; and one whose network
is MONAI's UNet, whose transforms are among those of `monai_steps`, told by plain values or `@name`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medview.ai.folder import read_json
from medview.ai.importers.monai_net import MonaiUnet, stopped
from medview.ai.importers.monai_steps import found_at, steps_of
from medview.ai.importers.wish import Foreign, Wish, described, modality_of, outputs_of
from medview.ai.schema import check_description
from medview.core.errors import ModelUnavailable
from medview.core.words import say

_NETS = {"UNet3d": "unet3d", "ResNet2d": "resnet2d", "PlainConvUNet": "nnunet_plain",
         "ResidualEncoderUNet": "nnunet_resenc"}  # fmt: skip
_UNETS = ("UNet", "monai.networks.nets.UNet", "monai.networks.nets.unet.UNet")
_OWN = "medview.ai.worker."
_CONFIGS = ("inference.json", "inference.yaml", "inference.yml")


def find_bundle(root: Path) -> Path | None:
    """The folder of a bundle at `root` or one below it."""
    found = [*root.glob("configs/metadata.json"), *sorted(root.glob("*/configs/metadata.json"))]
    return found[0].parent.parent if found else None


def read_bundle(folder: Path, wish: Wish) -> Foreign:
    """What a bundle says. Raises ModelUnavailable with the key that stops it."""
    config = next((folder / "configs" / name for name in _CONFIGS
                   if (folder / "configs" / name).is_file()), None)  # fmt: skip
    if config is None or config.suffix != ".json":
        raise ModelUnavailable(
            say("The bundle has no configs/inference.json; MedView reads no other form.")
        )
    inference, metadata = read_json(config), read_json(folder / "configs" / "metadata.json")
    weights = folder / "models" / "model.pt"
    if not weights.is_file():
        raise ModelUnavailable(say("The model's weights are missing."), "models/model.pt")
    if "medview" in metadata:
        return _own_bundle(inference, metadata, weights, wish)
    return _plain_bundle(inference, metadata, weights, wish)


def _own_bundle(
    inference: Mapping[str, Any], metadata: Mapping[str, Any], weights: Path, wish: Wish
) -> Foreign:
    _require_plain(inference)
    own = metadata["medview"]
    description = own.get("description") if isinstance(own, dict) else None
    if not isinstance(description, dict):
        raise ModelUnavailable(
            say("The bundle does not say in plain words what comes before and after its network"
                " (metadata.json, medview.description).")
        )  # fmt: skip
    description |= {"name": wish.name or f"{description.get('name', 'model')}-bundle"}
    description |= {"licence": wish.licence} if wish.licence else {}
    check_description(description)
    arch = _NETS[inference["network_def"]["_target_"].rsplit(".", 1)[-1]]
    if [step["arch"] for step in description["pipeline"] if step["op"] == "network"] != [arch]:
        raise ModelUnavailable(say("The bundle names one network and describes another."))
    notes = ("A MONAI bundle with MedView's own description in its metadata.",)
    return Foreign(description, weights, "plain-weights", notes)


def _plain_bundle(
    inference: Mapping[str, Any], metadata: Mapping[str, Any], weights: Path, wish: Wish
) -> Foreign:
    """Network, transforms and inferer alone; what else stands there is for MONAI's own program."""
    network = found_at(inference, inference.get("network_def", "-"), "network_def")
    if not isinstance(network, dict):
        raise stopped(network, "network_def")
    if network.get("_target_") not in _UNETS:
        raise stopped(network.get("_target_"), "network_def::_target_")
    try:
        net = MonaiUnet({key: found_at(inference, value, f"network_def::{key}")
                         for key, value in network.items()})  # fmt: skip
        pipeline = steps_of(inference, wish.axes)
        form = metadata["network_data_format"]
        made_for = form["inputs"]["image"].get("modality", "")
        names = _classes(next(iter(form["outputs"].values())), net.outputs)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, StopIteration) as error:
        raise ModelUnavailable(
            say("The bundle lacks what MONAI writes there ({key}).", key=str(error)[:80])
        ) from error
    step = {"op": "network", "arch": "graph", "weights": "weights.safetensors",
            "args": {"dims": 3, "nodes": net.nodes}}  # fmt: skip
    steps = [step if each["op"] == "network" else each for each in pipeline]
    rest = {"kind": "segmentation", "outputs": outputs_of(names), "pipeline": steps}
    title = str(metadata.get("name") or metadata.get("task") or weights.parents[1].name)
    modality = modality_of(f"{made_for} {title}", wish)
    described_as = described(title, title, modality, wish, rest)
    notes = (
        f"A MONAI bundle, version {metadata.get('version', 'not stated')}.",
        "Network, transforms and inferer were read as data; the rest of it was not looked at.",
        "Where left and right change places, the training files ran otherwise (`--axes`).",
        f"Copyright as its maker says: {metadata.get('copyright', 'not stated')}.",
    )
    return Foreign(described_as, weights, "plain-weights", notes, wish, net.names)


def _classes(answer: Mapping[str, Any], count: int) -> dict[int, str]:
    """The names of all classes but the background. Raises ValueError where some have none."""
    names = {int(n): str(name) for n, name in answer["channel_def"].items() if int(n) > 0}
    if sorted(names) != list(range(1, count)):
        raise ValueError("channel_def")
    return names


def _require_plain(inference: Mapping[str, Any]) -> None:
    for key, value in _walk(inference, ""):
        name = key.rsplit("::", 1)[-1]
        is_known = str(value).startswith(_OWN) and str(value).rsplit(".", 1)[-1] in _NETS
        is_code = isinstance(value, str) and value.startswith("$")
        if is_code or (name == "_target_" and not is_known):
            raise stopped(value, key)
    network = inference.get("network_def")
    if not isinstance(network, dict) or not isinstance(network.get("_target_"), str):
        raise stopped("-", "network_def")


def _walk(value: Any, key: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every value that holds no others, with its key in MONAI's own writing (`a::b::0`)."""
    if depth > 32:
        raise ModelUnavailable(say("A file of the model is no readable JSON."), key[:80])
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in pairs:
        own = f"{key}::{name}" if key else str(name)
        if isinstance(item, dict | list):
            yield from _walk(item, own, depth + 1)
        else:
            yield own, item
