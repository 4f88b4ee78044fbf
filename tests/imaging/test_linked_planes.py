"""Slices that answer to each other, against cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint
from medview.imaging.linked import (
    along_normal,
    are_near_parallel,
    carried,
    cut_line,
    is_inside,
    is_scroll,
    off_by,
    onto_plane,
    scrolled,
    within_slice,
)
from medview.imaging.planes import native_plane, planes_of

SAME = np.eye(4)


def box(
    shape: tuple[int, int, int] = (20, 40, 50),
    spacing: tuple[float, float, float] = (1.0, 2.0, 5.0),
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    tilt_deg: float = 0.0,
    places: tuple[PatientPoint, ...] | None = None,
) -> Geometry:
    """An axial stack, leaning back about the x axis."""
    c, s = math.cos(math.radians(tilt_deg)), math.sin(math.radians(tilt_deg))
    return Geometry(
        shape=shape, spacing=spacing, origin=PatientPoint(*origin),
        axes=((1, 0, 0), (0, c, s), (0, -s, c)), places=places,
    )  # fmt: skip


@pytest.mark.parametrize(("tilt", "linked"), [(0, True), (15, True), (25, False), (90, False)])
def test_slices_up_to_twenty_degrees_apart_scroll_together(tilt: float, linked: bool) -> None:
    assert are_near_parallel(native_plane(box()), native_plane(box(tilt_deg=tilt)), SAME) is linked


def test_slices_that_run_the_other_way_are_parallel_too() -> None:
    turned = Geometry(
        shape=(20, 40, 50), spacing=(1, 2, 5), origin=PatientPoint(0, 0, 100),
        axes=((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    )  # fmt: skip

    assert are_near_parallel(native_plane(box()), native_plane(turned), SAME)


def test_a_registration_turns_the_slices_before_they_are_compared() -> None:
    quarter = np.eye(4)
    quarter[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]  # about x: axial becomes coronal

    assert not are_near_parallel(native_plane(box()), native_plane(box()), quarter)
    assert are_near_parallel(native_plane(box()), planes_of(box())["coronal"], quarter)


def test_the_slice_is_found_in_millimetres_not_by_its_number() -> None:
    thin = native_plane(box(shape=(100, 40, 50), spacing=(1, 1, 1.25), origin=(3, 4, -10)))
    own = PatientPoint(20, 30, -10)

    found = scrolled(thin, own, PatientPoint(0, 0, 52.0))

    assert found == pytest.approx((20, 30, 52.5))  # slice 50 at -10 + 50 x 1.25


def test_beyond_its_ends_a_stack_stays_at_its_first_or_last_slice() -> None:
    plane = native_plane(box())

    assert scrolled(plane, PatientPoint(1, 2, 0), PatientPoint(0, 0, 5000)).z == pytest.approx(95)
    assert scrolled(plane, PatientPoint(1, 2, 0), PatientPoint(0, 0, -5000)).z == pytest.approx(0)


def test_uneven_slices_answer_by_their_own_places() -> None:
    heights = (0.0, 5.0, 10.0, 30.0, 35.0)
    uneven = box(shape=(5, 40, 50), places=tuple(PatientPoint(0, 0, z) for z in heights))

    found = scrolled(native_plane(uneven), PatientPoint(4, 6, 0), PatientPoint(0, 0, 29.0))

    assert found == pytest.approx((4, 6, 30))


def test_a_scroll_is_told_from_a_place_that_was_pointed_at() -> None:
    plane = native_plane(box())

    assert is_scroll(plane, PatientPoint(5, 6, 10), PatientPoint(5, 6, 40))
    assert not is_scroll(plane, PatientPoint(5, 6, 10), PatientPoint(5, 8, 40))


def test_a_place_seen_along_the_normal_stays_in_its_slice() -> None:
    coronal = planes_of(box())["coronal"]

    found = within_slice(coronal, PatientPoint(5, 20, 10), PatientPoint(7, 66, 40))

    assert found == pytest.approx((7, 20, 40))


def test_inside_reaches_to_the_outer_edges_of_the_pixels() -> None:
    plane = native_plane(box())

    assert is_inside(plane, PatientPoint(-0.4, -0.9, -2.4))
    assert not is_inside(plane, PatientPoint(-0.6, 0, 0))
    assert not is_inside(plane, PatientPoint(0, 0, 97.6))


def test_an_axial_slice_is_a_line_across_a_sagittal_one() -> None:
    geometry = box()
    axial, sagittal = native_plane(geometry), planes_of(box(origin=(10, 0, 0)))["sagittal"]

    ends = cut_line(axial, 4, sagittal, 0, SAME)

    assert ends is not None
    places = sorted(sagittal.to_patient(0, *end) for end in ends)
    # Slice 4 lies at z = 20 and reaches from y = -1 to y = 79; the sagittal one stands at x = 10.
    assert places[0] == pytest.approx((10, -1, 20))
    assert places[1] == pytest.approx((10, 79, 20))


def test_slices_that_do_not_meet_or_are_parallel_have_no_line() -> None:
    axial = native_plane(box())
    far = planes_of(box(origin=(500, 0, 0)))["sagittal"]

    assert cut_line(axial, 4, far, 0, SAME) is None
    assert cut_line(axial, 4, native_plane(box()), 4, SAME) is None


def test_a_map_moves_the_line_with_the_slice() -> None:
    axial, sagittal = native_plane(box()), planes_of(box())["sagittal"]
    up = along_normal(np.array([0.0, 0.0, 1.0]), 12.5)

    ends = cut_line(axial, 4, sagittal, 10, up)

    assert ends is not None
    assert [sagittal.to_patient(10, *end).z for end in ends] == pytest.approx([32.5, 32.5])
    assert carried(up, PatientPoint(1, 2, 3)) == (1, 2, 15.5)


def test_the_line_across_uneven_slices_lies_where_they_lie() -> None:
    heights = (0.0, 5.0, 10.0, 30.0, 35.0)
    uneven = box(shape=(5, 40, 50), places=tuple(PatientPoint(0, 0, z) for z in heights))
    sagittal = planes_of(box(shape=(20, 40, 50), spacing=(1, 2, 5)))["sagittal"]

    ends = cut_line(native_plane(uneven), 3, sagittal, 10, SAME)

    assert ends is not None
    assert [sagittal.to_patient(10, *end).z for end in ends] == pytest.approx([30, 30])


def test_a_place_moves_into_a_slice_along_its_normal_alone() -> None:
    tilt = np.array([0.0, -0.6, 0.8])

    found = onto_plane(PatientPoint(1, 2, 3), PatientPoint(50, 2, 13), tilt)

    # 10 mm higher is 8 mm along the normal.
    assert found == pytest.approx((1, 2 - 0.6 * 8, 3 + 0.8 * 8))


def test_slices_a_step_apart_answer_to_each_other_and_those_further_say_how_far() -> None:
    plane, thin = native_plane(box()), native_plane(box(spacing=(1, 2, 1)))

    assert off_by(plane, PatientPoint(0, 0, 20), thin, PatientPoint(9, 9, 15), SAME) == 0
    assert off_by(plane, PatientPoint(0, 0, 95), thin, PatientPoint(9, 9, 19), SAME) == 76
