"""Slices across the array come from blocks that a thread has cut, the very same numbers."""

from __future__ import annotations

from concurrent.futures import wait

import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint
from medview.imaging import neighbours, planes_of
from medview.imaging.neighbours import Beside, Neighbours
from medview.imaging.planes import Plane


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_LEAST", 1)


def _grid(axes: tuple[tuple[float, ...], ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))) -> Geometry:
    return Geometry(shape=(9, 11, 40), spacing=(0.5, 0.7, 2.0), axes=axes,
                    origin=PatientPoint(3.0, -4.0, 5.0))  # fmt: skip


def _numbers() -> np.ndarray:
    return np.random.default_rng(1).integers(-900, 900, (9, 11, 40)).astype(np.int16)


def _looked(kept: Neighbours, owner: object, array: np.ndarray, plane: Plane, at: int):
    """One look, once all that was begun before is done."""
    wait([block for held in kept._held.values() for block in held.blocks.values()])
    return kept.beside(owner, array, plane, at)


@pytest.mark.parametrize("axes", [((1, 0, 0), (0, 1, 0), (0, 0, 1)),
                                  ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
                                  ((1, 0, 0), (0, -1, 0), (0, 0, -1))])  # fmt: skip
@pytest.mark.parametrize("way", [1, -1, 3])
def test_slices_from_blocks_are_those_of_the_array(axes, way: int) -> None:
    plane, array, kept, owner = planes_of(_grid(axes))["sagittal"], _numbers(), Neighbours(), 1
    indices = list(range(40))[::way] if way > 0 else list(range(40))[::-1]
    served = 0
    for at in indices:
        found = _looked(kept, owner, array, plane, at)
        if isinstance(found, Beside):
            served += 1
            assert np.array_equal(found.plane.cut(found.array, found.at), plane.cut(array, at))
            assert found.plane.to_patient(found.at, 2, 3) == pytest.approx(
                plane.to_patient(at, 2, 3)
            )
    assert served >= len(indices) - 2  # all but the first looks, which say where one is going


def test_what_is_along_the_array_is_looked_up_in_it() -> None:
    kept, array = Neighbours(), _numbers()
    for name in ("axial", "coronal"):
        plane = planes_of(_grid())[name]
        assert [_looked(kept, 1, array, plane, at) for at in range(5)] == [None] * 5


def test_a_jump_begins_anew_and_a_look_at_rest_cuts_nothing() -> None:
    kept, array, plane = Neighbours(), _numbers(), planes_of(_grid())["sagittal"]
    for _ in range(3):
        assert _looked(kept, 1, array, plane, 5) is None
    assert _looked(kept, 1, array, plane, 6) is None
    assert _looked(kept, 1, array, plane, 7) is not None
    assert _looked(kept, 1, array, plane, 38) is None


def test_no_more_than_three_blocks_are_kept() -> None:
    kept, array, plane, owner = Neighbours(), _numbers(), planes_of(_grid())["sagittal"], object()
    for at in (*range(40), *range(39, -1, -1), *range(0, 40, 7)):
        _looked(kept, owner, array, plane, at)
        assert len(kept._held[id(owner)].blocks) <= 3


def test_another_owner_of_the_array_gets_nothing_that_was_cut_before() -> None:
    kept, array, plane = Neighbours(), _numbers(), planes_of(_grid())["sagittal"]
    one, other = object(), object()
    for at in range(4):
        _looked(kept, one, array, plane, at)
    array[:] = 7
    assert _looked(kept, other, array, plane, 4) is None
    kept.keep((other,))
    _looked(kept, other, array, plane, 5)
    found = _looked(kept, other, array, plane, 6)
    assert found is not None
    assert (found.array == 7).all()
    kept.forget()
    assert _looked(kept, other, array, plane, 7) is None
