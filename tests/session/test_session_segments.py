"""A reader's segments: strokes, undo, the journal, and what a clicked nodule tells the scores."""

from __future__ import annotations

import stat
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from medview.core.errors import UnreadableInstance
from medview.core.geometry import VoxelIndex
from medview.core.paths import user_data_dir
from medview.core.progress import CancelToken
from medview.core.results import Label, LabelMap, ModelRef, ModelRun
from medview.core.study import StudyObject
from medview.core.words import say
from medview.imaging.segment.box import Box
from medview.imaging.segment.extent import Axes
from medview.imaging.segment.nodule import Nodule
from medview.session import Session
from medview.session.nodules import nodule_measurement
from medview.session.objects import save_objects
from medview.session.reporting import session_subject
from medview.session.segment_sources import from_runs, stored_segmentations
from medview.session.segmenting import Beginning, Segmenting
from medview.session.segments import PatchStore, Segment

CtFolder = Callable[..., Path]
WHOLE = Box((0, 0, 0), (5, 16, 20))


def opened(session: Session, folder: Path) -> Segmenting:
    session.open([folder])
    return session.segmenting


def voxels(session: Session, segment: Segment) -> np.ndarray:
    assert session.active is not None
    current = next(s for s in session.work.segments if s.id == segment.id)
    return session.segmenting.mask(session.active, current).read(WHOLE)


def paint(desk: Segmenting, box: Box, *, on: bool = True) -> None:
    segment = desk.active or desk.add("")
    assert segment is not None
    desk.strokes.begin(segment)
    desk.strokes.paint(box, np.ones(box.shape, bool), on=on)
    desk.strokes.end(say("Paint"))


def test_strokes_are_undone_and_done_again_one_by_one(
    session: Session, ct_folder: CtFolder
) -> None:
    desk = opened(session, ct_folder())
    paint(desk, Box((1, 2, 3), (1, 6, 6)))
    paint(desk, Box((1, 4, 5), (1, 2, 9)))
    paint(desk, Box((1, 3, 4), (1, 2, 2)), on=False)
    segment, book = desk.active, session.book
    assert segment is not None
    assert book is not None
    states = [voxels(session, segment)]
    for _ in range(2):
        book.undo()
        states.append(voxels(session, segment))
    assert [int(state.sum()) for state in states] == [46 - 4, 46, 36]
    book.redo()
    assert np.array_equal(voxels(session, segment), states[1])
    book.redo()
    assert np.array_equal(voxels(session, segment), states[0])


def test_stroke_that_is_given_up_leaves_the_segment_as_it_was(
    session: Session, ct_folder: CtFolder
) -> None:
    desk = opened(session, ct_folder())
    paint(desk, Box((2, 2, 2), (2, 4, 4)))
    segment, work = desk.active, session.work
    assert segment is not None
    before = voxels(session, segment)
    desk.strokes.begin(segment)
    desk.strokes.paint(Box((0, 0, 0), (5, 16, 20)), np.ones((5, 16, 20), bool), on=True)
    assert desk.strokes.cancel()
    assert np.array_equal(voxels(session, segment), before)
    assert session.work == work


def test_segments_come_back_after_a_restart(session: Session, ct_folder: CtFolder) -> None:
    folder = ct_folder()
    desk = opened(session, folder)
    paint(desk, Box((1, 2, 3), (3, 5, 7)))
    paint(desk, Box((2, 3, 4), (1, 2, 2)), on=False)
    segment = desk.active
    assert segment is not None
    desk.change(segment, say("Rename a segment"), name="Tumour", colour="#d55e00")
    before = voxels(session, segment)
    session.close()
    again = Session()
    again.open([folder])
    (found,) = again.work.segments
    assert (found.name, found.colour) == ("Tumour", "#d55e00")
    assert np.array_equal(voxels(again, found), before)
    files = list((user_data_dir() / "work").rglob("*.bits"))
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    again.close()


def test_missing_mask_file_is_said_in_words(session: Session, ct_folder: CtFolder) -> None:
    folder = ct_folder()
    desk = opened(session, folder)
    paint(desk, Box((1, 2, 3), (1, 5, 7)))
    session.close()
    for path in (user_data_dir() / "work").rglob("*.bits"):
        path.write_bytes(b"\x00" * 7)
    again = Session()
    again.open([folder])
    assert again.active is not None
    with pytest.raises(UnreadableInstance, match="missing"):
        again.segmenting.mask(again.active, again.work.segments[0])
    assert again.segmenting.label_maps(again.active) == []
    again.close()


def test_what_is_drawn_lies_where_it_was_painted(session: Session, ct_folder: CtFolder) -> None:
    desk = opened(session, ct_folder())
    box = Box((3, 5, 11), (1, 2, 3))
    paint(desk, box)
    place = session.active
    assert place is not None
    (drawn,) = desk.label_maps(place)
    here = drawn.geometry.to_patient_array(np.argwhere(drawn.voxels))
    indices = np.argwhere(np.ones(box.shape)) + np.array(box.first)
    assert np.allclose(here, place.stack.geometry.to_patient_array(indices))


def test_correcting_a_model_copies_its_mask_and_leaves_it_alone(
    session: Session, ct_folder: CtFolder
) -> None:
    desk = opened(session, ct_folder())
    place = session.active
    assert place is not None
    mask = np.zeros((5, 16, 20), np.uint8)
    mask[1:3, 4:9, 6:8] = 1
    mask[3, 2:4, 2:4] = 2
    labels = (Label(value=1, name="Liver", colour="#e69f00"), Label(value=2, name="Spleen",
                                                                    colour="#009e73"))  # fmt: skip
    run = ModelRun(
        id="r1",
        model=ModelRef(name="organs", version="2.0.0", manifest_sha256="0" * 64),
        series_uid=place.series.uid,
        stack=0,
        status="run",
        label_map=LabelMap(id="r1/0", geometry=place.stack.geometry, voxels=mask, labels=labels),
    )
    session.made.keep_run(place, run)
    kept = mask.copy()
    copies = desk.add_all(from_runs(place, [run], CancelToken()), say("Correct"), place)
    assert [(s.name, s.origin) for s in copies] == [
        ("Liver", "organs 2.0.0: Liver"),
        ("Spleen", "organs 2.0.0: Spleen"),
    ]
    assert copies[0].made_at
    paint(desk, Box((1, 4, 6), (1, 1, 1)), on=False)
    assert int(voxels(session, copies[0]).sum()) == 19
    assert np.array_equal(mask, kept)
    maps = desk.drawn(place, [run])
    assert all(label.hidden for label in maps[0].labels)
    assert len(maps) == 3


def test_many_strokes_become_one_patch(session: Session, ct_folder: CtFolder) -> None:
    desk = opened(session, ct_folder())
    for number in range(110):
        paint(desk, Box((number % 5, number % 14, number % 18), (1, 2, 2)))
    segment = desk.active
    assert segment is not None
    assert len(segment.patches) < 60
    expected = np.zeros((5, 16, 20), bool)
    for n in range(110):
        expected[n % 5, n % 14 : n % 14 + 2, n % 18 : n % 18 + 2] = True
    assert np.array_equal(voxels(session, segment), expected)


def test_patch_store_without_a_disk_keeps_patches_in_memory() -> None:
    store = PatchStore(None)
    bits = np.random.default_rng(1).random((3, 5, 7)) < 0.4
    patch = store.put(Box((1, 1, 1), (3, 5, 7)), bits)
    assert np.array_equal(store.get(patch), bits)


def nodule(session: Session, long_mm: float, short_mm: float) -> Nodule:
    assert session.active is not None
    geometry = session.active.stack.geometry
    middle = geometry.to_patient(VoxelIndex(2, 8, 10))
    axes = Axes(
        long_ends=(middle, middle),
        short_ends=(middle, middle),
        long_mm=long_mm,
        short_mm=short_mm,
        normal=(0.0, 0.0, 1.0),
        area_mm2=1.0,
    )
    return Nodule(
        centre=middle, mask=np.ones((1, 4, 8), bool), first=(2, 6, 6), axes=axes,
        volume_mm3=321.0, type="part-solid", solid_mm=4.1, attached=0.0, hu=20.0,
    )  # fmt: skip


def known(session: Session) -> dict[str, object]:
    return {o.concept: o.value for o in session.observations() if o.concept.startswith("nodule")}


def test_clicked_nodule_feeds_the_scores_and_follows_its_mask(
    session: Session, ct_folder: CtFolder
) -> None:
    desk = opened(session, ct_folder())
    assert session.active is not None
    found = nodule(session, 9.0, 6.1)
    begin = Beginning(
        voxels=(Box(found.first, (1, 4, 8)), found.mask),
        measurement=nodule_measurement(session.active, found, 1),
    )
    desk.add("Nodule 1", begin)
    assert known(session) == {
        "nodule_diameter_mean": 7.5,
        "nodule_diameter_max": 9.0,
        "nodule_volume": 321.0,
        "nodule_solid_part": 4.1,
        "nodule_type": "part-solid",
    }
    paint(desk, Box((2, 6, 14), (1, 4, 2)))
    after = known(session)
    # 10 columns of 0.8 mm and 4 rows of 0.5 mm; the outline runs along pixel edges.
    assert after["nodule_volume"] == pytest.approx(40 * 0.8 * 0.5 * 2.5)
    assert after["nodule_diameter_max"] == pytest.approx(8.0, abs=0.3)
    assert session.book is not None
    session.book.undo()
    assert known(session)["nodule_volume"] == 321.0
    segment = desk.active
    assert segment is not None
    desk.delete(segment)
    assert known(session) == {}


def test_largest_nodule_leads_and_its_axes_may_be_moved(
    session: Session, ct_folder: CtFolder
) -> None:
    desk = opened(session, ct_folder())
    assert session.active is not None
    for number, size in enumerate((5.0, 12.0, 8.0), start=1):
        measured = nodule_measurement(session.active, nodule(session, size, size), number)
        desk.add("", Beginning(measurement=measured))
    assert known(session)["nodule_diameter_mean"] == 12.0


def places_in(path: Path) -> dict[str, np.ndarray]:
    """Millimetres (LPS) of every set pixel of a SEG by segment label, from the file's own words."""
    dataset = dcmread(path)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    across, down = np.array(
        shared.PlaneOrientationSequence[0].ImageOrientationPatient, float
    ).reshape(2, 3)
    rows, columns = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    names = {int(s.SegmentNumber): str(s.SegmentLabel) for s in dataset.SegmentSequence}
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
    size = int(dataset.Rows) * int(dataset.Columns)
    found: dict[str, list[np.ndarray]] = {name: [] for name in names.values()}
    for number, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        label = names[int(frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber)]
        corner = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        picture = bits[number * size : (number + 1) * size].reshape(dataset.Rows, dataset.Columns)
        j, i = np.nonzero(picture)
        found[label].append(corner + i[:, None] * columns * across + j[:, None] * rows * down)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def sorted_points(points: np.ndarray) -> np.ndarray:
    return points[np.lexsort(np.round(points, 3).T)]


def test_saved_segments_lie_where_they_were_painted_and_come_back(
    session: Session, ct_folder: CtFolder, tmp_path: Path
) -> None:
    """An F in every axis: no mirrored mask looks like it."""
    folder = ct_folder()
    desk = opened(session, folder)
    letter = np.zeros((5, 16, 20), bool)
    letter[1:4, 2:13, 3:5] = True
    letter[1:4, 2:4, 3:12] = True
    letter[1, 6:8, 3:9] = True
    drawn = desk.add("F", Beginning(voxels=(WHOLE, letter)))
    paint(desk, Box((1, 2, 3), (1, 1, 1)), on=False)
    square = (Box((2, 2, 2), (2, 5, 5)), np.ones((2, 5, 5), bool))
    other = desk.add("Overlap", Beginning(voxels=square))
    assert drawn is not None
    assert other is not None
    before = {s.name: voxels(session, s) for s in (drawn, other)}
    subject = session_subject(session)
    assert subject is not None
    out = tmp_path / "out"
    out.mkdir()
    assert save_objects(subject, out).objects == 1
    (path,) = out.glob("*seg.dcm")
    k, j, i = np.nonzero(before["F"])
    # As the fixture's headers say: -100, -100, -50; 0.8 mm across, 0.5 down, 2.5 between slices.
    truth = np.stack([-100 + 0.8 * i, -100 + 0.5 * j, -50 + 2.5 * k], axis=1)
    assert np.allclose(sorted_points(places_in(path)["F"]), sorted_points(truth), atol=1e-3)
    for segment in (drawn, other):
        desk.delete(segment)
    assert session.active is not None
    item = StudyObject(kind="SEG", uid="1.2", path=str(path))
    found, notes = stored_segmentations(session.active, (item,), CancelToken())
    assert notes == [] or "overlap" in notes[0].english()
    back = desk.add_all(found, say("Take up"))
    assert {s.name: voxels(session, s).tobytes() for s in back} == {
        name: mask.tobytes() for name, mask in before.items()
    }


def test_segmentation_of_other_images_or_another_patient_is_left_out_in_words(
    session: Session, ct_folder: CtFolder, tmp_path: Path
) -> None:
    folder = ct_folder()
    desk = opened(session, folder)
    paint(desk, Box((1, 2, 3), (2, 4, 4)))
    subject = session_subject(session)
    assert subject is not None
    save_objects(subject, tmp_path)
    (path,) = tmp_path.glob("*seg.dcm")
    dataset = dcmread(path)
    spoiled = {
        "another patient": lambda d: setattr(d, "PatientID", "SOMEBODY ELSE"),
        "other images": lambda d: setattr(
            d.ReferencedSeriesSequence[0], "SeriesInstanceUID", "1.2.3"
        ),
        "another grid": lambda d: setattr(
            d.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0],
            "ImagePositionPatient",
            [-100, -100, 500],
        ),
        "cannot be read": lambda d: setattr(d, "NumberOfFrames", 900),
    }
    for words, spoil in spoiled.items():
        copy = deepcopy(dataset)
        spoil(copy)
        copy.save_as(tmp_path / "spoiled.dcm")
        item = StudyObject(kind="SEG", uid="1.2", path=str(tmp_path / "spoiled.dcm"))
        assert session.active is not None
        found, notes = stored_segmentations(session.active, (item,), CancelToken())
        assert found == []
        assert words in notes[0].english()
