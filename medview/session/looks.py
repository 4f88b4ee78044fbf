"""Second looks at a run: which places its answer comes from, asked for when the reader wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from medview.core.errors import InvalidInput
from medview.core.results import GateVerdict, Heatmap, ModelRun
from medview.core.words import say
from medview.session.analysis import Task
from medview.session.studies import Studies

if TYPE_CHECKING:
    from medview.ai.look import Look


def look_task(studies: Studies, run: ModelRun, look: Look) -> Task:
    """The task that draws a heatmap for a run.

    Raises InvalidInput where the images or the very model are not there any more.
    """
    from medview.ai.catalogue import read_catalogue

    place = next((p for p in studies.places() if p.key == (run.series_uid, run.stack)), None)
    if place is None:
        raise InvalidInput(say("The images of this result are not open."), run.model.name)
    model = read_catalogue().get(run.model.name)
    if model.manifest_sha256 != run.model.manifest_sha256:
        raise InvalidInput(say("The model is another one than that of the results."), model.name)
    verdict = run.gate or GateVerdict("accepted", ())
    return Task(model=model, place=place, verdict=verdict, look=look, of=run)


def with_heatmaps(run: ModelRun, heatmaps: Sequence[Heatmap]) -> ModelRun:
    """A run with further heatmaps; one of the same class and method takes the older one's place."""
    new = {(each.class_name, each.method) for each in heatmaps}
    kept = (each for each in run.heatmaps if (each.class_name, each.method) not in new)
    return replace(run, heatmaps=(*kept, *heatmaps))


def structures(run: ModelRun) -> tuple[str, ...]:
    """The labels of a run that can be asked about: classes, and structures that were found."""
    return tuple(
        finding.label for finding in run.findings
        if finding.kind in ("classification", "segmentation")
    )  # fmt: skip


def questions(run: ModelRun) -> tuple[str, ...]:
    """Methods that the model of a run can be asked by; none where it is not installed any more."""
    from medview.ai.catalogue import read_catalogue
    from medview.ai.look import methods_of
    from medview.core.errors import MedViewError

    if run.subject:
        return ()  # the patch that it looked at is not kept
    try:
        return methods_of(read_catalogue().get(run.model.name))
    except MedViewError:
        return ()
