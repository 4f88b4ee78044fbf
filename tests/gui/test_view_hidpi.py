"""Views on screens of more pixels: as many as there are, lines and letters crisp."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

# A view of 200 x 200 points with stripes one voxel wide, 400 voxels across.
_CHILD = """
import json, sys
import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
app = QApplication([])
from medview.core.geometry import Geometry
from medview.core.study import Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.gui.style import apply_theme, icon
from medview.gui.views.slice_view import SliceView
apply_theme(app, "dark")
geometry = Geometry(shape=(9, 400, 400), spacing=(1.0, 1.0, 1.0))
stored = np.zeros((9, 400, 400), np.int16)
stored[:, :, ::2] = 1000
view = SliceView("axial")
view.resize(200, 200)
view.show()
stack = Stack(frames=(), geometry=geometry, verdict="regular")
series = Series(uid="1.2", number=1, modality="CT", stacks=(stack,))
volume = Volume(geometry=geometry, stored=stored, unit="HU", modality="CT",
                windows=((500.0, 1000.0, ""),))
view.set_volume(volume, stack, series, Study(uid="1"), Patient(id="A"))
picture = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
flat = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), -1)
pixels = flat[:, :3 * picture.width()].reshape(picture.height(), picture.width(), 3).astype(int)
row = pixels[picture.height() * 3 // 10]
line = (row[:, 0] - row[:, 2] > 60)  # the sagittal line is yellow
quarter = pixels[picture.height() * 3 // 10, picture.width() // 8: picture.width() // 4, 0]
print(json.dumps({
    "ratio": picture.devicePixelRatio(), "size": [picture.width(), picture.height()],
    "line": int(line.sum()), "steps": float(abs(np.diff(quarter)).mean()),
    "icon": icon("ruler").pixmap(QSize(16, 16), view.devicePixelRatioF()).width(),
}))
"""


def seen(scale: float) -> dict:
    """What a view looks like on a screen of this scale; a process of its own, Qt asks once."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        env={**os.environ, "QT_SCALE_FACTOR": str(scale), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("scale", [1.25, 1.5, 2.0])
def test_a_view_has_all_the_pixels_of_the_screen_and_thin_lines(scale: float) -> None:
    found = seen(scale)

    assert found["ratio"] == pytest.approx(scale)
    assert found["size"] == [round(200 * scale)] * 2
    assert 1 <= found["line"] <= scale + 1  # a line of one point, smoothed at most at one side
    assert found["icon"] == round(16 * scale)


def test_pixels_between_points_show_what_lies_between() -> None:
    """Stripes of half a point: only a picture drawn in the screen's own pixels has them."""
    assert seen(2.0)["steps"] > 200
    assert seen(1.0)["steps"] < 150
