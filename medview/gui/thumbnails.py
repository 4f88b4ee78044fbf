"""One small picture of a stack, made in a thread."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage

from medview.core.errors import MedViewError
from medview.core.study import Stack

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.session import Session
    from medview.session.studies import Key, Place

_log = logging.getLogger("medview.gui")


async def make_thumbnails(window: MainWindow, keys: Sequence[Key]) -> None:
    """Put a picture beside each of these series, one after another."""
    for key in keys:
        place = window.session.studies.place(key)
        if place is not None:
            picture = await window.operations.call(thumbnail_of, window.session, place)
            if picture is not None:
                window.studies.set_picture(key, picture)


def thumbnail_of(session: Session, place: Place) -> QImage | None:
    """The picture that the library kept of a stack, else a new one; kept if it is indexed."""
    uid, number = place.key
    kept = session.library.thumbnail(uid, number, place.stack)
    picture = QImage.fromData(kept) if kept is not None else QImage()
    if not picture.isNull():
        return picture
    made = make_thumbnail(place.stack)
    if made is not None:
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        made.save(buffer, "PNG")  # type: ignore[call-overload]
        session.library.keep_thumbnail(uid, number, place.stack, bytes(buffer.data().data()))
    return made


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
