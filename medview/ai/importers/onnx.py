"""ONNX with a metadata file: `NAME.onnx` beside `NAME.json` (or `metadata.json`).

The metadata file has the fields of `model.json`; of its pipeline the step `{"op": "network"}` is
filled in from the graph. A file that `medview models export --to onnx` wrote says all this itself.
The graph is read in a confined process (`ai.worker.onnx_import`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medview.ai.folder import read_json
from medview.ai.importers.wish import Foreign, Wish, described, modality_of, slug
from medview.core.errors import ModelUnavailable
from medview.core.words import say

TASK = "onnx-graph"
# They ask for the maps of named layers, which a graph does not have.
_LEFT_OUT = ("features", "ood", "distance", "weaker", "explain")


@dataclass(frozen=True)
class OnnxPair:
    """The graph and what is said about it; None where only the file itself may say it."""

    graph: Path
    about: Path | None


def find_onnx(root: Path) -> OnnxPair | None:
    """A file itself, or the only one of a folder or of the one folder in it."""
    if root.is_file():
        found = [root] if root.suffix.lower() == ".onnx" else []
    else:
        found = [*sorted(root.glob("*.onnx")), *sorted(root.glob("*/*.onnx"))]
    if len(found) != 1:
        return None
    beside = [found[0].with_suffix(".json"), found[0].with_name("metadata.json")]
    return OnnxPair(found[0], next((path for path in beside if path.is_file()), None))


def read_onnx(pair: OnnxPair, wish: Wish) -> Foreign:
    """What the metadata file says; empty where there is none. Raises ModelUnavailable."""
    told = {} if pair.about is None else read_json(pair.about)
    notes = ("An ONNX graph, translated node by node; nothing of it is run as it came.",)
    return Foreign(told, pair.graph, TASK, notes, wish)


def with_graph(foreign: Foreign, found: Mapping[str, Any]) -> Foreign:
    """The description with the graph's nodes in it. Raises ModelUnavailable."""
    told = dict(foreign.description)
    if "pipeline" not in told:  # what lies beside it is about something else, or says too little
        told = _own(found) or told
    wish, pipeline = foreign.wish, _steps(told)
    ops = [step.get("op") for step in pipeline]
    if not told or ops.count("network") != 1:
        raise ModelUnavailable(
            say("Nothing says what comes before and after the network (pipeline, with one step "
                "network)."),
            foreign.weights.name,
            say("Put a metadata file {name} with the fields of model.json beside it.",
                name=foreign.weights.with_suffix(".json").name),
        )  # fmt: skip
    network = {"op": "network", "arch": "graph", "weights": "weights.safetensors",
               "args": {"dims": found["dims"], "nodes": found["nodes"]}}  # fmt: skip
    steps = [network if step["op"] == "network" else step for step in pipeline
             if step["op"] not in _LEFT_OUT]  # fmt: skip
    title = str(told.get("title") or foreign.weights.stem)
    modality = modality_of(str(told.pop("modality", title)), wish) if "gates" not in told else ""
    changes: dict[str, Any] = {"pipeline": steps, "title": title[:120]}
    changes["name"] = (
        wish.name or f"{slug(str(told.get('name') or foreign.weights.stem))[:59]}-onnx"
    )
    changes |= {"licence": wish.licence} if wish.licence else {}
    if "weaker" in ops and isinstance(told.get("outputs"), list):
        changes["outputs"] = [each for each in told["outputs"] if not _is_weak(each)]
    description = {**described(changes["name"], title, modality, wish, {}), **told, **changes}
    left = ", ".join(op for op in ops if op in _LEFT_OUT)
    notes = (f"Left out, since a graph has no named layers: {left}.",) if left else ()
    return Foreign(description, foreign.weights, TASK, (*foreign.notes, *notes), wish)


def _is_weak(output: object) -> bool:
    return isinstance(output, dict) and output.get("weak") is True


def _own(found: Mapping[str, Any]) -> dict[str, Any]:
    try:
        own = json.loads(found["description"])
    except (KeyError, ValueError, TypeError, RecursionError):
        return {}
    return own if isinstance(own, dict) else {}


def _steps(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of a pipeline; none where one of them is no step."""
    pipeline = told.get("pipeline")
    if not isinstance(pipeline, list):
        return []
    steps = [step for step in pipeline if isinstance(step, dict) and "op" in step]
    return steps if len(steps) == len(pipeline) else []
