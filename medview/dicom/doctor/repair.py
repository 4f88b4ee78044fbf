"""Repaired copies: what can honestly be put right, written beside, listed inside the copy.

Pixels are never invented and identity is never guessed. What changes an attribute keeps the old
value in the Original Attributes Sequence (PS3.3 C.12.1.1.9); every copy names MedView and its
repairs in the Contributing Equipment Sequence (C.12.1.1.5).
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medview import __version__
from medview.core.archive import MARK
from medview.core.errors import InvalidInput, MedViewError, UnreadableInstance
from medview.core.files import write_whole
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import Sentence, say
from medview.dicom.doctor.anatomy import Anatomy, Item, Node
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.characters import CHARSET, TEXT_VRS, foreign_texts
from medview.dicom.doctor.examine import Examination
from medview.dicom.doctor.finding import Edit, FileReason, Finding
from medview.dicom.doctor.meta import SYNTAX_TAG, syntax_of
from medview.dicom.doctor.opening import dissect
from medview.dicom.doctor.rewrite import file_bytes, in_order, offset_table
from medview.dicom.elements import PIXEL_TAGS
from medview.dicom.instance import DIRECTORY
from medview.dicom.uids import derived_uid

_LARGEST_FILE = 1 << 30
_ORIGINALS, _EQUIPMENT = 0x04000561, 0x0018A001
_SIGNATURES = 0xFFFAFFFA
_SOP, _SERIES = 0x00080018, 0x0020000E
# Findings that say that something is lost: a copy would look sound and hide it.
_LOSSES = frozenset(("file.cut", "file.no-element", "file.sequence-damaged", "pixel.short",
                     "stream.end", "stream.frames"))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCopy:
    """One file that gets a copy. moves: whether order or place change, so that the whole series
    gets UIDs of its own; repairs: the findings that it answers (may be none of its own)."""

    path: str
    repairs: tuple[Finding, ...]
    moves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What repairing would write, and which files are left as they are with the reason."""

    copies: tuple[PlannedCopy, ...] = ()
    left: tuple[FileReason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedCopy:
    """A copy that was written."""

    source: str
    file: str
    repairs: tuple[Finding, ...]
    has_new_uids: bool

    def to_json(self) -> dict[str, Any]:
        """One entry of `repaired` in `medview.doctor/1`."""
        return {
            "source": self.source,
            "file": self.file,
            "new_uids": self.has_new_uids,
            "repairs": [
                {"check": f.check.id, "tag": f.tag, "what": f.what.english(),
                 "done": f.check.repair.english() if f.check.repair else ""}
                for f in self.repairs
            ],
        }  # fmt: skip


def plan_repairs(examination: Examination) -> Plan:
    """Which files can get a repaired copy. Files that lost something get none."""
    wanted: dict[str, list[Finding]] = defaultdict(list)
    for finding in examination.findings:
        if finding.is_repairable:
            wanted[finding.path].append(finding)
    moved = {
        examination.series.get(path, "")
        for path, findings in wanted.items()
        if any(f.edit is not None and f.edit.moves for f in findings)
    } - {""}
    for path, uid in examination.series.items():
        if uid in moved:
            wanted.setdefault(path, [])
    copies, left = [], []
    lost = {finding.path for finding in examination.findings if finding.check.id in _LOSSES}
    for path in sorted(wanted):
        said = say("Part of the file is lost; a copy would hide that.")
        reason = said if path in lost else _why_not(path)
        if reason is not None:
            left.append(FileReason(path=path, reason=reason))
            continue
        copies.append(
            PlannedCopy(
                path=path, repairs=tuple(wanted[path]), moves=examination.series.get(path) in moved
            )
        )
    return Plan(copies=tuple(copies), left=tuple(left))


def _why_not(path: str) -> Sentence | None:
    """Why a file gets no copy, in English; None where it may have one."""
    try:
        anatomy = dissect(path)
    except UnreadableInstance as error:
        return error.what
    if anatomy is None:
        return say("Not a DICOM file.")
    with anatomy.source, anatomy.meta_source:
        if not anatomy.is_whole or not anatomy.nodes:
            said = say("Part of the file is lost; a copy would hide that.")
        elif DIRECTORY in (anatomy.meta_text("MediaStorageSOPClassUID"),):
            said = say("A DICOMDIR points to bytes of its own; it has to be made anew.")
        elif anatomy.find(_SIGNATURES) is not None:
            said = say("The file is signed; a changed copy would break the signature.")
        elif anatomy.source.size > _LARGEST_FILE:
            said = say("The file is larger than 1 GiB.")
        elif not (anatomy.declared_syntax or syntax_of(anatomy.encoding)):
            said = say("No transfer syntax names what the bytes are.")
        elif _conflicting_doubles(anatomy):
            said = say("An element stands twice with different values; which is right is unknown.")
        else:
            return None
    return said


def _conflicting_doubles(anatomy: Anatomy) -> bool:
    known: dict[int, bytes] = {}
    for node in anatomy.nodes:
        raw = anatomy.value(node) if node.items is None and node.fragments is None else b"?"
        if node.tag in known and (known[node.tag] != raw or raw == b"?"):
            return True
        known[node.tag] = raw
    return False


def repair(
    plan: Plan,
    sources: Sequence[Path],
    out: Path,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> tuple[RepairedCopy, ...]:
    """Write the planned copies below `out`, each whole or not at all.

    Raises InvalidInput where `out` lies inside a source or would overwrite a file, WriteFailed
    (full disk) with what was written before kept, and Cancelled.
    """
    targets = _targets(plan, sources, out)
    made = []
    for number, planned in enumerate(plan.copies):
        if cancel is not None:
            cancel.check()
        target = targets[planned.path]
        write_whole(target, repaired_bytes(planned))
        made.append(
            RepairedCopy(
                source=planned.path,
                file=str(target),
                repairs=planned.repairs,
                has_new_uids=planned.moves,
            )
        )
        progress(number + 1, len(plan.copies), "")
    return tuple(made)


def _targets(plan: Plan, sources: Sequence[Path], out: Path) -> dict[str, Path]:
    real = Path(os.path.realpath(out))
    found = {}
    for source in sources:
        root = Path(os.path.realpath(source))
        if real == root or (root.is_dir() and real.is_relative_to(root)):
            raise InvalidInput(
                say("Repaired copies cannot be written into the folder that they are made from"),
                str(out),
                say("Choose another folder."),
            )
    taken: set[Path] = set()
    for planned in plan.copies:
        target = out / _relative(planned.path, sources)
        while target in taken:  # two folders were given that hold equal names
            target = target.with_name(f"{target.stem}-2{target.suffix}")
        if os.path.lexists(target):
            raise InvalidInput(
                say("A file is there already; nothing was written"), str(target),
                say("Choose an empty folder."),
            )  # fmt: skip
        taken.add(target)
        found[planned.path] = target
    return found


def _relative(path: str, sources: Sequence[Path]) -> Path:
    if MARK in path:  # a member of an archive, whose name may try to lead elsewhere
        parts = re.split(r"[/\\:]", path.partition(MARK)[2])
        return Path(*(part for part in parts if part not in ("", ".", "..")))
    for source in sources:
        if source.is_dir() and Path(path).is_relative_to(source):
            return Path(path).relative_to(source)
    return Path(Path(path).name)


def repaired_bytes(planned: PlannedCopy) -> bytes:
    """The copy's bytes. Raises MedViewError where they would not be what was planned."""
    anatomy = dissect(planned.path)
    if anatomy is None or not anatomy.is_whole:
        raise MedViewError(say("The file has changed since it was examined."), planned.path)
    with anatomy.source, anatomy.meta_source:
        syntax = anatomy.declared_syntax or syntax_of(anatomy.encoding)
        nodes = in_order(anatomy.nodes)
        originals: list[Node] = []
        for edit in _edits(planned, anatomy):
            if edit.tag == SYNTAX_TAG:
                syntax = edit.value
            else:
                nodes = _edited(anatomy, nodes, edit, originals)
        if any(finding.check.id == "stream.offset-table" for finding in planned.repairs):
            frames = max(1, anatomy.top.integer("NumberOfFrames", 1))
            nodes = [_with_table(node, frames) for node in nodes]
        nodes = _signed(nodes, originals, planned.repairs)
        made = file_bytes(anatomy, nodes, syntax)
        _prove(anatomy, made, planned.path)
    return made


def _edits(planned: PlannedCopy, anatomy: Anatomy) -> list[Edit]:
    edits = [f.edit for f in planned.repairs if f.edit is not None]
    if planned.moves:
        # A copy that programs place or order otherwise must not pass for the original.
        for tag, keyword in ((_SOP, "SOPInstanceUID"), (_SERIES, "SeriesInstanceUID")):
            old = anatomy.top.text(keyword)
            if old:
                uid = derived_uid("medview doctor", keyword, old)
                edits.append(Edit(tag=tag, vr="UI", value=uid))
    return edits


def _edited(anatomy: Anatomy, nodes: list[Node], edit: Edit, originals: list[Node]) -> list[Node]:
    """The nodes with one value set; the old one goes to `originals`."""
    term, _, codec = edit.value.partition("|")
    if edit.tag == CHARSET and codec:
        nodes = _converted(anatomy, nodes, codec, originals)
    old = next((node for node in nodes if node.tag == edit.tag), None)
    originals.append(old if old is not None else Node(edit.tag, edit.vr, raw=b""))
    kept = [node for node in nodes if node.tag != edit.tag]
    return in_order([*kept, Node(edit.tag, edit.vr, raw=term.encode("ascii"))])


def _converted(
    anatomy: Anatomy, nodes: list[Node], codec: str, originals: list[Node]
) -> list[Node]:
    """Texts in a code that DICOM does not know, as UTF-8; the old bytes go to `originals`."""
    changed = {id(node) for node, _, _ in foreign_texts(Case(anatomy, None))}

    def convert(node: Node) -> Node:
        if node.items is not None:
            items = [Item([convert(n) for n in i.nodes], i.is_undefined) for i in node.items]
            same = all(
                a is b
                for old, new in zip(node.items, items, strict=True)
                for a, b in zip(old.nodes, new.nodes, strict=True)
            )
            if same:
                return node
            made = copy(node)
            made.items = items
            return made
        if id(node) not in changed or node.vr not in TEXT_VRS:
            return node
        made = copy(node)
        made.raw = anatomy.source.read(node.start, node.length).decode(codec).encode("utf-8")
        return made

    found = [convert(node) for node in nodes]
    originals.extend(old for old, new in zip(nodes, found, strict=True) if old is not new)
    return found


def _with_table(node: Node, frames: int) -> Node:
    if node.tag not in PIXEL_TAGS or node.fragments is None:
        return node
    made = copy(node)
    made.raw = offset_table(node, frames)
    return made


def _signed(nodes: list[Node], originals: list[Node], repairs: Iterable[Finding]) -> list[Node]:
    """The nodes with what was changed, why, when and by whom."""
    now = dt.datetime.now().astimezone().strftime("%Y%m%d%H%M%S%z")
    done = "; ".join(dict.fromkeys(f"{f.check.id} {f.tag}".strip() for f in repairs))
    added = {_EQUIPMENT: _equipment(now, done or "copied with its series")}
    if originals:
        added[_ORIGINALS] = _original_item(now, originals)
    for tag, item in added.items():
        old = next((node for node in nodes if node.tag == tag), None)
        items = [*(old.items or ())] if old is not None else []
        made = Node(tag, "SQ", items=[*items, item])
        nodes = [*(node for node in nodes if node.tag != tag), made]
    return in_order(nodes)


def _text(tag: int, vr: str, value: str) -> Node:
    return Node(tag, vr, raw=value.encode("ascii", "replace"))


def _equipment(now: str, done: str) -> Item:
    purpose = Item([
        _text(0x00080100, "SH", "109103"),
        _text(0x00080102, "SH", "DCM"),
        _text(0x00080104, "LO", "Modifying Equipment"),
    ])  # fmt: skip
    return Item([
        _text(0x00080070, "LO", "MedView"),
        _text(0x00181020, "LO", __version__),
        _text(0x0018A002, "DT", now),
        _text(0x0018A003, "ST", f"medview doctor: {done}"[:1024]),
        Node(0x0040A170, "SQ", items=[purpose]),
    ])  # fmt: skip


def _original_item(now: str, originals: list[Node]) -> Item:
    """PS3.3 table C.12.1; the old texts stand beside the character set that was named for them."""
    return Item([
        Node(0x04000550, "SQ", items=[Item(in_order(originals))]),
        _text(0x04000562, "DT", now),
        _text(0x04000563, "LO", f"MedView {__version__}"),
        _text(0x04000564, "LO", ""),
        _text(0x04000565, "CS", "CORRECT"),
    ])  # fmt: skip


def _prove(anatomy: Anatomy, made: bytes, path: str) -> None:
    """The copy is whole, and its pixels are those of the source byte for byte."""
    copied = dissect(path, made)
    if copied is None or copied.faults or _pixels(copied) != _pixels(anatomy):
        raise MedViewError(say("The repaired copy would not be sound; it was not written"), path)


def _pixels(anatomy: Anatomy) -> list[bytes]:
    found = []
    for node in anatomy.nodes:
        if node.tag in PIXEL_TAGS:
            parts = (node.fragments or [])[1:] or [(node.start, node.length)]
            raws = [anatomy.source.read(start, length) for start, length in parts]
            found += [raw + b"\0" * (len(raw) % 2) for raw in raws]
    return found
