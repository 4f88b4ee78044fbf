"""Going through slices across the array shows the same pictures as looking at one alone."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QObject

from medview.core.geometry import Geometry
from medview.core.results import Label, LabelMap
from medview.core.volume import Volume
from medview.gui.views.pixels import PictureLook
from medview.gui.views.slice_pictures import SlicePictures
from medview.imaging import Plane, Window, neighbours, planes_of

_WINDOW = Window(center=0, width=1200)


def _volume(**changes: object) -> Volume:
    geometry = Geometry(shape=(12, 14, 40), axes=((-1, 0, 0), (0, 1, 0), (0, 0, 1)))
    stored = np.random.default_rng(2).integers(-900, 900, geometry.shape).astype(np.int16)
    return Volume(geometry=geometry, stored=stored, modality="PT", **changes)


def _lesions(geometry: Geometry, seed: int = 4) -> LabelMap:
    voxels = np.random.default_rng(seed).integers(0, 3, geometry.shape).astype(np.uint8)
    labels = (Label(value=1, name="a", colour="#56b4e9"),
              Label(value=2, name="b", colour="#009e73"))  # fmt: skip
    return LabelMap(id="m", geometry=geometry, voxels=voxels, labels=labels)


def _seen(
    pictures: SlicePictures, volume: Volume, overlay: LabelMap, plane: Plane, at: int
) -> list[np.ndarray]:
    held = pictures._straight._neighbours._held.values()
    wait([block for each in held for block in each.blocks.values()])
    grey = pictures.grey(volume, plane, at, _WINDOW, PictureLook())
    over, outlines = pictures.overlay((overlay,), plane, at)
    return [grey.pixels, *(each.pixels for each in over), *(each.segments for each in outlines)]


@pytest.mark.parametrize(
    "changes",
    [
        {"slope": 2.0, "intercept": -30.0},
        {"padding": (-900.0, -500.0)},
        {"per_slice": np.column_stack([np.linspace(1, 2, 12), np.linspace(-5, 5, 12)])},
        {"is_inverted": True},
    ],
)
def test_pictures_of_a_drag_are_those_of_each_slice_alone(
    qapp, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    monkeypatch.setattr(neighbours, "_LEAST", 1)
    volume = _volume(**changes)
    overlay, parent = _lesions(volume.geometry), QObject()
    dragged = SlicePictures(parent, lambda: None)
    # The plane must be the very same from frame to frame, as in a view.
    plane = planes_of(volume.geometry)["sagittal"]
    for at in (*range(40), *range(39, 20, -2)):
        alone = SlicePictures(parent, lambda: None)
        mine = _seen(dragged, volume, overlay, plane, at)
        for one, other in zip(mine, _seen(alone, volume, overlay, plane, at), strict=True):
            assert np.array_equal(one, other)
    assert len(dragged._straight._neighbours._held) == 2
    assert all(held.blocks for held in dragged._straight._neighbours._held.values())


def test_an_overlay_that_was_changed_shows_what_it_holds_now(
    qapp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_LEAST", 1)
    volume, parent = _volume(), QObject()
    before = _lesions(volume.geometry)
    plane = planes_of(volume.geometry)["sagittal"]
    pictures = SlicePictures(parent, lambda: None)
    for at in range(6):
        _seen(pictures, volume, before, plane, at)
    before.voxels[:] = 0  # a stroke goes into the same array, and the map is made anew
    before.voxels[3:6, 3:6] = 1
    after = replace(before)
    shown = _seen(pictures, volume, after, plane, 6)
    assert np.array_equal(shown[1], plane.cut(after.voxels, 6))
    assert len(pictures._straight._neighbours._held) == 2


def test_slices_for_whose_neighbours_memory_does_not_suffice_are_looked_up_one_by_one(
    qapp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_LEAST", 1)

    def too_much(*_args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(neighbours, "_cut", too_much)
    volume, parent = _volume(), QObject()
    overlay = _lesions(volume.geometry)
    plane = planes_of(volume.geometry)["sagittal"]
    dragged = SlicePictures(parent, lambda: None)
    for at in range(6):
        alone = SlicePictures(parent, lambda: None)
        mine = _seen(dragged, volume, overlay, plane, at)
        for one, other in zip(mine, _seen(alone, volume, overlay, plane, at), strict=True):
            assert np.array_equal(one, other)
