"""Measurements and key images leave as DICOM and come back: every field, kind and version."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from dicom_write_cases import ct_stack, no_dciodvfy_errors, projection_stack
from highdicom import sr

from medview.core.geometry import PatientPoint, Vector, VoxelIndex
from medview.core.results import Measurement
from medview.imaging import roi
from medview.session import Session, measures
from medview.session.events import Message
from medview.session.objects import save_objects
from medview.session.reporting import report_content, session_subject
from medview.session.studies import Place

_KEYS_ABSENT = re.compile("key images? of a document (is|are) not here")
TILTED = (
    (0.96, 0.0, 0.28),
    (-0.07847, 0.9600, 0.26904),
    (-0.26878, -0.28025, 0.92153),
)


def opened(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session of a reader who has a home of their own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    session = Session()
    session.open([folder])
    return session


def messages(session: Session) -> list[str]:
    heard: list[str] = []
    session.events.subscribe(
        lambda e: heard.append(e.sentence.english()) if isinstance(e, Message) else None
    )
    return heard


def orthogonal(axes) -> tuple[Vector, Vector, Vector]:
    first, second = (np.array(axis) / np.linalg.norm(axis) for axis in axes[:2])
    second = second - first * (first @ second)
    second = second / np.linalg.norm(second)
    return tuple(tuple(float(v) for v in a) for a in (first, second, np.cross(first, second)))


def every_kind(session: Session) -> tuple[Measurement, ...]:
    """One of each kind on the active stack, measured as the views do."""
    place = session.active
    assert place is not None
    opened_volume = session.studies.load(place)
    volume, geometry = opened_volume.volume, place.stack.geometry
    plane = roi.plane_along(geometry, geometry.normal)
    assert plane is not None
    k = geometry.shape[0] // 2
    site = roi.Site(volume=volume, plane=plane, calibration=place.stack.calibration)

    def at(*places: tuple[float, float]) -> tuple[PatientPoint, ...]:
        return tuple(geometry.to_patient(VoxelIndex(k, r, c)) for r, c in places)

    ring = [(5 + 3 * np.sin(t), 5 + 2.5 * np.cos(t)) for t in np.linspace(0, 6, 20)]
    given = {
        "length": at((1, 1), (8.25, 6.5)),
        "bidirectional": at((2, 2), (2, 8), (1, 5), (4, 5)),
        "angle": at((1, 1), (6, 1), (6, 8)),
        "cobb": at((1, 1), (2, 8), (9, 1), (7, 8)),
        "ellipse": at((5, 1), (5, 9), (3, 5), (7, 5)),
        "rectangle": at((2, 2), (2, 7), (6, 7), (6, 2)),
        "freehand": at(*ring),
        "spline": at((2, 2), (2, 7), (6, 7), (6, 2)),
        "livewire": at(*ring[:12]),
        "ctr": at((1, 5), (10, 5), (4, 3), (5, 7), (6, 1), (6, 9)),
        "arrow": at((3, 3), (6, 6)),
        "text": at((4, 4)),
        "probe": at((3, 3)),
    }
    if geometry.is_spatial:
        middle = geometry.centre
        given["suv_peak"] = (middle, PatientPoint(middle.x, middle.y + 2, middle.z))
        given["sphere"] = (middle, PatientPoint(middle.x + 2, middle.y + 1, middle.z))
    found = []
    for number, (kind, points) in enumerate(given.items()):
        numbers = roi.measured(kind, points, site)
        found.append(
            Measurement(
                id=f"{number:032x}",
                kind=kind,
                series_uid=place.series.uid,
                stack=place.stack_number,
                points=points,
                normal=tuple(float(v) for v in plane.normal_vector),
                quantities=numbers.quantities,
                calibration=numbers.calibration,
                text="左肺 nodule" if number % 2 else "",
                extra=(("concept", "nodule_diameter_max"),) if kind == "length" else (),
            )
        )
    return tuple(found)


def keep(session: Session, found: tuple[Measurement, ...]) -> None:
    assert session.book is not None
    session.book.change(roi.KIND_TITLES["text"], measurements=found)


def save(session: Session, folder: Path) -> list[Path]:
    before = set(folder.rglob("*.dcm"))
    subject = session_subject(session)
    assert subject is not None
    done = save_objects(subject, folder)
    assert session.book is not None
    session.book.amend(taken=(*session.work.taken, *done.taken))
    assert [note.english() for note in done.notes] == []
    return sorted(set(folder.rglob("*.dcm")) - before)


def rich(dataset: pydicom.Dataset, k: int) -> None:
    """Pixels that differ, so that statistics mean something."""
    rng = np.random.default_rng(k)
    shape = (int(dataset.Rows), int(dataset.Columns))
    dataset.PixelData = rng.integers(-900, 900, shape).astype(np.int16).tobytes()
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, 0, "HU"


@pytest.mark.parametrize("axes", [((1, 0, 0), (0, 1, 0), (0, 0, 1)), TILTED])
def test_every_kind_comes_back_with_every_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, axes
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    ct_stack(folder, axes=orthogonal(axes), change=rich)
    first = opened(folder, tmp_path / "one", monkeypatch)
    drawn = every_kind(first)
    keep(first, drawn)

    (path,) = save(first, folder)
    back = opened(folder, tmp_path / "two", monkeypatch)

    assert set(back.work.measurements) == set(drawn)
    assert back.book is not None
    assert back.book.undo_name is not None  # taking them in is a command, and can be undone
    no_dciodvfy_errors(path)
    assert len(sr.Comprehensive3DSR.from_dataset(pydicom.dcmread(path)).content) > 0


def test_on_a_film_shapes_lie_on_the_picture_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    projection_stack(folder)
    first = opened(folder, tmp_path / "one", monkeypatch)
    drawn = every_kind(first)
    keep(first, drawn)

    (path,) = save(first, folder)
    back = opened(folder, tmp_path / "two", monkeypatch)

    assert set(back.work.measurements) == set(drawn)
    no_dciodvfy_errors(path)
    assert "SCOORD3D" not in str(pydicom.dcmread(path))


def test_what_the_reader_calibrated_comes_back_calibrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    projection_stack(folder)
    first = opened(folder, tmp_path / "one", monkeypatch)
    place = first.active
    assert place is not None
    assert first.book is not None
    measures.calibrate(first.book, place.key, 0.25)
    keep(first, tuple(replace(m, calibration="USER") for m in every_kind(first)[:1]))

    save(first, folder)
    back = opened(folder, tmp_path / "two", monkeypatch)

    assert measures.factor_of(back.work, place.key) == 0.25
    assert back.work.measurements[0].calibration == "USER"


def test_a_second_save_is_a_new_version_that_names_the_first_and_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    ct_stack(folder, change=rich)
    first = opened(folder, tmp_path / "one", monkeypatch)
    length, angle = (m for m in every_kind(first) if m.kind in ("length", "angle"))
    keep(first, (length, angle))
    (old,) = save(first, folder)
    written = old.read_bytes()
    keep(first, (replace(length, text="now"),))

    (new,) = save(first, folder)
    back = opened(folder, tmp_path / "two", monkeypatch)

    named = pydicom.dcmread(new).PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert (
        named.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        == pydicom.dcmread(old).SOPInstanceUID
    )
    assert old.read_bytes() == written  # what was there is never written over
    assert [m.text for m in back.work.measurements] == ["now"]
    no_dciodvfy_errors(new)


def test_a_newer_version_takes_back_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    ct_stack(folder, change=rich)
    first = opened(folder, tmp_path / "one", monkeypatch)
    length, angle = (m for m in every_kind(first) if m.kind in ("length", "angle"))
    keep(first, (length, angle))
    save(first, folder)
    other = opened(folder, tmp_path / "two", monkeypatch)
    assert len(other.work.measurements) == 2
    keep(first, (angle,))
    save(first, folder)

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "two"))
    other.open([folder])

    assert [m.kind for m in other.work.measurements] == ["angle"]


def test_what_the_reader_deleted_does_not_come_back_from_their_own_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    ct_stack(folder, change=rich)
    first = opened(folder, tmp_path / "one", monkeypatch)
    keep(first, every_kind(first)[:2])
    save(first, folder)
    assert first.book is not None
    measures.remove(first.book, {m.id for m in first.work.measurements})

    again = opened(folder, tmp_path / "one", monkeypatch)

    assert again.work.measurements == ()


# -- reports of others --------------------------------------------------------------------


def foreign(folder: Path, place: Place, groups: Callable[[list], list], name: str = "sr") -> Path:
    """A report by highdicom alone, of another maker."""
    images = [pydicom.dcmread(frame.path) for frame in place.stack.frames]
    person = sr.ObserverContext(
        observer_type=hd.sr.CodedConcept("121006", "DCM", "Person"),
        observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(name="Doe^Jo"),
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_person_context=person),
        procedure_reported=hd.sr.CodedConcept("363679005", "SCT", "Imaging procedure"),
        imaging_measurements=groups(images),
    )
    made = sr.Comprehensive3DSR(
        evidence=images, content=content[0], series_instance_uid=hd.UID(), series_number=7,
        sop_instance_uid=hd.UID(), instance_number=1, manufacturer="Elsewhere",
    )  # fmt: skip
    path = folder / f"{name}.dcm"
    made.save_as(path)
    return path


def length_group(images: list, frame: int | None = None, uid: str | None = None) -> list:
    source = sr.SourceImageForRegion(
        images[2].SOPClassUID, uid or images[2].SOPInstanceUID, [frame] if frame else None
    )
    line = sr.CoordinatesForMeasurement("POLYLINE", np.array([(1.5, 2.5), (7.5, 2.5)]), source)
    value = sr.Measurement(
        name=hd.sr.CodedConcept("410668003", "SCT", "Length"), value=4.8,
        unit=hd.sr.CodedConcept("mm", "UCUM", "millimeter"), referenced_coordinates=[line],
    )  # fmt: skip
    tracking = sr.TrackingIdentifier(uid=hd.UID(), identifier="Lesion 1")
    return [sr.MeasurementsAndQualitativeEvaluations(tracking, measurements=[value])]


def region_group(images: list) -> list:
    source = sr.SourceImageForRegion(images[3].SOPClassUID, images[3].SOPInstanceUID)
    ring = np.array([(2.5, 2.5), (7.5, 2.5), (7.5, 8.5), (2.5, 8.5), (2.5, 2.5)])
    tracking = sr.TrackingIdentifier(uid=hd.UID(), identifier="Lesion 2")
    area = sr.Measurement(
        name=hd.sr.CodedConcept("42798000", "SCT", "Area"), value=21.6,
        unit=hd.sr.CodedConcept("mm2", "UCUM", "square millimeter"),
    )  # fmt: skip
    region = sr.ImageRegion("POLYLINE", ring, source)
    return [
        sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking, referenced_region=region, measurements=[area]
        )
    ]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Place]:
    folder = tmp_path / "study"
    folder.mkdir()
    ct_stack(folder, change=rich)
    place = opened(folder, tmp_path / "zero", monkeypatch).active
    assert place is not None
    return folder, place


def test_a_report_by_highdicom_shows_its_length_and_its_region_in_their_places(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, place = study
    foreign(folder, place, lambda images: length_group(images) + region_group(images))

    back = opened(folder, tmp_path / "one", monkeypatch).work.measurements

    length, region = back
    geometry = place.stack.geometry
    assert (length.kind, region.kind) == ("length", "freehand")
    assert length.points[0] == pytest.approx(geometry.to_patient(VoxelIndex(2, 2, 1)))
    assert [(q.concept, q.value) for q in length.quantities] == [("Length", 4.8)]
    assert np.linalg.norm(np.subtract(*length.points)) == pytest.approx(4.8)
    assert len(region.points) == 4
    assert dict(region.extra)[measures.REPORTED].startswith("Elsewhere")
    assert length.text == "Lesion 1"


def angle_and_axes(images: list) -> list:
    """As many programs write them: coordinates with each number, two lines for a Cobb angle."""
    source = sr.SourceImageForRegion(images[1].SOPClassUID, images[1].SOPInstanceUID)

    def line(*places: tuple[float, float]) -> sr.CoordinatesForMeasurement:
        return sr.CoordinatesForMeasurement("POLYLINE", np.array(places), source)

    def number(code: tuple[str, str], value: float, unit: str, *lines) -> sr.Measurement:
        return sr.Measurement(
            name=hd.sr.CodedConcept(code[0], "SCT", code[1]), value=value,
            unit=hd.sr.CodedConcept(unit, "UCUM", unit), referenced_coordinates=list(lines),
        )  # fmt: skip

    def group(name: str, *numbers: sr.Measurement) -> sr.MeasurementsAndQualitativeEvaluations:
        tracking = sr.TrackingIdentifier(uid=hd.UID(), identifier=name)
        return sr.MeasurementsAndQualitativeEvaluations(tracking, measurements=list(numbers))

    short, long = line((3, 2), (3, 5)), line((1, 3), (8, 3))
    return [
        group("Cobb", number(("285285000", "Cobb angle"), 20.0, "deg", line((1, 1), (8, 2)),
                             line((1, 9), (8, 7)))),
        group("Corner", number(("1483009", "Angle"), 90.0, "deg", line((1, 1), (1, 6), (6, 6)))),
        group("Node", number(("103340004", "Short axis"), 2.7, "mm", short),
              number(("103339001", "Long axis"), 5.6, "mm", long)),
    ]  # fmt: skip


def test_angles_and_axes_of_others_are_what_their_lines_are(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, place = study
    foreign(folder, place, angle_and_axes)

    back = {m.text: m for m in opened(folder, tmp_path / "one", monkeypatch).work.measurements}

    assert {name: m.kind for name, m in back.items()} == {
        "Cobb": "cobb",
        "Corner": "angle",
        "Node": "bidirectional",
    }
    a, b, c, d = np.array(back["Node"].points)
    assert np.linalg.norm(b - a) > np.linalg.norm(d - c)
    assert [q.concept for q in back["Node"].quantities] == ["Short axis", "Long axis"]


def test_numbers_of_a_segment_are_listed_without_a_shape(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As dcmqi writes them: a group that refers to a segment and has no coordinates."""
    folder, place = study

    def of_a_segment(images: list) -> list:
        tracking = sr.TrackingIdentifier(uid=hd.UID(), identifier="Liver lesion")
        volume = sr.Measurement(
            name=hd.sr.CodedConcept("118565006", "SCT", "Volume"), value=1234.5,
            unit=hd.sr.CodedConcept("mm3", "UCUM", "cubic millimeter"),
        )  # fmt: skip
        mask = copy.deepcopy(images[0])
        mask.SOPClassUID, mask.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.66.4", hd.UID()
        images.append(mask)  # what is referred to is among the evidence
        segment = sr.ReferencedSegment(
            mask.SOPClassUID, mask.SOPInstanceUID, 1,
            source_series=sr.SourceSeriesForSegmentation(images[0].SeriesInstanceUID),
        )  # fmt: skip
        return [
            sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
                tracking, referenced_segment=segment, measurements=[volume]
            )
        ]

    foreign(folder, place, of_a_segment)
    session = opened(folder, tmp_path / "one", monkeypatch)

    (found,) = session.work.measurements
    assert (found.kind, found.points) == ("reported", ())
    assert roi.lines(found) == ("Liver lesion", "Volume of the region 1.23 mL")
    assert measures.on_stack(session.work, place) == (found,)
    subject = session_subject(session)
    assert subject is not None
    assert report_content(subject).measurements[0].value == "Volume of the region 1.23 mL"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda images: length_group(images, uid=hd.UID()), "refers to images that are not here"),
        (lambda images: length_group(images, frame=99), "names frames that do not exist"),
    ],
)
def test_what_has_no_image_here_is_one_sentence_and_the_rest_shows(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil, said: str
) -> None:
    folder, place = study

    def groups(images: list) -> list:
        return spoil(images) + region_group(images)

    try:
        foreign(folder, place, groups)
    except ValueError:  # highdicom asks that what is named be among the evidence
        path = foreign(folder, place, lambda images: length_group(images) + region_group(images))
        _rename(path, hd.UID())
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "one"))
    session = Session()
    heard = messages(session)
    session.open([folder])

    assert [m.kind for m in session.work.measurements] == ["freehand"]
    assert any(said in each for each in heard)


def _rename(path: Path, uid: str) -> None:
    """Let the first coordinates name another image."""
    dataset = pydicom.dcmread(path)
    for _, item in _items(dataset):
        if item.get("ValueType") == "SCOORD":
            item.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID = uid
            break
    dataset.save_as(path)


def _items(dataset: pydicom.Dataset, depth: int = 0):
    for item in dataset.get("ContentSequence") or ():
        yield depth, item
        yield from _items(item, depth + 1)


def test_a_broken_shape_is_one_sentence(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, place = study
    path = foreign(folder, place, lambda images: length_group(images) + region_group(images))
    dataset = pydicom.dcmread(path)
    for _, item in _items(dataset):
        if item.get("ValueType") == "SCOORD":
            item.GraphicData = [1.0, 2.0, 3.0]
            break
    dataset.save_as(path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "one"))
    session = Session()
    heard = messages(session)
    session.open([folder])

    assert [m.kind for m in session.work.measurements] == ["freehand"]
    assert any("broken shape" in each for each in heard)


@pytest.mark.parametrize(
    "state",
    [
        "[" * 100_000,
        "null",
        '{"series": 3}',
        '{"v": 1, "id": "x", "kind": "length", "points": [[1, 2]], "normal": [0, 0, 1]}',
    ],
)
def test_a_spoilt_state_of_our_own_is_one_sentence_and_the_rest_shows(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    folder, _ = study
    first = opened(folder, tmp_path / "one", monkeypatch)
    keep(first, every_kind(first)[:2])
    (path,) = save(first, folder)
    dataset = pydicom.dcmread(path)
    texts = [i for _, i in _items(dataset) if str(i.get("TextValue", "")).startswith("{")]
    texts[0].TextValue = state
    dataset.save_as(path)

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "two"))
    session = Session()
    heard = messages(session)
    session.open([folder])

    assert [m.kind for m in session.work.measurements] == ["bidirectional"]
    assert any("broken shape" in each or "not here" in each for each in heard)


def test_a_report_of_another_patient_is_one_sentence(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medview.dicom.objects.returned import read_returned

    folder, place = study
    path = foreign(folder, place, length_group)
    other = replace(place.patient, id="SOMEBODY-ELSE")

    found = read_returned(str(path), other)

    assert found.measurements == ()
    assert "another patient" in found.notes[0].english()


def test_numbers_of_others_are_not_measured_again(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medview.gui.measuring_work import again_all

    folder, place = study
    foreign(folder, place, region_group)
    session = opened(folder, tmp_path / "one", monkeypatch)
    (region,) = session.work.measurements
    plane = roi.plane_along(place.stack.geometry, region.normal)
    assert plane is not None
    site = roi.Site(volume=session.studies.load(place).volume, plane=plane)

    assert again_all([region], site) == [region]
    assert again_all([replace(region, extra=())], site) != [region]


# -- key images ---------------------------------------------------------------------------


def test_key_images_leave_as_a_document_and_come_back(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, place = study
    first = opened(folder, tmp_path / "one", monkeypatch)
    assert first.book is not None
    for k in (1, 4):
        measures.toggle_key(first.book, measures.picture_of(place.series, place.stack, k))

    (path,) = save(first, folder)
    back = opened(folder, tmp_path / "two", monkeypatch)

    assert measures.key_slices(back.work, place.stack) == (1, 4)
    assert pydicom.dcmread(path).ConceptNameCodeSequence[0].CodeMeaning == "Of Interest"
    no_dciodvfy_errors(path)
    dsrdump = shutil.which("dsrdump")
    if dsrdump is not None:
        assert (
            subprocess.run([dsrdump, str(path)], check=False, capture_output=True).returncode == 0
        )


def test_of_our_own_selections_the_newest_alone_holds(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, place = study
    first = opened(folder, tmp_path / "one", monkeypatch)
    assert first.book is not None
    pictures = [measures.picture_of(place.series, place.stack, k) for k in (1, 4)]
    measures.toggle_key(first.book, pictures[0])
    (old,) = save(first, folder)
    measures.toggle_key(first.book, pictures[0])
    measures.toggle_key(first.book, pictures[1])
    save(first, folder)
    dataset = pydicom.dcmread(old)  # both may be of one second
    dataset.ContentDate = "20200101"
    dataset.save_as(old)

    back = opened(folder, tmp_path / "two", monkeypatch)

    assert measures.key_slices(back.work, place.stack) == (4,)


def test_key_images_that_are_not_here_are_one_sentence(
    imaging_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    key_objects = imaging_data / "ko-pr" / "made-key-objects-lidc.dcm"
    shutil.copy(key_objects, folder)
    dataset = pydicom.dcmread(key_objects)

    def as_its_patient(image: pydicom.Dataset, _k: int) -> None:
        image.PatientID, image.PatientName = dataset.PatientID, str(dataset.PatientName)
        image.PatientBirthDate = str(dataset.get("PatientBirthDate", ""))
        image.PatientSex = str(dataset.get("PatientSex", ""))
        image.StudyInstanceUID = dataset.StudyInstanceUID

    ct_stack(folder, change=as_its_patient)
    session = Session()
    heard = messages(session)
    session.open([folder])

    assert session.work.key_pictures == ()
    assert any(_KEYS_ABSENT.search(each) for each in heard)


def test_key_images_stand_first_in_the_report(
    study: tuple[Path, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, place = study
    session = opened(folder, tmp_path / "one", monkeypatch)
    assert session.book is not None
    measures.toggle_key(session.book, measures.picture_of(place.series, place.stack, 4))
    subject = session_subject(session)
    assert subject is not None

    first = report_content(subject).images[0]

    number = place.stack.geometry.slice_number(4)
    assert first.caption.startswith("Key image")
    assert f"{number} / 6" in first.caption
    assert first.pixels.std() > 0


def test_a_peak_names_its_quantity_how_it_was_derived_and_the_method(tmp_path: Path) -> None:
    from medview.core.measured import quantity
    from medview.core.results import Measurement
    from medview.dicom.objects.sr import read_structured_report
    from medview.dicom.write import ReportParts, read_sources, write_measurement_report

    stack = ct_stack(tmp_path)
    middle = stack.geometry.centre
    peak = Measurement(
        id="ab" * 16, kind="suv_peak", series_uid="1.2.3", stack=0, normal=(0, 0, 1),
        points=(middle, PatientPoint(middle.x + 3, middle.y, middle.z)),
        quantities=(quantity("Peak", 7.25, "{SUVbw}g/ml"),),
    )  # fmt: skip
    path = write_measurement_report(
        ReportParts(measurements=[peak]), read_sources(stack), tmp_path / "sr.dcm"
    )

    (number,) = [
        item for _, item in _items(pydicom.dcmread(path)) if item.get("ValueType") == "NUM"
    ]
    assert number.ConceptNameCodeSequence[0].CodeValue == "126401"
    modifiers = {i.ConceptCodeSequence[0].CodeValue for i in number.ContentSequence}
    assert {"126031", "126410"} <= modifiers
    no_dciodvfy_errors(path)
    (group,) = read_structured_report(str(path)).groups
    assert group.quantities == peak.quantities
    assert group.regions[0].graphic_type == "ELLIPSOID"


def test_series_of_one_frame_of_reference_share_their_measurements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study"
    uids = [hd.UID() for _ in range(3)]
    for number in range(3):
        (folder / str(number)).mkdir(parents=True)

        def of_one_study(image: pydicom.Dataset, _k: int, number: int = number) -> None:
            rich(image, _k)
            image.StudyInstanceUID = uids[0]
            image.FrameOfReferenceUID = uids[1 if number < 2 else 2]

        ct_stack(folder / str(number), change=of_one_study)
    session = opened(folder, tmp_path / "one", monkeypatch)
    places = list(session.studies.places())
    place = next(p for p in places if p.stack.frame_of_reference_uid == uids[1])
    session.select(place.key)
    keep(session, every_kind(session)[:1])

    seen = {
        each.stack.frame_of_reference_uid: measures.on_stack(session.work, each)
        for each in session.studies.places()
        if each.key != place.key
    }

    assert len(seen) == 2
    assert seen[place.stack.frame_of_reference_uid] == session.work.measurements
    assert [found for uid, found in seen.items() if uid != place.stack.frame_of_reference_uid] == [
        ()
    ]
