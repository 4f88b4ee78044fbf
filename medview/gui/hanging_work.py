"""Hanging in the window: what was opened hangs by the rule that fits it; stages; saving one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt

from medview.core.errors import MedViewError
from medview.core.layout import TileState
from medview.core.words import Sentence, say, tr
from medview.gui.bridge import SessionBridge
from medview.gui.priors_work import PriorsWork
from medview.gui.views.tile import Tile
from medview.imaging.presets import presets_for
from medview.session.candidates import exam_of, fitting_prior
from medview.session.events import Event, StudiesOpened
from medview.session.hanging import Rule, TileRule
from medview.session.hanging_files import said_of
from medview.session.hanging_match import (
    Exam,
    Hung,
    Over,
    hang,
    ranked,
    rule_of,
    usable_stages,
)
from medview.session.places import Key, Place

if TYPE_CHECKING:
    from medview.gui.dialogs.hanging import HangingDialog
    from medview.gui.window import MainWindow

T = TypeVar("T")
_Stand = tuple[str, tuple[tuple[Key | None, str], ...]]


class HangingWork(QObject):
    """Puts series into tiles by rules; `hang_by` is the front door."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.is_off = False  # whoever started the program said how it is to stand
        self._window = window
        self._session = window.session
        self._grid = window.grid
        self._hung: Hung | None = None
        self._stood: _Stand | None = None  # how the grid stood when it had been hung
        self._main: Key | None = None  # what was looked at when it was hung
        self._awaited: Key | None = None  # whose place the others go to once it is there
        self._noted: set[str] = set()  # rule files that were named as left out
        self.priors = PriorsWork(window)
        on = window.actions_.connect
        on("layout.next_stage", partial(self.step, 1))
        on("layout.previous_stage", partial(self.step, -1))
        on("layout.hang_as_this", self.save)
        on("layout.forget_hanging", self.take_back)
        on("layout.hanging_rules", self.show_rules)
        on("layout.hang", self._hang_named)
        SessionBridge(self._session, self).heard.connect(self._hear)
        window.showing.shown.connect(self._meet)
        window.showing.emptied.connect(self._stand_as_chosen)

    # -- what the reader asks for ----------------------------------------------------------

    def hang_by(self, rule: Rule, stage: int | None = None) -> bool:
        """Hang what is looked at by a rule, by its first stage that finds what it needs.

        False where none of its stages does.
        """
        exam = self.exam()
        stages = [] if exam is None else usable_stages(rule, exam)
        if exam is None or not stages:
            return False
        self._apply(hang(rule, stages[0] if stage is None else stage, exam))
        return True

    def choose(self, rule: Rule) -> None:
        """Hang by a rule that the reader picked; a script can repeat it."""
        self._window.actions_.perform("layout.hang", rule=rule.id)

    def step(self, by: int) -> None:
        """The next (or an earlier) stage of the rule in use that finds what it needs."""
        exam = self.exam()
        rule = None if self._hung is None else self._hung.rule
        if exam is None or rule is None or self._hung is None:
            self._say(say("Nothing hangs by a rule here."))
            return
        stages = usable_stages(rule, exam)
        if len(stages) < 2:
            self._say(say("This hanging has one arrangement only: {rule}.", rule=say(rule.name)))
            return
        now = stages.index(self._hung.stage) if self._hung.stage in stages else 0
        stage = stages[(now + by) % len(stages)]
        self._apply(hang(rule, stage, exam))
        self._say(
            say(
                "{rule}: {stage} ({number} of {count})",
                rule=say(rule.name),
                stage=say(rule.stages[stage].name or rule.stages[stage].layout),
                number=stages.index(stage) + 1,
                count=len(stages),
            )
        )

    def save(self) -> None:
        """What is on the screen becomes the rule for studies like this one."""
        exam, active = self.exam(), self._session.active
        if exam is None or active is None:
            self._say(say("Open a study first."), "warn")
            return
        parts = ", ".join(sorted(exam.parts)) or active.study.description
        name = " ".join(word for word in (active.series.modality, parts) if word)
        over = [_over(tile) for tile in self._grid.all_tiles]
        rule = rule_of(self._grid.state, exam, f"{name} ({tr('mine')})", over)
        if rule is None:
            self._say(say("There is nothing on the screen to hang by."), "warn")
            return
        saved = self._tried(lambda: self._session.hanging.save(rule))
        if saved is None:
            return
        self._hung, self._stood = hang(saved, 0, exam), self._standing()
        self._say(say("Studies like this one hang so from now on: {rule}.", rule=saved.name))

    def take_back(self) -> None:
        """Undo the last change of a rule."""
        name = self._tried(self._session.hanging.undo)
        if name is not None:
            self._say(say("Undone: {name}", name=name))
        elif self._session.hanging.undo_name is None:
            self._say(say("There is nothing to undo."))

    def show_rules(self) -> HangingDialog:
        """The list of rules: to hang by, to edit, to delete."""
        from medview.gui.dialogs.hanging import HangingDialog

        dialog = HangingDialog(self, self._session.hanging, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
        return dialog

    def fitting(self) -> list[Rule]:
        """The rules that fit what is looked at, the best first."""
        exam = self.exam()
        return [] if exam is None else ranked(self._session.hanging.rules.rules, exam)

    @property
    def rule(self) -> Rule | None:
        """The rule in use."""
        return None if self._hung is None else self._hung.rule

    def exam(self) -> Exam | None:
        """What is looked at, with its fitting prior, as rules see it.

        Where the reader turned to the prior that hangs beside, the newer study stays the one.
        """
        active = self._with_its_prior(self._session.active)
        if active is None:
            return None
        prior = None
        if self._session.settings.open_priors:
            prior = fitting_prior(active, self._session.patient)
        return exam_of(active, None if prior is None else prior.study)

    def _with_its_prior(self, active: Place | None) -> Place | None:
        """The series that hangs with a prior in which `active` is; else `active` itself."""
        main = None if self._main is None else self._session.studies.place(self._main)
        if active is None or main is None or not active.is_of_patient_with(main):
            return active
        prior = fitting_prior(main, self._session.patient)
        is_prior = prior is not None and prior.study.uid == active.study.uid
        return main if is_prior else active

    def _hang_named(self, rule: str) -> None:
        found = [r for r in self._session.hanging.rules.rules if rule in (r.id, r.name)]
        if not found or not self.hang_by(found[0]):
            self._say(say("No hanging rule of this name fits here: {rule}.", rule=rule), "warn")

    # -- what is opened --------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        if isinstance(event, StudiesOpened):
            self._opened(event.studies)

    def _opened(self, studies: tuple[str, ...]) -> None:
        """A study that was opened hangs; a prior that came later joins what stands untouched."""
        active = self._session.active
        if active is None or self.is_off or not self._session.settings.hang:
            return
        looked_at = self._with_its_prior(active) or active
        if looked_at is not active and active.study.uid in studies:
            self._session.select(looked_at.key)  # an earlier study was opened beside what hangs
        is_new = active.study.uid in studies
        if not is_new and (self._stood is None or self._stood != self._standing()):
            return
        self._window.operations.start(self._hang_opened(looked_at))

    async def _hang_opened(self, place: Place) -> None:
        """Read the rules, which may have been edited outside, and hang by the best."""
        book = self._session.hanging
        rules = await self._window.operations.call(book.read_again)
        for note in rules.notes:
            if note.file not in self._noted:
                self._noted.add(note.file)
                self._say(said_of(note), "warn")
        active = self._with_its_prior(self._session.active)
        if active is None or active.study.uid != place.study.uid:
            return  # the reader turned elsewhere
        fitting = self.fitting()
        if not fitting:
            self._hung = self._stood = None
            return
        self.hang_by(fitting[0])

    def _stand_as_chosen(self) -> None:
        """Nothing is open any more: as many views as the reader chose, whatever a rule made."""
        if self._hung is not None:
            self._hung = self._stood = None
            self._window.preferences.set_layout(self._session.settings.layout)

    def _apply(self, hung: Hung) -> None:
        grid, stage = self._grid, hung.rule.stages[hung.stage]
        rows, columns = stage.shape
        wanted = [(key, tile.plane) for key, tile in zip(hung.keys, stage.tiles, strict=True)]
        wanted += [(None, "native")] * (rows * columns - len(wanted))
        if self._standing() != (stage.layout, tuple(wanted)):
            grid.set_layout_name(stage.layout)
            for number, (key, plane) in enumerate(wanted):
                tile = stage.tiles[number] if number < len(stage.tiles) else TileRule()
                grid.hang(key, plane, number, self._state_of(tile, key))
            self._look_at_active([key for key, _ in wanted])
        self._lay_over(hung)
        self._hung, self._stood = hung, self._standing()
        active = self._with_its_prior(self._session.active)
        self._main = None if active is None else active.key
        self._awaited = grid.active_tile.key
        if grid.active_tile.opened is not None:
            self._meet(self._awaited)

    def _meet(self, key: Key | None) -> None:
        """Once the active series is there, the others that hang go to its place.

        One that was in memory before it stands in its own middle, which may lie outside.
        """
        if key is not None and key == self._awaited:
            self._awaited = None
            self._grid.links.meet()

    def _lay_over(self, hung: Hung) -> None:
        """What a rule lays over the series of a tile; what an earlier stage laid there goes."""
        if self._hung is not None and any(self._hung.over):
            self._window.fusion.clear()
        for number, (key, over) in enumerate(zip(hung.keys, hung.over, strict=True)):
            if key is not None and over is not None:
                self._window.fusion.fuse(key, over, hung.tiles[number].blend, tile=number)

    def _look_at_active(self, keys: list[Key | None]) -> None:
        """The tile of the series that is looked at is the active one."""
        active = self._session.active
        shown = [n for n, key in enumerate(keys) if key is not None]
        own = [n for n in shown if active is not None and keys[n] == active.key]
        first = next(iter(own or shown), 0)
        self._grid.activate(self._grid.all_tiles[first])

    def _standing(self) -> _Stand:
        grid = self._grid
        rows, columns = (int(n) for n in grid.layout_name.split("x"))
        tiles = grid.all_tiles[: rows * columns]
        return grid.layout_name, tuple((tile.key, tile.plane) for tile in tiles)

    def _state_of(self, tile: TileRule, key: Key | None) -> TileState | None:
        """How a tile is to stand where its rule says so, None as the stack opens."""
        window = None if key is None else self._window_of(tile.window, key)
        slab = (tile.projection, tile.thickness_mm) if tile.projection else None
        if window is None and not tile.inverted and slab is None:
            return None
        return TileState(
            key=key, plane=tile.plane, window=window, is_inverted=tile.inverted, slab=slab
        )

    def _window_of(self, window: str | tuple[float, float], key: Key) -> tuple[float, float] | None:
        """(centre, width) of a rule's window; a preset of another modality says nothing."""
        if not isinstance(window, str):
            return window
        place = self._session.studies.place(key)
        if place is None or not window:
            return None
        presets = presets_for(place.series.modality, place.stack.unit)
        named = (p.window for p in presets if window.lower() in (p.id, p.name.lower()))
        found = next(named, None)
        return None if found is None else (found.center, found.width)

    # -- words -----------------------------------------------------------------------------

    def _tried(self, work: Callable[[], T]) -> T | None:
        """What a change of the rules gives; a refusal is said."""
        try:
            return work()
        except MedViewError as error:
            self._window.reactions.say(error.what, "bad", error.where)
            return None

    def _say(self, sentence: Sentence, level: str = "info") -> None:
        self._window.reactions.say(sentence, level)


def _over(tile: Tile) -> Over | None:
    """What lies over a tile's series."""
    upper = tile.view.stage.upper
    return None if upper is None else (upper.key, float(upper.blend))
