"""The part of `model.json` that only models on tables have: outcome, inputs, estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from medview.ai.ops import Field, Fields
from medview.core.errors import ModelUnavailable
from medview.core.words import say

WEIGHTS = "weights.safetensors"
_ESTIMATOR: Fields = {
    "type": Field("text", True, ("linear", "neural")),
    "layers": Field("int", True),
}
_OUTCOME: Fields = {
    "kind": Field("text", True, ("binary", "survival")),
    "event": Field("text", True),
    "positive": Field("texts", True),
    "title": Field("text", True),
    "time": Field("text"),
    "unit": Field("text"),
    "horizon": Field("number"),
    "patient": Field("text"),
    "keep": Field("arguments"),
}
_INPUT: Fields = {
    "name": Field("text", True),
    "column": Field("text", True),
    "title": Field("text", True),
    "kind": Field("text", True, ("number", "yes-no", "choice")),
    "unit": Field("text"),
    "concept": Field("text"),
    "transform": Field("text", False, ("none", "log", "log1p")),
    "codes": Field("texts"),
    "choices": Field("texts"),
}


def check_tabular(
    description: Mapping[str, Any], check_record: Callable[[Mapping[str, Any], Fields, str], None]
) -> None:
    """Raise ModelUnavailable unless outcome, inputs and estimator are whole."""
    for name, fields in (("estimator", _ESTIMATOR), ("outcome", _OUTCOME)):
        check_record(description.get(name, {}), fields, name)
    inputs = description.get("inputs", [])
    names = [record.get("name") for record in inputs]
    if not inputs or len(set(names)) < len(names):
        raise ModelUnavailable(
            say("model.json has an impossible value for {name}.", name="inputs"), "inputs"
        )
    for record in inputs:
        check_record(record, _INPUT, f"inputs: {record.get('name')}")
        pair = record.get("codes"), record.get("choices")
        is_choice = record["kind"] == "choice"
        if is_choice and (None in pair or len(pair[0]) != len(pair[1])):
            raise ModelUnavailable(
                say("model.json has an impossible value for {name}.", name="codes"), record["name"]
            )
