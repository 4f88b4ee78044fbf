"""A radiologist manages models by mouse: reads cards, adds one from a stick, tests, removes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from medview.ai.catalogue import read_catalogue, user_models_dir
from medview.ai.folder import write_manifest
from medview.core.paths import shipped_models_dir
from medview.gui.dialogs.models import ModelsDialog
from medview.gui.window import MainWindow

Choose = Callable[[QWidget, Path], None]
_LONG_MS = 120_000  # a process is started


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder as on a stick: a model of a colleague, not signed."""
    folder = tmp_path / "stick" / "colleague"
    shutil.copytree(shipped_models_dir() / "lungs", folder)
    path = folder / "model.json"
    changes = {"name": "colleague", "title": "Lungs of a colleague"}
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}), encoding="utf-8")
    write_manifest(folder)
    return folder


@pytest.fixture
def manager(window: MainWindow, qtbot: QtBot) -> ModelsDialog:
    window.actions_["models.manage"].trigger()
    qtbot.waitUntil(lambda: bool(window.findChildren(ModelsDialog)), timeout=60_000)
    dialog = window.findChildren(ModelsDialog)[-1]
    qtbot.waitUntil(lambda: dialog.list.count() > 0 and not dialog.is_busy, timeout=60_000)
    return dialog


def press(qtbot: QtBot, dialog: ModelsDialog, control: QWidget) -> None:
    qtbot.waitUntil(lambda: control.isVisible() and control.isEnabled(), timeout=_LONG_MS)
    # Check boxes answer at their left end.
    at = control.rect().center() if isinstance(control, QPushButton) else QPoint(8, 8)
    qtbot.mouseClick(control, Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: not dialog.is_busy, timeout=_LONG_MS)


def pick(qtbot: QtBot, dialog: ModelsDialog, name: str) -> None:
    items = [dialog.list.item(n) for n in range(dialog.list.count())]
    item = next(i for i in items if i.data(Qt.ItemDataRole.UserRole) == name)
    dialog.list.scrollToItem(item)
    where = dialog.list.visualItemRect(item).center()
    qtbot.mouseClick(dialog.list.viewport(), Qt.MouseButton.LeftButton, pos=where)


def names(dialog: ModelsDialog) -> list[str]:
    items = [dialog.list.item(n) for n in range(dialog.list.count())]
    return [item.data(Qt.ItemDataRole.UserRole) for item in items]


def test_card_licence_and_self_test_of_a_shipped_model(manager: ModelsDialog, qtbot: QtBot) -> None:
    pick(qtbot, manager, "lungs")

    assert "Lungs, airway and body on chest CT" in manager.card.toPlainText()
    assert "Apache-2.0" in manager.about.text()
    assert not manager.remove.isVisible()  # it belongs to MedView
    press(qtbot, manager, manager.test)
    assert manager.said.text().startswith("Self-test passed")


def test_model_from_a_stick_is_read_agreed_to_added_and_removed(
    manager: ModelsDialog, stick: Path, qtbot: QtBot, choose: Choose
) -> None:
    press(qtbot, manager, manager.folder)
    choose(manager, stick)
    qtbot.waitUntil(manager.vouched.isVisible, timeout=_LONG_MS)

    assert manager.head.text() == "Lungs of a colleague"
    assert manager.said.text().startswith("Not added yet: self-test passed")
    assert manager.vouched.isVisible()
    assert not manager.keep.isVisible()  # first the consent
    assert names(manager).count("colleague") == 0
    press(qtbot, manager, manager.agreed)
    press(qtbot, manager, manager.keep)
    assert "colleague" in names(manager)
    assert read_catalogue().get("colleague").signature.state == "unsigned"

    pick(qtbot, manager, "colleague")
    press(qtbot, manager, manager.remove)
    assert "colleague" not in names(manager)
    assert not (user_models_dir() / "colleague").exists()


def test_model_that_is_left_leaves_nothing(
    manager: ModelsDialog, stick: Path, qtbot: QtBot
) -> None:
    manager.look_at(stick)
    press(qtbot, manager, manager.discard)

    assert "colleague" not in names(manager)
    assert not list(user_models_dir().iterdir())


def test_damaged_model_is_refused_with_its_reason(
    manager: ModelsDialog, stick: Path, qtbot: QtBot
) -> None:
    (stick / "card.md").write_text("better than it is", encoding="utf-8")
    manager.look_at(stick)
    qtbot.waitUntil(lambda: not manager.is_busy, timeout=_LONG_MS)

    assert "not the one that its maker listed: card.md" in manager.said.text()
    assert manager.folder.isVisible()


def test_model_that_was_only_put_there_waits_for_a_word(
    window: MainWindow, stick: Path, qtbot: QtBot
) -> None:
    user_models_dir().mkdir(parents=True)
    stick.rename(user_models_dir() / "colleague")
    window.actions_["models.manage"].trigger()
    dialog = window.findChildren(ModelsDialog)[-1]
    qtbot.waitUntil(lambda: dialog.list.count() > 0 and not dialog.is_busy, timeout=60_000)
    pick(qtbot, dialog, "colleague")
    assert "nobody agreed" in dialog.said.text()

    press(qtbot, dialog, dialog.allow)
    assert read_catalogue().get("colleague").name == "colleague"
    assert not dialog.allow.isVisible()
