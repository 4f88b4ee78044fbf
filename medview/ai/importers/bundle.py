"""MONAI bundles, as far as they are plain: JSON whose every word is a value, weights as tensors.

A bundle's configuration may run code (`$` is evaluated, `_target_` may be any callable). Here
nothing of it is resolved: the first key that asks for such a thing stops the import and is named.
What can be followed is a bundle whose network is one of MedView's own and whose metadata hold the
steps before and after it, as `medview models export --to monai` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medview.ai.folder import read_json
from medview.ai.importers.wish import Foreign, Wish
from medview.core.errors import ModelUnavailable
from medview.core.words import say

_NETS = {"UNet3d": "unet3d", "ResNet2d": "resnet2d", "PlainConvUNet": "nnunet_plain",
         "ResidualEncoderUNet": "nnunet_resenc"}  # fmt: skip
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
    inference = read_json(config)
    _require_plain(inference)
    own = read_json(folder / "configs" / "metadata.json").get("medview")
    description = own.get("description") if isinstance(own, dict) else None
    if not isinstance(description, dict):
        raise ModelUnavailable(
            say("The bundle does not say in plain words what comes before and after its network"
                " (metadata.json, medview.description).")
        )  # fmt: skip
    arch = _NETS[str(inference["network_def"]["_target_"]).rsplit(".", 1)[-1]]
    steps = [step for step in description.get("pipeline", ()) if step.get("op") == "network"]
    if [step.get("arch") for step in steps] != [arch]:
        raise ModelUnavailable(say("The bundle names one network and describes another."))
    changes: dict[str, Any] = {"name": wish.name or f"{description.get('name', 'model')}-bundle"}
    changes |= {"licence": wish.licence} if wish.licence else {}
    weights = folder / "models" / "model.pt"
    if not weights.is_file():
        raise ModelUnavailable(say("The model's weights are missing."), "models/model.pt")
    notes = ("A MONAI bundle with MedView's own description in its metadata.",)
    return Foreign({**description, **changes}, weights, "plain-weights", notes)


def _require_plain(inference: Mapping[str, Any]) -> None:
    for key, value in _walk(inference, ""):
        name = key.rsplit("::", 1)[-1]
        if isinstance(value, str) and value.startswith("$"):
            raise ModelUnavailable(
                say("The bundle wants code to be run at {key}; MedView runs none.", key=key[:80])
            )
        is_known = str(value).startswith(_OWN) and str(value).rsplit(".", 1)[-1] in _NETS
        if name == "_target_" and not is_known:
            raise ModelUnavailable(
                say("The bundle asks for {what} at {key}, which MedView does not have.",
                    what=str(value)[:80], key=key[:80])
            )  # fmt: skip
    network = inference.get("network_def")
    if not isinstance(network, dict) or "_target_" not in network:
        raise ModelUnavailable(
            say("The bundle asks for {what} at {key}, which MedView does not have.",
                what="-", key="network_def")
        )  # fmt: skip


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
