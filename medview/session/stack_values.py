"""What the stack that is looked at says of itself to the scores: how far apart its slices are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medview.core.observation import Observation, Source

if TYPE_CHECKING:
    from medview.core.geometry import Geometry


def stack_observations(geometry: Geometry, patient_id: str, date: str) -> list[Observation]:
    """The step from slice to slice in mm; nothing for a single image or one not in space."""
    if not geometry.is_spatial or geometry.shape[0] < 2:
        return []
    return [
        Observation(
            patient_id=patient_id, concept="slice_thickness", value=geometry.slice_step,
            unit="mm", time=date, source=Source(kind="header", where="Image Position (Patient)"),
        )
    ]  # fmt: skip
