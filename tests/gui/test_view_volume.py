"""The volume view: drawn by VTK in its own thread, the right way round."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QColorDialog, QToolButton

from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.study import Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.gui.style import apply_theme
from medview.gui.views import volume_render, volume_thread
from medview.gui.views.look_editor import LookEditor
from medview.gui.views.tile import Tile
from medview.gui.views.volume_blocks import FINE, WHOLE, Blocks
from medview.gui.views.volume_box import HANDLES, Handle, handle_places
from medview.gui.views.volume_camera import Camera
from medview.gui.views.volume_painter import cube_middle
from medview.gui.views.volume_probe import Probe, is_hardware, probe
from medview.gui.views.volume_render import VolumeRenderer, rimmed
from medview.gui.views.volume_scene import Scene
from medview.gui.views.volume_view import VolumeView
from medview.imaging.cutting import CropBox, CutPlane
from medview.imaging.letters import letters
from medview.imaging.looks import Scale, in_blend, looks_for
from medview.imaging.reduce import reduced
from medview.imaging.transfer import TransferPoint
from medview.session.places import OpenVolume, Place

_HU = Scale(unit="HU")

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


def _look(name: str, blend: str = "composite"):
    looks, _ = looks_for(_with_ball(), _HU)
    return in_blend(next(look for look in looks if look.id == name), blend, _HU)


def _picture(volume: Volume, scene: Scene, camera: Camera | None = None) -> np.ndarray:
    renderer = VolumeRenderer()
    renderer.show(rimmed(*reduced(volume, 64)), scene)
    picture = renderer.draw(camera or Camera(), (100, 100))
    renderer.close()
    return picture


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


@pytest.mark.parametrize(
    "scene",
    [
        {},
        {"box": CropBox((0.0, 0.0, 0.0), (1.0, 0.75, 0.8))},
        {"planes": (CutPlane(point=(32.0, 20.0, 30.0), normal=(0.6, 0.8, 0.0)),)},
    ],
)
def test_the_part_that_shows_is_drawn_as_the_whole_is(
    scene: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    bone = _look("bone")
    block = rimmed(*reduced(_with_ball(), FINE))
    pictures = []
    for worth in (0.6, 0.0):  # no part is as small as nothing
        monkeypatch.setattr(volume_render, "_WORTH", worth)
        renderer = VolumeRenderer()
        renderer.show(block, Scene(look=bone, **scene))
        pictures.append(renderer.draw(Camera().rotated(0.4, 0.2), (160, 160)).astype(int))
        renderer.close()
    part, whole = pictures
    # Rays begin elsewhere, so that steps along them fall elsewhere too; a voxel is four pixels.
    lit, known = np.argwhere(part.max(axis=2) > 40), np.argwhere(whole.max(axis=2) > 40)
    assert len(known) > 200
    assert len(lit) == pytest.approx(len(known), rel=0.05)
    assert np.abs(lit.mean(axis=0) - known.mean(axis=0)).max() < 0.8
    assert np.abs(part - whole).mean() < 0.3


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread cannot stand back")
def test_the_thread_that_draws_every_voxel_goes_behind_all_others() -> None:
    found: list[int] = []

    def stand_back() -> None:
        assert volume_thread._has_stood_back()
        inner = threading.Thread(target=lambda: found.append(os.getpriority(os.PRIO_PROCESS, 0)))
        inner.start()
        inner.join()

    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread = threading.Thread(target=stand_back)
    thread.start()
    thread.join()
    assert found == [max(own, 10)]  # and so does what it starts
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own


def test_a_look_that_shows_more_is_drawn_after_one_that_showed_less() -> None:
    bone, soft = _look("bone"), _look("soft-tissue")
    volume = _with_ball()
    volume.stored[2:38, 2:38, 2:6] = 60
    block = rimmed(*reduced(volume, FINE))
    renderer, fresh = VolumeRenderer(), VolumeRenderer()
    camera = Camera().rotated(0.4, 0.2)
    renderer.show(block, Scene(look=bone))
    fewer = renderer.draw(camera, (120, 120))
    renderer.show(block, Scene(look=soft))
    fresh.show(block, Scene(look=soft))
    more = renderer.draw(camera, (120, 120))
    assert np.array_equal(more, fresh.draw(camera, (120, 120)))
    assert (more.max(axis=2) > 40).sum() > 1.5 * (fewer.max(axis=2) > 40).sum()
    renderer.close()
    fresh.close()


@pytest.mark.parametrize("axes", _AXES)
def test_left_is_on_the_right_and_the_head_is_up_for_every_acquisition(axes) -> None:
    picture = _picture(_with_ball(axes), Scene(look=_look("bone")))

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
    qtbot.waitUntil(lambda: shown.is_drawn, timeout=60_000)

    qtbot.waitUntil(lambda: shown.stage.drawn.wish.detail == "fine", timeout=60_000)
    image = shown.grab().toImage()
    lit = [image.pixelColor(150 + x, 40 + y).red() for x in range(10) for y in range(10)]
    assert max(lit) > 80


def test_drag_turns_the_volume(view, qtbot) -> None:
    shown = view()
    shown.set_volume(_with_ball(), Series(uid="1"))
    qtbot.waitUntil(lambda: shown.is_drawn, timeout=60_000)
    before = shown.grab().toImage()

    QTest.mousePress(shown, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    move = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(160, 100), QPointF(160, 100), Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(shown, move)
    QTest.mouseRelease(shown, Qt.MouseButton.LeftButton, pos=QPoint(160, 100))

    qtbot.waitUntil(lambda: shown.grab().toImage() != before, timeout=60_000)


def _ready(shown: VolumeView, qtbot, volume: Volume | None = None) -> VolumeView:
    shown.set_volume(volume or _with_ball(), Series(uid="1"))
    qtbot.waitUntil(lambda: shown.is_drawn, timeout=60_000)
    return shown


def test_digits_choose_another_look(view, qtbot) -> None:
    shown = _ready(view(), qtbot)

    QTest.keyClick(shown, Qt.Key.Key_3)

    assert shown.title() == "Volume · Lungs"
    assert shown.caption() == "Volume · Lungs · being drawn"
    qtbot.waitUntil(lambda: shown.caption() == "Volume · Lungs", timeout=60_000)
    QTest.keyClick(shown, Qt.Key.Key_9)
    assert shown.title() == "Volume · Lungs"


def test_numbers_without_a_scale_get_looks_of_their_own(view, qtbot) -> None:
    shown = _ready(view(), qtbot, _with_ball(unit="", modality="MR"))

    assert shown.title() == "Volume · MR surface"


def test_body_part_chooses_the_look(view, qtbot) -> None:
    shown = view()

    shown.set_volume(_with_ball(), Series(uid="1", description="CTA Coronary 0.6"))
    qtbot.waitUntil(lambda: shown.is_drawn, timeout=60_000)

    assert shown.title() == "Volume · Vessels"


@pytest.mark.parametrize(
    ("key", "right", "up"),
    [("A", "L", "H"), ("P", "R", "H"), ("L", "P", "H"), ("R", "A", "H"), ("H", "R", "A"),
     ("F", "L", "A")],
)  # fmt: skip
def test_keys_show_each_side(view, qtbot, key: str, right: str, up: str) -> None:
    shown = _ready(view(), qtbot)

    QTest.keyClick(shown, key, Qt.KeyboardModifier.ShiftModifier)

    frame = shown.stage.camera.frame
    assert (letters(frame[0])[:1], letters(frame[1])[:1]) == (right, up)
    assert np.allclose(np.cross(frame[0], frame[1]), frame[2])


@pytest.mark.parametrize("blend", ["mip", "minip", "mean"])
def test_projections_show_what_numpy_finds_on_each_ray(blend: str) -> None:
    volume = _with_ball()
    look = replace(
        _look("bone", blend), is_inside=False,
        points=(TransferPoint(-1000, 0, "#000000"), TransferPoint(1200, 1, "#ffffff")),
    )  # fmt: skip

    # From the front rays run along j; the picture is 106 % of the volume's 39 mm high.
    grey = _picture(volume, Scene(look=look))[..., 0].astype(float)

    along = {"mip": np.max, "minip": np.min, "mean": np.mean}[blend](volume.stored, axis=1)
    pixel = 39 * 1.06 / 100
    at = np.rint(19.5 + (np.arange(100) + 0.5 - 50) * pixel).astype(int)
    inside = (at > 1) & (at < 38)
    wanted = along[np.ix_(at[inside][::-1], at[inside])]
    drawn = grey[np.ix_(inside, inside)] / 255 * 2200 - 1000
    assert np.median(np.abs(drawn - wanted)) < 12
    assert np.mean(np.abs(drawn - wanted) > 250) < 0.06  # half a voxel at the ball's edge


def test_box_keeps_what_lies_in_it() -> None:
    volume = _with_ball()
    left_half = CropBox(low=(0.5, 0, 0), high=(1, 1, 1))
    right_half = CropBox(low=(0, 0, 0), high=(0.5, 1, 1))

    kept = _picture(volume, Scene(look=_look("bone"), box=left_half))
    cut = _picture(volume, Scene(look=_look("bone"), box=right_half))

    assert kept.max() > 100
    assert cut.max() == 0


def test_plane_cuts_away_what_lies_behind_it() -> None:
    volume = _with_ball()
    middle = tuple(volume.geometry.centre)

    kept = _picture(volume, Scene(look=_look("bone"), planes=(CutPlane(middle, (1, 0, 0)),)))
    cut = _picture(volume, Scene(look=_look("bone"), planes=(CutPlane(middle, (-1, 0, 0)),)))

    assert kept.max() > 100
    assert cut.max() == 0


def test_tilted_stack_shows_a_ball_round_and_in_its_place() -> None:
    # A gantry tilt of 20 degrees: slices are shifted against each other by the shear.
    tilt = np.radians(20)
    axes = ((1, 0, 0), (0, 1, 0), (0, float(np.sin(tilt)), float(np.cos(tilt))))
    geometry = Geometry(shape=(40, 40, 40), axes=axes)
    stored = np.full(geometry.shape, -1000, np.int16)
    grid = np.stack(np.meshgrid(*[np.arange(40)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    away = np.linalg.norm(geometry.to_patient_array(grid) - np.array(geometry.centre), axis=1)
    stored.reshape(-1)[away < 8] = 1200
    volume = Volume(geometry=geometry, stored=stored, unit="HU", modality="CT")

    picture = _picture(volume, Scene(look=_look("bone")), Camera().seen_from("L"))

    rows, columns = np.nonzero(picture.sum(axis=2) > 150)
    assert (rows.mean(), columns.mean()) == pytest.approx((49.5, 49.5), abs=1.5)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=3)


def test_tilted_and_uneven_stacks_say_that_they_are_corrected(view, qtbot) -> None:
    tilt = np.radians(20)
    axes = ((1, 0, 0), (0, 1, 0), (0, float(np.sin(tilt)), float(np.cos(tilt))))
    places = tuple(PatientPoint(0, 0, z) for z in (0.0, 1.0, 2.0, 3.0, 5.0, 6.0, 8.0, 9.0))
    uneven = Geometry(shape=(8, 20, 20), places=places)
    made = {
        "GEOMETRY CORRECTED": Geometry(shape=(8, 20, 20), axes=axes),
        "RESAMPLED": uneven,
    }
    shown = view()

    for badge, geometry in made.items():
        stored = np.full(geometry.shape, 300, np.int16)
        volume = Volume(geometry=geometry, stored=stored, unit="HU", modality="CT")
        _ready(shown, qtbot, volume)
        assert shown.badges() == [badge]


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((3, 8, 8), "3 slices make no volume worth turning."),
        ((9, 8, 8, 3), "Colours are no measure of tissue: there is no volume to draw."),
    ],
)
def test_place_of_a_volume_that_cannot_be_says_why(qtbot, shape, sentence: str) -> None:
    geometry = Geometry(shape=shape[:3])
    stack = Stack(frames=(), geometry=geometry, verdict="regular")
    series = Series(uid="1", stacks=(stack,))
    place = Place(patient=Patient(id="P"), study=Study(uid="2"), series=series, stack_number=0)
    volume = Volume(geometry=geometry, stored=np.zeros(shape, np.uint8))
    tile = Tile(0, "volume", None)
    qtbot.addWidget(tile)
    tile.want(place.key, "volume")

    tile.take(OpenVolume(place=place, volume=volume, ready=np.ones(shape[0], bool), failed={}))

    assert tile.accessibleDescription() == sentence
    assert tile.volume_view is None


def test_click_on_the_ball_tells_where_it_lies(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    seen = shown.stage.screen(200, 200)
    middle = np.array(shown.stage.volume.geometry.centre) + np.array([12, 0, 12])
    x, y = seen.to_pixels([middle])[0]

    with qtbot.waitSignal(shown.stage.picked, timeout=60_000) as found:
        QTest.mouseClick(shown, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))

    # The ball's front: 6 mm before its middle.
    assert np.array(found.args[0]) == pytest.approx(middle - np.array([0, 6, 0]), abs=1.2)


def test_click_beside_everything_tells_nothing(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    told = []
    shown.stage.picked.connect(told.append)

    QTest.mouseClick(shown, Qt.MouseButton.LeftButton, pos=QPoint(20, 100))
    qtbot.wait(QApplication.doubleClickInterval() + 300)

    assert told == []


def test_click_on_the_cube_shows_that_side(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    shown.stage.look_from(shown.stage.camera.seen_from("H"))

    QTest.mouseClick(shown, Qt.MouseButton.LeftButton, pos=cube_middle(200).toPoint())

    assert shown.stage.camera.frame[2] == (0, 0, 1)


def _drag(shown: VolumeView, line: list[tuple[int, int]], button=Qt.MouseButton.LeftButton) -> None:
    QTest.mousePress(shown, button, pos=QPoint(*line[0]))
    for x, y in line[1:]:
        move = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(x, y), QPointF(x, y), Qt.MouseButton.NoButton,
            button, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(shown, move)
    QTest.mouseRelease(shown, button, pos=QPoint(*line[-1]))


def _light(shown: VolumeView) -> float:
    return float(shown.stage.picture.pixels.mean())


@pytest.mark.parametrize(("key", "is_left"), [("s", False), ("S", True)])
def test_scissors_remove_or_keep_what_a_line_covers(view, qtbot, key: str, is_left: bool) -> None:
    shown = _ready(view(), qtbot)
    whole = _light(shown)
    seen = shown.stage.screen(200, 200)
    middle = np.array(shown.stage.volume.geometry.centre) + np.array([12, 0, 12])
    x, y = (round(v) for v in seen.to_pixels([middle])[0])

    QTest.keyClick(shown, key)
    _drag(shown, [(x - 40, y - 38), (x + 38, y - 38), (x + 38, y + 40), (x - 40, y + 40)])

    assert len(shown.stage.state.lassos) == 1
    qtbot.waitUntil(lambda: (_light(shown) > 0.7 * whole) == is_left, timeout=60_000)
    QTest.keyClick(shown, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert shown.stage.state.lassos == ()
    qtbot.waitUntil(lambda: _light(shown) > 0.7 * whole, timeout=60_000)


def test_escape_puts_the_scissors_down(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    QTest.keyClick(shown, "s")
    assert shown.commands.tool == "lasso_remove"

    QTest.keyClick(shown, Qt.Key.Key_Escape)

    assert shown.commands.tool == "turn"


def test_face_of_the_box_is_dragged_and_comes_back(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    QTest.keyClick(shown, "b")
    seen = shown.stage.screen(200, 200)
    places = handle_places(shown.stage.state.box, shown.stage.space, seen)
    left = places[HANDLES.index(Handle(0, True))].toPoint()  # the patient's left, on the right

    _drag(shown, [(left.x(), left.y()), (left.x() - 47, left.y())])

    box = shown.stage.state.box
    assert box.high[0] == pytest.approx(0.75, abs=0.02)  # a quarter of 40 mm in a 41 mm picture
    assert box.low == (0, 0, 0)
    QTest.keyClick(shown, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert shown.stage.state.box.is_whole


def test_cuts_follow_the_crosshair_but_a_free_one_stays(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    shown.commands.run("cut_axial")
    shown.commands.run("cut_free")
    before = shown.stage.state.cut_named("free")

    shown.commands.follow(PatientPoint(1, 2, 3))

    assert shown.stage.state.cut_named("axial").point == (1, 2, 3)
    assert shown.stage.state.cut_named("free") == before


def test_spin_turns_about_the_long_axis_until_it_is_stopped(view, qtbot) -> None:
    shown = _ready(view(), qtbot)

    QTest.keyClick(shown, "c")
    qtbot.waitUntil(lambda: shown.stage.camera.frame[0][1] != 0, timeout=60_000)
    QTest.keyClick(shown, "c")

    assert shown.stage.camera.frame[1] == pytest.approx((0, 0, 1))
    stopped = shown.stage.camera
    qtbot.wait(150)
    assert shown.stage.camera == stopped


def _editor(shown: VolumeView) -> LookEditor:
    QTest.keyClick(shown, "g")
    assert shown.editor.isVisible()
    return shown.editor


def test_editor_adds_moves_and_takes_points_away_by_keys(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    editor = _editor(shown)
    before = shown.stage.look.points

    QTest.keyClick(editor.canvas, Qt.Key.Key_Right)
    QTest.keyClick(editor.canvas, Qt.Key.Key_Up)
    QTest.keyClick(editor.canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    moved = shown.stage.look.points[1]
    assert moved.opacity == pytest.approx(before[1].opacity + 0.02)
    assert before[0].value < moved.value < before[1].value
    assert shown.title() == "Volume · Bones · changed"
    QTest.keyClick(editor.canvas, Qt.Key.Key_Insert)
    assert len(shown.stage.look.points) == len(before) + 1
    QTest.keyClick(editor.canvas, Qt.Key.Key_Delete)
    assert len(shown.stage.look.points) == len(before)
    for _ in range(4):
        QTest.keyClick(editor.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert shown.stage.look.points == before


def test_editor_takes_a_point_by_the_mouse_and_a_drag_is_one_step(view, qtbot) -> None:
    made = view()
    made.resize(500, 500)
    shown = _ready(made, qtbot)
    canvas = _editor(shown).canvas
    before = shown.stage.look.points
    start = canvas.place_of(2)

    _drag(canvas, [(round(start.x()), round(start.y())), (round(start.x()), round(start.y()) - 8),
                   (round(start.x()), round(start.y()) - 16)])  # fmt: skip

    assert shown.stage.look.points[2].opacity > before[2].opacity + 0.1
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert shown.stage.look.points == before
    place = canvas.place_of(0)
    QTest.mouseClick(canvas, Qt.MouseButton.RightButton, pos=place.toPoint())
    assert len(shown.stage.look.points) == len(before) - 1


def test_every_point_of_a_look_lies_within_the_curve(view, qtbot) -> None:
    shown = _ready(view(), qtbot)  # its values end at 1200, the look at 1600
    canvas = _editor(shown).canvas

    places = [canvas.place_of(number).x() for number in range(len(shown.stage.look.points))]

    assert shown.stage.look.high > shown.stage.prepared.span[1]
    assert all(0 < x < canvas.width() for x in places)


def test_editor_takes_numbers_and_a_colour_and_goes_back(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    editor = _editor(shown)
    before = shown.stage.look.points
    editor.canvas.choose(1)

    editor.value.setValue(180.0)
    editor.opacity.setValue(25)
    editor.canvas.colour_asked.emit()
    dialog = editor.findChild(QColorDialog)
    dialog.setCurrentColor(QColor("#336699"))
    dialog.accept()

    assert shown.stage.look.points[1] == TransferPoint(180.0, 0.25, "#336699")
    editor.buttons["reset"].click()
    assert shown.stage.look.points == before


def test_every_field_of_the_editor_and_the_box_has_a_name(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    editor = _editor(shown)
    QTest.keyClick(shown, "b")

    fields = [editor.canvas, editor.value, editor.opacity, editor.name, *editor.buttons.values()]
    fields += [field for pair in shown.crop.fields for field in pair]

    assert all(field.accessibleName() and field.toolTip() for field in fields)


def test_box_is_set_in_numbers_too(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    QTest.keyClick(shown, "b")

    shown.crop.fields[2][0].setValue(40)

    assert shown.stage.state.box.low == (0, 0, 0.4)
    assert shown.crop.fields[2][0].accessibleName() == "Crop box from F"
    QTest.keyClick(shown, "B", Qt.KeyboardModifier.ShiftModifier)
    assert shown.stage.state.box.is_whole
    assert shown.crop.fields[2][0].value() == 0


def test_shift_slider_and_keys_move_the_look(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    before = shown.stage.look.low

    shown.bar.shift.setValue(5)
    higher = shown.stage.look.low
    QTest.keyClick(shown, "[")

    span = shown.stage.prepared.span[1] - shown.stage.prepared.span[0]
    assert higher - before == pytest.approx(0.1 * span)
    assert shown.stage.look.low - before == pytest.approx(0.08 * span)
    assert shown.bar.shift.value() == 4
    QTest.keyClick(shown, "0")
    assert shown.stage.look.low == before


def test_light_goes_off_and_a_projection_has_none(view, qtbot) -> None:
    shown = _ready(view(), qtbot)
    told = []
    shown.stage.told.connect(told.append)

    QTest.keyClick(shown, "n")
    assert not shown.stage.look.is_lit
    QTest.keyClick(shown, "m")
    assert (shown.stage.look.blend, shown.title()) == ("mip", "Volume · Bones · MIP")
    QTest.keyClick(shown, "n")

    assert "A projection has no light" in str(told[-1])


def test_whole_volume_is_drawn_at_rest_where_memory_has_room(view, qtbot) -> None:
    geometry = Geometry(shape=(20, 300, 300))
    stored = np.full(geometry.shape, -1000, np.int16)
    stored[5:15, 100:200, 100:200] = 800
    volume = Volume(geometry=geometry, stored=stored, unit="HU", modality="CT")
    shown = _ready(view(), qtbot, volume)

    qtbot.waitUntil(lambda: shown.stage.drawn.is_finest, timeout=60_000)
    blocks = Blocks(volume)

    assert blocks.get(FINE).is_whole is False
    assert blocks.get(WHOLE).is_whole
    assert blocks.get(WHOLE).values.shape == (22, 302, 302)
    assert shown.stage.drawn.is_reduced is False


def test_volume_too_big_for_memory_is_reduced_and_says_so(view, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("medview.gui.views.volume_blocks.available_bytes", lambda: 4 << 20)
    geometry = Geometry(shape=(20, 300, 300))
    volume = Volume(
        geometry=geometry, stored=np.zeros(geometry.shape, np.int16), unit="HU", modality="CT"
    )

    shown = _ready(view(), qtbot, volume)

    qtbot.waitUntil(lambda: shown.stage.drawn.is_reduced, timeout=60_000)
    assert shown.badges() == ["REDUCED"]


def test_every_tool_of_the_row_has_a_name_and_says_its_key(view, qtbot) -> None:
    shown = _ready(view(), qtbot)

    tools = [*shown.bar.findChildren(QToolButton), shown.bar.shift]

    assert all(tool.accessibleName() and tool.toolTip() for tool in tools)
    assert shown.bar.buttons["box"].toolTip() == "Crop box  B"


def test_tools_that_are_on_can_be_seen_in_the_light_theme(view, qtbot, qapp) -> None:
    apply_theme(qapp, "light")
    try:
        shown = _ready(view(), qtbot)
        shown.resize(480, 300)
        shown.commands.run("box")
        shown.setFocus()
        qtbot.waitUntil(shown.bar.isVisible)
        pictures = [shown.bar.buttons["box"].grab(), shown.bar.shift.grab()]
    finally:
        apply_theme(qapp, "dark")

    for picture in pictures:
        image = picture.toImage()
        size = range(image.width()), range(image.height())
        light = [image.pixelColor(x, y).lightnessF() for x in size[0] for y in size[1]]
        assert np.median(light) < 0.4  # the ground
        assert max(light) > 0.6  # what stands on it


def test_screen_that_cannot_draw_says_so(view, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("medview.gui.views.volume_worker.is_chosen", lambda: False)
    monkeypatch.setattr("medview.gui.views.volume_worker.has_osmesa", lambda: False)
    monkeypatch.setattr("medview.gui.views.volume_worker.probe", Probe)
    shown = view()

    shown.set_volume(_with_ball(), Series(uid="1"))
    qtbot.waitUntil(lambda: shown.stage.trouble is not None, timeout=60_000)

    assert "cannot be drawn on this machine" in shown.stage.trouble.sentence()


def test_probe_of_opengl_survives_a_child_that_dies_or_talks_nonsense() -> None:
    assert not probe(("-c", "import os; os.abort()")).is_sound
    assert not probe(("-c", "print('no json')")).is_sound
    assert not probe(("-c", "import time; time.sleep(30)"), patience_s=0.3).is_sound
    dead_ball = 'print(\'{"renderer": "NVIDIA", "is_drawn": false}\')'
    assert probe(("-c", dead_ball)) == Probe("NVIDIA", True, False)
    assert probe(("-c", dead_ball)).hardware == ""


def test_software_renderers_are_told_from_hardware() -> None:
    assert not is_hardware("llvmpipe (LLVM 15.0.6, 256 bits)")
    assert not is_hardware("SVGA3D; build: RELEASE")
    assert is_hardware("NVIDIA GeForce RTX 3060/PCIe/SSE2")


def test_hardware_path_shows_the_same_as_the_processor() -> None:
    # Mesa stands in for the hardware: the mapper is the one that real hardware gets.
    block, scene = rimmed(*reduced(_with_ball(), 64)), Scene(look=_look("bone"))
    seen = []
    for hardware in ("", "Mesa"):
        renderer = VolumeRenderer(hardware)
        renderer.show(block, scene)
        seen.append(renderer.draw(Camera(), (100, 100)).max(axis=2) > 30)
        renderer.close()

    assert seen[1].sum() > 100
    assert (seen[0] & seen[1]).sum() > 0.9 * (seen[0] | seen[1]).sum()


def test_closing_ends_the_thread(view, qtbot) -> None:
    shown = view()
    shown.set_volume(_with_ball(), Series(uid="1"))
    thread = shown.stage._thread

    shown.close()

    assert not thread.is_alive


def test_cleared_view_lets_the_volume_go(view, qtbot) -> None:
    shown, volume = view(), _with_ball()
    gone = weakref.ref(volume)
    shown.set_volume(volume, Series(uid="1"))
    qtbot.waitUntil(lambda: shown.is_drawn, timeout=60_000)

    del volume
    shown.clear()

    qtbot.waitUntil(lambda: gone() is None, timeout=60_000)


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
