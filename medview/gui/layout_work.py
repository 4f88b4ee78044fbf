"""What the actions of layouts and links do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint

from medview.core.layout import layout_name
from medview.core.words import Sentence, say
from medview.gui.bridge import SessionBridge
from medview.gui.dialogs.layout_picker import LayoutMenu
from medview.session.events import ActiveChanged, Event, WorkChanged
from medview.session.offsets import Offsets
from medview.session.places import Key

if TYPE_CHECKING:
    from medview.gui.view_grid import ViewGrid
    from medview.gui.window import MainWindow

_IN_THE_MENU = (
    "layout.planes", "layout.second_window", "layout.link_here", "layout.unlink",
    "layout.linked_scroll", "layout.linked_zoom", "layout.linked_window", "layout.reference_lines",
)  # fmt: skip
_SWITCHES = {
    "linked_scroll": "scroll",
    "linked_zoom": "zoom",
    "linked_window": "window",
    "reference_lines": "lines",
}


class LayoutWork:
    """Connects the layout's actions to the grid that the reader works in."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._across = Offsets()  # links by hand between two patients
        self._menu = LayoutMenu(window)
        window.actions_.list_in(self._menu, [window.actions_[name] for name in _IN_THE_MENU])
        window.top.set_layout_menu(self._menu)
        self._connect_layouts()
        self._connect_links()

    @property
    def _grid(self) -> ViewGrid:
        return self._window.grid

    def _connect_layouts(self) -> None:
        on, window = self._window.actions_.connect, self._window
        for rows, columns in ((1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3), (4, 4)):
            name = layout_name(rows, columns)
            on(f"layout.{name}", partial(window.preferences.set_layout, name))
        on("layout.choose", self._choose)
        on("layout.planes", partial(window.preferences.set_layout, "planes"))
        on("layout.empty", self._empty)
        for plane in ("native", "axial", "coronal", "sagittal", "volume"):
            on(f"layout.plane_{plane}", partial(self._show_plane, plane))
        self._menu.chosen.connect(
            lambda rows, columns: window.actions_.perform("layout.set", rows=rows, columns=columns)
        )
        window.grid.layout_changed.connect(window.top.show_layout)

    def _connect_links(self) -> None:
        on, settings = self._window.actions_.connect, self._window.session.settings
        SessionBridge(self._window.session, self._window).heard.connect(self._hear)
        on("layout.link_here", self._link_here)
        on("layout.unlink", self._unlink)
        for name, switch in _SWITCHES.items():
            on(f"layout.{name}", partial(self._turn, name, switch))
            action = self._window.actions_[f"layout.{name}"]
            setattr(self._grid.links.switches, switch, getattr(settings, name))
            action.setChecked(getattr(settings, name))

    def _choose(self) -> None:
        state = self._grid.state
        self._menu.picker.point_at(state.rows, state.columns)
        button = self._window.top.layout_button
        self._menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def _empty(self) -> None:
        tile = self._grid.active_tile
        self._grid.hang(None, tile.plane, tile.number)

    def _show_plane(self, plane: str) -> None:
        tile = self._grid.active_tile
        if tile.key is None:
            self._say_empty()
        elif plane in ("native", "volume") or tile.is_in_space:
            self._grid.hang(tile.key, plane, tile.number)
        else:
            self._window.reactions.say(say("A single picture has no other planes."), "warn")

    def _link_here(self) -> None:
        count = self._grid.links.link_here(self._grid.active_tile)
        if count:
            self._keep_links(say("Link by hand"))
            said = say("The slices that are shown belong together now: {count} linked.",
                       count=count + 1)  # fmt: skip
            self._window.reactions.say(said)
        else:
            self._window.reactions.say(
                say("There is nothing to link: show slices of another series in this direction."),
                "warn",
            )

    def _unlink(self) -> None:
        is_gone = self._grid.links.unlink(self._grid.active_tile)
        if is_gone:
            self._keep_links(say("Take a link by hand back"))
        self._window.reactions.say(
            say("The link by hand is taken back.") if is_gone else say("There is no link by hand.")
        )

    def _keep_links(self, name: Sentence) -> None:
        """A patient's own links go into their work, those of two patients hold for this session."""
        session = self._window.session
        place = session.active
        if place is None:
            return
        mine: set[Key] = set()
        others = set(self._across.anchors)
        for each in session.studies.places():
            (mine if each.is_of_patient_with(place) else others).add(each.key)
        own, self._across = self._grid.links.offsets.apart(others - mine)
        book = session.made.book_of(place)
        if own.stacks != book.work.linked:
            book.change(name, linked=own.stacks)

    def _hear(self, event: Event) -> None:
        """Links by hand come back with the patient, and go with undo."""
        if isinstance(event, WorkChanged | ActiveChanged):
            kept = Offsets.of(self._window.session.work.linked).joined(self._across)
            if kept != self._grid.links.offsets:
                self._grid.links.offsets = kept
                self._grid.links.show_lines()

    def _turn(self, name: str, switch: str, on: bool) -> None:
        links = self._grid.links
        setattr(links.switches, switch, on)
        links.show_lines()
        self._window.preferences.remember(**{name: on})

    def _say_empty(self) -> None:
        self._window.reactions.say(say("This view is empty: drag a series into it."), "warn")
