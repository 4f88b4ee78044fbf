"""The reader's measurements and key images as DICOM: each save a new version beside the old."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from medview.core.errors import MedViewError
from medview.core.results import Measurement
from medview.imaging import roi
from medview.session.measures import factor_of
from medview.session.reporting import ReportSubject
from medview.session.studies import Place
from medview.session.work import KeyPicture, TakenReport


def write_measurements(
    subject: ReportSubject, place: Place, measurements: Sequence[Measurement], folder: Path
) -> TakenReport:
    """One report of what was measured on a stack; it names the versions that it replaces.

    A file that is there is never written over. Raises WriteFailed, GeometryError, InvalidInput.
    """
    from medview.dicom.objects.sr import read_structured_report
    from medview.dicom.write import (
        ReportParts,
        read_sources,
        stack_digest,
        write_measurement_report,
    )

    stem = f"measurements-{stack_digest(*place.key)}"
    ids = tuple(m.id for m in measurements)
    parts = ReportParts(
        measurements=measurements,
        outlines={
            m.id: np.asarray(roi.outline(m.kind, m.points))
            for m in measurements
            if m.kind == "spline"
        },
        known_factor=factor_of(subject.work, place.key),
        predecessors=heads(subject, stem, set(ids), folder),
    )
    path = free_name(folder, stem, "sr")
    write_measurement_report(parts, read_sources(place.stack), path)
    return TakenReport(uid=read_structured_report(str(path)).uid, ids=ids)


def heads(
    subject: ReportSubject, stem: str, ids: set[str], folder: Path, more: Sequence[Path] = ()
) -> list[Path]:
    """The newest versions that are known: of the folder, and of the study that is open.

    more: reports that a first version takes the place of.
    """
    from medview.dicom.objects.sr import read_structured_report

    told = {taken.uid for taken in subject.work.taken if ids & set(taken.ids)}
    paths = [
        Path(found.path)
        for found in subject.study.objects
        if found.kind == "SR" and (found.uid in told or Path(found.path).name.startswith(stem))
    ]
    paths += [*sorted(folder.glob(f"{stem}*-sr.dcm")), *more]
    found, replaced = {}, set()
    for path in paths:
        try:
            report = read_structured_report(str(path))
        except MedViewError:
            continue  # damaged, or gone: nothing to refer to
        found[report.uid] = path
        replaced |= set(report.predecessors)
    return [path for uid, path in found.items() if uid not in replaced]


def write_keys(subject: ReportSubject, pictures: Sequence[KeyPicture], folder: Path) -> TakenReport:
    """A key object selection of the pictures that belong to the subject's study.

    Raises WriteFailed, InvalidInput.
    """
    from medview.dicom.write import read_sources, write_key_selection

    wanted = {(picture.sop_uid, picture.frame) for picture in pictures}
    named, sources = [], []
    for series in subject.study.series:
        for stack in series.stacks:
            here = [(f.sop_instance_uid, f.frame) for f in stack.frames]
            found = [each for each in dict.fromkeys(here) if each in wanted]
            if found:
                named += found
                sources.append(read_sources(stack))
    path = free_name(folder, "key-images", "ko")
    return TakenReport(uid=write_key_selection(named, sources, path))


def free_name(folder: Path, stem: str, kind: str) -> Path:
    """A name that nothing has yet."""
    path, number = folder / f"{stem}-{kind}.dcm", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}-{kind}.dcm"
    return path
