"""Boxes of detections as views draw them: a frame of one voxel over the box's part of the grid."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from medview.core.results import Finding, Label, LabelMap, ModelRun
from medview.imaging.overlay import SAFE_COLOURS
from medview.session.studies import Place
from medview.session.work import Work

BOX = "box:"  # how the ids of these label maps begin


def boxes(place: Place, runs: Iterable[ModelRun], work: Work) -> list[LabelMap]:
    """A label map for each detection on a stack that was not rejected."""
    found = []
    for run in runs:
        for number, finding in enumerate(f for f in run.findings if f.kind == "detection"):
            word = work.decision_on(finding.id)
            if word is None or word.is_for:
                drawn = _box(place, finding, SAFE_COLOURS[number % len(SAFE_COLOURS)])
                found += [drawn] if drawn is not None else []
    return found


def _box(place: Place, finding: Finding, colour: str) -> LabelMap | None:
    grid = place.stack.geometry
    if not finding.corners:
        return None
    indices = grid.to_index_array(np.array(finding.corners, float))
    # Corners lie on the edges of voxels; the frame is drawn just outside of what was found.
    low = np.floor(indices.min(axis=0)).astype(int)
    high = np.ceil(indices.max(axis=0)).astype(int)
    low, high = np.maximum(low, 0), np.minimum(high, np.array(grid.shape) - 1)
    if (high < low).any():
        return None
    shape = (int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1, int(high[2] - low[2]) + 1)
    voxels = np.zeros(shape, np.uint8)
    for axis in range(3):
        for end in (0, -1):
            face = [slice(None)] * 3
            face[axis] = slice(end, end + 1 or None)
            if axis > 0 or shape[0] > 2:
                voxels[tuple(face)] = 1
    first = (int(low[0]), int(low[1]), int(low[2]))
    label = Label(value=1, name=finding.label, colour=colour, code=finding.code)
    return LabelMap(
        id=f"{BOX}{finding.id}", geometry=grid.box(first, shape), voxels=voxels, labels=(label,)
    )
