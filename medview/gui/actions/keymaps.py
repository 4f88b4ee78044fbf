"""Ready maps of keys and mouse, and the reader's own: TOML files, read with care.

A file has `base` (the ready map that it changes), `[keys]` (an action's name to its shortcuts,
parted by "; ", "" for none) and `[mouse]` (`middle`, `right` to what a drag does).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from medview.core.errors import InvalidInput
from medview.core.files import write_private
from medview.core.paths import resources_dir, user_config_dir
from medview.core.words import say
from medview.gui.actions.bindings import Bindings, sequences
from medview.gui.actions.table import ROWS

DRAGS = ("pan", "zoom", "scroll", "window", "menu")  # what the middle and right button may do
MAPS = ("medview", "horos", "ohif", "weasis")
_MOST_BYTES = 256 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMap:
    """Changes against the table of actions. base: the ready map below them, "" for a ready map."""

    base: str = "medview"
    keys: Mapping[str, str] = field(default_factory=dict)
    mouse: Mapping[str, str] = field(default_factory=dict)

    def all_keys(self) -> dict[str, str]:
        """Shortcuts of every action that differs from the table."""
        below = ready_map(self.base).keys if self.base else {}
        return {**below, **self.keys}

    def drag(self, button: str) -> str:
        """What a drag with a button (`middle`, `right`) does, one of DRAGS."""
        below = ready_map(self.base).mouse if self.base else {}
        return {"middle": "pan", "right": "zoom", **below, **self.mouse}[button]

    def bindings(self) -> Bindings:
        """The shortcuts of all actions."""
        return Bindings(ROWS, self.all_keys())

    def with_keys(self, action_id: str, keys: tuple[str, ...]) -> KeyMap:
        """Other shortcuts for one action; those that the map below has are no change."""
        kept = {name: value for name, value in self.keys.items() if name != action_id}
        below = replace(self, keys={}).bindings().keys(action_id)
        own = {} if keys == below else {action_id: "; ".join(keys)}
        return replace(self, keys={**kept, **own})


@cache
def ready_map(name: str) -> KeyMap:
    """A map of `resources/keys`; MedView's own for an unknown name."""
    known = name if name in MAPS else "medview"
    return replace(read_keymap(resources_dir() / "keys" / f"{known}.toml"), base="")


def read_keymap(path: Path) -> KeyMap:
    """Read a map. Raises InvalidInput, in a sentence, where it is none or binds a key twice.

    Actions that this MedView does not know are left out.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InvalidInput(say("The file of keys is too large."), str(path))
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(say("The file of keys cannot be read."), str(path)) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(say("The file of keys is no TOML."), str(path)) from error
    base = found.get("base", "medview")
    made = KeyMap(
        base=base if base in MAPS else "medview",
        keys=_keys(found.get("keys", {}), path),
        mouse=_mouse(found.get("mouse", {}), path),
    )
    if path.parent != resources_dir() / "keys":
        _check(made, path)
    return made


def user_keymap_path() -> Path:
    """Where the reader's own map lies."""
    return user_config_dir() / "keys.toml"


def write_keymap(keymap: KeyMap, path: Path) -> None:
    """Write a map whole. Raises OSError."""
    lines = [f"base = {_quoted(keymap.base)}", "", "[keys]"]
    lines += [f"{_quoted(name)} = {_quoted(keys)}" for name, keys in sorted(keymap.keys.items())]
    lines += ["", "[mouse]"]
    lines += [f"{name} = {_quoted(drag)}" for name, drag in sorted(keymap.mouse.items())]
    write_private(path, "\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML basic string


def _keys(found: object, path: Path) -> dict[str, str]:
    known = {row.id for row in ROWS}
    if not isinstance(found, dict):
        raise InvalidInput(say("The file of keys has no list of keys."), str(path))
    for name, keys in found.items():
        parts = [part for part in str(keys).split("; ") if part.strip()]
        if not isinstance(keys, str) or len(sequences(keys)) != len(parts):
            raise InvalidInput(say("{key} is no key ({action}).", key=keys, action=name), str(path))
    return {name: keys for name, keys in found.items() if name in known}


def _mouse(found: object, path: Path) -> dict[str, str]:
    if not isinstance(found, dict):
        raise InvalidInput(say("The file of keys has no list of keys."), str(path))
    for button, drag in found.items():
        if button not in ("middle", "right") or drag not in DRAGS:
            raise InvalidInput(
                say("The mouse's {button} button cannot do {what}.", button=button, what=drag),
                str(path),
            )
    return dict(found)


def _check(keymap: KeyMap, path: Path) -> None:
    for key, ids in keymap.bindings().conflicts().items():
        raise InvalidInput(
            say("{key} is bound twice: {actions}.", key=key, actions=", ".join(ids)), str(path)
        )
