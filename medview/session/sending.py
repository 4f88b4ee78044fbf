"""What goes to a DICOM node: results and the reader's own objects, or the images, as they are."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from medview.core.errors import InvalidInput, WriteFailed
from medview.core.progress import CancelToken, Progress, part_of
from medview.core.study import Series
from medview.core.words import Sentence, say
from medview.dicom.nodes import Node, Sent, send
from medview.session.objects import SavedObjects, remember_taken, save_objects
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

    home: the patient's own folder, where what the node took stays so that the next version can
    refer to it, and to nothing that no node has. Raises MedViewError, Cancelled.
    """
    progress, cancel = watch
    kept = None if home is None or not parcel.results else _kept(home, subject.study.uid)
    with tempfile.TemporaryDirectory(prefix="medview-", dir=kept) as passing:
        written, files = _Written(), files_of(subject, parcel)
        notes: tuple[Sentence, ...] = ()
        if parcel.results:
            try:
                written = _write(subject, Path(passing), kept, part_of(progress, 0, 2))
                notes = written.saved.notes
            except InvalidInput as nothing:
                if not files:
                    raise
                notes = (nothing.what,)  # the images go all the same
            cancel.check()
            progress = part_of(progress, 1, 2)
        paths = (*written.paths, *files)
        if not paths:
            raise InvalidInput(say("There is nothing to send."))
        taken: list[str] = []
        try:
            return Delivery(send(node, paths, progress, cancel, taken.append), notes)
        finally:
            _keep_taken(subject, written, set(taken), kept)


@dataclass(frozen=True, slots=True)
class _Written:
    paths: tuple[str, ...] = ()
    saved: SavedObjects = field(default_factory=lambda: SavedObjects(objects=0))


def _kept(home: Path, study_uid: str) -> Path:
    from medview.dicom.write import stack_digest

    folder = home / "sent" / stack_digest(study_uid, 0)
    try:
        for made in (folder.parent, folder):  # with parents=True the mode holds for the last alone
            made.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unwritten(error) from error
    return folder


def _unwritten(error: OSError) -> WriteFailed:
    return WriteFailed(say("What is to be sent could not be written."), detail=str(error.errno))


def _write(subject: ReportSubject, folder: Path, kept: Path | None, progress: Progress) -> _Written:
    """The study's objects as they are now, beside those that went before: what was written, and
    what was there unchanged."""
    before = {}
    for path in () if kept is None else kept.glob("*.dcm"):
        before[path.name] = path.stat().st_mtime_ns
        _lay_beside(path, folder / path.name)
    saved = save_objects(subject, folder, progress)
    mine = {taken.uid for taken in saved.taken}
    found = [
        str(path)
        for path in sorted(folder.glob("*.dcm"))
        if before.get(path.name) != path.stat().st_mtime_ns or _uid_of(path) in mine
    ]
    return _Written(tuple(found), saved)


def _lay_beside(path: Path, other: Path) -> None:
    try:
        os.link(path, other)  # files are replaced, never written into
    except OSError:  # a disk without hard links
        try:
            shutil.copy2(path, other)
        except OSError as error:
            raise _unwritten(error) from error


def _keep_taken(
    subject: ReportSubject, written: _Written, taken: set[str], kept: Path | None
) -> None:
    """What the node has is what later versions refer to, and no news when it is opened."""
    own = [Path(path) for path in written.paths if path in taken]
    uids = {_uid_of(path) for path in own}
    mine = tuple(each for each in written.saved.taken if each.uid in uids)
    remember_taken(subject, replace(written.saved, taken=mine))
    if kept is None:
        return
    for path in own:
        try:
            path.replace(kept / path.name)
        except OSError as error:
            raise _unwritten(error) from error


def _uid_of(path: Path) -> str:
    from pydicom import dcmread

    head = dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"])
    return str(head.get("SOPInstanceUID", ""))
