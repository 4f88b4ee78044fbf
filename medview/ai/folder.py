"""A model folder: data, checked before anything of it is used, never executed or unpickled.

`models/<name>/` holds model.json, weights*.safetensors (none for rules), card.md, eval.json and
MANIFEST.sha256; MANIFEST.sig, calib.json, LICENSE and selftest/ may be there. Nothing here imports
torch: tensor names and shapes are compared with the network when the worker builds it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from medview.ai.manifest import check_manifest, hashes_of, read_checked, write_manifest
from medview.ai.schema import check_description, read_outputs
from medview.ai.schema_tabular import WEIGHTS as TABLE_WEIGHTS
from medview.ai.schema_text import WEIGHTS as TEXT_WEIGHTS
from medview.ai.signature import KNOWN, Signature, read_signature
from medview.ai.weights import read_header, require_finite
from medview.core.errors import ModelUnavailable
from medview.core.results import Label, ModelRef
from medview.core.words import say

__all__ = ["ModelFolder", "open_folder", "write_manifest"]

PARAMETERS_MAX = 200_000_000  # numbers in a model's weights, where it states no limit of its own
CALIBRATION = "calib.json"
_DESCRIPTION_MAX = 256 << 10
_JSON_MAX = 16 << 20  # of any other file: calibrations hold means and covariances


@dataclass(frozen=True)
class ModelFolder:
    """A model that passed every check of its folder. `description` is the parsed model.json.

    hashes: SHA-256 of its files as they were then; what is read later is compared with these.
    """

    path: Path
    name: str
    version: str
    kind: str
    title: str
    description: Mapping[str, Any]
    manifest_sha256: str
    signature: Signature
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def signed(self) -> bool:
        """Whether a key that this MedView knows has signed it."""
        return self.signature.state == KNOWN

    @property
    def ref(self) -> ModelRef:
        """Which model made a result, to the byte."""
        return ModelRef(
            name=self.name,
            version=self.version,
            manifest_sha256=self.manifest_sha256,
            title=self.title,
            signature=self.signature.state,
        )

    @property
    def pipeline(self) -> tuple[Mapping[str, Any], ...]:
        """The steps in order: "op" and its checked fields."""
        return tuple(self.description["pipeline"])

    @property
    def gates(self) -> tuple[Mapping[str, Any], ...]:
        """The rules for its input, as `gate.judge` reads them."""
        return tuple(self.description["gates"])

    @cached_property
    def outputs(self) -> tuple[Label, ...]:
        """Labels of a segmentation, classes of a classifier (then `value` is the class index)."""
        return read_outputs(self.description)

    @property
    def licence(self) -> str:
        """The licence of the model itself, as its maker states it."""
        return str(self.description["licence"])

    def card(self) -> str:
        """The model card, Markdown."""
        return (self.path / "card.md").read_text(encoding="utf-8", errors="replace")

    def calibration(self) -> Mapping[str, Any]:
        """calib.json, empty where there is none. Raises ModelUnavailable where it changed since."""
        return self._calibration

    @cached_property
    def _calibration(self) -> Mapping[str, Any]:
        if CALIBRATION not in self.hashes:
            return {}
        return _parsed(self.content(CALIBRATION), CALIBRATION, _JSON_MAX)

    def content(self, name: str) -> bytes:
        """The bytes of one of its files, those that were checked. Raises ModelUnavailable."""
        return read_checked(self.path / name, self.hashes.get(name, ""))


def open_folder(path: Path) -> ModelFolder:
    """Check a model folder and describe it.

    In this order: a folder without links, its files those of the manifest, sizes, hashes,
    signature, schema, limits, weights (layout, count, finite numbers), card and figures.
    Raises ModelUnavailable with a sentence of its own for each fault.
    """
    if not path.is_dir() or path.is_symlink():
        raise ModelUnavailable(say("There is no model folder here."), path.name)
    if not (path / "model.json").is_file():
        raise ModelUnavailable(say("The folder has no model.json."), path.name)
    listed, raw = check_manifest(path, keep="model.json")
    signature = read_signature(path, listed)
    description = _read_description(raw)
    _check_weights(path, description)
    for name in ("card.md", "eval.json"):
        if not (path / name).is_file():
            raise ModelUnavailable(say("The model says nothing about its quality."), name)
    read_json(path / "eval.json")
    return ModelFolder(
        path=path,
        name=description["name"],
        version=description["version"],
        kind=description["kind"],
        title=description["title"],
        description=description,
        manifest_sha256=hashlib.sha256(listed).hexdigest(),
        signature=signature,
        hashes=hashes_of(listed),
    )


def read_json(path: Path, most: int = _JSON_MAX) -> dict[str, Any]:
    """A JSON object of a model's folder, `most` bytes long at most. Raises ModelUnavailable."""
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise ModelUnavailable(
            say("A file of the model is no readable JSON."), path.name
        ) from error
    return _parsed(raw, path.name, most)


def _parsed(raw: bytes, name: str, most: int) -> dict[str, Any]:
    if len(raw) > most:
        raise ModelUnavailable(say("A file of the model is too large."), name)
    try:
        loaded = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ModelUnavailable(say("A file of the model is no readable JSON."), name) from error
    if not isinstance(loaded, dict):
        raise ModelUnavailable(say("A file of the model is no readable JSON."), name)
    return loaded


def _no_constant(word: str) -> float:
    raise ValueError(word)  # NaN and Infinity are no JSON, whatever Python reads


def _read_description(raw: bytes) -> dict[str, Any]:
    description = _parsed(raw, "model.json", _DESCRIPTION_MAX)
    check_description(description)
    return description


def _check_weights(folder: Path, description: Mapping[str, Any]) -> None:
    wanted = {step["weights"] for step in description["pipeline"] if step["op"] == "network"}
    if description["kind"] == "tabular":
        wanted = {TABLE_WEIGHTS}
    if description["kind"] == "text":
        wanted = {TEXT_WEIGHTS}
    present = {path.name for path in folder.glob("*.safetensors")}
    for name in sorted(wanted - present):
        raise ModelUnavailable(say("The model's weights are missing."), name)
    for name in sorted(present - wanted):
        raise ModelUnavailable(say("The model holds weights that no step uses."), name)
    parameters = 0
    for name in sorted(wanted):
        tensors = read_header(folder / name)
        parameters += sum(tensor.count for tensor in tensors.values())
        if parameters > description.get("limits", {}).get("parameters_max", PARAMETERS_MAX):
            raise ModelUnavailable(say("The model is larger than it says."), name)
        require_finite(folder / name, tensors)
