"""What may be lost elsewhere: parts left out of the learning, and pictures changed on purpose.

Neither is another hospital. A part that a net never saw (another numbering of films, another kind
of the disease) and pictures with another exposure say how far the figures of `dev` lean on things
that another place need not share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medview.ai.folder import ModelFolder
from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.training.cases import Case
from medview.training.crossval import rows_of
from medview.training.evaluation import Listener, figures_of, run_cases
from medview.training.learning import Job
from medview.training.parts import Parts
from medview.training.plan import Shift, TrainPlan

Grey = NDArray[np.float64]


def measure_shifts(
    plan: TrainPlan, parts: Parts, folder: ModelFolder, job: Job
) -> list[dict[str, Any]]:
    """For each shift of the plan the figures on the part that its own net never saw.

    Raises as a training does, InvalidInput where a pattern fits no case.
    """
    found = []
    for number, shift in enumerate(plan.shifts, start=1):
        apart = without(parts, shift)
        place = job.folder / f"shift-{number}"
        place.mkdir(exist_ok=True)
        rows = rows_of(plan, apart, replace(job, folder=place))
        found.append({"name": shift.name, "learnt_from": len(apart.fit), **_told(folder, rows)})
    return found


def without(parts: Parts, shift: Shift) -> Parts:
    """The parts of a shift's net: every case of `train` that fits a pattern is held out of it, and
    nobody that such a case belongs to is learnt from."""
    cases = [*parts.fit, *parts.calibrate, *parts.held_out]
    apart = [c for c in cases if any(fnmatch(c.id, pattern) for pattern in shift.leave_out)]
    if not apart:
        raise InvalidInput(say("No case fits the pattern {name}.", name=", ".join(shift.leave_out)))
    people = {case.patient for case in apart}
    return replace(
        parts,
        fit=tuple(case for case in parts.fit if case.patient not in people),
        calibrate=tuple(case for case in parts.calibrate if case.patient not in people),
        held_out=tuple(apart),
    )


def _turned(grey: Grey) -> Grey:
    turned: Grey = ndimage.rotate(grey, 10, reshape=False, order=1, mode="nearest")
    return turned


def _cut(grey: Grey) -> Grey:
    high, wide = (max(1, n // 10) for n in grey.shape)
    return grey[high:-high, wide:-wide]


def _noisy(grey: Grey) -> Grey:
    return grey + np.random.default_rng(0).normal(0, 0.06, grey.shape)


def _blotted(grey: Grey) -> Grey:
    """The middle half, where the lungs are, is one grey."""
    (high, wide), blotted = grey.shape, grey.copy()
    part = np.s_[high // 6 : high - high // 6, wide // 8 : wide - wide // 8]
    blotted[part] = grey[part].mean()
    return blotted


def _blurred(grey: Grey) -> Grey:
    blurred: Grey = ndimage.gaussian_filter(grey, 2)
    return blurred


# Of a picture with values of 0 to 1.
CHANGES: Mapping[str, Callable[[Grey], Grey]] = {
    "darker (gamma 1.6)": lambda grey: grey**1.6,
    "brighter (gamma 0.6)": lambda grey: grey**0.6,
    "overexposed (white from 80 %)": lambda grey: np.minimum(grey / 0.8, 1),
    "blurred (2 pixels)": _blurred,
    "noisy (6 % of the range)": _noisy,
    "turned by 10 degrees": _turned,
    "cut by 10 % at each edge": _cut,
    "half of it, in the middle, blotted out": _blotted,
}


def measure_changed(
    folder: ModelFolder, cases: Sequence[Case], listener: Listener
) -> dict[str, dict[str, Any]]:
    """By name of the change the figures of a classifier on single pictures that were so changed."""
    found = {}
    for name, change in CHANGES.items():
        changed = [_changed(case, change) for case in cases]
        found[name] = _told(folder, run_cases(folder, changed, listener))
    return found


def _changed(case: Case, change: Callable[[Grey], Grey]) -> Case:
    stored = case.volume.stored
    low, high = float(stored.min()), float(stored.max())
    grey = change((stored[0].astype(np.float64) - low) / max(high - low, 1e-6))
    values = np.clip(np.rint(255 * grey), 0, 255).astype(np.uint8)[None]
    geometry = replace(case.volume.geometry, shape=(1, values.shape[1], values.shape[2]))
    return replace(case, volume=replace(case.volume, stored=values, geometry=geometry))


def _told(folder: ModelFolder, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    positive = folder.description.get("provenance", {}).get("positive", ())
    answered = {row["label"] in positive for row in rows if "refused" not in row}
    return {
        "cases": len(rows),
        "patients": len({row["patient"] for row in rows}),
        "refused": sum("refused" in row for row in rows),
        # With ill or healthy ones alone there is nothing to tell apart.
        "metrics": dict(figures_of(folder, rows).metrics) if len(answered) > 1 else {},
    }
