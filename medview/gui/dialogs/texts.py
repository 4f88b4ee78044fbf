"""Windows that only say something: keys, messages, what was left out, about."""

from __future__ import annotations

from html import escape

from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from medview import __version__
from medview.core.words import tr
from medview.gui.actions import GROUPS, MOUSE, ROWS
from medview.gui.actions.bindings import Bindings, shown_keys
from medview.gui.cards import button, row
from medview.gui.style import GRID, tokens


class TextDialog(QDialog):
    """A title and text that can be scrolled, selected and closed."""

    def __init__(self, title: str, html: str, parent: QWidget) -> None:
        super().__init__(parent)
        # No patient in the title: the system keeps it.
        self.setWindowTitle(title)
        self.resize(620, 520)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setHtml(html)
        self.text.setAccessibleName(title)
        layout.addWidget(self.text)
        layout.addWidget(row(None, button(tr("Close"), "primary", self.accept)))


def keys_html(bindings: Bindings) -> str:
    """Every mouse habit and every key, by the menus' groups, as tables."""
    mouse = "".join(_line(tr(hand), tr(what)) for hand, what in MOUSE)
    parts = [f"<h3>{tr('Mouse in the images')}</h3><table cellpadding=4>{mouse}</table>"]
    for group, title in GROUPS.items():
        rows = [row_ for row_ in ROWS if row_.group == group and bindings.keys(row_.id)]
        lines = (
            _line(" · ".join(shown_keys(bindings.keys(row_.id))), tr(row_.title)) for row_ in rows
        )
        if rows:
            parts.append(f"<h3>{tr(title)}</h3><table cellpadding=4>{''.join(lines)}</table>")
    return "".join(parts)


def messages_html(messages: list[tuple[str, str]]) -> str:
    """(level, text) of the session's messages, newest first."""
    if not messages:
        return f"<p>{tr('Nothing to report.')}</p>"
    tint = {"warn": tokens().warn, "bad": tokens().bad}
    lines = (
        f"<p style='color:{tint.get(level, tokens().text)}'>{escape(text)}</p>"
        for level, text in reversed(messages)
    )
    return "".join(lines)


def about_html() -> str:
    """What MedView is, its licence, and the libraries whose licences ask to be named."""
    qt = tr("Qt and PySide6 (LGPL-3) may be exchanged: they are folders of their own.")
    others = (
        "pydicom, highdicom, imagecodecs, SimpleITK, VTK, PyTorch, NumPy, SciPy, qasync, Lucide"
    )
    return (
        f"<h2>MedView {__version__}</h2>"
        f"<p>{tr('A DICOM viewer that joins image, record and risk, offline.')}</p>"
        f"<p style='color:{tokens().warn}'><b>{tr('Not for diagnostic use')}</b></p>"
        f"<p>Apache-2.0. {qt}</p><p>{others}</p>"
    )


def _line(left: str, right: str) -> str:
    return f"<tr><td><b>{escape(left)}</b></td><td>{escape(right)}</td></tr>"
