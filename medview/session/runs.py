"""Model runs on disk: a JSON line for the words, one compressed file for the voxels."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medview.core.codec import from_plain, to_plain
from medview.core.files import write_private
from medview.core.geometry import Geometry
from medview.core.results import (
    Fidelity,
    Finding,
    GateVerdict,
    Heatmap,
    Label,
    LabelMap,
    ModelRef,
    ModelRun,
    OperatingPoint,
    Provenance,
)
from medview.core.words import Sentence

_log = logging.getLogger("medview.session")
_PLAIN = ("id", "series_uid", "stack", "status", "device", "precision", "seed", "seconds")


def save_run(run: ModelRun, folder: Path) -> None:
    """Write a run into a patient's folder, readable by the owner alone. Raises OSError."""
    voxels: dict[str, np.ndarray[Any, Any]] = {}
    words: dict[str, Any] = {name: getattr(run, name) for name in _PLAIN}
    words |= {
        "model": to_plain(run.model),
        "reason": to_plain(run.reason),
        "gate": to_plain(run.gate),
        "findings": to_plain(run.findings),
        "subject": run.subject,
        "provenance": to_plain(run.provenance),
        "notes": to_plain(run.notes),
        "operating_points": to_plain(run.operating_points),
        "label_map": None,
        "heatmaps": [],
    }
    if run.label_map is not None:
        voxels["label_map"] = run.label_map.voxels
        words["label_map"] = {
            "id": run.label_map.id,
            "geometry": to_plain(run.label_map.geometry),
            "labels": to_plain(run.label_map.labels),
        }
    for number, heatmap in enumerate(run.heatmaps):
        voxels[f"heatmap{number}"] = heatmap.values.astype(np.float16)
        words["heatmaps"].append(
            {
                "id": heatmap.id,
                "geometry": to_plain(heatmap.geometry),
                "class_name": heatmap.class_name,
                "maximum": heatmap.maximum,
                "method": heatmap.method,
                "cells": list(heatmap.cells),
                "fidelity": to_plain(heatmap.fidelity),
                "random_likeness": heatmap.random_likeness,
                "unsure_mm": heatmap.unsure_mm,
            }
        )
    if voxels:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **voxels)  # type: ignore[arg-type]
        write_private(folder / f"{run.id}.npz", buffer.getvalue())
    write_private(folder / f"{run.id}.run.json", json.dumps(words, ensure_ascii=False))


def load_runs(folder: Path) -> tuple[ModelRun, ...]:
    """Every run of a patient's folder, oldest first; a damaged one is left out and logged."""
    runs = []
    for path in sorted(folder.glob("*.run.json"), key=lambda p: p.stat().st_mtime):
        try:
            runs.append(_load_run(path))
        except (OSError, ValueError, KeyError, TypeError):
            _log.exception("a stored run is damaged")
    return tuple(runs)


def past_run(run_id: str, folder: Path) -> None:
    """Keep the words of a run that a newer one took the place of; its voxels go."""
    (folder / f"{run_id}.run.json").replace(folder / f"{run_id}.past.json")
    (folder / f"{run_id}.npz").unlink(missing_ok=True)


def remove_run(run_id: str, folder: Path) -> None:
    """Take a stored run off the disk."""
    for suffix in (".run.json", ".npz"):
        (folder / f"{run_id}{suffix}").unlink(missing_ok=True)


def heatmap_figures(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of how a heatmap was made; older versions say nothing of it."""
    fidelity = stored.get("fidelity")
    return {
        "method": str(stored.get("method", "linear_cam")),
        "cells": tuple(int(n) for n in stored.get("cells", (0, 0, 0))),
        "fidelity": None if fidelity is None else from_plain(Fidelity, fidelity),
        "random_likeness": stored.get("random_likeness"),
        "unsure_mm": stored.get("unsure_mm"),
    }


def _load_run(path: Path) -> ModelRun:
    words = json.loads(path.read_text(encoding="utf-8"))
    archive = path.with_name(path.name.removesuffix(".run.json") + ".npz")
    voxels = np.load(archive, allow_pickle=False) if archive.is_file() else {}
    label_map = None
    if words["label_map"] is not None:
        stored = words["label_map"]
        label_map = LabelMap(
            id=stored["id"],
            geometry=from_plain(Geometry, stored["geometry"]),
            voxels=voxels["label_map"],
            labels=tuple(from_plain(Label, item) for item in stored["labels"]),
        )
    heatmaps = tuple(
        Heatmap(
            id=stored["id"],
            geometry=from_plain(Geometry, stored["geometry"]),
            values=voxels[f"heatmap{number}"].astype(np.float32),
            class_name=stored["class_name"],
            maximum=stored["maximum"],
            **heatmap_figures(stored),
        )
        for number, stored in enumerate(words["heatmaps"])
    )
    return ModelRun(
        **{name: words[name] for name in _PLAIN},
        # Not in runs of older versions:
        subject=words.get("subject", ""),
        notes=tuple(Sentence.from_json(note) for note in words.get("notes", ())),
        model=from_plain(ModelRef, words["model"]),
        reason=None if words["reason"] is None else Sentence.from_json(words["reason"]),
        gate=None if words["gate"] is None else from_plain(GateVerdict, words["gate"]),
        findings=tuple(from_plain(Finding, item) for item in words["findings"]),
        label_map=label_map,
        heatmaps=heatmaps,
        provenance=(
            from_plain(Provenance, words["provenance"]) if words.get("provenance") else None
        ),
        operating_points=tuple(
            from_plain(OperatingPoint, each) for each in words.get("operating_points", ())
        ),
    )
