"""The copies: written whole into a folder of their own, checked, with a log; or not at all."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from medview.core.errors import InvalidInput, MedViewError, UnreadableInstance, WriteFailed
from medview.core.files import clear_abandoned, hold
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import Sentence, say, tr
from medview.dicom.anonymize.changes import ChangeLog
from medview.dicom.anonymize.cleaning import Cleaner, Subject
from medview.dicom.anonymize.copying import write_copy
from medview.dicom.anonymize.options import Options
from medview.dicom.anonymize.pseudonyms import Secret
from medview.dicom.anonymize.survey import Source, Survey
from medview.dicom.anonymize.text_in_pixels import Box, Suspicion

_log = logging.getLogger("medview.dicom")
_PREFIX = "ANON-"


class Decision(StrEnum):
    """What becomes of a picture that may show text."""

    LEAVE_OUT = "leave-out"
    BLANK = "blank"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """How copies are made. decisions and boxes by path; other suspicious pictures by `burned_in`.

    mapping: where the private list of old and new identities is written, None for nowhere.
    """

    options: Options
    secret: Secret
    burned_in: Decision = Decision.LEAVE_OUT
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    mapping: Path | None = None

    def decision(self, suspicion: Suspicion) -> Decision:
        """What is done with one suspicious picture."""
        return self.decisions.get(suspicion.path, self.burned_in)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file without a copy."""

    path: str
    reason: Sentence
    is_readable: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done. copies: source path and name of the copy below `folder`."""

    folder: Path
    log: Path
    copies: tuple[tuple[str, str], ...]
    blanked: int
    left_out: tuple[LeftOut, ...]
    ignored: tuple[LeftOut, ...]


def export(
    found: Survey,
    folder: Path,
    how: Export,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Outcome:
    """Write copies of everything that may be copied into a new or empty folder.

    They are made beside it and moved there when all are whole: on cancel, a full disk or a fault
    the folder is as it was. Raises InvalidInput (a folder in use, inside or around the source),
    WriteFailed, Cancelled.
    """
    check_target(found.paths, folder, how.mapping)
    if how.mapping is not None:  # half a list of identities that a killed run left
        clear_abandoned(how.mapping.parent)
    with _staging(folder) as part:
        run = _Run(found, how, part, cancel or CancelToken())
        outcome = run.all(folder, progress)
        _put_in_place(part, folder)
    if how.mapping is not None:
        run.log.write_mapping(how.mapping)
    return outcome


class _Run:
    def __init__(self, found: Survey, how: Export, part: Path, cancel: CancelToken) -> None:
        self.found, self.how, self.part, self.cancel = found, how, part, cancel
        self.log = ChangeLog(part)
        self._suspicions = {s.path: s for s in found.suspicions}
        self._cleaners: dict[str, Cleaner] = {}
        self._numbers: Counter[str] = Counter()
        self._left_out = [LeftOut(r.path, r.reason, r.is_readable) for r in found.refused]
        self._copies: list[tuple[str, str]] = []
        self._blanked = 0

    def all(self, folder: Path, progress: Progress) -> Outcome:
        total = len(self.found.sources)
        with self.log:
            for done, source in enumerate(self.found.sources, 1):
                self.cancel.check()
                self._one(source)
                progress(done, total, tr("Writing copies"))
        return Outcome(
            folder=folder,
            log=folder / self.log.path.name,
            copies=tuple(self._copies),
            blanked=self._blanked,
            left_out=tuple(self._left_out),
            ignored=tuple(LeftOut(r.path, r.reason, r.is_readable) for r in self.found.ignored),
        )

    def _one(self, source: Source) -> None:
        suspicion = self._suspicions.get(source.path)
        boxes: tuple[Box, ...] = ()
        if suspicion is not None:
            decision = self.how.decision(suspicion)
            boxes = self.how.boxes.get(source.path, suspicion.boxes)
            reason = _why_left_out(suspicion, decision, boxes)
            if reason is not None:
                self._left_out.append(LeftOut(source.path, reason, is_readable=True))
                return
            boxes = boxes if decision is Decision.BLANK else ()
        cleaner = self._cleaner(source.patient)
        name = self._name(source, cleaner.subject)
        try:
            changes = write_copy(source.path, self.part / name, cleaner, boxes, self.cancel.check)
        except UnreadableInstance as error:
            self._left_out.append(LeftOut(source.path, error.what, is_readable=False))
            return
        except (MedViewError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - no file, however hostile, stops the rest
            _log.warning("file refused", extra={"kind": type(error).__name__})
            (self.part / name).unlink(missing_ok=True)
            said = say("The file is damaged in a way that MedView cannot name.")
            self._left_out.append(LeftOut(source.path, said, is_readable=False))
            return
        self._copies.append((source.path, name))
        self._blanked += bool(boxes)
        self.log.add(source, name, cleaner.subject.name, changes, len(boxes))

    def _cleaner(self, patient: str) -> Cleaner:
        if patient not in self._cleaners:
            secret = self.how.secret
            subject = Subject(
                name=_PREFIX + secret.name("patient", patient),
                days=secret.days(patient),
                scrubber=self.found.identities[patient].scrubber(self.how.options),
            )
            self._cleaners[patient] = Cleaner(self.how.options, secret, subject)
        return self._cleaners[patient]

    def _name(self, source: Source, subject: Subject) -> str:
        """Folders by new identifiers, files by number: nothing of the old names."""
        secret = self.how.secret
        study = "study-" + secret.name("study", source.study or source.patient)
        series = "series-" + secret.name("series", source.series or source.patient)
        folder = f"{subject.name}/{study}/{series}"
        self._numbers[folder] += 1
        return f"{folder}/{self._numbers[folder]:05d}.dcm"


def _why_left_out(
    suspicion: Suspicion, decision: Decision, boxes: tuple[Box, ...]
) -> Sentence | None:
    if decision is Decision.KEEP:
        return None
    if decision is Decision.LEAVE_OUT:
        return say("Names may be seen in the picture: {reason}", reason=suspicion.reasons[0])
    if not suspicion.can_blank:
        return say("Names may be seen in the picture, and it cannot be decoded to black them out.")
    if not boxes:
        return say("Names may be seen in the picture, and no place to black out was named.")
    return None


def check_target(paths: Sequence[Path], folder: Path, mapping: Path | None) -> None:
    """Raises InvalidInput for a folder that is in use, or inside or around what is read."""
    here = folder.resolve()
    for path in paths:
        source = path.resolve()
        source = source if source.is_dir() else source.parent
        if here == source or (path.is_dir() and here.is_relative_to(source)):
            raise InvalidInput(
                say("Copies cannot be written into the folder that is read"), str(folder),
                say("Choose a folder outside it."),
            )  # fmt: skip
        if path.resolve().is_relative_to(here):
            raise InvalidInput(
                say("The files that are read lie inside the folder for the copies"), str(folder),
                say("Choose a folder outside it."),
            )  # fmt: skip
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(
            say("The folder for the copies is not empty"), str(folder),
            say("Choose a new or an empty folder, so that nothing else is mixed in."),
        )  # fmt: skip
    if mapping is not None and mapping.resolve().is_relative_to(here):
        raise InvalidInput(
            say("The list of identities must not lie among the copies"), str(mapping),
            say("Choose a place outside the folder that you hand on."),
        )  # fmt: skip


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A hidden folder beside the target, gone afterwards; one that a killed run left is cleared.

    Raises InvalidInput while another run writes there, WriteFailed.
    """
    part = folder.parent / f".{folder.name}.unfinished"
    lock = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = hold(part.with_suffix(".lock"))
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        yield part
    except BlockingIOError as error:
        said = say("Another window or command is writing copies there")
        raise InvalidInput(said, str(folder)) from error
    except OSError as error:
        raise _failed(error, folder) from error
    finally:
        if lock is not None:
            shutil.rmtree(part, ignore_errors=True)
            with suppress(OSError):
                part.with_suffix(".lock").unlink()
            os.close(lock)


def _failed(error: OSError, folder: Path) -> WriteFailed:
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return WriteFailed(
        say("The disk is full, so no copies were written.")
        if is_full
        else say("The copies could not be written."),
        str(folder),
        say("Nothing was left there; choose another folder."),
        detail=f"errno {error.errno}",
    )


def _put_in_place(part: Path, folder: Path) -> None:
    if folder.is_dir():
        folder.rmdir()  # it is empty: that was checked, and another's file would stop this
    part.replace(folder)
