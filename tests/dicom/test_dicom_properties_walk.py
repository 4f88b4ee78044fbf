"""The quick walk says what pydicom says, and learning from other headers never changes it."""

from __future__ import annotations

import warnings
from io import BytesIO
from itertools import count
from pathlib import Path

import pytest
from dicom_read_cases import save, slice_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medview.core.errors import UnreadableInstance
from medview.dicom.elements import ByteSource, Elements
from medview.dicom.instance import Instance, NotDicom, _read
from medview.dicom.keywords import wanted_tags
from medview.dicom.walk import files_below

_fresh = count()
SOP_CLASS = 0x00080016
Said = tuple[object, ...]


def walk(data: bytes, folder: str) -> Instance:
    """A header as the scan reads it; what was learnt in a folder is used in that folder alone."""
    return _read(f"{folder}/file", ByteSource("", data), wanted_tags())


def said_of(top: Elements) -> Said:
    """All that a walk has found, as plain values."""
    items = {tag: tuple(map(said_of, found)) for tag, found in top.sequences.items()}
    return (top.encoding, top.charsets, top.values, items, top.pixels, top.fault)


def outcome(data: bytes, folder: str) -> Said:
    """What a walk found, or why it found nothing."""
    try:
        instance = walk(data, folder)
    except UnreadableInstance as error:
        return (error.what.english(), error.tag)
    except NotDicom as reason:
        return (reason.args[0].english(),)
    return (instance.syntax, said_of(instance.elements))


def without_memory(data: bytes) -> Said:
    """The outcome where nothing was learnt before."""
    return outcome(data, f"fresh{next(_fresh)}")


def differences(data: bytes) -> list[str]:
    """Top-level wanted elements in which pydicom and a walk that fails nowhere differ."""
    instance = walk(data, f"fresh{next(_fresh)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = dcmread(BytesIO(data), stop_before_pixels=True, force=True)
        return [
            str(e.tag) for e in theirs.elements() if not _is_alike(theirs, e.tag, instance.elements)
        ]


def _is_alike(theirs: Dataset, tag: int, ours: Elements) -> bool:
    number = int(tag)
    if number not in wanted_tags() or number >> 16 == 2:
        return True
    raw = theirs.get_item(tag)
    if number == SOP_CLASS and not raw.value:
        return True  # ours takes the one of the meta header then
    if number in ours.sequences:
        value = theirs[tag].value
        return isinstance(value, Sequence) and len(value) == len(ours.sequences[number])
    if number in ours.values:
        return not raw.is_raw or (raw.value or b"") == ours.values[number][1]
    return number in (0x7FE00008, 0x7FE00009) or raw.VR in ("SQ", "UN")


@pytest.mark.slow
def test_every_real_file_is_walked_as_pydicom_reads_it(imaging_data: Path) -> None:
    found, compared = {}, 0
    for path in files_below([imaging_data]):
        data = Path(path).read_bytes()
        try:
            walk(data, "any")
        except (UnreadableInstance, NotDicom):
            continue
        compared += 1
        differ = differences(data)
        if differ:
            found[path] = differ
    assert compared > 100
    assert found == {}


def test_what_was_learnt_in_a_folder_changes_no_real_header(imaging_data: Path) -> None:
    for path in files_below([imaging_data]):
        with Path(path).open("rb") as file:
            data = file.read(1 << 16)
        learnt = outcome(data, str(Path(path).parent))
        assert learnt == outcome(data, str(Path(path).parent)), path
        assert learnt == without_memory(data), path


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Four slices of a series whose headers hold sequences, private elements and Latin-1."""
    folder = tmp_path_factory.mktemp("headers")
    made = []
    for k in range(4):
        item = Dataset()
        item.ReferencedSOPInstanceUID = f"1.2.3.{k}"
        one = slice_of(k, SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Ada")
        one.SourceImageSequence, one.ReferencedImageSequence = [item], [Dataset(), Dataset()]
        one["SourceImageSequence"].is_undefined_length = True
        one.add_new(0x00090010, "LO", "MAKER")
        one.add_new(0x00091001, "OB", bytes(range(64)))
        made.append(save(one, folder / f"{k}.dcm").read_bytes())
    return made


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_cut_or_changed_header_is_walked_the_same_whatever_was_learnt(
    headers: list[bytes], data: st.DataObject
) -> None:
    folder = "learnt"
    for whole in headers[:3]:
        outcome(whole, folder)
    changed = bytearray(headers[data.draw(st.integers(0, 3))])
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(changed[: data.draw(st.integers(0, len(changed)))])
    kept = bytes(changed) if data.draw(st.booleans()) else cut
    first = outcome(kept, folder)
    assert first == without_memory(kept)
    outcome(kept, folder)
    for whole in headers:  # a hostile header must not spoil its neighbours either
        assert outcome(whole, folder) == without_memory(whole)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.integers(132, 1400), value=st.integers(0, 255), which=st.integers(0, 3))
def test_a_changed_header_that_is_read_whole_is_read_as_pydicom_reads_it(
    headers: list[bytes], at: int, value: int, which: int
) -> None:
    changed = bytearray(headers[which])
    changed[min(at, len(changed) - 1)] = value
    try:
        instance = walk(bytes(changed), f"fresh{next(_fresh)}")
    except (UnreadableInstance, NotDicom):
        return
    if instance.elements.fault is None and instance.elements.pixels is not None:
        try:
            differ = differences(bytes(changed))
        except Exception:  # noqa: BLE001 - what pydicom refuses, it cannot be compared with
            return
        assert differ == []
