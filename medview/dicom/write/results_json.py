"""One model run as JSON of `medview.results/1` and back: the contract's keys, and a few more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medview.core.codec import from_plain, to_plain
from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import (
    Check,
    Code,
    Fidelity,
    Finding,
    GateVerdict,
    Heatmap,
    Label,
    ModelRef,
    ModelRun,
    OperatingPoint,
    Override,
    Provenance,
    Quantity,
)
from medview.core.words import Sentence

if TYPE_CHECKING:
    from medview.dicom.write.segmentation import WrittenSegmentation

SCHEMA = "medview.results/1"
Json = dict[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredHeatmap:
    """A heatmap whose values lie in a file."""

    id: str
    geometry: Geometry
    class_name: str
    maximum: float
    values: str
    method: str = "linear_cam"
    cells: tuple[int, int, int] = (0, 0, 0)
    fidelity: Fidelity | None = None
    random_likeness: float | None = None
    unsure_mm: float | None = None

    def whole(self, values: NDArray[np.float32]) -> Heatmap:
        """With its values, float32 [k, j, i] on the geometry."""
        return Heatmap(
            id=self.id,
            geometry=self.geometry,
            values=values,
            class_name=self.class_name,
            maximum=self.maximum,
            method=self.method,
            cells=self.cells,
            fidelity=self.fidelity,
            random_likeness=self.random_likeness,
            unsure_mm=self.unsure_mm,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredVoxels:
    """What is needed to read a run's masks and heatmaps."""

    geometry: Geometry | None = None
    labels: tuple[Label, ...] = ()
    masks: Mapping[int, str] = field(default_factory=dict)  # label value to file
    heatmaps: tuple[StoredHeatmap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """The files of one run, relative to the results' folder; notes tell what was not written.

    masks: label value to its own .nii.gz (1 inside). heatmaps: heatmap id to (DICOM object or
    None, .nii.gz of the values). segmentation: the SEG itself, for what refers to it. sr_uid: the
    report's SOP Instance UID.
    """

    seg: str | None = None
    sr: str | None = None
    masks: Mapping[int, str] = field(default_factory=dict)
    heatmaps: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)
    notes: tuple[Sentence, ...] = ()
    segmentation: WrittenSegmentation | None = None
    sr_uid: str = ""

    def of(self, finding: Finding) -> Json:
        """The four names of the contract, and the heatmap's values beside them."""
        mask = None if finding.label_value is None else self.masks.get(finding.label_value)
        heatmap, values = self.heatmaps.get(finding.heatmap_id or "", (None, None))
        return {
            "seg": self.seg if mask else None,
            "mask": mask,
            "sr": self.sr,
            "heatmap": heatmap,
            "heatmap_values": values,
        }


def run_to_json(run: ModelRun, files: RunFiles) -> Json:
    """A run with the names of its files."""
    label_map = run.label_map
    return {
        "id": run.id,
        "model": {
            "name": run.model.name,
            "version": run.model.version,
            "manifest_sha256": run.model.manifest_sha256,
            "title": run.model.title,
            "signature": run.model.signature,
        },
        "series": run.series_uid,
        "stack": run.stack,
        "status": run.status,
        "reason": run.reason.english() if run.reason else None,
        "gate": _gate_to_json(run.gate),
        "device": run.device,
        "precision": run.precision,
        "seed": run.seed,
        "seconds": round(run.seconds, 3),
        "subject": run.subject,
        "provenance": to_plain(run.provenance),
        "operating_points": to_plain(run.operating_points),
        "findings": [_finding_to_json(f, files) for f in run.findings],
        "grid": to_plain(label_map.geometry) if label_map else None,
        "labels": [
            to_plain(label) | {"mask": files.masks.get(label.value)}
            for label in (label_map.labels if label_map else ())
        ],
        "heatmaps": [_heatmap_to_json(h, files) for h in run.heatmaps],
        "notes": [note.english() for note in (*run.notes, *files.notes)],
        "said": {"reason": to_plain(run.reason), "notes": to_plain((*run.notes, *files.notes))},
    }


def _gate_to_json(gate: GateVerdict | None) -> Json | None:
    if gate is None:
        return None
    checks = [
        {"name": c.name, "ok": c.ok, "grade": c.grade, "can_override": c.can_override,
         "said": c.said.english(), "sentence": to_plain(c.said)}
        for c in gate.checks
    ]  # fmt: skip
    return {
        "verdict": gate.verdict,
        "reasons": [reason.english() for reason in gate.reasons],
        "override": to_plain(gate.override),
        "checks": checks,
    }


def _finding_to_json(finding: Finding, files: RunFiles) -> Json:
    return {
        "id": finding.id,
        "kind": finding.kind,
        "label": finding.label,
        "code": to_plain(finding.code),
        "score": finding.score,
        "probability": finding.probability,
        "answer": finding.answer or None,
        "answer_said": finding.answer_said.english() if finding.answer_said else None,
        "answer_sentence": to_plain(finding.answer_said),
        "interval": list(finding.interval) if finding.interval else None,
        "volume_mm3": finding.volume_mm3,
        "centroid_mm": list(finding.centroid) if finding.centroid else None,
        "measurements": [
            {
                "concept": q.concept,
                "value": q.value,
                "unit": q.unit,
                "interval": list(q.interval) if q.interval else None,
                "code": to_plain(q.code),
            }
            for q in finding.measurements
        ],
        "files": files.of(finding),
        "label_map": finding.label_map_id,
        "label_value": finding.label_value,
        "heatmap": finding.heatmap_id,
        "corners_mm": [list(point) for point in finding.corners],
        "tracking_uid": finding.tracking_uid,
        "explanation": finding.explanation.english() if finding.explanation else None,
        "said": to_plain(finding.explanation),
    }


def _heatmap_to_json(heatmap: Heatmap, files: RunFiles) -> Json:
    return {
        "id": heatmap.id,
        "grid": to_plain(heatmap.geometry),
        "class_name": heatmap.class_name,
        "maximum": heatmap.maximum,
        "method": heatmap.method,
        "cells": list(heatmap.cells),
        "fidelity": to_plain(heatmap.fidelity),
        "random_likeness": heatmap.random_likeness,
        "unsure_mm": heatmap.unsure_mm,
        "file": files.heatmaps.get(heatmap.id, (None, None))[0],
        "values": files.heatmaps.get(heatmap.id, (None, None))[1],
    }


def run_from_json(data: Json) -> tuple[ModelRun, StoredVoxels]:
    """The inverse of run_to_json. Raises KeyError, TypeError, ValueError for another form."""
    model = data["model"]
    said = data.get("said") or {}
    run = ModelRun(
        id=str(data.get("id") or f"{model['name']}:{data['series']}:{data['stack']}"),
        model=ModelRef(
            name=str(model["name"]),
            version=str(model["version"]),
            manifest_sha256=str(model["manifest_sha256"]),
            title=str(model.get("title") or ""),
            signature=str(model.get("signature") or ""),
        ),
        series_uid=str(data["series"]),
        stack=int(data["stack"]),
        status=str(data["status"]),
        reason=_sentence(said.get("reason"), data.get("reason")),
        gate=_gate_from_json(data.get("gate")),
        device=str(data["device"]),
        precision=str(data["precision"]),
        seed=int(data["seed"]),
        seconds=float(data["seconds"]),
        notes=tuple(Sentence.from_json(note) for note in said.get("notes") or ()),
        findings=tuple(_finding_from_json(item) for item in data["findings"]),
        subject=str(data.get("subject") or ""),
        provenance=from_plain(Provenance, data["provenance"]) if data.get("provenance") else None,
        operating_points=tuple(
            from_plain(OperatingPoint, each) for each in data.get("operating_points", ())
        ),
    )
    return run, _stored(data)


def _sentence(said: Any, english: Any) -> Sentence | None:
    if said:
        return Sentence.from_json(said)
    # A file by another hand has words only; braces in them are no placeholders.
    return Sentence("{words}", {"words": str(english)}) if english else None


def _gate_from_json(data: Json | None) -> GateVerdict | None:
    if data is None:
        return None
    return GateVerdict(
        str(data["verdict"]),
        tuple(
            Check(
                str(check["name"]),
                bool(check["ok"]),
                _sentence(check.get("sentence"), check["said"]) or Sentence(""),
                str(check.get("grade", "")),
                bool(check.get("can_override", False)),
            )
            for check in data["checks"]
        ),
        None if data.get("override") is None else from_plain(Override, data["override"]),
    )


def _cells(stored: Any) -> tuple[int, int, int]:
    k, j, i = (int(n) for n in stored or (0, 0, 0))
    return k, j, i


def _finding_from_json(data: Json) -> Finding:
    centroid = data.get("centroid_mm")
    return Finding(
        id=str(data["id"]),
        kind=str(data["kind"]),
        label=str(data["label"]),
        code=_code(data.get("code")),
        score=_number(data.get("score")),
        probability=_number(data.get("probability")),
        answer=str(data.get("answer") or ""),
        answer_said=_sentence(data.get("answer_sentence"), data.get("answer_said")),
        interval=_pair(data.get("interval")),
        volume_mm3=_number(data.get("volume_mm3")),
        centroid=PatientPoint(*(float(v) for v in centroid)) if centroid else None,
        measurements=tuple(
            Quantity(
                concept=str(q["concept"]),
                value=float(q["value"]),
                unit=str(q["unit"]),
                interval=_pair(q.get("interval")),
                code=_code(q.get("code")),
            )
            for q in data.get("measurements", ())
        ),
        label_map_id=data.get("label_map"),
        label_value=None if data.get("label_value") is None else int(data["label_value"]),
        heatmap_id=data.get("heatmap"),
        explanation=_sentence(data.get("said"), data.get("explanation")),
        corners=tuple(PatientPoint(*(float(v) for v in p)) for p in data.get("corners_mm", ())),
        tracking_uid=str(data.get("tracking_uid") or ""),
    )


def _code(data: Json | None) -> Code | None:
    return None if data is None else from_plain(Code, data)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _pair(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = value
    return float(low), float(high)


def _stored(data: Json) -> StoredVoxels:
    grid = data.get("grid")
    labels = data.get("labels", ())
    heatmaps = tuple(
        StoredHeatmap(
            id=str(item["id"]),
            geometry=from_plain(Geometry, item["grid"]),
            class_name=str(item["class_name"]),
            maximum=float(item["maximum"]),
            values=str(item["values"]),
            method=str(item.get("method", "linear_cam")),
            cells=_cells(item.get("cells")),
            fidelity=from_plain(Fidelity, item["fidelity"]) if item.get("fidelity") else None,
            random_likeness=_number(item.get("random_likeness")),
            unsure_mm=_number(item.get("unsure_mm")),
        )
        for item in data.get("heatmaps", ())
        if item.get("values")
    )
    return StoredVoxels(
        geometry=from_plain(Geometry, grid) if grid else None,
        labels=tuple(from_plain(Label, item) for item in labels),
        masks={int(item["value"]): str(item["mask"]) for item in labels if item.get("mask")},
        heatmaps=heatmaps,
    )
