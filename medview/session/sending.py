"""What goes to a DICOM node: results and the reader's own objects, or the images, as they are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from medview.core.errors import InvalidInput, WriteFailed
from medview.core.progress import CancelToken, Progress, part_of
from medview.core.study import Series
from medview.core.words import Sentence, say
from medview.dicom.nodes import Node, Sent, send
from medview.session.objects import remember_taken, save_objects
from medview.session.reporting import ReportSubject


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What the reader wants to send of a study.

    results: what `save_objects` writes. series: UIDs of series whose files go; all: every file.
    """

    results: bool = False
    series: tuple[str, ...] = ()
    all: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the node took, and what could not be written for it."""

    sent: Sent
    notes: tuple[Sentence, ...] = ()


def files_of(subject: ReportSubject, parcel: Parcel) -> tuple[str, ...]:
    """The opened files that a parcel names; cheap, no file is read."""
    wanted = [s for s in subject.study.series if parcel.all or s.uid in parcel.series]
    found = [path for series in wanted for path in _files(series)]
    if parcel.all:
        found += [each.path for each in subject.study.objects]
    return tuple(dict.fromkeys(found))


def _files(series: Series) -> Iterable[str]:
    return (frame.path for stack in series.stacks for frame in stack.frames)


def deliver(
    subject: ReportSubject,
    parcel: Parcel,
    node: Node,
    home: Path | None,
    watch: tuple[Progress, CancelToken],
) -> Delivery:
    """Write what is to be written, and send it with the files that were asked for. Blocks.

    home: the patient's own folder, where what was sent stays so that the next version can refer
    to it; without one it is written for this time alone. Raises MedViewError, Cancelled.
    """
    progress, cancel = watch
    with tempfile.TemporaryDirectory(prefix="medview-") as passing:
        written: tuple[str, ...] = ()
        notes: tuple[Sentence, ...] = ()
        if parcel.results:
            folder = Path(passing) if home is None else _kept(home, subject.study.uid)
            written, notes = _write(subject, folder, part_of(progress, 0, 2))
            cancel.check()
            progress = part_of(progress, 1, 2)
        paths = (*written, *files_of(subject, parcel))
        if not paths:
            raise InvalidInput(say("There is nothing to send."))
        return Delivery(send(node, paths, progress, cancel), notes)


def _kept(home: Path, study_uid: str) -> Path:
    from medview.dicom.write import stack_digest

    folder = home / "sent" / stack_digest(study_uid, 0)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise WriteFailed(
            say("What is to be sent could not be written."), detail=str(error.errno)
        ) from error
    return folder


def _write(
    subject: ReportSubject, folder: Path, progress: Progress
) -> tuple[tuple[str, ...], tuple[Sentence, ...]]:
    """The study's objects as they are now: what was written, and what was there unchanged."""
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.dcm")}
    saved = save_objects(subject, folder, progress)
    remember_taken(subject, saved)
    mine = {taken.uid for taken in saved.taken}
    found = [
        str(path)
        for path in sorted(folder.glob("*.dcm"))
        if before.get(path) != path.stat().st_mtime_ns or _uid_of(path) in mine
    ]
    return tuple(found), saved.notes


def _uid_of(path: Path) -> str:
    from pydicom import dcmread

    head = dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"])
    return str(head.get("SOPInstanceUID", ""))
