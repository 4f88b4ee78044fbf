"""Decided results as training data, with the reader's consent: images with their SEG or class.

`<data>/truth/<model>/<patient>/<case>/` holds DICOM files for their owner alone, in the form that
`medview train` reads (DICOM series with segmentations of them, or `label.json` beside them).
Nothing leaves the computer.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medview.core.archive import open_binary
from medview.core.errors import MedViewError, WriteFailed
from medview.core.files import write_private
from medview.core.paths import user_data_dir
from medview.core.private_names import private_name
from medview.core.results import LabelMap, ModelRun
from medview.core.words import say
from medview.dicom.uids import derived_uid
from medview.session.decided import corrected_by, state_of
from medview.session.journal import work_key
from medview.session.segmenting import Segmenting
from medview.session.studies import Place
from medview.session.work import Work

if TYPE_CHECKING:
    from medview.session.session import Session


def truth_folder(model: str) -> Path:
    """Where the cases of a model lie: a folder that `medview train` takes as its data."""
    return user_data_dir() / "truth" / model


def folders_of(patient_name: str) -> tuple[Path, ...]:
    """The cases of one patient, by the private name of their key."""
    root = user_data_dir() / "truth"
    return tuple(path for path in root.glob(f"*/{patient_name}") if path.is_dir())


def keep_cases(places: Iterable[Place], session: Session) -> None:
    """As `keep_case`, every mask of models on the open images of these places' patients. Blocks.

    A run without any word is asked too: its case may have been written before. Of several that
    fail the first one's error is raised, after the others were written.
    """
    failed: MedViewError | None = None
    for place in places:
        if session.studies.place(place.key) is None:
            continue  # closed, perhaps forgotten
        for run in session.made.all_runs_of(place):
            there = session.studies.place((run.series_uid, run.stack))
            if there is None:
                continue
            try:
                keep_case(there, run, session.made.book_of(place).work, session.segmenting)
            except MedViewError as error:
                failed = failed or error
    if failed is not None:
        raise failed


def keep_case(place: Place, run: ModelRun, work: Work, segmenting: Segmenting) -> Path | None:
    """Write a run's accepted and corrected masks, or its class, as one case; None where there is
    none (a case that was written before goes with its last word). Blocks.

    Raises WriteFailed, MedViewError for images that cannot be read any more.
    """
    name = private_name(work_key(place.patient, place.study.uid))
    digest = hashlib.sha256(f"{run.series_uid}\n{run.stack}".encode()).hexdigest()[:12]
    folder = truth_folder(run.model.name) / name / digest
    held, label = _held(run, work), _class(run, work)
    if label:
        held["label"] = [label]
    if not held:
        if folder.is_dir():
            shutil.rmtree(folder)
        return None
    state = json.dumps(held, sort_keys=True)
    noted = folder / "state.json"
    if noted.is_file() and noted.read_text(encoding="utf-8") == state:
        return folder
    try:
        if folder.is_dir():  # what an earlier word left there
            shutil.rmtree(folder)
        for made in (folder.parent.parent.parent, folder.parent.parent, folder.parent, folder):
            made.mkdir(exist_ok=True, mode=0o700)
        _copy_images(place, folder)
        _write_mask(place, run, work, (segmenting, folder))
        if label:
            write_private(folder / "label.json", json.dumps({"label": label}))
        write_private(noted, state)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise WriteFailed(say("The training case could not be written."), str(folder)) from error
    except MedViewError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _held(run: ModelRun, work: Work) -> dict[str, list[str]]:
    """Findings whose mask holds, with what it is made of; a change makes another case of it."""
    held = {}
    for finding in run.findings:
        word = state_of(work, run, finding)
        if word is None or not word.is_for or finding.label_value is None:
            continue
        segment = corrected_by(work, run, finding)
        patches = [patch.key for patch in segment.patches] if segment is not None else []
        held[f"{run.id} {finding.label_value}"] = [word.decision, *patches]
    return held


def _class(run: ModelRun, work: Work) -> str:
    """The class of the whole image by the reader's word, "" for none; a lesion on it has none."""
    from medview.ai.catalogue import read_catalogue
    from medview.session.local_truth import class_of

    words = {f.id: state_of(work, run, f) for f in run.findings if f.kind == "classification"}
    if run.subject or not any(words.values()):
        return ""
    try:
        model = read_catalogue().get(run.model.name)
    except MedViewError:
        return ""  # it was removed; its operating point is not known any more
    if model.manifest_sha256 != run.model.manifest_sha256:
        return ""
    found = (class_of(model, f, word.decision) for f in run.findings
             if (word := words.get(f.id)) is not None)  # fmt: skip
    return next((label for label in found if label), "")


def _copy_images(place: Place, folder: Path) -> None:
    for number, path in enumerate(dict.fromkeys(f.path for f in place.stack.frames)):
        with open_binary(path) as file:
            write_private(folder / f"{number:05d}.dcm", file.read())


def _write_mask(place: Place, run: ModelRun, work: Work, to: tuple[Segmenting, Path]) -> None:
    """The masks that hold as one SEG, each label under the model's own name and code."""
    from medview.dicom.write import read_sources, write_segmentation

    segmenting, folder = to
    whole = run.label_map
    if whole is None:
        return
    voxels = np.zeros(whole.voxels.shape, np.uint8)
    for finding in run.findings:
        word = state_of(work, run, finding)
        if word is None or not word.is_for or finding.label_value is None:
            continue
        segment = corrected_by(work, run, finding)
        if segment is None:
            voxels[whole.voxels == finding.label_value] = finding.label_value
        else:
            live = segmenting.mask(place, segment)
            voxels[live.box.slices][live.read(live.box)] = finding.label_value
    kept = LabelMap(id=whole.id, geometry=whole.geometry, voxels=voxels, labels=whole.labels)
    case = replace(run, label_map=kept, heatmaps=())
    uid = derived_uid("truth", run.id, hashlib.sha256(voxels.tobytes()).hexdigest())
    write_segmentation(case, read_sources(place.stack), folder / "seg.dcm", uid)
