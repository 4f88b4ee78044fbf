"""The nodule model on one nodule: the gate, the patch that it looks at, and the task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InputRefused
from medview.core.geometry import PatientPoint
from medview.core.results import Check, GateVerdict, ModelRun
from medview.core.volume import Volume
from medview.session.analysis import Task
from medview.session.segments import Segment
from medview.session.studies import Place

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder


@dataclass(frozen=True, eq=False, kw_only=True)
class Lesion:
    """mask: bool [k, j, i] on a stack's grid from voxel `first` on. subject: the measurement's id,
    "" where nothing was kept. at: where it was clicked, None where the mask was drawn."""

    mask: NDArray[np.bool_]
    first: tuple[int, int, int]
    diameter_mm: float
    subject: str = ""
    at: PatientPoint | None = None


def lesion_models() -> list[ModelFolder]:
    """The models that look at one lesion; none where none is installed."""
    from medview.ai.catalogue import read_catalogue
    from medview.ai.gate import needs_lesion

    return [model for model in read_catalogue().for_images if needs_lesion(model)]


def lesion_task(model: ModelFolder, place: Place, volume: Volume, lesion: Lesion) -> Task:
    """A model on one lesion of a stack; one that cannot be cut out is a refusal with its reason.

    Reads and cuts: not for the window's thread.
    """
    from medview.ai.gate import judge
    from medview.imaging.nodule_patch import cut_patch

    verdict = judge(
        model, place.patient, place.study, place.series, place.stack, lesion.diameter_mm
    )
    patch = None
    if verdict.verdict != "refused":
        try:
            patch = cut_patch(volume, lesion.mask, lesion.first)
        except InputRefused as error:
            refused = Check("patch", ok=False, said=error.what)
            verdict = GateVerdict("refused", (refused, *verdict.checks))
    return Task(model=model, place=place, verdict=verdict, patch=patch,
                subject=lesion.subject, at=lesion.at)  # fmt: skip


def clicked_at(runs: Iterable[ModelRun], segment: Segment, subject: str) -> PatientPoint | None:
    """Where the nodule of a segment was clicked; None where its mask was drawn on since."""
    if len(segment.patches) != 1:
        return None
    told = (run.provenance for run in runs if run.subject == subject)
    return next((each.at for each in told if each is not None), None)
