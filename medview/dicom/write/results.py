"""`results.json` (medview.results/1): what each model run gave and in which files it lies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2s
from pathlib import Path
from typing import Any

import numpy as np

from medview.core.errors import MedViewError
from medview.core.files import write_whole
from medview.core.results import Heatmap, ModelRun
from medview.core.study import Stack
from medview.core.words import Sentence
from medview.dicom.uids import derived_uid
from medview.dicom.write import results_json as form
from medview.dicom.write.finding_groups import KeptRun
from medview.dicom.write.heatmap import Picture, write_heatmap
from medview.dicom.write.measurement_report import ReportParts, write_measurement_report
from medview.dicom.write.nifti import write_nifti
from medview.dicom.write.results_json import RunFiles
from medview.dicom.write.segmentation import WrittenSegmentation, write_segmentation
from medview.dicom.write.sources import Sources, read_sources

NOTICE = "Not for diagnostic use. Model results are suggestions for a reader to check."


def write_run_files(
    run: ModelRun,
    stack: Stack,
    folder: Path,
    *,
    pictures: Mapping[str, Picture] | None = None,
    kept: KeptRun | None = None,
) -> RunFiles:
    """Write SEG, SR, heatmap objects, and masks as NIfTI, for a run that ended with "run".

    pictures: heatmap id to the image as shown, for heatmaps on projections. kept: the run behind
    it, where not all of its detections are shown. A report that was written here before with
    other content is named as the one that this takes the place of. An object that these
    images do not allow becomes a note; WriteFailed for a disk that is full comes through.
    """
    if run.status != "run":
        return RunFiles()
    stem = f"{run_stem(run)}-"
    writer = _RunWriter(run, folder, stem, kept)
    writer.write_values()
    try:
        sources = read_sources(stack)
    except MedViewError as error:
        return replace(writer.files(), notes=(error.what,))
    writer.write_objects(sources, pictures or {})
    return writer.files(sources.notes)


def _report_uid(run: ModelRun, kept: KeptRun | None, before: Sequence[str]) -> str:
    """The SOP Instance UID of a run's own report, which nobody has verified: one for one content.

    Heatmaps are drawn later, and the reader chooses how many detections are shown. before: the
    report that it takes the place of is content, too: what is shown again after something else
    is another report.
    """
    told = [finding.id for finding in run.findings], [heatmap.id for heatmap in run.heatmaps]
    return derived_uid("sr", run.id, json.dumps([*told, kept and kept.threshold, *before]))


def run_stem(run: ModelRun) -> str:
    """A file name without anything of the patient: model, version, and a hash of the stack (of
    the lesion on it, where it is about one)."""
    lesion = f"\n{run.subject}" if run.subject else ""
    digest = stack_digest(run.series_uid + lesion, run.stack)
    return re.sub(r"[^A-Za-z0-9.]+", "-", f"{run.model.name}-{run.model.version}-{digest}")


def stack_digest(series_uid: str, stack: int) -> str:
    """Six characters that tell the stacks of a study apart in file names."""
    return blake2s(f"{series_uid}\n{stack}".encode(), digest_size=3).hexdigest()


class _RunWriter:
    """Writes what one run made and remembers what it wrote."""

    def __init__(self, run: ModelRun, folder: Path, stem: str, kept: KeptRun | None) -> None:
        self._run = run
        self._kept = kept
        self._folder = folder
        self._stem = stem
        self._written: WrittenSegmentation | None = None
        self._sr: str | None = None
        self._sr_uid = ""
        self._masks: dict[int, str] = {}
        self._heatmaps: dict[str, tuple[str | None, str]] = {}
        self._notes: list[Sentence] = []

    def files(self, notes: tuple[Sentence, ...] = ()) -> RunFiles:
        return RunFiles(
            seg=None if self._written is None else self._written.path.name,
            segmentation=self._written,
            sr=self._sr,
            sr_uid=self._sr_uid,
            masks=self._masks,
            heatmaps=self._heatmaps,
            notes=(*notes, *self._notes),
        )

    def write_values(self) -> None:
        """Masks and heatmaps as NIfTI: these need nothing of the source images."""
        label_map = self._run.label_map
        for label in label_map.labels if label_map is not None else ():
            if label_map is None or not (inside := label_map.voxels == label.value).any():
                continue
            name = f"{self._stem}mask-{label.value}.nii.gz"
            write_nifti(inside.astype(np.uint8), label_map.geometry, self._folder / name)
            self._masks[label.value] = name
        for number, heatmap in enumerate(self._run.heatmaps, start=1):
            name = f"{self._stem}heatmap-{number}.nii.gz"
            values = np.asarray(heatmap.values, np.float32)
            write_nifti(values, heatmap.geometry, self._folder / name)
            self._heatmaps[heatmap.id] = (None, name)

    def write_objects(self, sources: Sources, pictures: Mapping[str, Picture]) -> None:
        segmentation = self._write_segmentation(sources)
        for heatmap in self._run.heatmaps:
            self._write_heatmap(heatmap, sources, pictures.get(heatmap.id))
        self._write_report(sources, segmentation)

    def _write_report(self, sources: Sources, segmentation: WrittenSegmentation | None) -> None:
        name = f"{self._stem}sr.dcm"
        path = self._folder / name
        there, before = _uids_of(path)
        if there and there == _report_uid(self._run, self._kept, before):
            self._sr, self._sr_uid = name, there  # the same object
            return
        uid = _report_uid(self._run, self._kept, [there] if there else [])
        parts = ReportParts(
            runs=[(self._run, segmentation)],
            kept={} if self._kept is None else {self._run.id: self._kept},
            predecessors=[path] if there else [],
            uid=uid,
        )
        if self._tried(lambda: write_measurement_report(parts, sources, path)):
            self._sr, self._sr_uid = name, uid

    def _write_segmentation(self, sources: Sources) -> WrittenSegmentation | None:
        name = f"{self._stem}seg.dcm"
        written: WrittenSegmentation | None = self._tried(
            lambda: write_segmentation(self._run, sources, self._folder / name)
        )
        self._written = written
        return written

    def _write_heatmap(self, heatmap: Heatmap, sources: Sources, picture: Picture | None) -> None:
        values = self._heatmaps[heatmap.id][1]
        name = values.replace(".nii.gz", ".dcm")
        path = self._folder / name
        if self._tried(lambda: write_heatmap(self._run, heatmap, sources, path, picture)):
            self._heatmaps[heatmap.id] = (name, values)

    def _tried(self, write: Any) -> Any:
        try:
            return write()
        except MedViewError as error:
            if isinstance(error.__cause__, OSError):
                raise  # the disk: what follows would fail alike
            self._notes.append(error.what)
            return None


def _uids_of(path: Path) -> tuple[str, Sequence[str]]:
    """Of the report that is there, and those it took the place of; "" for none, or for what cannot
    be referred to."""
    from medview.dicom.objects.sr import read_structured_report

    try:
        report = read_structured_report(str(path))
    except MedViewError:
        return "", ()
    return report.uid, report.predecessors


def write_results(
    study_uid: str,
    runs: Sequence[tuple[ModelRun, RunFiles]],
    folder: Path,
    *,
    not_applicable: Sequence[str] = (),
    reproduced: Sequence[form.Json] = (),
) -> Path:
    """Write `folder/results.json`; raises WriteFailed.

    reproduced: how the runs compare with those of earlier results, where they repeat some.
    """
    document = {
        "schema": form.SCHEMA,
        "study": study_uid,
        "notice": NOTICE,
        "runs": [form.run_to_json(run, files) for run, files in runs],
        "not_applicable": list(not_applicable),
    }
    if reproduced:
        document["reproduced"] = list(reproduced)
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    return write_whole(folder / "results.json", text)


def write_index(entries: Sequence[tuple[str, str, Path]], folder: Path) -> Path:
    """`index.json` of several studies: (study UID, patient id, its results.json)."""
    rows = [
        {"study": study, "patient": patient, "results": path.relative_to(folder).as_posix()}
        for study, patient, path in entries
    ]
    return write_whole(folder / "index.json", json.dumps(rows, ensure_ascii=False, indent=1))
