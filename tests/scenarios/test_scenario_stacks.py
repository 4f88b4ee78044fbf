"""Odd stacks in the window: what a reader sees of uneven slices, PET and volume files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from medview.core.words import set_language
from medview.gui.panels.studies import SeriesItem
from medview.gui.views import corners
from medview.gui.views.reading_at import reading_at
from medview.gui.views.slice_view import SliceView
from medview.gui.window import MainWindow
from medview.imaging.window import auto_window, file_windows

Quiet = Callable[..., None]


def cards(window: MainWindow) -> list[SeriesItem]:
    return [card for card in window.findChildren(SeriesItem) if card.isVisible()]


def views(window: MainWindow) -> dict[str, SliceView]:
    found = (view for view in window.grid.findChildren(SliceView) if view.stage.plane is not None)
    return {view.stage.plane.name: view for view in found if view.stage.plane is not None}


def test_an_uneven_tilted_head_says_so_everywhere(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "ct" / "head-tilt-ge-nonuniform"])
    quiet(window)
    (card,) = cards(window)
    assert "From slice 4 to 5 the step is 1.08 mm." in card.toolTip()
    assert card.accessibleDescription() == f"9 of 9 images are in memory\n{card.toolTip()}"
    shown = views(window)
    for name, view in shown.items():
        stage = view.stage
        assert stage.plane is not None
        assert stage.shown is not None
        marks = corners.badges(stage.shown, stage.plane, has_overlay=False)
        assert marks[:2] == ["TILT", "UNEVEN"]
        assert ("MPR, RESAMPLED" in marks) == (name != "axial")
    said = [str(sentence) for _, sentence, _ in window.messages]
    assert any("sheared by 18.5 degrees" in one for one in said)


def test_a_click_in_a_reconstruction_lies_at_the_same_millimetres_in_the_others(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "ct" / "head-tilt-ge-nonuniform"])
    quiet(window)
    shown = views(window)
    assert {"axial", "coronal", "sagittal"} <= set(shown)
    stage = shown["coronal"].stage
    assert stage.plane is not None
    rows, columns = stage.plane.shape
    x, y = stage.map().to_screen(rows // 4, columns // 2 + 9)
    point = stage.patient_at(x, y)
    here = reading_at(stage, x, y)
    assert here is not None
    stage.change(replace(stage.state, point=point))
    quiet(window)
    axial = shown["axial"].stage
    assert axial.plane is not None
    assert axial.shown is not None
    index, row, column = axial.plane.to_pixel(point)
    ladder = axial.shown.volume.geometry.ladder
    off = abs(float(ladder.along[axial.index] - (point @ ladder.normal)))
    assert off <= ladder.steps.max() / 2
    where = axial.map().to_screen(row, column)
    there = reading_at(axial, *where)
    assert there is not None
    assert there.value == pytest.approx(here.value)
    assert abs(index - axial.index) <= 0.5


def test_the_notes_of_a_stack_are_in_the_readers_language(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    set_language("zh_CN")
    window.open_paths([imaging_data / "ct" / "gap"])
    quiet(window)
    (card,) = cards(window)
    assert "第 1 层与第 2 层之间相距 10 mm，而不是 5 mm。" in card.toolTip()


def test_pet_is_read_in_suv_with_its_inputs(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "petct" / "pet"])
    quiet(window)
    stage = views(window)["axial"].stage
    reading = reading_at(stage, stage.size[0] / 2, stage.size[1] / 2)
    assert reading is not None
    units = [part.split()[-1] for part in reading.text().split(" · ")]
    assert units == ["SUVbw", "SUVlbm", "SUVbsa", "Bq/mL"]
    (card,) = cards(window)
    assert "SUVbw from 71 kg and 388.8 MBq, decayed over 45 min." in card.toolTip()
    window.grid.active_view.apply_preset(2)
    assert window.grid.window_in_use.width == 6.0


def test_a_pet_without_its_data_says_why_there_is_no_suv(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "pt" / "ge-advance.dcm"])
    quiet(window)
    (card,) = cards(window)
    assert "No SUV: the image is not corrected for attenuation." in card.toolTip()


def test_a_nifti_file_opens_as_a_series(
    window: MainWindow, quiet: Quiet, imaging_data: Path, tmp_path: Path
) -> None:
    from medview.dicom import load_volume, scan, write_volume

    (study,) = scan([imaging_data / "ct" / "head-small"]).patients[0].studies
    write_volume(load_volume(study.series[0].stacks[0]), tmp_path / "head.nii.gz")
    window.open_paths([tmp_path / "head.nii.gz"])
    quiet(window)
    (card,) = cards(window)
    assert "head.nii.gz" in card.accessibleName()
    shown: dict[str, QWidget] = dict(views(window))
    assert {"axial", "coronal", "sagittal"} <= set(shown)


def test_volumes_of_a_diffusion_series_are_told_apart(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "mr" / "ge-dti-4x2"])
    quiet(window)
    assert [card.accessibleName().split(" · ")[-1] for card in cards(window)] == ["b 0", "b 1000"]


def test_pet_opens_dark_on_white_from_0_to_6_suv_and_1_gives_the_files_window(
    window: MainWindow, quiet: Quiet, imaging_data: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    for path in sorted((imaging_data / "petct" / "pet").iterdir()):
        made = dcmread(path)
        made.WindowCenter, made.WindowWidth = "10000", "20000"  # Bq/mL, as scanners write it
        made.save_as(tmp_path / path.name)
    window.open_paths([tmp_path])
    quiet(window)
    view = views(window)["axial"]
    stage = view.stage
    assert (stage.state.window.center, stage.state.window.width) == (3.0, 6.0)
    assert stage.state.is_inverted

    qtbot.keyClick(view, Qt.Key.Key_I)
    qtbot.keyClick(view, Qt.Key.Key_R)
    assert stage.state.is_inverted, "reset brings back what a reader expects of PET"
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert stage.shown is not None
    assert stage.state.window == file_windows(stage.shown.volume)[0]
    qtbot.keyClick(view, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    assert stage.state.window.width == 6.0


def test_pet_without_suv_opens_inverted_in_its_own_range_and_nm_as_it_is(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "pt" / "ge-advance.dcm"])
    quiet(window)
    stage = window.grid.active_view.stage
    assert stage.shown is not None
    assert stage.state.is_inverted
    assert stage.state.window == auto_window(stage.shown.volume), "the file proposes none"

    window.open_paths([imaging_data / "nm"])
    quiet(window)
    assert not window.grid.active_view.stage.state.is_inverted


def test_pet_can_be_read_in_lean_mass_and_surface(
    window: MainWindow, quiet: Quiet, imaging_data: Path, qtbot: QtBot
) -> None:
    window.open_paths([imaging_data / "petct" / "pet"])
    quiet(window)
    stage = views(window)["axial"].stage
    (middle_x, middle_y), place = (stage.size[0] / 2, stage.size[1] / 2), stage.state.point
    before = reading_at(stage, middle_x, middle_y)
    assert before is not None
    assert before.value is not None

    seen = {}
    for _ in range(3):
        window.actions_["view.suv_unit"].trigger()
        assert stage.shown is not None
        reading = reading_at(stage, middle_x, middle_y)
        assert reading is not None
        seen[reading.unit] = reading
        assert {view.stage.shown.volume.unit for view in views(window).values()
                if view.stage.shown is not None} == {reading.unit}  # fmt: skip
        assert stage.state.is_inverted

    assert list(seen) == ["SUVlbm", "SUVbsa", "SUVbw"]
    assert seen["SUVbw"].value == before.value
    for scale in before.scales[:2]:
        assert seen[scale.unit].value == pytest.approx(scale.of(before.value))
        back = {
            each.unit: each.of(seen[scale.unit].value or 0.0) for each in seen[scale.unit].scales
        }
        assert back["SUVbw"] == pytest.approx(before.value)
    assert stage.state.point == place
    assert stage.state.window.width == 6.0


def test_a_ct_has_no_other_suv_and_says_so(
    window: MainWindow, quiet: Quiet, imaging_data: Path
) -> None:
    window.open_paths([imaging_data / "ct" / "gap"])
    quiet(window)
    window.actions_["view.suv_unit"].trigger()
    assert "There is no other SUV here" in window.status.message
    stage = window.grid.active_view.stage
    assert stage.shown is not None
    assert stage.shown.volume.unit == "HU"
