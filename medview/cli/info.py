"""`medview info`: what is there, where it lies, and what could not be read and why."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medview.cli.output import DONE, IN_PART, complain, print_json, print_lines, progress_for
from medview.core.study import FileNote, Holdings, Patient, Series, Stack, Study, StudyObject
from medview.core.words import say
from medview.dicom import scan
from medview.dicom.statistics import FileStatistics, measure_files, range_of
from medview.dicom.volume_files import volume_files_in

Json = dict[str, Any]
_MANY = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `medview info`."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders")
    parser.add_argument("--pixels", action="store_true", help="decode all, give least and greatest")
    parser.add_argument("--files", action="store_true", help="list the files of every stack")


def run(args: argparse.Namespace) -> int:
    """Print what is below the paths. Status 3 where a file was unreadable."""
    progress = progress_for(args)
    holdings = scan(args.paths, progress)
    statistics: dict[str, FileStatistics] = {}
    if args.pixels:
        statistics, broken = measure_files(holdings, progress)
        if broken:
            holdings = scan(args.paths, progress, leave_out=broken)
    volumes, holdings = volume_files_in(holdings, pixels=args.pixels)
    if args.json:
        print_json(_document(holdings, statistics, volumes, with_files=args.files))
    else:
        print_lines(*_text(holdings, statistics, volumes, with_files=args.files))
    if not holdings.unreadable:
        return DONE
    first = holdings.unreadable[0]
    count = len(holdings.unreadable)
    said = say("{count} {count:file|files} could not be read", count=count)
    return complain(f"{said.english()}: {first.path}: {first.reason}", IN_PART)


def _document(
    holdings: Holdings,
    statistics: dict[str, FileStatistics],
    volumes: list[Json],
    *,
    with_files: bool,
) -> Json:
    document: Json = {
        "schema": "medview.info/1",
        "patients": [
            _patient_json(patient, statistics, with_files=with_files)
            for patient in holdings.patients
        ],
        "files": {
            "seen": holdings.seen,
            "dicom": holdings.dicom,
            "ignored": [{"file": note.path, "reason": note.reason} for note in holdings.ignored],
            "unreadable": [_note_json(note) for note in holdings.unreadable],
        },
    }
    if volumes:
        document["volumes"] = volumes
    return document


def _note_json(note: FileNote) -> Json:
    return {"file": note.path, "tag": note.tag or None, "reason": note.reason}


def _patient_json(
    patient: Patient, statistics: dict[str, FileStatistics], *, with_files: bool
) -> Json:
    return {
        "id": patient.id,
        "name": patient.name,
        "sex": patient.sex,
        "birth_date": patient.birth_date,
        "studies": [
            {
                "uid": study.uid,
                "date": study.date,
                "description": study.description,
                "series": [
                    _series_json(series, statistics, with_files=with_files)
                    for series in study.series
                ],
                "objects": [_object_json(made, statistics) for made in study.objects],
            }
            for study in patient.studies
        ],
    }


def _series_json(
    series: Series, statistics: dict[str, FileStatistics], *, with_files: bool
) -> Json:
    return {
        "uid": series.uid,
        "number": series.number,
        "modality": series.modality,
        "description": series.description,
        "body_part": series.body_part,
        "stacks": [
            _stack_json(stack, statistics, with_files=with_files) for stack in series.stacks
        ],
        "objects": [],
    }


def _object_json(made: StudyObject, statistics: dict[str, FileStatistics]) -> Json:
    found: Json = {
        "kind": made.kind,
        "uid": made.uid,
        "file": made.path,
        "refers_to": list(made.refers_to),
        "summary": "" if made.summary is None else made.summary.english(),
        "notes": list(made.notes),
    }
    if made.path in statistics:
        found["stored"] = statistics[made.path].stored_json()
    return found


def _stack_json(stack: Stack, statistics: dict[str, FileStatistics], *, with_files: bool) -> Json:
    geometry = stack.geometry
    slices, rows, columns = geometry.shape
    found: Json = {
        "frames": len(stack.frames),
        "size": [columns, rows, slices],
        "spacing": [round(v, 6) for v in geometry.spacing],
        "origin": [round(v, 6) for v in geometry.origin],
        "direction": [round(axis[row], 9) for row in range(3) for axis in geometry.axes],
        "geometry": stack.verdict,
        "tilt_deg": stack.tilt_deg,
        "unit": stack.unit,
        "values": stack.values_said.english() if stack.values_said else "",
        "scales": [
            {
                "unit": scale.unit,
                "factor": scale.factor,
                "offset": scale.offset,
                "said": scale.said.english() if scale.said else "",
            }
            for scale in stack.scales
        ],
        "split_by": stack.split_by,
        "label": stack.label.english() if stack.label else "",
        "transfer_syntax": stack.transfer_syntax,
        "photometric": stack.photometric,
        "stored_type": stack.stored_type,
        "calibration": stack.calibration,
        "badges": list(stack.badges),
        "notes": [note.english() for note in stack.notes],
    }
    extremes = range_of(stack, statistics)
    if extremes is not None:
        found["minimum"], found["maximum"] = extremes
    if with_files:
        found["files"] = [_file_json(path, n, statistics) for path, n in _files_of(stack).items()]
    return found


def _files_of(stack: Stack) -> dict[str, int]:
    """How many frames of the stack each file gives, in slice order."""
    counts: dict[str, int] = {}
    for frame in stack.frames:
        counts[frame.path] = counts.get(frame.path, 0) + 1
    return counts


def _file_json(path: str, frames: int, statistics: dict[str, FileStatistics]) -> Json:
    found: Json = {"file": path, "frames": frames}
    if path in statistics:
        found["stored"] = statistics[path].stored_json()
    return found


def _text(
    holdings: Holdings,
    statistics: dict[str, FileStatistics],
    volumes: list[Json],
    *,
    with_files: bool,
) -> Iterator[str]:
    for patient in holdings.patients:
        about = ", ".join(word for word in (patient.sex, patient.birth_date) if word)
        yield f"Patient {patient.name or '(no name)'} [{patient.id}] {about}".rstrip()
        for study in patient.studies:
            yield from _study_text(study, statistics, with_files=with_files)
    for volume in volumes:
        size = " x ".join(str(n) for n in volume["size"])
        yield f"Volume {volume['file']}: {size}, {volume['stored_type']}"
    yield f"{holdings.seen} files, {holdings.dicom} of them DICOM."
    yield from _notes_text("left out", holdings.ignored)
    yield from _notes_text("unreadable", holdings.unreadable)


def _study_text(
    study: Study, statistics: dict[str, FileStatistics], *, with_files: bool
) -> Iterator[str]:
    yield f"  Study {study.date or '(no date)'} {study.description}".rstrip()
    for series in study.series:
        number = "" if series.number is None else f" {series.number}"
        words = [word for word in (series.modality, series.body_part, series.description) if word]
        yield f"    Series{number}: {' '.join(words)}"
        for stack in series.stacks:
            yield from _stack_text(stack, statistics, with_files=with_files)
    for made in study.objects:
        yield f"    {made.kind}: {made.summary or Path(made.path).name}"
        yield from (f"      note: {note}" for note in made.notes)


def _stack_text(
    stack: Stack, statistics: dict[str, FileStatistics], *, with_files: bool
) -> Iterator[str]:
    slices, rows, columns = stack.geometry.shape
    # Of tilted slices the spacing holds along the table; between them lies the step.
    spacing = (*stack.geometry.spacing[:2], stack.geometry.slice_step)
    step = " x ".join(f"{v:.3g}" for v in spacing)
    unit = "pixels" if stack.calibration == "none" else "mm"
    parts = [f"{columns} x {rows} x {slices}", f"{step} {unit}", stack.verdict]
    if stack.split_by:
        parts.append(
            f"split by {stack.split_by}" + (f" ({stack.label.english()})" if stack.label else "")
        )
    extremes = range_of(stack, statistics)
    if extremes is not None:
        parts.append(f"{extremes[0]:g} to {extremes[1]:g} {stack.unit}".rstrip())
    elif stack.unit:
        parts.append(stack.unit)
    yield "      " + ", ".join([*parts, *stack.badges])
    if stack.values_said is not None:
        yield f"        values: {stack.values_said.english()}"
    yield from (f"        note: {note.english()}" for note in stack.notes)
    if with_files:
        yield from (f"        {path} ({n})" for path, n in _files_of(stack).items())


def _notes_text(title: str, notes: tuple[FileNote, ...]) -> Iterator[str]:
    if notes:
        yield f"{len(notes)} {title}:"
    for note in notes[:_MANY]:
        yield f"  {note.path}: {note.reason}"
    if len(notes) > _MANY:
        yield f"  and {len(notes) - _MANY} more (--json lists all)"
