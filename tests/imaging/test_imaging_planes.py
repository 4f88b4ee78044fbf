"""Planes of a volume: whatever way it was acquired, the screen is radiological."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medview.core.geometry import Geometry, PatientPoint
from medview.imaging.letters import edge_letters, letters, patient_orientation
from medview.imaging.planes import native_plane, planes_of

_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def _minus(vector):
    return tuple(-v for v in vector)


_WAYS = [
    (a, b, c)
    for a, b, c in (
        (_X, _Y, _Z), (_X, _Y, _minus(_Z)), (_minus(_X), _minus(_Y), _Z), (_Y, _minus(_Z), _X),
        (_Y, _minus(_Z), _minus(_X)), (_X, _minus(_Z), _Y), (_X, _minus(_Z), _minus(_Y)),
    )
]  # fmt: skip
angles = st.floats(-0.6, 0.6)


def _geometry(axes, shape=(7, 5, 9), spacing=(0.8, 0.5, 2.5)) -> Geometry:
    return Geometry(shape=shape, spacing=spacing, origin=PatientPoint(11, -7, 3), axes=axes)


def _turned(axes, angle_x: float, angle_z: float):
    cx, sx, cz, sz = np.cos(angle_x), np.sin(angle_x), np.cos(angle_z), np.sin(angle_z)
    turn = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, cx, -sx], [0, sx, cx]]
    )
    return tuple(tuple(float(v) for v in turn @ np.array(axis)) for axis in axes)


@pytest.mark.parametrize("axes", _WAYS)
def test_every_orientation_shows_the_radiological_convention(axes) -> None:
    planes = planes_of(_geometry(axes))

    shown = {
        name: (letters(plane.step_right), letters(plane.step_down))
        for name, plane in planes.items()
    }

    assert shown == {"axial": ("L", "P"), "coronal": ("L", "F"), "sagittal": ("P", "F")}


@pytest.mark.parametrize("axes", _WAYS)
@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_cut_pixels_lie_where_the_plane_says(axes, name: str) -> None:
    geometry = _geometry(axes)
    array = np.arange(7 * 5 * 9).reshape(7, 5, 9)
    plane = planes_of(geometry)[name]

    cut = plane.cut(array, 2)

    assert cut.shape == plane.shape
    assert np.shares_memory(cut, array)
    for row, column in ((0, 0), (1, 3), (plane.shape[0] - 1, plane.shape[1] - 1)):
        k, j, i = (round(v) for v in geometry.to_index(plane.to_patient(2, row, column)))
        assert cut[row, column] == array[k, j, i]


@given(
    axes=st.sampled_from(_WAYS), x=angles, z=angles,
    place=st.tuples(st.floats(-3, 9), st.floats(-3, 9), st.floats(-3, 9)),
    name=st.sampled_from(["axial", "coronal", "sagittal"]),
)  # fmt: skip
def test_pixel_to_patient_and_back_is_identity(axes, x, z, place, name) -> None:
    plane = planes_of(_geometry(_turned(axes, x, z)))[name]

    back = plane.to_pixel(plane.to_patient(*place))

    assert np.allclose(back, place, atol=1e-6)
    assert np.allclose((plane.matrix @ (*place, 1))[:3], plane.to_patient(*place))


@given(axes=st.sampled_from(_WAYS), x=angles, z=angles)
def test_oblique_planes_use_each_axis_of_the_volume_once(axes, x, z) -> None:
    planes = planes_of(_geometry(_turned(axes, x, z)))

    assert {plane.normal for plane in planes.values()} == {0, 1, 2}
    assert all({p.normal, p.down, p.right} == {0, 1, 2} for p in planes.values())


def test_pixel_sizes_follow_the_cut() -> None:
    planes = planes_of(_geometry((_X, _Y, _Z)))

    assert np.allclose(planes["axial"].in_plane, [[0.8, 0], [0, 0.5]])
    assert np.allclose(planes["sagittal"].in_plane, [[0.5, 0], [0, 2.5]])
    assert planes["coronal"].step_mm == pytest.approx(0.5)


def test_tilted_gantry_shears_the_sagittal_plane_and_not_the_coronal() -> None:
    tilt = (0.0, np.sin(0.3), np.cos(0.3))
    planes = planes_of(_geometry((_X, _Y, tilt)))

    (across, shift), (_, down) = planes["sagittal"].in_plane

    assert across == pytest.approx(0.5)
    assert down == pytest.approx(2.5 * np.cos(0.3))
    # Down on the screen is towards the feet, against the slices' order.
    assert shift == pytest.approx(-2.5 * np.sin(0.3))
    assert planes["coronal"].in_plane[0, 1] == pytest.approx(0, abs=1e-12)
    assert planes["axial"].step_mm == pytest.approx(2.5 * np.cos(0.3))


def test_projection_has_only_its_native_plane_as_stored() -> None:
    geometry = Geometry(shape=(1, 30, 20), spacing=(0.1, 0.2, 1.0), is_spatial=False)

    plane = native_plane(geometry)

    array = np.arange(600).reshape(1, 30, 20)
    assert plane.name == "native"
    assert np.array_equal(plane.cut(array, 0), array[0])


def test_per_slice_rescale_reaches_every_plane(ct_volume) -> None:
    per_slice = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 2.0], [0.5, -1.0]])
    volume = ct_volume(per_slice=per_slice)
    whole = volume.values()

    for name, plane in planes_of(volume.geometry).items():
        assert np.allclose(plane.values(volume, 2), plane.cut(whole, 2)), name


@pytest.mark.parametrize(
    ("direction", "expected"),
    [((1, 0, 0), "L"), ((-1, 0, 0), "R"), ((0, 0, -2), "F"), ((0.1, -0.9, 0.3), "AHL"),
     ((1, 1e-6, 0), "L"), ((0, 0, 0), "")],
)  # fmt: skip
def test_letters_come_in_falling_magnitude(direction, expected: str) -> None:
    assert letters(direction) == expected


def test_edge_letters_stand_on_all_four_sides() -> None:
    assert edge_letters("LA", "PF") == ("RP", "LA", "AH", "PF")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("L\\F", ("L", "F")), ("A/FR", ("A", "FR")), ("", ("", "")), ("ABC\\X", ("", ""))],
)
def test_patient_orientation_of_a_film_is_read(text: str, expected) -> None:
    assert patient_orientation(text) == expected
