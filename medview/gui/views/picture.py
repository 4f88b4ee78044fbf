"""The picture of a view, to be given away: without what stands in its corners, or with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from medview.gui.views.slice_view import SliceView


def picture_of(view: SliceView, *, has_text: bool) -> QImage:
    """What the view shows, in the screen's own pixels.

    has_text: with the corner texts, which name the patient. The frame of the active view and what
    lies under the mouse are left out either way.
    """
    before = view.look
    view.look = replace(before, has_text=has_text, is_active=False, probe="", cine="")
    try:
        return view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    finally:
        view.look = before


def as_array(picture: QImage) -> NDArray[np.uint8]:
    """uint8 (rows, columns, 3) of an RGB888 picture."""
    flat = np.frombuffer(picture.constBits(), np.uint8)
    rows = flat.reshape(picture.height(), picture.bytesPerLine())[:, : 3 * picture.width()]
    return rows.reshape(picture.height(), picture.width(), 3).copy()
