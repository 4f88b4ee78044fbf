"""Looks of the volume view: the shipped ones, files with nonsense, changes, the reader's own."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pytest

from medview.core.geometry import Geometry
from medview.core.paths import resources_dir
from medview.core.volume import Volume
from medview.imaging.body import outside
from medview.imaging.looks import (
    SHARE,
    Scale,
    first_look,
    forget_look,
    in_blend,
    keep_look,
    looks_for,
    own_looks_path,
    read_looks,
    scale_of,
)
from medview.imaging.transfer import (
    Look,
    TransferPoint,
    colour_at,
    coloured_point,
    histogram,
    moved_point,
    opacity_at,
    shifted,
    value_span,
    with_point,
    without_point,
)

_HU = Scale(unit="HU")


def _volume(unit: str = "HU", modality: str = "CT") -> Volume:
    stored = np.zeros((4, 4, 4), np.int16)
    return Volume(geometry=Geometry(shape=(4, 4, 4)), stored=stored, unit=unit, modality=modality)


def _look() -> Look:
    points = (
        TransferPoint(0, 0.0, "#000000"),
        TransferPoint(100, 0.5, "#ff0000"),
        TransferPoint(300, 1.0, "#ffffff"),
    )
    return Look(id="x", name="X", points=points)


def test_shipped_looks_all_make_sense() -> None:
    found = read_looks(resources_dir() / "volume_looks.json")

    assert found.faults == ()
    assert {row.look.id for row in found.rows} >= {
        "bone", "soft-tissue", "lung", "vessels", "heart", "mr", "mr-angio", "pet",
    }  # fmt: skip
    assert set(found.projections) == {"HU", "SUV", "share"}


@pytest.mark.parametrize(
    ("unit", "modality", "words", "look"),
    [
        ("HU", "CT", "CHEST Thorax", "bone"),
        ("HU", "CT", "CHEST CTA thorax", "vessels"),
        ("HU", "CT", "HEART Coronary", "heart"),
        ("HU", "CT", "CHEST Lung 1.25", "lung"),
        ("HU", "CT", "HEAD", "bone"),
        ("", "MR", "BRAIN T1", "mr"),
        ("", "MR", "BRAIN 3D TOF", "mr-angio"),
        ("SUVbw", "PT", "WHOLE BODY", "pet"),
        ("SUVlbm", "PT", "", "pet"),
        ("", "NM", "", "surface"),
    ],
)
def test_unit_modality_and_words_choose_the_look(
    unit: str, modality: str, words: str, look: str
) -> None:
    volume = _volume(unit, modality)
    values = np.arange(64, dtype=np.float32).reshape(4, 4, 4)

    looks, _ = looks_for(volume, scale_of(volume, values))

    assert looks[first_look(looks, words)].id == look


@pytest.mark.parametrize(
    "nonsense",
    [
        {"points": [[0, 0, "#000000"]]},
        {"points": [[0, 0, "#000000"], [0, 1, "#ffffff"]]},
        {"points": [[0, 0, "#000000"], [1, 2, "#ffffff"]]},
        {"points": [[0, 0, "#000000"], [1, 1, "white"]]},
        {"points": [[0, 0, "#000000"], ["1", 1, "#ffffff"]]},
        {"points": [[0, 0, "#000000"], [1e300, 1, "#ffffff"]]},
        {"points": "all"},
        {"blend": "sum"},
        {"is_lit": "yes"},
        {"unit": ""},
        {"name": 7},
        {"parts": [1]},
    ],
)
def test_nonsense_in_a_file_is_a_sentence_and_the_rest_stays(
    tmp_path: Path, nonsense: dict
) -> None:
    good = {"id": "a", "name": "A", "unit": "HU", "points": [[0, 0, "#000000"], [9, 1, "#ffffff"]]}
    path = tmp_path / "looks.json"
    path.write_text(json.dumps({"looks": [good | {"id": "bad"} | nonsense, good]}))

    found = read_looks(path)

    assert [row.look.id for row in found.rows] == ["a"]
    assert len(found.faults) == 1
    assert "Look 1 in looks.json makes no sense" in str(found.faults[0])


@pytest.mark.parametrize("text", ["", "[]", "{", '{"looks": 3}', "[" * 100_000])
def test_file_that_is_none_is_left_out_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "looks.json"
    path.write_text(text)

    found = read_looks(path)

    assert found.rows == ()
    assert [str(fault) for fault in found.faults] == [
        "The looks in looks.json cannot be read and are left out."
    ]


def test_own_look_is_kept_for_its_owner_and_comes_back() -> None:
    from dataclasses import replace

    kept = keep_look(replace(_look(), name="My stents", id="bone"), _HU)

    looks, faults = looks_for(_volume(), _HU)
    assert faults == ()
    assert looks[-1] == kept
    assert looks[-1].is_own
    assert stat.S_IMODE(own_looks_path().stat().st_mode) == 0o600
    keep_look(replace(_look(), name="my STENTS"), _HU)  # takes the place of the first
    assert [look.name for look in looks_for(_volume(), _HU)[0] if look.is_own] == ["my STENTS"]
    forget_look(looks_for(_volume(), _HU)[0][-1].id)
    assert not any(look.is_own for look in looks_for(_volume(), _HU)[0])


def test_own_look_without_a_unit_fits_the_next_series_by_its_range() -> None:
    from dataclasses import replace

    here = Scale(unit=SHARE, start=100.0, step=200.0)
    keep_look(replace(_look(), name="Mine"), here)

    there = looks_for(_volume("", "MR"), Scale(unit=SHARE, start=0.0, step=1000.0))[0][-1]

    # 0, 100 and 300 were shares -0.5, 0 and 1 of the first series' range.
    assert [point.value for point in there.points] == pytest.approx([-500, 0, 1000])


def test_what_was_broken_by_hand_is_kept_beside_before_saving() -> None:
    own_looks_path().write_text('{"looks": [{"id": "half"}]}')

    keep_look(_look(), _HU)

    assert own_looks_path().with_suffix(".broken.json").read_text() == '{"looks": [{"id": "half"}]}'


def test_new_point_changes_nothing_until_it_is_moved() -> None:
    look = with_point(_look(), 200)

    assert [point.value for point in look.points] == [0, 100, 200, 300]
    assert opacity_at(look, 200) == opacity_at(_look(), 200) == pytest.approx(0.75)
    assert colour_at(look, 200) in ("#ff7f7f", "#ff8080")
    assert with_point(look, 200) is look


def test_points_stay_in_order_and_two_always_stay() -> None:
    moved = moved_point(_look(), 1, 900, 7.0)

    assert 0 < moved.points[1].value < 300
    assert moved.points[1].opacity == 1.0
    assert moved_point(_look(), 2, 900, 1).points[2].value == 900
    least = without_point(without_point(_look(), 1), 0)
    assert len(least.points) == 2
    assert coloured_point(_look(), 1, "#123456").points[1].colour == "#123456"


def test_shift_moves_every_point() -> None:
    assert [point.value for point in shifted(_look(), -50).points] == [-50, 50, 250]


def test_projection_of_a_look_is_a_grey_ramp_in_the_units_window() -> None:
    look = in_blend(_look(), "mip", _HU)

    assert (look.blend, look.low, look.high, look.is_lit) == ("mip", -100, 900, False)
    assert in_blend(look, "mip", _HU) is look
    scaled = in_blend(_look(), "mean", Scale(unit=SHARE, start=10, step=100))
    assert (scaled.low, scaled.high) == pytest.approx((10, 70))


def test_histogram_finds_rare_values() -> None:
    values = np.zeros((20, 20, 20), np.int16)
    values[0, 0, :5] = 900

    counts = histogram(values, (0.0, 1000.0), bins=10)

    assert counts[0] == 1.0
    assert 0 < counts[9] < counts[0]
    assert counts[1:9].max() == 0
    low, high = value_span(values)
    assert low < 0 < high


def test_air_in_the_body_is_not_outside() -> None:
    values = np.full((9, 30, 30), -1000, np.int16)
    values[:, 5:25, 5:25] = 40
    values[:, 10:15, 10:15] = -850

    found = outside(values)

    assert found[4, 2, 2]
    assert not found[4, 12, 12]
    assert not found[4, 7, 7]
