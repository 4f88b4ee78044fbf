"""What is found in images: masks, heatmaps, findings, measurements, and the runs that made them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import Geometry, PatientPoint
from medview.core.words import Sentence


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

    concept: of a class, the observation that its probability is.
    """

    value: int
    name: str
    colour: str
    code: Code | None = None
    category: Code | None = None
    modifier: Code | None = None  # laterality, part
    hidden: bool = False
    concept: str = ""


OWN_MASK = "segment:"  # how the ids of label maps begin that the reader made


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelMap:
    """voxels: uint8 [k, j, i] on `geometry`, 0 is background."""

    id: str
    geometry: Geometry
    voxels: NDArray[np.uint8]
    labels: tuple[Label, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Heatmap:
    """values: float32 [k, j, i] on `geometry`, 0 (nothing) to `maximum`; what the model used."""

    id: str
    geometry: Geometry
    values: NDArray[np.float32]
    class_name: str
    maximum: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """Which model made a result, to the byte."""

    name: str
    version: str
    manifest_sha256: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result of a model that a reader accepts or rejects.

    kind: segmentation, classification or measure. label_value points into the run's label map,
    heatmap_id to one of its heatmaps. decision: suggested, accepted or rejected.
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


@dataclass(frozen=True, slots=True)
class Check:
    """One question that the gate asked, and the answer in words."""

    name: str
    ok: bool
    said: Sentence


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """accepted, borderline (accepted with a banner) or refused, with every check."""

    verdict: str
    checks: tuple[Check, ...]

    @property
    def reason(self) -> Sentence | None:
        """Why it was refused: the first check that failed."""
        if self.verdict != "refused":
            return None
        return next((check.said for check in self.checks if not check.ok), None)


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelRun:
    """One model on one stack, however it ended: run, refused, failed or cancelled.

    subject: id of the measurement that it is about, "" where it is about the whole stack.
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
    findings: tuple[Finding, ...] = ()
    label_map: LabelMap | None = None
    heatmaps: tuple[Heatmap, ...] = ()
    subject: str = ""


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
