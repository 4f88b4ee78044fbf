"""Asking for files and folders without holding the window: the answer comes when it comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

Then = Callable[[Path], object]


def ask_save(
    parent: QWidget, title: str, start: str, kinds: str, then: Then, *, confirms: bool = True
) -> None:
    """Where to save; start: the name that is offered, with or without a folder.

    confirms: whether a file that is there is asked about.
    """
    offered = Path(start)
    dialog = QFileDialog(parent, title, "" if start == offered.name else str(offered.parent), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite, not confirms)
    dialog.selectFile(offered.name)
    _open(dialog, then)


def ask_file(parent: QWidget, title: str, folder: str, kinds: str, then: Then) -> None:
    """Which file to open."""
    dialog = QFileDialog(parent, title, folder, kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    _open(dialog, then)


def ask_files(parent: QWidget, title: str, then: Callable[[list[Path]], object]) -> None:
    """Which files to open."""
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.filesSelected.connect(lambda names: then([Path(name) for name in names]))
    _show(dialog)


def ask_folder(parent: QWidget, title: str, then: Then) -> None:
    """Which folder."""
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    _open(dialog, then)


def _open(dialog: QFileDialog, then: Then) -> None:
    dialog.fileSelected.connect(lambda name: then(Path(name)))
    _show(dialog)


def _show(dialog: QFileDialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
