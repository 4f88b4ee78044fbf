"""The closed vocabulary of pipeline steps and input rules: which fields each may carry.

A step that is not here is refused, a field that is not here is refused; nothing is evaluated.
Add a step: a row here, its function in `worker/`, a test that training and inference agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a JSON object.

    kind: text, int, number, flag, texts, ints, numbers, object, objects, triple (a list of
    scheme, value, meaning), arguments (an object of numbers, texts, flags and lists of them), or
    number-or-pointer ("calib.json#/temperature"). choices limits texts.
    """

    kind: str
    required: bool = False
    choices: tuple[str, ...] = ()


Fields = Mapping[str, Field]

_NUMBER, _INT, _FLAG, _TEXT = Field("number"), Field("int"), Field("flag"), Field("text")
_TEXTS, _POINTER = Field("texts"), Field("number-or-pointer", True)

STEP_FIELDS: Mapping[str, Fields] = {
    # input
    "orient": {"axes": Field("text", True)},
    "crop": {
        "to": Field("text", True, ("body", "nonzero")),
        "above": _NUMBER,
        "margin_mm": _NUMBER,
    },
    "resample": {
        "spacing_mm": Field("numbers", True),
        "order": _INT,
        "tolerance": _NUMBER,
        "smooth": _FLAG,
        "coarser_mm": Field("numbers"),
    },
    "invert_if": {"photometric": Field("text", True, ("MONOCHROME1",))},
    "resize": {"size": Field("ints", True), "keep_aspect": _FLAG},
    "normalize": {
        "mode": Field("text", True, ("zscore", "percentile", "range")),
        "low": _NUMBER,
        "high": _NUMBER,
    },
    "views": {
        "size": Field("int", True),
        "slices": Field("int", True),
        "windows": Field("numbers", True),
    },
    # input and output as nnU-Net v2 prepares and restores them
    "crop_foreground": {},
    "scale_grey": {
        "mode": Field("text", True, ("fixed", "foreground", "whole", "unit")),
        "low": _NUMBER,
        "high": _NUMBER,
        "mean": _NUMBER,
        "sd": _NUMBER,
    },
    "fit_spacing": {
        "spacing_mm": Field("numbers", True),
        "order": _INT,
        "separate": Field("text", False, ("auto", "never")),
        "order_z": _INT,
    },
    "pad_to": {"size": Field("ints", True), "value": _NUMBER},
    "unpad": {},
    "background_outside": {},
    "pad_multiple": {"factors": Field("ints", True), "value": _NUMBER},
    # net
    "network": {
        "arch": Field("text", True),
        "weights": Field("text", True),
        "args": Field("arguments"),
        "prefix": _TEXT,
    },
    "tile": {
        "patch": Field("ints", True),
        "overlap": _NUMBER,
        "blend": Field("text", choices=("gaussian", "nnunet", "constant")),
    },
    "mirror": {"axes": Field("ints", True), "max_evals": _INT, "pairs": Field("ints")},
    "temperature": {"value": _POINTER},
    "activate": {"fn": Field("text", True, ("softmax", "sigmoid", "none"))},
    "nodule_features": {},
    "weaker": {"target": Field("text", True)},
    "interval": {},
    "features": {"layers": Field("texts", True)},
    # warn: from which distance on the result carries a banner; limit: from which on it is refused
    "ood": {
        "score": Field("text", True, ("mahalanobis",)),
        "limit": _POINTER,
        "warn": Field("number-or-pointer"),
    },
    "distance": {"limit": _POINTER, "warn": Field("number-or-pointer")},
    "route": {
        "layers": Field("texts", True),
        "probability": _POINTER,
        "limit": _POINTER,
    },
    # out
    "restore": {"slab_slices": _INT, "order": _INT},
    "components": {
        "keep": Field("text", True, ("largest", "each", "all")),
        "min_ml": _NUMBER,
        "connectivity": _INT,
    },
    "boxes": {"least": _POINTER, "nms_mm": Field("number", True), "most": _INT},
    "measure": {"list": Field("texts", True, ("volume_ml",))},
    "explain": {
        "method": Field("text", True, ("linear_cam", "occlusion")),
        "target": Field("text", True),
    },
    # rules
    "densitometry": {"below_hu": Field("number", True)},
    "lungs": {
        "grid_mm": Field("number", True),
        "body_above_hu": Field("number", True),
        "air_below_hu": Field("number", True),
        "airway_below_hu": Field("number", True),
        "airway_max_ml": Field("number", True),
        "close_mm": Field("number", True),
        "min_lung_ml": Field("number", True),
    },
}

_ON_FAIL = Field("text", choices=("refuse", "warn"))
_ON_MISSING = Field("text", choices=("refuse", "warn", "accept"))
# override: whether a reader may answer for a refusal, where the header is silent or always
_OVERRIDE = Field("text", choices=("never", "missing", "always"))
_COMMON: Fields = {
    "check": Field("text", True), "fail": _ON_FAIL, "missing": _ON_MISSING, "override": _OVERRIDE,
}  # fmt: skip
_ONE_OF: Fields = {**_COMMON, "in": Field("texts", True)}
_RANGE: Fields = {**_COMMON, "low": _NUMBER, "high": _NUMBER}

GATE_FIELDS: Mapping[str, Fields] = {
    "modality": _ONE_OF,
    "sop_class": _ONE_OF,
    # also_in: words of the study, series or protocol description that may stand for a missing part
    "body_part": {**_ONE_OF, "also_in": Field("texts")},
    "view": _ONE_OF,
    "geometry": _ONE_OF,
    "orientation": {
        **_COMMON,
        "in": Field("texts", True, ("axial", "coronal", "sagittal", "oblique")),
    },
    "species": _COMMON,
    "localizer": _COMMON,
    "derived": _COMMON,
    "burned_in": _COMMON,
    "colour": _COMMON,
    "inverted": _COMMON,
    # described_as: how the ages stand in the sentence, e.g. "children of 1-5 years"
    "age_years": {**_RANGE, "described_as": Field("text", True)},
    "slice_spacing_mm": _RANGE,
    "pixel_spacing_mm": _RANGE,
    "slice_count": _RANGE,
    "coverage_mm": _RANGE,
    # the largest and smallest side of the stack
    "extent_mm": {**_RANGE, "described_as": Field("text", True)},
    "tilt_deg": _RANGE,
    # of the one lesion that is looked at; missing until somebody points at one
    "diameter_mm": _RANGE,
    "contrast": {**_COMMON, "allowed": Field("flag", True)},
    # words: refused when one of them stands in the study, series or protocol description
    "words": {**_COMMON, "none_of": _TEXTS, "any_of": _TEXTS},
}
