"""Views of different stacks side by side: which follow which, and by how many millimetres."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medview.core.geometry import Geometry, PatientPoint
from medview.core.study import FrameRef, Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.core.words import set_language
from medview.gui.view_grid import ViewGrid
from medview.gui.views.tile import Tile
from medview.imaging.window import Window
from medview.session.places import OpenVolume, Place

Put = Callable[..., Tile]


def axial(
    step: float = 5.0, count: int = 20, bottom: float = 0.0, lean_deg: float = 0.0
) -> Geometry:
    """Axial slices of 32 x 32 mm from z = bottom upwards, leaning back about x."""
    c, s = math.cos(math.radians(lean_deg)), math.sin(math.radians(lean_deg))
    return Geometry(
        shape=(count, 32, 32), spacing=(1, 1, step), origin=PatientPoint(0, 0, bottom),
        axes=((1, 0, 0), (0, c, s), (0, -s, c)),
    )  # fmt: skip


def coronal(count: int = 32) -> Geometry:
    """Coronal slices of 32 x 96 mm through the same body."""
    return Geometry(
        shape=(count, 96, 32), spacing=(1, 1, 1), origin=PatientPoint(0, 0, 95),
        axes=((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    )  # fmt: skip


def stack_of(
    uid: str, geometry: Geometry, frame: str, modality: str = "CT", patient: str = "P"
) -> OpenVolume:
    count = geometry.shape[0]
    stack = Stack(
        frames=tuple(FrameRef(path=uid, frame=k) for k in range(count)), geometry=geometry,
        verdict="uniform", frame_of_reference_uid=frame,
    )  # fmt: skip
    series = Series(uid=uid, modality=modality, stacks=(stack,))
    study = Study(uid=f"study of {uid}", series=(series,))
    stored = np.arange(np.prod(geometry.shape), dtype=np.int16).reshape(geometry.shape)
    unit = "HU" if modality == "CT" else ""
    return OpenVolume(
        place=Place(
            patient=Patient(id=patient, studies=(study,)), study=study, series=series,
            stack_number=0,
        ),
        volume=Volume(geometry=geometry, stored=stored, modality=modality, unit=unit),
        ready=np.ones(count, bool), failed={},
    )  # fmt: skip


@pytest.fixture
def grid(qtbot: QtBot) -> ViewGrid:
    made = ViewGrid()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.set_layout_name("2x3")
    made.show()
    return made


@pytest.fixture
def put(grid: ViewGrid) -> Put:
    """`put(number, opened, plane)` shows a stack in a tile."""

    def show(number: int, opened: OpenVolume, plane: str = "native") -> Tile:
        grid.hang(opened.place.key, plane, number)
        grid.take(opened)
        return grid.tiles[number]

    return show


def height(tile: Tile) -> float:
    return tile.view.stage.state.point.z


def to_slice(tile: Tile, z: float) -> None:
    """Scroll a tile until it shows the slice at a height."""
    stage = tile.view.stage
    assert stage.plane is not None
    here = stage.state.point
    index = round(stage.plane.to_pixel(PatientPoint(here.x, here.y, z))[0])
    stage.scroll((index - stage.index) * stage.plane.reading_step)


def test_one_frame_of_reference_scrolls_by_place(put: Put) -> None:
    thick, thin = put(0, stack_of("1", axial(5, 20), "F")), put(1, stack_of("2", axial(2, 50), "F"))

    to_slice(thick, 35.0)

    assert height(thin) in (34.0, 36.0)
    to_slice(thin, 62.0)
    assert height(thick) == 60.0  # not its 31st slice


def test_other_frames_of_reference_stay_where_they_are(put: Put) -> None:
    one, other = put(0, stack_of("1", axial(), "F")), put(1, stack_of("2", axial(), "G"))
    before = height(other)

    to_slice(one, 15.0)

    assert height(other) == before


def test_where_slices_do_not_reach_the_view_says_how_far_away_it_stands(
    grid: ViewGrid, put: Put
) -> None:
    one, short = put(0, stack_of("1", axial(5, 20), "F")), put(1, stack_of("2", axial(5, 4), "F"))

    to_slice(one, 10.0)
    assert short.view.look.link == ""

    to_slice(one, 80.0)
    assert height(short) == 15.0
    assert short.view.look.link == "Another place: 65 mm away"


def test_another_patient_with_the_same_frame_of_reference_is_not_linked(put: Put) -> None:
    one = put(0, stack_of("1", axial(), "F"))
    other = put(1, stack_of("2", axial(), "F", patient="Q"))
    before = height(other)

    to_slice(one, 15.0)

    assert height(other) == before
    assert other.view.look.link == "Another patient"


def test_scrolling_never_makes_other_planes_jump(put: Put) -> None:
    one, across = put(0, stack_of("1", axial(), "F")), put(1, stack_of("2", coronal(), "F"))
    shown = across.view.stage.index

    to_slice(one, 15.0)

    assert across.view.stage.index == shown
    assert height(across) == 15.0  # its crosshair is the same place of the patient


def test_a_leaning_stack_follows_up_to_twenty_degrees(put: Put) -> None:
    one = put(0, stack_of("1", axial(), "F"))
    near = put(1, stack_of("2", axial(lean_deg=12), "F"))
    far = put(2, stack_of("3", axial(lean_deg=30), "F"))
    stood = far.view.stage.index

    to_slice(one, 70.0)

    assert abs(height(near) - 70.0) < 3.0
    assert far.view.stage.index == stood


def test_a_place_that_is_pointed_at_shows_in_every_plane_that_shares_its_space(put: Put) -> None:
    one, across = put(0, stack_of("1", axial(), "F")), put(1, stack_of("2", coronal(), "F"))
    elsewhere = put(2, stack_of("3", axial(), "G"))
    stood = elsewhere.view.stage.state.point

    stage = one.view.stage
    stage.change(replace(stage.state, point=PatientPoint(4, 9, 20)))

    assert across.view.stage.state.point == (4, 9, 20)
    assert across.view.stage.index == 9
    assert elsewhere.view.stage.state.point == stood


def test_planes_of_a_stack_that_follows_stay_with_each_other(put: Put) -> None:
    one, other = put(0, stack_of("1", axial(), "F")), stack_of("2", axial(2, 50), "F")
    level, across = put(1, other, "axial"), put(2, other, "sagittal")
    shown = across.view.stage.index

    to_slice(one, 20.0)

    assert height(level) == 20.0
    assert across.view.stage.state.point == level.view.stage.state.point
    assert across.view.stage.index == shown


def test_slices_linked_by_hand_keep_their_distance_and_say_so(grid: ViewGrid, put: Put) -> None:
    one = put(0, stack_of("1", axial(), "F"))
    other = put(1, stack_of("2", axial(5, 20, bottom=-212.5), "G"))
    to_slice(one, 40.0)
    to_slice(other, -162.5)
    in_slice = other.view.stage.state.point

    assert grid.links.link_here(one) == 1
    to_slice(one, 65.0)

    assert height(other) == -137.5
    assert other.view.stage.state.point[:2] == in_slice[:2]
    assert other.view.look.link == "Linked by hand: −202.5 mm"
    set_language("zh_CN")
    grid.retranslate()
    chinese = other.view.look.link
    set_language("en")
    grid.retranslate()
    assert "手动" in chinese
    assert other.view.look.link == "Linked by hand: −202.5 mm"
    to_slice(other, -187.5)
    assert height(one) == 15.0


def test_a_link_by_hand_outweighs_the_frame_of_reference_until_it_is_taken_back(
    grid: ViewGrid, put: Put
) -> None:
    one, other = put(0, stack_of("1", axial(), "F")), put(1, stack_of("2", axial(), "F"))
    grid.links.switches.scroll = False
    to_slice(one, 40.0)
    to_slice(other, 50.0)  # a breath deeper
    grid.links.switches.scroll = True
    grid.links.link_here(one)

    to_slice(one, 20.0)
    assert height(other) == 30.0

    assert grid.links.unlink(one)
    to_slice(one, 25.0)
    assert height(other) == 25.0
    assert other.view.look.link == ""


def test_slices_that_lean_too_much_cannot_be_linked_by_hand(grid: ViewGrid, put: Put) -> None:
    one = put(0, stack_of("1", axial(), "F"))
    put(1, stack_of("2", coronal(), "G"))

    assert grid.links.link_here(one) == 0


def test_a_registration_carries_slices_and_places(grid: ViewGrid, put: Put) -> None:
    shift = np.eye(4)
    shift[:3, 3] = (2.0, 3.0, -200.0)
    there = stack_of("2", axial(5, 20, bottom=-200.0), "G")

    def registered(one: Place, other: Place) -> np.ndarray | None:
        pair = (one.series.uid, other.series.uid)
        return {("1", "2"): shift, ("2", "1"): np.linalg.inv(shift)}.get(pair)

    one, other = put(0, stack_of("1", axial(), "F")), put(1, there)
    stage = one.view.stage
    stage.change(replace(stage.state, point=PatientPoint(8, 9, 30)))

    grid.links.registered = registered
    grid.links.meet()
    assert other.view.stage.state.point == pytest.approx((10, 12, -170))

    stage.change(replace(stage.state, point=PatientPoint(4, 9, 20)))
    assert other.view.stage.state.point == pytest.approx((6, 12, -180))
    assert other.view.look.link == "Registered"
    grid.links.residual = lambda _one, _other: 1.84
    grid.links.show_lines()
    assert other.view.look.link == "Registered, details 1.8 mm apart"
    to_slice(other, -150.0)
    assert height(one) == pytest.approx(50.0)


def test_a_stack_that_comes_into_a_tile_opens_at_the_place_that_is_looked_at(put: Put) -> None:
    one = put(0, stack_of("1", axial(), "F"))
    to_slice(one, 80.0)

    assert height(put(1, stack_of("2", axial(2, 50), "F"))) == 80.0


def test_what_comes_before_the_active_stack_does_not_go_where_another_patient_was_read(
    grid: ViewGrid, put: Put
) -> None:
    before = put(0, stack_of("old", axial(count=40), "9", patient="Q"))
    to_slice(before, 190)
    first, second = stack_of("first", axial(), "1"), stack_of("second", axial(), "1")
    grid.hang(first.place.key, "axial", 0)
    grid.hang(second.place.key, "axial", 1)

    grid.take(second)
    grid.take(first)

    assert height(grid.tiles[1]) == height(grid.tiles[0]) == 50


def test_linked_scroll_can_be_switched_off(grid: ViewGrid, put: Put) -> None:
    one, other = put(0, stack_of("1", axial(), "F")), put(1, stack_of("2", axial(), "F"))
    grid.links.switches.scroll = False
    before = height(other)

    to_slice(one, 15.0)

    assert height(other) == before


def test_the_window_is_shared_by_ct_of_one_patient_and_not_by_mr(put: Put) -> None:
    one, prior = put(0, stack_of("1", axial(), "F")), put(1, stack_of("2", axial(), "G"))
    mr = put(2, stack_of("3", axial(), "F", modality="MR"))
    stranger = put(3, stack_of("4", axial(), "F", patient="Q"))
    lung = Window(center=-600, width=1500)

    stage = one.view.stage
    stage.change(replace(stage.state, window=lung))

    assert prior.view.stage.state.window == lung
    assert mr.view.stage.state.window != lung
    assert stranger.view.stage.state.window != lung


def test_one_stack_twice_can_have_two_windows(grid: ViewGrid, put: Put) -> None:
    opened = stack_of("1", axial(), "F")
    one, again = put(0, opened), put(1, opened)
    grid.links.switches.window = False

    stage = one.view.stage
    stage.change(replace(stage.state, window=Window(center=40, width=400)))

    assert again.view.stage.state.window != Window(center=40, width=400)


def test_linked_zoom_shows_the_same_millimetres_around_the_same_place(
    grid: ViewGrid, put: Put
) -> None:
    fine = Geometry(
        shape=(20, 128, 128), spacing=(0.5, 0.5, 5), origin=PatientPoint(-10, -20, 0)
    )  # another pixel size and field of view
    one, other = put(0, stack_of("1", axial(), "F")), put(1, stack_of("2", fine, "F"))
    grid.links.switches.zoom = True
    stage = one.view.stage

    stage.change(replace(stage.state, zoom=3.0, pan=(25.0, -40.0)))

    led = other.view.stage
    assert led.map().scale == pytest.approx(stage.map().scale)
    middle = stage.patient_at(stage.size[0] / 2, stage.size[1] / 2)
    assert led.patient_at(led.size[0] / 2, led.size[1] / 2) == pytest.approx(middle)


def test_the_active_slice_and_both_ends_are_lines_in_a_plane_across(
    grid: ViewGrid, put: Put, qtbot: QtBot
) -> None:
    one, across = put(0, stack_of("1", axial(), "F")), put(1, stack_of("2", coronal(), "F"))
    qtbot.mouseClick(one.view, Qt.MouseButton.LeftButton)
    to_slice(one, 30.0)

    plane = across.view.stage.plane
    assert plane is not None
    heights = {
        line.is_edge: [plane.to_patient(16, *end).z for end in line.ends]
        for line in across.view.look.lines
        if not line.is_edge
    }
    assert heights == {False: [pytest.approx(30), pytest.approx(30)]}
    edges = sorted(
        plane.to_patient(16, *line.ends[0]).z for line in across.view.look.lines if line.is_edge
    )
    assert edges == pytest.approx([0.0, 95.0])
    assert one.view.look.lines == ()

    grid.links.switches.lines = False
    grid.links.show_lines()
    assert across.view.look.lines == ()
