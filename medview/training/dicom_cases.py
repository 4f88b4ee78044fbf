"""Labelled cases of a folder of DICOM series with their SEG, or with their class, any layout.

A case is one stack with every SEG that refers to its series, or with a `label.json` beside its
files, `{"label": "the class"}`. A segment is one of the model's
outputs by its code or by its name; other segments are left out, and an output that no SEG of a
case holds counts as not looked for in it. Where segments overlap, the output that the model names
last counts. There are no parts in such a folder, so patients are
dealt to `train` and `dev` (one in five) by a hash of their id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import GeometryError, InvalidInput, MedViewError
from medview.core.progress import CancelToken, no_progress
from medview.core.results import Label
from medview.core.study import Holdings, Patient, Series, Stack, Study
from medview.core.words import say
from medview.dicom import load_volume, scan
from medview.dicom.objects.seg import Segmentation, read_segmentation
from medview.training.cases import Case, deal

LABEL = "label.json"
Mask = NDArray[np.bool_]
_SHARES = {"dev": 0.2}


@dataclass(frozen=True)
class _Drawn:
    """A stack, whose it is, the SEG files of its study, and its class."""

    patient: Patient
    study: Study
    series: Series
    stack: Stack

    @property
    def segmentations(self) -> list[str]:
        return [found.path for found in self.study.objects if found.kind == "SEG"]

    @property
    def label(self) -> str:
        """The class that stands beside its files, "" for none. Raises InvalidInput."""
        path = Path(self.stack.frames[0].path).with_name(LABEL)
        if not path.is_file():
            return ""
        try:
            label = json.loads(path.read_text(encoding="utf-8"))["label"]
        except (OSError, ValueError, KeyError, TypeError):
            label = None
        if not isinstance(label, str | int):
            damaged = say("A case of the labelled data is missing or damaged.")
            raise InvalidInput(damaged, path.name)
        return str(label)


def read_dicom_cases(
    folder: Path, outputs: Sequence[Mapping[str, Any]], split: str
) -> Iterator[Case]:
    """The cases of `train`, `dev`, or `all` of them, one at a time.

    outputs: of the model, with label, name and perhaps code. Raises InvalidInput for a folder
    without a labelled series, a part that is empty, a SEG on another grid than its series, or a
    file that cannot be read: it might be the outline that a case would silently lack.
    """
    try:
        there = scan([folder])
    except MedViewError:
        there = Holdings()  # not a DICOM file in it
    if there.unreadable:
        note = there.unreadable[0]
        raise InvalidInput(
            note.said or say("The file is damaged in a way that MedView cannot name."),
            Path(note.path).name,
            say("Repair this file, or take it out of the labelled data."),
        )
    drawn = list(_drawn(there.patients))
    if not drawn:
        raise InvalidInput(
            say("There are no labelled data here (index.csv, or DICOM with SEG or class)."),
            folder.name,
        )
    dealt = deal({one.patient.id for one in drawn}, 0, _SHARES)
    found = False
    for one in drawn:
        part = "dev" if dealt[one.patient.id] == "dev" else "train"
        if split in ("all", part):
            case = _case(one, outputs)
            if case is not None:
                found = True
                yield case
    if not found:
        raise InvalidInput(
            say(
                "No series of the part {split} has a class, or a segment that the model names.",
                split=split,
            ),
            folder.name,
        )


def _drawn(patients: Sequence[Patient]) -> Iterator[_Drawn]:
    for patient in patients:
        for study in patient.studies:
            for series in study.series:
                for stack in series.stacks:
                    one = _Drawn(patient, study, series, stack)
                    if one.segmentations or one.label:
                        yield one


def _case(one: _Drawn, outputs: Sequence[Mapping[str, Any]]) -> Case | None:
    masks: dict[int, Mask] = {}
    for path in one.segmentations:
        if one.series.uid in read_segmentation(path).refers_to:
            _add(masks, _on_grid(path, one.stack), outputs)
    label, labels = one.label, frozenset(masks)
    if not labels and not label:
        return None
    truth = np.zeros(one.stack.geometry.shape, np.uint8)
    for output in outputs:  # of segments that overlap the one that the model names last counts
        value = int(output["label"])
        truth[masks.get(value, False)] = value
    return Case(
        id=f"{_hidden(one.series.uid)}-{one.series.stacks.index(one.stack)}",
        patient=_hidden(one.patient.id),
        volume=load_volume(one.stack, no_progress, CancelToken()),
        truth=truth if labels else None,
        labels=labels,
        label=label,
    )


def _hidden(name: str) -> str:
    # Patients' own numbers do not belong into cards and figures.
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def _on_grid(path: str, stack: Stack) -> Segmentation:
    try:
        return read_segmentation(path, onto=stack.geometry)
    except GeometryError as error:
        raise InvalidInput(
            say("A label lies on another grid than its image."), Path(path).name
        ) from error


def _add(masks: dict[int, Mask], drawn: Segmentation, outputs: Sequence[Mapping[str, Any]]) -> None:
    for label_map in drawn.label_maps:
        for label in label_map.labels:
            value = next((int(o["label"]) for o in outputs if _is_meant(label, o)), None)
            if value is not None:
                own = label_map.voxels == label.value
                masks[value] = masks[value] | own if value in masks else own


def _is_meant(label: Label, output: Mapping[str, Any]) -> bool:
    if label.name.casefold() == str(output["name"]).casefold():
        return True
    code, modifier = output.get("code"), output.get("modifier")
    if code is None or label.code is None:
        return False
    own_modifier = None if label.modifier is None else label.modifier.value
    same = (label.code.scheme, label.code.value) == tuple(code[:2])
    return same and own_modifier == (None if modifier is None else modifier[1])
