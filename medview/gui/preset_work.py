"""The windows that the active view can have: by the bar's menu, by digits, by their names."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from medview.core.words import say, tr
from medview.gui.views.corners import figure, window_text
from medview.imaging.presets import presets_for
from medview.imaging.window import Window, file_windows

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.imaging.preset_files import Preset

_NUMBERS = range(2, 10)  # the digits that presets have; 0 and 1 hold for every series


class PresetWork:
    """Names the window in use and those to choose from, in the bar, the menus and the palette."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        window.grid.window_changed.connect(self._show_window)
        window.grid.active_changed.connect(self.show)
        window.top.preset_chosen.connect(self._choose)
        for number in _NUMBERS:
            window.actions_.connect(f"window.preset_{number}", partial(self._miss, number))

    def show(self) -> None:
        """The windows of the series that is active now, in the unit that is shown."""
        window, presets = self._window, self._presets()
        for number in _NUMBERS:
            has_one = number - 2 < len(presets)
            name = tr(presets[number - 2].name) if has_one else ""
            window.actions_.call(f"window.preset_{number}", name)
        shown = window.grid.active_view.stage.shown
        if shown is None or shown.volume.is_colour:  # colours are shown as they are
            window.top.set_presets([])
            window.top.show_preset("", "")
            return
        own = file_windows(shown.volume, window.grid.active_view.stage.acquired)
        titles = [window_text(each) for each in own] if len(own) > 1 else []
        named = [tr(preset.name) for preset in presets]
        window.top.set_presets([tr("Automatic"), tr("As in the file"), *named], titles)
        self._show_window(window.grid.window_in_use)

    def _presets(self) -> tuple[Preset, ...]:
        shown = self._window.grid.active_view.stage.shown
        if shown is None or shown.volume.is_colour:
            return ()
        return presets_for(shown.volume.modality, shown.volume.unit)

    def _choose(self, number: int) -> None:
        self._window.grid.active_view.apply_preset(number)

    def _miss(self, number: int) -> None:
        """A digit that stands for nothing here says so: the picture does not change by it."""
        shown = self._window.grid.active_view.stage.shown
        if shown is None or number - 2 < len(self._presets()):
            return
        if shown.volume.is_colour:
            said = say("Pictures in colour have no window.")
        else:
            said = say(
                "{modality} has no window preset {number}. Settings (Ctrl+,) takes up your own.",
                modality=shown.volume.modality,
                number=number,
            )
        self._window.reactions.say(said)

    def _show_window(self, window: Window) -> None:
        name = tr(window.name) if window.name else ""
        shown = self._window.grid.active_view.stage.shown
        if shown is not None and not shown.volume.is_colour:
            numbers = f"W {figure(window.width)}  L {figure(window.center)}"
            self._window.top.show_preset(name, numbers)
