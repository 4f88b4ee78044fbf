"""Files and folders to patients, studies, series and stacks; every file is accounted for."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path

from medview.core.errors import UnreadableInstance
from medview.core.files import is_unfinished
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.study import FileNote, Holdings
from medview.core.words import Sentence, say
from medview.dicom.arrange import Sorted, patients_of
from medview.dicom.codecs import JPEG_LOSSLESS, JPIP, instead_of, may_overflow, why_not_decodable
from medview.dicom.damage import FEWER, TORN
from medview.dicom.dicomdir import missing_of, read_directory, said_of, unnamed_by
from medview.dicom.doubts import (
    DOUBTED_TAGS,
    doubts_of,
    doubts_of_header,
    is_far,
    is_measured,
    number_note,
)
from medview.dicom.elements import UNDEFINED, Elements
from medview.dicom.fragments import MOST_FRAMES, fragments_of, too_many_frames
from medview.dicom.frames import most_frames
from medview.dicom.instance import (
    ASK_FOR_THE_RIGHT,
    DIRECTORY,
    EMPTY,
    Instance,
    NotDicom,
    is_of_fragments,
    like_others,
    walked,
)
from medview.dicom.keywords import tag_of, wanted_tags
from medview.dicom.objects.summary import is_object_with_pixels, study_object
from medview.dicom.pixel_format import format_of, has_image, native_shortfall, pixel_format
from medview.dicom.pixels import is_torn
from medview.dicom.remembered import remember
from medview.dicom.walk import files_below, is_document, members_below, what_else

_log = logging.getLogger("medview.dicom")
_GLIMPSE_S, _GLIMPSE_SHARE = 0.3, 10  # the first one's age; others cost a tenth of the time at most


def scan(
    paths: Sequence[Path],
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    leave_out: Mapping[str, FileNote] | None = None,
    glimpse: Callable[[Holdings], None] | None = None,
) -> Holdings:
    """Read every header below the paths and arrange what is there.

    leave_out: files (by path as scan gives them) already known to be unreadable. glimpse: told
    now and then what was found so far, in the calling thread. Raises InvalidInput for a missing
    path and Cancelled; a broken file only becomes a note.
    """
    found, wanted = Sorted(began=time.time_ns()), wanted_tags()
    glimpses = None if glimpse is None else _Glimpses(glimpse)
    waiting = _listed(paths, found, cancel)
    files = list(waiting)
    total = found.seen + len(files)
    while waiting:
        if cancel is not None:
            cancel.check()
        path = waiting.popleft()
        found.seen += 1
        if leave_out and path in leave_out:
            found.unreadable.append(leave_out[path])
        else:
            members = _take(path, found, wanted)
            if members:
                waiting.extendleft(reversed(members))
                files.extend(members)
                total += len(members)
        progress(found.seen, total, "")
        if waiting and glimpses is not None:
            glimpses.offer(found)
    _keep(found)
    _note_directories(found, files)
    return _arranged(found)


class _Glimpses:
    """Tells what was found so far, the more rarely the longer the telling takes."""

    def __init__(self, tell: Callable[[Holdings], None]) -> None:
        self._tell = tell
        self._due = time.monotonic() + _GLIMPSE_S

    def offer(self, found: Sorted) -> None:
        """Tell it if it is time."""
        began = time.monotonic()
        if began < self._due or not found.images:
            return
        _keep(found)
        # Arranging notes doubles and refusals in what it is given: that stays for the last time.
        sketch = replace(
            found,
            images=[*found.images],
            objects=dict(found.objects),
            ignored=[*found.ignored],
            unreadable=[*found.unreadable],
            notes=dict(found.notes),
        )
        self._tell(_arranged(sketch))
        now = time.monotonic()
        self._due = now + max(_GLIMPSE_S, _GLIMPSE_SHARE * (now - began))


def _keep(found: Sorted) -> None:
    """Remember the images found since the last time, for who fills a volume with them."""
    remember(found.images[found.remembered :], found.began)
    found.remembered = len(found.images)


def _arranged(found: Sorted) -> Holdings:
    patients = patients_of(found)
    return Holdings(
        patients=patients,
        seen=found.seen,
        dicom=found.dicom,
        ignored=tuple(found.ignored),
        unreadable=tuple(found.unreadable),
        documents=tuple(found.documents),
    )


def _listed(paths: Sequence[Path], found: Sorted, cancel: CancelToken | None) -> deque[str]:
    """The files below the paths; folders that cannot be read are noted."""
    closed: list[str] = []
    files: deque[str] = deque()
    for path in files_below(paths, closed):
        if cancel is not None:
            cancel.check()
        files.append(path)
    for path in closed:
        found.seen += 1
        said = say("The system does not let MedView look into this folder.")
        advice = ASK_FOR_THE_RIGHT
        if path in map(str, paths) and not Path(path).is_dir():
            said = say("This is neither a file nor a folder.")
            advice = say("Open the files themselves, or the folder that they lie in.")
        found.refuse(path, said, advice=advice)
    return files


def _note_directories(found: Sorted, files: Sequence[str]) -> None:
    """Hold every DICOMDIR against what was found; a file that it misses is unreadable."""
    if not found.directories:
        return
    shown = [*(image.path for image in found.images), *found.objects]
    gone: dict[str, None] = {}
    for path in found.directories:
        directory = read_directory(path)
        missing = missing_of(directory, files)
        gone.update(dict.fromkeys(missing))
        said = said_of(directory, missing, unnamed_by(directory, shown))
        reason = " ".join(sentence.english() for sentence in said)
        found.ignored.append(FileNote(path=path, reason=reason))
    for path in gone:
        found.seen += 1
        found.refuse(
            path,
            say("The DICOMDIR names this file, but it is not there."),
            advice=say("Copy the whole medium again: a part of it was left behind."),
        )


def _take(path: str, found: Sorted, wanted: frozenset[int]) -> Sequence[str]:
    """Sort one file in; whatever is wrong with it becomes a note. An archive gives its files."""
    try:
        instance = like_others(path, wanted)
        if instance is not None and _is_beyond_doubt(instance):
            found.dicom += 1
            found.images.append(instance)
            return ()
        instance = instance or walked(path, wanted)
        found.dicom += 1
        _sort_in(instance, found)
    except NotDicom as reason:
        return _take_other(path, found, reason.args[0])
    except UnreadableInstance as error:
        if is_unfinished(path):  # a window writes into the folder while it is read
            said = say("A file that MedView is still writing.")
            found.ignored.append(FileNote(path=path, reason=said.english()))
        else:
            found.refuse(path, error.what, error.tag, error.what_to_do)
    except Exception as error:  # noqa: BLE001 - no file, however hostile, stops the rest
        _log.warning("header refused", extra={"kind": type(error).__name__})
        found.refuse(path, say("The file is damaged in a way that MedView cannot name."))
    return ()


def _take_other(path: str, found: Sorted, reason: Sentence) -> list[str]:
    """Note a file that is not DICOM; an archive gives the paths of its files."""
    try:
        members = members_below(path)
    except UnreadableInstance as error:
        found.refuse(path, error.what, advice=error.what_to_do)
        return []
    if members:
        reason = say("An archive: the files in it are read in place ({count}).", count=len(members))
    elif reason.template != EMPTY.template:
        reason = what_else(Path(path))
    found.ignored.append(FileNote(path=path, reason=reason.english()))
    if is_document(Path(path)) and not members:
        found.documents.append(path)
    return members


def _sort_in(instance: Instance, found: Sorted) -> None:
    top = instance.elements
    role = top.once(_role_of, _ROLE_TAGS)
    if role is _Role.IMAGE:
        doubts = _check_pixels(instance)
        if doubts:
            found.notes[instance.path] = doubts
        found.images.append(instance)
    elif role is _Role.DIRECTORY:
        found.directories.append(instance.path)
    elif role is _Role.NO_PIXELS and instance.syntax in JPIP:
        raise UnreadableInstance(
            say("The pixels stand on a server (JPIP), and MedView reads files only."),
            tag="(0028,7FE0)",
            what_to_do=say("Have the archive send the pictures themselves."),
        )
    elif role is _Role.NO_PIXELS:
        raise UnreadableInstance(
            say("An image without pixels: the file was cut off or they were removed."),
            tag="(7FE0,0010)",
        )
    elif role is _Role.NOTHING:
        said = say("DICOM, but without patient, study or image.")
        found.ignored.append(FileNote(path=instance.path, reason=said.english()))
    else:
        notes = tuple(note.english() for note in number_note(top))
        found.objects[instance.path] = (instance, study_object(instance, notes))


def _is_beyond_doubt(instance: Instance) -> bool:
    """Whether a file is a plain image of which nothing is to be said, as others like it.

    What all of a series say alike was looked at with the first one: only sizes and places are left.
    """
    top, place = instance.elements, instance.elements.pixels
    if top.alike is None or place is None:
        return False
    end = place.offset + place.length
    return (
        end <= instance.size < end + 8
        and top.once(_is_plain_image, _IMAGE_TAGS)
        and not is_far(top)
    )


_Role = Enum("_Role", ("IMAGE", "DIRECTORY", "NO_PIXELS", "NOTHING", "OBJECT"))
_ROLE_TAGS = frozenset(
    tag_of(keyword)
    for keyword in ("SOPClassUID", "Rows", "Columns", "Modality", "StudyInstanceUID")
)
_IMAGE_TAGS = _ROLE_TAGS | DOUBTED_TAGS


def _role_of(top: Elements) -> _Role:
    """What a file is in its study."""
    if top.text("SOPClassUID") == DIRECTORY:
        return _Role.DIRECTORY
    if not is_object_with_pixels(top):
        if has_image(top):
            return _Role.IMAGE
        if _is_image_class(top):
            return _Role.NO_PIXELS
    if any(top.has(keyword) for keyword in ("SOPClassUID", "StudyInstanceUID", "Modality")):
        return _Role.OBJECT
    return _Role.NOTHING


def _is_plain_image(top: Elements) -> bool:
    """Whether nothing is to be said of an image whose bytes are all there, as others like it."""
    syntax = "" if top.alike is None else top.alike.syntax
    if top.pixels is None or top.pixels.length == UNDEFINED or is_of_fragments(syntax):
        return False
    try:
        if _role_of(top) is not _Role.IMAGE or doubts_of_header(top):
            return False
        form = format_of(top)
    except UnreadableInstance:
        return False
    needed = (form.frame_bits * form.frames + 7) // 8
    return top.pixels.length >= needed and is_measured(top) and form.frames <= MOST_FRAMES


def _is_image_class(top: Elements) -> bool:
    return bool(top.text("SOPClassUID")) and (
        top.has("Rows") or top.text("Modality") in ("CT", "MR", "PT", "CR", "DX")
    )


def _check_pixels(instance: Instance) -> tuple[Sentence, ...]:
    """Notes on pixels that are there in part; raises UnreadableInstance where none can be shown."""
    form = pixel_format(instance)
    notes = doubts_of(instance)
    if instance.is_encapsulated:
        reason = why_not_decodable(instance.syntax)
        if reason is not None:
            raise UnreadableInstance(
                reason, instance.path, "(0002,0010)", what_to_do=instead_of(instance.syntax)
            )
        with instance.open() as source:
            frames = fragments_of(instance, source)
            head = source.read(frames[0][0][0], 512)
        if instance.syntax == JPEG_LOSSLESS and may_overflow(head) and is_torn(instance):
            notes += (TORN,)
        if len(frames) < form.frames:
            notes += (Sentence(FEWER.template, {"there": len(frames), "count": form.frames}),)
    elif form.frames > MOST_FRAMES and most_frames(instance) > MOST_FRAMES:
        raise too_many_frames(instance)
    shortfall = native_shortfall(instance, form)
    return notes if shortfall is None else (*notes, shortfall)
