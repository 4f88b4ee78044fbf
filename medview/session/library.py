"""The window's desk in the library: what is found, opened, added and forgotten, and who hears."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.errors import InvalidInput, MedViewError
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.study import Patient, Stack, Study
from medview.core.words import say
from medview.library import Library
from medview.session.events import Events, LibraryChanged, Message
from medview.session.watch import Watch, tell_added

if TYPE_CHECKING:
    from medview.library import Added, Checked, Cleaned, Query, StudyEntry
    from medview.session.forgetting import Forgettable

_log = logging.getLogger("medview.session")


class LibraryDesk:
    """Methods block and run outside the window's thread; `watch` minds the watched folders.

    let_go: closes what is open of a patient who is to be forgotten.
    """

    def __init__(self, events: Events, let_go: Callable[[Patient], None]) -> None:
        self.library = Library()
        self._events = events
        self._let_go = let_go
        self.watch = Watch(self.library, events)

    # -- looking ---------------------------------------------------------------------------

    def studies(self, query: Query | None = None) -> tuple[StudyEntry, ...]:
        """The worklist. Raises MedViewError; a damaged index is set aside and made anew first."""
        from medview.library import LibraryIsDamaged, studies

        try:
            return studies(self.library, query)
        except LibraryIsDamaged:
            self.recover()
            return studies(self.library, query)

    def paths_of(self, entry: StudyEntry) -> tuple[Path, ...]:
        """What to open for a study; those that are there. Raises InvalidInput where none is."""
        from medview.core.archive import is_there
        from medview.library import paths_of

        paths = paths_of(self.library, entry.id)
        there = tuple(path for path in paths if is_there(str(path)))
        if not there:
            raise InvalidInput(
                say("The files of this study are not there any more."),
                entry.place,
                say("Connect the drive that holds them, or check the library."),
            )
        return there

    def priors(self, patient: Patient, studies: Sequence[Study]) -> tuple[StudyEntry, ...]:
        """Other studies of a patient in the library, the fittest first; none where it fails."""
        from medview.library import priors_of

        try:
            return priors_of(self.library, patient, {study.uid for study in studies})
        except MedViewError as error:
            _log.warning("no priors", extra={"kind": type(error).__name__})
            return ()

    def priors_of(self, entry: StudyEntry) -> tuple[StudyEntry, ...]:
        """Other studies of the patient of a study in the library, the fittest first."""
        from medview.library import priors_of_entry

        return priors_of_entry(self.library, entry)

    def paths_if_there(self, entry: StudyEntry) -> tuple[Path, ...]:
        """As `paths_of`, nothing where the files are gone."""
        try:
            return self.paths_of(entry)
        except InvalidInput:
            return ()

    def thumbnail(self, series_uid: str, number: int, stack: Stack) -> bytes | None:
        """The PNG that was kept of a stack."""
        from medview.library import stored_thumbnail

        try:
            return stored_thumbnail(self.library, series_uid, number, stack)
        except MedViewError:
            return None

    def keep_thumbnail(self, series_uid: str, number: int, stack: Stack, png: bytes) -> None:
        """Keep the PNG of a stack if its series is in the library."""
        from medview.library import keep_thumbnail

        try:
            keep_thumbnail(self.library, series_uid, number, stack, png)
        except (MedViewError, OSError) as error:
            _log.warning("no thumbnail kept", extra={"kind": type(error).__name__})

    # -- changing --------------------------------------------------------------------------

    def add(
        self,
        paths: Sequence[Path],
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
        *,
        is_copy: bool = False,
    ) -> Added:
        """Index files and folders, by reference or copy; says what came of it. Raises MedViewError.

        A damaged index is set aside and made anew first.
        """
        from medview.library import LibraryIsDamaged, add, add_copies

        work = add_copies if is_copy else add
        try:
            try:
                added = work(self.library, paths, progress, cancel)
            except LibraryIsDamaged:
                self.recover(progress, cancel)
                added = work(self.library, paths, progress, cancel)
        finally:
            self._events.send(LibraryChanged())
        tell_added(self._events, added)
        return added

    def set_tags(self, entry: StudyEntry, tags: Collection[str]) -> None:
        """These tags and no others."""
        from medview.library import set_tags

        set_tags(self.library, entry.id, tags)
        self._events.send(LibraryChanged())

    def add_copy(
        self,
        paths: Sequence[Path],
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Added:
        """As `add`, by copy."""
        return self.add(paths, progress, cancel, is_copy=True)

    def check(self, progress: Progress = no_progress, cancel: CancelToken | None = None) -> Checked:
        """Compare the index with the disk; a damaged one is made anew first."""
        from medview.library import LibraryIsDamaged, check

        try:
            return check(self.library, progress, cancel)
        except LibraryIsDamaged:
            self.recover(progress, cancel)
            return check(self.library, progress, cancel)

    def clean(self) -> Cleaned:
        """Take away what has lost its object."""
        from medview.library import clean

        cleaned = clean(self.library)
        self._events.send(LibraryChanged())
        return cleaned

    def forgettable(self, patient: Patient) -> tuple[Forgettable, ...]:
        """What MedView keeps of a patient."""
        from medview.session.forgetting import forgettable

        return forgettable(self.library, patient)

    def forget(self, item: Forgettable) -> None:
        """Take away everything that MedView keeps of a patient."""
        from medview.session.forgetting import forget

        try:
            forget(self.library, item, self._let_go)
        finally:
            self._events.send(LibraryChanged())
        self._events.send(Message(say("The patient is forgotten; no trace is left in MedView.")))

    def recover(self, progress: Progress = no_progress, cancel: CancelToken | None = None) -> None:
        """Set a damaged index aside, make it anew from what it named, and say so."""
        from medview.library import recover

        count = recover(self.library, progress, cancel)
        self._events.send(LibraryChanged())
        self._events.send(
            Message(
                say(
                    "The index of the library was damaged and is made anew; studies: {count}.",
                    count=count,
                ),
                "warn",
            )
        )
