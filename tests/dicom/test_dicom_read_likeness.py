"""Headers read by comparing them with their neighbours say what a walk of their own says."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from dicom_read_cases import save, save_series, slice_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from medview.core.errors import UnreadableInstance
from medview.core.study import Holdings
from medview.dicom import (
    arrange,
    doubts,
    frames,
    instance,
    modality,
    nuclear,
    overlays,
    patients,
    pixel_format,
    remembered,
    scan,
    scanning,
    stacks,
    suv,
    values,
)
from medview.dicom.elements import ByteSource, Elements, PixelPlace, file_stamp
from medview.dicom.instance import Instance, _read, open_instance
from medview.dicom.keywords import tag_of, wanted_tags
from medview.dicom.likeness import Likenesses
from medview.dicom.repeats import repeats_in

# Every work that is done once for headers that are alike, with the tags that it may look at.
WORKS = (
    (arrange._study_key, arrange._STUDY_TAGS),
    (arrange._series_uid, arrange._SERIES_TAGS),
    (doubts.is_measured, doubts._FORMAT_TAGS),
    (doubts.doubts_of_header, doubts.DOUBTED_TAGS),
    (modality._rescale_of_all, modality._RESCALE_TAGS),
    (frames._likeness, frames._LIKENESS_TAGS),
    (nuclear.is_nuclear, frames._NUCLEAR_TAGS),
    (frames._is_single, frames._COUNT_TAGS),
    (patients._said_of_patient, patients._ALL_TAGS),
    (pixel_format.format_of, frozenset(pixel_format.FORMAT_TAGS)),
    (remembered._table_of, remembered._ALL_TAGS),
    (overlays._speaks_of_one, overlays._ROW_TAGS),
    (scanning._role_of, scanning._ROLE_TAGS),
    (scanning._is_plain_image, scanning._IMAGE_TAGS),
    (stacks._frame_of_reference, stacks._REFERENCE_TAGS),
    (stacks._thickness, stacks._THICKNESS_TAGS),
    (stacks._is_lossy, stacks._LOSSY_TAGS),
    (suv._inputs, suv._INPUT_TAGS),
    (values._unit_words, values._UNIT_TAGS),
    (values._padding, values._PADDING_TAGS),
    (values._has_rescale, values._RESCALE_TAGS),
)


class Watched(dict[int, tuple[str, bytes]]):
    """Values that remember who was asked for."""

    def __init__(self, values: dict[int, tuple[str, bytes]]) -> None:
        super().__init__(values)
        self.asked: set[int] = set()

    def get(self, tag: int, *default: object) -> object:  # type: ignore[override]
        self.asked.add(tag)
        return super().get(tag, *default)

    def __getitem__(self, tag: int) -> tuple[str, bytes]:
        self.asked.add(tag)
        return super().__getitem__(tag)


@pytest.mark.parametrize(("work", "tags"), WORKS, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("missing", [None, "StudyInstanceUID", "Rows", "SOPClassUID"])
def test_what_is_worked_out_once_looks_at_no_other_elements(
    tmp_path: Path, work: object, tags: frozenset[int], missing: str | None
) -> None:
    made = slice_of(1, **({} if missing is None else {missing: None}))
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    whole = open_instance(str(save(made, tmp_path / "one"))).elements
    values = Watched({tag: value for tag, value in whole.values.items() if missing is None
                      or tag != tag_of(missing)})  # fmt: skip
    top = Elements(whole.encoding, values=values, pixels=whole.pixels)
    with suppress(UnreadableInstance):  # a header without rows is refused
        work(top)  # type: ignore[operator]
    assert values.asked <= tags


def series_of(kind: str, folder: Path) -> list[bytes]:
    """Six headers that differ as those of a series do, with a vendor's block between."""
    made = []
    for k in (0, 9, 99, 4, 5, 6):  # values of several lengths
        one = slice_of(k, PatientName="Müller^Ada", SpecificCharacterSet="ISO_IR 100")
        one.add_new(0x00090010, "LO", "MAKER")
        one.add_new(0x00091001, "OB", bytes(12_000) if kind == "long" else bytes(300 + 2 * k))
        item = Dataset()
        item.ReferencedSOPInstanceUID = "1.2.3"
        one.ReferencedImageSequence = [item]
        if kind == "unsure":
            one.PixelSpacing = [0.5, 0.5 + k]
            one.PatientID = f"P{k % 2}"
        made.append(save(one, folder / f"{kind}{k}.dcm").read_bytes())
    return made


KINDS = ("long", "grown", "unsure")


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    folder = tmp_path_factory.mktemp("alike")
    return {kind: series_of(kind, folder) for kind in KINDS}


def walk(data: bytes, folder: str) -> Instance:
    return _read(f"{folder}/file", ByteSource("", data), wanted_tags())


def outcome(data: bytes, folder: str) -> object:
    """What a header says, or why it cannot be read."""
    try:
        instance = walk(data, folder)
    except Exception as error:  # noqa: BLE001 - compared with the same without memory
        return (type(error).__name__, str(error))
    return (instance.syntax, instance.size, instance.elements)


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_a_series_are_read_by_comparing_them(
    headers: dict[str, list[bytes]], kind: str
) -> None:
    alone = [walk(whole, f"{kind}-{k}").elements for k, whole in enumerate(headers[kind])]
    for whole in headers[kind]:
        walk(whole, f"alike-{kind}")
    for whole, other in zip(headers[kind], alone, strict=True):
        top = walk(whole, f"alike-{kind}").elements
        assert top.alike is not None
        assert tag_of("SOPInstanceUID") in top.alike.varies
        assert tag_of("Rows") not in top.alike.varies
        assert isinstance(top.pixels, PixelPlace)
        assert top == other


def test_where_values_are_as_long_as_in_a_file_before_a_header_is_cut_at_once(
    headers: dict[str, list[bytes]],
) -> None:
    for kind in KINDS:
        for whole in headers[kind] * 3:
            walk(whole, f"cut-{kind}")
        known = repeats_in(f"cut-{kind}", wanted_tags()).likenesses
        known._all = ()  # nothing but the cuts is left
        for whole in headers[kind]:
            found = known.match(lambda count, at, whole=whole: whole[at : at + count], len(whole))
            assert found is not None
            assert found[0] == walk(whole, f"alone-{kind}").elements


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_cut_or_changed_neighbour_is_read_as_it_is_alone(
    headers: dict[str, list[bytes]], data: st.DataObject
) -> None:
    whole = headers[data.draw(st.sampled_from(KINDS))]
    for one in whole[:3]:
        outcome(one, "learnt")
    changed = bytearray(data.draw(st.sampled_from(whole)))
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(0, len(changed))) :]
    alone = outcome(bytes(changed), "alone")
    outcome(b"", "other")  # another folder begins anew
    for one in data.draw(st.sampled_from([whole[:3], [*whole, *whole, *whole]])):
        outcome(one, "learnt")
    assert outcome(bytes(changed), "learnt") == alone
    assert outcome(bytes(changed), "learnt") == alone
    outcome(b"", "other")
    for one in whole:
        outcome(one, "learnt")


def told(found: Holdings) -> list[object]:
    """All that a scan tells, files in the order of their names."""
    return [found.patients, found.ignored, found.unreadable, found.seen, found.dicom]


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"PatientID": lambda k: f"P{k % 3}"},
        {"ImageType": lambda k: ["ORIGINAL", "PRIMARY", "LOCALIZER" if k == 3 else "AXIAL"]},
        {"PixelSpacing": lambda k: [0.8, 0.5 if k % 2 else 0.7]},
        {"PixelRepresentation": lambda k: k % 2},
        {"RescaleSlope": lambda k: "none" if k == 5 else 1},
        {"StudyInstanceUID": lambda k: f"1.2.{k % 2 + 3}"},
        {"SeriesInstanceUID": lambda k: f"1.2.{k % 2 + 3}"},
        {"LossyImageCompression": lambda k: f"0{k % 2}"},
        {"FrameOfReferenceUID": lambda k: f"1.2.{k % 2 + 3}"},
        {"Rows": lambda k: 6 if k % 4 else 5},
    ],
    ids=lambda elements: next(iter(elements), "nothing"),
)
def test_a_scan_tells_the_same_whether_headers_are_alike_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elements: dict[str, object]
) -> None:
    for k in range(12):
        made = slice_of(k)
        for keyword, value in elements.items():
            if keyword == "RescaleSlope" and value(k) == "none":  # type: ignore[operator]
                made[keyword].VR = "LO"
            setattr(made, keyword, value(k))  # type: ignore[operator]
        save(made, tmp_path / f"{k:02}.dcm")
    scan([tmp_path])
    compared = told(scan([tmp_path]))
    monkeypatch.setattr(Likenesses, "match", lambda *_: None)
    assert told(scan([tmp_path])) == compared


def test_another_folder_teaches_nothing_to_this_one(tmp_path: Path) -> None:
    save_series(tmp_path / "one")
    save_series(tmp_path / "two")
    for name in ("one", "two"):
        first = min((tmp_path / name).iterdir())
        assert open_instance(str(first)).elements.alike is None
        for path in (tmp_path / name).iterdir():
            open_instance(str(path))


def test_a_file_written_to_while_its_header_is_read_is_not_taken_for_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_series(tmp_path / "one")
    paths = sorted(folder.iterdir())
    for path in paths:
        open_instance(str(path))

    def read_while_written(file: int, count: int, offset: int) -> bytes:
        read = os.pread(file, count, offset)
        paths[2].write_bytes(paths[1].read_bytes())
        return read

    monkeypatch.setattr(instance, "read_at", read_while_written)
    found = open_instance(str(paths[2]))
    assert found.elements.alike is not None
    assert found.stamp != file_stamp(paths[2].stat())


def test_a_length_of_gigabytes_is_not_asked_for(tmp_path: Path) -> None:
    made = []
    for k in range(3):
        one = slice_of(k)
        one.add_new(0x00281201, "OW", bytes(8 + 2 * k))  # of a palette: wanted, and of any length
        made.append(save(one, tmp_path / f"{k}.dcm").read_bytes())
        walk(made[-1], "long")
    at = made[2].index(b"\x28\x00\x01\x12OW") + 8
    source = ByteSource("", made[2][:at] + b"\xf0\xff\xff\xff" + made[2][at + 4 :])
    asked: list[int] = []

    def fetch(count: int, offset: int) -> bytes:
        asked.append(count)
        return source.read(offset, count)

    known = repeats_in("long", wanted_tags()).likenesses
    assert known.match(lambda count, offset: made[2][offset : offset + count]) is not None
    assert known.match(fetch) is None
    assert max(asked) < 1 << 20
