"""Overlays lie at their millimetres, in their colours; pictures keep the aspect."""

from __future__ import annotations

import json
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Heatmap, Label, LabelMap
from medview.imaging import Window, planes_of
from medview.imaging.overlay import (
    cut_heatmap,
    cut_labels,
    heat_colours,
    inferno,
    label_fill,
    label_outlines,
    outline_segments,
)  # fmt: skip
from medview.imaging.picture import compose, thumbnail
from medview.imaging.presets import preset_named, presets_for

_LEGEND = (Label(value=1, name="right lung", colour="#56b4e9"),)


def _label_map(geometry: Geometry, voxels: np.ndarray) -> LabelMap:
    return LabelMap(id="m", geometry=geometry, voxels=voxels.astype(np.uint8), labels=_LEGEND)


@pytest.fixture
def geometry() -> Geometry:
    return Geometry(shape=(6, 20, 24), spacing=(0.8, 0.5, 2.5), origin=PatientPoint(-9, 4, 30))


def test_mask_on_the_same_grid_is_cut_like_the_picture(geometry: Geometry) -> None:
    voxels = np.random.default_rng(0).integers(0, 2, geometry.shape)

    for plane in planes_of(geometry).values():
        cut = cut_labels(_label_map(geometry, voxels), plane, 3)
        assert np.array_equal(cut, plane.cut(voxels, 3))


@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_mask_on_another_grid_lies_at_its_millimetres(geometry: Geometry, name: str) -> None:
    other = Geometry(
        shape=(9, 11, 10), spacing=(1.3, 1.1, 1.7), origin=PatientPoint(-6, 5, 45),
        axes=((0.96, 0.28, 0), (-0.28, 0.96, 0), (0, 0, -1)),
    )  # fmt: skip
    voxels = np.random.default_rng(0).integers(1, 5, other.shape)
    plane = planes_of(geometry)[name]

    cut = cut_labels(_label_map(other, voxels), plane, 4)

    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            point = plane.to_patient(4, row, column)
            place = other.to_index(point)
            near = tuple(int(np.floor(v + 0.5)) for v in place)
            expected = voxels[near] if other.contains(point) else 0
            assert cut[row, column] == expected


def test_mask_of_a_mirrored_grid_is_not_mirrored_on_the_screen(geometry: Geometry) -> None:
    voxels = np.random.default_rng(0).integers(0, 3, geometry.shape)
    last = geometry.to_patient(type(geometry.to_index(geometry.origin))(5, 0, 0))
    mirrored = Geometry(
        shape=geometry.shape, spacing=geometry.spacing, origin=last,
        axes=((1, 0, 0), (0, 1, 0), (0, 0, -1)),
    )  # fmt: skip

    for plane in planes_of(geometry).values():
        cut = cut_labels(_label_map(mirrored, voxels[::-1]), plane, 2)
        assert np.array_equal(cut, plane.cut(voxels, 2))


def test_heatmap_is_a_share_of_its_maximum_and_zero_is_transparent(geometry: Geometry) -> None:
    values = np.linspace(0, 2, geometry.shape[2], dtype=np.float32)
    heatmap = Heatmap(
        id="h", geometry=geometry, class_name="pneumonia", maximum=2.0,
        values=np.broadcast_to(values, geometry.shape).copy(),
    )  # fmt: skip

    shares = cut_heatmap(heatmap, planes_of(geometry)["axial"], 0)
    colours = heat_colours(shares)

    assert shares[0, -1] == 1.0
    assert colours[0, 0].tolist()[3] == 0
    assert colours[0, -1, 3] > colours[0, 2, 3] > 0
    assert (colours[..., :3] <= colours[..., 3:]).all()  # premultiplied


def test_inferno_is_the_published_one() -> None:
    published = mpl.colormaps["inferno"](np.arange(256))[:, :3] * 255

    assert np.abs(inferno() - published).max() < 3


def test_fill_is_a_quarter_of_the_colour() -> None:
    colours = label_fill(np.array([[0, 1, 9]], np.uint8), _LEGEND)

    assert colours.tolist() == [[[0, 0, 0, 0], [22, 45, 58, 64], [0, 0, 0, 0]]]


def test_outline_runs_along_the_pixel_edges() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1:3, 1:4] = True

    segments = {tuple(s) for s in outline_segments(mask)}

    assert segments == {(1, 1, 4, 1), (1, 3, 4, 3), (1, 1, 1, 3), (4, 1, 4, 3)}


def test_outline_of_a_mask_at_the_border_is_closed() -> None:
    assert len(outline_segments(np.ones((3, 3), bool))) == 4


def _edge_by_edge(labels: np.ndarray, value: int) -> set[tuple[int, int, int, int]]:
    """Every edge of one pixel between a label and what it is not."""
    framed = np.pad(labels, 1) == value
    found = set()
    for row, column in np.argwhere(framed[1:, 1:-1] != framed[:-1, 1:-1]).tolist():
        found.add((column, row, column + 1, row))
    for row, column in np.argwhere(framed[1:-1, 1:] != framed[1:-1, :-1]).tolist():
        found.add((column, row, column, row + 1))
    return found


def _cut_up(segments: np.ndarray) -> list[tuple[int, int, int, int]]:
    found = []
    for x0, y0, x1, y1 in segments.astype(int).tolist():
        found += [(x, y0, x + 1, y0) for x in range(x0, x1)]
        found += [(x0, y, x0, y + 1) for y in range(y0, y1)]
    return found


def test_outlines_of_many_labels_found_together_are_those_of_each_alone() -> None:
    generator = np.random.default_rng(5)
    for number in range(60):
        shape = generator.integers(1, 24, 2)
        labels = generator.integers(0, 5, shape).astype(np.uint8) * 50
        if number % 2:
            labels = np.kron(labels, np.ones((3, 4), np.uint8)).T  # blocks, as they lie across
        found = label_outlines(labels)
        assert set(found) == set(np.unique(labels).tolist()) - {0}
        for value, segments in found.items():
            pieces = _cut_up(segments)
            assert sorted(pieces) == sorted(_edge_by_edge(labels, value))
            ends = segments[:, 2:] - segments[:, :2]
            assert ((ends == 0).sum(axis=1) == 1).all()


def test_picture_has_square_pixels_of_the_finer_spacing(ct_volume) -> None:
    volume = ct_volume(np.zeros((6, 20, 24), np.int16))

    picture = compose(volume, planes_of(volume.geometry)["coronal"], 3, Window(center=0, width=9))

    assert picture.shape == (round(6 * 2.5 / 0.8), 24, 3)


def test_picture_of_square_pixels_is_the_windowed_slice(ct_volume) -> None:
    stored = np.random.default_rng(1).integers(0, 2000, (3, 12, 12)).astype(np.int16)
    volume = ct_volume(stored, geometry=Geometry(shape=stored.shape), intercept=0.0)
    plane = planes_of(volume.geometry)["axial"]

    picture = compose(volume, plane, 1, Window(center=1000, width=2000))

    expected = np.clip((stored[1] - 999.5) / 1999 + 0.5, 0, 1) * 255
    assert np.abs(picture[..., 0] - expected).max() <= 1


def test_picture_shows_the_mask_only_where_it_lies(ct_volume) -> None:
    volume = ct_volume(np.full((3, 12, 12), 1024, np.int16), geometry=Geometry(shape=(3, 12, 12)))
    voxels = np.zeros((3, 12, 12))
    voxels[1, 4:8, 4:8] = 1
    plane = planes_of(volume.geometry)["axial"]
    window = Window(center=0, width=100)
    mask = _label_map(volume.geometry, voxels)

    plain = compose(volume, plane, 1, window)
    overlaid = compose(volume, plane, 1, window, overlays=[mask])

    changed = (plain != overlaid).any(axis=2)
    assert np.array_equal(changed, voxels[1] > 0)
    assert overlaid[4, 4].tolist() == [0x56, 0xB4, 0xE9]


def test_tilted_slices_are_laid_where_they_belong(ct_volume) -> None:
    tilt = (0.0, float(np.sin(0.4)), float(np.cos(0.4)))
    stored = np.full((10, 20, 4), 1024, np.int16)
    geometry = Geometry(shape=(10, 20, 4), axes=((1, 0, 0), (0, 1, 0), tilt), spacing=(1, 1, 3))
    volume = ct_volume(stored, geometry=geometry)

    picture = compose(volume, planes_of(geometry)["sagittal"], 1, Window(center=0, width=100))

    lit = picture[..., 0] > 0
    # Head is up; growing z moves slices backwards, which is right on the screen.
    assert lit[0].argmax() > lit[-1].argmax()


def test_thumbnail_is_square(ct_volume) -> None:
    volume = ct_volume(np.full((3, 12, 24), 1100, np.int16))

    assert thumbnail(volume, 64).shape == (64, 64, 3)


# The table of the reading room: width, centre in HU.
_TABLE = {
    "Brain": (80, 40), "Subdural": (200, 75), "Stroke": (40, 40), "Stroke, tight": (8, 32),
    "Temporal bone": (2800, 600), "Neck": (375, 40), "Lung": (1500, -600),
    "Posterior fossa": (120, 40), "Emphysema": (500, -850), "Mediastinum": (350, 50),
    "Abdomen": (400, 50), "Liver, plain": (150, 30), "Liver, contrast": (150, 90),
    "Spine, soft tissue": (250, 50), "Spine, bone": (1800, 400), "Bone": (2000, 350),
    "CT angiography": (600, 170),
}  # fmt: skip


def test_ct_presets_are_those_of_the_table() -> None:
    found = {p.name: (p.window.width, p.window.center) for p in presets_for("CT", "HU")}

    assert found == _TABLE


def test_ct_presets_are_absent_without_hounsfield_units() -> None:
    assert presets_for("CT", "") == ()
    assert presets_for("MR", "") == ()


@pytest.mark.parametrize(("modality", "unit"), [("CT", "HU"), ("PT", "SUVbw")])
def test_presets_that_digits_call_by_their_place_are_one_each(modality: str, unit: str) -> None:
    presets = presets_for(modality, unit)

    assert presets
    assert len({p.id for p in presets}) == len({p.name for p in presets}) == len(presets)


def test_preset_is_found_by_name_in_any_case() -> None:
    assert preset_named("LUNG").window.width == 1500
    assert preset_named("no such") is None


def test_preset_file_names_its_numbers() -> None:
    from medview.core.paths import resources_dir

    rows = json.loads((resources_dir() / "presets.json").read_text())["groups"][0]["presets"]
    assert all({"id", "name", "width", "center"} <= set(row) for row in rows)


def test_a_pets_thumbnail_is_dark_on_white_unless_it_is_stored_so(ct_volume) -> None:
    stored = np.zeros((1, 64, 64), np.int16)
    stored[0, 28:36, 28:36] = 5
    pet = ct_volume(stored, intercept=0.0, unit="SUVbw", modality="PT")
    nuclear = ct_volume(stored, intercept=0.0, unit="", modality="NM")

    dark_on_white = thumbnail(pet, 64)
    assert dark_on_white[20, 20, 0] == 255
    assert dark_on_white[32, 32, 0] == 255 - 213  # 5 of 6
    assert thumbnail(nuclear, 64)[20, 20, 0] < thumbnail(nuclear, 64)[32, 32, 0]
    stored_so = thumbnail(replace(pet, is_inverted=True), 64)
    assert stored_so[20, 20, 0] == 255
