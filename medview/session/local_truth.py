"""What became of the models' findings on this computer: counts, drift, and a calibration set.

Nothing is stored twice: rows are read from the reader's own work, so that undo, and forgetting a
patient, hold here too. Patients are named by the names of their folders, which tell nothing.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medview.core.codec import from_plain
from medview.core.paths import user_data_dir
from medview.core.results import Finding, ModelRef, ModelRun
from medview.core.words import Sentence, say
from medview.imaging.segment.box import Box
from medview.session.decided import corrected_by, state_of
from medview.session.journal import Journal
from medview.session.segments import PatchStore, Segment, replayed
from medview.session.work import Work

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder

_log = logging.getLogger("medview.session")
LEAST = 10  # as `training.local.LEAST`: cases of each class, or outlines of a label
PAST = ".past.json"  # words of a run that a newer one took the place of, with findings decided on


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedFinding:
    """One finding with the reader's word. edited_mm3: volume of the corrected mask."""

    patient: str
    model: ModelRef
    finding: Finding
    decision: str
    at: str
    by: str = ""
    edited_mm3: float | None = None

    @property
    def month(self) -> str:
        """Of the decision, YYYY-MM."""
        return self.at[:7]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many findings of a model were accepted, corrected and rejected in a month."""

    model: str
    month: str
    accepted: int
    edited: int
    rejected: int

    @property
    def total(self) -> int:
        """All that were decided."""
        return self.accepted + self.edited + self.rejected

    @property
    def share(self) -> float:
        """Accepted as they were, of all."""
        return self.accepted / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share (Wilson 1927)."""
        n, p, z = self.total, self.share, 1.959964
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
        return max(0.0, middle - half), min(1.0, middle + half)


def decided_findings() -> tuple[DecidedFinding, ...]:
    """Every finding on this computer that a reader decided on, the oldest word first. Blocks."""
    root = user_data_dir() / "work"
    folders = sorted(root.iterdir()) if root.is_dir() else []
    found = [row for folder in folders if folder.is_dir() for row in _of_patient(folder)]
    return tuple(sorted(found, key=lambda row: row.at))


def _of_patient(folder: Path) -> Iterator[DecidedFinding]:
    try:
        work = Journal(folder).read(Work)
    except OSError:
        return
    if not work.decisions and not work.segments:
        return
    for path in sorted([*folder.glob("*.run.json"), *folder.glob(f"*{PAST}")]):
        try:
            words = json.loads(path.read_text(encoding="utf-8"))
            yield from _of_run(folder, work, words)
        except (OSError, ValueError, KeyError, TypeError):
            _log.exception("a stored run is damaged")


def _of_run(folder: Path, work: Work, words: Mapping[str, Any]) -> Iterator[DecidedFinding]:
    run = ModelRun(
        id=str(words["id"]),
        model=from_plain(ModelRef, words["model"]),
        series_uid=str(words["series_uid"]),
        stack=int(words["stack"]),
        status=str(words["status"]),
        findings=tuple(from_plain(Finding, each) for each in words["findings"]),
    )
    for finding in run.findings:
        word = state_of(work, run, finding)
        if word is None:
            continue
        edited, segment = None, corrected_by(work, run, finding)
        if word.decision == "edited" and segment is not None and words.get("label_map"):
            edited = _count(segment, folder) * _voxel_mm3(words["label_map"]["geometry"])
        yield DecidedFinding(
            patient=folder.name,
            model=run.model,
            finding=finding,
            decision=word.decision,
            at=word.at,
            by=word.by,
            edited_mm3=edited,
        )


def _voxel_mm3(geometry: Mapping[str, Any]) -> float:
    from medview.core.geometry import Geometry

    return from_plain(Geometry, geometry).voxel_mm3


def _count(segment: Segment, folder: Path) -> int:
    box = Box((0, 0, 0), (0, 0, 0))
    for patch in segment.patches:
        box = box.joined(patch.box)
    if box.is_empty:
        return 0
    return int(replayed(segment.patches, box, PatchStore(folder)).sum())


def by_month(rows: Iterable[DecidedFinding]) -> tuple[Rate, ...]:
    """Accept rates by model and month, in that order."""
    counts = Counter((row.model.name, row.month, row.decision) for row in rows)
    slots = sorted({(model, month) for model, month, _ in counts})
    return tuple(
        Rate(
            model=model,
            month=month,
            accepted=counts[model, month, "accepted"],
            edited=counts[model, month, "edited"],
            rejected=counts[model, month, "rejected"],
        )
        for model, month in slots
    )


def has_drifted(rates: Sequence[Rate]) -> bool:
    """Whether a model's last month lies apart from all months before: their intervals do not
    touch."""
    if len(rates) < 2:
        return False
    *before, last = sorted(rates, key=lambda rate: rate.month)
    whole = Rate(
        model=last.model,
        month="",
        accepted=sum(r.accepted for r in before),
        edited=sum(r.edited for r in before),
        rejected=sum(r.rejected for r in before),
    )
    (low, high), (last_low, last_high) = whole.interval, last.interval
    return last_high < low or last_low > high


def calibration_rows(model: ModelFolder, rows: Iterable[DecidedFinding]) -> list[dict[str, Any]]:
    """The rows of this very model in the form of `evaluate`'s `per_case`, for `calibrate`.

    Of a classifier: its score, and the class that follows from the reader's word (accepting says
    that what stands there is right). Of a segmentation: the relative error of each volume, under
    the label's own name.
    """
    own = [row for row in rows if row.model.manifest_sha256 == model.manifest_sha256]
    if model.kind == "classification":
        return _classes(model, own)
    if model.kind == "segmentation":
        return [found for row in own if (found := _volume(row)) is not None]
    return []


def _classes(model: ModelFolder, rows: Iterable[DecidedFinding]) -> list[dict[str, Any]]:
    told = ((row, class_of(model, row.finding, row.decision)) for row in rows)
    return [{"patient": row.patient, "label": label, "score": row.finding.probability}
            for row, label in told if label]  # fmt: skip


def class_of(model: ModelFolder, finding: Finding, decision: str) -> str:
    """The class that follows from the reader's word on a classifier's first output, "" where none
    does: accepting says that what stands there is right."""
    positive = list(model.description.get("provenance", {}).get("positive", ())) or ["present"]
    first, score = model.outputs[0].name, finding.probability
    if finding.label != first or score is None:
        return ""
    limit = float(model.calibration().get("thresholds", {}).get(first, 0.5))
    is_there = (score >= limit) == (decision != "rejected")
    return positive[0] if is_there else f"not {positive[0]}"


def _volume(row: DecidedFinding) -> dict[str, Any] | None:
    """(model's - reader's) / reader's, as `evaluate` tells it; none for a rejected mask."""
    volume = row.finding.volume_mm3
    if volume is None or row.decision == "rejected":
        return None
    truth = volume if row.edited_mm3 is None else row.edited_mm3
    if truth <= 0:
        return None
    return {"patient": row.patient, f"volume_error.{row.finding.label}": volume / truth - 1.0}


def missing_cases(model: ModelFolder, rows: Sequence[Mapping[str, Any]]) -> tuple[int, ...] | None:
    """How many cases are wanting: with and without the finding, or outlines of the label that has
    most of them; None for a model that has nothing to calibrate."""
    if model.kind == "classification":
        positive = model.description.get("provenance", {}).get("positive", ()) or ("present",)
        ill = sum(row["label"] in positive for row in rows)
        return max(0, LEAST - ill), max(0, LEAST - (len(rows) - ill))
    if model.kind == "segmentation":
        counts = Counter(name for row in rows for name in row if name != "patient")
        return (max(0, LEAST - max(counts.values(), default=0)),)
    return None


def wanting(model: ModelFolder, rows: Sequence[Mapping[str, Any]]) -> Sentence:
    """How many more cases it takes before calibrating on them helps, in words."""
    missing = missing_cases(model, rows)
    if missing is None:
        return say("A model of this kind has nothing to calibrate.")
    if not any(missing):
        return say("Enough cases to calibrate: {count}.", count=len(rows))
    if len(missing) == 2:
        return say(
            "Calibration helps from {least} cases of each class on: {ill} more with the finding "
            "and {well} more without are needed.",
            least=LEAST, ill=missing[0], well=missing[1],
        )  # fmt: skip
    return say(
        "Calibration helps from {least} accepted or corrected outlines of a label on: "
        "{count} more are needed.",
        least=LEAST, count=missing[0],
    )  # fmt: skip
