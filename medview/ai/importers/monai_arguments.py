"""The arguments of MONAI's transforms and inferers that are followed; any other stops the import.

Names and defaults are those of MONAI 1.6. A row says which values of an argument change nothing or
are what MedView does; `ANY` is for what only says where and how fast, or is read by `monai_steps`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.ai.importers.monai_net import stopped

ANY: tuple[Any, ...] = ()
Row = Mapping[str, tuple[Any, ...]]
# As they are written, also where that would be code: it is recognised, and never run.
_FLOATS = (None, "float", *(f"{before}float{bits}" for bits in (32, 64) for before in (
    "", "np.", "numpy.", "torch.", "$np.", "$numpy.", "$torch.")))  # fmt: skip
# What every transform may have: words of the configuration's own language, and its keys.
_ALWAYS: Row = {
    "_target_": ANY, "_desc_": ANY, "_disabled_": ANY, "_mode_": (None, "default"), "keys": ANY,
    "allow_missing_keys": ANY, "lazy": (None, False),
}  # fmt: skip
_SIDES = ([["L", "R"], ["P", "A"], ["I", "S"]],)
_ONCE: Row = {"dtype": _FLOATS, "channel_wise": ANY}  # there is one channel
_META: Row = {"meta_keys": ANY, "meta_key_postfix": ANY}
_TYPED: Row = {"dtype": _FLOATS, "device": ANY, "wrap_sequence": ANY, "track_meta": ANY}

# They read, write and carry, which MedView does itself; SaveImaged and the like have no row, since
# nothing that they are told changes the answer.
CARRIERS: Mapping[str, Row | None] = {
    "LoadImaged": {
        "reader": ANY, "dtype": _FLOATS, **_META, "overwriting": ANY, "image_only": ANY,
        "ensure_channel_first": ANY, "simple_keys": ANY, "prune_meta_pattern": ANY,
        "prune_meta_sep": ANY, "expanduser": ANY},
    "EnsureChannelFirstd": {"strict_check": ANY, "channel_dim": (None, "no_channel"), **_META},
    "AddChanneld": {}, "ToTensord": _TYPED, "CastToTyped": {"dtype": _FLOATS},
    "EnsureTyped": {**_TYPED, "data_type": ("tensor", "numpy")},
    "Invertd": {"transform": ANY, "orig_keys": ANY, "orig_meta_keys": ANY, **_META,
                "nearest_interp": ANY, "to_tensor": ANY, "device": ANY},
    "SelectItemsd": None, "ToDeviced": None, "SaveImaged": None,
}  # fmt: skip
_KNOWN: Mapping[str, Row] = {
    "Compose": {"transforms": ANY, "map_items": (True,), "unpack_items": (False,),
                "log_stats": ANY, "overrides": (None,)},
    "Orientationd": {"axcodes": ANY, "as_closest_canonical": (False,), "labels": (None, *_SIDES)},
    "Spacingd": {"pixdim": ANY, "mode": ANY, "diagonal": (False,), "padding_mode": ("border",),
                 "align_corners": (False,), "dtype": _FLOATS, "scale_extent": (False,),
                 "recompute_affine": (False,), "min_pixdim": (None,), "max_pixdim": (None,),
                 "ensure_same_shape": ANY},
    "ScaleIntensityRanged": {"a_min": ANY, "a_max": ANY, "b_min": ANY, "b_max": ANY, "clip": ANY,
                             "dtype": _FLOATS},
    "NormalizeIntensityd": {"subtrahend": (None,), "divisor": (None,), "nonzero": (False,),
                            **_ONCE},
    "ScaleIntensityd": {"minv": (0,), "maxv": (1,), "factor": (None,), **_ONCE},
    "DivisiblePadd": {"k": ANY, "mode": ("constant",), "method": ("symmetric",), "value": (0,),
                      "constant_values": (0,)},
    "Activationsd": {"softmax": (True,), "sigmoid": (None, False), "other": (None,)},
    "AsDiscreted": {"argmax": (True,), "to_onehot": ANY, "threshold": (None,), "rounding": (None,)},
    "KeepLargestConnectedComponentd": {
        "applied_labels": (None,), "is_onehot": ANY, "independent": (True, False),
        "connectivity": (None, 3), "num_components": (1,)},
    "SimpleInferer": {},
    "SlidingWindowInferer": {
        "roi_size": ANY, "overlap": ANY, "mode": ("constant", "gaussian"), "sigma_scale": (0.125,),
        "padding_mode": ("constant",), "cval": (0,), "with_coord": (False,), "sw_batch_size": ANY,
        "sw_device": ANY, "device": ANY, "progress": ANY, "cache_roi_weight_map": ANY,
        "cpu_thresh": ANY, "buffer_steps": ANY, "buffer_dim": ANY},
}  # fmt: skip


def require_known(name: str, given: Mapping[str, Any], key: str) -> None:
    """Raises ModelUnavailable with the first argument, or value of one, that has no row."""
    row = CARRIERS[name] if name in CARRIERS else _KNOWN[name]
    for argument, value in given.items() if row is not None else ():
        allowed = {**_ALWAYS, **(row or {})}.get(argument)
        if allowed is None or (allowed and value not in allowed):
            raise stopped(f"{argument}: {value}", f"{key}::{argument}")
