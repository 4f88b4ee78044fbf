"""Films as they were taken: side and view, shutters, times of frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_read_cases import save, slice_of
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medview.core.study import Projection, Stack
from medview.core.volume import Shutter, Volume
from medview.dicom import load_volume, scan
from medview.imaging import native_plane
from medview.imaging.shutters import hidden_on, hidden_pixels


def code(value: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", "view"
    return Sequence([item])


def film(folder: Path, pixels: np.ndarray | None = None, **elements: object) -> Stack:
    given: dict[str, object] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2", "Modality": "MG",
        "ImagePositionPatient": None, "ImageOrientationPatient": None,
    } | elements  # fmt: skip
    save(slice_of(0, pixels, **given), folder / "a.dcm")
    (stack,) = scan([folder]).patients[0].studies[0].series[0].stacks
    return stack


def projection(folder: Path, **elements: object) -> Projection:
    found = film(folder, **elements).projection
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("elements", "title"),
    [
        ({"ImageLaterality": "R", "ViewCodeSequence": code("399368009")}, "RMLO"),
        ({"ImageLaterality": "L", "ViewCodeSequence": code("R-10242")}, "LCC"),
        ({"Laterality": "L", "ViewPosition": "ML"}, "LML"),
        ({"ViewPosition": "PA"}, "PA"),
        ({"Laterality": "R", "ViewPosition": "AP"}, "R AP"),
        ({"ImageLaterality": "B", "ViewPosition": "AP"}, "AP"),
        ({"ImageLaterality": "R", "ViewCodeSequence": code("nonsense")}, "R"),
        ({}, ""),
    ],
)
def test_side_and_view_make_the_films_mark(tmp_path: Path, elements: dict, title: str) -> None:
    assert projection(tmp_path, **elements).title == title


def test_the_pictures_own_side_goes_before_the_series_and_the_conflict_is_said(
    tmp_path: Path,
) -> None:
    found = projection(tmp_path, ImageLaterality="R", Laterality="L")
    assert found.laterality == "R"
    assert found.conflict is not None
    assert "right and the left" in found.conflict.english()
    assert projection(tmp_path / "b", ImageLaterality="R", Laterality="R").conflict is None


def test_the_real_mammogram_tells_side_view_and_orientation(imaging_data: Path) -> None:
    (stack,) = scan([imaging_data / "mg"]).patients[0].studies[0].series[0].stacks
    assert stack.projection == Projection(laterality="R", view="MLO", orientation="P\\FL")


@pytest.mark.parametrize(
    ("ratio", "wanted"), [("10", 10), (["4", "2.5"], 10), ("1", 0), ("-3", 0), (None, 0)]
)
def test_the_ratio_of_lossy_compression_is_the_product_of_its_steps(
    tmp_path: Path, ratio: object, wanted: float
) -> None:
    elements = {"LossyImageCompression": "01"}
    if ratio is not None:
        elements["LossyImageCompressionRatio"] = ratio
    assert film(tmp_path, **elements).lossy_ratio == wanted


def test_a_ratio_without_the_flag_means_nothing(tmp_path: Path) -> None:
    stack = film(tmp_path, LossyImageCompression="00", LossyImageCompressionRatio="8")
    assert stack.lossy_ratio == 0


def hidden(volume: Volume) -> np.ndarray:
    found = hidden_on(volume.shutters, native_plane(volume.geometry), 0)
    assert found is not None
    return found


def test_a_rectangular_shutter_hides_what_lies_outside_of_its_edges(tmp_path: Path) -> None:
    volume = load_volume(film(
        tmp_path, ShutterShape="RECTANGULAR", ShutterLeftVerticalEdge=2,
        ShutterRightVerticalEdge=4, ShutterUpperHorizontalEdge=3, ShutterLowerHorizontalEdge=5,
    ))  # fmt: skip
    seen = ~hidden(volume)
    assert np.argwhere(seen).min(axis=0).tolist() == [2, 1]
    assert np.argwhere(seen).max(axis=0).tolist() == [4, 3]
    assert seen.sum() == 9


def test_a_circle_and_a_polygon_both_hide(tmp_path: Path) -> None:
    stack = film(
        tmp_path, np.zeros((40, 50), np.int16), ShutterShape=["CIRCULAR", "POLYGONAL"],
        CenterOfCircularShutter=[21, 26], RadiusOfCircularShutter=10,
        VerticesOfThePolygonalShutter=[1, 1, 1, 50, 21, 50, 21, 1],
    )  # fmt: skip
    seen = ~hidden(load_volume(stack))
    assert seen.sum() == pytest.approx(np.pi * 100 / 2, rel=0.1)
    assert not seen[20:].any()  # below the polygon's lower edge
    assert seen[15, 25]


def test_a_bitmap_shutter_hides_its_bits_and_is_no_drawing(tmp_path: Path) -> None:
    mask = np.zeros((6, 5), bool)
    mask[:, :2] = True
    made = slice_of(0, SOPClassUID="1.2.840.10008.5.1.4.1.1.1", Modality="CR",
                    ImagePositionPatient=None, ImageOrientationPatient=None,
                    ShutterShape="BITMAP", ShutterOverlayGroup=0x6002)  # fmt: skip
    packed = np.packbits(mask.ravel(), bitorder="little").tobytes()
    for element, vr, value in ((0x10, "US", 6), (0x11, "US", 5), (0x40, "CS", "G"),
                               (0x50, "SS", [1, 1]), (0x100, "US", 1), (0x102, "US", 0),
                               (0x3000, "OW", packed + b"\0" * (len(packed) % 2))):  # fmt: skip
        made.add_new(0x60020000 | element, vr, value)
    save(made, tmp_path / "a.dcm")
    (stack,) = scan([tmp_path]).patients[0].studies[0].series[0].stacks
    volume = load_volume(stack)
    assert np.array_equal(hidden(volume), mask)
    assert not volume.graphics


@pytest.mark.parametrize(
    "elements",
    [
        {"ShutterShape": "RECTANGULAR"},
        {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [3, 3],
         "RadiusOfCircularShutter": 0},
        {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 2, 2]},
        {"ShutterShape": "BITMAP", "ShutterOverlayGroup": 0x6000},
        {"ShutterShape": "STAR"},
    ],
)  # fmt: skip
def test_a_shutter_that_cannot_be_hides_nothing(tmp_path: Path, elements: dict) -> None:
    assert not load_volume(film(tmp_path, **elements)).shutters


def test_a_polygon_is_filled_as_its_corners_say() -> None:
    triangle = Shutter(polygon=((0.0, 0.0), (0.0, 100.0), (100.0, 0.0)))
    seen = ~hidden_pixels(triangle, 120, 120)
    assert seen.sum() == pytest.approx(5000, rel=0.02)
    assert seen[30, 30]
    assert not seen[60, 60]


@pytest.mark.parametrize(
    ("vector", "times"),
    [
        (["0", "100", "300", "100"], (100, 300, 100, 100)),
        (["0", "100", "100", "100"], ()),
        (["0", "100", "300"], ()),
        (["0", "100", "-3", "100"], ()),
    ],
)
def test_frames_of_uneven_times_keep_them(tmp_path: Path, vector: list, times: tuple) -> None:
    stack = film(
        tmp_path, np.zeros((4, 6, 5), np.uint8), Modality="XA", NumberOfFrames=4,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.12.1", FrameTimeVector=vector, PixelSpacing=None,
    )  # fmt: skip
    assert stack.frame_ms == times


@pytest.mark.parametrize(
    ("elements", "seconds"),
    [
        ({"FrameReferenceTime": "2500"}, 2.5),
        ({"TriggerTime": "41.5", "AcquisitionTime": "100000"}, 0.0415),
        ({"AcquisitionTime": "100130.5"}, 36090.5),
        ({"AcquisitionDateTime": "20260131100130.250+0100"}, 36090.25),
        ({"ContentTime": "010000"}, 3600.0),
        ({}, None),
    ],
)
def test_a_stack_knows_when_it_was_taken(
    tmp_path: Path, elements: dict, seconds: float | None
) -> None:
    save(slice_of(0, **elements), tmp_path / "a.dcm")
    (stack,) = scan([tmp_path]).patients[0].studies[0].series[0].stacks
    assert stack.seconds == seconds
