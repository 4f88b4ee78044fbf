"""Which colours a grey picture is shown in: grey as a rule, another map where the reader wants."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from medview.core.words import say
from medview.imaging.colour_maps import GREY, MAPS

if TYPE_CHECKING:
    from medview.gui.window import MainWindow


class ColoursWork:
    """Colours every view of the active stack; a reset of the view brings grey back."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._grid = window.grid
        self._names = {name: f"colours.{name.replace('-', '_')}" for name, _ in MAPS}
        for name, action_id in self._names.items():
            window.actions_.connect(action_id, partial(self.choose, name))
        self._grid.active_changed.connect(lambda _tile: self.show())
        window.showing.shown.connect(lambda _key: self.show())

    def choose(self, name: str) -> None:
        """Show the active stack through a colour map."""
        tile = self._grid.active_tile
        shown = tile.view.stage.shown
        if shown is not None and shown.volume.is_colour:
            self._window.reactions.say(say("This picture has colours of its own."))
        elif shown is not None:
            for other in self._grid.all_tiles:
                if other.key == tile.key:
                    stage = other.view.stage
                    stage.change(replace(stage.state, colour_map=name))
        self.show()

    def show(self) -> None:
        """Mark the colours in use."""
        in_use = self._grid.active_view.stage.state.colour_map or GREY
        for name, action_id in self._names.items():
            self._window.actions_[action_id].setChecked(name == in_use)
