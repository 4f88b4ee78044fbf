"""Run by `test_imaging_kernels.py` in a process where numba leaves Python as it is."""

from __future__ import annotations

import sys

import numpy as np

from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume
from medview.imaging import acceleration
from medview.imaging.grey import grey_line, window_to_grey
from medview.imaging.mpr import STRAIGHT, mpr_planes, rotation_about, turned_about
from medview.imaging.sampling import Layers, Source, linear, nearest
from medview.imaging.slabs import nearest_slab
from medview.imaging.window import Window


def volumes() -> list[Volume]:
    k, j, i = np.meshgrid(*(np.linspace(0, 1, n) for n in (7, 12, 10)), indexing="ij")
    values = 900 * i + 500 * j**2 + 300 * k**3
    rolled = rotation_about(np.array([0.36, 0.48, 0.8]), 0.5)
    found = []
    for axes in (np.eye(3), rolled):
        geometry = Geometry(
            shape=values.shape, spacing=(0.5, 0.8, 3.0), origin=PatientPoint(-1, 2, 3),
            axes=tuple(tuple(float(v) for v in axes[:, n]) for n in range(3)),
        )  # fmt: skip
        for kind, share in ((np.int16, 1), (np.uint8, 0.14), (np.uint16, 9), (np.float32, 0.3)):
            found.append(Volume(geometry=geometry, stored=(values * share).astype(kind)))
        padded = values.astype(np.int16)
        padded[:, :3] = -2000
        found.append(Volume(geometry=geometry, stored=padded, padding=(-2000, -2000)))
    return found


def compare() -> float:
    """The largest difference from numpy, in numbers; raises where one has a number too many."""
    worst = 0.0
    for volume in volumes():
        geometry = volume.geometry
        straight = mpr_planes(geometry, STRAIGHT)
        mpr = turned_about(STRAIGHT, straight, "axial", 0.6, geometry.centre)
        mpr = turned_about(mpr, mpr_planes(geometry, mpr), "coronal", -0.4, geometry.centre)
        for plane in mpr_planes(geometry, mpr).values():
            matrix, shape = plane.lookup(plane.count // 2, step=2)
            for cut in (linear, nearest):
                acceleration.load()
                ours = cut(Source.of(volume), matrix, shape)
                acceleration.unload()
                theirs = cut(Source.of(volume), matrix, shape)
                there = [
                    np.ones(shape, bool) if found.outside is None else ~found.outside
                    for found in (ours, theirs)
                ]
                assert (there[0] != there[1]).mean() < 0.01
                both = there[0] & there[1]
                off = np.abs(ours.numbers.astype(float) - theirs.numbers)[both]
                if cut is nearest:  # half-way between two voxels either is nearest
                    off = np.sort(off)[: int(len(off) * 0.98)]
                worst = max(worst, float(off.max(initial=0.0)) / np.ptp(volume.stored))
    return worst


def compare_slabs() -> None:
    """Slabs of nearest voxels in one pass against layer by layer, blank pixels too."""
    for volume in volumes():
        geometry = volume.geometry
        mpr = turned_about(STRAIGHT, mpr_planes(geometry, STRAIGHT), "axial", 0.6, geometry.centre)
        plane = mpr_planes(geometry, mpr)["coronal"]
        matrix, shape = plane.lookup(plane.count // 2 + 0.013, step=2)
        for mode in ("mip", "minip", "mean"):
            layers = Layers(mode, plane.matrix[:3, 0] * 1.01, (-3.0, -1.5, 0.0, 1.5, 3.0))
            acceleration.load()
            ours = nearest_slab(volume, matrix, shape, layers)
            acceleration.unload()
            theirs = nearest_slab(volume, matrix, shape, layers)
            off = np.abs(ours.values() - theirs.values()) / np.ptp(volume.stored)
            either = np.isnan(ours.values()) != np.isnan(theirs.values())
            assert either.mean() < 0.01
            assert np.nanmean(off > 1e-5) < 0.02  # half-way between two voxels either is nearest


def compare_windows() -> None:
    """Grey levels of films by the kernel and by numpy: at most one apart, seldom that."""
    window = Window(center=40, width=351)
    for kind, slope, intercept in ((np.int16, 1.0, -24.0), (np.uint16, 0.37, -100.0)):
        film = np.arange(4000).astype(kind).reshape(40, 100)
        acceleration.load()
        kernels = acceleration.ready()
        assert kernels is not None
        ours = np.empty(film.shape, np.uint8)
        kernels.window_rows(film, *grey_line(slope, intercept, window), ours)
        acceleration.unload()
        apart = np.abs(ours.astype(int) - window_to_grey(film, slope, intercept, window))
        assert apart.max() <= 1
        assert (apart > 0).mean() < 0.02


if __name__ == "__main__":
    compare_windows()
    compare_slabs()
    sys.stdout.write(f"{compare():.9f}")
