"""Objects go to a DICOM node that was set up, and only there; what it does not take is said.

The node is pynetdicom's own, in this process, on the loopback interface: the one place of the
suite where a socket is let through, and that address alone.
"""

from __future__ import annotations

import gc
import shutil
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import CTImageStorage, MRImageStorage, Verification

from medview.core.errors import Cancelled, InvalidInput, MedViewError
from medview.core.progress import CancelToken, no_progress
from medview.dicom.nodes import Node, echo, read_node, send

pytestmark = [
    pytest.mark.allow_hosts(["127.0.0.1"]),
    # pynetdicom leaves the socket of a connection that failed or broke to the interpreter.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


class Archive:
    """A node that keeps what it gets in memory. answer: the status of each C-STORE."""

    def __init__(self) -> None:
        self.got: list[pydicom.Dataset] = []
        self.asked: list[str] = []  # who asked whether it is there, by AE title
        self.answer: Callable[[], int] = lambda: 0
        self._entity = AE("ARCHIVE")
        self._entity.add_supported_context(Verification)
        handlers: list[Any] = [(evt.EVT_C_STORE, self._store), (evt.EVT_C_ECHO, self._hear)]
        self.server = self._entity.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=handlers
        )
        self.node = Node("The archive", "ARCHIVE", "127.0.0.1", self.server.server_address[1])

    def takes(self, classes: dict[str, list[str]], *, strict: bool = False) -> Archive:
        """Begin anew: these classes in these transfer syntaxes, under its own name alone."""
        self.got, self.asked, self.answer = [], [], lambda: 0
        self._entity.require_called_aet = strict
        self.server.contexts = [build_context(name, forms) for name, forms in classes.items()]
        return self

    def _hear(self, event: Any) -> int:
        self.asked.append(event.assoc.requestor.ae_title)
        return 0

    def _store(self, event: Any) -> int:
        data = event.dataset
        data.file_meta = event.file_meta
        status = self.answer()
        if status == 0:
            self.got.append(data)
        return status


Nodes = Callable[..., Archive]


@pytest.fixture(scope="module")
def archive(loopback: str) -> Iterator[Archive]:
    del loopback  # the node stands there
    made = Archive()
    yield made
    made.server.shutdown()
    gc.collect()  # sockets that were left (see above) end here, not in another module's test


@pytest.fixture
def nodes(archive: Archive) -> Nodes:
    return archive.takes


@pytest.fixture
def slices(imaging_data: Path, tmp_path: Path) -> list[Path]:
    """Three files of a real CT, with the tags as they came."""
    plain = sorted((imaging_data / "ct" / "head-small").iterdir())[:3]
    return [Path(shutil.copy(path, tmp_path / f"{n}.dcm")) for n, path in enumerate(plain)]


def sent(archive: Archive, paths: list[Any]) -> Any:
    return send(archive.node, [str(path) for path in paths], no_progress, CancelToken())


def _elements(data: pydicom.Dataset) -> dict[int, Any]:
    return {each.tag: each.value for each in data if each.tag.element}


def test_a_node_answers_an_echo(nodes: Nodes):
    archive = nodes({Verification: [IMPLICIT]})
    echo(archive.node, CancelToken())
    assert archive.asked == [archive.node.own_title]
    assert archive.got == []


def test_what_arrives_is_what_was_sent_and_the_files_stay_as_they_are(
    nodes: Nodes, slices: list[Path]
):
    before = [path.read_bytes() for path in slices]
    archive = nodes({CTImageStorage: [EXPLICIT, IMPLICIT]})
    result = sent(archive, slices)
    assert (result.taken, result.total, result.faults) == (3, 3, ())
    for path, got in zip(slices, archive.got, strict=True):
        own = pydicom.dcmread(path)
        # Group lengths are retired, and no writer hands them on.
        assert _elements(got) == _elements(own)
    assert [path.read_bytes() for path in slices] == before


def test_a_node_of_the_implicit_form_alone_gets_it_in_that(nodes: Nodes, slices: list[Path]):
    archive = nodes({CTImageStorage: [IMPLICIT]})
    assert sent(archive, slices).taken == 3
    assert archive.got[0].file_meta.TransferSyntaxUID == IMPLICIT
    own = pydicom.dcmread(slices[0])
    assert np.array_equal(archive.got[0].pixel_array, own.pixel_array)


def test_a_file_in_an_archive_is_sent_from_there(nodes: Nodes, slices: list[Path], tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(slices[0], "a/1.dcm")
    archive = nodes({CTImageStorage: [EXPLICIT, IMPLICIT]})
    assert sent(archive, [f"{tmp_path / 'study.zip'}!/a/1.dcm"]).taken == 1
    assert archive.got[0].SOPInstanceUID == pydicom.dcmread(slices[0]).SOPInstanceUID


def test_what_is_not_taken_is_counted_with_its_reason_and_the_rest_goes_on(
    nodes: Nodes, slices: list[Path], imaging_data: Path, tmp_path: Path
):
    other = next(iter(sorted((imaging_data / "mr" / "brain-t1-pre").iterdir())))
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(b"nothing of DICOM")
    archive = nodes({CTImageStorage: [EXPLICIT, IMPLICIT]})
    answers = iter([0, 0xA700, 0])
    archive.answer = lambda: next(answers)
    result = sent(archive, [other, *slices, broken, tmp_path / "gone.dcm"])
    assert (result.taken, result.total) == (2, 6)
    assert {str(said): count for said, count in result.faults} == {
        "The file is no DICOM object, or it could not be read.": 2,
        "The node does not take this kind of object, or not in this compression.": 1,
        "The node has no room for it.": 1,
    }


def test_a_second_association_that_is_refused_is_counted_beside_what_the_first_took(
    nodes: Nodes, slices: list[Path], tmp_path: Path
):
    """One association names 128 kinds; here are more, of which the node knows the first."""
    paths = [slices[0]]
    for number in range(129):
        strange = pydicom.dcmread(slices[1], stop_before_pixels=True)
        strange.SOPClassUID = strange.file_meta.MediaStorageSOPClassUID = f"1.2.3.{number}"
        paths.append(tmp_path / f"strange{number}.dcm")
        strange.save_as(paths[-1])
    result = sent(nodes({CTImageStorage: [EXPLICIT, IMPLICIT]}), paths)
    assert (result.taken, result.total) == (1, 130)
    assert sum(count for _, count in result.faults) == 129


def test_an_object_stored_with_a_warning_counts_as_taken(nodes: Nodes, slices: list[Path]):
    archive = nodes({CTImageStorage: [EXPLICIT, IMPLICIT]})
    archive.answer = lambda: 0xB000
    assert sent(archive, slices[:1]).taken == 1


def test_a_node_of_another_name_says_so(nodes: Nodes, slices: list[Path]):
    archive = nodes({CTImageStorage: [EXPLICIT]}, strict=True)
    wrong = Node("x", "SOMEONE", "127.0.0.1", archive.node.port)
    with pytest.raises(MedViewError, match="does not go by this AE title"):
        send(wrong, [str(slices[0])], no_progress, CancelToken())


def test_a_node_that_takes_none_of_it_says_so(nodes: Nodes, slices: list[Path]):
    archive = nodes({MRImageStorage: [EXPLICIT]})
    with pytest.raises(MedViewError, match="none of these kinds"):
        sent(archive, slices)


def test_where_nobody_listens_host_and_port_are_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(MedViewError, match=rf"127.0.0.1, port {port}"):
        echo(Node("x", "ARCHIVE", "127.0.0.1", port), CancelToken())


@pytest.mark.parametrize("host", ["a..b", "127.0.0.999"])
def test_a_host_that_has_no_address_is_one_that_does_not_answer(host: str):
    with pytest.raises(MedViewError, match=f"No DICOM node answers at {host}"):
        echo(Node("x", "ARCHIVE", host, 104), CancelToken())


def test_files_that_are_cut_short_are_said_and_the_rest_goes_on(
    nodes: Nodes, slices: list[Path], tmp_path: Path
):
    packed = pydicom.dcmread(slices[0])
    packed.compress(RLELossless)
    packed.save_as(tmp_path / "packed.dcm")
    cut = [tmp_path / "cut.dcm", tmp_path / "cut-packed.dcm"]
    for path, whole in zip(cut, (slices[0], tmp_path / "packed.dcm"), strict=True):
        raw = whole.read_bytes()
        path.write_bytes(raw[: len(raw) * 2 // 3])
    archive = nodes({CTImageStorage: [EXPLICIT, IMPLICIT, RLELossless]})
    result = sent(archive, [*cut, slices[1]])
    assert (result.taken, result.total) == (1, 3)
    assert [each.SOPInstanceUID for each in archive.got] == [
        pydicom.dcmread(slices[1]).SOPInstanceUID
    ]
    assert "The file is cut short: a part of it is missing." in [str(s) for s, _ in result.faults]


def test_a_file_that_cannot_be_written_again_is_told_from_one_that_cannot_be_read(
    nodes: Nodes, slices: list[Path], tmp_path: Path
):
    raw = slices[0].read_bytes()
    at = raw.index(b"\x28\x00\x02\x00US")  # an item outside of any sequence, before the pixels
    odd = tmp_path / "odd.dcm"
    odd.write_bytes(raw[:at] + b"\xfe\xff\x00\xe0\x04\x00\x00\x00item" + raw[at:])
    result = sent(nodes({CTImageStorage: [EXPLICIT, IMPLICIT]}), [odd, slices[1]])
    assert result.taken == 1
    assert [str(said) for said, _ in result.faults] == [
        "An element of the file is not written as DICOM is: it cannot be sent on."
    ]


def test_a_node_that_hangs_up_between_two_objects_breaks_the_connection(
    nodes: Nodes, slices: list[Path]
):
    archive = nodes({CTImageStorage: [EXPLICIT, IMPLICIT]})

    def progress(done: int, _total: int, _what: str) -> None:
        if done == 1:
            for association in archive.server.active_associations:
                association.abort()

    with pytest.raises(MedViewError, match="1 of 3 objects"):
        send(archive.node, [str(path) for path in slices], progress, CancelToken())


def test_cancelling_ends_it_while_the_node_has_stopped_reading(
    loopback: str, slices: list[Path], tmp_path: Path
):
    """An object that the line cannot hold waits to be written until somebody reads."""
    large = pydicom.dcmread(slices[0])
    large.Rows = large.Columns = 4096
    large.PixelData = bytes(2 * 4096 * 4096)
    large.save_as(tmp_path / "large.dcm")
    cancel, go_on = CancelToken(), threading.Event()
    has_waited: list[bool] = []

    def hear(event: Any) -> None:
        if event.pdu.pdu_type == 4:  # P-DATA: the first part of the object
            cancel.cancel()
            has_waited.append(go_on.wait(30))

    entity = AE("ARCHIVE")
    entity.supported_contexts = [build_context(CTImageStorage, [EXPLICIT, IMPLICIT])]
    server = entity.start_server(
        (loopback, 0), block=False, evt_handlers=[(evt.EVT_PDU_RECV, hear)]
    )
    try:
        node = Node("x", "ARCHIVE", loopback, server.server_address[1])
        with pytest.raises(Cancelled):
            send(node, [str(tmp_path / "large.dcm")], no_progress, cancel)
        assert has_waited == []  # it ended though nobody had read on
    finally:
        go_on.set()
        server.shutdown()


def test_a_connection_that_breaks_tells_how_much_arrived(nodes: Nodes, slices: list[Path]):
    archive = nodes({CTImageStorage: [EXPLICIT, IMPLICIT]})
    calls = iter(range(3))

    def answer() -> int:
        if next(calls) == 1:
            for association in archive.server.active_associations:
                association.abort()
        return 0

    archive.answer = answer
    with pytest.raises(MedViewError, match="1 of 3 objects"):
        sent(archive, slices)


def test_cancelling_ends_it_while_the_node_is_still_thinking(nodes: Nodes, slices: list[Path]):
    archive, cancel = nodes({CTImageStorage: [EXPLICIT, IMPLICIT]}), CancelToken()

    def answer() -> int:
        cancel.cancel()
        return 0

    archive.answer = answer
    with pytest.raises(Cancelled):
        send(archive.node, [str(path) for path in slices], no_progress, cancel)
    assert len(archive.got) <= 1


@pytest.mark.parametrize(
    ("place", "node"),
    [
        ("ARCHIVE@pacs.example:104", ("ARCHIVE", "pacs.example", 104)),
        ("MY ARCHIVE@10.0.0.7:11112", ("MY ARCHIVE", "10.0.0.7", 11112)),
        ("A@[fe80::1]:104", ("A", "fe80::1", 104)),
        ("A@[fe80::1%eth0]:104", ("A", "fe80::1%eth0", 104)),
    ],
)
def test_a_node_is_written_and_read_back(place: str, node: tuple[str, str, int]):
    read = read_node("x", place)
    assert (read.title, read.host, read.port) == node
    assert read.place == place


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("", "TITLE@HOST:PORT"),
        ("ARCHIVE", "TITLE@HOST:PORT"),
        ("A@b", "TITLE@HOST:PORT"),
        ("A@b c:104", "TITLE@HOST:PORT"),
        ("SEVENTEEN SIGNS 17@b:104", "1 to 16 plain"),
        ("A\\B@b:104", "1 to 16 plain"),
        ("MÜNCHEN@b:104", "1 to 16 plain"),
        ("A@b:0", "1 to 65535"),
        ("A@b:70000", "1 to 65535"),
    ],
)
def test_a_node_that_cannot_be_is_refused(place: str, said: str):
    with pytest.raises(InvalidInput, match=said):
        read_node("x", place)
