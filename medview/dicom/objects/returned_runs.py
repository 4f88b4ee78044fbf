"""Runs of models that MedView told in a report, taken back whole: words, and where masks lie."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from medview.core.results import ModelRun
from medview.dicom.objects.sr import StructuredReport, read_structured_report
from medview.dicom.write.results_json import StoredVoxels, run_from_json

_OURS = "MedView"
_STATUSES = ("run", "refused", "failed", "cancelled")
# Both become names of files and folders, and the report may be by anyone.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BROKEN = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedMask:
    """A corrected mask: which segment of which SEG, and what MedView kept of it (plain JSON)."""

    seg: str
    number: int
    kept: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedWord:
    """What a reader had said of a finding."""

    finding_id: str
    decision: str
    by: str = ""
    at: str = ""
    edited: ReturnedMask | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ReturnedRun:
    """A run without voxels. seg: SOP Instance UID of its mask, "" for none; segments: its numbers
    by label value; threshold: from which score on the reader had its detections shown."""

    run: ModelRun
    voxels: StoredVoxels
    seg: str = ""
    segments: Mapping[int, int] = field(default_factory=dict)
    words: tuple[ReturnedWord, ...] = ()
    threshold: float | None = None


def read_runs(path: str) -> tuple[StructuredReport, tuple[ReturnedRun, ...]]:
    """A report and the runs in it; damaged ones are left out. Raises UnreadableInstance."""
    report = read_structured_report(path)
    if not report.made_by.startswith(_OURS):
        return report, ()
    found = []
    for group in report.groups:
        if group.run:
            try:
                found.append(_run(json.loads(group.run)))
            except _BROKEN:
                continue
    return report, tuple(found)


def _run(kept: Mapping[str, Any]) -> ReturnedRun:
    run, voxels = run_from_json(kept["run"])
    if not (_ID.fullmatch(run.id) and _MODEL.fullmatch(run.model.name)):
        raise ValueError(run.id)
    if run.status not in _STATUSES:
        raise ValueError(run.status)
    return ReturnedRun(
        run=run,
        voxels=voxels,
        seg=str(kept.get("seg") or ""),
        segments={int(value): int(number) for value, number in kept["segments"].items()},
        words=tuple(_word(name, word) for name, word in kept["reviews"].items()),
        threshold=None if kept.get("threshold") is None else float(kept["threshold"]),
    )


def _word(finding_id: str, told: Mapping[str, Any]) -> ReturnedWord:
    decision, edited, at = str(told["decision"]), told.get("edited"), str(told.get("at") or "")
    if at:
        dt.datetime.fromisoformat(at)
    if decision not in ("accepted", "rejected", "edited"):
        raise ValueError(decision)
    mask = None
    if edited:
        mask = ReturnedMask(
            seg=str(edited["seg"]), number=int(edited["number"]), kept=edited["segment"]
        )
    return ReturnedWord(
        finding_id=str(finding_id), decision=decision, by=str(told.get("by") or ""),
        at=at, edited=mask,
    )  # fmt: skip
