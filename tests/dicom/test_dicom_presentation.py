"""Presentation states: what they say of pictures, in pixels, whatever units they were drawn in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_read_cases import save
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medview.core.errors import UnreadableInstance
from medview.core.presentation import PresentationState
from medview.core.study import FrameRef
from medview.dicom.objects.pr import read_presentation

GSPS = "1.2.840.10008.5.1.4.1.1.11.1"


def item(**elements: object) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def images(*uids: str, frames: list[int] | None = None) -> Sequence:
    found = [item(ReferencedSOPClassUID="1.2", ReferencedSOPInstanceUID=uid) for uid in uids]
    if frames is not None:
        found[0].ReferencedFrameNumber = frames
    return Sequence(found)


def area(left: int, top: int, right: int, bottom: int) -> Sequence:
    return Sequence([item(DisplayedAreaTopLeftHandCorner=[left, top],
                          DisplayedAreaBottomRightHandCorner=[right, bottom])])  # fmt: skip


def state(folder: Path, *drawn: Dataset, **elements: object) -> PresentationState:
    made = item(
        SOPClassUID=GSPS, SOPInstanceUID="2.25.5", Modality="PR", ContentLabel="READ",
        ReferencedSeriesSequence=Sequence([item(ReferencedImageSequence=images("1.2.3", "1.2.4"))]),
    )  # fmt: skip
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    if drawn:
        made.GraphicAnnotationSequence = Sequence([item(GraphicObjectSequence=Sequence(drawn))])
    return read_presentation(str(save(made, folder / "pr.dcm")))


def graphic(kind: str, data: list[float], units: str = "PIXEL") -> Dataset:
    return item(GraphicAnnotationUnits=units, GraphicType=kind, GraphicData=data,
                GraphicDimensions=2, NumberOfGraphicPoints=len(data) // 2)  # fmt: skip


def test_the_real_state_has_a_window_a_square_and_words(imaging_data: Path) -> None:
    found = read_presentation(str(imaging_data / "ko-pr" / "made-gsps-window-graphics.dcm"))
    frame = FrameRef(path="x", sop_instance_uid="1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322")
    assert found.is_for(frame)
    assert not found.is_for(FrameRef(path="x", sop_instance_uid="1.9"))
    window = found.window_for(frame)
    assert window is not None
    assert window.window == (40.0, 400.0, "")
    (square,) = found.graphics
    assert square.kind == "POLYLINE"
    # 20 from the corner of the first pixel is 19.5 from its centre
    assert square.places[:2] == ((19.5, 19.5), (19.5, 99.5))
    (words,) = found.texts
    assert (words.text, words.place, words.anchor) == ("SQUARE 20-100", (59.5, 59.5), (59.5, 59.5))
    area_shown = found.area_for(frame)
    assert area_shown is not None
    assert area_shown.rows == (0.0, 127.0)


@pytest.mark.parametrize(
    ("turn", "wanted"),
    [
        ({}, (24.5, 49.5)),
        ({"ImageRotation": 90}, (49.5, 24.5)),
        ({"ImageRotation": 180}, (74.5, 49.5)),
        ({"ImageRotation": 270}, (49.5, 74.5)),
        ({"ImageHorizontalFlip": "Y"}, (24.5, 49.5)),
    ],
)
def test_display_units_are_of_what_is_displayed_after_turning(
    tmp_path: Path, turn: dict, wanted: tuple[float, float]
) -> None:
    point = graphic("POINT", [0.5, 0.25], "DISPLAY")
    found = state(tmp_path, point, DisplayedAreaSelectionSequence=area(1, 1, 100, 100), **turn)
    # The same place by turning the pixels themselves: the marked pixel of the turned picture.
    picture = np.arange(100 * 100).reshape(100, 100)
    shown = np.rot90(picture, -turn.get("ImageRotation", 0) // 90)
    if "ImageHorizontalFlip" in turn:
        shown = shown[:, ::-1]
    row, column = found.graphics[0].places[0]
    around = {picture[int(row + dr), int(column + dc)] for dr in (0, 1) for dc in (0, 1)}
    assert around == {shown[24, 49], shown[24, 50], shown[25, 49], shown[25, 50]}
    assert (row, column) == wanted


def test_display_units_without_a_displayed_area_are_not_guessed(tmp_path: Path) -> None:
    assert state(tmp_path, graphic("POINT", [0.5, 0.25], "DISPLAY")).graphics == ()


def test_windows_of_single_images_and_frames_go_to_those_alone(tmp_path: Path) -> None:
    windows = Sequence([
        item(ReferencedImageSequence=images("1.2.3", frames=[2]), WindowCenter="50",
             WindowWidth="350"),
        item(ReferencedImageSequence=images("1.2.4"), WindowCenter="0.5", WindowWidth="0.2",
             VOILUTFunction="LINEAR_EXACT"),
    ])  # fmt: skip
    found = state(tmp_path, SoftcopyVOILUTSequence=windows)
    second = found.window_for(FrameRef(path="x", frame=1, sop_instance_uid="1.2.3"))
    assert second is not None
    assert second.window == (50.0, 350.0, "")
    assert found.window_for(FrameRef(path="x", frame=0, sop_instance_uid="1.2.3")) is None
    exact = found.window_for(FrameRef(path="x", sop_instance_uid="1.2.4"))
    assert exact is not None
    assert (exact.window, exact.function) == ((0.5, 0.2, ""), "LINEAR_EXACT")


def test_a_voi_lut_a_shutter_and_the_polarity_are_read(tmp_path: Path) -> None:
    lut = item(LUTDescriptor=[4, 10, 12], LUTData=[0, 100, 2000, 4095], LUTExplanation="soft")
    lut["LUTData"].VR = lut["LUTDescriptor"].VR = "US"
    found = state(
        tmp_path, SoftcopyVOILUTSequence=Sequence([item(VOILUTSequence=Sequence([lut]))]),
        PresentationLUTShape="INVERSE", ShutterShape="CIRCULAR", CenterOfCircularShutter=[51, 41],
        RadiusOfCircularShutter=30,
    )  # fmt: skip
    table = found.windows[0].table
    assert table is not None
    assert (table.first, table.entries.tolist(), table.bits) == (10.0, [0, 100, 2000, 4095], 12)
    assert found.is_inverted
    assert found.shutter is not None
    assert found.shutter.circle == (50.0, 40.0, 30.0)


@pytest.mark.parametrize(
    "broken",
    [
        graphic("STAR", [1, 1, 2, 2]),
        graphic("CIRCLE", [5, 5]),
        graphic("POLYLINE", [float("nan"), 1, 2, 2]),
        graphic("POLYLINE", []),
    ],
)
def test_what_cannot_be_drawn_is_left_out_and_the_rest_stays(
    tmp_path: Path, broken: Dataset
) -> None:
    found = state(tmp_path, broken, graphic("POLYLINE", [1, 1, 2, 2]))
    assert [each.kind for each in found.graphics] == ["POLYLINE"]


def test_an_impossible_window_is_left_out(tmp_path: Path) -> None:
    windows = Sequence([item(WindowCenter=["40", "50"], WindowWidth=["0", "300"])])
    found = state(tmp_path, SoftcopyVOILUTSequence=windows)
    assert [each.window for each in found.windows] == [(50.0, 300.0, "")]


def test_other_files_are_refused_in_words(tmp_path: Path, imaging_data: Path) -> None:
    (tmp_path / "a.txt").write_text("nothing")
    for path in (tmp_path / "a.txt", tmp_path / "none", imaging_data / "ct" / "ct-small.dcm"):
        with pytest.raises(UnreadableInstance, match="presentation state"):
            read_presentation(str(path))
