"""An earlier analysis run again and compared: equal, or what differs and by how much.

On the CPU of one machine with one version of its libraries a run is bit for bit the same, so
voxels and numbers must be equal. On another device or another version of the library sums are
taken in another order: then masks may differ in voxels at their borders (Dice of at least
`LEAST_DICE`) and numbers in their last digits (`MOST_APART`, of the larger of both).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medview.core.results import Finding, Heatmap, LabelMap, ModelRun, Provenance
from medview.core.words import Sentence, say

if TYPE_CHECKING:
    from medview.dicom.write import StoredResults

LEAST_DICE = 0.999
MOST_APART = 1e-3
_ROUNDED = 1e-9  # JSON keeps every digit of a double; this is for other hands' files


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One run and its repetition. verdict: equal, within-tolerance, differs or missing.

    said: what is not the same, a sentence each; also what explains it (device, library).
    """

    model: str
    series_uid: str
    stack: int
    subject: str
    verdict: str
    said: tuple[Sentence, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether the repetition confirms the run."""
        return self.verdict in ("equal", "within-tolerance")

    def to_json(self) -> dict[str, Any]:
        """For `reproduced` of results.json."""
        return {
            "model": self.model,
            "series": self.series_uid,
            "stack": self.stack,
            "verdict": self.verdict,
            "said": [sentence.english() for sentence in self.said],
        }


def compared(stored: StoredResults, again: tuple[ModelRun, ...]) -> tuple[Comparison, ...]:
    """Every run of an earlier analysis beside its repetition.

    Raises UnreadableInstance, InvalidInput where the earlier masks cannot be read.
    """
    found = {_slot(run): run for run in again}
    return tuple(_compare(stored, run, found.get(_slot(run))) for run in stored.runs)


def was_drawn(run: ModelRun) -> bool:
    """Whether a run was about a lesion whose outline a reader drew: no click gives it again."""
    return bool(run.subject) and (run.provenance is None or run.provenance.at is None)


def _slot(run: ModelRun) -> tuple[str, str, int, str]:
    return run.model.name, run.series_uid, run.stack, run.subject


def _compare(stored: StoredResults, before: ModelRun, now: ModelRun | None) -> Comparison:
    if now is None:
        said: list[Sentence] = [
            say("The outline that it looked at was drawn by hand: no click gives it again.")
            if was_drawn(before)
            else say("These images are not here.")
        ]
        return _comparison(before, "missing", said)
    if before.status != now.status:
        words = say("It ended as {now}, not as {before}.", now=now.status, before=before.status)
        return _comparison(before, "differs", [words])
    surroundings = _surroundings(before, now)
    other_input = _other_input(before.provenance, now.provenance)
    differences = _Differences()
    differences.findings(before.findings, now.findings)
    if before.status == "run":
        whole = stored.with_voxels(before)
        differences.masks(whole.label_map, now.label_map)
        differences.heatmaps(whole.heatmaps, now.heatmaps)
    if other_input is not None:
        return _comparison(before, "differs", [other_input, *differences.said])
    if not differences.said:
        return _comparison(before, "equal", [])
    is_near = bool(surroundings) and not differences.is_far
    verdict = "within-tolerance" if is_near else "differs"
    return _comparison(before, verdict, [*differences.said, *surroundings])


def _comparison(run: ModelRun, verdict: str, said: list[Sentence]) -> Comparison:
    return Comparison(
        model=run.model.name,
        series_uid=run.series_uid,
        stack=run.stack,
        subject=run.subject,
        verdict=verdict,
        said=tuple(said),
    )


def _other_input(before: Provenance | None, now: Provenance | None) -> Sentence | None:
    if before is None or now is None or before.input_sha256 == now.input_sha256:
        return None
    return say("The images hold other voxels than those of the earlier run.")


def _surroundings(before: ModelRun, now: ModelRun) -> list[Sentence]:
    """What may explain small differences: device, precision, library."""
    pairs = [(before.device, now.device), (before.precision, now.precision)]
    if before.provenance is not None and now.provenance is not None:
        pairs.append((before.provenance.backend, now.provenance.backend))
    return [
        say("Then {before}, now {now}.", before=old, now=new) for old, new in pairs if old != new
    ]


class _Differences:
    """What is not the same, in words; `is_far` where it is more than the tolerance."""

    def __init__(self) -> None:
        self.said: list[Sentence] = []
        self.is_far = False

    def findings(self, before: tuple[Finding, ...], now: tuple[Finding, ...]) -> None:
        if [f.label for f in before] != [f.label for f in now]:
            self.is_far = True
            self.said.append(
                say(
                    "Found {now}, not {before}.",
                    now=", ".join(f.label for f in now) or "0",
                    before=", ".join(f.label for f in before) or "0",
                )
            )
            return
        for old, new in zip(before, now, strict=True):
            theirs = _numbers(new)
            for name, value in _numbers(old).items():
                self._number(f"{old.label}: {name}", value, theirs.get(name))

    def _number(self, name: str, before: float | None, now: float | None) -> None:
        if before is None or now is None:
            if before is not now:
                self.is_far = True
                self.said.append(say("{name} is only in one of both.", name=name))
            return
        apart = abs(before - now) / max(abs(before), abs(now), 1e-12)
        if apart <= _ROUNDED or (math.isnan(before) and math.isnan(now)):
            return
        self.is_far |= not apart <= MOST_APART
        self.said.append(
            say("{name} was {before}, is {now}.", name=name, before=f"{before:.6g}",
                now=f"{now:.6g}")
        )  # fmt: skip

    def masks(self, before: LabelMap | None, now: LabelMap | None) -> None:
        if before is None or now is None:
            has_one = any(m is not None and m.voxels.any() for m in (before, now))
            if has_one:
                self.is_far = True
                self.said.append(say("There is a mask in only one of both."))
            return
        if before.voxels.shape != now.voxels.shape:
            self.is_far = True
            self.said.append(say("The masks lie on different grids."))
            return
        other = int((before.voxels != now.voxels).sum())
        if not other:
            return
        dice = min(
            _dice(before, now, label.value) for label in {x.value: x for x in now.labels}.values()
        )
        self.is_far |= dice < LEAST_DICE
        self.said.append(
            say("{count} {count:voxel|voxels} of the mask {count:differs|differ} (Dice "
                "{dice}).", count=other,
                dice=f"{dice:.5f}")
        )  # fmt: skip

    def heatmaps(self, before: tuple[Heatmap, ...], now: tuple[Heatmap, ...]) -> None:
        theirs = {(heatmap.class_name, heatmap.method): heatmap for heatmap in now}
        for old in before:
            new = theirs.get((old.class_name, old.method))
            if new is None or new.values.shape != old.values.shape:
                continue  # reasons are shown on demand: they are no part of the result
            apart = float(np.abs(new.values - old.values).max())
            if apart > _ROUNDED:
                self.is_far |= apart > MOST_APART
                self.said.append(
                    say("The heatmap of {name} differs by up to {apart}.", name=old.class_name,
                        apart=f"{apart:.2g}")
                )  # fmt: skip


def _dice(before: LabelMap, now: LabelMap, value: int) -> float:
    one, other = before.voxels == value, now.voxels == value
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0


def _numbers(finding: Finding) -> dict[str, float | None]:
    """Every number of a finding, by a name for people."""
    found: dict[str, float | None] = {
        "probability": finding.probability,
        "score": finding.score,
        "volume": finding.volume_mm3,
    }
    for axis, number in zip("xyz", finding.centroid or (), strict=False):
        found[f"place {axis}"] = number
    found |= {quantity.concept: quantity.value for quantity in finding.measurements}
    return found
