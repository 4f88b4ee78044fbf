"""Signed distances (mm, negative inside) of simple bodies, and their smooth union on a grid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import make_interp_spline

from medview.demo.space import Float, Grid

Point = tuple[float, float, float]
Bounds = tuple[Point, Point]  # lowest and highest corner
FAR = np.float32(60.0)
_TINY = np.float32(1e-4)


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """centre and radii in mm; `axes` are three unit vectors, the patient's own if left out."""

    centre: Point
    radii: Point
    axes: tuple[Point, Point, Point] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    bounds: Bounds = field(init=False)

    def __post_init__(self) -> None:
        reach = np.sqrt(((np.array(self.axes) * np.array(self.radii)[:, None]) ** 2).sum(0))
        low, high = np.array(self.centre) - reach, np.array(self.centre) + reach
        object.__setattr__(self, "bounds", (tuple(low.tolist()), tuple(high.tolist())))

    def distance(self, x: Float, y: Float, z: Float) -> Float:
        """First-order distance: exact on the surface, its gradient there too."""
        px, py, pz = (
            x - np.float32(self.centre[0]), y - np.float32(self.centre[1]),
            z - np.float32(self.centre[2]),
        )  # fmt: skip
        k0 = k1 = np.float32(0)
        for (ax, ay, az), r in zip(self.axes, self.radii, strict=True):
            q = px * np.float32(ax / r) + py * np.float32(ay / r) + pz * np.float32(az / r)
            q = q * q
            k0, k1 = k0 + q, k1 + q * np.float32(1 / r**2)
        k0, k1 = np.sqrt(k0), np.sqrt(k1) + _TINY
        return np.asarray(np.maximum(k0 * (k0 - 1) / k1, -min(self.radii)), np.float32)

    def grown(self, by: float) -> Ellipsoid:
        """The same body, larger all around."""
        a, b, c = self.radii
        return Ellipsoid(self.centre, (a + by, b + by, c + by), self.axes)


@dataclass(frozen=True, slots=True)
class Segment:
    """A round cone from a to b; with `side`, a flat one: `flat` times thinner along that vector."""

    a: Point
    b: Point
    ra: float
    rb: float
    side: Point | None = None
    flat: float = 1.0
    bounds: Bounds = field(init=False)

    def __post_init__(self) -> None:
        r = max(self.ra, self.rb)
        ends = list(zip(self.a, self.b, strict=True))
        low, high = tuple(min(e) - r for e in ends), tuple(max(e) + r for e in ends)
        object.__setattr__(self, "bounds", (low, high))

    def distance(self, x: Float, y: Float, z: Float) -> Float:
        """Distance to the cone; first order where it is flat."""
        ax, ay, az = (np.float32(v) for v in self.a)
        ux, uy, uz = (np.float32(q - p) for p, q in zip(self.a, self.b, strict=True))
        px, py, pz = x - ax, y - ay, z - az
        length = max(float(ux * ux + uy * uy + uz * uz), 1e-6)
        s = np.clip((px * ux + py * uy + pz * uz) * np.float32(1 / length), 0, 1)
        dx, dy, dz = px - s * ux, py - s * uy, pz - s * uz
        square = dx * dx + dy * dy + dz * dz
        radius = np.float32(self.ra) + np.float32(self.rb - self.ra) * s
        if self.side is None:
            return np.asarray(np.sqrt(square) - radius, np.float32)
        nx, ny, nz = (np.float32(v) for v in self.side)
        across = dx * nx + dy * ny + dz * nz
        across *= across
        rest, f2 = np.maximum(square - across, 0), np.float32(self.flat**2)
        k0 = np.sqrt(rest + across * f2)
        k1 = np.sqrt(rest + across * f2 * f2) + _TINY
        return np.asarray(np.maximum((k0 - radius) * k0 / k1, -radius / np.float32(self.flat)))

    def grown(self, by: float) -> Segment:
        """The same body, larger all around."""
        if self.side is None:
            return Segment(self.a, self.b, self.ra + by, self.rb + by)
        flat = (self.ra + by) / (self.ra / self.flat + by)
        return Segment(self.a, self.b, self.ra + by, self.rb + by, self.side, flat)


@dataclass(frozen=True, slots=True)
class Drum:
    """A vertebral body: an upright cylinder, wider than deep, with a waist and a hollow back."""

    centre: Point
    width: float
    half: float
    bounds: Bounds = field(init=False)

    def __post_init__(self) -> None:
        x, y, z = self.centre
        w, h = self.width + 2, self.half + 2
        object.__setattr__(self, "bounds", ((x - w, y - w, z - h), (x + w, y + w, z + h)))

    def distance(self, x: Float, y: Float, z: Float) -> Float:
        """Distance to the drum, its edges rounded by 2.5 mm."""
        dx, dy = x - np.float32(self.centre[0]), y - np.float32(self.centre[1])
        dz = np.abs(z - np.float32(self.centre[2]))
        deep = np.hypot(dx, dy * np.float32(1.22)) - np.float32(self.width)
        hollow = np.float32(self.width * 0.62) - np.hypot(
            dx * np.float32(0.7), dy - np.float32(self.width * 1.18)
        )
        waist = np.float32(1.8) * np.maximum(1 - (dz / np.float32(self.half)) ** 2, 0)
        side = smooth_max(deep, hollow, 4) + waist
        return smooth_max(side, dz - np.float32(self.half), 2.5)

    def grown(self, by: float) -> Drum:
        """The same body, larger all around."""
        return Drum(self.centre, self.width + by, self.half + by)


Shape = Ellipsoid | Segment | Drum


def tube(points: Sequence[Point], radii: Sequence[float], step: float = 6.0) -> list[Segment]:
    """A smooth curve through the points as round cones of about `step` mm."""
    nodes, r = smooth_curve(points, radii, step)
    return [
        Segment(tuple(nodes[n]), tuple(nodes[n + 1]), float(r[n]), float(r[n + 1]))
        for n in range(len(nodes) - 1)
    ]


def smooth_curve(
    points: Sequence[Point], radii: Sequence[float], step: float
) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) points and (n,) radii about `step` mm apart on a spline through the given ones."""
    p = np.array(points, float)
    chord = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
    t = np.linspace(0, chord[-1], max(2, int(chord[-1] / step) + 1))
    spline = make_interp_spline(chord, p, k=min(3, len(p) - 1))
    return spline(t), np.interp(t, chord, np.broadcast_to(radii, len(p)))


def mirrored(shapes: Iterable[Shape]) -> list[Shape]:
    """The shapes and their images on the other side of the body."""
    both: list[Shape] = []
    for shape in shapes:
        both.append(shape)
        if isinstance(shape, Ellipsoid):
            axes = tuple(_flip(v) for v in shape.axes)
            both.append(Ellipsoid(_flip(shape.centre), shape.radii, axes))  # type: ignore[arg-type]
        elif isinstance(shape, Segment):
            side = None if shape.side is None else _flip(shape.side)
            both.append(
                Segment(_flip(shape.a), _flip(shape.b), shape.ra, shape.rb, side, shape.flat)
            )
    return both


def _flip(p: Point) -> Point:
    return (-p[0], p[1], p[2])


def union(grid: Grid, shapes: Iterable[Shape], blend: float = 0.0, grow: float = 0.0) -> Float:
    """Signed distance of all shapes together on a grid, rounded where they meet by `blend` mm.

    Exact near the surface only; FAR elsewhere.
    """
    out = np.full(grid.shape, FAR, np.float32)
    for shape in shapes:
        add(out, grid, shape.grown(grow) if grow else shape, blend)
    return out


def add(out: Float, grid: Grid, shape: Shape, blend: float = 0.0, margin: float = 6.0) -> None:
    """Put one more shape into a union."""
    box = _box(grid, shape.bounds, margin + blend)
    if box is None:
        return
    k, j, i = box
    d = shape.distance(grid.x[None, None, i], grid.y[None, j, None], grid.z[k, None, None])
    here = out[k, j, i]
    out[k, j, i] = smooth_min(here, d, blend) if blend else np.minimum(here, d)


def smooth_min(a: Float, b: Float, blend: float) -> Float:
    """The smaller of two distances, with a rounded corner of `blend` mm."""
    h = np.maximum(np.float32(blend) - np.abs(a - b), 0)
    return np.asarray(np.minimum(a, b) - h * h * np.float32(0.25 / blend), np.float32)


def smooth_max(a: Float, b: Float, blend: float) -> Float:
    """The larger of two distances, with a rounded corner of `blend` mm."""
    return -smooth_min(-a, -b, blend)


def _box(grid: Grid, bounds: Bounds, margin: float) -> tuple[slice, slice, slice] | None:
    parts = []
    low, high = bounds
    for n in (2, 1, 0):
        first, step, count = grid.steps[n]
        start = max(0, math.ceil((low[n] - margin - first) / step))
        stop = min(count, math.floor((high[n] + margin - first) / step) + 1)
        if start >= stop:
            return None
        parts.append(slice(start, stop))
    return parts[0], parts[1], parts[2]
