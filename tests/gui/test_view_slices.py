"""The slice view as a reader uses it: wheel, drags, keys, rulers; what is painted."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.results import Heatmap, Label, LabelMap, Measurement
from medview.core.study import Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.gui.views import slice_painter
from medview.gui.views.corner_painter import edge_words
from medview.gui.views.slice_view import SliceView
from medview.imaging.slabs import Slab
from medview.imaging.window import Window

_LEFT, _MIDDLE, _RIGHT = (
    Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton,
)  # fmt: skip
_GEOMETRY = Geometry(shape=(20, 60, 50), spacing=(0.8, 0.5, 2.5), origin=PatientPoint(-20, -15, 0))


def _voxels(geometry: Geometry) -> np.ndarray:
    """Every slice has its own grey, with a bright block that tells its corners apart."""
    k, j, i = geometry.shape
    stored = np.zeros((k, j, i), np.int16) + (np.arange(k) * 10)[:, None, None].astype(np.int16)
    stored[:, : j // 4, : i // 4] = 900
    return stored


def _shown(view: SliceView, geometry: Geometry = _GEOMETRY, **changes: object) -> Volume:
    stored = changes.pop("stored", None)
    given = {"unit": "HU", "modality": "CT", "windows": ((200.0, 400.0, ""),)}
    stack_changes = changes.pop("stack", {})
    header = changes.pop("header", {})
    volume = Volume(
        geometry=geometry,
        stored=_voxels(geometry) if stored is None else stored,
        **(given | changes),
    )
    stack = Stack(frames=(), geometry=geometry, verdict="regular", **stack_changes)
    series = Series(uid="1.2.3", number=3, modality="CT", stacks=(stack,), header=header)
    study = Study(uid="1.2", date="2026-01-31", description="CT chest")
    view.set_volume(volume, stack, series, study, Patient(id="A", name="DEMO^ADA", sex="F"))
    return volume


@pytest.fixture
def view(qtbot) -> Callable[..., SliceView]:
    """A shown view of a plane, 400 x 300 pixels, with a stack."""

    def make(plane: str = "axial", **changes: object) -> SliceView:
        made = SliceView(plane)
        qtbot.addWidget(made)
        made.resize(400, 300)
        made.show()
        _shown(made, **changes)
        return made

    return make


def _pixels(view: SliceView) -> np.ndarray:
    image = view.grab().toImage().convertToFormat(view.grab().toImage().Format.Format_RGB888)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return flat[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def _wheel(view: SliceView, notches: int, modifier=Qt.KeyboardModifier.NoModifier, at=None) -> None:
    place = QPointF(*(at or (200, 150)))
    event = QWheelEvent(
        place, QPointF(view.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def _drag(view: SliceView, start, end, button=_LEFT, modifier=Qt.KeyboardModifier.NoModifier):
    a, b = QPoint(*start), QPoint(*end)
    middle = (a + b) / 2
    QTest.mousePress(view, button, modifier, a)
    for place in (middle, b):
        # QTest.mouseMove carries no buttons offscreen; a sent event does.
        _move(view, place, button, modifier)
    QTest.mouseRelease(view, button, modifier, b)


def _move(view: SliceView, place: QPoint, buttons, modifier=Qt.KeyboardModifier.NoModifier):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(place), QPointF(view.mapToGlobal(place)),
        Qt.MouseButton.NoButton, buttons, modifier,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def _place(view: SliceView, point: PatientPoint) -> tuple[int, int]:
    _, row, column = view.stage.plane.to_pixel(point)
    x, y = view.stage.map().to_screen(row, column)
    return round(x), round(y)


# -- scrolling -----------------------------------------------------------------------


def test_wheel_changes_slice_and_pixels(view, qtbot) -> None:
    axial = view()
    before, index = _pixels(axial), axial.stage.index

    with qtbot.waitSignal(axial.crosshair_moved) as moved:
        _wheel(axial, -1)

    # The next axial slice lies towards the feet: 2.5 mm lower.
    assert axial.stage.index == index - 1
    assert moved.args[0].z == pytest.approx(10 * 2.5 - 2.5)
    assert not np.array_equal(_pixels(axial), before)


def test_wheel_goes_to_the_feet_whatever_way_the_slices_run(view) -> None:
    turned = Geometry(shape=(20, 60, 50), axes=((1, 0, 0), (0, 1, 0), (0, 0, -1)))
    axial = view(geometry=turned)
    z = axial.stage.state.point.z

    _wheel(axial, -1)

    assert axial.stage.state.point.z == pytest.approx(z - 1)


def test_shift_wheel_goes_ten_slices_and_stops_at_the_end(view) -> None:
    axial = view()
    index = axial.stage.index

    _wheel(axial, 1, Qt.KeyboardModifier.ShiftModifier)
    assert axial.stage.index == min(index + 10, 19)
    _wheel(axial, 1, Qt.KeyboardModifier.ShiftModifier)
    assert axial.stage.index == 19


@pytest.mark.parametrize(
    ("key", "step"), [(Qt.Key.Key_Down, -1), (Qt.Key.Key_Up, 1), (Qt.Key.Key_Right, -1)]
)
def test_arrows_scroll(view, key, step: int) -> None:
    axial = view()
    index = axial.stage.index

    QTest.keyClick(axial, key)

    assert axial.stage.index == index + step


def test_home_and_end_are_the_first_and_last_slice_as_read(view) -> None:
    axial = view()

    QTest.keyClick(axial, Qt.Key.Key_Home)
    assert axial.stage.index == 19
    QTest.keyClick(axial, Qt.Key.Key_End)
    assert axial.stage.index == 0


def test_left_and_right_together_scroll_fast(view) -> None:
    axial = view()
    QTest.keyClick(axial, Qt.Key.Key_Home)

    QTest.mousePress(axial, _LEFT, pos=QPoint(200, 20))
    QTest.mousePress(axial, _RIGHT, pos=QPoint(200, 20))
    _move(axial, QPoint(200, 170), _LEFT | _RIGHT)
    QTest.mouseRelease(axial, _RIGHT, pos=QPoint(200, 170))

    assert axial.stage.index == 9  # half of the view's height is half of the stack


# -- linked planes ------------------------------------------------------------------------


def test_crosshair_of_one_plane_moves_the_slice_of_another(view) -> None:
    axial, coronal = view(), view("coronal")
    axial.crosshair_moved.connect(coronal.set_crosshair)
    target = _GEOMETRY.to_patient(VoxelIndex(10, 45, 20))
    axial.set_tool("crosshair")

    QTest.mouseClick(axial, _LEFT, pos=QPoint(*_place(axial, target)))

    assert coronal.stage.index == 45


def test_following_the_crosshair_says_nothing_again(view, qtbot) -> None:
    axial = view()

    with qtbot.assertNotEmitted(axial.crosshair_moved):
        axial.set_crosshair(PatientPoint(0, 0, 5.0))

    assert axial.stage.index == 2


def test_shift_click_sets_the_crosshair_with_any_reading_tool(view, qtbot) -> None:
    axial = view()

    with qtbot.waitSignal(axial.crosshair_moved) as moved:
        QTest.mouseClick(axial, _LEFT, Qt.KeyboardModifier.ShiftModifier, QPoint(150, 150))

    expected = axial.stage.patient_at(150, 150)
    assert moved.args[0] == pytest.approx(expected)


def test_go_to_brings_a_place_outside_the_view_to_its_middle(view) -> None:
    axial = view()
    for _ in range(12):
        _wheel(axial, 1, Qt.KeyboardModifier.ControlModifier, at=(380, 280))
    corner = PatientPoint(-19.0, -14.0, 10.0)

    axial.go_to(corner)

    assert _place(axial, corner) == (200, 150)
    assert axial.stage.index == 4


def test_crosshair_lines_have_the_colours_of_their_planes(view) -> None:
    axial = view()
    pixels = _pixels(axial)
    x, y = _place(axial, axial.stage.state.point)

    yellow, green = pixels[40, x].astype(int), pixels[y, 20].astype(int)

    assert min(yellow[:2]) > yellow[2] + 60  # sagittal
    assert green[1] > max(green[0], green[2]) + 15  # coronal


# -- window -------------------------------------------------------------------------------


def test_left_drag_changes_the_window_and_the_pixels(view, qtbot) -> None:
    axial = view()
    before = _pixels(axial)

    with qtbot.waitSignal(axial.window_changed):
        _drag(axial, (100, 100), (200, 150))

    window = axial.stage.state.window
    assert window.width > 400  # across is width
    assert window.center < 200  # down is level down
    assert not np.array_equal(_pixels(axial), before)


def test_digits_call_file_auto_and_presets(view) -> None:
    axial = view()

    QTest.keyClick(axial, Qt.Key.Key_2)
    assert (axial.stage.state.window.width, axial.stage.state.window.center) == (1500, -600)
    QTest.keyClick(axial, Qt.Key.Key_1)
    assert (axial.stage.state.window.width, axial.stage.state.window.center) == (400, 200)
    QTest.keyClick(axial, Qt.Key.Key_0)
    assert axial.stage.state.window.width not in (400, 1500)


def test_presets_do_nothing_where_they_mean_nothing(view) -> None:
    axial = view(unit="", modality="MR")

    QTest.keyClick(axial, Qt.Key.Key_4)

    assert axial.stage.state.window == Window(center=200, width=400)


def test_invert_turns_the_picture_over(view) -> None:
    axial = view()
    place = (150, 200)  # row, column inside the picture, away from lines
    before = int(_pixels(axial)[place][0])

    QTest.keyClick(axial, Qt.Key.Key_I)

    assert int(_pixels(axial)[place][0]) == pytest.approx(255 - before, abs=60)
    assert int(_pixels(axial)[120, 230][0]) != before


def test_reset_brings_the_view_back_and_shift_r_its_window(view) -> None:
    axial = view()
    _drag(axial, (100, 100), (130, 150), _MIDDLE)
    _drag(axial, (100, 100), (200, 150))
    assert axial.stage.state.pan == (30, 50)

    QTest.keyClick(axial, Qt.Key.Key_R)
    assert axial.stage.state.pan == (0, 0)
    assert axial.stage.state.window.width != 400
    QTest.keyClick(axial, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    assert axial.stage.state.window.width == 400


# -- zoom, pan, flip -----------------------------------------------------------------------


def test_ctrl_wheel_keeps_the_place_under_the_pointer(view) -> None:
    axial = view()
    before = axial.stage.patient_at(250, 100)

    _wheel(axial, 3, Qt.KeyboardModifier.ControlModifier, at=(250, 100))

    assert axial.stage.state.zoom > 1.4
    assert axial.stage.patient_at(250, 100) == pytest.approx(before)


def test_right_drag_zooms_and_right_click_asks_for_the_menu(view, qtbot) -> None:
    axial = view()

    _drag(axial, (200, 200), (200, 80), _RIGHT)
    assert axial.stage.state.zoom == pytest.approx(2.0)
    with qtbot.waitSignal(axial.menu_requested):
        QTest.mouseClick(axial, _RIGHT, pos=QPoint(200, 200))


def test_space_with_left_drag_pans(view) -> None:
    axial = view()

    QTest.keyPress(axial, Qt.Key.Key_Space)
    _drag(axial, (100, 100), (140, 90))
    QTest.keyRelease(axial, Qt.Key.Key_Space)

    assert axial.stage.state.pan == (40, -10)
    assert axial.stage.state.window.width == 400


def test_flip_mirrors_picture_and_letters(view) -> None:
    axial = view()
    axial.set_corner_text(False)
    x, _ = _place(axial, PatientPoint(-20, -15, 25))  # in the bright corner, right anterior
    assert x < 200

    QTest.keyClick(axial, Qt.Key.Key_H)

    mirrored, _ = _place(axial, PatientPoint(-20, -15, 25))
    assert mirrored == pytest.approx(399 - x, abs=2)
    assert edge_words(axial.stage, axial.stage.plane) == ("L", "R", "A", "P")


def test_quarter_turn_turns_letters_with_the_picture(view) -> None:
    axial = view()

    QTest.keyClick(axial, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)

    # What was up (anterior) is on the right now.
    assert edge_words(axial.stage, axial.stage.plane) == ("P", "A", "R", "L")


def test_pixels_are_drawn_in_their_true_aspect(view) -> None:
    axial = view()

    a, b = axial.stage.map().to_screen(0, 0), axial.stage.map().to_screen(60, 0)
    c = axial.stage.map().to_screen(0, 50)

    # 60 rows of 0.5 mm and 50 columns of 0.8 mm.
    assert (b[1] - a[1]) / (c[0] - a[0]) == pytest.approx(30 / 40)


# -- measuring --------------------------------------------------------------------------


def test_ruler_is_true_in_millimetres_for_anisotropic_pixels(view, qtbot) -> None:
    axial = view()
    axial.set_tool("length")
    start = axial.stage.plane.to_patient(axial.stage.index, 10, 10)
    end = axial.stage.plane.to_patient(axial.stage.index, 40, 35)

    with qtbot.waitSignal(axial.measurement_made) as made:
        _drag(axial, _place(axial, start), _place(axial, end))

    (quantity,) = made.args[0].quantities
    # 30 rows of 0.5 mm, 25 columns of 0.8 mm; a screen pixel is 0.1 mm.
    assert quantity.value == pytest.approx(np.hypot(15, 20), abs=0.2)
    assert quantity.unit == "mm"


def test_click_move_click_draws_too(view, qtbot) -> None:
    axial = view()
    axial.set_tool("length")
    QTest.mouseClick(axial, _LEFT, pos=QPoint(100, 100))
    _move(axial, QPoint(180, 100), Qt.MouseButton.NoButton)

    with qtbot.waitSignal(axial.measurement_made) as made:
        QTest.mouseClick(axial, _LEFT, pos=QPoint(200, 100))

    scale = axial.stage.map().scale
    assert made.args[0].quantities[0].value == pytest.approx(100 / scale, rel=1e-3)


def test_ellipse_measures_the_voxels_of_its_slice(view, qtbot) -> None:
    axial = view()
    axial.set_tool("ellipse")

    with qtbot.waitSignal(axial.measurement_made) as made:
        _drag(axial, (200, 160), (260, 200))

    values = {q.concept: q.value for q in made.args[0].quantities}
    assert values["Mean"] == axial.stage.index * 10
    assert values["Standard deviation"] == 0
    scale = axial.stage.map().scale
    assert values["Area"] == pytest.approx(np.pi * 30 * 20 / scale**2, rel=1e-3)


def _with_ruler(axial: SliceView) -> Measurement:
    points = (axial.stage.patient_at(100, 100), axial.stage.patient_at(200, 100))
    ruler = axial.stage.measuring.measured("length", points)
    axial.set_measurements((ruler,))
    return ruler


def test_handle_can_be_grabbed_again(view, qtbot) -> None:
    axial = view()
    ruler = _with_ruler(axial)

    with qtbot.waitSignal(axial.measurement_changed) as changed:
        _drag(axial, (200, 100), (250, 100))

    new = changed.args[0]
    assert new.id == ruler.id
    assert new.quantities[0].value == pytest.approx(ruler.quantities[0].value * 1.5)
    assert axial.stage.state.window.width == 400  # the window tool did not move


def test_line_moves_the_whole_measurement(view, qtbot) -> None:
    axial = view()
    ruler = _with_ruler(axial)

    with qtbot.waitSignal(axial.measurement_changed) as changed:
        _drag(axial, (150, 100), (150, 140))

    assert changed.args[0].quantities[0].value == pytest.approx(ruler.quantities[0].value)
    assert changed.args[0].points[0] == pytest.approx(axial.stage.patient_at(100, 140))


def test_ellipse_end_moves_and_the_other_axis_keeps_its_length(view, qtbot) -> None:
    axial = view()
    places = ((100, 100), (200, 100), (150, 80), (150, 120))
    ellipse = axial.stage.measuring.measured(
        "ellipse", tuple(axial.stage.patient_at(*p) for p in places)
    )
    axial.set_measurements((ellipse,))

    with qtbot.waitSignal(axial.measurement_changed) as changed:
        _drag(axial, (200, 100), (240, 100))

    area = changed.args[0].quantities[0].value
    assert area == pytest.approx(ellipse.quantities[0].value * 1.4, rel=1e-3)


def test_ruler_is_not_left_with_both_ends_on_one_place(view, qtbot) -> None:
    axial = view()
    _with_ruler(axial)

    with qtbot.assertNotEmitted(axial.measurement_changed):
        _drag(axial, (200, 100), (101, 100))

    assert axial.stage.measuring.sketched is None


@pytest.mark.parametrize(
    ("tool", "is_new"), [("ellipse", True), ("probe", True), ("length", False)]
)
def test_measuring_tool_draws_over_a_handle_of_another_kind(view, tool, is_new) -> None:
    axial = view()
    _with_ruler(axial)
    made, changed = [], []
    axial.measurement_made.connect(made.append)
    axial.measurement_changed.connect(changed.append)
    axial.set_tool(tool)

    _drag(axial, (200, 100), (240, 140))

    assert [m.kind for m in made] == ([tool] if is_new else [])
    assert bool(changed) is not is_new


def test_delete_removes_the_selected_measurement(view, qtbot) -> None:
    axial = view()
    ruler = _with_ruler(axial)
    QTest.mouseClick(axial, _LEFT, pos=QPoint(150, 100))

    with qtbot.waitSignal(axial.measurement_deleted) as deleted:
        QTest.keyClick(axial, Qt.Key.Key_Delete)

    assert deleted.args == [ruler.id]


def test_measurement_is_drawn_on_its_own_slice_only(view) -> None:
    axial = view()
    _with_ruler(axial)
    assert len(axial.stage.measuring.marks()) == 1

    _wheel(axial, -1)

    assert axial.stage.measuring.marks() == []


def test_escape_gives_up_the_drawing_then_the_tool(view, qtbot) -> None:
    axial = view()
    axial.set_tool("length")
    QTest.mouseClick(axial, _LEFT, pos=QPoint(100, 100))
    _move(axial, QPoint(180, 100), Qt.MouseButton.NoButton)

    with qtbot.assertNotEmitted(axial.measurement_made):
        QTest.keyClick(axial, Qt.Key.Key_Escape)
    assert axial.tool_name == "length"
    with qtbot.waitSignal(axial.tool_chosen) as chosen:
        QTest.keyClick(axial, Qt.Key.Key_Escape)
    assert chosen.args == ["window"]


@pytest.mark.parametrize(
    ("key", "tool"),
    [("L", "length"), ("E", "ellipse"), ("P", "probe")],
)
def test_letters_choose_tools_and_keep_them_when_pressed_again(view, key: str, tool: str) -> None:
    axial = view()

    QTest.keyClick(axial, key)
    assert axial.tool_name == tool
    QTest.keyClick(axial, key)
    assert axial.tool_name == tool
    QTest.keyClick(axial, Qt.Key.Key_Escape)
    assert axial.tool_name == "window"


def test_the_crosshair_comes_and_goes_by_its_letter(view) -> None:
    axial = view()

    QTest.keyClick(axial, "X")
    assert axial.tool_name == "crosshair"
    QTest.keyClick(axial, "X")
    assert axial.tool_name == "window"


def test_probe_tells_the_value_under_the_mouse(view, qtbot) -> None:
    axial = view()

    with qtbot.waitSignal(axial.probe_moved) as moved:
        _move(axial, QPoint(230, 180), Qt.MouseButton.NoButton)

    assert moved.args[0].value == axial.stage.index * 10
    assert moved.args[0].text() == "100.0 HU"


def test_probe_outside_the_picture_has_no_value(view, qtbot) -> None:
    axial = view()
    _drag(axial, (100, 100), (150, 100), _MIDDLE)

    with qtbot.waitSignal(axial.probe_moved) as moved:
        _move(axial, QPoint(2, 180), Qt.MouseButton.NoButton)

    assert moved.args[0].value is None


def test_length_on_a_film_without_calibration_is_in_pixels(view, qtbot) -> None:
    film = Geometry(shape=(1, 60, 50), is_spatial=False)
    axial = view(geometry=film, unit="", modality="CR", stack={"calibration": "none"})
    axial.set_tool("length")

    with qtbot.waitSignal(axial.measurement_made) as made:
        _drag(axial, (150, 100), (200, 100))

    assert made.args[0].quantities[0].unit == "{pixels}"
    assert made.args[0].quantities[0].value == pytest.approx(50 / axial.stage.map().scale)


# -- overlays ----------------------------------------------------------------------------


def _mask() -> LabelMap:
    voxels = np.zeros(_GEOMETRY.shape, np.uint8)
    voxels[8:13, 25:45, 20:40] = 1
    legend = (Label(value=1, name="right lung", colour="#56b4e9"),)
    return LabelMap(id="m", geometry=_GEOMETRY, voxels=voxels, labels=legend)


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_overlay_changes_pixels_where_it_lies_on_every_plane(view, plane: str) -> None:
    shown = view(plane)
    shown.set_crosshair(_GEOMETRY.to_patient(VoxelIndex(10, 35, 30)))
    before = _pixels(shown)

    shown.set_overlays((_mask(),), ())

    after = _pixels(shown)
    inside = _GEOMETRY.to_patient(VoxelIndex(9, 30, 25))
    x, y = _place(shown, inside)
    assert after[y, x, 2] > before[y, x, 2] + 20  # bluer
    assert np.array_equal(after[y, 60], before[y, 60])


def test_a_painting_that_failed_half_way_is_done_anew(view, monkeypatch) -> None:
    axial = view()
    axial.set_crosshair(_GEOMETRY.to_patient(VoxelIndex(10, 35, 30)))
    axial.set_overlays((_mask(),), ())
    whole = _pixels(axial)

    axial._painter.forget()
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    with monkeypatch.context() as torn:
        torn.setattr(slice_painter, "_draw_segments", _without_memory)
        with pytest.raises(MemoryError):
            axial._painter.paint(painter, axial.look, 1)
    painter.end()

    assert np.array_equal(_pixels(axial), whole)


def _without_memory(*_given: object) -> None:
    raise MemoryError


def test_o_switches_the_overlay_off_and_on(view, qtbot) -> None:
    axial = view()
    plain = _pixels(axial)
    axial.set_overlays((_mask(),), ())
    overlaid = _pixels(axial)

    with qtbot.waitSignal(axial.overlay_toggled):
        QTest.keyClick(axial, Qt.Key.Key_O)
    assert np.array_equal(_pixels(axial), plain)
    QTest.keyClick(axial, Qt.Key.Key_O)
    assert np.array_equal(_pixels(axial), overlaid)


def test_o_held_is_only_a_look(view, qtbot) -> None:
    axial = view()

    QTest.keyPress(axial, Qt.Key.Key_O)
    assert not axial.look.has_overlay
    QTest.keyRelease(axial, Qt.Key.Key_O, Qt.KeyboardModifier.NoModifier, 300)

    assert axial.look.has_overlay


def test_heatmap_draws_a_colour_bar_with_its_name(view) -> None:
    axial = view()
    before = _pixels(axial)
    values = np.zeros(_GEOMETRY.shape, np.float32)
    values[10, 30:40, 30:40] = 0.9

    axial.set_overlays((), (Heatmap(id="h", geometry=_GEOMETRY, values=values, class_name="x"),))

    after = _pixels(axial)
    bar = after[93:140, 388].astype(int)  # below the words of the corner
    assert bar[0].sum() > bar[-1].sum() + 150  # bright above, dark below
    assert not np.array_equal(after[150:200, 200:280], before[150:200, 200:280])


# -- loading ------------------------------------------------------------------------------


def test_slices_still_loading_are_black_with_a_bar_below(view) -> None:
    axial = view()
    whole = _pixels(axial)
    ready = np.zeros(20, bool)
    ready[:5] = True

    axial.set_ready(ready)

    pixels = _pixels(axial)
    assert pixels[100, 130].tolist() == [0, 0, 0]
    assert whole[100, 130].any()
    assert pixels[299, 20].tolist() == [0x4A, 0xA3, 0xDF]
    axial.set_ready(np.ones(20, bool))
    assert np.array_equal(_pixels(axial), whole)


def test_other_planes_show_what_has_arrived(view) -> None:
    coronal = view("coronal")
    ready = np.zeros(20, bool)
    ready[10:] = True

    coronal.set_ready(ready)

    x, above = _place(coronal, PatientPoint(10, 0, 40))
    _, below = _place(coronal, PatientPoint(10, 0, 10))
    pixels = _pixels(coronal)
    assert pixels[above, x].any()
    assert not pixels[below, x].any()


def test_automatic_window_waits_for_the_first_slice(view) -> None:
    axial = view(windows=(), stored=np.zeros((20, 60, 50), np.int16))
    axial.stage.shown.volume.stored[3] = np.arange(3000, dtype=np.int16).reshape(60, 50)
    ready = np.zeros(20, bool)
    ready[3] = True

    axial.set_ready(ready)

    assert axial.stage.state.window.width > 2000


# -- words and frame ---------------------------------------------------------------------


def test_t_hides_the_corner_texts(view, qtbot) -> None:
    axial = view()
    for _ in range(4):
        _wheel(axial, -1, Qt.KeyboardModifier.ControlModifier)  # room around the picture
    before = _pixels(axial)[5:30, 30:120]

    with qtbot.waitSignal(axial.corner_text_toggled):
        QTest.keyClick(axial, Qt.Key.Key_T)

    assert before.max() > 200
    assert _pixels(axial)[5:30, 30:120].max() == 0


def test_active_view_has_the_accent_frame(view) -> None:
    axial = view()

    axial.set_active(True)

    assert _pixels(axial)[0, 200].tolist() == [0x4A, 0xA3, 0xDF]


def test_click_activates_and_double_click_maximises(view, qtbot) -> None:
    axial = view()

    with qtbot.waitSignal(axial.activated):
        QTest.mouseClick(axial, _LEFT, pos=QPoint(50, 50))
    with qtbot.waitSignal(axial.maximise_requested):
        QTest.mouseDClick(axial, _LEFT, pos=QPoint(50, 50))
    with qtbot.waitSignal(axial.maximise_requested):
        QTest.keyClick(axial, Qt.Key.Key_Return)


def test_page_keys_ask_for_another_series(view, qtbot) -> None:
    axial = view()

    with qtbot.waitSignal(axial.series_step) as stepped:
        QTest.keyClick(axial, Qt.Key.Key_PageDown)

    assert stepped.args == [1]


def test_empty_view_survives_mouse_and_keys(view) -> None:
    axial = view()
    axial.clear()

    _wheel(axial, 1)
    _drag(axial, (10, 10), (90, 90))
    for key in "0123IRTHVOLEPX":
        QTest.keyClick(axial, key)

    assert _pixels(axial).shape == (300, 400, 3)


def test_capture_in_colour_has_no_window_and_no_lines(view) -> None:
    capture = Geometry(shape=(5, 60, 50), is_spatial=False)
    stored = np.full((5, 60, 50, 3), (10, 200, 30), np.uint8)
    axial = view(geometry=capture, stored=stored, unit="", modality="US", windows=())

    pixels = _pixels(axial)

    x, y = _place(axial, axial.stage.state.point)
    assert pixels[y, x].tolist() == [10, 200, 30]
    _drag(axial, (200, 100), (230, 120))
    assert np.array_equal(_pixels(axial)[50:250], pixels[50:250])


def test_single_sagittal_slice_is_shown_as_acquired(view) -> None:
    sagittal = Geometry(shape=(1, 40, 30), axes=((0, 1, 0), (0, 0, -1), (1, 0, 0)))
    axial = view(geometry=sagittal)

    assert axial.stage.plane.shape == (40, 30)
    assert axial.stage.plane.name == "sagittal"


def test_large_film_is_reduced_before_it_is_windowed(view) -> None:
    film = Geometry(shape=(1, 2400, 2000), spacing=(0.2, 0.2, 1), is_spatial=False)
    stored = np.zeros((1, 2400, 2000), np.uint16)
    stored[:, 1200:] = 399
    axial = view(geometry=film, stored=stored, unit="", modality="DX")

    pixels = _pixels(axial)

    assert pixels[100, 200].tolist() == [0, 0, 0]
    assert pixels[250, 200].min() > 250
    assert axial._painter.pictures._grey[1].pixels.shape == (300, 250)


@pytest.mark.parametrize("thick", [0.0, 3.0])
def test_a_mask_that_was_taken_away_is_held_no_longer(view, thick: float) -> None:
    shown = view("axial")
    state = shown.stage.state
    slab = Slab(mode="mip", mm=thick)
    shown.stage.change(replace(state, mpr=state.mpr.with_slab("axial", slab)))
    mask = _mask()
    shown.set_overlays((mask,), ())
    painted = _pixels(shown)
    held = weakref.ref(mask)
    del mask

    shown.set_overlays((), ())

    assert not np.array_equal(_pixels(shown), painted)
    gc.collect()
    assert held() is None
