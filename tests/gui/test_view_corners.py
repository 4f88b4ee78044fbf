"""Corner texts: who, what, how windowed, where; nothing guessed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QObject

from medview.core.geometry import Geometry, PatientPoint
from medview.core.paths import resources_dir
from medview.core.study import Patient, Region, Series, Stack, Study
from medview.core.volume import Volume
from medview.core.words import set_language
from medview.gui.views import corners
from medview.gui.views.corners import Shown
from medview.gui.views.ruler_painter import ruler_of
from medview.gui.views.stage import SliceStage
from medview.gui.views.state import ViewState, screen_map, slice_number
from medview.imaging.planes import native_plane, planes_of
from medview.imaging.presets import presets_for
from medview.imaging.window import Window

_GEOMETRY = Geometry(
    shape=(240, 512, 512), spacing=(0.7, 0.7, 1.25), origin=PatientPoint(-180, -180, -301.25)
)


def _shown(**changes: object) -> Shown:
    geometry = changes.get("geometry", _GEOMETRY)
    stack = Stack(
        frames=(), geometry=geometry, verdict="regular",
        badges=changes.get("badges", ()), calibration=changes.get("calibration", "patient"),
    )  # fmt: skip
    stored = np.broadcast_to(np.zeros(1, np.int16), geometry.shape)
    return Shown(
        volume=Volume(geometry=geometry, stored=stored),
        stack=stack,
        series=Series(
            uid="1", number=3, description="Lung 1.25", stacks=(stack,),
            header=changes.get("header", {"SliceThickness": "1.2500", "PatientAge": "067Y"}),
        ),
        study=Study(uid="1", date="2026-01-31", description="CT chest"),
        patient=Patient(
            id="MV-1", name="DEMO^ADA=演示", sex="F", birth_date=changes.get("born", "1958-11-03")
        ),
    )  # fmt: skip


def test_native_plane_tells_who_and_what() -> None:
    shown, plane = _shown(), planes_of(_GEOMETRY)["axial"]

    assert corners.upper_left(shown, plane) == ["DEMO^ADA 演示", "F 67 y · 1958-11-03", "MV-1"]
    assert corners.upper_right(shown, plane) == ["2026-01-31 · CT chest", "3 Lung 1.25"]


def test_a_tall_view_names_institution_accession_and_time() -> None:
    header = {"InstitutionName": "Ward 3", "AccessionNumber": "A7", "ContentTime": "101502.3",
              "StudyTime": "090000"}  # fmt: skip
    lines = corners.upper_right(_shown(header=header), planes_of(_GEOMETRY)["axial"], is_whole=True)

    assert lines == ["Ward 3", "Acc A7", "2026-01-31 10:15 · CT chest", "3 Lung 1.25"]


def test_lossy_says_how_much_it_left_out_and_a_sheared_plane_that_it_is_corrected() -> None:
    shown = _shown(badges=("LOSSY", "TILT"))
    stack = replace(shown.stack, lossy_ratio=12.34, tilt_deg=18.5)
    planes = planes_of(_GEOMETRY)
    marks = [corners.badges(replace(shown, stack=stack), planes[name], has_overlay=False)
             for name in ("axial", "coronal")]  # fmt: skip

    assert marks == [["LOSSY 12.3:1", "TILT"],
                     ["LOSSY 12.3:1", "TILT", "GEOMETRY CORRECTED", "MPR"]]  # fmt: skip


def test_reconstruction_tells_its_plane_first() -> None:
    shown, plane = _shown(), planes_of(_GEOMETRY)["coronal"]

    assert corners.upper_left(shown, plane)[0] == "Coronal"
    assert corners.badges(shown, plane, has_overlay=False) == ["MPR"]


def test_slice_number_place_and_thickness() -> None:
    shown, plane = _shown(), planes_of(_GEOMETRY)["axial"]

    # Slice 112 from the head, as it is read: index 127 counts from the feet.
    lines = corners.lower_right(shown, plane, 127)

    assert lines == ["113 / 240", "z −142.5 mm · 1.25 mm"]


def test_window_and_zoom() -> None:
    state = ViewState(
        point=PatientPoint(0, 0, 0), window=Window(center=-600, width=1500, name="Lung")
    )

    assert corners.lower_left(_shown(), state, 1.42, "") == ["W 1500 L −600 · Lung", "Zoom 1.4×"]


@pytest.mark.parametrize(
    ("age", "born", "expected"),
    [
        ("067Y", "", "67 y"),
        ("018M", "", "18 mo"),
        ("", "1958-11-03", "67 y"),
        ("", "1958-01-31", "68 y"),
        ("000Y", "", ""),  # what de-identification leaves
        ("000Y", "1958-01-31", "68 y"),
        ("", "2025-03-15", "10 mo"),
        ("", "2026-01-11", "20 d"),
        ("67", "1958-13-03", ""),
        ("", "2030-01-01", ""),
        ("", "", ""),
    ],
)
def test_age_comes_from_the_header_else_the_birth_date(age, born, expected: str) -> None:
    assert corners.age_text(_shown(header={"PatientAge": age}, born=born)) == expected


def test_marks_of_a_film_are_not_missed() -> None:
    film = Geometry(shape=(1, 30, 20), is_spatial=False)
    shown = _shown(geometry=film, badges=("LOSSY",), calibration="DETECTOR")

    marks = corners.badges(shown, native_plane(film), has_overlay=True)

    assert marks == ["LOSSY", "DETECTOR", "AI, UNCONFIRMED"]
    accepted = corners.badges(shown, native_plane(film), has_overlay=True, is_confirmed=True)
    assert accepted == ["LOSSY", "DETECTOR", "AI, CONFIRMED"]


def test_film_claims_no_place_in_the_patient() -> None:
    film = Geometry(shape=(1, 30, 20), is_spatial=False)

    assert corners.lower_right(_shown(geometry=film), native_plane(film), 0) == []


def test_broken_thickness_is_left_out() -> None:
    shown = _shown(header={"SliceThickness": "thin"})

    assert corners.lower_right(shown, planes_of(_GEOMETRY)["axial"], 0)[1] == "z −301.2 mm"


def test_every_preset_has_a_chinese_name() -> None:
    folder = resources_dir() / "translations"
    files = [folder / "zh_CN.json", *folder.glob("zh_CN.d/*.json")]
    known = {
        name
        for file in files
        if file.is_file()
        for name in json.loads(file.read_text(encoding="utf-8"))
    }

    names = {p.name for key in (("CT", "HU"), ("PT", "g/ml")) for p in presets_for(*key)}
    assert names <= known


def test_zoom_is_the_same_for_every_plane_of_a_stack() -> None:
    geometry = Geometry(shape=(20, 60, 50), spacing=(0.8, 0.5, 2.5), origin=PatientPoint(0, 0, 0))
    shown, size = _shown(geometry=geometry), (400.0, 300.0)
    factors = []
    for plane in planes_of(geometry).values():
        state = ViewState(point=PatientPoint(0, 0, 0), window=Window(center=0, width=1))
        fit = screen_map(plane, state, size).scale
        same = screen_map(plane, replace(state, zoom=3.0 / fit), size)
        factors.append(corners.zoom_factor(shown, same.scale))

    assert factors == pytest.approx([3.0 * 0.8] * 3)


def test_sex_and_badges_are_said_in_chinese() -> None:
    set_language("zh_CN")
    try:
        plane = planes_of(_GEOMETRY)["axial"]
        shown = _shown(badges=("DERIVED", "SOMETHING"))
        assert corners.upper_left(shown, plane)[1].startswith("女")
        assert corners.badges(shown, plane, has_overlay=False) == ["派生图像", "SOMETHING"]
    finally:
        set_language("en")


def test_the_step_stands_where_it_is_not_the_thickness() -> None:
    thick = _shown(header={"SliceThickness": "1.25"})
    assert len(corners.lower_right(thick, native_plane(_GEOMETRY), 3)) == 2
    thin = _shown(header={"SliceThickness": "0.625"})
    assert corners.lower_right(thin, native_plane(_GEOMETRY), 3)[2] == "Step 1.25 mm"


def test_the_step_of_uneven_slices_is_that_to_the_next_one_as_they_are_read() -> None:
    along = (0.0, 5.0, 15.0)
    geometry = Geometry(
        shape=(3, 8, 8), spacing=(1.0, 1.0, 5.0), gaps=(1,),
        places=tuple(PatientPoint(0.0, 0.0, z) for z in along),
    )  # fmt: skip
    shown = _shown(geometry=geometry, header={"SliceThickness": "5"})
    plane = native_plane(geometry)
    steps = [corners.lower_right(shown, plane, index)[2] for index in (2, 1, 0)]
    assert [corners.lower_right(shown, plane, k)[0] for k in (2, 1, 0)] == [
        "1 / 3", "2 / 3", "3 / 3",
    ]  # fmt: skip
    assert steps == ["Step 10 mm", "Step 5 mm", "Step 5 mm"]
    coronal = planes_of(geometry)["coronal"]
    assert "MPR, RESAMPLED" in corners.badges(shown, coronal, has_overlay=False)


@pytest.mark.parametrize("tilt", [0.0, 0.3])
@pytest.mark.parametrize("turn", [0, 1, 2, 3, 4, 5])
def test_the_number_in_a_sentence_is_the_number_in_the_corner(turn: int, tilt: float) -> None:
    axes = np.roll(np.eye(3), turn % 3, axis=0) * (1 if turn < 3 else -1)
    third = axes[2] + tilt * axes[1]
    third = third / np.linalg.norm(third)
    geometry = Geometry(shape=(4, 6, 6), axes=(tuple(axes[0]), tuple(axes[1]), tuple(third)))
    plane = native_plane(geometry)
    assert [geometry.slice_number(k) for k in range(4)] == [
        slice_number(plane, k) for k in range(4)
    ]


def test_an_ultrasound_length_holds_inside_one_region_only(qapp: object) -> None:
    flat = Geometry(shape=(1, 100, 200), spacing=(0.2, 0.3, 1.0), is_spatial=False)
    left = Region(rows=(0, 99), columns=(0, 99), spacing=(0.3, 0.2))
    right = Region(rows=(0, 99), columns=(100, 199), spacing=(0.5, 0.5))
    stack = Stack(
        frames=(), geometry=flat, verdict="not-spatial", calibration="US", regions=(left, right)
    )
    shown = replace(
        _shown(), stack=stack, volume=Volume(geometry=flat, stored=np.zeros(flat.shape, np.uint8))
    )
    stage = SliceStage("axial", QObject())
    stage.show(shown)
    assert stage.plane is not None
    at = stage.plane.to_patient

    def measured(*places: tuple[float, float]) -> tuple[float, str, str]:
        made = stage.measuring.measured("length", tuple(at(0, *place) for place in places))
        return made.quantities[0].value, made.quantities[0].unit, made.calibration

    assert measured((10, 10), (10, 40)) == (pytest.approx(6.0), "mm", "US")
    assert measured((10, 10), (50, 10)) == (pytest.approx(12.0), "mm", "US")
    assert measured((10, 110), (50, 140)) == (pytest.approx(25.0), "mm", "US")
    assert measured((10, 10), (10, 140)) == (pytest.approx(130.0), "{pixels}", "none")


def test_the_ruler_is_as_long_as_it_says_and_missing_where_nothing_says_so(qapp: object) -> None:
    stage = SliceStage("axial", QObject())
    stage.size = (600.0, 480.0)

    def ruled(**changes: object) -> tuple[str, float] | None:
        shown = _shown()
        stage.show(replace(shown, stack=replace(shown.stack, **changes)))
        found = ruler_of(stage, stage.map())
        return None if found is None else (found[0].text, found[1])

    text, long = ruled() or ("", 0.0)
    ends = [stage.map().to_screen(row, 100) for row in (100, 100 + 50 / 0.7)]
    assert text == "5 cm"
    assert long == pytest.approx(ends[1][1] - ends[0][1])
    stage.measuring.known_factor = 0.5  # the reader said that everything is half as long
    assert stage.measuring.calibration == "USER"
    found = ruler_of(stage, stage.map())
    assert found is not None
    assert (found[0].text, found[1]) == ("2 cm", pytest.approx(long * 40 / 50))

    regions = [Region(rows=(0, 99), columns=(0, 99), spacing=(each, each)) for each in (0.3, 0.5)]
    assert ruled(calibration="none") is None
    assert ruled(calibration="US", regions=tuple(regions)) is None
    assert ruled(calibration="US", regions=tuple(regions[:1])) is not None
