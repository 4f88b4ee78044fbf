"""Whom an image view asks to do what a key means."""

from __future__ import annotations

from functools import cache
from typing import Protocol, runtime_checkable

from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from medview.gui.actions.bindings import Bindings
from medview.gui.actions.table import ROWS


@runtime_checkable
class AnswersKeys(Protocol):
    """A window that knows the reader's keys and does what they mean."""

    def answer_key(self, event: QKeyEvent) -> str:
        """Do what a key means in its active view; the action's name, "" where none has it."""

    def answer_volume_key(self, event: QKeyEvent) -> str:
        """The same for a key in the volume view."""

    @property
    def bindings(self) -> Bindings:
        """The reader's keys."""

    def perform_action(self, action_id: str) -> None:
        """Do an action."""


def who_answers(view: QWidget) -> AnswersKeys | None:
    """The window around a view, None for a view that stands by itself."""
    above = view.parentWidget()
    while above is not None:
        if isinstance(above, AnswersKeys):
            return above
        above = above.parentWidget()
    return None


@cache
def default_bindings() -> Bindings:
    """The keys of a view that stands by itself."""
    return Bindings(ROWS)


@cache
def peeking() -> frozenset[str]:
    """Actions that are taken back when their key was held."""
    return frozenset(row.id for row in ROWS if row.peeks)
