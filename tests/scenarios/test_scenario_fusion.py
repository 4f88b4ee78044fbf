"""PET over CT in the window: how it comes, how it is looked at, and when it does not come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copy

import numpy as np
import pytest
from pydicom import dcmread
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from medview.core.codec import to_plain
from medview.core.errors import InvalidInput
from medview.core.geometry import PatientPoint, VoxelIndex
from medview.gui.scripts.recorder import Recorder, _is_more_of
from medview.gui.views import corners
from medview.gui.views.reading_at import reading_at
from medview.gui.window import MainWindow
from medview.imaging.fusion import MAPS, resampled
from medview.imaging.mpr import mpr_planes, turned_about
from medview.imaging.oblique import ObliquePlane
from medview.imaging.slabs import Slab, SlabPlane
from medview.session.places import Key
from medview.session.script import Step

Quiet = Callable[..., None]
CTRL = Qt.KeyboardModifier.ControlModifier


def key_of(window: MainWindow, modality: str) -> Key:
    places = window.session.studies.places()
    return next(place.key for place in places if place.series.modality == modality)


@pytest.fixture(scope="session")
def thigh(tmp_path_factory: pytest.TempPathFactory, imaging_data: Path) -> Path:
    """The part of the PET/CT that both cover: every second CT slice, the PET around it."""
    folder = tmp_path_factory.mktemp("petct")
    for part, chosen in (("ct", slice(0, 30, 2)), ("pet", slice(0, 40))):
        (folder / part).mkdir()
        for path in sorted((imaging_data / "petct" / part).iterdir())[chosen]:
            copy(path, folder / part)
    return folder


@pytest.fixture
def ct(window: MainWindow, quiet: Quiet, thigh: Path) -> Key:
    """The PET/CT is open, its CT in the views."""
    window.open_paths([thigh])
    quiet(window)
    key = key_of(window, "CT")
    window.session.select(key)
    quiet(window)
    return key


@pytest.fixture
def fused(window: MainWindow, quiet: Quiet, ct: Key) -> MainWindow:
    window.fusion.fuse(ct, key_of(window, "PT"))
    quiet(window)
    return window


def picture(window: MainWindow) -> np.ndarray:
    image = window.grid.active_view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return flat[..., :3].astype(int)


def hottest(window: MainWindow) -> PatientPoint:
    """The place of the slice where the PET is hottest."""
    stage = window.grid.active_view.stage
    assert stage.plane is not None
    assert stage.upper is not None
    values = resampled(stage.upper.volume, stage.plane, stage.index)
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    return stage.plane.to_patient(stage.index, float(row), float(column))


def test_pet_lies_over_ct_in_every_plane_with_its_unit_and_bar(fused: MainWindow) -> None:
    layers = [view.stage.upper for view in fused.grid.views.values()]
    assert all(layer is not None and layer.volume.unit == "SUVbw" for layer in layers)
    shown = picture(fused)
    assert (shown[..., 2] - shown[..., 0] > 60).mean() > 0.01  # hot iron: red over the grey
    assert fused.fusion.bar.isVisible()
    assert "PET AC" in fused.fusion.bar.title
    assert layers[0] is not None
    assert corners.upper_layer(layers[0]) == "PT W 6 L 3 · 50 %"


def test_only_series_of_the_patient_with_slices_in_space_are_offered(
    window: MainWindow, ct: Key
) -> None:
    assert [place.series.modality for place in window.fusion.candidates(ct)] == ["PT"]
    (offer,) = window.fusion.offers(window)
    assert offer.text() == "PT 1 PET AC 2000-09-07"


def test_the_probe_tells_both_values_each_of_its_own_voxel(fused: MainWindow) -> None:
    stage = fused.grid.active_view.stage
    point = hottest(fused)
    assert stage.plane is not None
    _, row, column = stage.plane.to_pixel(point)
    reading = reading_at(stage, *stage.map().to_screen(row, column))
    assert reading is not None
    assert stage.upper is not None
    voxel = stage.upper.volume.geometry.to_index(point)
    k, j, i = (round(v) for v in voxel)
    own = stage.upper.volume.value_at(k, j, i)
    assert own is not None
    assert own > 3
    assert reading.upper == (own, "SUVbw")
    assert f"{own:.1f} SUVbw" in reading.text()
    assert "HU" in reading.text()


def test_another_suv_holds_for_the_pet_that_lies_over_the_ct_too(
    fused: MainWindow, quiet: Quiet
) -> None:
    ct = fused.session.active
    assert ct is not None
    fused.session.select(key_of(fused, "PT"))
    quiet(fused)
    fused.actions_.perform("view.suv_unit")
    unit = fused.grid.active_view.stage.shown.volume.unit
    assert unit == "SUVlbm"

    fused.session.select(ct.key)
    quiet(fused)

    upper = fused.grid.active_view.stage.upper
    assert upper is not None
    assert (upper.volume.unit, upper.stack.unit) == (unit, unit)


def test_slider_and_keys_change_the_share(fused: MainWindow, qtbot: QtBot) -> None:
    stage = fused.grid.active_view.stage
    fused.grid.active_view.setFocus()
    qtbot.keyClick(fused.grid.active_view, Qt.Key.Key_Period)
    assert stage.upper is not None
    assert stage.upper.blend == pytest.approx(0.55)
    fused.fusion.bar.blend.setValue(0)
    plain = picture(fused)
    fused.fusion.end()
    assert np.abs(plain[60:300, 60:300] - picture(fused)[60:300, 60:300]).max() == 0
    assert not fused.fusion.bar.isVisible()


def test_ctrl_drag_moves_the_upper_window_alone_and_everywhere(
    fused: MainWindow, qtbot: QtBot
) -> None:
    view = fused.grid.active_view
    before = view.stage.state.window
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, CTRL, QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(150, 100))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, CTRL, QPoint(150, 100))
    assert view.stage.state.window == before
    for other in fused.grid.views.values():
        assert other.stage.upper is not None
        low, high = other.stage.upper.ends
        assert low == pytest.approx(0.0)  # SUV stays read from nothing
        assert high > 6.5


def test_a_threshold_and_other_colours_reach_every_view(fused: MainWindow) -> None:
    bar = fused.fusion.bar
    bar.threshold.setValue(2.5)
    bar.maps.setCurrentIndex(bar.maps.findData("cividis"))
    bar.maps.activated.emit(bar.maps.currentIndex())
    for view in fused.grid.views.values():
        assert view.stage.upper is not None
        assert (view.stage.upper.threshold, view.stage.upper.colour_map) == (2.5, "cividis")
    fused.actions_.perform("fusion.next_map")
    assert fused.grid.active_view.stage.upper.colour_map == "grey"


def test_the_upper_series_comes_back_with_its_lower_one(
    fused: MainWindow, quiet: Quiet, ct: Key
) -> None:
    fused.session.select(key_of(fused, "PT"))
    quiet(fused)
    assert fused.grid.active_view.stage.upper is None
    assert not fused.fusion.bar.isVisible()
    fused.session.select(ct)
    quiet(fused)
    assert fused.grid.active_view.stage.upper is not None


@pytest.fixture
def foreign(tmp_path: Path, thigh: Path) -> Path:
    """The PET/CT with another frame of reference in every file of the PET."""
    for part in ("ct", "pet"):
        (tmp_path / part).mkdir()
        for path in (thigh / part).iterdir():
            made = dcmread(path)
            if part == "pet":
                made.FrameOfReferenceUID = "2.25.77"
            made.save_as(tmp_path / part / path.name)
    return tmp_path


def test_another_frame_of_reference_is_refused_and_registering_is_offered(
    window: MainWindow, quiet: Quiet, foreign: Path
) -> None:
    window.open_paths([foreign])
    quiet(window)
    lower, upper = key_of(window, "CT"), key_of(window, "PT")
    window.session.select(lower)
    quiet(window)
    window.fusion.fuse(lower, upper)
    quiet(window)
    assert window.grid.active_view.stage.upper is None
    said = [str(sentence) for level, sentence, _ in window.messages if level == "warn"]
    assert any("another frame of reference" in sentence for sentence in said)
    assert window.fusion.bar.isVisible()
    assert window.fusion.bar.register.isVisible()
    assert not window.fusion.bar.blend.isVisible()


def test_a_registration_that_is_there_is_used(
    window: MainWindow, quiet: Quiet, foreign: Path
) -> None:
    from medview.session.links import Registration, as_matrix, side_of

    window.open_paths([foreign])
    quiet(window)
    lower, upper = key_of(window, "CT"), key_of(window, "PT")
    window.session.select(lower)
    quiet(window)
    window.fusion.fuse(lower, upper)
    quiet(window)
    move = np.eye(4)
    move[0, 3] = 5.0
    sides = [side_of(p.series, p.stack)
             for p in map(window.session.studies.place, (lower, upper)) if p]  # fmt: skip
    made = Registration(fixed=sides[0], moving=sides[1], matrix=as_matrix(move), overlap=1.0)
    window.session.links.keep(made, window.session.book)
    quiet(window)
    layer = window.grid.active_view.stage.upper
    assert layer is not None
    assert layer.to_upper is not None
    assert layer.place(PatientPoint(0, 0, 0)) == PatientPoint(5, 0, 0)
    assert window.fusion.bar.blend.isVisible()


def test_a_film_is_not_fused_with_anything(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "cr-dx" / "chest-cxr-jpeg.dcm"])
    quiet(window)
    window.actions_.perform("fusion.fuse")
    said = [str(sentence) for _, sentence, _ in window.messages]
    assert "There is no other series of this patient to lay over this one." in said


def test_what_is_drawn_is_measured_on_the_pets_own_voxels_where_asked(
    fused: MainWindow, quiet: Quiet
) -> None:
    stage = fused.grid.active_view.stage
    point = hottest(fused)
    assert stage.plane is not None
    assert stage.upper is not None
    on_ct = stage.measuring.measured("probe", (point,))
    fused.actions_.perform("fusion.measure")
    on_pet = stage.measuring.measured("probe", (point,))
    assert on_ct.series_uid != on_pet.series_uid
    assert (on_pet.series_uid, on_pet.stack) == key_of(fused, "PT")
    assert on_pet.quantities[0].unit == "{SUVbw}g/ml"
    assert on_pet.quantities[0].value == pytest.approx(stage.upper.value_at(point))
    _, row, column = stage.plane.to_pixel(point)
    ends = [stage.plane.to_patient(stage.index, row + dr, column + dc)
            for dr, dc in ((0, -15), (0, 15), (-15, 0), (15, 0))]  # fmt: skip
    drawn = stage.measuring.measured("ellipse", tuple(ends))
    pet = stage.upper.volume
    inside = []  # centres of PET voxels of the nearest slice, counted by hand
    k = round(pet.geometry.to_index(point).k)
    middle = np.array(ends).mean(axis=0)
    radius = float(np.linalg.norm(np.subtract(ends[1], ends[0]))) / 2
    for j in range(pet.geometry.shape[1]):
        for i in range(pet.geometry.shape[2]):
            place = np.array(pet.geometry.to_patient(VoxelIndex(k, j, i)))
            if np.hypot(*(place - middle)[:2]) <= radius:
                inside.append(pet.value_at(k, j, i))
    found = {quantity.concept: quantity.value for quantity in drawn.quantities}
    assert found["Mean"] == pytest.approx(float(np.mean(inside)), rel=1e-5)
    assert found["Maximum"] == pytest.approx(float(np.max(inside)), rel=1e-5)
    stage.measuring.finish(drawn)
    quiet(fused)
    assert stage.measuring.remarks(drawn) == ["measured on series 1"]
    assert not stage.measuring.is_fixed(drawn)


def test_a_pet_ct_hangs_itself_fused_with_the_pets_projection_beside(
    window: MainWindow, quiet: Quiet, thigh: Path
) -> None:
    window.session.settings = replace(window.session.settings, hang=True)
    window.open_paths([thigh])
    quiet(window)
    tiles = window.grid.tiles
    uppers = [tile.view.stage.upper is not None for tile in tiles]
    assert uppers == [False, False, True, False]
    plane, shown = tiles[3].view.stage.plane, tiles[3].view.stage.shown
    assert shown is not None
    assert isinstance(plane, SlabPlane)
    assert plane.slab.mode == "mip"
    values = shown.volume.values()
    projected = plane.values(shown.volume, plane.count // 2)
    # The brightest voxel of every ray through the whole body, by numpy alone.
    assert np.nanmax(projected) == pytest.approx(float(values.max()), rel=1e-6)
    columns = np.sort(values.max(axis=1).ravel())
    np.testing.assert_allclose(np.sort(projected.ravel()), columns, rtol=1e-5)
    kept = tiles[3].state()
    assert kept.slab == ("mip", 500.0)


def test_fusion_goes_on_over_turned_planes_and_slabs(
    fused: MainWindow, quiet: Quiet, qtbot: QtBot
) -> None:
    """The hottest place of the PET stays the reddest of the picture, turned and thick alike."""
    stage = fused.grid.active_view.stage
    assert stage.plane is not None
    point = hottest(fused)
    stage.change(replace(stage.state, point=point))
    planes = mpr_planes(stage.shown.volume.geometry, stage.state.mpr)
    turned = turned_about(stage.state.mpr, planes, "coronal", 0.4, point)
    thick = turned.with_slab(stage.plane.name, Slab("mip", 12.0))
    stage.change(replace(stage.state, mpr=thick))
    quiet(fused)

    assert isinstance(stage.plane, ObliquePlane)
    assert stage.plane.slab.mm == 12.0
    assert stage.upper is not None
    values = resampled(stage.upper.volume, stage.plane, stage.index)
    _, row, column = stage.plane.to_pixel(point)
    x, y = stage.map().to_screen(row, column)
    drawn = picture(fused)[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3]
    assert values[round(row), round(column)] >= 0.8 * np.nanmax(values)
    assert np.ptp(drawn.reshape(-1, 3).mean(axis=0)) > 20  # coloured, not grey


def test_what_the_bar_changes_is_recorded_and_repeated(
    fused: MainWindow, quiet: Quiet, qtbot: QtBot
) -> None:
    recorder = Recorder(fused)
    slider = fused.fusion.bar.blend
    slider.setValue(slider.minimum() + (slider.maximum() - slider.minimum()) * 4 // 5)
    upper = fused.grid.active_view.stage.upper
    assert upper is not None
    wanted = replace(upper, threshold=2.5, colour_map=MAPS[1])
    fused.fusion.bar.changed.emit(wanted)
    standing = fused.fusion.standing
    script = recorder.finish()

    fused.fusion.end()
    quiet(fused)
    assert fused.fusion.standing == ()
    for step in script.steps:
        if step.do.startswith("fusion.") and "on" not in step.parameters:
            fused.actions_.perform(step.do, **step.parameters)
            quiet(fused)

    assert standing[0].blend == pytest.approx(0.8, abs=0.02)
    assert fused.fusion.standing == standing


def test_laying_over_is_recorded_once_and_states_of_two_pairs_are_two_steps(
    fused: MainWindow, qtbot: QtBot
) -> None:
    (standing,) = fused.fusion.standing
    recorder = Recorder(fused)
    fused.fusion.end()
    recorder.look()
    fused.actions_.perform("fusion.lay", lower=standing.lower[0], upper=standing.upper[0])
    qtbot.waitUntil(lambda: bool(fused.fusion.standing), timeout=60_000)
    done = [step.do for step in recorder.finish().steps]
    steps = [name for name in done if name in ("fusion.lay", "fusion.stand")]
    others = [Step(do="fusion.stand", parameters={"state": {"lower": [uid, 0]}}, at=0.0)
              for uid in ("1.2", "1.3")]  # fmt: skip

    # What lay there when the recording began, and what was done then.
    assert steps == ["fusion.lay", "fusion.stand"] * 2
    assert not _is_more_of(*others)
    assert _is_more_of(others[0], others[0])


def test_a_recorded_fusion_that_is_not_there_is_said(fused: MainWindow) -> None:
    (standing,) = fused.fusion.standing
    fused.fusion.end()

    with pytest.raises(InvalidInput) as told:
        fused.actions_.perform("fusion.stand", state=to_plain(standing))

    assert "does not lie over" in told.value.what.english()
