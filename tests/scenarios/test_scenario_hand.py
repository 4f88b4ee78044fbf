"""A hand for everyone: names for those who hear the screen, keys for those without a mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QScrollBar,
    QTextEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.gui.actions import ROWS
from medview.gui.actions.bindings import shown_keys
from medview.gui.cards import ElidedLabel, ElidedLink
from medview.gui.dialogs.anonymize import AnonymizeDialog
from medview.gui.dialogs.settings import SettingsDialog
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow

_INTERACTIVE = (
    QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox, QAbstractSlider, QAbstractItemView,
    QTextEdit, QPlainTextEdit, QKeySequenceEdit, SliceView,
)  # fmt: skip
_PARTS_OF_OTHERS = (QComboBox, QAbstractSpinBox, QAbstractItemView, QKeySequenceEdit)


def interactive(root: QWidget) -> Iterator[QWidget]:
    """What answers to mouse or keys, but for the inner parts of Qt's own widgets."""
    for widget in root.findChildren(QWidget):
        if not isinstance(widget, _INTERACTIVE) or isinstance(widget, QScrollBar):
            continue
        if widget.objectName().startswith("qt_") or not widget.isVisibleTo(root):
            continue
        above = widget.parentWidget()
        while above is not None and above is not root:
            if isinstance(above, _PARTS_OF_OTHERS) or above.objectName().startswith("qt_"):
                break
            above = above.parentWidget()
        if above is root:
            yield widget


def told(widget: QWidget) -> str:
    """What a screen reader says of a widget."""
    if widget.accessibleName():
        return widget.accessibleName()
    return widget.text() if isinstance(widget, QAbstractButton) else ""


def place(widget: QWidget, root: QWidget) -> str:
    names = []
    while widget is not None and widget is not root:
        names.append(f"{type(widget).__name__}:{widget.objectName()}")
        widget = widget.parentWidget()
    return " < ".join(names)


def settings(window: MainWindow) -> None:
    window.preferences.ask()


DIALOGS: dict[str, Callable[[MainWindow], object]] = {
    "settings": settings,
    "library": lambda window: window.library.show(),
    "doctor": lambda window: window.examine_shown(),
    "anonymize": lambda window: window.show_anonymize(),
    "keys": lambda window: window.notices.show_keys(),
    "messages": lambda window: window.notices.show_messages(),
    "about": lambda window: window.notices.show_about(),
    "palette": lambda window: window.show_palette(),
}


@pytest.fixture
def dialog(opened: MainWindow, qtbot: QtBot) -> Iterator[Callable[[str], QDialog]]:
    """Opens a dialog by name; closed at the end."""

    def show(name: str) -> QDialog:
        before = set(opened.findChildren(QDialog))
        DIALOGS[name](opened)
        qtbot.waitUntil(
            lambda: any(d.isVisible() for d in set(opened.findChildren(QDialog)) - before)
        )
        return next(d for d in set(opened.findChildren(QDialog)) - before if d.isVisible())

    yield show
    for made in opened.findChildren(QDialog):
        leave(made)


def leave(made: QDialog) -> None:
    """Close a dialog as its button does."""
    if isinstance(made, AnonymizeDialog):
        made.quit.click()
    else:
        made.reject()


def test_every_widget_of_the_window_has_a_name_in_every_tab(opened: MainWindow) -> None:
    for tab in ("findings", "record", "risk", "report"):
        opened.sidebar.show_tab(tab)
        silent = [place(w, opened) for w in interactive(opened) if not told(w).strip()]
        assert silent == [], tab


def pages(made: QDialog) -> Iterator[int]:
    """Each page of the settings; once for every other dialog."""
    for page in range(made.tabs.count() if isinstance(made, SettingsDialog) else 1):
        if isinstance(made, SettingsDialog):
            made.tabs.setCurrentIndex(page)
        yield page


def test_every_widget_of_a_dialog_has_a_name(dialog: Callable[[str], QDialog]) -> None:
    for name in DIALOGS:
        made = dialog(name)
        for page in pages(made):
            silent = [place(w, made) for w in interactive(made) if not told(w).strip()]
            assert silent == [], (name, page)
        leave(made)


def unreached(made: QDialog) -> list[str]:
    """What Tab does not come by; sliders and radio groups are walked with arrows."""
    wanted = {
        w
        for w in interactive(made)
        if w.isEnabled() and w.isVisible() and not isinstance(w, QRadioButton | QAbstractSlider)
    }
    reached: set[QWidget] = set()
    widget = made.nextInFocusChain()
    while widget is not made:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            reached |= {widget, *(w for w in wanted if w.isAncestorOf(widget))}
        widget = widget.nextInFocusChain()
    return [place(w, made) for w in wanted - reached]


def test_every_widget_of_a_dialog_is_reached_with_tab_and_esc_closes_it(
    opened: MainWindow, dialog: Callable[[str], QDialog], qtbot: QtBot
) -> None:
    for name in DIALOGS:
        made = dialog(name)
        for page in pages(made):
            assert unreached(made) == [], (name, page)

        qtbot.keyClick(made, Qt.Key.Key_Escape)
        qtbot.waitUntil(
            lambda: not any(d.isVisible() for d in opened.findChildren(QDialog)), timeout=60_000
        )


def test_buttons_of_the_bar_name_their_keys(opened: MainWindow) -> None:
    keys = {row.id: shown_keys(opened.actions_.bindings.keys(row.id)) for row in ROWS}
    for made in opened.top.findChildren(QToolButton):
        action = made.defaultAction()
        for key in keys.get(action.objectName(), []) if action is not None else []:
            assert key in made.toolTip(), made.toolTip()
    assert "Ctrl+K" in opened.top._search.toolTip()
    assert "Ctrl+O" in opened.top._open.toolTip()


@pytest.mark.parametrize(
    "kind", [QPushButton, QToolButton, QLineEdit, QComboBox, QCheckBox, QPlainTextEdit]
)
def test_the_widget_with_the_keys_looks_different(
    window: MainWindow, qtbot: QtBot, kind: type[QWidget]
) -> None:
    dialog = QDialog(window)
    first, other = kind(dialog), QPushButton("other", dialog)
    if isinstance(first, QAbstractButton):
        first.setText("Words")
    for number, widget in enumerate((first, other)):
        widget.setGeometry(10, 10 + 60 * number, 160, 40)
    dialog.resize(200, 140)
    dialog.open()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)

    other.setFocus(Qt.FocusReason.TabFocusReason)
    without = first.grab().toImage()
    first.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(first.hasFocus)

    assert first.grab().toImage() != without
    dialog.reject()
    dialog.deleteLater()


def wait_until_it_fits(qtbot: QtBot, root: QWidget) -> None:
    """Words that come late, as a count of what was found, get their room a turn later."""
    for _ in range(100):
        qtbot.wait(20)
        if not clipped(root):
            return


def clipped(root: QWidget) -> list[str]:
    """Words that have less room than they need, but for those that end in an ellipsis by design."""
    found = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or isinstance(widget, ElidedLabel | ElidedLink):
            continue
        if isinstance(widget, QLabel) and not widget.wordWrap() and widget.text():
            needed = widget.sizeHint()
        elif isinstance(widget, QPushButton | QToolButton | QCheckBox | QRadioButton | QComboBox):
            needed = widget.minimumSizeHint()
        else:
            continue
        if needed.width() > widget.width() + 1 or needed.height() > widget.height() + 1:
            found.append(
                f"{widget.width()}x{widget.height()} for {needed.toTuple()}: "
                f"{told(widget) or getattr(widget, 'text', str)()} {place(widget, root)}"
            )
    return found


def test_no_words_of_the_window_are_clipped_in_either_language(
    opened: MainWindow, qtbot: QtBot
) -> None:
    for language in ("en", "zh_CN"):
        opened.preferences.set_language(language)
        for size in (QSize(1024, 700), QSize(1600, 980)):
            opened.resize(size)
            for tab in ("findings", "record", "risk", "report"):
                opened.sidebar.show_tab(tab)
                wait_until_it_fits(qtbot, opened)
                assert clipped(opened) == [], (language, size, tab)
    opened.preferences.set_language("en")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_no_words_of_a_dialog_are_clipped_in_either_language(
    opened: MainWindow, dialog: Callable[[str], QDialog], qtbot: QtBot, language: str
) -> None:
    opened.preferences.set_language(language)
    for name in ("settings", "library", "doctor", "anonymize", "palette"):
        made = dialog(name)
        for page in pages(made):
            wait_until_it_fits(qtbot, made)
            assert clipped(made) == [], (name, page)
        leave(made)
    opened.preferences.set_language("en")


def test_a_larger_type_makes_everything_larger_and_clips_nothing(
    opened: MainWindow, dialog: Callable[[str], QDialog], qtbot: QtBot
) -> None:
    made = dialog("settings")
    before = made.sizeHint().height()

    made.font_size.setCurrentIndex(made.font_size.findData(18))
    qtbot.wait(50)

    try:
        assert QApplication.font().pixelSize() == 18
        assert made.sizeHint().height() > before
        assert clipped(opened.top) == []
        assert clipped(opened.status) == []
    finally:
        made.font_size.setCurrentIndex(made.font_size.findData(13))
        qtbot.wait(50)
    assert QApplication.font().pixelSize() == 13


def test_corner_texts_have_a_size_of_their_own(
    opened: MainWindow, dialog: Callable[[str], QDialog], qtbot: QtBot
) -> None:
    made = dialog("settings")
    view = opened.grid.active_view
    before = pixels(view)

    made.corner_size.setCurrentIndex(made.corner_size.findData(16))
    larger = pixels(view)
    made.corner_size.setCurrentIndex(made.corner_size.findData(11))

    assert not np.array_equal(before, larger)
    assert np.array_equal(before, pixels(view))


def pixels(view: QWidget) -> np.ndarray:
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1).copy()


def test_letters_at_the_edges_have_a_switch_of_their_own(opened: MainWindow) -> None:
    view = opened.grid.active_view
    opened.actions_["view.corner_text"].trigger()
    with_letters = pixels(view)

    opened.actions_["view.letters"].trigger()
    without = pixels(view)
    opened.actions_["view.letters"].trigger()
    opened.actions_["view.corner_text"].trigger()

    assert not np.array_equal(with_letters, without)


def test_an_empty_window_says_what_to_do_in_every_part(window: MainWindow, qtbot: QtBot) -> None:
    words = " ".join(label.text() for label in window.findChildren(QLabel) if label.isVisible())
    assert "Drop a folder" in words
    assert window.grid.active_view._hint.startswith("Drop a folder")
    for tab in ("record", "risk", "report"):
        window.sidebar.show_tab(tab)
        qtbot.wait(10)
        shown = [label for label in window.sidebar.findChildren(QLabel) if label.isVisible()]
        assert any(len(label.text()) > 20 for label in shown), tab


def test_the_view_says_itself_in_the_language_that_is_chosen(opened: MainWindow) -> None:
    view = opened.grid.active_view
    english = view.accessibleName()
    opened.preferences.set_language("zh_CN")
    chinese = view.accessibleName()
    opened.preferences.set_language("en")

    assert english
    assert chinese != english
    set_language("en")
    QApplication.sendEvent(opened, QEvent(QEvent.Type.LanguageChange))
