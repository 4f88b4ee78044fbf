"""SUV against cases worked by hand, one for each of the vendors' rules; else no number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_read_cases import save, slice_of
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medview.core.study import Stack
from medview.dicom import load_volume, scan

PET = "1.2.840.10008.5.1.4.1.1.128"
HALF_LIFE = 6586.2
# 70 kg, 350 MBq at 10:00, scan at 11:00: 2^(-3600/6586.2) = 0.684665...
LEFT = 2 ** (-3600 / HALF_LIFE)
WEIGHT, DOSE = 70.0, 350e6


def drug(**elements: object) -> Sequence:
    item = Dataset()
    item.RadiopharmaceuticalStartTime = "100000.00"
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = str(DOSE), str(HALF_LIFE)
    return Sequence([changed(item, elements)])


def changed(made: Dataset, elements: dict[str, object]) -> Dataset:
    for keyword, value in elements.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


def pet(folder: Path, private: tuple[tuple[int, str, int, str, object], ...] = (),
        **elements: object) -> Stack:  # fmt: skip
    """Two slices of stored values 11 and 21, slope 2; the stack that they make."""
    given: dict[str, object] = {
        "SOPClassUID": PET, "Modality": "PT", "ImageType": ["ORIGINAL", "PRIMARY"],
        "RescaleIntercept": 0, "RescaleSlope": 2, "Units": "BQML", "DecayCorrection": "START",
        "CorrectedImage": ["NORM", "ATTN", "DECY"], "SeriesDate": "20260131",
        "SeriesTime": "110000", "AcquisitionDate": "20260131", "AcquisitionTime": "110000.00",
        "PatientWeight": "70", "PatientSize": "1.75", "PatientSex": "M",
        "RadiopharmaceuticalInformationSequence": drug(),
    } | elements  # fmt: skip
    for k in (1, 2):
        values = {name: v(k) if callable(v) else v for name, v in given.items()}
        made = slice_of(k, **{n: v for n, v in values.items() if v is not None})
        for group, creator, element, vr, value in private:
            made.private_block(group, creator, create=True).add_new(element, vr, value)
        save(made, folder / f"{k}.dcm")
    (stack,) = scan([folder]).patients[0].studies[0].series[0].stacks
    return stack


BW = WEIGHT * 1000 / DOSE


@pytest.mark.parametrize(
    ("elements", "factor"),
    [
        ({}, BW / LEFT),
        ({"DecayCorrection": "ADMIN"}, BW),
        ({"Units": "GML"}, 1.0),
        ({"Units": "GML", "SUVType": "BW"}, 1.0),
        # The series' time lies after its images (processed later): the earliest image counts.
        ({"SeriesTime": "130000"}, BW / LEFT),
        ({"SeriesTime": "130000",
          "AcquisitionTime": lambda k: "110000" if k == 1 else "110500"}, BW / LEFT),
        # The series' time before the first image is the scan's, whatever each bed's is.
        ({"AcquisitionTime": lambda k: f"11{k:02d}00"}, BW / LEFT),
        # Start DateTime wins over Start Time.
        ({"RadiopharmaceuticalInformationSequence": drug(
            RadiopharmaceuticalStartTime="030000",
            RadiopharmaceuticalStartDateTime="20260131100000.00+0100")}, BW / LEFT),
        # Injected before midnight, scanned after it: the time alone is of the day before.
        ({"SeriesTime": "003000", "AcquisitionTime": "003000",
          "RadiopharmaceuticalInformationSequence": drug(RadiopharmaceuticalStartTime="233000")},
         BW / LEFT),
    ],
)  # fmt: skip
def test_suvbw_is_what_the_hand_works_out(
    tmp_path: Path, elements: dict[str, object], factor: float
) -> None:
    stack = pet(tmp_path, **elements)
    assert stack.unit == "SUVbw"
    assert stack.factor == pytest.approx(factor, rel=1e-9)
    assert load_volume(stack).value_at(0, 0, 0) == pytest.approx(11 * 2 * factor)


def test_one_case_in_plain_figures(tmp_path: Path) -> None:
    # 22 Bq/mL; 350 MBq leave 239.63 MBq after an hour: 22 * 70000 / 239.63e6 = 0.0064266.
    stack = pet(tmp_path)
    assert load_volume(stack).value_at(0, 0, 0) == pytest.approx(0.0064266, rel=1e-4)
    assert stack.values_said is not None
    assert stack.values_said.english() == ("SUVbw from 70 kg and 350.0 MBq, decayed over 60 min.")


def test_ge_keeps_the_scan_time_of_a_processed_series(tmp_path: Path) -> None:
    own = ((0x0009, "GEMS_PETD_01", 0x0D, "DT", "20260131110000.00"),)
    stack = pet(tmp_path, own, SeriesTime="150000", AcquisitionTime="120000")
    assert stack.factor == pytest.approx(BW / LEFT)


def test_philips_counts_by_its_suv_factor(tmp_path: Path) -> None:
    own = ((0x7053, "Philips PET Private Group", 0x00, "DS", "0.00054"),
           (0x7053, "Philips PET Private Group", 0x09, "DS", "3.5"))  # fmt: skip
    stack = pet(tmp_path, own, Units="CNTS")
    assert stack.factor == pytest.approx(0.00054)
    assert load_volume(stack).value_at(1, 0, 0) == pytest.approx(21 * 2 * 0.00054)


def test_philips_counts_by_activity_where_the_suv_factor_is_nought(tmp_path: Path) -> None:
    own = ((0x7053, "Philips PET Private Group", 0x00, "DS", "0"),
           (0x7053, "Philips PET Private Group", 0x09, "DS", "3.5"))  # fmt: skip
    assert pet(tmp_path, own, Units="CNTS").factor == pytest.approx(3.5 * BW / LEFT)


def test_lean_mass_and_surface_need_height_and_sex(tmp_path: Path) -> None:
    scales = {scale.unit: scale for scale in pet(tmp_path / "a").scales}
    # BMI 22.857: LBM = 9270 * 70 / (6680 + 216 * 22.857) = 55.854 kg; BSA = 1.8481 m2.
    assert scales["SUVlbm"].factor == pytest.approx(55.854 / 70, rel=1e-4)
    assert scales["SUVbsa"].factor == pytest.approx(1.8481 * 1e4 / 70000, rel=1e-4)
    assert scales["Bq/mL"].factor == pytest.approx(LEFT / BW)
    woman = {s.unit: s for s in pet(tmp_path / "b", PatientSex="F").scales}
    # 9270 * 70 / (8780 + 244 * 22.857) = 45.197 kg
    assert woman["SUVlbm"].factor == pytest.approx(45.197 / 70, rel=1e-4)
    assert "SUVlbm" not in {s.unit for s in pet(tmp_path / "c", PatientSex="O").scales}
    assert {s.unit for s in pet(tmp_path / "d", PatientSize=None).scales} == {"Bq/mL"}


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        ({"PatientWeight": None}, "weight is missing"),
        ({"PatientWeight": "0"}, "weight is missing"),
        ({"CorrectedImage": ["NORM", "DECY"]}, "not corrected for attenuation"),
        ({"CorrectedImage": ["NORM", "ATTN"]}, "not corrected for decay"),
        ({"DecayCorrection": "NONE"}, "decay correction is not given (NONE)"),
        ({"DecayCorrection": None}, "decay correction is not given"),
        ({"Units": "PROPCNTS"}, "values are in PROPCNTS"),
        ({"Units": "CNTS"}, "scale factors are missing"),
        ({"Units": "GML", "SUVType": "IBW"}, "IBW"),
        ({"RadiopharmaceuticalInformationSequence": None}, "dose is missing"),
        ({"RadiopharmaceuticalInformationSequence": drug(RadionuclideTotalDose="350")},
         "350 Bq cannot be"),
        ({"RadiopharmaceuticalInformationSequence": drug(RadionuclideTotalDose="350000")},
         "0.35 MBq for 70 kg cannot be"),
        ({"PatientWeight": "70000"}, "for 70000 kg cannot be"),
        ({"RadiopharmaceuticalInformationSequence": [*drug(), *drug()]}, "more than one radiophar"),
        ({"RadiopharmaceuticalInformationSequence": drug(RadionuclideHalfLife=None)},
         "half-life is missing"),
        ({"RadiopharmaceuticalInformationSequence": drug(RadiopharmaceuticalStartTime=None)},
         "time of the injection is missing"),
        ({"RadiopharmaceuticalInformationSequence": drug(
            RadiopharmaceuticalStartDateTime="20260201100000")}, "after the scan"),
        ({"SeriesTime": None, "AcquisitionTime": None}, "time of the scan is missing"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.128.1"}, "enhanced PET"),
    ],
)  # fmt: skip
def test_where_something_is_missing_there_is_a_sentence_and_no_number(
    tmp_path: Path, elements: dict[str, object], said: str
) -> None:
    stack = pet(tmp_path, **elements)
    assert not stack.unit.startswith("SUV")
    assert stack.factor == 1.0
    assert any(said in note.english() for note in stack.notes), stack.notes


def test_a_scan_many_half_lives_later_is_said(tmp_path: Path) -> None:
    item = drug(RadiopharmaceuticalStartDateTime="20260130100000")
    stack = pet(tmp_path, RadiopharmaceuticalInformationSequence=item)
    assert any("14 half-lives" in note.english() for note in stack.notes)


def test_the_scanners_own_lean_suv_keeps_its_name(tmp_path: Path) -> None:
    stack = pet(tmp_path, Units="GML", SUVType="LBMJANMA")
    assert (stack.unit, stack.factor) == ("SUVlbm", 1.0)


def test_windows_of_the_file_follow_the_unit(tmp_path: Path) -> None:
    stack = pet(tmp_path, WindowCenter="10000", WindowWidth="20000")
    ((centre, width, _),) = load_volume(stack).windows
    assert (centre, width) == pytest.approx((10000 * stack.factor, 20000 * stack.factor))


def test_a_real_whole_body_pet(imaging_data: Path) -> None:
    (series,) = scan([imaging_data / "petct" / "pet"]).patients[0].studies[0].series
    (stack,) = series.stacks
    # 71 kg, 388.777472 MBq at 10:35:00, scan at 11:20:11, half-life 6588 s.
    assert stack.unit == "SUVbw"
    assert stack.factor == pytest.approx(71000 / (388777472 * 2 ** (-2711 / 6588)))
    values = load_volume(stack).values(slice(None))
    assert 0.2 < float(np.median(values[values > 0.1])) < 2.0


def test_real_world_values_come_from_the_image_or_from_another_object(
    tmp_path: Path, imaging_data: Path
) -> None:
    (study,) = scan([imaging_data / "enhanced" / "ct-2frame-rle.dcm"]).patients[0].studies
    (scale,) = study.series[0].stacks[0].scales
    assert scale.unit == "ml/100ml/s"
    assert (scale.of(-1024.0), scale.of(3071.0)) == pytest.approx((-1024.0, 3071.0))
    assert scale.of(3072.0) is None

    unit, item, image = Dataset(), Dataset(), Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator = "mm2/s", "UCUM"
    unit.CodeMeaning = "square millimetres per second"
    item.RealWorldValueFirstValueMapped, item.RealWorldValueLastValueMapped = 0, 100
    item.RealWorldValueSlope, item.RealWorldValueIntercept = 1e-6, 0.5
    item.LUTLabel, item.LUTExplanation = "ADC", "diffusion"
    item.MeasurementUnitsCodeSequence = [unit]
    picture = slice_of(1, RescaleSlope=4, RescaleIntercept=-1000)
    image.ReferencedSOPClassUID = picture.SOPClassUID
    image.ReferencedSOPInstanceUID = picture.SOPInstanceUID
    group = Dataset()
    group.RealWorldValueMappingSequence, group.ReferencedImageSequence = [item], [image]
    made = slice_of(2, SOPClassUID="1.2.840.10008.5.1.4.1.1.67", Modality="RWV", PixelData=None)
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"):
        delattr(made, keyword)
    made.ReferencedImageRealWorldValueMappingSequence = [group]
    save(picture, tmp_path / "image.dcm")
    save(made, tmp_path / "map.dcm")
    (study,) = scan([tmp_path]).patients[0].studies
    (stack,) = study.series[0].stacks
    assert [made.kind for made in study.objects] == ["RWV"]
    value = load_volume(stack).value_at(0, 0, 0)
    assert value == 11 * 4 - 1000
    (scale,) = stack.scales
    assert (scale.unit, scale.of(value)) == ("mm2/s", pytest.approx(11e-6 + 0.5))


ENHANCED = "1.2.840.10008.5.1.4.1.1.130"
_RAMP = {"RealWorldValueSlope": 3.0, "RealWorldValueIntercept": 0.0}


def mapped(unit: str, first: int, last: int, **values: object) -> Dataset:
    """An item of the Real World Value Mapping Sequence."""
    code, item = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = unit, "UCUM", unit
    item.RealWorldValueFirstValueMapped, item.RealWorldValueLastValueMapped = first, last
    item.LUTLabel, item.LUTExplanation = "map", "map"
    item.MeasurementUnitsCodeSequence = [code]
    return changed(item, values)


def enhanced_pet(folder: Path, **elements: object) -> Stack:
    """One frame of stored value 11, 3 Bq/ml each; doses and corrections of the enhanced modules."""
    items = drug(RadiopharmaceuticalStartTime=None,
                 RadiopharmaceuticalStartDateTime="20260131100000")  # fmt: skip
    place, turn, measures, group = Dataset(), Dataset(), Dataset(), Dataset()
    place.ImagePositionPatient, turn.ImageOrientationPatient = [0, 0, 5], [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [2, 2], 2
    group.PlanePositionSequence, group.PlaneOrientationSequence = [place], [turn]
    group.PixelMeasuresSequence = [measures]
    ramp = elements.pop("ramp", [mapped("Bq/ml", 0, 100, **_RAMP)])
    group.RealWorldValueMappingSequence = ramp
    given: dict[str, object] = {
        "SOPClassUID": ENHANCED, "Modality": "PT", "NumberOfFrames": 1,
        "PixelSpacing": None, "ImagePositionPatient": None, "ImageOrientationPatient": None,
        "RescaleSlope": None, "RescaleIntercept": None, "AttenuationCorrected": "YES",
        "DecayCorrected": "YES", "DecayCorrectionDateTime": "20260131110000",
        "PatientWeight": "70", "PatientSize": "1.75", "PatientSex": "M",
        "PerFrameFunctionalGroupsSequence": [group],
        "RadiopharmaceuticalInformationSequence": items,
    } | elements  # fmt: skip
    save(slice_of(1, **given), folder / "enhanced.dcm")
    (stack,) = scan([folder]).patients[0].studies[0].series[0].stacks
    return stack


def test_enhanced_pet_has_suv_by_its_own_modules(tmp_path: Path) -> None:
    stack = enhanced_pet(tmp_path)
    assert stack.unit == "SUVbw"
    assert load_volume(stack).value_at(0, 0, 0) == pytest.approx(11 * 3 * BW / LEFT)
    scales = {scale.unit: scale for scale in stack.scales}
    assert scales["Bq/ml"].of(11 * 3 * BW / LEFT) == pytest.approx(33.0)
    assert "SUVlbm" in scales


@pytest.mark.parametrize(
    ("elements", "said"),
    [
        ({"AttenuationCorrected": "NO"}, "not corrected for attenuation"),
        ({"DecayCorrected": "NO"}, "not corrected for decay"),
        ({"DecayCorrectionDateTime": "2026"}, "moment of the decay correction is missing"),
        ({"ramp": [mapped("1", 0, 100, **_RAMP)]}, "no real-world value map"),
        ({"ramp": [mapped("Bq/ml", 0, 100, **_RAMP | {"RealWorldValueIntercept": 7.0})]},
         "no real-world value map"),
        ({"RadiopharmaceuticalInformationSequence": [*drug(), *drug()]}, "more than one"),
    ],
)  # fmt: skip
def test_enhanced_pet_without_its_data_says_so(
    tmp_path: Path, elements: dict[str, object], said: str
) -> None:
    stack = enhanced_pet(tmp_path, **elements)
    assert (stack.unit.startswith("SUV"), stack.factor) == (False, 1.0)
    assert any(said in note.english() for note in stack.notes), stack.notes


@pytest.mark.parametrize("slope", [2.0, -2.0])
def test_a_table_of_real_world_values_is_looked_up(tmp_path: Path, slope: float) -> None:
    table = mapped("ms", 10, 12, RealWorldValueLUTData=[5.0, 70.0, 900.0])
    for k in (0, 1):
        made = slice_of(k, RescaleSlope=slope, RescaleIntercept=1)
        made.RealWorldValueMappingSequence = [table]
        save(made, tmp_path / f"{k}.dcm")
    (stack,) = scan([tmp_path]).patients[0].studies[0].series[0].stacks
    (scale,) = stack.scales
    volume = load_volume(stack)
    assert scale.unit == "ms"
    assert [scale.of(slope * n + 1) for n in (9, 10, 11, 12, 13)] == [None, 5.0, 70.0, 900.0, None]
    assert scale.of(volume.value_at(1, 0, 0) or 0.0) == 70.0, "stored 11"


def test_a_table_of_another_length_than_it_says_is_no_scale(tmp_path: Path) -> None:
    made = slice_of(1)
    made.RealWorldValueMappingSequence = [mapped("ms", 0, 5, RealWorldValueLUTData=[1.0, 2.0])]
    save(made, tmp_path / "1.dcm")
    (stack,) = scan([tmp_path]).patients[0].studies[0].series[0].stacks
    assert stack.scales == ()


def test_maps_that_differ_between_images_are_named_and_the_common_ones_stay(tmp_path: Path) -> None:
    for k in (0, 1):
        made = slice_of(k)
        made.RealWorldValueMappingSequence = [
            mapped("ms", 0, 100, RealWorldValueSlope=2.0, RealWorldValueIntercept=0.0),
            mapped("mm2/s", 0, 100, RealWorldValueSlope=1.0 + k, RealWorldValueIntercept=0.0),
        ]
        save(made, tmp_path / f"{k}.dcm")
    (stack,) = scan([tmp_path]).patients[0].studies[0].series[0].stacks
    assert [scale.unit for scale in stack.scales] == ["ms"]
    assert "Real-world values in mm2/s differ from image to image and are not shown." in [
        note.english() for note in stack.notes
    ]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientWeight", "71"),
        ("Units", "CNTS"),
        ("CorrectedImage", ["NORM", "ATTN"]),
        ("DecayCorrection", "ADMIN"),
        ("RadionuclideTotalDose", "351e6"),
        ("RadiopharmaceuticalStartTime", "090000"),
    ],
)
@pytest.mark.parametrize("which", [1, 2])
def test_pictures_that_differ_in_what_suv_is_made_of_have_none(
    tmp_path: Path, keyword: str, value: object, which: int
) -> None:
    if "Radio" in keyword:
        other = {keyword: value}
        keyword = "RadiopharmaceuticalInformationSequence"
        elements = {keyword: lambda k: drug(**(other if k == which else {}))}
    else:
        usual = {"Units": "BQML", "DecayCorrection": "START", "PatientWeight": "70"}
        said = usual.get(keyword, ["NORM", "ATTN", "DECY"])
        elements = {keyword: lambda k: value if k == which else said}
    stack = pet(tmp_path, **elements)
    name = next(iter(other)) if "Radio" in keyword else keyword
    assert stack.factor == 1
    assert f"No SUV: the pictures differ in {name}." in [str(note) for note in stack.notes]


def test_pictures_of_other_scale_factors_of_the_scanner_have_none(tmp_path: Path) -> None:
    def scaled(made: Dataset, value: float) -> None:
        made.private_block(0x7053, "Philips PET Private Group", create=True).add_new(0, "DS", value)

    pet(tmp_path, Units="CNTS")
    for k, value in ((1, 0.5), (2, 0.25)):
        made = dcmread(tmp_path / f"{k}.dcm")
        scaled(made, value)
        made.save_as(tmp_path / f"{k}.dcm")
    (stack,) = scan([tmp_path]).patients[0].studies[0].series[0].stacks
    assert [str(note) for note in stack.notes] == ["No SUV: the pictures differ in (7053,1000)."]
