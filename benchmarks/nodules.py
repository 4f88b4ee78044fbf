"""How well one click measures nodules of known size: errors by kind and size.

    python -m benchmarks.nodules [--cases 12] [--kinds solid,ellipsoid] [--seed 1000]

Phantoms are those of `medview.demo.nodule_phantom`, drawn by seed; clicks fall up to half a radius
beside the middle. A case is over when volume or mean diameter is off by more than 10 % from 8 mm
up, 25 % below. Exit status 1 when a case is over or refused.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

import numpy as np

from medview.core.errors import MedViewError
from medview.core.geometry import PatientPoint
from medview.demo.nodule_phantom import KINDS, random_phantom
from medview.imaging.segment.nodule import measure_nodule

SIZES = (5.0, 6.5, 8.0, 10.0, 15.0, 22.0, 30.0)


@dataclass(frozen=True, slots=True)
class Case:
    """Errors of one case as shares of the truth; None where it was refused."""

    volume: float | None
    diameter: float | None
    seconds: float


def run_case(kind: str, diameter: float, seed: int) -> Case:
    """Scan one phantom, click into it."""
    phantom = random_phantom(kind, diameter, seed)
    volume, centre = phantom.scanned()
    rng = np.random.default_rng(seed)
    way = rng.normal(size=3)
    beside = way / np.linalg.norm(way) * rng.uniform(0, 0.25) * diameter
    start = time.perf_counter()
    try:
        found = measure_nodule(volume, PatientPoint(*(np.array(centre) + beside)))
    except MedViewError:
        return Case(None, None, time.perf_counter() - start)
    return Case(
        found.volume_mm3 / phantom.volume_mm3 - 1.0,
        found.mean_diameter_mm / phantom.mean_diameter_mm - 1.0,
        time.perf_counter() - start,
    )


def row(kind: str, diameter: float, cases: list[Case]) -> tuple[str, int]:
    """One line of the table, and how many of its cases are over or refused."""
    limit = 0.10 if diameter >= 8 else 0.25
    volume = np.array([case.volume for case in cases if case.volume is not None])
    across = np.array([case.diameter for case in cases if case.diameter is not None])
    refused = len(cases) - len(volume)
    over = int(((np.abs(volume) > limit) | (np.abs(across) > limit)).sum())
    if not len(volume):
        return f"{kind:16s} {diameter:5.1f}   all {refused} refused", refused
    seconds = float(np.median([case.seconds for case in cases]))
    by_volume = f"{volume.mean():+7.1%} {np.abs(volume).max():6.1%}"
    by_diameter = f"{across.mean():+7.1%} {np.abs(across).max():6.1%}"
    counts = f"{over:4d} {refused:7d}  {seconds:5.2f} s"
    line = f"{kind:16s} {diameter:5.1f}  {by_volume}  {by_diameter}  {counts}"
    return line, over + refused


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seed", type=int, default=1000)
    asked = parser.parse_args()
    print("kind                mm  volume: mean  most  diameter: mean most  over refused  a click")
    bad = 0
    for kind in asked.kinds.split(","):
        for size in SIZES:
            cases = [run_case(kind, size, asked.seed + n) for n in range(asked.cases)]
            line, wrong = row(kind, size, cases)
            print(line, flush=True)
            bad += wrong
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
