"""Small true volumes for the arithmetic of pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint
from medview.core.volume import Volume


@pytest.fixture
def ct_volume() -> Callable[..., Volume]:
    """A volume in HU whose stored voxels can be given."""

    def make(stored: np.ndarray | None = None, **changes: object) -> Volume:
        if stored is None:
            stored = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
        geometry = changes.pop("geometry", None) or Geometry(
            shape=stored.shape[:3], spacing=(0.8, 0.5, 2.5), origin=PatientPoint(-10, -20, -30)
        )
        given = {"unit": "HU", "modality": "CT", "intercept": -1024.0} | changes
        return Volume(geometry=geometry, stored=stored, **given)

    return make
