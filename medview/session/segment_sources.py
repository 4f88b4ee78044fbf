"""What segments may begin with: masks of models, and segmentations stored beside the images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from medview.core.errors import GeometryError, MedViewError
from medview.core.geometry import Geometry
from medview.core.progress import CancelToken
from medview.core.results import Finding, Label, LabelMap, ModelRun
from medview.core.study import StudyObject
from medview.core.words import Sentence, say
from medview.imaging.segment.box import Bits, Box, bounds
from medview.session.segmenting import Beginning
from medview.session.segments import corrected_key
from medview.session.studies import Place

Named = tuple[str, Beginning]


def from_runs(place: Place, runs: Iterable[ModelRun], cancel: CancelToken) -> list[Named]:
    """Every label of the models' masks on a stack, to be corrected. Takes a while: blocks."""
    found = []
    for run in runs:
        if run.label_map is None or (run.series_uid, run.stack) != place.key:
            continue
        for label in run.label_map.labels:
            cancel.check()
            voxels = None if label.hidden else voxels_of(run.label_map, label, place)
            if voxels is not None:
                words = f"{run.model.name} {run.model.version}: {label.name}"
                key = corrected_key(run.id, label.value)
                found.append((label.name, _beginning(voxels, label, words, key)))
    return found


def from_finding(place: Place, run: ModelRun, finding: Finding) -> Named | None:
    """A finding's mask, to be corrected; None where it has none. Takes a while: blocks."""
    whole = run.label_map
    label = next(
        (x for x in (whole.labels if whole else ()) if x.value == finding.label_value), None
    )
    voxels = None if whole is None or label is None else voxels_of(whole, label, place)
    if label is None or voxels is None:
        return None
    words = f"{run.model.name} {run.model.version}: {label.name}"
    begin = _beginning(voxels, label, words, corrected_key(run.id, label.value))
    return label.name, replace(begin, corrects=finding.id)


def stored_segmentations(
    place: Place, objects: Sequence[StudyObject], cancel: CancelToken
) -> tuple[list[Named], list[Sentence]]:
    """The segments of the SEG objects that lie on a stack, and why others do not. Blocks."""
    from medview.dicom.objects.seg import read_segmentation

    found: list[Named] = []
    notes: list[Sentence] = []
    for item in objects:
        if item.kind != "SEG":
            continue
        cancel.check()
        try:
            stored = read_segmentation(item.path, place.stack.geometry)
            if stored.patient_id and stored.patient_id != place.patient.id:
                notes.append(say("A segmentation belongs to another patient and is left out."))
                continue
            if stored.refers_to and place.series.uid not in stored.refers_to:
                notes.append(say("A segmentation was made on other images and is left out."))
                continue
            notes += stored.notes
            for label_map in stored.label_maps:
                found += _of_map(label_map, place, stored.uid, stored.description)
        except MedViewError as error:
            notes.append(error.what)
    return found, notes


def _of_map(label_map: LabelMap, place: Place, uid: str, words: str) -> list[Named]:
    found = []
    for label in label_map.labels:
        voxels = voxels_of(label_map, label, place)
        if voxels is not None:
            name = label.name or "Segment"
            key = f"seg:{uid}:{label.name}"
            found.append((name, _beginning(voxels, label, words, key)))
    return found


def _beginning(voxels: tuple[Box, Bits], label: Label, words: str, key: str) -> Beginning:
    return Beginning(
        voxels=voxels, origin=words, origin_key=key, code=label.code, colour=label.colour
    )


def voxels_of(label_map: LabelMap, label: Label, place: Place) -> tuple[Box, Bits] | None:
    """The voxels of one label on the stack's grid, None where there is none.

    A map on another grid is placed by geometry, nearest voxel.
    """
    grid = place.stack.geometry
    mask = label_map.voxels == label.value
    if not grid.same_grid(label_map.geometry):
        mask = _moved(mask, label_map.geometry, grid)
    box = bounds(mask)
    return None if box.is_empty else (box, np.ascontiguousarray(mask[box.slices]))


def _moved(mask: Bits, source: Geometry, grid: Geometry) -> Bits:
    if not (source.is_spatial and grid.is_spatial):
        raise GeometryError(say("The segmentation lies on another grid than these images."))
    found = np.zeros(grid.shape, bool)
    _, rows, columns = grid.shape
    j, i = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    for k in range(grid.shape[0]):
        places = np.stack([np.full(j.size, k), j.ravel(), i.ravel()], axis=1)
        indices = np.floor(source.to_index_array(grid.to_patient_array(places)) + 0.5).astype(int)
        inside = ((indices >= 0) & (indices < source.shape)).all(axis=1)
        line = np.zeros(j.size, bool)
        line[inside] = mask[tuple(indices[inside].T)]
        found[k] = line.reshape(rows, columns)
    return found
