"""What is on the disk: patients, studies, series, stacks, objects, and what was not readable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isclose
from typing import NamedTuple

from medview.core.geometry import Geometry, PatientPoint
from medview.core.words import Sentence

VERDICTS = (
    "regular", "tilted", "non-uniform", "gaps", "duplicates", "single", "projection", "not-spatial",
)  # fmt: skip


class FrameRef(NamedTuple):
    """One picture of a stack: which file, which frame of it, where it lies.

    tile: for a slice cut out of a mosaic, its first row and column in the frame. A tuple, of which
    thousands are made in no time.
    """

    path: str
    frame: int = 0
    tile: tuple[int, int] | None = None
    sop_instance_uid: str = ""
    instance_number: int | None = None
    position: PatientPoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueScale:
    """Numbers in a unit: factor * value + offset, for values from low to high where they are given.

    table: the number of each of the even steps from low to high, where no line gives them; then
    low and high are there and factor and offset mean nothing. said: where it comes from.
    """

    unit: str
    factor: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None
    said: Sentence | None = None
    table: tuple[float, ...] = ()

    def of(self, value: float) -> float | None:
        """A value in this unit, None outside of what is mapped."""
        if self.low is not None and self.high is not None and not self.low <= value <= self.high:
            return None
        if self.table and self.low is not None and self.high is not None:
            steps = len(self.table) - 1
            share = (value - self.low) / (self.high - self.low) if steps else 0.0
            return self.table[round(share * steps)]
        return self.factor * value + self.offset

    def is_like(self, other: ValueScale) -> bool:
        """Whether both give the same numbers to a millionth."""
        if self.table or other.table:
            mine, theirs = replace(self, said=None), replace(other, said=None)
            return mine == theirs
        return self.unit == other.unit and all(
            isclose(one, two, rel_tol=1e-6, abs_tol=1e-9)
            for one, two in ((self.factor, other.factor), (self.offset, other.offset))
        )

    def after(self, factor: float) -> ValueScale:
        """The same scale for values that were multiplied by a factor before."""
        ends = (None if end is None else end * factor for end in (self.low, self.high))
        low, high = ends
        return replace(self, factor=self.factor / factor, low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of an ultrasound picture: first and last row and column, what a pixel is worth
    (between rows, between columns) in `units`: mm, s, or cm/s.

    zero_row: in a spectrum the row of velocity 0; signed_down: what a row further down adds.
    """

    rows: tuple[float, float]
    columns: tuple[float, float]
    spacing: tuple[float, float]
    units: tuple[str, str] = ("mm", "mm")
    zero_row: float | None = None
    signed_down: float = 0.0

    @property
    def is_length(self) -> bool:
        """Whether a distance in any direction is a length."""
        return self.units == ("mm", "mm")

    @property
    def extent(self) -> float:
        """Pixels that it covers."""
        return (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])

    def holds(self, row: float, column: float) -> bool:
        """Whether a place of the picture lies in it."""
        in_rows = self.rows[0] - 0.5 <= row <= self.rows[1] + 0.5
        return in_rows and self.columns[0] - 0.5 <= column <= self.columns[1] + 0.5


# Views of a breast as IHE MAMMO abbreviates CID 4014.
BREAST_VIEWS = ("CC", "MLO", "ML", "LM", "LMO", "FB", "SIO", "ISO", "XCCL", "XCCM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """How a picture without a place in the patient was taken.

    laterality: R, L, B or empty. view: CC, MLO, PA ... as its code or View Position says it.
    orientation: Patient Orientation (0020,0020), as in the file. conflict: what its elements say
    against each other.
    """

    laterality: str = ""
    view: str = ""
    orientation: str = ""
    conflict: Sentence | None = None

    @property
    def title(self) -> str:
        """Side and view, as films are marked: RMLO, LCC, R AP, PA."""
        side = self.laterality.replace("B", "")
        return f"{side}{self.view}" if self.view in BREAST_VIEWS else f"{side} {self.view}".strip()


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Frames that belong together in one grid, sorted along the normal.

    verdict is one of VERDICTS; notes say what a reader must know of it. factor: modality values
    of the files times this are in `unit` (1 but for SUV); values_said: where that comes from;
    scales: other units of such values.
    """

    frames: tuple[FrameRef, ...]
    geometry: Geometry
    verdict: str
    tilt_deg: float = 0.0
    unit: str = ""
    factor: float = 1.0
    values_said: Sentence | None = None
    scales: tuple[ValueScale, ...] = ()
    split_by: str | None = None
    transfer_syntax: str = ""
    photometric: str = ""
    stored_type: str = ""
    frame_of_reference_uid: str = ""
    notes: tuple[Sentence, ...] = ()
    badges: tuple[str, ...] = ()  # LOSSY, BURNED-IN, DERIVED, TILT, UNEVEN, GAPS ...
    calibration: str = "patient"  # patient, CAL, ERMF, EST, DETECTOR, SCAN, US, none, USER
    regions: tuple[Region, ...] = ()  # of ultrasound: outside of them lengths are in pixels
    label: Sentence | None = None  # what parts it from the other stacks of its series
    projection: Projection | None = None  # of films and captures
    lossy_ratio: float = 0.0  # what lossy compression left out: n to 1; 0 where it is not known
    seconds: float | None = None  # when its first picture was taken, by any clock of its series
    frame_ms: tuple[float, ...] = ()  # how long each frame is to be shown, where they differ

    @property
    def is_in_space(self) -> bool:
        """Whether its slices lie one behind the other, so that planes across them mean something.

        Several pictures of one place have a position, but no depth.
        """
        is_one_place = self.verdict == "duplicates" and len({f.position for f in self.frames}) == 1
        return self.geometry.is_spatial and self.geometry.shape[0] > 1 and not is_one_place


@dataclass(frozen=True, kw_only=True)
class Series:
    """A series; `header` holds decoded values by DICOM keyword of its first instance.

    The keywords are those the gates, corner texts and observations need (`dicom` documents them);
    a keyword that is absent or empty in the file is absent here.
    """

    uid: str
    number: int | None = None
    modality: str = ""
    description: str = ""
    body_part: str = ""
    stacks: tuple[Stack, ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StudyObject:
    """Something in a study that is no image: SEG, SR, KO, PR, RT, PDF, waveform.

    summary: what is in it, None where nothing is known but the kind.
    """

    kind: str
    uid: str
    path: str
    refers_to: tuple[str, ...] = ()
    summary: Sentence | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study of one patient; `date` is ISO (YYYY-MM-DD) or empty."""

    uid: str
    date: str = ""
    description: str = ""
    series: tuple[Series, ...] = ()
    objects: tuple[StudyObject, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A patient as the files name them; `birth_date` is ISO or empty, `sex` M, F, O or empty."""

    id: str
    name: str = ""
    sex: str = ""
    birth_date: str = ""
    studies: tuple[Study, ...] = ()


def shown_name(name: str) -> str:
    """A DICOM name for people: component groups side by side, as written."""
    return " ".join(group.strip("^ ") for group in name.split("=") if group.strip("^ "))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNote:
    """A file that was left out, with the reason (and the element at fault).

    reason: in English, for files that programs read; `words` is the same for people. advice: what
    to do where another copy of the file or its repair would not help.
    """

    path: str
    reason: str
    tag: str = ""
    said: Sentence | None = field(default=None, compare=False)
    advice: Sentence | None = field(default=None, compare=False)

    @property
    def words(self) -> str:
        """The reason in the current language."""
        return self.reason if self.said is None else str(self.said)


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """All that was found below some paths."""

    patients: tuple[Patient, ...] = ()
    seen: int = 0
    dicom: int = 0
    ignored: tuple[FileNote, ...] = ()
    unreadable: tuple[FileNote, ...] = ()
    documents: tuple[str, ...] = ()  # paths of files that are not DICOM and may be record documents
