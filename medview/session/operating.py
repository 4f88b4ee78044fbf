"""Which detections of a run are shown: from one score on, chosen by false positives a scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medview.core.results import ModelRun, OperatingPoint
from medview.session.work import Work

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder

_USUAL = 1.0  # false positives a scan, where neither reader nor model chose


def at_threshold(run: ModelRun, work: Work) -> ModelRun:
    """The run with the detections that reach its threshold; other findings stay."""
    if not any(finding.kind == "detection" for finding in run.findings):
        return run
    least = threshold_of(run, work)
    shown = tuple(
        f for f in run.findings if f.kind != "detection" or (f.score or 0.0) >= least - 1e-9
    )
    return run if len(shown) == len(run.findings) else replace(run, findings=shown)


def threshold_of(run: ModelRun, work: Work) -> float:
    """The score from which detections count: the reader's, else the model's usual one."""
    chosen = next((t.score for t in work.thresholds if t.run_id == run.id), None)
    if chosen is not None:
        return chosen
    point = usual(run.operating_points)
    return 0.0 if point is None else point.score


def usual(points: tuple[OperatingPoint, ...]) -> OperatingPoint | None:
    """The most sensitive point with at most one false positive a scan, else the strictest."""
    if not points:
        return None
    few = [point for point in points if point.false_positives <= _USUAL]
    return max(few or points[:1], key=lambda point: point.sensitivity)


def points_of(model: ModelFolder) -> tuple[OperatingPoint, ...]:
    """The operating points of eval.json (`froc`), the strictest first; what is no point is left
    out. Reads a file."""
    import json

    if model.kind != "detection":
        return ()
    found = json.loads((model.path / "eval.json").read_text(encoding="utf-8")).get("froc", ())
    points = [_point(each) for each in found if isinstance(each, Mapping)]
    return tuple(sorted((p for p in points if p is not None), key=lambda p: -p.score))


def _point(told: Mapping[str, Any]) -> OperatingPoint | None:
    try:
        return OperatingPoint(
            score=float(told["score"]),
            false_positives=float(told["fp_per_scan"]),
            sensitivity=float(told["sensitivity"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
