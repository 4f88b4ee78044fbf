"""Keys and mouse in the settings: search, press the new key, see what it would be taken from."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QKeySequenceEdit,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medview.core.words import tr
from medview.gui.actions import GROUPS, ROWS, Row
from medview.gui.actions.bindings import Bindings, is_plain, shown_keys
from medview.gui.actions.keymaps import DRAGS, MAPS, KeyMap
from medview.gui.cards import button, label, row
from medview.gui.style import GRID

_ID = Qt.ItemDataRole.UserRole


class KeysPage(QWidget):
    """Every change holds at once."""

    changed = Signal(object)  # KeyMap

    def __init__(self, keymap: KeyMap, parent: QWidget) -> None:
        super().__init__(parent)
        self._keymap = keymap
        self._taking = ""  # a key that another action has, asked for once
        self.base = _choice([(name, _titles()[name]) for name in MAPS], keymap.base)
        self.drags = {
            "middle": self._drag_choice("middle"),
            "right": self._drag_choice("right"),
        }
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search by action or key"))
        self.search.setAccessibleName(tr("Search by action or key"))
        self.search.setClearButtonEnabled(True)
        self.list = QTreeWidget()
        self.list.setHeaderLabels([tr("Action"), tr("Keys")])
        self.list.setRootIsDecorated(False)
        self.list.setAccessibleName(tr("Actions"))
        self.list.setColumnWidth(0, 280)
        self.list.setMinimumHeight(260)
        self.press = QKeySequenceEdit()
        self.press.setMaximumSequenceLength(1)
        self.press.setAccessibleName(tr("Press the new key"))
        self.press.setToolTip(tr("Press the new key"))
        for field in self.press.findChildren(QLineEdit):  # Qt's own words are English alone
            field.setPlaceholderText(tr("Press the new key"))
        self.said = label("", "muted")
        self._lay_out()
        self.search.textChanged.connect(self._narrow)
        self.list.currentItemChanged.connect(self._chosen)
        self.base.currentIndexChanged.connect(self._take_base)
        self._fill()

    # -- what the reader does --------------------------------------------------------------

    def give(self, key: str) -> None:
        """Bind a key to the chosen action; one that another has is taken at the second time."""
        chosen = self._row()
        if chosen is None or not key:
            self._say(tr("Choose an action and press a key."))
            return
        if is_plain(key) and not chosen.is_plain:
            self._say(tr("{key} alone would be lost for typing: add Ctrl or Alt.", key=_shown(key)))
            return
        others = self._owners(key, chosen)
        if others and self._taking != key:
            self._taking = key
            names = ", ".join(tr(other.title) for other in others)
            self._say(
                tr("{key} belongs to “{name}”. Give it again to take it from there.",
                   key=_shown(key), name=names)
            )  # fmt: skip
            return
        keymap, bindings = self._keymap, self._keymap.bindings()
        for other in others:
            left = tuple(each for each in bindings.keys(other.id) if each != key)
            keymap = keymap.with_keys(other.id, left)
        own = bindings.keys(chosen.id)
        self._use(keymap.with_keys(chosen.id, (*own, key) if key not in own else own))
        self._say(tr("{key} now does “{name}”.", key=_shown(key), name=tr(chosen.title)))

    def clear(self) -> None:
        """The chosen action has no key any more."""
        chosen = self._row()
        if chosen is not None:
            self._use(self._keymap.with_keys(chosen.id, ()))

    def reset(self) -> None:
        """The chosen action's keys as in the ready map, where no other action has them."""
        chosen = self._row()
        if chosen is None:
            return
        wanted = replace(
            self._keymap,
            keys={name: keys for name, keys in self._keymap.keys.items() if name != chosen.id},
        )
        below = KeyMap(base=self._keymap.base).bindings().keys(chosen.id)
        lost = [key for key in below if key not in wanted.bindings().keys(chosen.id)]
        if lost:
            owners = [each for each in ROWS if lost[0] in wanted.bindings().keys(each.id)]
            names = ", ".join(tr(each.title) for each in owners)
            self._say(tr("“{name}” has that key now.", name=names))
            return
        self._use(wanted)

    def reset_all(self) -> None:
        """Keys and mouse as in the ready map."""
        self._use(KeyMap(base=self._keymap.base))
        self._show_mouse()

    # -- how it looks ------------------------------------------------------------------------

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.setSpacing(2 * GRID)
        form = QFormLayout()
        form.setSpacing(2 * GRID)
        for name, field in (
            (tr("Ready map"), self.base),
            (tr("Middle drag"), self.drags["middle"]),
            (tr("Right drag"), self.drags["right"]),
        ):
            field.setAccessibleName(name)
            form.addRow(name, field)
        layout.addLayout(form)
        layout.addWidget(self.search)
        layout.addWidget(self.list, 1)
        layout.addWidget(
            row(
                self.press,
                button(tr("Give"), "primary", self._give_pressed),
                button(tr("Clear"), "", self.clear),
                button(tr("Reset"), "", self.reset),
                button(tr("Reset all"), "", self.reset_all),
            )
        )
        layout.addWidget(self.said)

    def _fill(self) -> None:
        now = self._row()
        bindings = self._keymap.bindings()
        self.list.clear()
        for each in ROWS:
            if not each.is_listed and each.group != "menu":
                continue
            group = tr(GROUPS[each.group])
            keys = ", ".join(shown_keys(bindings.keys(each.id)))
            item = QTreeWidgetItem([f"{group} · {tr(each.title)}", keys])
            item.setData(0, _ID, each.id)
            self.list.addTopLevelItem(item)
            if now is not None and each.id == now.id:
                self.list.setCurrentItem(item)
        self._narrow(self.search.text())

    def _narrow(self, typed: str) -> None:
        words = typed.casefold().split()
        for number in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(number)
            if item is not None:
                text = f"{item.text(0)} {item.text(1)}".casefold()
                item.setHidden(not all(word in text for word in words))

    def _use(self, keymap: KeyMap) -> None:
        self._keymap, self._taking = keymap, ""
        self.press.clear()
        self._fill()
        self._say("")
        self.changed.emit(keymap)

    def _give_pressed(self) -> None:
        self.give(self.press.keySequence().toString(QKeySequence.SequenceFormat.PortableText))

    def _take_base(self) -> None:
        self._use(KeyMap(base=self.base.currentData()))
        self._show_mouse()

    def _show_mouse(self) -> None:
        for name, choice in self.drags.items():
            choice.blockSignals(True)
            choice.setCurrentIndex(choice.findData(self._keymap.drag(name)))
            choice.blockSignals(False)

    def _drag_choice(self, name: str) -> QComboBox:
        words = {
            "pan": tr("Pan"),
            "zoom": tr("Zoom"),
            "scroll": tr("Scroll"),
            "window": tr("Window"),
            "menu": tr("Nothing, a click opens the menu") if name == "right" else tr("Nothing"),
        }
        made = _choice([(drag, words[drag]) for drag in DRAGS], self._keymap.drag(name))
        made.currentIndexChanged.connect(lambda: self._take_drag(name, made.currentData()))
        return made

    def _take_drag(self, name: str, drag: str) -> None:
        self._use(replace(self._keymap, mouse={**self._keymap.mouse, name: drag}))

    def _owners(self, key: str, chosen: Row) -> list[Row]:
        """Who has a key that would clash with the chosen action's having it."""
        bindings = self._keymap.bindings()
        if key in bindings.keys(chosen.id):
            return []
        now = {each.id: "; ".join(bindings.keys(each.id)) for each in ROWS}
        now[chosen.id] = f"{now[chosen.id]}; {key}"
        clash = Bindings(ROWS, now).conflicts().get(key, ())
        return [each for each in ROWS if each.id in clash and each.id != chosen.id]

    def _row(self) -> Row | None:
        item = self.list.currentItem()
        wanted = "" if item is None else item.data(0, _ID)
        return next((each for each in ROWS if each.id == wanted), None)

    def _chosen(self) -> None:
        self._taking = ""
        self.press.clear()

    def _say(self, words: str) -> None:
        self.said.setText(words)


def _titles() -> dict[str, str]:
    words = (tr("as Horos"), tr("as OHIF"), tr("as Weasis"))
    return dict(zip(MAPS, ("MedView", *words), strict=True))


def _shown(key: str) -> str:
    return shown_keys([key])[0]


def _choice(entries: list[tuple[str, str]], now: str) -> QComboBox:
    made = QComboBox()
    for value, words in entries:
        made.addItem(words, value)
    made.setCurrentIndex(max(0, made.findData(now)))
    return made
