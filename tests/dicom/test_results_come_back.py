"""Results of models that were saved with the reader's words, opened again at another place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydicom
from dicom_write_cases import ct_stack, lung_run
from pydicom.dataset import Dataset

from medview.dicom.objects.returned_runs import read_runs
from medview.dicom.write import write_run_files

Json = dict[str, Any]


def texts(dataset: Dataset) -> Iterator[Dataset]:
    """Every item with a text, however deep."""
    if "TextValue" in dataset:
        yield dataset
    for item in dataset.get("ContentSequence", ()):
        yield from texts(item)


def retold(path: Path, change: Callable[[Json], None]) -> None:
    """What MedView kept of the run in a report, changed by another hand."""
    report = pydicom.dcmread(path)
    (item,) = (each for each in texts(report) if each.TextValue.startswith('{"v": 1'))
    kept = json.loads(item.TextValue)
    change(kept)
    item.TextValue = json.dumps(kept)
    report.save_as(path)


def test_a_report_cannot_name_a_file_outside_its_patients_folder(tmp_path: Path) -> None:
    stack = ct_stack(tmp_path)
    told = write_run_files(lung_run(stack), stack, tmp_path / "out")
    path = tmp_path / "out" / str(told.sr)
    found = [each.run for each in read_runs(str(path))[1]]

    def runs_with(**changes: Any) -> list[str]:
        retold(path, lambda kept: kept["run"].update(changes))
        return [each.run.id for each in read_runs(str(path))[1]]

    def named(name: str) -> Json:
        return {"name": name, "version": "1.0.0", "manifest_sha256": ""}

    assert [run.id for run in found] == ["run-1"]
    assert [runs_with(id=each) for each in ("../../outside", "/outside", "")] == [[]] * 3
    assert [runs_with(id="run-2", model=named(each)) for each in ("../lungs", "..")] == [[]] * 2
    assert runs_with(model=named("lungs"), status="hidden") == []
    assert runs_with(status="run") == ["run-2"]
