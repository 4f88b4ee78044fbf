"""The volume view in the window: crosshair, slices in space, surfaces, files, keys."""

from __future__ import annotations

import gc
import json
import stat
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from medview.core.errors import InvalidInput
from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Finding, Label, LabelMap, ModelRef, ModelRun
from medview.core.volume import Volume
from medview.dicom import write_volume
from medview.gui.scripts.recorder import Recorder
from medview.gui.scripts.replayer import Replayer
from medview.gui.views.volume_view import VolumeView
from medview.gui.window import MainWindow
from medview.imaging.looks import own_looks_path
from medview.session.places import Place


@pytest.fixture
def opened(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, quiet: Callable[..., None]
) -> MainWindow:
    """The window with a small volume of its own: a bright ball in air, in 2 x 2."""
    grid = np.mgrid[-14:14, -20:20, -20:20]
    ball = ((grid[0] * 1.4) ** 2 + grid[1] ** 2 + grid[2] ** 2) < 15**2
    volume = Volume(
        geometry=Geometry(shape=ball.shape, spacing=(1.5, 1.5, 2.0)),
        stored=np.where(ball, 900, 0).astype(np.int16),
    )
    write_volume(volume, tmp_path / "ball.nii.gz")
    window.open_paths([tmp_path / "ball.nii.gz"])
    quiet(window)
    window.actions_.perform("layout.2x2")
    return window


@pytest.fixture
def volume(opened: MainWindow, qtbot: QtBot, quiet: Callable[..., None]) -> VolumeView:
    """The volume view of the ball, drawn."""
    qtbot.waitUntil(lambda: opened.grid.volume_view is not None, timeout=60_000)
    view = opened.grid.volume_view
    assert view is not None
    qtbot.waitUntil(lambda: view.stage.picture is not None, timeout=60_000)
    quiet(opened)
    return view


def _mask(window: MainWindow, place: Place, *, right_only: bool = False) -> None:
    """A box at the patient's right front and a smaller one at the left back, as a model's run."""
    opened = window.session.studies.volume(place.key)
    assert opened is not None
    geometry = opened.volume.geometry
    voxels = np.zeros(geometry.shape, np.uint8)
    k, j, i = geometry.shape
    voxels[k // 4 : k // 2, j // 4 : j // 2, i // 5 : i // 3] = 1
    if not right_only:
        voxels[k // 2 : k // 2 + 4, j // 2 : j // 2 + 6, 3 * i // 4 : 3 * i // 4 + 6] = 2
    labels = (
        Label(value=1, name="right box", colour="#56b4e9"),
        Label(value=2, name="left box", colour="#e69f00"),
    )
    run = ModelRun(
        id="run", model=ModelRef(name="m", version="1", manifest_sha256="0" * 64),
        series_uid=place.key[0], stack=place.key[1], status="run",
        label_map=LabelMap(id="masks", geometry=geometry, voxels=voxels, labels=labels),
        findings=(Finding(id="right", kind="segmentation", label="right box"),),
    )  # fmt: skip
    window.session.made.keep_run(place, run)


def _with_surfaces(window: MainWindow, view: VolumeView, qtbot: QtBot) -> None:
    place = window.session.active
    assert place is not None
    _mask(window, place)
    qtbot.waitUntil(lambda: bool(window.grid.views["axial"].stage.overlays), timeout=60_000)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_O)
    qtbot.waitUntil(lambda: len(view.stage.extras.surfaces) == 2, timeout=60_000)


def test_click_in_the_volume_moves_the_crosshair_of_every_slice(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(volume.stage.picked, timeout=60_000) as found:
        QTest.mouseClick(
            volume, Qt.MouseButton.LeftButton,
            pos=QPoint(volume.width() // 2, volume.height() // 2),
        )  # fmt: skip

    point = found.args[0]
    for view in opened.grid.views.values():
        assert view.stage.state.point == pytest.approx(point)


def test_cuts_follow_the_crosshair_of_the_slices(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot
) -> None:
    opened.actions_.perform("volume.cut_axial")
    at = opened.grid.views["axial"].stage.state.point
    assert volume.stage.state.cut_named("axial").point == pytest.approx(tuple(at))
    point = opened.grid.views["axial"].stage.state.point

    opened.grid.go_to(PatientPoint(point.x, point.y, point.z + 8))

    qtbot.waitUntil(
        lambda: volume.stage.state.cut_named("axial").point[2] == pytest.approx(point.z + 8)
    )


def test_slices_stand_in_space_as_outlines_then_as_pictures(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot
) -> None:
    volume.setFocus()
    QTest.keyClick(volume, Qt.Key.Key_Y)
    outlines = volume.stage.extras.slices
    QTest.keyClick(volume, Qt.Key.Key_Y)
    pictures = volume.stage.extras.slices

    assert [each.plane.name for each in outlines] == ["axial", "coronal", "sagittal"]
    assert all(each.pixels() is None for each in outlines)
    axial = opened.grid.views["axial"].stage
    middle = pictures[0].corners().mean(axis=0)
    rows, columns = axial.plane.shape
    wanted = axial.plane.to_patient(axial.index, (rows - 1) / 2, (columns - 1) / 2)
    assert middle == pytest.approx(np.array(wanted))
    assert pictures[0].pixels().shape == axial.plane.shape
    QTest.keyClick(volume, Qt.Key.Key_Y)
    assert volume.stage.extras.slices == ()


def test_surfaces_of_masks_lie_where_the_masks_do(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot
) -> None:
    _with_surfaces(opened, volume, qtbot)

    right, left = volume.stage.extras.surfaces
    assert (right.name, left.name) == ("right box", "left box")
    assert right.mesh.points[:, 0].mean() < left.mesh.points[:, 0].mean()  # +x is the left
    assert right.mesh.points[:, 1].mean() < left.mesh.points[:, 1].mean()  # +y is the back
    assert right.mesh.is_closed
    assert volume.badges() == ["AI, UNCONFIRMED"]
    QTest.keyClick(volume, Qt.Key.Key_O)
    assert volume.stage.scene.surfaces == ()


def test_surfaces_go_with_their_masks(opened: MainWindow, volume: VolumeView, qtbot: QtBot) -> None:
    _with_surfaces(opened, volume, qtbot)

    place = opened.session.active
    _mask(opened, place, right_only=True)

    qtbot.waitUntil(
        lambda: [each.name for each in volume.stage.extras.surfaces] == ["right box"],
        timeout=60_000,
    )


def test_surfaces_are_not_shown_with_another_series_that_the_view_turned_to_meanwhile(
    opened: MainWindow, volume: VolumeView, imaging_data: Path, qtbot: QtBot, quiet
) -> None:
    place = opened.session.active
    opened.open_paths([imaging_data / "mr" / "brain-t1-pre"])
    qtbot.waitUntil(lambda: len(list(opened.session.studies.places())) == 2)
    quiet(opened)
    other = next(p for p in opened.session.studies.places() if p.key != place.key)
    for each in (other, place):  # both are in memory
        opened.show_series(each.key)
        quiet(opened)
    _mask(opened, place)
    qtbot.waitUntil(lambda: bool(opened.grid.views["axial"].stage.overlays))
    volume.setFocus()

    QTest.keyClick(volume, Qt.Key.Key_O)  # the surfaces are made in a thread
    opened.show_series(other.key)
    quiet(opened)

    assert volume.stage.volume is opened.session.studies.volume(other.key).volume
    assert volume.stage.extras.surfaces == ()


def test_nothing_holds_the_surfaces_of_a_patient_who_was_closed(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot
) -> None:
    _with_surfaces(opened, volume, qtbot)
    held = weakref.ref(volume.stage.extras.surfaces[0].mesh.points)

    opened.close_patient()

    def is_gone() -> bool:
        gc.collect()
        return held() is None

    qtbot.waitUntil(is_gone, timeout=10_000)


def test_surfaces_are_saved_as_stl_for_the_owner_alone(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot, tmp_path: Path, quiet
) -> None:
    from vtkmodules.vtkIOGeometry import vtkSTLReader

    _with_surfaces(opened, volume, qtbot)

    opened.actions_.perform("volume.save_stl", path=str(tmp_path / "all.stl"))
    opened.actions_.perform("volume.save_stl_each", folder=str(tmp_path))
    quiet(opened)

    names = sorted(path.name for path in tmp_path.glob("*.stl"))
    assert names == ["all.stl", "left box.stl", "right box.stl"]
    assert stat.S_IMODE((tmp_path / "all.stl").stat().st_mode) == 0o600
    reader = vtkSTLReader()
    reader.SetFileName(str(tmp_path / "left box.stl"))
    reader.Update()
    x = reader.GetOutput().GetBounds()[:2]
    left = volume.stage.extras.surfaces[1].mesh.points[:, 0]
    assert x == pytest.approx((left.min(), left.max()), abs=1e-3)


def test_without_a_mask_the_key_for_surfaces_says_what_to_do(
    opened: MainWindow, volume: VolumeView
) -> None:
    volume.setFocus()
    QTest.keyClick(volume, Qt.Key.Key_O)

    assert "run a model or draw one first" in opened.status.message


def test_the_palette_lists_what_the_volume_view_can(opened: MainWindow) -> None:
    titles = [action.iconText() for action in opened.actions_.group("volume")]

    assert "Crop box" in titles
    assert "Save surfaces as STL…" in titles


def test_keys_of_the_slices_mean_their_own_there(opened: MainWindow, volume: VolumeView) -> None:
    axial = opened.grid.views["axial"]
    axial.setFocus()
    QTest.keyClick(axial, Qt.Key.Key_V)
    assert axial.stage.state.flip_v
    assert volume.stage.extras.is_volume_shown

    volume.setFocus()
    QTest.keyClick(volume, Qt.Key.Key_V)

    assert axial.stage.state.flip_v
    assert not volume.stage.extras.is_volume_shown


def test_undo_in_the_volume_view_takes_its_cut_and_leaves_the_measurement(
    opened: MainWindow, volume: VolumeView
) -> None:
    opened.actions_.perform("volume.cut_free")
    axial = opened.grid.views["axial"]
    axial.setFocus()
    QTest.keyClick(axial, Qt.Key.Key_L)
    _drag(axial, (0.3, 0.3), (0.6, 0.6))
    volume.setFocus()

    QTest.keyClick(volume, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)

    assert volume.stage.state.cuts == ()
    assert opened.session.work.carvings == ()
    assert len(opened.session.work.measurements) == 1


def _drag(view: QWidget, *spots: tuple[float, float]) -> None:
    """The left button along places, told in shares of a view."""
    places = [QPoint(round(x * view.width()), round(y * view.height())) for x, y in spots]
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        move = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(place), QPointF(view.mapToGlobal(place)),
            Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(view, move)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=places[-1])


def _cut_out(volume: VolumeView) -> None:
    """The scissors, by the row of tools, round the upper left quarter."""
    QTest.mouseClick(volume.bar.buttons["lasso_remove"], Qt.MouseButton.LeftButton)
    _drag(volume, (0.2, 0.2), (0.5, 0.2), (0.5, 0.5), (0.2, 0.5))
    QTest.keyClick(volume, Qt.Key.Key_Escape)


def test_a_cut_is_undone_and_done_again_from_the_slices_by_its_name(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot
) -> None:
    axial = opened.grid.views["axial"]
    volume.setFocus()
    _cut_out(volume)
    assert len(volume.stage.state.lassos) == 1
    axial.setFocus()

    QTest.keyClick(axial, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)

    qtbot.waitUntil(lambda: volume.stage.state.lassos == ())
    assert opened.status.message == "Undone: Cut the volume with the scissors"
    QTest.keyClick(axial, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(volume.stage.state.lassos) == 1)
    volume.setFocus()
    QTest.keyClick(volume, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert volume.stage.state.lassos == ()
    assert opened.session.work.carvings == ()


def test_a_roll_of_the_wheel_moves_the_cuts_in_one_step(
    opened: MainWindow, volume: VolumeView
) -> None:
    opened.actions_.perform("volume.cut_free")
    volume.setFocus()
    before = volume.stage.state.cuts
    for _ in range(3):
        QTest.keyClick(volume, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    moved = volume.stage.state.cuts[0][1].point[1] - before[0][1].point[1]
    assert moved == pytest.approx(3 * 2.0)

    QTest.keyClick(volume, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)

    assert volume.stage.state.cuts == before


def test_cuts_come_back_with_the_patient_and_the_corner_says_so(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot, tmp_path: Path, quiet: Callable[..., None]
) -> None:
    volume.setFocus()
    _cut_out(volume)
    lassos = volume.stage.state.lassos
    opened.close_patient()
    quiet(opened)

    opened.open_paths([tmp_path / "ball.nii.gz"])
    quiet(opened)

    view = opened.grid.volume_view
    assert view is not None
    qtbot.waitUntil(lambda: view.stage.state.lassos == lassos)
    assert "CUT" in view.badges()


def test_turns_and_cuts_of_the_volume_are_recorded_and_repeated(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot, quiet: Callable[..., None]
) -> None:
    recorder = Recorder(opened)
    volume.setFocus()
    _drag(volume, (0.5, 0.5), (0.6, 0.45))
    _cut_out(volume)
    QTest.keyClick(volume, Qt.Key.Key_D)
    QTest.keyClick(volume, Qt.Key.Key_G)
    QTest.mouseClick(volume.editor.buttons["close"], Qt.MouseButton.LeftButton)
    script = recorder.finish()
    stand, carving = volume.stage.stand, volume.stage.state.carving
    assert stand.camera.frame[0] != (1, 0, 0)
    assert {"volume.stand", "volume.lasso_remove", "edit.work", "volume.cut_free"} <= {
        step.do for step in script.steps
    }
    for name in ("volume.no_cuts", "volume.reset_view"):
        opened.actions_.perform(name)

    replayer = Replayer(opened, replace(script, paths=()))
    with qtbot.waitSignal(replayer.finished, timeout=60_000):
        replayer.begin()

    assert [r for r in replayer.results if not r.is_done] == []
    qtbot.waitUntil(lambda: volume.stage.state.carving == carving)
    assert volume.stage.stand == stand
    assert volume.commands.tool == "turn"  # Esc and closing are steps too
    assert not volume.editor.isVisible()


@pytest.mark.parametrize(
    ("do", "parameters"),
    [
        ("volume.stand", {"tile": 3, "state": {"camera": {"frame": [[0, 0, 0]] * 3}}}),
        ("volume.stand", {"tile": 3, "state": {"camera": {"zoom": 0.0}}}),
        ("volume.stand", {"tile": 3, "state": {"look": "of somebody else"}}),
        ("volume.stand", {"tile": 3, "state": {"blend": "by magic"}}),
        ("volume.stand", {"tile": 3, "state": {"edited": {"id": "", "name": "", "points": []}}}),
        ("volume.stand", {"tile": 0, "state": {}}),
        ("edit.work", {"field": "carvings", "put": [{"series_uid": "1", "stack": 0, "carving": {
            "lassos": [{"right": [1, 0, 0], "up": [0, 0, 1], "corners": [[0, 0]]}]}}]}),
        ("edit.work", {"field": "carvings", "put": [{"series_uid": "1", "stack": 0, "carving": {
            "cuts": [["free", {"point": [0, 0, 0], "normal": [0, 0, 0]}]]}}]}),
        ("edit.work", {"field": "carvings", "put": [{"series_uid": "1", "stack": 0, "carving": {
            "box": {"low": [0.9, 0, 0], "high": [0.1, 1, 1]}}}]}),
    ],
)  # fmt: skip
def test_a_script_that_cuts_nonsense_is_refused_in_a_sentence(
    opened: MainWindow, volume: VolumeView, do: str, parameters: dict[str, object]
) -> None:
    before = volume.stage.stand, volume.stage.state

    with pytest.raises(InvalidInput):
        opened.actions_.perform(do, **parameters)

    assert (volume.stage.stand, volume.stage.state) == before
    assert opened.session.work.carvings == ()


def test_look_of_the_readers_own_is_kept_and_taken_away(
    opened: MainWindow, volume: VolumeView, qtbot: QtBot, quiet
) -> None:
    opened.actions_.perform("volume.editor")
    opened.actions_.perform("volume.shift_up")
    volume.editor.name.setText("Stents")
    QTest.keyClick(volume.editor.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: volume.stage.looks[-1].name == "Stents", timeout=60_000)

    assert volume.title() == "Volume · Stents"
    volume.editor.buttons["forget"].click()
    quiet(opened)
    assert not any(look.is_own for look in volume.stage.looks)


def test_nonsense_in_the_file_of_own_looks_is_said_and_the_file_stays(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, quiet: Callable[..., None]
) -> None:
    points = [[0, 0, "#000000"], [100, 1, "#ffffff"]]
    sound = {"id": "a", "name": "Sound", "unit": "HU", "points": points}
    broken = {**sound, "id": "b", "points": [[0, 0, "#000000"], [float("nan"), 1, "#ffffff"]]}
    path = own_looks_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"looks": [7, broken, sound]}), encoding="utf-8")
    written = path.read_bytes()
    volume = Volume(
        geometry=Geometry(shape=(12, 20, 20)),
        stored=np.arange(4800, dtype=np.int16).reshape(12, 20, 20),
        unit="HU",
    )
    write_volume(volume, tmp_path / "ramp.nii.gz")
    window.open_paths([tmp_path / "ramp.nii.gz"])
    quiet(window)
    window.actions_.perform("layout.2x2")
    qtbot.waitUntil(
        lambda: window.grid.volume_view is not None and bool(window.grid.volume_view.stage.looks)
    )

    said = [(level, str(sentence)) for level, sentence, _ in window.messages]
    assert ("warn", "Look 1 in volume-looks.json makes no sense (looks) and is left out.") in said
    assert ("warn", "Look 2 in volume-looks.json makes no sense (points) and is left out.") in said
    assert path.read_bytes() == written


def test_escape_closes_the_editor_of_the_look_and_the_keys_are_the_views_again(
    opened: MainWindow, volume: VolumeView
) -> None:
    volume.setFocus()
    QTest.keyClick(volume, Qt.Key.Key_G)
    assert volume.editor.isVisible()
    assert volume.editor.canvas.hasFocus()

    QTest.keyClick(volume.editor.canvas, Qt.Key.Key_Escape)

    assert not volume.editor.isVisible()
    assert volume.hasFocus()


def test_words_can_be_read_on_the_picture_that_still_stands(
    volume: VolumeView, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: not volume.stage.is_drawing, timeout=60_000)
    volume.commands.run("blend")
    volume.commands.run("blend")
    assert volume.stage.scene is not None
    assert sum(volume.stage.scene.background) > 1.5  # MinIP: bright, but not drawn yet
    image = volume.grab().toImage()
    title = [image.pixelColor(x, y).lightness() for x in range(8, 60) for y in range(6, 22)]
    assert max(title) > 150
