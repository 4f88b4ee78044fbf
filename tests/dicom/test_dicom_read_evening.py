"""Sheared and uneven stacks on an even grid keep every value where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_read_cases import save_series

from medview.core.geometry import PatientPoint
from medview.dicom import load_volume, scan
from medview.dicom.evening import evened

ROWS, COLUMNS = 12, 10


def ramp(position: list[float]) -> np.ndarray:
    """A picture whose values are 100 + 3 x + 5 y + 7 z of its voxels' places."""
    j, i = np.mgrid[:ROWS, :COLUMNS]
    x, y = position[0] + 0.5 * i, position[1] + 0.8 * j
    return np.rint(100 * (100 + 3 * x + 5 * y + 7 * position[2])).astype(np.int16)


@pytest.mark.parametrize(
    "positions",
    [
        [[0, 0.8 * k, 2.0 * k] for k in range(5)],
        [[0, -0.4 * k, 2.0 * k] for k in range(5)],
        [[0, 0, z] for z in (0, 2, 4, 6, 8, 12)],
        [[0, 0, z] for z in (0, 2, 4, 7)],
    ],
)
def test_a_linear_field_stays_itself(tmp_path: Path, positions: list[list[float]]) -> None:
    save_series(
        tmp_path,
        count=len(positions),
        ImagePositionPatient=lambda k: positions[k],
        PixelData=lambda k: ramp(positions[k]).tobytes(),
        Rows=ROWS,
        Columns=COLUMNS,
        RescaleIntercept=0,
    )
    stack = scan([tmp_path]).patients[0].studies[0].series[0].stacks[0]
    even = evened(load_volume(stack))
    for point in (PatientPoint(2.0, 3.2, 4.0), PatientPoint(1.5, 4.0, 6.0)):
        index = even.geometry.to_index(point)
        k, j, i = (round(v) for v in index)
        assert index == pytest.approx((k, j, i), abs=1e-6)
        want = 100 * (100 + 3 * point.x + 5 * point.y + 7 * point.z)
        assert even.stored[k, j, i] == pytest.approx(want, abs=2)
