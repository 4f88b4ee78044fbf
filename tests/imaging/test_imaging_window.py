"""The grey window: formulas of the standard, whatever the stored type."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from medview.core.errors import InvalidInput
from medview.core.volume import VoiTable
from medview.imaging import Window, auto_window, first_window, grey_slice, native_plane
from medview.imaging.grey import window_to_grey
from medview.imaging.halves import room_for
from medview.imaging.window import (
    dragged,
    file_windows,
    table_window,
    window_between,
    window_fractions,
)


@pytest.mark.parametrize(
    ("function", "value", "fraction"),
    [
        ("LINEAR", -160, 0.0),
        ("LINEAR", 39.5, 0.5),
        ("LINEAR", 239, 1.0),
        ("LINEAR_EXACT", -160, 0.0),
        ("LINEAR_EXACT", 40, 0.5),
        ("LINEAR_EXACT", 240, 1.0),
        ("SIGMOID", -160, 1 / (1 + np.exp(2))),
        ("SIGMOID", 40, 0.5),
    ],
)
def test_golden_fractions_of_window_40_400(function: str, value: float, fraction: float) -> None:
    window = Window(center=40, width=400, function=function)

    assert window_fractions([value], window)[0] == pytest.approx(fraction, abs=1e-12)


@given(
    center=st.floats(-1500, 3000),
    width=st.floats(1, 6000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_fractions_equal_those_of_pydicom(center: float, width: float, function: str) -> None:
    stored = np.arange(-2000, 4000, 7, dtype=np.int16)
    header = Dataset()
    header.PhotometricInterpretation = "MONOCHROME2"
    header.BitsStored, header.PixelRepresentation = 16, 1
    header.WindowCenter, header.WindowWidth = f"{center:.6f}", f"{width:.6f}"
    header.VOILUTFunction = function
    window = Window(center=round(center, 6), width=round(width, 6), function=function)

    with np.errstate(over="ignore"):  # its sigmoid overflows towards 0
        theirs = (apply_windowing(stored, header) + 32768.0) / 65535.0

    assert np.abs(window_fractions(stored, window) - theirs).max() < 1e-6


@given(
    center=st.floats(-1200, 3000),
    width=st.floats(1, 9000),
    dtype=st.sampled_from([np.int16, np.uint16, np.uint8, np.int8, np.int32, np.float32]),
    slope=st.sampled_from([1.0, 0.5, 2.37, -1.0]),
)
def test_fast_grey_is_within_one_level_of_the_formula(
    center: float, width: float, dtype: type, slope: float
) -> None:
    rng = np.random.default_rng(1)
    whole = np.dtype(dtype).kind != "f"
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if whole else (-3000, 5000)
    stored = rng.integers(max(low, -32768), min(high, 65535), (70, 41), endpoint=True).astype(dtype)
    window = Window(center=center, width=width)

    grey = window_to_grey(stored, slope, -1024.0, window)

    exact = window_fractions(stored * slope - 1024.0, window) * 255
    if width < 1.01:  # a threshold: float32 may fall on its other side
        exact = np.where(np.abs(stored * slope - 1024.0 - center) < 1, grey, exact)
    assert np.abs(grey - exact).max() <= 1.01


def test_fast_grey_nearly_always_equals_the_rounded_formula() -> None:
    stored = np.arange(-2000, 2000, dtype=np.int16).reshape(40, 100)
    window = Window(center=40, width=400)

    grey = window_to_grey(stored, 1.0, 0.0, window)

    exact = np.floor(window_fractions(stored, window) * 255 + 0.5)
    assert (grey != exact).mean() < 0.01


@pytest.mark.parametrize(("center", "width"), [(-600, 1500), (40.5, 351), (32, 8), (20000, 40000)])
def test_what_lies_outside_the_window_is_quite_black_or_white(center, width) -> None:
    stored = np.array([[-3000, -2500, 32000, 32767]], np.int16)

    grey = window_to_grey(stored, 1.5, 0.0, Window(center=center, width=width))

    assert grey.tolist() == [[0, 0, 255, 255]]


def test_fast_grey_reads_strided_and_flipped_slices() -> None:
    block = np.arange(-500, 1000, dtype=np.int16).reshape(10, 15, 10)
    window = Window(center=100, width=300)

    grey = window_to_grey(block[::-1, :, 3], 1.0, 0.0, window)

    copied = window_to_grey(np.ascontiguousarray(block[::-1, :, 3]), 1.0, 0.0, window)
    assert np.array_equal(grey, copied)


def test_width_one_is_a_threshold() -> None:
    grey = window_to_grey(np.array([[39, 40]], np.int16), 1.0, 0.0, Window(center=40, width=1))

    assert grey.tolist() == [[0, 255]]


def test_monochrome1_turns_the_grey_over_once_and_keeps_padding_black(ct_volume) -> None:
    stored = np.array([[[0, 998, 2000, -5000]]], np.int16)
    window = Window(center=1000.5, width=2001)
    plain = ct_volume(stored, intercept=0.0, padding=(-5000, -5000))
    inverted = ct_volume(stored, intercept=0.0, padding=(-5000, -5000), is_inverted=True)

    plane = native_plane(plain.geometry)

    assert grey_slice(plain, plane, 0, window).tolist() == [[0, 127, 255, 0]]
    assert grey_slice(inverted, plane, 0, window).tolist() == [[255, 128, 0, 0]]


def test_colour_passes_unwindowed(ct_volume) -> None:
    stored = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    volume = ct_volume(stored, unit="", intercept=0.0)

    picture = grey_slice(volume, native_plane(volume.geometry), 1, Window(center=1, width=2))

    assert np.array_equal(picture, stored[1])


def test_auto_window_ignores_padding(ct_volume) -> None:
    stored = np.full((3, 40, 40), -2000, np.int16)
    stored[:, 10:30, 10:30] = np.linspace(1024, 1124, 20).astype(np.int16)
    volume = ct_volume(stored, padding=(-2000, -2000))

    window = auto_window(volume)

    assert -5 <= window.center - window.width / 2 <= 10
    assert 90 <= window.center + window.width / 2 <= 105


def test_auto_window_looks_only_at_slices_that_are_there(ct_volume) -> None:
    stored = np.zeros((4, 8, 8), np.int16)
    stored[2] = np.arange(64).reshape(8, 8) + 1024
    ready = np.array([False, False, True, False])

    window = auto_window(ct_volume(stored), ready)

    assert window.center == pytest.approx(32, abs=2)


@pytest.mark.parametrize("ready", [None, np.zeros(4, bool)])
def test_auto_window_survives_a_flat_or_absent_picture(ct_volume, ready) -> None:
    window = auto_window(ct_volume(np.zeros((4, 8, 8), np.int16)), ready)

    assert window.width > 0


def test_first_window_is_the_one_of_the_file(ct_volume) -> None:
    volume = ct_volume(windows=((40.0, 0.0, "broken"), (50.0, 350.0, "soft")))

    assert first_window(volume) == Window(center=50, width=350, name="soft")
    assert len(file_windows(volume)) == 1


def test_drag_never_goes_below_the_least_width() -> None:
    assert dragged(Window(center=40, width=10), -500, 5) == Window(center=45, width=1)


def test_window_between_two_values_begins_and_ends_there() -> None:
    window = window_between(-160, 239)

    assert (window.center, window.width) == (40, 400)


@pytest.mark.parametrize("width", [0, -3, float("nan"), 0.5])
def test_impossible_width_is_refused_in_words(width: float) -> None:
    with pytest.raises(InvalidInput, match="cannot be shown"):
        Window(center=0, width=width)


def test_windows_of_floats_and_suv_are_meant_exactly(ct_volume) -> None:
    windows = ((0.5, 1.0, "map"),)
    whole = ct_volume(windows=windows)
    floats = replace(whole, stored=whole.stored.astype(np.float32))
    suv = replace(whole, unit="SUVbw")

    assert file_windows(whole)[0].function == "LINEAR"
    for volume in (floats, suv):
        assert window_fractions([0.25], file_windows(volume)[0]) == [0.25]


def test_a_table_shows_every_value_through_its_own_entry() -> None:
    entries = np.array([0, 1000, 4095, 2000], np.uint16)
    window = table_window(VoiTable(first=-2, entries=entries, bits=12))

    fractions = window_fractions([-9, -2, -1, 0, 1, 50, np.nan], window)

    assert np.nan_to_num(fractions * 4095).tolist() == [0, 0, 1000, 4095, 2000, 2000, 0]


@given(dtype=st.sampled_from([np.int16, np.uint16, np.uint8, np.int8, np.int32, np.float32]))
def test_curves_by_table_equal_the_formula(dtype: type) -> None:
    entries = np.array([0, 900, 300, 4095, 4000, 100], np.uint16)
    table = table_window(VoiTable(first=40, entries=entries, bits=12))
    stored = np.arange(120).reshape(10, 12).astype(dtype)
    for window in (table, Window(center=50, width=30, function="SIGMOID")):
        wanted = np.floor(window_fractions(stored * 2.0 - 30, window) * 255 + 0.5)
        assert np.array_equal(window_to_grey(stored, 2.0, -30.0, window), wanted)


def test_a_dragged_table_is_stretched_and_stays_a_table() -> None:
    window = table_window(VoiTable(first=0, entries=np.arange(4, dtype=np.uint16), bits=2))

    wider = dragged(window, 4.0, 2.0)

    assert window_fractions([0, 2, 4, 6], wider).tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_room_of_a_large_picture_is_used_again_only_when_nobody_holds_it() -> None:
    first = room_for((300, 200))
    first[:] = 7
    second = room_for((300, 200))
    second[:] = 9
    row = second[5:6]  # a part of it counts as well

    assert (first == 7).all()
    del second
    third = room_for((300, 200))
    third[:] = 1
    assert (row == 9).all()
    where = third.ctypes.data
    del third
    again = room_for((60_000,))
    assert again.ctypes.data == where
    assert again.shape == (60_000,)
