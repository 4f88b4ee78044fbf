"""What is found in images: masks, heatmaps, findings, measurements, and the runs that made them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry, PatientPoint
from medview.core.words import Sentence, say


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept: scheme (SCT, DCM, LN, RADLEX, 99MEDVIEW), value, meaning."""

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its UCUM unit; `interval` is a 95 % interval in the same unit."""

    concept: str
    value: float
    unit: str
    interval: tuple[float, float] | None = None
    code: Code | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label of a label map; `colour` is #rrggbb; `hidden`: drawn only when asked for.

    concept: of a class, the observation that its probability is. weak: of a class, that it is a
    second output, far less certain than the first and only for where that one is present.
    """

    value: int
    name: str
    colour: str
    code: Code | None = None
    category: Code | None = None
    modifier: Code | None = None  # laterality, part
    hidden: bool = False
    concept: str = ""
    weak: bool = False


# Checks that say what a picture is of, and those that do not matter where that is wrong.
_KINDS = ("species", "modality", "localizer", "colour", "sop_class", "router")
_DETAILS = (
    "geometry", "orientation", "tilt_deg", "slice_count", "coverage_mm", "extent_mm",
    "slice_spacing_mm", "pixel_spacing_mm", "diameter_mm", "inverted", "burned_in", "age_years",
    "view", "contrast",
)  # fmt: skip
OWN_MASK = "segment:"  # how the ids of label maps begin that the reader made


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelMap:
    """voxels: uint8 [k, j, i] on `geometry`, 0 is background."""

    id: str
    geometry: Geometry
    voxels: NDArray[np.uint8]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """How a heatmap fares on its own picture.

    insertion, deletion: score (logits) that is won, on average, by putting the places back that it
    marks, the strongest first, and lost by taking them away; the same for orders by chance.
    """

    insertion: float
    deletion: float
    insertion_by_chance: float
    deletion_by_chance: float

    @property
    def beats_chance(self) -> bool:
        """Whether both win and lose more than by chance."""
        inserts = self.insertion > self.insertion_by_chance
        return inserts and self.deletion > self.deletion_by_chance


@dataclass(frozen=True, eq=False, kw_only=True)
class Heatmap:
    """values: float32 [k, j, i] on `geometry`, 0 (nothing) to `maximum`; what the model used.

    method: linear_cam, or one of `ai.look`. cells: of the grid that it was read from, (0, 0, 0)
    where it is not known. random_likeness: rank correlation, -1 to 1, with the map of a net with
    shuffled weights; None where nobody asked. unsure_mm: of the method `doubt`, whose map is the
    band along an outline that is open, the band's mean width.
    """

    id: str
    geometry: Geometry
    values: NDArray[np.float32]
    class_name: str
    maximum: float = 1.0
    method: str = "linear_cam"
    cells: tuple[int, int, int] = (0, 0, 0)
    fidelity: Fidelity | None = None
    random_likeness: float | None = None
    unsure_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """Which model made a result, to the byte.

    signature: known, unknown or unsigned (`ai.signature`); empty where it was not recorded.
    """

    name: str
    version: str
    manifest_sha256: str
    title: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result of a model that a reader accepts or rejects.

    kind: segmentation, classification, detection or measure. label_value points into the run's
    label map, heatmap_id to one of its heatmaps. corners: the eight of a detection's box.
    tracking_uid: names the lesion or organ in every object that tells of it, now and later.
    answer: of a class whose model has conformal limits: present, absent, or abstain where these
    leave both or neither; weak for a second output that no limits hold for. answer_said: the same
    in words.
    """

    id: str
    kind: str
    label: str
    code: Code | None = None
    score: float | None = None
    probability: float | None = None
    interval: tuple[float, float] | None = None
    volume_mm3: float | None = None
    centroid: PatientPoint | None = None
    measurements: tuple[Quantity, ...] = ()
    label_map_id: str | None = None
    label_value: int | None = None
    heatmap_id: str | None = None
    explanation: Sentence | None = None  # "show why" in words
    answer: str = ""
    answer_said: Sentence | None = None
    corners: tuple[PatientPoint, ...] = ()
    tracking_uid: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question that the gate asked, and the answer in words.

    grade: of one that is not ok, "warn" where it only warns. can_override: whether the model lets
    the reader answer for it.
    """

    name: str
    ok: bool
    said: Sentence
    grade: str = ""
    can_override: bool = False

    @property
    def refuses(self) -> bool:
        """Whether this alone keeps the model from running."""
        return not self.ok and self.grade != "warn"


@dataclass(frozen=True, slots=True)
class Override:
    """A reader answered for checks that refused: who, when (ISO 8601), which checks."""

    by: str
    at: str
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """accepted, borderline (accepted with a banner) or refused, with every check.

    override: of a borderline verdict, which refusals a reader answered for.
    """

    verdict: str
    checks: tuple[Check, ...]
    override: Override | None = None

    @property
    def reasons(self) -> tuple[Sentence, ...]:
        """Why it was refused: every check that failed and matters, the gravest first.

        Of something else altogether (another modality, an animal) sizes and numbers do not matter.
        """
        if self.verdict != "refused":
            return ()
        failed = [check for check in self.checks if check.refuses]
        if any(check.name in _KINDS for check in failed):
            failed = [check for check in failed if check.name not in _DETAILS]
        return tuple(check.said for check in failed)

    @property
    def reason(self) -> Sentence | None:
        """All reasons of a refusal in one."""
        reasons = self.reasons
        if not reasons:
            return None
        said = reasons[0]
        for more in reasons[1:]:
            said = say("{said} {more}", said=said, more=more)
        return said

    @property
    def can_override(self) -> bool:
        """Whether the model lets the reader answer for everything that refused."""
        failed = [check for check in self.checks if check.refuses]
        return self.verdict == "refused" and all(check.can_override for check in failed)

    def overridden(self, by: str, at: str) -> GateVerdict:
        """The verdict with a reader's word for it: it runs, and the banner stays."""
        failed = tuple(check.name for check in self.checks if check.refuses)
        return GateVerdict("borderline", self.checks, Override(by, at, failed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a run read, with what, and when.

    inputs: SOP instance UIDs of the images in the stack's order. input_sha256: of the stored
    voxels that the model was given (`session.provenance`). backend: the library that computed,
    with its version. program: which MedView. started, finished: ISO, with the zone. at: where a
    model that looks at one lesion was pointed at.
    """

    inputs: tuple[str, ...] = ()
    input_sha256: str = ""
    backend: str = ""
    program: str = ""
    started: str = ""
    finished: str = ""
    at: PatientPoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """Detections from `score` on: false positives a scan, and the share of lesions found."""

    score: float
    false_positives: float
    sensitivity: float


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelRun:
    """One model on one stack, however it ended: run, refused, failed or cancelled.

    subject: id of the measurement that it is about, "" where it is about the whole stack.
    provenance: None for a run that an older MedView made. operating_points: of a model that
    detects, what its evaluation found at several scores.
    notes: what the run had to give up, such as a coarser grid where memory ran short.
    """

    id: str
    model: ModelRef
    series_uid: str
    stack: int
    status: str
    reason: Sentence | None = None
    gate: GateVerdict | None = None
    device: str = "cpu"
    precision: str = "float32"
    seed: int = 0
    seconds: float = 0.0
    notes: tuple[Sentence, ...] = ()
    findings: tuple[Finding, ...] = ()
    label_map: LabelMap | None = None
    heatmaps: tuple[Heatmap, ...] = ()
    subject: str = ""
    provenance: Provenance | None = None
    operating_points: tuple[OperatingPoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePath:
    """A curve that the reader drew along a vessel or a nerve, through points in patient space."""

    id: str
    name: str
    series_uid: str
    stack: int
    points: tuple[PatientPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What the reader drew: kind (length, ellipse, probe), points in patient space, numbers.

    On projections points are in the image's own plane millimetres of its Geometry. `calibration`
    is the state of Stack.calibration when it was drawn: without calibration units are pixels.
    label_shift: millimetres from the middle of its points to the middle of its label where the
    reader has put the label somewhere, None for the place that the view chooses.
    """

    id: str
    kind: str
    series_uid: str
    stack: int
    points: tuple[PatientPoint, ...]
    normal: tuple[float, float, float]
    quantities: tuple[Quantity, ...] = ()
    calibration: str = "patient"
    text: str = ""
    extra: tuple[tuple[str, str], ...] = field(default_factory=tuple)
    label_shift: tuple[float, float, float] | None = None
