"""The window's actions: Qt's object for each row, its handlers, and who hears what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from medview.core.errors import InvalidInput
from medview.core.words import say, tr
from medview.gui.actions.bindings import Bindings, shown_keys
from medview.gui.actions.row import Row
from medview.gui.actions.table import ROWS
from medview.gui.style import icon

Handler = Callable[..., object]
Listener = Callable[[str, Mapping[str, object]], object]  # an action's name and its parameters


class Actions:
    """QActions by the rows' names. An icon is drawn when the action is about to be seen."""

    def __init__(self, parent: QWidget) -> None:
        self._rows = {row.id: row for row in ROWS}
        self._listed: dict[str, list[str]] = {}
        self._actions: dict[str, QAction] = {}
        self._handlers: dict[str, list[Handler]] = {row.id: [] for row in ROWS}
        self.listeners: list[Listener] = []  # hear of what the reader or a script did
        self.before: list[Callable[[], object]] = []  # called before anything is done
        self._called: dict[str, str] = {}  # names of the moment, in the language of the moment
        self._dressed: set[str] = set()  # those that have their icon
        self._depth = 0  # of actions that perform others: only the outermost is told
        for row in ROWS:
            action = QAction(parent)
            action.setObjectName(row.id)
            action.setCheckable(row.switch or row.is_marked)
            action.setAutoRepeat(row.repeats)
            action.triggered.connect(partial(self._triggered, row))
            parent.addAction(action)
            self._actions[row.id] = action
            if row.is_listed:
                self._listed.setdefault(row.group, []).append(row.id)
        self.bind(Bindings(ROWS))

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def bind(self, bindings: Bindings) -> None:
        """Give the actions their shortcuts, and name them in the tooltips."""
        self.bindings = bindings
        for row in self._rows.values():
            if not row.is_plain:  # the views answer to theirs; as shortcuts they would reach all
                keys = [QKeySequence(key) for key in bindings.keys(row.id)]
                self._actions[row.id].setShortcuts(keys)
        self._name()

    def call(self, action_id: str, name: str) -> None:
        """Give an action the name of what it does just now; "" for the row's own."""
        if self._called.get(action_id, "") != name:
            self._called[action_id] = name
            self._name_one(self._rows[action_id])

    def connect(self, action_id: str, handler: Handler) -> None:
        """Call a function when the action is done; it gets the row's parameters by name.

        The handler of a switch gets `on`, whoever turned it.
        """
        if self._rows[action_id].switch:
            self._actions[action_id].toggled.connect(lambda on: handler(on=on))
        else:
            self._handlers[action_id].append(handler)

    def perform(self, action_id: str, **parameters: object) -> None:
        """Do an action. Raises InvalidInput for an unknown name or a wrong parameter."""
        row = self._rows.get(action_id)
        if row is None:
            raise InvalidInput(say("There is no action {name}.", name=action_id))
        _check(row, parameters)
        action = self._actions[action_id]
        if not self._depth:
            for listener in self.before:
                listener()
        self._depth += 1
        try:
            if row.switch:
                parameters.setdefault("on", not action.isChecked())
                action.setChecked(bool(parameters["on"]))
            for handler in self._handlers[action_id]:
                handler(**parameters)
        finally:
            self._depth -= 1
        if not self._depth:
            self._tell(action_id, parameters)

    def answer(self, event: QKeyEvent) -> str:
        """Do what a key means in an image view; the action's name, "" where it means nothing."""
        action_id = self.bindings.answer(event)
        if action_id:
            self.perform(action_id)
        return action_id

    def group(self, name: str) -> Iterator[QAction]:
        """The actions of one menu, in the table's order."""
        return map(self._actions.__getitem__, self._listed.get(name, ()))

    def row(self, action_id: str) -> Row | None:
        """The row of an action, None for a name that is none."""
        return self._rows.get(action_id)

    def keys_of(self, action: QAction) -> str:
        """The shortcuts of an action as this system writes them."""
        return ", ".join(shown_keys(self.bindings.keys(action.objectName())))

    def retranslate(self) -> None:
        """Give every action its name in the current language, and icons in the theme's colour."""
        self._name()
        again, self._dressed = self._dressed, set()
        self.dress(again)

    def dress(self, names: Iterable[str]) -> None:
        """Give actions their icons; names that are none of ours are left out."""
        for name in names:
            row = self._rows.get(name)
            if row is not None and row.icon and name not in self._dressed:
                self._dressed.add(name)
                self._actions[name].setIcon(icon(row.icon))

    def list_in(self, menu: QMenu, listed: Sequence[QAction]) -> None:
        """Add actions to a menu; their icons are drawn when it is opened."""
        menu.addActions(listed)
        menu.aboutToShow.connect(lambda: self.dress(each.objectName() for each in listed))

    def _triggered(self, row: Row, checked: bool = False) -> None:
        if row.switch:  # Qt has turned it already
            self._tell(row.id, {"on": checked})
        else:
            self.perform(row.id)

    def _tell(self, action_id: str, parameters: Mapping[str, object]) -> None:
        for listener in self.listeners:
            listener(action_id, parameters)

    def _name(self) -> None:
        for row in self._rows.values():
            self._name_one(row)

    def _name_one(self, row: Row) -> None:
        action = self._actions[row.id]
        name = self._called.get(row.id) or tr(row.title)
        keys = shown_keys(self.bindings.keys(row.id))
        action.setText(f"{name}\t{keys[0]}" if row.is_plain and keys else name)
        action.setIconText(name)
        action.setToolTip("  ".join([name, ", ".join(keys)] if keys else [name]))


def _check(row: Row, parameters: dict[str, object]) -> None:
    known = {parameter.name: parameter for parameter in row.takes}
    for name, value in parameters.items():
        if name not in known or not known[name].accepts(value):
            raise InvalidInput(say("{action} does not take this {name}.", action=row.id, name=name))
    for parameter in known.values():
        if parameter.is_required and parameter.name not in parameters:
            raise InvalidInput(
                say("{action} needs its {name}.", action=row.id, name=parameter.name)
            )
