"""A bundle's transforms and inferer, as far as they are plain, as steps of a native folder.

MONAI's arrays run [x, y, z], ours [k, j, i]: `orient` with the letters turned round gives the net
its own order, so that no weight has to be turned; lists are turned round likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from medview.ai.importers.monai_net import stopped

Step = dict[str, Any]
# They read, write and carry; MedView does that itself.
_CARRIERS = {
    "LoadImaged", "EnsureChannelFirstd", "AddChanneld", "EnsureTyped", "ToTensord", "CastToTyped",
    "SelectItemsd", "ToDeviced", "SaveImaged", "Invertd",
}  # fmt: skip
_FAR = 1e9


def steps_of(document: Mapping[str, Any]) -> list[Step]:
    """Everything before, at and after the network. Raises ModelUnavailable with the key."""
    before = [step for key, name, given in _transforms(document, "preprocessing")
              for step in _prepared(key, name, given)]  # fmt: skip
    after = [step for key, name, given in _transforms(document, "postprocessing")
             for step in _finished(key, name, given)]  # fmt: skip
    if not any(step["op"] == "orient" for step in before):
        before.insert(0, {"op": "orient", "axes": "SAR"})  # as MONAI's readers give NIfTI: RAS
    return [*before, *_inferer(document), {"op": "network"}, {"op": "restore"}, *after,
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
    for number, told in enumerate(whole["transforms"]):
        key = f"{part}::transforms::{number}"
        given = found_at(document, told, key)
        if not isinstance(given, dict) or "_target_" not in given:
            raise stopped(given, key)
        name = _last(given["_target_"])
        if name in _CARRIERS or given.get("_disabled_") is True:
            continue
        yield key, name, {k: found_at(document, v, f"{key}::{k}") for k, v in given.items()}


def _last(target: object) -> str:
    return str(target).removeprefix("monai.").rsplit(".", 1)[-1]


def _prepared(key: str, name: str, given: Mapping[str, Any]) -> list[Step]:
    make = _BEFORE.get(name)
    if make is None:
        raise stopped(given["_target_"], f"{key}::_target_")
    try:
        return [make(given)]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise stopped(str(error), key) from error


def _orient(given: Mapping[str, Any]) -> Step:
    return {"op": "orient", "axes": str(given["axcodes"])[::-1]}


def _spacing(given: Mapping[str, Any]) -> Step:
    mode = given.get("mode", "bilinear")
    mode = mode[0] if isinstance(mode, list) else mode
    orders = {"nearest": 0, "bilinear": 1, 0: 0, 1: 1, 3: 3}
    pixdim = given["pixdim"] if isinstance(given["pixdim"], list) else [given["pixdim"]] * 3
    spacing = [float(n) for n in pixdim[::-1]]
    return {"op": "resample", "spacing_mm": spacing, "order": orders[mode], "smooth": False}


def _range(given: Mapping[str, Any]) -> Step:
    low, high = float(given["a_min"]), float(given["a_max"])
    start, end = given.get("b_min"), given.get("b_max")
    if start is None or end is None:
        start, end = low, high
    width = (high - low) / (float(end) - float(start))
    cut = (low, high) if given.get("clip", False) else (-_FAR, _FAR)
    return {"op": "scale_grey", "mode": "fixed", "low": cut[0], "high": cut[1],
            "mean": low - float(start) * width, "sd": width}  # fmt: skip


def _normal(given: Mapping[str, Any]) -> Step:
    if given.get("nonzero", False) or {"subtrahend", "divisor"} & given.keys():
        raise ValueError("nonzero, subtrahend, divisor")
    return {"op": "scale_grey", "mode": "whole"}


def _unit(given: Mapping[str, Any]) -> Step:
    if (given.get("minv", 0), given.get("maxv", 1)) != (0, 1) or given.get("factor") is not None:
        raise ValueError("minv, maxv, factor")
    return {"op": "scale_grey", "mode": "unit"}


def _divisible(given: Mapping[str, Any]) -> Step:
    k = given["k"] if isinstance(given["k"], list) else [given["k"]] * 3
    return {"op": "pad_multiple", "factors": [max(1, int(n)) for n in k[::-1]]}


_BEFORE: Mapping[str, Callable[[Mapping[str, Any]], Step]] = {
    "Orientationd": _orient, "Spacingd": _spacing, "ScaleIntensityRanged": _range,
    "NormalizeIntensityd": _normal, "ScaleIntensityd": _unit, "DivisiblePadd": _divisible,
}  # fmt: skip


def _finished(key: str, name: str, given: Mapping[str, Any]) -> list[Step]:
    """The best class is taken anyway; softmax does not change which one it is."""
    if name == "Activationsd" and given.get("softmax") is True and not given.get("sigmoid"):
        return []
    if name == "AsDiscreted" and given.get("argmax") is True and given.get("threshold") is None:
        return []
    if name == "KeepLargestConnectedComponentd" and given.get("applied_labels") is None:
        keep = "each" if given.get("independent", True) else "largest"
        return [{"op": "components", "keep": keep}]
    raise stopped(given["_target_"], f"{key}::_target_")


def _inferer(document: Mapping[str, Any]) -> Sequence[Step]:
    given = found_at(document, document.get("inferer", {"_target_": "SimpleInferer"}), "inferer")
    if not isinstance(given, dict):
        raise stopped(given, "inferer")
    given = {k: found_at(document, v, f"inferer::{k}") for k, v in given.items()}
    name = _last(given.get("_target_"))
    if name == "SimpleInferer":
        return ()
    size, mode = given.get("roi_size"), given.get("mode", "constant")
    if name != "SlidingWindowInferer" or mode not in ("constant", "gaussian"):
        raise stopped(given.get("_target_"), "inferer::_target_")
    if not isinstance(size, list) or len(size) != 3:
        raise stopped(size, "inferer::roi_size")
    patch, overlap = [int(n) for n in size[::-1]], float(given.get("overlap", 0.25))
    return ({"op": "tile", "patch": patch, "overlap": overlap, "blend": mode},)
