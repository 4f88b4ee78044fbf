"""Earlier studies in the window: the fitting one opens beside, two dates are registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from medview.core.errors import Cancelled, MedViewError
from medview.core.geometry import FloatArray
from medview.core.progress import CancelToken
from medview.core.words import say, tr
from medview.gui.bridge import SessionBridge
from medview.session.candidates import entry_fits, fitting_prior
from medview.session.events import Event, HoldingsChanged, LinksChanged
from medview.session.links import register_places, said_of, side_of
from medview.session.places import Place

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.library import StudyEntry

_TELL_EVERY = 5  # rounds of the search


class PriorsWork(QObject):
    """Opens the fitting prior from the library and registers what stands side by side."""

    progressed = Signal(int, int)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._grid = window.grid
        self._cancel = CancelToken()
        self._asked: set[str] = set()  # studies whose prior was looked for in the library
        self._begun: set[frozenset[str]] = set()  # frames of reference that were brought together
        self.progressed.connect(self._show_progress)
        self._grid.links.registered = self._matrix
        self._grid.links.residual = self._residual
        self._grid.wants_changed.connect(self._look_beside)
        window.library.priors_found.connect(self._open_fitting)
        window.closing.connect(self.cancel)
        window.actions_.connect("layout.register", self.register)
        window.actions_.connect("models.cancel", self.cancel)
        window.status.cancel_asked.connect(self.cancel)
        SessionBridge(self._session, self).heard.connect(self._hear)

    def cancel(self) -> None:
        """Stop registering; what is linked stays so."""
        self._cancel.cancel()

    # -- the prior of the library ----------------------------------------------------------

    def _open_fitting(self, entries: tuple[StudyEntry, ...]) -> None:
        """Of the earlier studies in the library the newest that shows the same, beside."""
        active, settings = self._session.active, self._session.settings
        if active is None or not (settings.hang and settings.open_priors):
            return
        if active.study.uid in self._asked or fitting_prior(active, self._session.patient):
            return
        fitting = [entry for entry in entries if entry_fits(active, entry)]
        if not fitting:
            return
        self._asked.add(active.study.uid)
        newest = max(fitting, key=lambda entry: entry.date)
        self._window.reactions.say(say("Opening the study of {date} beside.", date=newest.date))
        self._window.library.open_beside(newest)

    # -- registration ----------------------------------------------------------------------

    def register(self) -> None:
        """Register what is looked at with the other date that stands beside, again if need be."""
        pair = self._pair()
        if pair is None:
            self._window.reactions.say(
                say("Put two series of one patient side by side first."), "warn"
            )
            return
        self._start(*pair)

    def _look_beside(self) -> None:
        """Two dates stand side by side: link them, without asking."""
        pair = self._pair()
        if pair is None or not self._session.settings.open_priors:
            return
        one, other = pair
        is_news = one.study.date != other.study.date and _frames(one, other) not in self._begun
        if is_news and self._session.links.between(one, other) is None:
            self._start(one, other)

    def _pair(self) -> tuple[Place, Place] | None:
        """What is looked at and the first other series in space of its patient, newer first."""
        active = self._session.active
        if active is None or not _is_deep(active):
            return None
        places = (self._session.studies.place(key) for key in self._grid.wanted)
        others = (
            place
            for place in places
            if place is not None
            and place.key != active.key
            and _is_deep(place)
            and place.is_of_patient_with(active)
            and not side_of(place.series, place.stack).speaks_for(
                side_of(active.series, active.stack)
            )
        )
        other = next(others, None)
        if other is None:
            return None
        newer, older = sorted((active, other), key=lambda p: p.study.date, reverse=True)
        return newer, older

    def _start(self, fixed: Place, moving: Place) -> None:
        self._cancel.cancel()
        self._cancel = token = CancelToken()
        self._begun.add(_frames(fixed, moving))
        book = self._session.made.book_of(fixed)  # the reader may turn to somebody else

        def tell(done: int, total: int, _what: str) -> None:
            if done % _TELL_EVERY == 0 and not token.is_cancelled:
                self.progressed.emit(done, total)

        async def action() -> None:
            try:
                found = await self._window.operations.call_or_leave(
                    token, register_places, self._session.studies, fixed, moving, tell, token
                )
            except Cancelled:
                self._begun.discard(_frames(fixed, moving))
                if token is self._cancel:
                    raise
                return
            except MedViewError as error:
                self._window.reactions.say(error.what, "warn")
                return
            finally:
                self.progressed.emit(0, 0)
            self._session.links.keep(found, book)
            level = "info" if found.is_good else "warn"
            self._window.reactions.say(said_of(found), level)

        self._window.operations.start(action())

    def _matrix(self, one: Place, other: Place) -> FloatArray | None:
        """How places of one stack answer to another's, for the views that scroll together."""
        link = self._session.links.between(one, other)
        return None if link is None else link.array

    def _residual(self, one: Place, other: Place) -> float | None:
        link = self._session.links.between(one, other)
        return None if link is None else link.residual_mm

    def _hear(self, event: Event) -> None:
        if isinstance(event, LinksChanged):
            self._grid.links.meet()
        elif isinstance(event, HoldingsChanged):  # a study that is opened again asks again
            self._asked &= {place.study.uid for place in self._session.studies.places()}

    def _show_progress(self, done: int, total: int) -> None:
        self._window.status.show_progress(tr("Registering") if total else "", done, total)


def _is_deep(place: Place) -> bool:
    return place.stack.is_in_space and min(place.stack.geometry.shape) >= 3


def _frames(one: Place, other: Place) -> frozenset[str]:
    """The frames of reference of two stacks, the series themselves where none is named."""
    return frozenset(p.stack.frame_of_reference_uid or p.series.uid for p in (one, other))
