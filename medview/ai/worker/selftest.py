"""The self-test of a model that looks at images: made by who seals a folder, run by who adds it.

The picture is made by formula, so that no patient stands in it; what the model says of it means
nothing, but it is the same on every machine.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.selftest import (
    IN,
    NO_CASE,
    OUT,
    SelfTest,
    backend,
    deviation,
    has_case,
    outcome,
    read_arrays,
    remember,
    remembered,
)
from medview.ai.worker.check import check_networks
from medview.ai.worker.devices import Device
from medview.ai.worker.engines import insist_on
from medview.ai.worker.ladder import Ladder, is_shortage
from medview.ai.worker.pipeline import Pipeline, load_steps, run_steps
from medview.ai.worker.steps import Context, State
from medview.core.errors import ModelUnavailable
from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume
from medview.core.words import say
from medview.imaging.nodule_patch import PIXELS, SLICES, pack, patch_volume

Arrays = dict[str, NDArray[np.generic]]
# They judge and colour pictures; a made one is unlike any.
_LEFT_OUT = ("ood", "distance", "explain")
_TOLERANCE = 0.02
_PICKED = 512  # of the net's own numbers, evenly through all of them
_LEAST_EDGE, _MOST_EDGE = 24, 32  # voxels


def make_case(folder: ModelFolder) -> None:
    """Write a case and the model's answer below `selftest/`; the manifest is the caller's."""
    case = _case_for(folder)
    answer = _answer(folder, case)
    if not answer:
        raise ModelUnavailable(say("The model gives no answer that a self-test could compare."))
    (folder.path / IN).parent.mkdir(exist_ok=True)
    np.savez_compressed(folder.path / IN, **case)  # type: ignore[arg-type]
    answer["tolerance"] = np.float64(_TOLERANCE)  # type: ignore[assignment]
    np.savez_compressed(folder.path / OUT, **answer)  # type: ignore[arg-type]


def run_case(folder: str) -> Mapping[str, Any]:
    """Check a folder's steps and networks and run its case, here; the fields of a `SelfTest`."""
    model = open_folder(Path(folder))
    Pipeline(model)
    check_networks(model)
    if not has_case(model.path):
        return NO_CASE
    case, wanted = read_arrays(model.content(IN)), read_arrays(model.content(OUT))
    began = time.perf_counter()
    found = _answer(model, case)
    return outcome(deviation(found, wanted), time.perf_counter() - began)


def passes_with(folder: ModelFolder, device: Device, engine: str) -> bool:
    """Whether a folder's case passes when an engine ("openvino float32") computes its network.

    True where there is no case. Asked once for a backend, and remembered. Raises for shortage.
    """
    if not has_case(folder.path):
        return True
    where = backend(device.title or device.kind, engine)
    known = remembered(folder.manifest_sha256, where)
    if known is not None:
        return known.state == "passed"
    began = time.perf_counter()
    context = Context(folder, device=device.place, ladder=Ladder(device))
    try:
        with insist_on(engine):
            case, wanted = read_arrays(folder.content(IN)), read_arrays(folder.content(OUT))
            off = deviation(_answer(folder, case, context), wanted)
    except Exception as error:
        if is_shortage(error):
            raise
        off = float("inf")  # an engine may lack an operator that only the case's size asks for
    found = SelfTest(**outcome(off, time.perf_counter() - began))
    remember(folder.manifest_sha256, where, found)
    return found.state == "passed"


def _answer(
    folder: ModelFolder, case: Mapping[str, NDArray[np.generic]], context: Context | None = None
) -> Arrays:
    load_steps({step["op"] for step in folder.pipeline})
    state = State(_volume(case), context or Context(folder))
    run_steps(state, tuple(s for s in folder.pipeline if s["op"] not in _LEFT_OUT))
    found: Arrays = {}
    if state.label_map is not None:
        found["labels"] = state.label_map
    if state.scores:
        found["scores"] = np.array(list(state.scores.values()), np.float32)
    if state.route is not None:
        looks = state.route.looks_like
        found["route"] = np.array([-1 if looks is None else looks], np.int16)
        found["certainty"] = np.array([state.route.probability], np.float32)
    if state.measures:
        found["measures"] = np.array([q.value for _, q in state.measures], np.float32)
    if state.logits is not None:
        flat = state.logits.ravel()
        found["net"] = flat[:: max(1, len(flat) // _PICKED)].astype(np.float32)
    return found


def _volume(case: Mapping[str, NDArray[np.generic]]) -> Volume:
    try:
        stored = case["stored"]
        spacing = tuple(float(n) for n in case["spacing"].astype(np.float64))
        modality = str(case["modality"])
        if stored.dtype == np.uint16 and stored.shape == (SLICES, PIXELS, PIXELS):
            return patch_volume(stored.astype(np.uint16))
        k, j, i = stored.shape
    except (KeyError, ValueError, TypeError) as error:
        raise ModelUnavailable(say("The model's self-test is damaged."), IN) from error
    half = [-(n - 1) / 2 * step for n, step in zip((i, j, k), spacing, strict=True)]
    geometry = Geometry(
        shape=(k, j, i), spacing=(spacing[0], spacing[1], spacing[2]), origin=PatientPoint(*half)
    )
    return Volume(geometry=geometry, stored=stored, modality=modality,
                  unit="HU" if modality == "CT" else "")  # fmt: skip


def _case_for(folder: ModelFolder) -> Arrays:
    ops = {step["op"]: step for step in folder.pipeline}
    wanted = [str(n) for g in folder.gates if g["check"] == "modality" for n in g["in"]]
    modality = (wanted or ["CT"])[0]
    if "nodule_features" in ops:
        return _patch_case()
    if "resize" in ops:
        picture = phantom((1, 80, 64), (4.0, 4.0, 4.0))
        return _named((picture + 1000) // 8, (4.0, 4.0, 4.0), modality)
    if "lungs" in ops:
        return _named(phantom((48, 72, 96), (4.0, 4.0, 4.0)), (4.0, 4.0, 4.0), "CT")
    spacing = tuple(float(n) for n in ops.get("resample", {}).get("spacing_mm", (1.0, 1.0, 1.0)))
    edges = [_edge(n) for n in ops.get("tile", {}).get("patch", (32, 32, 24))[::-1]]
    # The body of the formula is 340 mm wide: here it is as large as the case.
    scaled = tuple(340 / edges[2] for _ in range(3))
    return _named(phantom((edges[0], edges[1], edges[2]), scaled), spacing, modality)


def _edge(patch: int) -> int:
    return max(_LEAST_EDGE, min(_MOST_EDGE, int(patch)))


def _named(stored: NDArray[np.int16], spacing: tuple[float, ...], modality: str) -> Arrays:
    return {
        "stored": stored,
        "spacing": np.array(spacing, np.float64),
        "modality": np.array(modality),
    }


def _patch_case() -> Arrays:
    k, j, i = np.meshgrid(np.arange(SLICES), *[np.arange(PIXELS) - (PIXELS - 1) / 2] * 2,
                          indexing="ij")  # fmt: skip
    ball = (i / 9) ** 2 + (j / 7) ** 2 + (k - (SLICES - 1) / 2) ** 2 < 1
    grey = np.clip(40 + 4 * np.sin(i) * np.cos(j / 3) + 150 * ball, 0, 255).astype(np.uint8)
    return _named(pack(grey, ball), (1.0, 1.0, 1.0), "CT")  # type: ignore[arg-type]


def phantom(shape: tuple[int, int, int], spacing: tuple[float, ...]) -> NDArray[np.int16]:
    """An oval body in air with two lungs, a windpipe and a spine, in HU; int16 [k, j, i]."""
    k, j, i = np.meshgrid(*[np.arange(n) - n / 2 for n in shape], indexing="ij")
    x, y, z = i * spacing[0], j * spacing[1], k * spacing[2]
    hu = np.full(shape, -1000.0)
    hu[(x / 170) ** 2 + (y / 120) ** 2 < 1] = 40
    hu[((x + 75) / 55) ** 2 + (y / 75) ** 2 + (z / 80) ** 2 < 1] = -860
    hu[((x - 75) / 45) ** 2 + (y / 75) ** 2 + (z / 75) ** 2 < 1] = -860
    hu[(x**2 + (y - 10) ** 2 < 9**2) & (z > 20)] = -1000
    hu[(x / 18) ** 2 + ((y - 85) / 18) ** 2 < 1] = 350
    # So that a net has something to see everywhere; whole numbers, so that they pack.
    ripple = 12 * np.sin(x / 11) * np.cos(y / 13) * np.cos(z / 17)
    return np.asarray(np.round(hu + ripple), np.int16)
