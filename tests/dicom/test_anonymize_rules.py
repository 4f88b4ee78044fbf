"""What happens to which element, in studies made for it."""

from __future__ import annotations

import os
import resource
import stat
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from medview.core.errors import Cancelled, InvalidInput, WriteFailed
from medview.core.files import hold
from medview.core.progress import CancelToken
from medview.dicom.anonymize import (
    Box,
    Dates,
    Decision,
    Export,
    Options,
    Outcome,
    Secret,
    export,
    survey,
)  # fmt: skip
from medview.dicom.anonymize.actions import action_for, table
from medview.dicom.anonymize.pseudonyms import shifted
from medview.dicom.anonymize.streams import silence
from medview.dicom.anonymize.text_in_pixels import text_lines
from medview.dicom.frames import frames_of
from medview.dicom.instance import open_instance
from medview.dicom.keywords import tag_of
from medview.dicom.mosaic import tiles_of

SECRET = Secret(b"k" * 32)
Change = Callable[[Dataset], None]


def image(number: int = 1) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.SourceApplicationEntityTitle = "QUINCEAE"
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = CTImageStorage, f"1.2.826.77.3.{number}"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.826.77.1", "1.2.826.77.2"
    made.FrameOfReferenceUID = "1.2.826.77.4"
    made.PatientName, made.PatientID = "Quince^Ada=王^小东", "PEAR-4711"
    made.PatientBirthDate, made.PatientSex, made.PatientAge = "19010203", "F", "079Y"
    made.AccessionNumber, made.StudyDescription = "PLUM99", "Chest of QUINCE, 2026-01-31"
    made.StudyDate, made.StudyTime = "20260131", "101500"
    made.AcquisitionDateTime = "20260131235959.5+0100"
    made.Modality, made.BodyPartExamined, made.Manufacturer = "CT", "CHEST", "SIEMENS"
    made.StationName, made.InstitutionName = "ROOM-SEVEN", "Saint Elsewhere"
    made.ImagePositionPatient, made.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    made.PixelSpacing, made.Rows, made.Columns, made.InstanceNumber = [1, 1], 64, 64, number
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 1
    made.PixelData = np.arange(4096, dtype=np.int16).tobytes()
    return made


def stored(folder: Path, *changes: Change, count: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(1, count + 1):
        made = image(number)
        for change in changes:
            change(made)
        made.save_as(folder / f"QUINCE-{number}.dcm", enforce_file_format=True)
    return folder


def copied(folder: Path, out: Path, options: Options | None = None, **how: object) -> Outcome:
    request = Export(options=options or Options(), secret=SECRET, **how)  # type: ignore[arg-type]
    return export(survey([folder]), out, request)


def first(done: Outcome) -> Dataset:
    return dcmread(done.folder / done.copies[0][1])


def test_the_basic_profile_leaves_the_picture_and_takes_the_person(tmp_path: Path) -> None:
    made = first(copied(stored(tmp_path / "in"), tmp_path / "out"))

    assert str(made.PatientName) == made.PatientID
    assert made.PatientID.startswith("ANON-")
    assert made.PatientBirthDate == made.StudyDate == made.AccessionNumber == ""
    assert "StudyDescription" not in made
    assert made.InstitutionName == "REMOVED"
    assert (made.Manufacturer, made.BodyPartExamined) == ("SIEMENS", "CHEST")
    assert made.PatientIdentityRemoved == "YES"
    assert made.LongitudinalTemporalInformationModified == "REMOVED"
    assert made.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert "SourceApplicationEntityTitle" not in made.file_meta
    assert made.PixelData == image().PixelData


def test_uids_agree_across_a_study_and_across_runs_with_one_secret(tmp_path: Path) -> None:
    def refer(made: Dataset) -> None:
        link = Dataset()
        link.ReferencedSOPClassUID, link.ReferencedSOPInstanceUID = CTImageStorage, "1.2.826.77.3.1"
        made.ReferencedImageSequence = Sequence([link])

    folder = stored(tmp_path / "in", refer, count=2)
    done = copied(folder, tmp_path / "out")
    one, two = (dcmread(done.folder / name) for _, name in done.copies)
    again = first(copied(folder, tmp_path / "again"))
    other = Export(options=Options(), secret=Secret.new())
    third = first(export(survey([folder]), tmp_path / "other", other))

    assert one.StudyInstanceUID == two.StudyInstanceUID == again.StudyInstanceUID
    assert one.StudyInstanceUID.startswith("2.25.")
    assert two.ReferencedImageSequence[0].ReferencedSOPInstanceUID == one.SOPInstanceUID
    assert one.SOPInstanceUID == one.file_meta.MediaStorageSOPInstanceUID == again.SOPInstanceUID
    assert third.SOPInstanceUID != one.SOPInstanceUID


def test_dates_of_a_patient_move_together_and_times_stay(tmp_path: Path) -> None:
    def later(made: Dataset) -> None:
        made.SeriesDate = "20260301"

    options = Options(dates=Dates.SHIFT)
    made = first(copied(stored(tmp_path / "in", later), tmp_path / "out", options))
    days = SECRET.days("id\x1fPEAR-4711\x1f")

    assert days % 7 == 0
    assert days < -300
    assert made.StudyDate == shifted("20260131", "DA", days)
    assert made.SeriesDate == shifted("20260301", "DA", days)
    assert made.StudyTime == "101500"
    assert made.AcquisitionDateTime == shifted("20260131", "DA", days) + "235959.5+0100"
    assert made.PatientBirthDate == ""
    assert made.LongitudinalTemporalInformationModified == "MODIFIED"


@pytest.mark.parametrize(
    ("value", "moved"),
    [("20240301", "20240223"), ("2004.01.08", "20040101"), ("20240301\\20240308",
      "20240223\\20240301"), ("", "")],
)  # fmt: skip
def test_dates_move_over_the_ends_of_months_and_in_old_notation(value: str, moved: str) -> None:
    assert shifted(value, "DA", -7) == moved


def test_what_is_no_date_is_emptied_when_dates_are_shifted(tmp_path: Path) -> None:
    def spoil(made: Dataset) -> None:
        made.add_new(0x00080021, "SH", "soon")  # the VR is wrong too

    options = Options(dates=Dates.SHIFT)
    made = first(copied(stored(tmp_path / "in", spoil), tmp_path / "out", options))

    assert not made.SeriesDate


def test_options_retain_what_they_say(tmp_path: Path) -> None:
    options = Options(device=True, patient=True, institution=True, uids=True, dates=Dates.KEEP)
    made = first(copied(stored(tmp_path / "in"), tmp_path / "out", options))

    assert (made.StationName, made.InstitutionName) == ("ROOM-SEVEN", "Saint Elsewhere")
    assert (made.PatientSex, made.PatientAge) == ("F", "079Y")
    assert (made.StudyDate, made.SOPInstanceUID) == ("20260131", "1.2.826.77.3.1")
    codes = {item.CodeValue for item in made.DeidentificationMethodCodeSequence}
    assert codes == {"113100", "113106", "113108", "113109", "113110", "113112"}


def test_cleaned_descriptors_lose_names_dates_and_numbers(tmp_path: Path) -> None:
    def describe(made: Dataset) -> None:
        made.SeriesDescription = "肺 平扫 王小东 thin slices PEAR-4711 Dr. Huber"
        made.ImageComments = "Quince, seen 31.01.2026, call 0301234567"

    made = first(copied(stored(tmp_path / "in", describe), tmp_path / "out",
                        Options(descriptors=True)))  # fmt: skip

    assert made.StudyDescription == "Chest of"
    assert "thin slices" in made.SeriesDescription
    for word in ("PEAR", "Huber", "Quince", "2026", "030123"):
        assert word not in made.SeriesDescription + made.ImageComments


@pytest.mark.parametrize(
    ("name", "said", "left"),
    [
        ("Wang^XiaoDong=王^小东", "王小东胸部平扫", "胸部平扫"),
        ("Wang^XiaoDong=王^小东", "平扫 王 小东 复查", "平扫 复查"),
        ("李^四", "李四头部", "头部"),
        ("李四", "李四 头部", "头部"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "홍길동님 흉부", "님 흉부"),
        ("王小东", "请王小东复查", "请 复查"),
    ],
)
def test_names_go_from_texts_that_put_no_spaces_between_words(
    tmp_path: Path, name: str, said: str, left: str
) -> None:
    def describe(made: Dataset) -> None:
        made.PatientName, made.SeriesDescription = name, said

    made = first(copied(stored(tmp_path / "in", describe), tmp_path / "out",
                        Options(descriptors=True)))  # fmt: skip

    assert made.SeriesDescription == left


def test_names_leave_text_that_stays_and_private_groups_go(tmp_path: Path) -> None:
    made = first(copied(stored(tmp_path / "in", _hide), tmp_path / "out"))

    assert made.ConvolutionKernel == "B30"
    assert made.AnatomicRegionSequence[0].CodeMeaning == "Lung of"
    assert not [e for e in made.iterall() if e.tag.is_private]


def _hide(made: Dataset) -> None:
    made.ConvolutionKernel = "B30 quince"
    made.private_block(0x0029, "QUINCE HEADER", create=True).add_new(0x10, "LO", "Ada Quince")
    inner = Dataset()
    inner.CodeValue, inner.CodingSchemeDesignator = "1", "SCT"
    inner.CodeMeaning = "Lung of Quince"
    inner.private_block(0x0029, "X", create=True).add_new(1, "LO", "PEAR-4711")
    made.AnatomicRegionSequence = Sequence([inner])


def test_known_safe_private_numbers_can_stay(tmp_path: Path) -> None:
    def add(made: Dataset) -> None:
        block = made.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(0x00, "DS", "0.000551")
        block.add_new(0x03, "ST", "Ada Quince")

    folder = stored(tmp_path / "in", add)
    kept = first(copied(folder, tmp_path / "out", Options(safe_private=True)))

    assert kept[0x70531000].value == 0.000551
    assert (0x70531003) not in kept
    assert 0x70531000 not in first(copied(folder, tmp_path / "none"))


def test_a_b_value_whose_creator_was_stripped_stays_under_its_own(tmp_path: Path) -> None:
    def weigh(made: Dataset) -> None:
        made.Manufacturer = "GE MEDICAL SYSTEMS"
        made.add_new(0x00431039, "IS", ["1000000800", "8", "0", "0"])
        made.add_new(0x00431040, "LO", "Ada Quince")

    folder = stored(tmp_path / "in", weigh)
    kept = first(copied(folder, tmp_path / "out", Options(safe_private=True)))

    assert kept[0x00430010].value == "GEMS_PARM_01"
    assert kept[0x00431039].value[0] == 1000000800
    assert 0x00431040 not in kept
    assert 0x00431039 not in first(copied(folder, tmp_path / "none"))


def test_a_mosaic_keeps_the_numbers_that_cut_it_and_none_of_the_text(
    imaging_data: Path, tmp_path: Path
) -> None:
    folder = imaging_data / "mr" / "mosaic-siemens"
    done = copied(folder, tmp_path / "out", Options(safe_private=True))
    places = [
        [(tile.tile.row, tile.tile.column, *tile.tile.position.round(6)) for tile in tiles]
        for tiles in (
            tiles_of(frames_of(open_instance(str(path)))[0])
            for path in (done.copies[0][0], done.folder / done.copies[0][1])
        )
    ]

    assert len(places[0]) == 5
    assert places[0] == places[1]
    data = (done.folder / done.copies[0][1]).read_bytes()
    assert len(first(done)[0x00291010].value) < 512
    assert b"ASCCONV" not in data
    assert b"MrProtocol" not in data
    assert '"(0029,1010)",private,cleaned' in done.log.read_text()


def test_text_of_a_report_goes_and_its_numbers_and_codes_stay(tmp_path: Path) -> None:
    def tell(made: Dataset) -> None:
        concept = Dataset()
        concept.CodeValue, concept.CodingSchemeDesignator = "410668003", "SCT"
        concept.CodeMeaning = "Length"
        text, person, number = Dataset(), Dataset(), Dataset()
        text.ValueType, text.TextValue = "TEXT", "An orange tumour"
        person.ValueType, person.PersonName = "PNAME", "Reader^Rita"
        measured = Dataset()
        measured.NumericValue = "12.5"
        number.ValueType, number.ConceptNameCodeSequence = "NUM", Sequence([concept])
        number.MeasuredValueSequence = Sequence([measured])
        made.ContentSequence = Sequence([text, person, number])

    made = first(copied(stored(tmp_path / "in", tell), tmp_path / "out"))

    assert made.ContentSequence[0].TextValue == "REMOVED"
    assert made.ContentSequence[1].PersonName == "REMOVED"
    assert made.ContentSequence[2].ConceptNameCodeSequence[0].CodeMeaning == "Length"
    assert made.ContentSequence[2].MeasuredValueSequence[0].NumericValue == 12.5
    assert "113104" in {i.CodeValue for i in made.DeidentificationMethodCodeSequence}


def test_what_follows_the_pixels_and_the_preamble_is_not_copied(tmp_path: Path) -> None:
    folder = stored(tmp_path / "in")
    path = folder / "QUINCE-1.dcm"
    data = bytearray(path.read_bytes())
    data[:10] = b"QUINCE ADA"
    path.write_bytes(bytes(data) + b"\xfc\xff\xfc\xffOB\0\0\x0a\0\0\0QUINCE ADA")

    done = copied(folder, tmp_path / "out")

    assert b"QUINCE" not in (done.folder / done.copies[0][1]).read_bytes()


def test_comments_inside_jpeg_streams_become_zeros_of_the_same_length() -> None:
    jpeg = bytearray(
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xe1\0\x08Quince\xff\xfe\0\x05Ada"
        b"\xff\xda\0\2xx"
    )
    jpeg_2000 = bytearray(b"\xff\x4f\xff\x51\0\4ab\xff\x64\0\x0a\0\1Quince\xff\x90\0\2")
    sizes = len(jpeg), len(jpeg_2000)
    silence(jpeg)
    silence(jpeg_2000)

    assert b"Quince" not in jpeg + jpeg_2000
    assert b"Ada" not in jpeg
    assert b"JFIF" in jpeg
    assert sizes == (len(jpeg), len(jpeg_2000))


def screen(made: Dataset) -> None:
    made.Modality, made.SOPClassUID = "OT", "1.2.840.10008.5.1.4.1.1.7"
    del made.ImagePositionPatient


def test_captures_are_left_out_unless_asked_otherwise(tmp_path: Path) -> None:
    folder = stored(tmp_path / "in", screen)
    out = copied(folder, tmp_path / "out")
    kept = copied(folder, tmp_path / "kept", burned_in=Decision.KEEP)
    path = str(folder / "QUINCE-1.dcm")
    black = copied(folder, tmp_path / "black", decisions={path: Decision.BLANK},
                   boxes={path: (Box(0, 0, 64, 8),)})  # fmt: skip

    assert out.copies == ()
    assert "Secondary Capture" in str(out.left_out[0].reason)
    assert first(kept).PixelData == image().PixelData
    values = np.frombuffer(first(black).PixelData, np.int16).reshape(64, 64)
    assert not values[:8].any()
    assert values[8:].any()
    assert first(black).BurnedInAnnotation == "NO"


def test_writing_is_found_in_a_picture_and_anatomy_is_not(tmp_path: Path) -> None:
    from PIL import Image, ImageDraw

    rng = np.random.default_rng(1)
    plain = rng.normal(90, 6, (300, 400)).clip(0, 255).astype(np.uint8)
    plain[100:220, 120:300] = 180
    written = Image.fromarray(plain)
    ImageDraw.Draw(written).text((20, 20), "QUINCE ADA 1901-02-03", fill=255)

    assert text_lines(plain) == ()
    box = text_lines(np.asarray(written))[0]
    assert box.left <= 24
    assert box.top <= 24
    assert box.bottom >= 30
    assert box.right >= 120


def test_nothing_is_left_when_it_is_cancelled_or_the_disk_is_full(
    tmp_path: Path,
) -> None:
    folder = stored(tmp_path / "in", count=3)
    found, how = survey([folder]), Export(options=Options(), secret=SECRET)
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        export(found, tmp_path / "out", how, lambda done, _n, _w: cancel.cancel(), cancel)
    assert not list(tmp_path.glob("*out*"))

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # the disk is as good as full
    try:
        with pytest.raises(WriteFailed, match="disk is full"):
            export(found, tmp_path / "out", how)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.glob("*out*"))
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_run_left_is_cleared_and_a_running_one_is_respected(tmp_path: Path) -> None:
    folder = stored(tmp_path / "in")
    (tmp_path / ".out.unfinished").mkdir()
    (tmp_path / ".out.unfinished" / "half.dcm").write_bytes(b"half")
    handle = hold(tmp_path / ".out.lock")
    with pytest.raises(InvalidInput, match="Another window or command"):
        copied(folder, tmp_path / "out")
    os.close(handle)

    assert len(copied(folder, tmp_path / "out").copies) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]


def test_half_a_list_of_identities_that_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    folder, private = stored(tmp_path / "in"), tmp_path / "private"
    private.mkdir()
    old, young, other = (private / n for n in (".new-ab3d_f9h", ".new-zz3d_f9h", ".new-letter.txt"))
    for path in (old, young, other):
        path.write_text("PEAR-4711")
        path.chmod(0o644 if path == other else 0o600)
    for path in (old, other):
        os.utime(path, (1e9, 1e9))

    copied(folder, tmp_path / "out", mapping=private / "list.csv")
    assert sorted(p.name for p in private.iterdir()) == [other.name, young.name, "list.csv"]

    os.utime(young, (1e9, 1e9))
    Secret.kept_in(private / "key")
    assert sorted(p.name for p in private.iterdir()) == [other.name, "key", "list.csv"]


def test_memory_does_not_grow_with_the_pixels(tmp_path: Path) -> None:
    def enlarge(made: Dataset) -> None:
        made.Rows, made.Columns, made.NumberOfFrames = 1024, 1024, 24
        made.PixelData = bytes(2 * 1024 * 1024 * 24)

    folder = stored(tmp_path / "in", enlarge)
    found = survey([folder])
    tracemalloc.start()
    done = export(found, tmp_path / "out", Export(options=Options(), secret=SECRET))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(done.copies) == 1
    assert peak < 12 << 20


def _element(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    size = len(value) if length is None else length
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, size) + value


def _hostile(path: Path, number: int, last: bytes, hole: int = 0) -> None:
    """A picture whose header ends with `last` and then a hole: zeros that take no room."""
    made, pixels = image(number), _element(0x7FE00010, b"OW", bytes(8192))
    del made.PixelData
    made.save_as(path, enforce_file_format=True)
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(last)
        file.seek(hole, os.SEEK_CUR)
        file.write(pixels)


def test_headers_without_measure_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = stored(tmp_path / "in")
    item, end = b"\xfe\xff\x00\xe0" + bytes(4), b"\xfe\xff\x0d\xe0" + bytes(4)
    nested = (_element(0x00081140, b"SQ", b"", 0xFFFFFFFF) + item[:4] + b"\xff" * 4) * 5000
    nested += (end + b"\xfe\xff\xdd\xe0" + bytes(4)) * 5000
    for number, tag in enumerate((0x70531010, 0x00700001), 2):
        _hostile(folder / f"items-{number}.dcm", number, _element(tag, b"SQ", item * 260_000))
    _hostile(folder / "unknown.dcm", 4, _element(0x00700001, b"UN", item * 260_000))
    _hostile(folder / "nested.dcm", 5, _element(0x70531010, b"SQ", item[:4] + struct.pack("<I",
             len(nested)) + nested))  # fmt: skip
    size = 1500 << 20
    _hostile(folder / "public.dcm", 6, _element(0x70020010, b"OB", b"", size), size)
    done = copied(folder, tmp_path / "out")

    assert [Path(source).name for source, _ in done.copies] == ["QUINCE-1.dcm"]
    assert len(done.left_out) == 5
    assert all("more than MedView can look through" in str(x.reason) for x in done.left_out)


def test_a_huge_private_value_is_left_behind_unread(tmp_path: Path) -> None:
    folder, size = tmp_path / "in", 1500 << 20
    folder.mkdir()
    _hostile(folder / "raw.dcm", 1, _element(0x70531010, b"OB", b"", size), size)
    tracemalloc.start()
    done = copied(folder, tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert first(done).PixelData == bytes(8192)
    assert '"(7053,1010)",private,removed' in done.log.read_text()
    assert peak < 48 << 20


def test_a_great_age_is_told_as_ninety(tmp_path: Path) -> None:
    def age(made: Dataset) -> None:
        made.PatientAge = "097Y"

    made = first(copied(stored(tmp_path / "in", age), tmp_path / "out", Options(patient=True)))

    assert made.PatientAge == "090Y"


@pytest.mark.parametrize(
    ("keyword", "options", "action"),
    [
        ("PatientName", Options(), "emptied"),
        ("SeriesDate", Options(), "replaced"),
        ("SeriesDate", Options(dates=Dates.SHIFT), "shifted"),
        ("SeriesDate", Options(dates=Dates.KEEP), "kept"),
        ("PatientBirthDate", Options(dates=Dates.KEEP), "emptied"),
        ("DeviceSerialNumber", Options(), "replaced"),
        ("DeviceSerialNumber", Options(device=True), "kept"),
        ("SeriesDescription", Options(), "removed"),
        ("SeriesDescription", Options(descriptors=True), "cleaned"),
        ("SOPInstanceUID", Options(), "new UID"),
        ("SOPInstanceUID", Options(uids=True), "kept"),
        ("ReferencedImageSequence", Options(), "new UID"),
        ("Rows", Options(), "kept"),
        ("DateOfLastCalibration", Options(device=True), "kept"),
        ("DateOfLastCalibration", Options(device=True, dates=Dates.SHIFT), "shifted"),
        ("StationAETitle", Options(device=True), "cleaned"),
        ("TransducerIdentificationSequence", Options(device=True), "kept"),
        ("ReferencedStudySequence", Options(uids=True), "kept"),
        ("UID", Options(uids=True), "new UID"),
        ("SourceOfPreviousValues", Options(institution=True), "kept"),
        ("EthnicGroup", Options(patient=True), "kept"),
        ("Allergies", Options(patient=True), "cleaned"),
        ("RequestingService", Options(descriptors=True), "cleaned"),
        ("SpecialNeeds", Options(descriptors=True), "removed"),
        ("FrameOriginTimestamp", Options(dates=Dates.KEEP), "kept"),
    ],
)
def test_the_table_of_the_standard_is_followed(keyword: str, options: Options, action: str) -> None:
    assert action_for(tag_of(keyword), options).value == action
    assert len(table()) > 640


def test_bytes_that_nobody_can_look_into_are_emptied_where_others_are_cleaned(
    tmp_path: Path,
) -> None:
    def note(made: Dataset) -> None:
        made.MakerNote = b"Quince, Ada "
        made.FrameOriginTimestamp = b"20260131121314.00000"
        made.RequestingService = "Ward of Quince"

    options = Options(descriptors=True, dates=Dates.SHIFT)
    made = first(copied(stored(tmp_path / "in", note), tmp_path / "out", options))

    assert not made.MakerNote
    assert not made.FrameOriginTimestamp
    assert made.RequestingService == "Ward of"


def test_a_folder_in_use_or_around_the_source_is_refused(tmp_path: Path) -> None:
    folder = stored(tmp_path / "in")
    for out in (folder, folder / "below", tmp_path):
        with pytest.raises(InvalidInput):
            copied(folder, out)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "letter.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="not empty"):
        copied(folder, tmp_path / "used")
    assert [p.name for p in folder.iterdir()] == ["QUINCE-1.dcm"]


def test_copies_log_and_mapping_are_for_the_owner_alone(tmp_path: Path) -> None:
    mapping = tmp_path / "private.csv"
    done = copied(stored(tmp_path / "in"), tmp_path / "out", mapping=mapping)

    paths = [mapping, *(p for p in done.folder.rglob("*"))]
    assert {stat.S_IMODE(p.stat().st_mode) & 0o077 for p in paths} == {0}
    assert "PEAR-4711" in mapping.read_text()
    assert "PatientName,replaced" in done.log.read_text()


def _tell_elsewhere(made: Dataset) -> None:
    made.ImageType = ["ORIGINAL", "PRIMARY", "QUINCE"]
    made.PatientBirthDateInAlternativeCalendar = "QUINCE year 3"
    made.CommentsOnTheScheduledProcedureStep = "ask her ZEBRANECK"
    made.ExpirationDateTime = "20260131121314"
    made.RetrieveURL = "http://saint-zebraneck/QUINCE"
    item = Dataset()
    item.TextValue, item.SecondaryReviewerName = "ZEBRANECK said so", "Zebraneck^Z"
    made.ViewCodeSequence = Sequence([item])
    made.PixelData += b"ZEBRANECK behind the last frame "


def test_names_go_from_where_the_table_does_not_look(tmp_path: Path) -> None:
    done = copied(stored(tmp_path / "in", _tell_elsewhere), tmp_path / "out")

    data = (done.folder / done.copies[0][1]).read_bytes()
    assert not [word for word in (b"QUINCE", b"ZEBRA", b"Zebra", b"zebra") if word in data]
    assert b"20260131" not in data
    made = first(done)
    assert list(made.ImageType) == ["ORIGINAL", "PRIMARY", "REMOVED"]
    assert made.PixelData[:8192] == np.arange(4096, dtype=np.int16).tobytes()


def test_notes_in_boxes_around_a_code_stream_become_zeros() -> None:
    box = lambda kind, data: (8 + len(data)).to_bytes(4, "big") + kind + data  # noqa: E731
    inner = b"\xff\x4f\xff\x51\0\4ab\xff\x64\0\x0a\0\1Quince\xff\x90\0\2"
    stream = bytearray(
        box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 ") + box(b"xml ", b"<n>Quince</n>")
        + box(b"uuid", b"Quince" * 9) + box(b"jp2c", inner)
    )  # fmt: skip
    size = len(stream)
    silence(stream)

    assert b"Quince" not in stream
    assert b"ftyp" in stream
    assert b"\xff\x4f\xff\x51\0\4ab" in stream
    assert len(stream) == size


def test_the_last_byte_of_odd_big_endian_words_stays(imaging_data: Path, tmp_path: Path) -> None:
    source = imaging_data / "pixel-kinds" / "rgb-odd-3x3-be.dcm"
    how = Export(options=Options(), secret=SECRET, burned_in=Decision.KEEP)
    done = export(survey([source]), tmp_path / "out", how)
    assert first(done).PixelData == dcmread(source).PixelData
