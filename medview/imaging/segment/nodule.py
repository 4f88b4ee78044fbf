"""A lung nodule from one click: its surface, mask, axes and volume.

Rays from the nodule's middle find where it ends: half-way between its own density and the lung's
around it. Rays that run on into a vessel or the chest wall are recognised and bridged by a smooth
surface through the others. The distance along each clean ray is then the one that holds the ray's
whole density by partial volume, which no blur and no slice thickness changes on the average; what
they shift between directions is known from the grid and taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InputRefused
from medview.core.geometry import FloatArray, PatientPoint
from medview.core.progress import CancelToken
from medview.core.volume import Volume
from medview.core.words import Sentence, say
from medview.imaging.segment.drawn import narrow_rim, seen_rim
from medview.imaging.segment.edges import Edges, find_edges, quantile
from medview.imaging.segment.extent import Axes, largest_axes
from medview.imaging.segment.rays import (
    Crop,
    Flags,
    crop_around,
    directions,
    profiles,
    radii,
)
from medview.imaging.segment.shells import Shells, part
from medview.imaging.segment.surface import Surface, fit

REACH_MM = 40.0  # from the click: nodules up to some 50 mm
_SNAP_MM, _SAME_MM = 3.0, 0.5  # how far beside the nodule a click may be
_LUNG_BELOW, _LUNG_SHARE = -500.0, 0.06  # HU; least share of lung within 20 mm
_LEAST_CONTRAST = 120.0  # HU between nodule and lung
_LEAST_CLEAN = 0.25  # share of rays that must see the nodule's own edge
_LEAST_MM3 = 4.0  # a ball of 2 mm
_MOST_STRETCH = 2.8  # longest over shortest axis: beyond it is a vessel
_ROUNDS = 7
_FIRST_REACH_MM, _WHOLE_REACH_MM = 15.0, REACH_MM - 2.0
_PSF_MM2 = 0.08  # variance of a chest kernel, FWHM about 0.65 mm
_LEAST_OF_SHELL = 0.3
_SMALL_MM = 4.5  # radius of a nodule below which a rim of glass is drawn, not seen along rays
_SMALL_CORE_MM, _DENSE, _FREE = 3.6, -450.0, 0.5
_HALO_HU, _HALO_MM = 90.0, 0.42
_HALO_SHARE = 0.17  # of the core's radius: spikes and a soft margin are no ground glass
_SHARPEST = 0.35  # share of the rays that tell the density of the glass
_IN_THE_RIM = (0.4, 0.7)  # of the way from the core to the lung: least touched by either's blur


@dataclass(frozen=True, eq=False, kw_only=True)
class Nodule:
    """What one click found.

    mask: bool [k, j, i] with its first voxel `first` in the volume's grid. axes: the longest and
    the one across it in the plane (axial, coronal or sagittal of the grid) where the nodule is
    largest. type: solid, part-solid or non-solid. solid_mm: mean diameter of the solid part of a
    part-solid nodule. attached: share of its surface that touches vessels or the wall. hu: its
    median. A mean diameter is the mean of long and short axis to 0.1 mm (Fleischner 2017,
    MacMahon, Radiology 284:228; Lung-RADS 2022).
    """

    centre: PatientPoint
    mask: NDArray[np.bool_]
    first: tuple[int, int, int]
    axes: Axes
    volume_mm3: float
    type: str
    solid_mm: float | None
    attached: float
    hu: float

    @property
    def mean_diameter_mm(self) -> float:
        """Mean of long and short axis, to 0.1 mm."""
        return round((self.axes.long_mm + self.axes.short_mm) / 2.0, 1)


def measure_nodule(
    volume: Volume, point: PatientPoint, cancel: CancelToken | None = None
) -> Nodule:
    """The nodule under a place of a CT in HU.

    Raises InputRefused with a sentence where there is none that can be measured; Cancelled.
    """
    crop = _checked_crop(volume, point)
    lung = _lung_level(crop, point)
    token = cancel or CancelToken()
    start, densest = _starts(crop, np.array(point, float), lung)
    try:
        whole, edges = _settle(crop, start, lung, token)
    except InputRefused:  # the click fell on an edge, of the nodule or of its core
        if np.linalg.norm(densest - start) < _SAME_MM:
            raise
        whole, edges = _settle(crop, densest, lung, token)
    halo, narrow = _halo(whole, edges), None
    if halo is None and _may_hide_a_rim(whole, edges):
        narrow = narrow_rim(crop, whole, edges.clean, token)
        halo = None if narrow is None else narrow.hu
    solid_mm = None
    if halo is not None:
        core = edges
        solid_mm = _solid_part(crop, whole, halo, core)
        whole, edges = _settle(crop, whole.centroid, lung, token, halo)
        shells = part(edges, core.inside)
        if shells is not None:
            solid_mm = _core_diameter(crop, whole.centre, edges, shells)
            edges = _without_core(edges, shells)
    shape = _true_shape(crop, whole, edges)
    if halo is not None and shape.radii.mean() < _SMALL_MM:
        drawn = narrow or seen_rim(crop, shape, edges.clean, token)
        if drawn is not None and drawn.core_mm is not None:
            shape, solid_mm = drawn.surface, round(drawn.core_mm, 1)
            edges = replace(edges, inside=drawn.hu)
    _refuse_tubes(shape, edges)
    mask, first = _mask(crop, shape)
    kind = "part-solid" if halo is not None else "solid" if edges.inside > -350 else "non-solid"
    return Nodule(
        centre=PatientPoint(*(float(v) for v in shape.centroid)),
        mask=mask,
        first=first,
        axes=largest_axes(shape, volume.geometry),
        volume_mm3=shape.volume_mm3,
        type=kind,
        solid_mm=solid_mm,
        attached=1.0 - edges.clean_share,
        hu=edges.inside,
    )


_NOTHING = say("There is no nodule here: click into the middle of one.")
_NOT_ROUND = say("What is here is no round nodule: it runs on like a vessel or the chest wall.")
_TOO_LARGE = say("It is larger than one click measures (50 mm); use the brush or the rulers.")


def _checked_crop(volume: Volume, point: PatientPoint) -> Crop:
    reasons: tuple[tuple[bool, Sentence], ...] = (
        (
            volume.is_colour or volume.unit != "HU" or not volume.geometry.is_spatial,
            say("One click measures nodules on CT in Hounsfield units only."),
        ),
        (
            min(volume.geometry.shape) < 3 or volume.geometry.slice_step > 5.0,
            say("These slices are too far apart to measure a nodule by one click."),
        ),
        (not volume.geometry.contains(point), say("This place lies outside the images.")),
    )
    for is_so, sentence in reasons:
        if is_so:
            raise InputRefused(sentence)
    return crop_around(volume, point, REACH_MM)


def _lung_level(crop: Crop, point: PatientPoint) -> float:
    """Median HU of the lung within 20 mm of the click."""
    along = radii(20.0)[::4]
    points = np.array(point) + directions()[::3, None, :] * along[None, :, None]
    values = crop.at(points.reshape(-1, 3))
    values = values[np.isfinite(values)]
    lung = values[values < _LUNG_BELOW]
    if len(lung) < _LUNG_SHARE * max(1, len(values)):
        raise InputRefused(say("This place is not in the lung."))
    # The lower part alone: a large ground-glass nodule must not pass for the lung around it.
    return float(np.median(lung[lung < np.quantile(lung, 0.1) + 130.0]))


def _starts(crop: Crop, click: FloatArray, lung: float) -> tuple[FloatArray, FloatArray]:
    """The click, or the nearest dense place where it fell beside the nodule; and the densest."""
    ball = directions()[::4, None, :] * np.array([0.4, 0.8])[None, :, None]
    ball = np.concatenate([np.zeros((1, 3)), ball.reshape(-1, 3)])

    def density(places: FloatArray) -> FloatArray:
        values = crop.at((places[:, None, :] + ball[None]).reshape(-1, 3))
        return np.asarray(np.nan_to_num(values, nan=lung).reshape(len(places), -1).mean(axis=1))

    steps = np.arange(-_SNAP_MM, _SNAP_MM + 0.1, 0.75)
    around = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    around = around[np.linalg.norm(around, axis=1) <= _SNAP_MM]
    found = density(click + around)
    highest, own = float(found.max()), float(density(click[None])[0])
    if highest - lung < _LEAST_CONTRAST:
        raise InputRefused(_NOTHING)
    # What the reader pointed at counts, even beside something denser, as long as it is no lung.
    threshold = lung + max(_LEAST_CONTRAST, 0.5 * (min(highest, 100.0) - lung))
    densest = np.asarray(click + around[int(found.argmax())])
    if own >= threshold or (own - lung >= _LEAST_CONTRAST and highest - own < 150):
        return click, densest
    dense = around[found >= threshold]
    return np.asarray(click + dense[np.argmin(np.linalg.norm(dense, axis=1))]), densest


def _settle(
    crop: Crop, centre: FloatArray, lung: float, cancel: CancelToken, inside: float | None = None
) -> tuple[Surface, Edges]:
    """Centre, densities and surface in turn, until the centre stays.

    inside: the nodule's density where it is known (the ground glass around a solid core).
    """
    begin, level, reach = centre, inside, _FIRST_REACH_MM
    surface, spread = None, _spread(crop)
    for number in range(_ROUNDS):
        cancel.check()
        values = profiles(crop, centre, reach)
        if level is None:
            level = _core_level(values, np.full(len(values), 2.0))
        if level - lung < _LEAST_CONTRAST:
            raise InputRefused(_NOTHING)
        edges = find_edges(values, (lung, level), spread, has_core=inside is not None)
        if reach < _WHOLE_REACH_MM and not _is_within(edges, reach):
            reach = _WHOLE_REACH_MM  # larger than most: look further, from here
            continue
        _refuse_odd(edges)
        surface = _through(centre, edges)
        if surface.radii.max() > REACH_MM - 8.0:
            raise InputRefused(_TOO_LARGE)
        lung = _shell_level(values, edges, surface, lung)
        level = _core_level(values, surface.radii) if inside is None else inside
        moved = surface.centroid - centre
        if np.linalg.norm(moved) < 0.15 and number > 1:
            break
        centre = centre + moved
        if np.linalg.norm(centre - begin) > max(8.0, 1.5 * float(surface.radii.mean())):
            raise InputRefused(_NOT_ROUND)
    if surface is None or level is None:
        raise InputRefused(_NOT_ROUND)
    values = profiles(crop, surface.centre, reach)
    edges = find_edges(values, (lung, level), spread, has_core=inside is not None)
    _refuse_odd(edges)
    return _through(surface.centre, edges), edges


def _through(centre: FloatArray, edges: Edges) -> Surface:
    return fit(centre, edges.smooth, np.ones(len(edges.smooth)), edges.degree)


def _is_within(edges: Edges, reach: float) -> bool:
    """Whether the rays are long enough for the nodule, the blur and the lung around it."""
    return 1.5 * quantile(np.where(edges.clean, edges.smooth, np.inf), 0.35) + 6.0 < reach


def _refuse_odd(edges: Edges) -> None:
    if edges.clean_share < _LEAST_CLEAN:
        raise InputRefused(_NOT_ROUND)


def _core_level(values: FloatArray, reach: FloatArray) -> float:
    """Median HU of the inner part, where neither blur nor partial volume reaches."""
    along = radii(REACH_MM)[: values.shape[1]]
    inner = along[None, :] < np.maximum(0.45 * reach, 0.6)[:, None]
    found = values[inner & np.isfinite(values)]
    return float(np.median(found)) if found.size else -1000.0


def _shell_level(values: FloatArray, edges: Edges, surface: Surface, lung: float) -> float:
    """Median HU of the lung next to the nodule."""
    along = radii(REACH_MM)[: values.shape[1]]
    start = surface.radii + edges.margin
    shell = (along > start[:, None]) & (along < start[:, None] + 5.0) & edges.clean[:, None]
    shell &= np.isfinite(values)
    found = values[shell & (values < lung + 110.0)]
    # A wide rim of glass fills the shell: the tail of its noise must not pass for the lung.
    is_lung = found.size > max(200, _LEAST_OF_SHELL * np.count_nonzero(shell))
    return float(np.median(found)) if is_lung else lung


def _spread(crop: Crop) -> FloatArray:
    """(3, 3) mm2: variance of all blur: kernel, slice profile, straight lines between voxels."""
    geometry = crop.volume.geometry
    right, down, along = geometry.spacing[0], geometry.spacing[1], geometry.slice_step
    axes = np.array([geometry.axes[0], geometry.axes[1], geometry.normal], float)
    by_axis = (right**2 / 6 + _PSF_MM2, down**2 / 6 + _PSF_MM2, along**2 / 12 + along**2 / 6)
    return np.asarray(axes.T @ np.diag(by_axis) @ axes)


def _true_shape(crop: Crop, surface: Surface, edges: Edges) -> Surface:
    """The surface by partial volume, without what blur moves from one direction to another.

    A ball of radius r seen through blur of covariance S has, along u, the partial-volume radius
    r + (3 u'Su - tr S) / 2r to first order: its mean over all directions is r.
    """
    spread = _spread(crop)
    along = np.einsum("ni,ij,nj->n", directions(), spread, directions())
    reach = np.maximum(edges.filled, 1.0)
    shift = (1.5 * along - 0.5 * np.trace(spread)) / np.maximum(reach, 2.0)
    weights = np.where(edges.clean, 1.0, 0.4)
    return fit(surface.centre, edges.filled - shift, weights, edges.degree)


def _halo(surface: Surface, edges: Edges) -> float | None:
    """HU of ground glass around a solid core; None where the edge is only blurred."""
    if edges.inside < -350.0:
        return None
    low = edges.leaving_at(edges.outside + _HALO_HU)
    rim = low - edges.smooth
    expected = 1.35 * np.sqrt(edges.blur_along + 0.2)
    clean = edges.clean & np.isfinite(rim) & (rim < 15.0)
    # Across thick slices the shelf is mixed with what lies above and below it.
    sharp = edges.blur_along <= np.quantile(edges.blur_along, _SHARPEST)
    wide = max(_HALO_MM, _HALO_SHARE * float(surface.radii.mean()))
    if clean.mean() < _LEAST_CLEAN or not (clean & sharp).any():
        return None
    if float(np.median((rim - expected)[clean & sharp])) < wide:
        return None
    along = radii(REACH_MM)[: edges.values.shape[1]]
    begin, end = (edges.smooth + share * rim for share in _IN_THE_RIM)
    between = (along > begin[:, None]) & (along < end[:, None]) & clean[:, None]
    between &= np.isfinite(edges.values) & sharp[:, None]
    if between.sum() < 100:
        return None
    return float(np.median(edges.values[between]))


def _may_hide_a_rim(surface: Surface, edges: Edges) -> bool:
    is_small = float(surface.radii.mean()) < _SMALL_CORE_MM
    return is_small and edges.inside > _DENSE and edges.clean_share > _FREE


def _solid_part(crop: Crop, core: Surface, halo: float, edges: Edges) -> float:
    """Mean diameter of the solid core, mm."""
    inner = replace(edges, outside=halo)
    reach = inner.leaving_at((halo + edges.inside) / 2.0)
    clean = np.isfinite(reach) & (reach < 2.5 * np.median(core.radii))
    shape = fit(core.centre, np.where(clean, reach, 0.0), clean.astype(float), 2)
    axes = largest_axes(shape, crop.volume.geometry)
    return round((axes.long_mm + axes.short_mm) / 2.0, 1)


def _without_core(edges: Edges, shells: Shells) -> Edges:
    """The edges as they are without the core's blur on them; `_true_shape` takes the rest."""
    outer = shells.outer
    filled = outer + edges.blur_along / np.maximum(outer, 2.0)
    return replace(edges, filled=filled, inside=shells.glass)


def _core_diameter(crop: Crop, centre: FloatArray, edges: Edges, shells: Shells) -> float:
    """Mean diameter of the solid core, mm, its curvature given back (see `_true_shape`)."""
    lost = (np.trace(_spread(crop)) - edges.blur_along) / 2.0
    reach = shells.inner + lost / np.maximum(shells.inner, 2.0)
    axes = largest_axes(fit(centre, reach, np.ones(len(reach)), 2), crop.volume.geometry)
    return round((axes.long_mm + axes.short_mm) / 2.0, 1)


def _refuse_tubes(shape: Surface, edges: Edges) -> None:
    """By the quadric u'Qu = 1 / r^2 through the edges that are seen: a vessel's has one axis
    without end, a flat wall's two."""
    if shape.volume_mm3 < _LEAST_MM3:
        raise InputRefused(_NOTHING)
    reach = edges.leaving_at((edges.inside + edges.outside) / 2.0)
    seen = (reach > 0.2) & (reach < _MOST_STRETCH * quantile(reach, 0.3))
    x, y, z = directions()[seen].T
    parts = np.stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z], axis=1)
    q = np.linalg.lstsq(parts, 1.0 / reach[seen] ** 2, rcond=None)[0]
    matrix = np.array([[q[0], q[3], q[4]], [q[3], q[1], q[5]], [q[4], q[5], q[2]]])
    values = np.linalg.eigvalsh(matrix)
    if values[0] * _MOST_STRETCH**2 < values[-1]:
        raise InputRefused(_NOT_ROUND)


def _mask(crop: Crop, shape: Surface) -> tuple[NDArray[np.bool_], tuple[int, int, int]]:
    """The voxels whose centres lie inside, in a box just around them."""
    near = crop_around(crop.volume, PatientPoint(*shape.centre), float(shape.radii.max()) + 1.0)
    k, j, i = (np.arange(n) + f for n, f in zip(near.values.shape, near.first, strict=True))
    grid = np.stack(np.meshgrid(k, j, i, indexing="ij"), axis=-1).reshape(-1, 3)
    inside: Flags = shape.holds(crop.volume.geometry.to_patient_array(grid))
    mask = inside.reshape(near.values.shape)
    if not mask.any():
        return mask, near.first
    where = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != n))) for n in range(3)]
    box = tuple(slice(int(w[0]), int(w[-1]) + 1) for w in where)
    first = tuple(int(w[0]) + f for w, f in zip(where, near.first, strict=True))
    return np.ascontiguousarray(mask[box]), (first[0], first[1], first[2])
