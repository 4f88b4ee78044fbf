"""`results.json` read back: runs at once, masks and heatmaps when they are asked for.

Imports no highdicom: showing stored results must not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from medview.core.errors import InvalidInput
from medview.core.results import Heatmap, LabelMap, ModelRun
from medview.core.words import say
from medview.dicom.write import results_json as form
from medview.dicom.write.nifti import read_nifti

_LARGEST = 64 << 20  # bytes of a results.json that we are willing to read


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredResults:
    """A `results.json` read back; masks and heatmaps are read when they are asked for."""

    path: Path
    study_uid: str
    runs: tuple[ModelRun, ...]  # without voxels
    not_applicable: tuple[str, ...] = ()
    stored: Mapping[str, form.StoredVoxels]

    def with_voxels(self, run: ModelRun) -> ModelRun:
        """The run with its label map and heatmaps. Raises UnreadableInstance for a damaged file."""
        stored = self.stored.get(run.id)
        if stored is None:
            return run
        return replace(
            run,
            label_map=_read_label_map(run, stored, self.path.parent),
            heatmaps=tuple(_read_heatmap(h, self.path.parent) for h in stored.heatmaps),
        )


def _read_label_map(run: ModelRun, stored: form.StoredVoxels, folder: Path) -> LabelMap | None:
    if stored.geometry is None:
        return None
    voxels = np.zeros(stored.geometry.shape, np.uint8)
    for value, name in stored.masks.items():
        inside = read_nifti(_inside(folder, name), stored.geometry.shape)
        voxels[inside.astype(bool)] = value
    identity = next((f.label_map_id for f in run.findings if f.label_map_id), run.id)
    return LabelMap(id=identity, geometry=stored.geometry, voxels=voxels, labels=stored.labels)


def _read_heatmap(stored: form.StoredHeatmap, folder: Path) -> Heatmap:
    values = read_nifti(_inside(folder, stored.values), stored.geometry.shape)
    return stored.whole(np.asarray(values, np.float32))


def _inside(folder: Path, name: str) -> Path:
    """A name from a file never leads out of the file's folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidInput(say("The results name a file outside their folder."))
    return path


def read_results(path: Path) -> StoredResults:
    """Read a `results.json`, or the one in a folder.

    Raises InvalidInput for a file that is not of this form (or of a newer schema).
    """
    path = path / "results.json" if path.is_dir() else path
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidInput(say("The results are too large to be true."), str(path))
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != form.SCHEMA:
            raise InvalidInput(say("These are not results of MedView."), str(path))
        parsed = [form.run_from_json(item) for item in document["runs"]]
        return StoredResults(
            path=path,
            study_uid=str(document["study"]),
            runs=tuple(run for run, _ in parsed),
            not_applicable=tuple(str(name) for name in document.get("not_applicable", ())),
            stored={run.id: stored for run, stored in parsed},
        )
    except OSError as error:
        raise InvalidInput(say("The results cannot be read."), str(path)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(
            say("The results are damaged."), str(path), detail=type(error).__name__
        ) from error


def find_results(folder: Path) -> tuple[StoredResults, ...]:
    """Every `results.json` in a folder or one level below it (one a study)."""
    paths = (
        [folder]
        if folder.is_file()
        else sorted([*folder.glob("results.json"), *folder.glob("*/results.json")])
    )
    if not paths:
        raise InvalidInput(say("There are no results in this folder."), str(folder))
    return tuple(read_results(path) for path in paths)
