"""A bundle's transforms and inferer, as far as they are plain, as steps of a native folder.

MONAI's arrays run [x, y, z], ours [k, j, i]: `orient` with the letters turned round gives the net
its own order, so that no weight has to be turned; lists are turned round likewise. Arguments
without a row in `monai_arguments` stop the import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from medview.ai.importers.monai_arguments import CARRIERS, require_known
from medview.ai.importers.monai_net import stopped

Step = dict[str, Any]
_FAR = 1e9
_ALONG_AXES = ("orient", "resample", "pad_multiple")


def steps_of(document: Mapping[str, Any], axes: str = "") -> list[Step]:
    """Everything before, at and after the network. Raises ModelUnavailable with the key.

    axes: letters towards which i, j, k of the training files grew; where nobody says it RAS, as
    NIfTI files mostly lie. They count until the bundle turns the array itself.
    """
    image = _image_of(document)
    before = [step for key, name, given in _transforms(document, "preprocessing")
              for step in _prepared(key, name, given, image)]  # fmt: skip
    after = [step for key, name, given in _transforms(document, "postprocessing")
             for step in _finished(key, name, given)]  # fmt: skip
    first = next((step for step in before if step["op"] in _ALONG_AXES), {"op": ""})
    if first["op"] != "orient":
        before.insert(0, {"op": "orient", "axes": (axes or "RAS")[::-1]})
    return [*before, *_looked_at(document), {"op": "restore"}, *after,
            {"op": "measure", "list": ["volume_ml"]}]  # fmt: skip


def found_at(document: Mapping[str, Any], value: Any, key: str) -> Any:
    """A value, or what an `@name` points to in the document. Code stops it."""
    for _ in range(8):
        if not isinstance(value, str) or value[:1] not in ("@", "$"):
            return value
        at: Any = document
        for part in value[1:].split("::") if value[0] == "@" else ():
            at = at.get(part) if isinstance(at, dict) else None
        if value[0] == "$" or at is None:
            raise stopped(value, key)
        value = at
    raise stopped(value, key)


def _transforms(
    document: Mapping[str, Any], part: str
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(key, class, settings) of each transform of a Compose."""
    whole = found_at(document, document.get(part, {"transforms": []}), part)
    if not isinstance(whole, dict) or not isinstance(whole.get("transforms"), list):
        raise stopped(whole, part)
    if _last(whole.get("_target_", "Compose")) != "Compose":
        raise stopped(whole["_target_"], f"{part}::_target_")
    require_known("Compose", whole, part)
    for number, told in enumerate(whole["transforms"]):
        key = f"{part}::transforms::{number}"
        given = found_at(document, told, key)
        if not isinstance(given, dict) or "_target_" not in given:
            raise stopped(given, key)
        name = _last(given["_target_"])
        if _is_disabled(found_at(document, given.get("_disabled_"), f"{key}::_disabled_")):
            continue
        if name in CARRIERS:
            require_known(name, given, key)
            continue
        yield key, name, {k: found_at(document, v, f"{key}::{k}") for k, v in given.items()}


def _last(target: object) -> str:
    return str(target).removeprefix("monai.").rsplit(".", 1)[-1]


def _is_disabled(told: object) -> bool:
    """As MONAI's ConfigComponent reads it: a word counts where it says so."""
    return told.strip().lower() == "true" if isinstance(told, str) else bool(told)


def _image_of(document: Mapping[str, Any]) -> str:
    """What the bundle calls the picture: the first key that is loaded, or `image`."""
    transforms = document.get("preprocessing")
    told = transforms.get("transforms") if isinstance(transforms, dict) else None
    for given in told if isinstance(told, list) else ():
        if isinstance(given, dict) and _last(given.get("_target_")) == "LoadImaged":
            return (_names(given.get("keys")) or ["image"])[0]
    return "image"


def _names(keys: object) -> list[str]:
    return [str(each) for each in keys] if isinstance(keys, list) else [str(keys)] if keys else []


def _prepared(key: str, name: str, given: Mapping[str, Any], image: str) -> list[Step]:
    make = _BEFORE.get(name)
    if make is None:
        raise stopped(given["_target_"], f"{key}::_target_")
    require_known(name, given, key)
    names = _names(given.get("keys"))
    if image not in names:
        raise stopped(given.get("keys"), f"{key}::keys")
    if isinstance(mode := given.get("mode"), list):
        given = {**given, "mode": mode[min(names.index(image), len(mode) - 1)]}
    try:
        return [make(given)]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise stopped(str(error), key) from error


def _orient(given: Mapping[str, Any]) -> Step:
    return {"op": "orient", "axes": str(given["axcodes"])[::-1]}


def _spacing(given: Mapping[str, Any]) -> Step:
    mode = given.get("mode", "bilinear")
    orders = {"nearest": 0, "bilinear": 1, 0: 0, 1: 1, 3: 3}
    spacing = [float(n) for n in _three(given["pixdim"])]
    if not min(spacing) > 0:
        raise ValueError("pixdim")
    return {"op": "resample", "spacing_mm": spacing, "order": orders[mode], "smooth": False}


def _three(value: Any) -> list[Any]:
    """One for each axis, turned round. Raises ValueError."""
    found = value[::-1] if isinstance(value, list) else [value] * 3
    if len(found) != 3:
        raise ValueError(str(value))
    return found


def _range(given: Mapping[str, Any]) -> Step:
    low, high = float(given["a_min"]), float(given["a_max"])
    start, end = given.get("b_min"), given.get("b_max")
    is_cut = given.get("clip", False) and start is not None
    if (start is None) != (end is None):
        raise ValueError("b_min, b_max")
    start, end = (0.0, 1.0) if start is None or end is None else (float(start), float(end))
    if not (low < high and start < end):
        raise ValueError("a_min, a_max, b_min, b_max")
    width = (high - low) / (end - start)
    cut = (low, high) if is_cut else (-_FAR, _FAR)
    return {"op": "scale_grey", "mode": "fixed", "low": cut[0], "high": cut[1],
            "mean": low - start * width, "sd": width}  # fmt: skip


def _normal(_given: Mapping[str, Any]) -> Step:
    return {"op": "scale_grey", "mode": "whole"}


def _unit(_given: Mapping[str, Any]) -> Step:
    return {"op": "scale_grey", "mode": "unit"}


def _divisible(given: Mapping[str, Any]) -> Step:
    return {"op": "pad_multiple", "factors": [max(1, int(n)) for n in _three(given["k"])]}


_BEFORE: Mapping[str, Callable[[Mapping[str, Any]], Step]] = {
    "Orientationd": _orient, "Spacingd": _spacing, "ScaleIntensityRanged": _range,
    "NormalizeIntensityd": _normal, "ScaleIntensityd": _unit, "DivisiblePadd": _divisible,
}  # fmt: skip


def _finished(key: str, name: str, given: Mapping[str, Any]) -> list[Step]:
    """The best class is taken anyway; softmax does not change which one it is."""
    wanted = {"Activationsd": "softmax", "AsDiscreted": "argmax"}.get(name)
    if name != "KeepLargestConnectedComponentd" and wanted not in given:
        raise stopped(given["_target_"], f"{key}::_target_")
    require_known(name, given, key)
    if wanted is not None:
        return []
    return [{"op": "components", "keep": "each" if given.get("independent", True) else "largest"}]


def _looked_at(document: Mapping[str, Any]) -> Sequence[Step]:
    """The network, tile by tile where the inferer slides; less than a tile is filled up to one."""
    given = found_at(document, document.get("inferer", {"_target_": "SimpleInferer"}), "inferer")
    if not isinstance(given, dict):
        raise stopped(given, "inferer")
    given = {k: found_at(document, v, f"inferer::{k}") for k, v in given.items()}
    name, network = _last(given.get("_target_")), {"op": "network"}
    if name not in ("SimpleInferer", "SlidingWindowInferer"):
        raise stopped(given.get("_target_"), "inferer::_target_")
    require_known(name, given, "inferer")
    if name == "SimpleInferer":
        return (network,)
    size, overlap, mode = given.get("roi_size"), given.get("overlap", 0.25), given.get("mode")
    if not isinstance(size, list) or len(size) != 3 or not all(_is_size(n) for n in size):
        raise stopped(size, "inferer::roi_size")
    if not isinstance(overlap, int | float) or not 0 <= overlap < 1:
        raise stopped(overlap, "inferer::overlap")
    patch = [int(n) for n in size[::-1]]
    tile = {"op": "tile", "patch": patch, "overlap": float(overlap), "blend": mode or "constant"}
    return ({"op": "pad_to", "size": patch}, tile, network, {"op": "unpad"})


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and value > 0
