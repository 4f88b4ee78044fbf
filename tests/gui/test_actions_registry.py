"""The table of actions: names, keys, parameters, and what its registry does with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from medview.core.errors import InvalidInput
from medview.gui.actions import GROUPS, ROWS, Actions, Parameter, Row
from medview.gui.actions.bindings import Bindings, is_plain, shown_keys

_NONE, _SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def actions(qapp: object) -> Iterator[Actions]:
    owner = QWidget()
    yield Actions(owner)
    owner.deleteLater()


def key(
    code: Qt.Key, modifiers: Qt.KeyboardModifier = _NONE, text: str = "", *, held: bool = False
) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, code, modifiers, text, held)


def test_every_name_is_one_of_a_known_group_and_stands_once() -> None:
    names = [row.id for row in ROWS]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+\.[a-z0-9_]+", name) for name in names)
    assert {row.group for row in ROWS} <= set(GROUPS)


def test_no_key_is_bound_twice_and_each_is_a_key() -> None:
    bindings = Bindings(ROWS)

    assert bindings.conflicts() == {}
    for row in ROWS:
        assert len(bindings.keys(row.id)) == len([k for k in row.keys.split("; ") if k]), row.id


def test_plain_signs_reach_the_views_alone() -> None:
    """A letter, digit or arrow of the whole window would steal from fields one types into."""
    bindings = Bindings(ROWS)
    for row in ROWS:
        if not row.is_plain:
            assert not any(map(is_plain, bindings.keys(row.id))), row.id


def test_every_action_says_its_keys_in_its_tooltip(actions: Actions) -> None:
    for row in ROWS:
        for shown in shown_keys(actions.bindings.keys(row.id)):
            assert shown in actions[row.id].toolTip(), row.id


def test_parameters_are_checked_by_kind() -> None:
    assert Parameter("x", "number").accepts(1.5)
    assert not Parameter("x", "number").accepts(float("nan"))
    assert not Parameter("x", "number").accepts(True)
    assert not Parameter("x", "whole").accepts(1.5)
    assert Parameter("x", "numbers").accepts([0, 1, 2.5])
    assert not Parameter("x", "numbers").accepts([0, "1"])
    assert not Parameter("x", "texts").accepts("abc")


def test_performing_calls_the_handler_with_its_parameters_and_tells(actions: Actions) -> None:
    got: list[object] = []
    told: list[tuple[str, object]] = []
    actions.connect("window.set", lambda width, level: got.append((width, level)))
    actions.listeners.append(lambda name, parameters: told.append((name, dict(parameters))))

    actions.perform("window.set", width=350, level=50)

    assert got == [(350, 50)]
    assert told == [("window.set", {"width": 350, "level": 50})]


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("view.no_such", {}, "There is no action view.no_such."),
        ("window.set", {"width": 350}, "window.set needs its level."),
        ("window.set", {"width": "wide", "level": 1}, "window.set does not take this width."),
        ("view.flip_h", {"twice": True}, "view.flip_h does not take this twice."),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    actions: Actions, name: str, parameters: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        actions.perform(name, **parameters)

    assert refused.value.sentence() == said


def test_a_switch_goes_the_way_it_is_told_and_else_over(actions: Actions) -> None:
    ways: list[bool] = []
    told: list[object] = []

    def heard(*, on: bool) -> None:
        ways.append(on)

    actions.connect("view.theme", heard)
    actions.listeners.append(lambda _name, parameters: told.append(parameters["on"]))

    actions.perform("view.theme")
    actions.perform("view.theme", on=True)
    actions["view.theme"].trigger()

    assert ways == [True, False]
    assert told == [True, True, False]


def test_of_actions_that_do_others_only_the_first_is_told(actions: Actions) -> None:
    told: list[str] = []
    actions.connect("layout.1x1", lambda: actions.perform("view.invert"))
    actions.listeners.append(lambda name, _parameters: told.append(name))

    actions["layout.1x1"].trigger()

    assert told == ["layout.1x1"]


def test_a_sign_that_takes_shift_is_found_by_itself() -> None:
    bindings = Bindings((Row("cine.faster", "Faster", keys="+", in_views=True),))

    assert bindings.answer(key(Qt.Key.Key_Plus, _SHIFT, "+")) == "cine.faster"
    assert bindings.answer(key(Qt.Key.Key_Plus, text="+")) == "cine.faster"
    keypad = Qt.KeyboardModifier.KeypadModifier
    assert bindings.answer(key(Qt.Key.Key_Plus, keypad, "+")) == "cine.faster"


def test_a_held_key_goes_on_only_where_that_makes_sense() -> None:
    bindings = Bindings(ROWS)

    assert bindings.answer(key(Qt.Key.Key_Down, held=True)) == "series.next_slice"
    assert bindings.answer(key(Qt.Key.Key_I, text="i", held=True)) == ""


def test_changed_keys_replace_the_defaults_and_conflicts_are_named() -> None:
    bindings = Bindings(ROWS, {"view.invert": "Z", "tool.length": "Z", "view.gone": "Q"})

    assert bindings.keys("view.invert") == ("Z",)
    assert bindings.answer(key(Qt.Key.Key_I, text="i")) == ""
    assert bindings.conflicts() == {"Z": ("view.invert", "tool.length")}


def test_a_chosen_key_outweighs_the_default_of_an_action_that_came_later() -> None:
    later = Row("view.of_2030", "Later", keys="Z", in_views=True)

    bindings = Bindings((*ROWS, later), {"view.invert": "Z"})

    assert bindings.keys("view.invert") == ("Z",)
    assert bindings.keys("view.of_2030") == ()
    assert bindings.conflicts() == {}
