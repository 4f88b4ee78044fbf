"""From a file on the disk to its anatomy: preamble, meta header, which encoding the bytes have."""

from __future__ import annotations

import zlib
from itertools import product

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.dicom.doctor.anatomy import Anatomy, Dissection, Fault, Node, chain_length, read_head
from medview.dicom.elements import EXPLICIT, ByteSource, Encoding
from medview.dicom.instance import DEFLATED_LE, EXPLICIT_BE, IMPLICIT_LE
from medview.dicom.members import open_source

_ENCODINGS = tuple(Encoding(explicit=e, big=b) for b, e in product((False, True), (True, False)))
_STRAY = 16
_MOST_INFLATED = 1 << 28


def dissect(path: str, data: bytes | None = None) -> Anatomy | None:
    """Take a file (or its bytes) apart; None where it is not DICOM.

    The caller closes `source` of the result. Raises UnreadableInstance where the system refuses
    the file or the deflated data set cannot be inflated.
    """
    try:
        source = open_source(path, whole=True) if data is None else ByteSource(path, data)
    except OSError as error:
        raise UnreadableInstance(
            say("The system does not let MedView read this file."), path
        ) from error
    has_preamble = source.read(128, 4) == b"DICM"
    start, stray = (132, 0) if has_preamble else _without_preamble(source)
    if start is None:
        source.close()
        return None
    meta, offset, faults = _meta(source, start)
    made = Anatomy(
        path, source, EXPLICIT, has_preamble, meta, source, [], offset, faults=faults, stray=stray
    )
    made.declared_syntax = made.meta_text("TransferSyntaxUID")
    body = source
    if made.declared_syntax == DEFLATED_LE:
        body, offset = _inflated(path, source, offset), 0
    made.source, made.start = body, offset
    made.encoding = encoding_of(body, offset, made.declared_syntax)
    work = Dissection(body, made.encoding)
    made.nodes = work.data_set(offset)
    made.faults.extend(work.faults)
    return made


def _without_preamble(source: ByteSource) -> tuple[int | None, int]:
    """Where the first element stands in a file without preamble, and the stray bytes before it."""
    for stray in range(min(_STRAY, source.size)):
        group = source.read(stray, 2)
        if group not in (b"\x02\0", b"\x08\0", b"\0\x08"):
            continue
        if any(chain_length(source, stray, encoding) >= 3 for encoding in _ENCODINGS):
            return stray, stray
    return None, 0


def _meta(source: ByteSource, offset: int) -> tuple[list[Node], int, list[Fault]]:
    """The file meta information, group 2 (PS3.10 7.1), as far as it goes."""
    nodes: list[Node] = []
    faults: list[Fault] = []
    while True:
        head = read_head(source, offset, EXPLICIT)
        if head is None or head.tag >> 16 != 2:
            return nodes, offset, faults
        if head.start + head.length > source.size:
            faults.append(Fault("cut", head.tag, offset, head.length, source.size - head.start))
            return nodes, source.size, faults
        nodes.append(Node(head.tag, head.vr, offset, head.start, head.length))
        offset = head.start + head.length


def _inflated(path: str, source: ByteSource, offset: int) -> ByteSource:
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = machine.decompress(source.read(offset, source.size), _MOST_INFLATED)
    except zlib.error as error:
        raise UnreadableInstance(say("The deflated data set is damaged."), path) from error
    if machine.unconsumed_tail:
        raise UnreadableInstance(say("The deflated data set is larger than MedView accepts."), path)
    return ByteSource(path, data)


def declared_encoding(syntax: str) -> Encoding:
    """How the data set is written by its label (PS3.5 section 10)."""
    return Encoding(explicit=syntax != IMPLICIT_LE, big=syntax == EXPLICIT_BE)


def encoding_of(source: ByteSource, offset: int, syntax: str) -> Encoding:
    """The encoding in which the most elements make sense; the label's where it is as good."""
    first = declared_encoding(syntax)
    order = [first, *(encoding for encoding in _ENCODINGS if encoding != first)]
    return max(order, key=lambda encoding: chain_length(source, offset, encoding))
