"""One small picture of a stack, made in a thread."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from medview.core.errors import MedViewError
from medview.core.study import Stack

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.session.studies import Key

_log = logging.getLogger("medview.gui")


async def make_thumbnails(window: MainWindow, keys: Sequence[Key]) -> None:
    """Put a picture beside each of these series, one after another."""
    for key in keys:
        place = window.session.studies.place(key)
        if place is not None:
            picture = await window.operations.call(make_thumbnail, place.stack)
            if picture is not None:
                window.studies.set_picture(key, picture)


def make_thumbnail(stack: Stack) -> QImage | None:
    """The middle frame of a stack, 96 x 96; None where it cannot be read."""
    from medview.dicom import read_frame
    from medview.imaging.picture import thumbnail

    try:
        picture = thumbnail(read_frame(stack, len(stack.frames) // 2))
    except MedViewError as error:
        _log.info("no thumbnail", extra={"kind": type(error).__name__})
        return None
    height, width = picture.shape[:2]
    return QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
