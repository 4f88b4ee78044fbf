"""The Qt binding itself: a broken release must not reach a reader."""

from __future__ import annotations

import sys

from PySide6.QtGui import QImage, QPainter


def test_calling_qt_does_not_eat_references_of_none(qapp) -> None:
    # PySide6 6.12.0 gives back None without a reference of its own: before Python 3.12 some
    # 7000 calls end the process with "deallocating None". 6.10.3 and 6.11.3 are sound.
    image = QImage(8, 8, QImage.Format.Format_Grayscale8)
    painter = QPainter(image)
    before = sys.getrefcount(None)

    for _ in range(500):
        painter.setOpacity(1.0)

    lost = before - sys.getrefcount(None)
    painter.end()
    assert lost < 100, "this PySide6 aborts on this Python: pin PySide6-Essentials 6.11.3"
