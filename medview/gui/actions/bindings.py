"""Which keys call which action: the table's own, or what the reader made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from medview.gui.actions.row import Row

_PLAIN = re.compile(
    r"(Shift\+)?(.|Left|Right|Up|Down|Home|End|PgUp|PgDown|Del|Backspace|Return|Enter|Tab|Esc|Space)"
)


def sequences(keys: str) -> tuple[str, ...]:
    """Qt's portable names of shortcuts that are parted by "; "; what is no shortcut is left out."""
    found = (QKeySequence(part.strip()).toString() for part in keys.split("; ") if part.strip())
    return tuple(dict.fromkeys(name for name in found if name))


def shown_keys(keys: Iterable[str]) -> list[str]:
    """Shortcuts as this system writes them."""
    return [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys]


def is_plain(key: str) -> bool:
    """Whether a shortcut is a sign, an arrow or the like: what fields one types into need."""
    return _PLAIN.fullmatch(key) is not None


def pressed(event: QKeyEvent) -> tuple[str, ...]:
    """The names under which a key press may be bound, the exact one first.

    A sign that takes Shift on this keyboard (`+`, `?`) is also found by itself.
    """
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    key = Qt.Key.Key_Tab if event.key() == Qt.Key.Key_Backtab else event.key()
    exact = QKeySequence(int(key) | int(modifiers.value)).toString()
    sign = event.text()
    if sign.isprintable() and len(sign) == 1 and not sign.isalnum() and sign != " ":
        bare = modifiers & ~Qt.KeyboardModifier.ShiftModifier
        if not bare:
            return exact, QKeySequence(sign).toString()
    return (exact,)


class Bindings:
    """Shortcuts by action: `changes` replace the defaults of the rows that they name.

    A changed key outweighs another action's default, so that an action that comes with a later
    MedView never breaks the reader's map.
    """

    def __init__(self, rows: Iterable[Row], changes: Mapping[str, str] | None = None) -> None:
        self._rows = {row.id: row for row in rows}
        self._keys = {row.id: sequences(row.keys) for row in self._rows.values()}
        for action_id, keys in (changes or {}).items():
            if action_id in self._keys:
                self._keys[action_id] = sequences(keys)
        self._yield(frozenset(changes or ()))
        self._in_views = self._plain(in_volume=False)
        self._in_volume = self._plain(in_volume=True)

    def keys(self, action_id: str) -> tuple[str, ...]:
        """The shortcuts of an action, the one to be shown first."""
        return self._keys[action_id]

    def _plain(self, *, in_volume: bool) -> dict[str, str]:
        return {
            key: action_id
            for action_id, keys in self._keys.items()
            if (row := self._rows[action_id]).is_plain and row.in_volume == in_volume
            for key in keys
        }

    def answer(self, event: QKeyEvent, *, in_volume: bool = False) -> str:
        """The action that a key press in an image view (or the volume's) asks for, "" for none."""
        known = self._in_volume if in_volume else self._in_views
        found = (known.get(name, "") for name in pressed(event))
        action_id = next((name for name in found if name), "")
        if action_id and event.isAutoRepeat() and not self._rows[action_id].repeats:
            return ""
        return action_id

    def conflicts(self) -> dict[str, tuple[str, ...]]:
        """Shortcuts that more than one action has in the same place, with those actions."""
        owners: dict[str, list[str]] = {}
        for action_id, keys in self._keys.items():
            for key in keys:
                owners.setdefault(key, []).append(action_id)
        return {key: tuple(ids) for key, ids in owners.items() if self._clash(ids)}

    def _yield(self, chosen: frozenset[str]) -> None:
        """A key that was chosen for one action is taken from those that have it by default."""
        for key, ids in self.conflicts().items():
            if chosen.intersection(ids):
                for action_id in set(ids) - chosen:
                    kept = tuple(each for each in self._keys[action_id] if each != key)
                    self._keys[action_id] = kept

    def _clash(self, ids: list[str]) -> bool:
        """One for the image views and one for the volume's get on with each other."""
        rows = [self._rows[action_id] for action_id in ids]
        in_volume = sum(row.in_volume for row in rows)
        is_everywhere = any(not row.is_plain for row in rows)
        return len(ids) > 1 and (is_everywhere or in_volume > 1 or len(ids) - in_volume > 1)
