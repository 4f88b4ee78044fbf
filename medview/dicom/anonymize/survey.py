"""The first look: which files can be copied, whose they are, by which words, what may show text."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medview.core.errors import UnreadableInstance
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import Sentence, say, tr
from medview.dicom.anonymize.identities import Identity
from medview.dicom.anonymize.text_in_pixels import Suspicion, suspicion_of
from medview.dicom.anonymize.tree import Item, read_tree
from medview.dicom.fragments import fragments_of
from medview.dicom.instance import DIRECTORY, EMPTY, Instance, NotDicom, open_instance
from medview.dicom.pixel_format import has_image, pixel_format
from medview.dicom.walk import files_below, members_below, what_else

_log = logging.getLogger("medview.dicom")
_DOCUMENT = 0x00420011


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be copied: `patient` joins files of one person, study and series are UIDs."""

    path: str
    patient: str
    study: str
    series: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A file of which no copy is made, and why; is_readable: whether it is sound DICOM."""

    path: str
    reason: Sentence
    is_readable: bool = True


@dataclass(slots=True)
class Survey:
    """What lies below some paths, before anything is written. It holds names: never write it."""

    paths: tuple[Path, ...]
    seen: int = 0
    sources: list[Source] = field(default_factory=list)
    suspicions: list[Suspicion] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    ignored: list[Refused] = field(default_factory=list)
    identities: dict[str, Identity] = field(default_factory=dict)


def survey(
    paths: Sequence[Path], progress: Progress = no_progress, cancel: CancelToken | None = None
) -> Survey:
    """Read every header, and the pictures that may show text, below the paths.

    Raises InvalidInput for a missing path and Cancelled; a broken file is refused by itself.
    """
    found = Survey(paths=tuple(paths))
    waiting = deque(files_below(paths))
    while waiting:
        if cancel is not None:
            cancel.check()
        found.seen += 1
        waiting.extendleft(reversed(_take(waiting.popleft(), found)))
        progress(found.seen, found.seen + len(waiting), tr("Looking through files"))
    return found


def _take(path: str, found: Survey) -> list[str]:
    """Sort one file in; an archive gives the paths of its files."""
    try:
        _sort_in(path, found)
    except NotDicom as reason:
        return _take_other(path, found, reason.args[0])
    except UnreadableInstance as error:
        found.refused.append(Refused(path, error.what, is_readable=False))
    except Exception as error:  # noqa: BLE001 - no file, however hostile, stops the rest
        _log.warning("file refused", extra={"kind": type(error).__name__})
        said = say("The file is damaged in a way that MedView cannot name.")
        found.refused.append(Refused(path, said, is_readable=False))
    return []


def _take_other(path: str, found: Survey, reason: Sentence) -> list[str]:
    try:
        members = members_below(path)
    except UnreadableInstance as error:
        found.refused.append(Refused(path, error.what, is_readable=False))
        return []
    if members:
        reason = say("An archive: the files in it are read in place ({count}).", count=len(members))
    elif reason.template != EMPTY.template:
        reason = what_else(Path(path))
    found.ignored.append(Refused(path, reason, is_readable=False))
    return members


def _sort_in(path: str, found: Survey) -> None:
    instance = open_instance(path)
    if instance.elements.text("SOPClassUID") == DIRECTORY:
        said = say("A DICOMDIR lists what the copies must not show, so none is made of it.")
        found.ignored.append(Refused(path, said))
        return
    top = read_tree(instance)
    patient = patient_of(top, path)
    found.identities.setdefault(patient, Identity()).learn(top)
    reason = _why_not(top)
    if reason is not None:
        found.refused.append(Refused(path, reason))
        return
    _check_pixels(instance)
    suspicion = suspicion_of(instance, top)
    if suspicion is not None:
        found.suspicions.append(suspicion)
    study, series = top.ascii(0x0020000D), top.ascii(0x0020000E)
    found.sources.append(Source(path, patient, study, series))


def _check_pixels(instance: Instance) -> None:
    """Raises UnreadableInstance for a picture of which nobody could say what it shows."""
    if not has_image(instance.elements):
        return
    pixel_format(instance)
    if instance.is_encapsulated:
        with instance.open() as source:
            fragments_of(instance, source)


def _why_not(top: Item) -> Sentence | None:
    """Objects whose content is a document of its own: nothing here can clean those."""
    if _DOCUMENT not in top.elements:
        return None
    return say(
        "A document ({kind}) stands inside; MedView cannot clean it, so no copy is made.",
        kind=top.ascii(0x00420012) or "PDF",
    )


def patient_of(top: Item, path: str) -> str:
    """What joins files of one person: identifier and issuer, else name and birth date, else study.

    A file without any of these stands with the others of its folder.
    """
    identifier = top.text(0x00100020)
    if identifier:
        return f"id\x1f{identifier}\x1f{top.text(0x00100021)}"
    name = top.text(0x00100010)
    if name:
        return f"name\x1f{name}\x1f{top.ascii(0x00100030)}"
    study = top.ascii(0x0020000D)
    return f"study\x1f{study}" if study else f"folder\x1f{Path(path).parent}"
