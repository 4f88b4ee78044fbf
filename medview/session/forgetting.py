"""Forgetting a patient everywhere in the user's folders: library, work, results, what was open.

What the user opened lies where it lay; only what MedView keeps goes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from medview.core.paths import user_data_dir
from medview.core.private_names import private_name
from medview.core.study import Patient
from medview.core.words import Sentence, say
from medview.library import Library
from medview.library.forgetting import (
    Known,
    begin,
    finish,
    known_of,
    needs_scrubbing,
    not_all_taken,
    scrub,
    to_be_forgotten,
)
from medview.session.journal import work_key
from medview.session.remembered import drop_paths
from medview.session.truth_cases import folders_of


@dataclass(frozen=True, kw_only=True)
class Forgettable:
    """One patient as MedView knows them: in the library (or not), and in the reader's own work."""

    patient: Patient
    known: Known | None
    work_folders: tuple[Path, ...]

    def words(self) -> tuple[Sentence, ...]:
        """What goes, and what stays, for the reader to confirm."""
        work = say("Measurements, decisions, results and the report's text")
        said = (work,) if self.work_folders else ()
        return said if self.known is None else (*_words(self.known), *said)


def _words(known: Known) -> tuple[Sentence, ...]:
    counts = (
        (len(known.study_uids), say("Studies in the list: {count}", count=len(known.study_uids))),
        (known.tags, say("Tags: {count}", count=known.tags)),
        (known.pictures, say("Thumbnails: {count}", count=known.pictures)),
        (
            known.copies,
            say("Files that were copied into the library: {count}", count=known.copies),
        ),
        (
            len(known.watched),
            say("The watching of {folder}", folder=", ".join(known.watched)),
        ),
    )
    return tuple(sentence for count, sentence in counts if count)


def forgettable(library: Library, patient: Patient) -> tuple[Forgettable, ...]:
    """Everyone in the library with this ID (and birth date and sex where given). Blocks.

    A patient who is not in the library is given back where there is work of theirs.
    """
    found = tuple(_with_work(known) for known in known_of(library, patient))
    if found:
        return found
    folders = _work_folders(patient, [study.uid for study in patient.studies] or [""])
    return (Forgettable(patient=patient, known=None, work_folders=folders),) if folders else ()


def forget(
    library: Library, item: Forgettable, close: Callable[[Patient], None] = lambda _patient: None
) -> None:
    """Take away all of it. Blocks; a run that is killed is finished by `finish_forgetting`.

    close: lets go of what is open of the patient, before their work is taken off the disk.
    Raises WriteFailed with what is left to do.
    """
    if item.known is not None:
        begin(library, item.known)
    close(item.patient)
    try:
        for folder in item.work_folders:
            if folder.exists():
                shutil.rmtree(folder)
        drop_paths(() if item.known is None else item.known.folders)
    except OSError as error:
        raise not_all_taken(error, user_data_dir()) from error
    from medview.dicom.remembered import forget_all

    forget_all()
    if item.known is not None:
        finish(library, item.known)


def finish_forgetting(library: Library) -> None:
    """End what an earlier run began. Blocks. Raises MedViewError."""
    for known in to_be_forgotten(library):
        forget(library, _with_work(known))
    if needs_scrubbing(library):
        scrub(library)


def _with_work(known: Known) -> Forgettable:
    folders = _work_folders(known.patient, known.study_uids)
    return Forgettable(patient=known.patient, known=known, work_folders=folders)


def _work_folders(patient: Patient, study_uids: Iterable[str]) -> tuple[Path, ...]:
    keys = dict.fromkeys(work_key(patient, uid) for uid in study_uids)
    try:
        names = [private_name(key) for key in keys]
        folders = (user_data_dir() / "work" / name for name in names)
        kept = [folder for folder in folders if folder.is_dir()]
        return (*kept, *(folder for name in names for folder in folders_of(name)))
    except OSError as error:  # the home is full or closed: nobody can say what is the patient's
        raise not_all_taken(error, user_data_dir()) from error
