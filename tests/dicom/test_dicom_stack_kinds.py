"""Mosaics, nuclear medicine, ultrasound, diffusion, slides: each kind becomes the right stacks."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_read_cases import save, save_series, slice_of
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medview.core.geometry import PatientPoint, VoxelIndex
from medview.core.study import Stack
from medview.dicom import load_volume, read_frame, scan
from medview.imaging.planes import planes_of

NM = "1.2.840.10008.5.1.4.1.1.20"
US = "1.2.840.10008.5.1.4.1.1.6.1"


def stacks(*paths: Path) -> list[Stack]:
    (patient,) = scan(list(paths)).patients
    return [s for study in patient.studies for series in study.series for s in series.stacks]


def csa(normal: tuple[float, float, float], count: int) -> bytes:
    """A CSA2 header with the two tags that a mosaic needs."""
    tags = {"NumberOfImagesInMosaic": [count], "SliceNormalVector": list(normal)}
    raw = b"SV10\4\3\2\1" + struct.pack("<II", len(tags), 77)
    for name, values in tags.items():
        raw += name.encode().ljust(64, b"\0") + struct.pack("<i4siii", 3, b"FD\0\0", 4, 6, 77)
        for value in [*values, *[None] * (6 - len(values))]:
            text = b"" if value is None else f"{value:.8f}".encode() + b"\0"
            raw += struct.pack("<4i", len(text), len(text), 77, len(text))
            raw += text.ljust(-(-len(text) // 4) * 4, b"\0")
    return raw


def mosaic(path: Path, normal: tuple[float, float, float] | None, number: int = 1) -> Path:
    """Five tiles of 4 x 6 in a picture of 12 x 18, tile n full of 10 n + its row; oblique."""
    big = np.zeros((12, 18), np.int16)
    for n in range(5):
        row, column = n // 3 * 4, n % 3 * 6
        big[row : row + 4, column : column + 6] = 10 * n + np.arange(4)[:, None]
    turn = float(np.cos(0.3)), float(np.sin(0.3))
    made = slice_of(
        1, big, SOPClassUID="1.2.840.10008.5.1.4.1.1.4", Modality="MR", InstanceNumber=number,
        ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"], PixelSpacing=[2.0, 1.5],
        ImageOrientationPatient=[1, 0, 0, 0, turn[0], turn[1]], SpacingBetweenSlices=3.5,
        ImagePositionPatient=[-50, -40, 20], AcquisitionNumber=number,
    )  # fmt: skip
    made.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 5)
    if normal is not None:
        block = made.private_block(0x29, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x10, "OB", csa(normal, 5))
    return save(made, path)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_mosaic_is_cut_into_slices_at_their_places(tmp_path: Path, sign: int) -> None:
    normal = np.array([0.0, -np.sin(0.3), np.cos(0.3)])
    told = tuple(float(v) for v in sign * normal)
    (stack,) = stacks(mosaic(tmp_path / "m.dcm", told))  # type: ignore[arg-type]
    assert (stack.verdict, stack.geometry.shape, stack.badges) == (
        "regular",
        (5, 4, 6),
        ("MOSAIC",),
    )
    # The first tile's voxel: half of what the big picture is larger, in the plane.
    down = np.array([0, np.cos(0.3), np.sin(0.3)])
    first = np.array([-50, -40, 20]) + np.array([1.5 * 6, 0, 0]) + down * 2.0 * 4
    volume = load_volume(stack)
    for n in range(5):
        place = PatientPoint(*(first + sign * 3.5 * n * normal))
        index = stack.geometry.to_index(place)
        assert (index.j, index.i) == pytest.approx((0, 0), abs=1e-6)
        assert index.k == pytest.approx(round(index.k), abs=1e-6)
        assert (volume.stored[round(index.k), :, 0] == 10 * n + np.arange(4)).all()


def test_a_mosaic_without_its_makers_header_stays_one_picture(tmp_path: Path) -> None:
    (stack,) = stacks(mosaic(tmp_path / "m.dcm", None))
    assert (stack.verdict, stack.geometry.shape) == ("not-spatial", (1, 12, 18))
    assert "mosaic" in stack.notes[0].english()


def test_mosaics_of_a_series_are_its_times(tmp_path: Path) -> None:
    normal = (0.0, -float(np.sin(0.3)), float(np.cos(0.3)))
    for number in (2, 1):
        mosaic(tmp_path / f"{number}.dcm", normal, number)
    found = stacks(tmp_path)
    assert [len(stack.frames) for stack in found] == [5, 5]
    assert [str(stack.label) for stack in found] == ["acquisition 1", "acquisition 2"]
    assert read_frame(found[1], 3).stored[0, 0, 0] == 30


def test_a_cut_makers_header_is_no_harm(tmp_path: Path) -> None:
    path = mosaic(tmp_path / "m.dcm", (0.0, 0.0, 1.0))
    made = pydicom.dcmread(path)
    whole = csa((0, 0, 1), 5)
    for length in range(0, len(whole), 37):
        made[0x0029, 0x1010].value = whole[:length]
        made.save_as(path)
        assert len(stacks(path)) == 1


def test_the_real_mosaic_is_two_volumes_of_a_sphere(imaging_data: Path) -> None:
    found = stacks(imaging_data / "mr" / "mosaic-siemens")
    assert [stack.geometry.shape for stack in found] == [(5, 72, 72)] * 2
    for stack in found:
        assert stack.geometry.spacing == pytest.approx((3.0, 3.0, 12.0))
        # SlicePosition_PCS of the first slice is the header's: -324 + 3 * (216 - 72) / 2.
        assert stack.geometry.to_patient(VoxelIndex(0, 0, 0)) == pytest.approx((-108, -108, 16))
        bright = load_volume(stack).values(slice(None)) > 300
        area = bright.sum(axis=(1, 2))
        # A sphere: the area of its slices is a parabola of their places.
        rest = area - np.polyval(np.polyfit(range(5), area, 2), range(5))
        assert np.abs(rest).max() < 0.05 * area.max()
        assert np.polyfit(range(5), area, 2)[0] < 0


def nuclear(path: Path, frames: int, kind: str, detector: dict[str, Any], **more: Any) -> Path:
    pixels = np.arange(frames, dtype=np.int16)[:, None, None] + np.zeros((4, 5), np.int16)
    made = slice_of(
        0, pixels, SOPClassUID=NM, Modality="NM",
        ImageType=["ORIGINAL", "PRIMARY", kind, "EMISSION"],
        NumberOfFrames=frames, ImagePositionPatient=None, ImageOrientationPatient=None, **more,
    )  # fmt: skip
    item = Dataset()
    for keyword, value in detector.items():
        setattr(item, keyword, value)
    made.DetectorInformationSequence = Sequence([item])
    return save(made, path)


PLACE = {"ImagePositionPatient": [-10, -20, 30], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


@pytest.mark.parametrize("step", [4.0, -4.0])
def test_a_reconstructed_tomogram_is_a_volume(tmp_path: Path, step: float) -> None:
    path = nuclear(tmp_path / "n.dcm", 6, "RECON TOMO", PLACE, SpacingBetweenSlices=step,
                   SliceVector=[1, 2, 3, 4, 5, 6])  # fmt: skip
    (stack,) = stacks(path)
    assert (stack.verdict, stack.geometry.spacing) == ("regular", (0.5, 0.8, 4.0))
    volume = load_volume(stack)
    for n in range(6):
        index = stack.geometry.to_index(PatientPoint(-10, -20, 30 + step * n))
        assert volume.stored[round(index.k), 0, 0] == n


def test_gated_slices_are_one_volume_a_time_slot(tmp_path: Path) -> None:
    path = nuclear(tmp_path / "n.dcm", 6, "RECON GATED TOMO", PLACE, SpacingBetweenSlices=4.0,
                   SliceVector=[1, 2, 3, 1, 2, 3], TimeSlotVector=[1, 1, 1, 2, 2, 2])  # fmt: skip
    found = stacks(path)
    assert [stack.geometry.shape[0] for stack in found] == [3, 3]
    assert [load_volume(stack).stored[0, 0, 0] for stack in found] == [0, 3]


def test_views_of_two_detectors_and_energy_windows_are_stacks_of_their_own(tmp_path: Path) -> None:
    path = nuclear(tmp_path / "n.dcm", 8, "TOMO", PLACE, SpacingBetweenSlices=4.0,
                   DetectorVector=[1, 1, 1, 1, 2, 2, 2, 2],
                   EnergyWindowVector=[1, 1, 2, 2, 1, 1, 2, 2],
                   AngularViewVector=[1, 2, 1, 2, 1, 2, 1, 2])  # fmt: skip
    found = stacks(path)
    assert [stack.verdict for stack in found] == ["not-spatial"] * 4
    assert [load_volume(stack).stored[:, 0, 0].tolist() for stack in found] == [
        [0, 1], [2, 3], [4, 5], [6, 7],
    ]  # fmt: skip


def test_slices_of_two_energy_windows_are_volumes_of_their_own_in_any_order(
    tmp_path: Path,
) -> None:
    path = nuclear(tmp_path / "n.dcm", 6, "RECON TOMO", PLACE, SpacingBetweenSlices=4.0,
                   SliceVector=[1, 1, 2, 2, 3, 3],
                   EnergyWindowVector=[1, 2, 2, 1, 1, 2])  # fmt: skip
    found = stacks(path)
    assert [load_volume(stack).stored[:, 0, 0].tolist() for stack in found] == [
        [0, 3, 4], [1, 2, 5],
    ]  # fmt: skip
    assert [stack.notes for stack in found] == [(), ()]


def test_two_tomograms_of_a_series_have_each_its_own_directions(tmp_path: Path) -> None:
    other = {**PLACE, "ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}
    for name, detector in (("a", PLACE), ("b", other)):
        nuclear(tmp_path / name, 3, "RECON TOMO", detector, SpacingBetweenSlices=4.0,
                SliceVector=[1, 2, 3])  # fmt: skip
    found = stacks(tmp_path)
    assert [stack.verdict for stack in found] == ["regular"] * 2
    assert [stack.geometry.axes[0] for stack in found] == [(1, 0, 0), (0, 1, 0)]


def region(**elements: Any) -> Dataset:
    given = {
        "RegionSpatialFormat": 1, "RegionDataType": 1, "RegionFlags": 0,
        "RegionLocationMinX0": 0, "RegionLocationMinY0": 0, "RegionLocationMaxX1": 9,
        "RegionLocationMaxY1": 9, "PhysicalUnitsXDirection": 3, "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.02, "PhysicalDeltaY": 0.03,
    } | elements  # fmt: skip
    made = Dataset()
    for keyword, value in given.items():
        setattr(made, keyword, value)
    return made


def ultrasound(path: Path, *regions: Dataset) -> Stack:
    made = slice_of(
        0, np.zeros((20, 30), np.uint8), SOPClassUID=US, Modality="US", PixelSpacing=None,
        ImagePositionPatient=None, ImageOrientationPatient=None,
    )  # fmt: skip
    made.SequenceOfUltrasoundRegions = Sequence(regions)
    (stack,) = stacks(save(made, path))
    return stack


def test_an_ultrasound_region_tells_what_a_pixel_is(tmp_path: Path) -> None:
    stack = ultrasound(tmp_path / "u.dcm", region(PhysicalDeltaX=-0.02))
    assert stack.calibration == "US"
    assert stack.geometry.spacing[:2] == pytest.approx((0.2, 0.3))
    assert stack.regions[0].holds(9, 9)
    assert not stack.regions[0].holds(10, 5)


@pytest.mark.parametrize(
    "odd",
    [
        {"RegionDataType": 3, "PhysicalUnitsXDirection": 4, "PhysicalUnitsYDirection": 7},
        {"PhysicalUnitsXDirection": 4},
        {"RegionSpatialFormat": 2},
        {"RegionLocationMaxX1": 59},
        {"PhysicalDeltaY": 5.0},
        {"PhysicalDeltaX": 0.0},
    ],
)
def test_other_regions_give_no_millimetres(tmp_path: Path, odd: dict[str, Any]) -> None:
    stack = ultrasound(tmp_path / "u.dcm", region(**odd))
    assert (stack.calibration, stack.regions) == ("none", ())
    assert "lengths are in pixels" in stack.notes[0].english()


def test_a_real_echocardiogram_of_15_cm_depth_is_calibrated(imaging_data: Path) -> None:
    (stack,) = stacks(imaging_data / "us" / "no-pixel-spacing.dcm")
    (region,) = stack.regions
    assert stack.calibration == "US"
    # The picture itself says 15.0 cm.
    assert (region.rows[1] - region.rows[0]) * region.spacing[0] == pytest.approx(150, abs=2)


def test_b_values_part_a_series_whose_private_creators_were_stripped(imaging_data: Path) -> None:
    found = stacks(imaging_data / "mr" / "ge-dti-4x2")
    assert [(stack.split_by, str(stack.label)) for stack in found] == [
        ("DiffusionBValue", "b 0"), ("DiffusionBValue", "b 1000"),
    ]  # fmt: skip


def test_volumes_that_only_their_order_tells_apart_say_so(imaging_data: Path) -> None:
    found = stacks(imaging_data / "mr" / "ge-fmri-4x2")
    assert [str(stack.label) for stack in found] == ["volume 1", "volume 2"]
    assert all("Only the order" in stack.notes[0].english() for stack in found)


def test_a_tiled_slide_is_frames_with_a_sentence(imaging_data: Path) -> None:
    (stack,) = stacks(imaging_data / "wsi" / "sm-rgb.dcm")
    assert (stack.verdict, len(stack.frames)) == ("not-spatial", 25)
    assert any("50 x 50 pixels: its 25 tiles" in note.english() for note in stack.notes)


def phantom(places: list[np.ndarray]) -> Any:
    """An upright post with an arm to the patient's left at its head end, and nothing else."""

    def pixels(k: int) -> bytes:
        j, i = np.mgrid[:40, :36]
        x, y, z = places[k][0] + i * 1.0, places[k][1] + j * 1.0, places[k][2]
        inside_post = (abs(x) <= 3) & (abs(y) <= 3)
        arm = (x >= 0) & (x <= 10) & (abs(y) <= 3) & (z >= 24)
        return np.where(inside_post | arm, 1000, 0).astype(np.int16).tobytes()

    return pixels


@pytest.mark.parametrize("slant", [0.35, -0.35])
@pytest.mark.parametrize("is_even", [True, False])
def test_a_tilted_phantom_stands_upright_in_coronal_and_sagittal(
    tmp_path: Path, slant: float, is_even: bool
) -> None:
    along = (
        np.arange(0, 36, 2.0) if is_even else np.array([0, 2, 4, 5, 6, 10, 14, 18, 22, 26, 30, 34])
    )
    places = [np.array([-18.0, -20.0 + slant * (z - 17), float(z)]) for z in along]
    save_series(
        tmp_path, count=len(along), ImagePositionPatient=lambda k: [float(v) for v in places[k]],
        PixelData=phantom(places), Rows=40, Columns=36, RescaleIntercept=0, PixelSpacing=[1, 1],
    )  # fmt: skip
    (stack,) = stacks(tmp_path)
    assert stack.verdict == ("tilted" if is_even else "non-uniform")
    assert "TILT" in stack.badges
    volume = load_volume(stack)
    for name in ("coronal", "sagittal"):
        plane = planes_of(volume.geometry)[name]
        # A tilted coronal plane runs along the slant: follow the post slice by slice.
        for z in (3.0, 17.0, 33.0):
            index, row, column = plane.to_pixel(PatientPoint(0.0, 0.0, z))
            at = plane.values(volume, round(index))[round(row), round(column)]
            assert at == 1000, (name, z)
            for away in ((-6.0, 0.0), (0.0, 6.0), (0.0, -6.0)):
                place = PatientPoint(*away, z)
                index, row, column = (round(v) for v in plane.to_pixel(place))
                assert plane.values(volume, index)[row, column] == 0, (name, z, away)
        index, row, column = (round(v) for v in plane.to_pixel(PatientPoint(8.0, 0.0, 30.0)))
        assert plane.values(volume, index)[row, column] == 1000
        index, row, column = (round(v) for v in plane.to_pixel(PatientPoint(8.0, 0.0, 10.0)))
        assert plane.values(volume, index)[row, column] == 0


@pytest.mark.parametrize("slant", [0.0, 0.35, -0.35])
def test_a_converted_phantom_is_the_same_patient_in_simpleitk(tmp_path: Path, slant: float) -> None:
    from medview.cli.main import main

    along = [0, 2, 4, 6, 10, 14, 18, 22, 26, 30, 34]
    places = [np.array([-18.0, -20.0 + slant * (z - 17), float(z)]) for z in along]
    save_series(
        tmp_path / "in", count=len(along),
        ImagePositionPatient=lambda k: [float(v) for v in places[k]],
        PixelData=phantom(places), Rows=40, Columns=36, RescaleIntercept=0, PixelSpacing=[1, 1],
        SliceThickness=4,
    )  # fmt: skip
    out = tmp_path / "out.nii.gz"
    assert main(["convert", str(tmp_path / "in"), "--out", str(out), "--quiet"]) == 0
    image = pytest.importorskip("SimpleITK").ReadImage(str(out))
    for point, want in (
        ((0.0, 0.0, 18.0), 1000), ((0.0, 0.0, 30.0), 1000), ((8.0, 0.0, 30.0), 1000),
        ((8.0, 0.0, 10.0), 0), ((-8.0, 0.0, 30.0), 0), ((0.0, 8.0, 18.0), 0),
        ((0.0, -8.0, 18.0), 0),
    ):  # fmt: skip
        index = image.TransformPhysicalPointToIndex(point)
        assert image[index] == pytest.approx(want, abs=1), point


def test_two_frames_of_reference_in_one_even_row_are_one_stack(tmp_path: Path) -> None:
    save_series(tmp_path, count=6, FrameOfReferenceUID=lambda k: f"1.2.{k // 3}")
    (stack,) = stacks(tmp_path)
    assert (stack.verdict, len(stack.frames)) == ("regular", 6)
    assert "2 frames of reference" in stack.notes[0].english()


def test_two_frames_of_reference_over_each_other_are_two_stacks(tmp_path: Path) -> None:
    save_series(
        tmp_path, count=6, FrameOfReferenceUID=lambda k: f"1.2.{k // 3}",
        ImagePositionPatient=lambda k: [-10, -20, 2.0 * (k % 3)],
    )  # fmt: skip
    assert [stack.split_by for stack in stacks(tmp_path)] == ["FrameOfReferenceUID"] * 2


def test_a_double_slice_is_named_by_its_place_and_images(tmp_path: Path) -> None:
    save_series(tmp_path, count=5, ImagePositionPatient=lambda k: [-10, -20, 2.0 * min(k, 3)])
    found = stacks(tmp_path)
    assert sorted(len(stack.frames) for stack in found) == [1, 4]
    said = [note.english() for note in found[0].notes]
    assert "More than one image lies at z 6.0 mm: 4 + 5." in said


def test_a_united_imaging_mosaic_is_cut_by_its_frame_sequence(imaging_data: Path) -> None:
    path = imaging_data / "mr" / "uih-diffusion.dcm"
    header = pydicom.dcmread(path)
    (stack,) = stacks(path)
    assert (stack.verdict, stack.geometry.shape, stack.badges) == (
        "regular",
        (20, 64, 64),
        ("MOSAIC",),
    )
    volume, places = load_volume(stack), header[0x0065, 0x1051].value
    for n, item in enumerate(places):
        index = stack.geometry.to_index(PatientPoint(*map(float, item.ImagePositionPatient)))
        assert (index.j, index.i) == pytest.approx((0, 0), abs=0.05)
        row, column = n // 5 * 64, n % 5 * 64
        tile = header.pixel_array[row : row + 64, column : column + 64]
        assert (volume.stored[round(index.k)] == tile).all()


@pytest.mark.parametrize("wrong", ["none", "count", "place"])
def test_a_united_imaging_mosaic_without_its_places_stays_one_picture(
    imaging_data: Path, tmp_path: Path, wrong: str
) -> None:
    made = pydicom.dcmread(imaging_data / "mr" / "uih-diffusion.dcm")
    if wrong == "none":
        made.remove_private_tags()
    elif wrong == "count":
        made[0x0065, 0x1050].value = "19"
    else:
        del made[0x0065, 0x1051].value[3].ImagePositionPatient
    made.save_as(tmp_path / "m.dcm")
    (stack,) = stacks(tmp_path)
    assert (stack.verdict, stack.geometry.shape) == ("not-spatial", (1, 256, 320))
    assert "United Imaging mosaic" in stack.notes[0].english()


def test_a_doppler_spectrum_gives_times_and_velocities(tmp_path: Path) -> None:
    spectrum = region(
        RegionSpatialFormat=3, RegionDataType=3, PhysicalUnitsXDirection=4,
        PhysicalUnitsYDirection=7, PhysicalDeltaX=0.01, PhysicalDeltaY=-2.5,
        ReferencePixelX0=0, ReferencePixelY0=6,
    )  # fmt: skip

    stack = ultrasound(tmp_path / "u.dcm", spectrum)

    (found,) = stack.regions
    assert stack.calibration == "US"
    assert (found.units, found.spacing) == (("cm/s", "s"), (2.5, 0.01))
    assert found.zero_row == found.rows[0] + 6
    assert found.signed_down == -2.5
    assert stack.geometry.spacing[:2] == (1.0, 1.0)  # nothing there is a length


def test_an_m_mode_picture_gives_depth_and_time(tmp_path: Path) -> None:
    stack = ultrasound(tmp_path / "u.dcm", region(RegionSpatialFormat=2, PhysicalUnitsXDirection=4))

    (found,) = stack.regions
    assert found.units == ("mm", "s")
    assert not found.is_length


def test_pictures_of_one_series_with_other_regions_are_stacks_of_their_own(tmp_path: Path) -> None:
    for number, delta in enumerate((0.02, 0.02, 0.05)):
        made = slice_of(
            number, np.zeros((20, 30), np.uint8), SOPClassUID=US, Modality="US", PixelSpacing=None,
            ImagePositionPatient=None, ImageOrientationPatient=None,
        )  # fmt: skip
        made.SequenceOfUltrasoundRegions = Sequence([region(PhysicalDeltaY=delta)])
        save(made, tmp_path / f"{number}.dcm")

    found = stacks(tmp_path)

    assert sorted((len(s.frames), s.regions[0].spacing[0]) for s in found) == [(1, 0.5), (2, 0.2)]


def test_phases_told_apart_by_their_times_are_named_as_a_clock_shows_them(tmp_path: Path) -> None:
    save_series(
        tmp_path, 6, ImagePositionPatient=lambda k: [0, 0, 2 * (k % 3)],
        AcquisitionTime=lambda k: f"0930{20 * (k // 3) + 5:02d}.50",
    )  # fmt: skip
    found = scan([tmp_path]).patients[0].studies[0].series[0].stacks

    assert [str(stack.label) for stack in found] == ["acquired 09:30:05.5", "acquired 09:30:25.5"]
