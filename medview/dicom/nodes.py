"""DICOM nodes that the user set up: where they are, and objects that are sent there (C-STORE).

The one place of MedView that opens a connection, and only to a node that the user named. What is
sent is what lies in the files, unchanged: where the node takes another uncompressed little-endian
form than a file's, it is written in that; pixels are never compressed or unpacked for it.
"""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medview.core.archive import open_binary
from medview.core.errors import InvalidInput, MedViewError
from medview.core.progress import CancelToken, Progress
from medview.core.words import Sentence, say

if TYPE_CHECKING:
    from pydicom import Dataset
    from pynetdicom.association import Association

OWN_TITLE = "MEDVIEW"
# An AE title: up to 16 signs of the default repertoire, no backslash (PS3.5 section 6.2, VR AE).
_TITLE = re.compile(r"(?! )[\x20-\x5b\x5d-\x7e]{1,16}(?<! )")
_PLACE = re.compile(
    r"(?P<title>.+)@(?P<host>\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[^@:\s\[\]]+):(?P<port>\d{1,5})"
)
_CONNECT_S, _ANSWER_S, _LOOK_S = 10, 60, 0.05
_CONTEXTS_MOST = 128  # of one association (PS3.8 section 9.3.2.2: odd numbers to 255)
_EXPLICIT, _IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
_PLAIN = (_EXPLICIT, _IMPLICIT)
_VERIFICATION = "1.2.840.10008.1.1"


@dataclass(frozen=True, slots=True)
class Node:
    """A DICOM node: the user's name for it, its AE title, host and port, and ours towards it."""

    name: str
    title: str
    host: str
    port: int
    own_title: str = OWN_TITLE

    @property
    def place(self) -> str:
        """`TITLE@HOST:PORT`, as `read_node` reads it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.title}@{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Sent:
    """How many of how many objects the node took, and why it did not take the others."""

    taken: int
    total: int
    faults: tuple[tuple[Sentence, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Parcel:
    """One object of a file: what it is and how it is written."""

    path: str
    sop_class: str
    syntax: str

    @property
    def context(self) -> tuple[str, tuple[str, ...]]:
        """What must be agreed on for it: its class and the transfer syntaxes that will do."""
        return self.sop_class, _PLAIN if self.syntax in _PLAIN else (self.syntax,)


def read_node(name: str, place: str, own_title: str = OWN_TITLE) -> Node:
    """A node from `TITLE@HOST:PORT`. Raises InvalidInput saying which part is wrong."""
    match = _PLACE.fullmatch(place.strip())
    if match is None:
        raise InvalidInput(
            say("A DICOM node is written as TITLE@HOST:PORT."), place[:80],
            say("For example ARCHIVE@192.168.1.20:104."),
        )  # fmt: skip
    title, host, port = match["title"].strip(), match["host"].strip("[]"), int(match["port"])
    for each in (title, own_title):
        check_title(each)
    if not 1 <= port <= 65535:
        raise InvalidInput(say("A port is a number from 1 to 65535."), match["port"])
    return Node(name or place, title, host, port, own_title)


def check_title(title: str) -> None:
    """Raise InvalidInput for what no AE title may be."""
    if _TITLE.fullmatch(title) is None:
        raise InvalidInput(
            say("An AE title has 1 to 16 plain Latin letters, digits or signs, no backslash."),
            title[:40],
        )


def echo(node: Node, cancel: CancelToken) -> None:
    """Ask the node whether it is there (C-ECHO). Blocks. Raises MedViewError, Cancelled."""
    with _association(node, [(_VERIFICATION, _PLAIN)], cancel) as association:
        status = association.send_c_echo()
        cancel.check()
        if "Status" not in status:
            raise _silent(node)
        if status.Status != 0:
            raise MedViewError(_refusal(int(status.Status)), node.name)


def send(
    node: Node, paths: Sequence[str], progress: Progress, cancel: CancelToken,
    took: Callable[[str], None] = lambda _path: None,
) -> Sent:  # fmt: skip
    """Send files (also members of archives, `ARCHIVE!/MEMBER`) to a node, one after the other.

    What the node does not take is counted with its reason, and the rest goes on. Blocks. Raises
    MedViewError where no association comes about or it breaks (with how many were taken till
    then), Cancelled; what was taken before stays there. took: hears each path that was.
    """
    faults: list[Sentence] = []
    parcels: list[_Parcel] = []
    for path in paths:
        cancel.check()
        parcel = _heading(path)
        if parcel is None:
            faults.append(say("The file is no DICOM object, or it could not be read."))
        else:
            parcels.append(parcel)
    taken = 0
    lots = list(_lots(parcels))
    for lot in lots:
        try:
            with _association(node, [p.context for p in lot], cancel) as association:
                for parcel in lot:
                    progress(taken + len(faults), len(paths), str(say("Sending")))
                    fault = _store(association, parcel, node, (taken, len(paths)), cancel)
                    if fault is None:
                        taken += 1
                        took(parcel.path)
                    else:
                        faults.append(fault)
        except _NoneOfThese as error:
            if len(lots) == 1:
                raise
            faults += [error.what] * len(lot)
    progress(len(paths), len(paths), str(say("Sending")))
    counts = Counter(fault.english() for fault in faults)
    by_words = {fault.english(): fault for fault in faults}
    told = tuple((by_words[words], count) for words, count in counts.items())
    return Sent(taken, len(paths), told)


class _NoneOfThese(MedViewError):
    """The node takes no kind of object that an association was asked for."""


def _heading(path: str) -> _Parcel | None:
    """What a file holds, None where it is no object that could be sent."""
    try:
        with open_binary(path) as file:
            data = _read(file, ["SOPClassUID", "SOPInstanceUID"])
        if "SOPClassUID" not in data or "SOPInstanceUID" not in data:
            return None
        return _Parcel(path, str(data.SOPClassUID), _syntax(data))
    except Exception:  # noqa: BLE001 - whatever a stranger's file does to the reader
        return None


def _read(file: Any, tags: list[Any] | None = None) -> Dataset:
    from pydicom import dcmread

    return dcmread(file, force=True, stop_before_pixels=tags is not None, specific_tags=tags)


def _syntax(data: Dataset) -> str:
    meta = getattr(data, "file_meta", None)
    if meta is not None and "TransferSyntaxUID" in meta:
        return str(meta.TransferSyntaxUID)
    return _IMPLICIT if data.original_encoding[0] else _EXPLICIT


def _lots(parcels: Sequence[_Parcel]) -> Iterator[list[_Parcel]]:
    """Parcels in their order, cut where one association cannot name any more kinds."""
    lot: list[_Parcel] = []
    kinds: set[tuple[str, tuple[str, ...]]] = set()
    for parcel in parcels:
        if parcel.context not in kinds and len(kinds) == _CONTEXTS_MOST:
            yield lot
            lot, kinds = [], set()
        lot.append(parcel)
        kinds.add(parcel.context)
    if lot:
        yield lot


def _store(
    association: Association, parcel: _Parcel, node: Node, so_far: tuple[int, int],
    cancel: CancelToken,
) -> Sentence | None:  # fmt: skip
    """Send one object; why it was not taken, None where it was."""
    cancel.check()
    if not _is_agreed(association, parcel):
        return say("The node does not take this kind of object, or not in this compression.")
    try:
        with open_binary(parcel.path) as file:
            data = _read(file)
            if not data or _is_cut(data, parcel.syntax):
                return say("The file is cut short: a part of it is missing.")
            if "TransferSyntaxUID" not in getattr(data, "file_meta", {}):
                _name_syntax(data, parcel.syntax)
    except Exception:  # noqa: BLE001 - whatever a stranger's file does to the reader
        cancel.check()
        return say("The file is no DICOM object, or it could not be read.")
    try:
        status = association.send_c_store(data)
    except Exception:  # noqa: BLE001 - of what cannot be encoded, or of a connection that went
        cancel.check()
        if not association.is_established:
            raise _broken(node, so_far) from None
        return say("An element of the file is not written as DICOM is: it cannot be sent on.")
    cancel.check()
    if "Status" not in status:
        raise _broken(node, so_far)
    value = int(status.Status)
    # B000, B006, B007 are warnings: the object was stored (PS3.4 table B.2-1).
    return None if value == 0 or value & 0xF000 == 0xB000 else _refusal(value)


def _is_cut(data: Dataset, syntax: str) -> bool:
    """Whether plain pixels are fewer than the header says (PS3.3 section C.7.6.3)."""
    if syntax not in _PLAIN or "PixelData" not in data:
        return False
    bits = int(data.Rows) * int(data.Columns) * int(data.get("SamplesPerPixel", 1))
    bits *= int(data.BitsAllocated) * int(data.get("NumberOfFrames") or 1)
    if data.get("PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits * 2 // 3  # two pixels share their colour
    return len(data.PixelData) < (bits + 7) // 8


def _name_syntax(data: Dataset, syntax: str) -> None:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(syntax)


def _is_agreed(association: Association, parcel: _Parcel) -> bool:
    sop_class, syntaxes = parcel.context
    return any(
        str(context.abstract_syntax) == sop_class and str(context.transfer_syntax[0]) in syntaxes
        for context in association.accepted_contexts
    )


@contextmanager
def _association(
    node: Node, contexts: Sequence[tuple[str, tuple[str, ...]]], cancel: CancelToken
) -> Iterator[Association]:
    """An association that is released in the end, or broken off at once when it is cancelled."""
    cancel.check()
    association = _associate(node, list(dict.fromkeys(contexts)))
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_S):
            if cancel.is_cancelled:
                _hang_up(association)
                # Who waits for the node's answer is woken, as pynetdicom does itself; again and
                # again, since its own thread, which ends now, takes from the same queue.
                association.dimse.msg_queue.put((None, None))

    watcher = threading.Thread(target=watch, name="medview-node", daemon=True)
    watcher.start()
    try:
        yield association
    finally:
        done.set()
        watcher.join()
        if association.is_established:
            association.release()


def _hang_up(association: Association) -> None:
    """End it at once, also where the node has stopped reading and a part waits to be written."""
    line = getattr(getattr(association.dul, "socket", None), "socket", None)
    with suppress(OSError, AttributeError):
        line.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
    association.abort(block=False)


def _associate(node: Node, contexts: Sequence[tuple[str, tuple[str, ...]]]) -> Association:
    import logging

    from pynetdicom import AE

    logging.getLogger("pynetdicom").propagate = False  # what it says may name patients
    entity = AE(node.own_title)
    entity.connection_timeout = entity.acse_timeout = _CONNECT_S
    entity.dimse_timeout = entity.network_timeout = _ANSWER_S
    for sop_class, syntaxes in contexts:
        entity.add_requested_context(sop_class, list(syntaxes))
    try:
        association = entity.associate(node.host, node.port, ae_title=node.title)
    except (OSError, ValueError) as error:  # a host of no address, or no host name at all
        raise _silent(node) from error
    if association.is_established:
        return association
    if association.is_rejected:
        raise MedViewError(_rejection(association), node.name, _check_titles())
    if association.rejected_contexts:
        raise _NoneOfThese(
            say("The node takes none of these kinds of objects, or not in this compression."),
            node.name,
        )
    raise _silent(node)


def _rejection(association: Association) -> Sentence:
    """In words: result source and reason of PS3.8 table 9-21."""
    answer = association.acceptor.primitive
    told = (getattr(answer, "result_source", 0), getattr(answer, "diagnostic", 0))
    words = {
        (1, 3): say("The node does not know MedView's AE title."),
        (1, 7): say("The node does not go by this AE title."),
        (3, 1): say("The node is busy; try again later."),
        (3, 2): say("The node is busy; try again later."),
    }
    return words.get(told, say("The node refused to talk to MedView."))


def _check_titles() -> Sentence:
    return say("Compare the AE titles in the settings with those of the node.")


def _silent(node: Node) -> MedViewError:
    return MedViewError(
        say("No DICOM node answers at {host}, port {port}.", host=node.host, port=node.port),
        node.name,
        say("Check host and port in the settings, and whether the node is running."),
    )


def _broken(node: Node, so_far: tuple[int, int]) -> MedViewError:
    return MedViewError(
        say("The connection broke: {count} of {total} objects were taken.",
            count=so_far[0], total=so_far[1]),
        node.name,
        say("Send again; what the node has already is not doubled."),
    )  # fmt: skip


def _refusal(status: int) -> Sentence:
    """In words: the failures of PS3.4 table B.2-1 and PS3.7 annex C."""
    if status & 0xFF00 == 0xA700:
        return say("The node has no room for it.")
    if status & 0xFF00 == 0xA900:
        return say("The node says that the object does not fit its own kind.")
    if status == 0x0122:
        return say("The node does not take this kind of object, or not in this compression.")
    if status == 0x0124:
        return say("The node does not allow MedView to store anything.")
    return say("The node refused it (status {code}).", code=f"{status:04X}")
