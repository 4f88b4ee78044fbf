"""What a step of the brush costs the window on a CT of 600 slices of 512 x 512.

    python -m benchmarks.painting [--json] [--only P1]

P1 is the mouse move (what the brush covers, the mask, its label map): at most 8 ms. P2 is the move
and the painted view's next picture: at most 16. A mask as large as both lungs is being corrected.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from itertools import count

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from benchmarks.pairs import Goal, Row, against_limit, main
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.study import Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.gui.views.slice_view import SliceView
from medview.imaging.segment.box import Box
from medview.imaging.segment.brush import stroke
from medview.session.events import Events
from medview.session.made import Made
from medview.session.places import Place
from medview.session.segmenting import Beginning, Segmenting

_GEOMETRY = Geometry(
    shape=(600, 512, 512), spacing=(0.7, 0.7, 0.7), origin=PatientPoint(-180, -180, 0)
)
_LIMIT_MS = 8.0
_STEPS = count()


@cache
def _desk() -> tuple[Segmenting, SliceView]:
    """A segment of two lungs that a stroke has begun to correct, and the view it is drawn in."""
    _desk.app = QApplication.instance() or QApplication([])  # type: ignore[attr-defined]
    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="medview-painting-")
    stack = Stack(frames=(), geometry=_GEOMETRY, verdict="regular", unit="HU")
    series = Series(uid="1.2.3", modality="CT", stacks=(stack,))
    study = Study(uid="1.2", series=(series,))
    place = Place(patient=Patient(id="P"), study=study, series=series, stack_number=0)
    events = Events()
    desk = Segmenting(events, Made(events, lambda: place), lambda: place)
    y, x = np.mgrid[-1:1:400j, -1:1:400j]
    lungs = (((np.abs(x) - 0.5) / 0.45) ** 2 + y**2 < 1)[None].repeat(500, axis=0)
    segment = desk.add("Lungs", Beginning(voxels=(Box((50, 56, 56), lungs.shape), lungs)))
    if segment is None:
        raise SystemExit("no segment")
    volume = Volume(
        geometry=_GEOMETRY, stored=np.zeros(_GEOMETRY.shape, np.int16), unit="HU", modality="CT"
    )
    view = SliceView("axial")
    view.resize(640, 560)
    view.set_volume(volume, stack, series, study, Patient(id="P"))
    view.set_overlays(desk.label_maps(place), ())
    desk.strokes.begin(segment)
    return desk, view


def _step() -> None:
    """A mouse move of the brush, 20 mm wide and 8 mm on."""
    desk, view = _desk()
    number = next(_STEPS)
    here = VoxelIndex(300, 150 + number % 200, 120 + (number * 7) % 250)
    start = _GEOMETRY.to_patient(here)
    end = PatientPoint(start.x + 8.0, start.y, start.z)
    slab = (np.array([0.0, 0.0, 1.0]), 0.349)
    painted = desk.strokes.paint(*stroke(_GEOMETRY, (start, end), 10.0, slab), on=bool(number % 2))
    if painted is None:
        raise SystemExit("nothing was painted")
    view.stage.overlays = (painted,)


def move_row() -> Row:
    """P1: the mouse move."""
    goal = Goal(name="P1", what="a step of the brush on 512 x 512 x 600: mask and label map")
    return against_limit(goal, _LIMIT_MS, _step, rounds=41)


def picture_row() -> Row:
    """P2: the move and the painted view's next picture."""

    def work() -> None:
        _step()
        _desk()[1].grab()

    goal = Goal(name="P2", what="a step of the brush and the painted view's picture")
    return against_limit(goal, 2 * _LIMIT_MS, work, rounds=41)


ROWS = {"P1": move_row, "P2": picture_row}

if __name__ == "__main__":
    sys.exit(main(ROWS))
