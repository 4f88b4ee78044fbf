"""The reader's keys and mouse in the window: read at its start, changed in the settings, kept."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.gui.actions.keymaps import KeyMap, read_keymap, user_keymap_path, write_keymap
from medview.gui.actions.row import LETTERS
from medview.gui.tools.habits import habits, use_habits

if TYPE_CHECKING:
    from medview.gui.dialogs.keys_page import KeysPage
    from medview.gui.window import MainWindow


class KeyWork:
    """Holds the map in use. A file that is broken is said and left as it is; the defaults hold."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.keymap = KeyMap()
        path = user_keymap_path()
        if path.is_file():
            try:
                self.keymap = read_keymap(path)
            except InvalidInput as error:
                window.reactions.say(error.what, "warn", error.where)
                window.reactions.say(say("MedView's own keys hold."), "warn")
        self._take_up()
        for group in LETTERS:
            window.actions_.connect(f"menu.{group}", partial(window.top.open_menu, group))

    def use(self, keymap: KeyMap) -> None:
        """Take a map up at once, and keep it."""
        self.keymap = keymap
        self._take_up()
        try:
            write_keymap(keymap, user_keymap_path())
        except OSError:
            self._window.reactions.say(say("The keys could not be saved."), "warn")

    def page(self, parent: QWidget) -> KeysPage:
        """The page of the settings on which they are changed."""
        from medview.gui.dialogs.keys_page import KeysPage

        made = KeysPage(self.keymap, parent)
        made.changed.connect(self.use)
        return made

    def _take_up(self) -> None:
        self._window.actions_.bind(self.keymap.bindings())
        middle, right = self.keymap.drag("middle"), self.keymap.drag("right")
        use_habits(replace(habits(), middle=middle, right=right))
