"""What an action is: its name, words, keys, where they hold and which parameters it takes."""

from __future__ import annotations

from typing import Literal, NamedTuple

# Prefixes of the actions' names, in the order of the menus, with the menus' titles.
GROUPS = {
    "file": "File",
    "edit": "Edit",
    "view": "View",
    "layout": "Layout",
    "window": "Window",
    "colours": "Colours of the picture",
    "series": "Series and slices",
    "cine": "Cine",
    "fusion": "Fusion",
    "planes": "Planes and slabs",
    "tool": "Tools",
    "measure": "Measurements and key images",
    "volume": "Volume",
    "segment": "Segments",
    "record": "Record",
    "models": "Analysis",
    "help": "Help",
    "menu": "Menus",
}
# Which letter opens a group's menu with Alt.
LETTERS = {
    "file": "F", "edit": "E", "view": "V", "layout": "Y", "window": "W", "series": "S",
    "colours": "K", "cine": "C", "fusion": "U", "planes": "P", "tool": "T", "measure": "M",
    "segment": "G", "volume": "O", "record": "D", "models": "A", "help": "H",
}  # fmt: skip

_LARGEST = 1e15  # beyond it a sum loses what a reader could see

Kind = Literal["text", "number", "whole", "switch", "texts", "numbers", "value"]


class Parameter(NamedTuple):
    """One plain JSON parameter of an action.

    kind: text, number, whole (an integer), switch (true or false), texts and numbers (lists),
    value (any JSON of finite numbers and whole characters, judged by the handler). What is not
    required may be left out.
    """

    name: str
    kind: Kind
    is_required: bool = True

    def accepts(self, value: object) -> bool:
        """Whether a value read from JSON is of this kind."""
        if self.kind in ("text", "switch"):
            return isinstance(value, str if self.kind == "text" else bool) and _is_plain(value)
        if self.kind in ("number", "whole"):
            return _is_number(value, is_whole=self.kind == "whole")
        if self.kind == "value":
            return _is_plain(value)
        is_one = _is_number if self.kind == "numbers" else _is_text
        return isinstance(value, list) and all(map(is_one, value))


class Row(NamedTuple):
    """One action.

    id: `group.name`, known to scripts and key maps: it never changes. title: English, translated
    when it is shown. keys: shortcuts, several parted by "; ". in_views: its keys reach the image
    views only, so plain letters may be used. in_volume: the same for the volume view. switch: on
    or off, its handler gets `on`. is_marked: one of several to choose from, shown with a mark.
    repeats: goes on while the key is held. peeks: undone when its key was held. is_scripted:
    whether a recording repeats it; what asks the reader something (its title ends in "…") or only
    shows something is not. An action with a required parameter is for scripts and code alone: it
    stands in no menu.
    """

    id: str
    title: str
    icon: str = ""
    keys: str = ""
    in_views: bool = False
    in_volume: bool = False
    switch: bool = False
    is_marked: bool = False
    repeats: bool = False
    peeks: bool = False
    is_scripted: bool = True
    parameters: tuple[Parameter, ...] = ()

    @property
    def is_repeatable(self) -> bool:
        """Whether a script may do it: nothing that waits for an answer, nothing that ends it."""
        return self.is_scripted and not self.title.endswith("…")

    @property
    def group(self) -> str:
        """The menu it stands in, a key of GROUPS."""
        return self.id.partition(".")[0]

    @property
    def is_plain(self) -> bool:
        """Whether its keys hold in some views alone, and so may be letters."""
        return self.in_views or self.in_volume

    @property
    def takes(self) -> tuple[Parameter, ...]:
        """Its parameters; a switch may be told which way."""
        on = (Parameter("on", "switch", is_required=False),)
        return self.parameters + (on if self.switch else ())

    @property
    def is_listed(self) -> bool:
        """Whether it stands in menus and the palette."""
        is_complete = not any(parameter.is_required for parameter in self.parameters)
        return is_complete and self.group != "menu"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object, *, is_whole: bool = False) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int if is_whole else int | float) and _is_plain(value)


def _is_plain(value: object) -> bool:
    """Whether numbers in a value of JSON can be reckoned with, and words be written to a file."""
    if isinstance(value, dict):
        return all(_is_plain(name) and _is_plain(each) for name, each in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, str):  # half of a pair of surrogates is no character
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return not isinstance(value, int | float) or abs(value) <= _LARGEST
