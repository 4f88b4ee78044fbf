"""The action for each element: PS3.15 Table E.1-1 (`resources/deidentification/`) with options."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import NamedTuple

from medview.core.paths import resources_dir
from medview.dicom.anonymize.options import Dates, Options


class Action(StrEnum):
    """What is done to one element."""

    REMOVE = "removed"
    EMPTY = "emptied"
    DUMMY = "replaced"
    UID = "new UID"
    KEEP = "kept"
    CLEAN = "cleaned"
    SHIFT = "shifted"


class Row(NamedTuple):
    """One attribute of the table; columns hold its letters."""

    tag: str
    keyword: str
    basic: str
    uids: str
    device: str
    institution: str
    patient: str
    dates: str
    shifted: str
    descriptors: str
    structured: str
    graphics: str
    private: str


# Compound actions depend on the attribute's type in its IOD. The strongest is taken: it is right
# for types 1, 2 and 3 alike, and as private as the weaker ones (docs/decisions/0026).
_STRONGEST = {
    "X": Action.REMOVE, "Z": Action.EMPTY, "D": Action.DUMMY, "U": Action.UID,
    "X/Z": Action.EMPTY, "X/D": Action.DUMMY, "Z/D": Action.DUMMY, "X/Z/D": Action.DUMMY,
    "X/Z/U*": Action.UID,
}  # fmt: skip


@cache
def table() -> dict[int, Row]:
    """Rows by tag; repeating and private groups are not in it."""
    path = resources_dir() / "deidentification" / "attributes.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = (Row(*line.split("\t")) for line in lines if line and line[0] in "0123456789ABCDEF")
    return {int(row.tag, 16): row for row in rows if "x" not in row.tag}


@cache
def is_in_dictionary(tag: int) -> bool:
    """Whether the element is a public one that the DICOM dictionary knows."""
    from pydicom.datadict import dictionary_has_tag

    return bool(dictionary_has_tag(tag))


@cache
def action_for(tag: int, options: Options) -> Action:
    """The action for a public element. Elements that no dictionary knows are removed."""
    group = tag >> 16
    if group & 1 or group < 8 or (group & 0xFF00) in (0x5000, 0x6000):
        return Action.REMOVE
    row = table().get(tag)
    if row is None:
        return _beyond_the_table(tag, options) if is_in_dictionary(tag) else Action.REMOVE
    return _by_option(row, options) or _STRONGEST[row.basic]


# Retired, or of objects that the table does not look at: a birth date in another calendar, numbers
# of orders, who prints, addresses, the originals of what was changed before.
_TELLING = frozenset((0x00100033, 0x00100034, 0x00401006, 0x00401007, 0x00402006, 0x00402007,
                      0x00181803, 0x21000160, 0x04000500, 0x04000510, 0x04000520))  # fmt: skip
_OF_DATES = {Dates.REMOVE: Action.REMOVE, Dates.SHIFT: Action.SHIFT, Dates.KEEP: Action.KEEP}
_TEXT_VALUE = 0x0040A160


def _beyond_the_table(tag: int, options: Options) -> Action:
    """The table lists no retired elements and few of industry: names, dates, comments go too."""
    from pydicom.datadict import dictionary_VR, keyword_for_tag

    vr = dictionary_VR(tag)
    if tag == _TEXT_VALUE or vr == "PN":
        return Action.DUMMY
    if vr in ("DA", "DT", "TM"):
        return _OF_DATES[options.dates]
    is_free_text = vr in ("LT", "ST", "UT") and keyword_for_tag(tag).endswith(_REMARKS)
    if is_free_text:
        return Action.CLEAN if options.descriptors else Action.REMOVE
    return Action.REMOVE if tag in _TELLING or vr == "UR" else Action.KEEP


_REMARKS = ("Comment", "Comments", "CommentTrial", "Notes", "Step", "Reason", "Trial")


def _by_option(row: Row, options: Options) -> Action | None:
    """What a chosen option says instead of the basic profile."""
    columns = [
        options.uids and row.uids,
        options.device and row.device,
        options.institution and row.institution,
        options.patient and row.patient,
        options.dates is Dates.KEEP and row.dates,
        options.descriptors and row.descriptors,
    ]
    if options.dates is Dates.SHIFT and row.shifted == "C":
        return Action.SHIFT  # also what a device would keep: its calibrations stay in step
    if "K" in columns:
        return Action.KEEP
    return Action.CLEAN if "C" in columns else None


@cache
def safe_private() -> frozenset[tuple[str, int, int]]:
    """(creator, group, low byte of the element) of private elements that are known to be safe."""
    path = resources_dir() / "deidentification" / "safe_private.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()[2:]
    rows = (line.split("\t") for line in lines if line)
    return frozenset((creator, int(group, 16), int(low, 16)) for creator, group, low, _ in rows)
