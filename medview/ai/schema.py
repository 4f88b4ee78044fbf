"""The check of `model.json` against schema "medview-model/1": closed fields, no surprises."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from medview.ai.ops import GATE_FIELDS, STEP_FIELDS, Field, Fields
from medview.ai.schema_tabular import check_tabular
from medview.ai.schema_text import check_text
from medview.core.errors import ModelUnavailable
from medview.core.results import Code, Label
from medview.core.words import say

SCHEMA = "medview-model/1"
KINDS = ("segmentation", "classification", "detection", "rules", "tabular", "router", "text")
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}")
_POINTER = re.compile(r"calib\.json#(/[A-Za-z0-9_]+)+")
_COLOUR = re.compile(r"#[0-9a-f]{6}")

_TOP: Fields = {
    "schema": Field("text", True),
    "name": Field("text", True),
    "version": Field("text", True),
    "kind": Field("text", True),
    "title": Field("text", True),
    "licence": Field("text", True),
    "data_licences": Field("texts"),
    "intended": Field("object", True),
    "gates": Field("objects", True),
    "limits": Field("object"),
    "pipeline": Field("objects", True),
    "outputs": Field("objects", True),
    "provenance": Field("arguments"),
    # tabular models
    "estimator": Field("object"),
    "outcome": Field("object"),
    "inputs": Field("objects"),
    # models on texts
    "tagger": Field("object"),
    "pairs": Field("object"),
}
_INTENDED: Fields = {
    "use": Field("text", True),
    "not_for": Field("texts", True),
    "status": Field("text", True, ("research", "validated-locally")),
}
_LIMITS: Fields = {"parameters_max": Field("int"), "ram_gb_max": Field("number")}
_OUTPUT: Fields = {
    "label": Field("int", True),
    "name": Field("text", True),
    "color": Field("text", True),
    "code": Field("triple"),
    "category": Field("triple"),
    "modifier": Field("triple"),
    "hidden": Field("flag"),
    "concept": Field("text"),
    "weak": Field("flag"),
    # routers: what a header may say of such a picture
    "modalities": Field("texts"),
    "parts": Field("texts"),
    "covers": Field("ints"),
}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_list(value: object, test: Any) -> bool:
    return isinstance(value, list) and len(value) <= 4096 and all(test(item) for item in value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 4000


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _is_plain(value: object) -> bool:
    return isinstance(value, bool) or _is_number(value) or _is_text(value)


def _is_arguments(value: object) -> bool:
    return isinstance(value, dict) and all(
        _is_plain(item) or _is_list(item, _is_plain) for item in value.values()
    )


_TESTS: Mapping[str, Any] = {
    "text": _is_text,
    "int": _is_int,
    "number": _is_number,
    "flag": lambda value: isinstance(value, bool),
    "texts": lambda value: _is_list(value, _is_text),
    "ints": lambda value: _is_list(value, _is_int),
    "numbers": lambda value: _is_list(value, _is_number),
    "object": lambda value: isinstance(value, dict),
    "objects": lambda value: _is_list(value, lambda item: isinstance(item, dict)),
    "triple": lambda value: _is_list(value, _is_text) and len(value) == 3,
    "arguments": _is_arguments,
    "number-or-pointer": lambda value: (
        _is_number(value) or (isinstance(value, str) and bool(_POINTER.fullmatch(value)))
    ),
}


def check_record(record: Mapping[str, Any], fields: Fields, where: str) -> None:
    """Raise ModelUnavailable for the first unknown, missing or wrong field of a JSON object."""
    for name in record:
        if name not in fields:
            raise ModelUnavailable(
                say("model.json has the unknown field {name}.", name=name), where
            )
    for name, field in fields.items():
        if name not in record:
            if field.required:
                raise ModelUnavailable(say("model.json lacks the field {name}.", name=name), where)
            continue
        _check_value(record[name], name, field, where)


def _check_value(value: Any, name: str, field: Field, where: str) -> None:
    ok = _TESTS[field.kind](value)
    if ok and field.choices:
        ok = all(item in field.choices for item in ([value] if isinstance(value, str) else value))
    if not ok:
        raise ModelUnavailable(
            say("model.json has an impossible value for {name}.", name=name), where
        )


def check_description(description: Mapping[str, Any]) -> None:
    """Raise ModelUnavailable unless this is a complete description in schema "medview-model/1"."""
    _check_schema(description.get("schema"))
    check_record(description, _TOP, "model.json")
    _check_pattern(description["name"], NAME, "name")
    _check_pattern(description["version"], _VERSION, "version")
    if description["kind"] not in KINDS:
        raise ModelUnavailable(
            say(
                "This version of MedView cannot run models of the kind {kind}.",
                kind=description["kind"],
            )
        )
    check_record(description["intended"], _INTENDED, "intended")
    check_record(description.get("limits", {}), _LIMITS, "limits")
    for gate in description["gates"]:
        check_gate(gate)
    for step in description["pipeline"]:
        check_step(step)
    if description["kind"] == "tabular":
        check_tabular(description, check_record)
        return
    if description["kind"] == "text":
        check_text(description, check_record)
        return
    _check_outputs(
        description["outputs"],
        least=0 if description["kind"] in ("classification", "router") else 1,
    )


def _check_schema(schema: object) -> None:
    if schema == SCHEMA:
        return
    if isinstance(schema, str) and re.fullmatch(r"medview-model/\d+", schema):
        raise ModelUnavailable(
            say("The model was made for a newer MedView ({schema}).", schema=schema),
            what_to_do=say(
                "Update MedView or ask for the model in the form {schema}.", schema=SCHEMA
            ),
        )
    raise ModelUnavailable(say("model.json is not a description of a MedView model."))


def _check_pattern(text: str, pattern: re.Pattern[str], name: str) -> None:
    if not pattern.fullmatch(text):
        raise ModelUnavailable(
            say("model.json has an impossible value for {name}.", name=name), "model.json"
        )


def check_gate(gate: Mapping[str, Any]) -> None:
    """Raise ModelUnavailable for a rule that this version does not know or that is ill-formed."""
    fields = GATE_FIELDS.get(str(gate.get("check")))
    if fields is None:
        raise ModelUnavailable(
            say("The model asks for the unknown input check {name}.", name=str(gate.get("check")))
        )
    check_record(gate, fields, f"gates: {gate['check']}")


def check_step(step: Mapping[str, Any]) -> None:
    """Raise ModelUnavailable for a step that this version does not know or that is ill-formed."""
    fields = STEP_FIELDS.get(str(step.get("op")))
    if fields is None:
        raise ModelUnavailable(
            say("The model asks for the unknown step {name}.", name=str(step.get("op")))
        )
    check_record(step, {"op": Field("text", True), **fields}, f"pipeline: {step['op']}")


def _check_outputs(outputs: list[dict[str, Any]], least: int) -> None:
    seen: set[int] = set()
    for output in outputs:
        check_record(output, _OUTPUT, "outputs")
        value = output["label"]
        if not least <= value <= 255 or value in seen or not _COLOUR.fullmatch(output["color"]):
            raise ModelUnavailable(
                say("model.json has an impossible value for {name}.", name="outputs"), "outputs"
            )
        seen.add(value)
    if not seen:
        raise ModelUnavailable(say("model.json lacks the field {name}.", name="outputs"), "outputs")


def read_outputs(description: Mapping[str, Any]) -> tuple[Label, ...]:
    """The labels (or classes) of a checked description."""
    return tuple(
        Label(
            value=output["label"],
            name=output["name"],
            colour=output["color"],
            code=_code(output.get("code")),
            category=_code(output.get("category")),
            modifier=_code(output.get("modifier")),
            hidden=output.get("hidden", False),
            concept=output.get("concept", ""),
            weak=output.get("weak", False),
        )
        for output in description["outputs"]
    )


def _code(triple: list[str] | None) -> Code | None:
    return None if triple is None else Code(*triple)
