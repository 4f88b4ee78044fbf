"""Rigid registration of two volumes with SimpleITK, on a coarse grid, and how well it fits.

Mutual information by Mattes et al., IEEE Trans. Med. Imaging 22 (2003) 120: it asks of two
pictures only that the one's values tell something of the other's. What is left is measured apart
from what was optimised: details of the one are looked for in the other (`landmarks`), and the
median of how far they are off is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np

from medview.core.errors import Cancelled, MedViewError
from medview.core.geometry import FloatArray
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.volume import Volume
from medview.core.words import say
from medview.imaging.even_grid import EvenGrid, even_grid, resampled_onto
from medview.imaging.landmarks import landmark_shifts

_STEP_MM = 2.5  # finest grid that the fit is made on
_MOST_POINTS = 1_200_000  # of that grid: it becomes coarser until it holds
_LEAST_DEPTH = 4  # planes of that grid: what smooths for the search needs as many
_BINS = 32
_COARSE = 4  # the starts are compared on a grid so many times coarser
_KEPT_STARTS = 3
_SAMPLES = 60_000  # points that are compared on the fine grids
_ROUNDS = 100  # of the optimiser, a level
_SEED = 20261121
_ALONG_MM = (0.0, -15.0, 15.0, -30.0, 30.0, -45.0, 45.0)  # starts along the slices' normal
_NO_DEPTH = say("These two cannot be registered: one of them has no depth.")
LEAST_OVERLAP = 0.25
LEAST_LANDMARKS = 12
MOST_RESIDUAL_MM = 7.0
MOST_TURN_DEG = 40.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RigidFit:
    """What a registration came to.

    matrix: (4, 4), LPS millimetres of the fixed volume to those of the moving one. residual_mm:
    median distance left between details found in both, None where fewer than LEAST_LANDMARKS
    were. overlap: share of the smaller volume that lies in both. is_good: whether all of these
    say that it may lead a view.
    """

    matrix: FloatArray
    residual_mm: float | None
    landmarks: int
    overlap: float
    is_good: bool


def register(
    fixed: Volume,
    moving: Volume,
    *,
    is_same_frame: bool = False,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> RigidFit:
    """The rigid map from places of `fixed` to places of `moving`; both whole and in space.

    is_same_frame: of one frame of reference, so that the search begins where they lie. Blocks for
    seconds while other threads go on. Raises MedViewError for volumes that cannot be compared
    (colour, without depth), Cancelled.
    """
    cancel = cancel or CancelToken()
    for volume in (fixed, moving):
        if volume.is_colour or not volume.geometry.is_spatial or min(volume.geometry.shape) < 3:
            raise MedViewError(_NO_DEPTH)
    step = _step_mm(fixed, moving)
    still, other = (even_grid(volume, step, cancel) for volume in (fixed, moving))
    if min(*still.values.shape, *other.values.shape) < _LEAST_DEPTH:
        raise MedViewError(_NO_DEPTH)
    search = _Search(still, other, progress, cancel)
    starts = list(_starts(still, other, is_same_frame=is_same_frame))
    matrix = search.refined(search.best_of(starts))
    return judged(still, other, matrix, cancel)


def _step_mm(*volumes: Volume) -> float:
    sizes = (np.prod(np.array(v.geometry.shape) * v.geometry.spacing[::-1]) for v in volumes)
    return max(_STEP_MM, float(np.cbrt(max(sizes) / _MOST_POINTS)))


def _starts(still: EvenGrid, other: EvenGrid, *, is_same_frame: bool) -> Iterator[FloatArray]:
    """Shifts (x, y, z) from where the search may begin: as they lie, middle on middle, weight on
    weight, each also moved along the normal of the fixed slices."""
    if is_same_frame:
        yield np.zeros(3)
        return
    bases = (
        np.zeros(3),
        np.subtract(other.geometry.centre, still.geometry.centre),
        other.centre_of_mass() - still.centre_of_mass(),
    )
    for base, along in product(bases, _ALONG_MM):
        yield base + along * np.array(still.geometry.normal)


def judged(
    still: EvenGrid, other: EvenGrid, matrix: FloatArray, cancel: CancelToken | None = None
) -> RigidFit:
    """How well a map fits: overlap, details found in both, and what is left between them."""
    carried = resampled_onto(still, other, matrix)
    shared = int((still.inside & carried.inside).sum())
    smaller = min(int(still.inside.sum()), round(other.inside.sum() * other.mm3 / still.mm3))
    overlap = min(1.0, shared / max(1, smaller))
    shifts = landmark_shifts(still, carried, cancel)
    residual = float(np.median(shifts)) if len(shifts) >= LEAST_LANDMARKS else None
    turn = np.degrees(np.arccos(np.clip((np.trace(matrix[:3, :3]) - 1.0) / 2.0, -1.0, 1.0)))
    is_good = (
        residual is not None
        and residual <= MOST_RESIDUAL_MM
        and overlap >= LEAST_OVERLAP
        and bool(turn <= MOST_TURN_DEG)
    )
    return RigidFit(
        matrix=matrix,
        residual_mm=residual,
        landmarks=len(shifts),
        overlap=overlap,
        is_good=is_good,
    )


class _Search:
    """One search by SimpleITK's optimiser; progress counts its rounds."""

    def __init__(
        self, still: EvenGrid, other: EvenGrid, progress: Progress, cancel: CancelToken
    ) -> None:
        self._sitk = _sitk()
        self._images = (_image(still), _image(other))
        self._masks = (_mask(still), _mask(other))
        self._centre = tuple(still.geometry.centre)
        self._share = min(1.0, _SAMPLES / still.values.size)
        self._progress, self._cancel = progress, cancel
        self._done, self._total = 0, _ROUNDS * (_KEPT_STARTS + 2)

    def best_of(self, starts: list[FloatArray]) -> Any:
        """The transform that a coarse search makes of the best starts; the best of these."""
        images = [self._coarse(image) for image in self._images]
        method = self._method(((1, 0.0),), 1.0)
        if len(starts) > 1:
            starts = sorted(starts, key=lambda start: self._value(method, images, start))
        found = []
        for start in starts[:_KEPT_STARTS]:
            transform = self._run(method, images, self._shifted(start))
            found.append((method.GetMetricValue(), transform))
        return min(found, key=lambda one: one[0])[1]

    def refined(self, transform: Any) -> FloatArray:
        """(4, 4): the transform after the fine levels."""
        self._done = _ROUNDS * _KEPT_STARTS
        method = self._method(((2, 2.0), (1, 0.0)), self._share)
        transform = self._run(method, list(self._images), transform)
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
        matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
        return matrix

    def _coarse(self, image: Any) -> Any:
        step = image.GetSpacing()[0]
        smooth = self._sitk.SmoothingRecursiveGaussian(image, step * _COARSE / 2)
        return self._sitk.Shrink(smooth, [min(_COARSE, n // 4 or 1) for n in image.GetSize()])

    def _method(self, levels: tuple[tuple[int, float], ...], share: float) -> Any:
        sitk = self._sitk
        method = sitk.ImageRegistrationMethod()
        method.SetNumberOfThreads(1)  # the views need the other core
        method.SetMetricAsMattesMutualInformation(_BINS)
        for mask, put in zip(
            self._masks, (method.SetMetricFixedMask, method.SetMetricMovingMask), strict=True
        ):
            if mask is not None:
                put(mask)
        if share < 1.0:
            method.SetMetricSamplingStrategy(method.RANDOM)
            method.SetMetricSamplingPercentage(share, _SEED)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=4.0 if len(levels) == 1 else 1.0,
            minStep=0.005,
            numberOfIterations=_ROUNDS,
            relaxationFactor=0.6,
            gradientMagnitudeTolerance=1e-7,
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel([shrink for shrink, _ in levels])
        method.SetSmoothingSigmasPerLevel([sigma for _, sigma in levels])
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
        return method

    def _shifted(self, shift: FloatArray) -> Any:
        transform = self._sitk.Euler3DTransform()
        transform.SetCenter(self._centre)
        transform.SetTranslation(tuple(map(float, shift)))
        return transform

    def _value(self, method: Any, images: list[Any], shift: FloatArray) -> float:
        """Of the metric at a start; a start where they do not meet is the worst of all."""
        self._cancel.check()
        method.SetInitialTransform(self._shifted(shift), inPlace=False)
        try:
            return float(method.MetricEvaluate(*images))
        except RuntimeError:
            return 0.0

    def _run(self, method: Any, images: list[Any], transform: Any) -> Any:
        self._cancel.check()
        method.RemoveAllCommands()
        method.AddCommand(self._sitk.sitkIterationEvent, lambda: self._tick(method))
        found = self._sitk.Euler3DTransform(transform)
        method.SetInitialTransform(found, inPlace=True)
        try:
            method.Execute(*images)
        except RuntimeError as error:
            raise MedViewError(
                say("These two cannot be registered: they do not show the same place."),
                detail="registration",
            ) from error
        if self._cancel.is_cancelled:
            raise Cancelled
        return found

    def _tick(self, method: Any) -> None:
        self._done += 1
        self._progress(min(self._done, self._total), self._total, "")
        if self._cancel.is_cancelled:
            method.StopRegistration()


def _sitk() -> Any:
    return import_module("SimpleITK")  # heavy, and without types


def _image(grid: EvenGrid) -> Any:
    sitk = _sitk()
    image = sitk.GetImageFromArray(grid.values)
    image.SetSpacing(grid.geometry.spacing)
    image.SetOrigin(tuple(grid.geometry.origin))
    image.SetDirection(np.array(grid.geometry.axes, float).T.ravel().tolist())
    return image


def _mask(grid: EvenGrid) -> Any | None:
    """Where the volume is, None where it fills its grid."""
    sitk = _sitk()
    if bool(grid.inside.all()):
        return None
    mask = sitk.GetImageFromArray(grid.inside.astype(np.uint8))
    mask.CopyInformation(_image(grid))
    return mask
