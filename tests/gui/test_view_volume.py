"""The volume view: drawn by VTK in its own thread, the right way round."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.study import Series
from medview.core.volume import Volume
from medview.gui.views.volume_camera import Camera
from medview.gui.views.volume_presets import BONE, CT_PRESETS
from medview.gui.views.volume_render import VolumeRenderer
from medview.gui.views.volume_view import VolumeView
from medview.imaging.reduce import reduced

_AXES = (
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((1, 0, 0), (0, 1, 0), (0, 0, -1)),
    ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
    ((0, 1, 0), (0, 0, -1), (-1, 0, 0)),
    ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
)


def _with_ball(axes=_AXES[0], **changes: object) -> Volume:
    """Air with a ball of bone at the patient's upper left."""
    geometry = Geometry(shape=(40, 40, 40), axes=axes, origin=PatientPoint(0, 0, 0))
    stored = np.full(geometry.shape, -1000, np.int16)
    middle = np.array(geometry.centre)
    grid = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    away = geometry.to_patient_array(grid) - (middle + np.array([12, 0, 12]))
    stored.reshape(-1)[np.linalg.norm(away, axis=1) < 6] = 1200
    return Volume(geometry=geometry, stored=stored, **({"unit": "HU", "modality": "CT"} | changes))


@pytest.fixture
def view(qtbot) -> Callable[..., VolumeView]:
    """A shown volume view, 200 x 200 pixels; its thread ends with the test."""
    made: list[VolumeView] = []

    def make() -> VolumeView:
        each = VolumeView()
        qtbot.addWidget(each)
        each.resize(200, 200)
        each.show()
        made.append(each)
        return each

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("axes", _AXES)
def test_left_is_on_the_right_and_the_head_is_up_for_every_acquisition(axes) -> None:
    volume = _with_ball(axes)
    renderer = VolumeRenderer()

    renderer.show(*reduced(volume, 64), BONE)
    picture = renderer.draw(Camera(), 100, 100)
    renderer.close()

    rows, columns = np.nonzero(picture.sum(axis=2) > 150)
    assert len(rows) > 100
    assert rows.mean() < 35
    assert columns.mean() > 65


def test_turning_half_round_brings_left_to_the_left() -> None:
    camera = Camera().rotated(np.pi, 0)

    assert camera.frame[0] == pytest.approx((-1, 0, 0), abs=1e-9)
    assert camera.frame[1] == pytest.approx((0, 0, 1), abs=1e-9)


def test_frame_stays_square_over_many_turns() -> None:
    camera = Camera()
    for step in range(500):
        camera = camera.rotated(0.03 * (step % 7), -0.02 * (step % 5))

    frame = np.array(camera.frame)
    assert np.allclose(frame @ frame.T, np.eye(3), atol=1e-9)
    assert np.allclose(np.cross(frame[0], frame[1]), frame[2])


def test_dragging_to_the_right_shows_more_of_the_patients_right_side() -> None:
    camera = Camera().rotated(0.5, 0)

    assert camera.frame[2][0] < 0  # the viewer stands further to the patient's right


def test_reduction_keeps_places_and_values() -> None:
    volume = _with_ball()

    small, geometry = reduced(volume, 20)

    assert small.shape == (20, 20, 20)
    assert small.dtype == np.int16
    place = geometry.to_patient(VoxelIndex(3, 4, 5))
    index = volume.geometry.to_index(place)
    assert (index.k, index.j, index.i) == pytest.approx((6, 8.5, 10.5))
    block = volume.stored[6, 8:10, 10:12].mean()
    assert small[3, 4, 5] == pytest.approx(block, abs=1)


def test_reduction_leaves_padding_out() -> None:
    stored = np.full((4, 8, 8), 40, np.int16)
    stored[:, :2] = -2000
    volume = Volume(
        geometry=Geometry(shape=stored.shape), stored=stored, unit="HU", padding=(-2000, -2000)
    )

    small, _ = reduced(volume, 8)

    assert small.min() == 40


def test_view_draws_what_it_is_given(view, qtbot) -> None:
    shown = view()

    shown.set_volume(_with_ball(), Series(uid="1"))
    qtbot.waitUntil(lambda: shown.is_drawn, timeout=20000)

    image = shown.grab().toImage()
    lit = [image.pixelColor(150 + x, 40 + y).red() for x in range(10) for y in range(10)]
    assert max(lit) > 80


def test_drag_turns_the_volume(view, qtbot) -> None:
    shown = view()
    shown.set_volume(_with_ball(), Series(uid="1"))
    qtbot.waitUntil(lambda: shown.is_drawn, timeout=20000)
    before = shown.grab().toImage()

    QTest.mousePress(shown, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    move = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(160, 100), QPointF(160, 100), Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(shown, move)
    QTest.mouseRelease(shown, Qt.MouseButton.LeftButton, pos=QPoint(160, 100))

    qtbot.waitUntil(lambda: shown.grab().toImage() != before, timeout=20000)


def test_digits_choose_another_look(view, qtbot) -> None:
    shown = view()
    shown.set_volume(_with_ball(), Series(uid="1"))

    QTest.keyClick(shown, Qt.Key.Key_3)

    assert shown.title() == "Volume · lung"
    QTest.keyClick(shown, Qt.Key.Key_9)
    assert shown.title() == "Volume · lung"
    assert len(CT_PRESETS) == 4


def test_numbers_without_a_scale_get_one_look(view) -> None:
    shown = view()

    shown.set_volume(_with_ball(unit="", modality="MR"), Series(uid="1"))

    assert shown.title() == "Volume · surface"


def test_closing_ends_the_thread(view, qtbot) -> None:
    shown = view()
    shown.set_volume(_with_ball(), Series(uid="1"))
    thread = shown._thread._thread

    shown.close()

    assert not thread.is_alive()


def test_cleared_view_lets_the_volume_go(view, qtbot) -> None:
    shown, volume = view(), _with_ball()
    gone = weakref.ref(volume)
    shown.set_volume(volume, Series(uid="1"))
    qtbot.waitUntil(lambda: shown.is_drawn, timeout=20000)

    del volume
    shown.clear()

    qtbot.waitUntil(lambda: gone() is None, timeout=20000)


def test_vtk_is_not_imported_before_the_first_volume() -> None:
    code = (
        "import sys; from PySide6.QtWidgets import QApplication; app = QApplication([]);"
        "from medview.gui.views.volume_view import VolumeView; v = VolumeView(); v.show();"
        "from medview.gui.views.slice_view import SliceView; SliceView('axial').show();"
        "sys.exit(any(n.startswith(('vtk', 'torch', 'scipy', 'SimpleITK')) for n in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)

    assert done.returncode == 0


def test_drawing_keeps_no_shaders_on_a_disk_that_may_be_full(tmp_path) -> None:
    # A write into Mesa's mapped cache on a full disk would end the process with SIGBUS.
    code = (
        "from medview.gui.views.volume_render import VolumeRenderer\n"
        "made = VolumeRenderer()\nmade.close()\nprint('drawn')"
    )
    names = ("MESA_SHADER_CACHE_DISABLE", "MESA_GLSL_CACHE_DISABLE")
    told = {name: value for name, value in os.environ.items() if name not in names}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**told, "XDG_CACHE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert found.stdout.strip() == "drawn", found.stderr
    assert list(tmp_path.iterdir()) == []
