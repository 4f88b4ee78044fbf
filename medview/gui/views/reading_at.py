"""What lies under the mouse: a place, its value, its unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medview.core.geometry import PatientPoint
from medview.core.study import ValueScale
from medview.imaging import roi

if TYPE_CHECKING:
    from medview.gui.views.stage import SliceStage


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """What lies under the mouse: a place and its value, None where there is no value."""

    point: PatientPoint
    value: float | None
    unit: str
    scales: tuple[ValueScale, ...] = ()
    upper: tuple[float, str] | None = None  # the upper layer's value and unit

    def text(self) -> str:
        """The value with its unit, and in the stack's other units, as in the corner."""
        shown = [] if self.value is None else [(self.value, self.unit)]
        if self.upper is not None:
            shown.append(self.upper)
        if self.value is not None:
            others = [(s.of(self.value), s.unit) for s in self.scales]
            shown += [(value, unit) for value, unit in others if value is not None]
        return " · ".join(f"{roi.number(value)} {unit}".strip() for value, unit in shown)


def reading_at(stage: SliceStage, x: float, y: float) -> ProbeReading | None:
    """What lies under a screen place of a view, None without a stack."""
    if stage.shown is None:
        return None
    volume = stage.shown.volume
    point = stage.patient_at(x, y)
    value = roi.probe(volume, point) if _is_there(stage, point) else None
    return ProbeReading(point, value, volume.unit, stage.shown.stack.scales, _upper(stage, point))


def _upper(stage: SliceStage, point: PatientPoint) -> tuple[float, str] | None:
    """The upper layer's own voxel there."""
    layer = stage.upper
    value = None if layer is None else layer.value_at(point)
    return None if layer is None or value is None else (value, layer.volume.unit)


def _is_there(stage: SliceStage, point: PatientPoint) -> bool:
    if stage.ready is None or stage.shown is None:
        return True
    k = round(stage.shown.volume.geometry.to_index(point).k)
    return 0 <= k < len(stage.ready) and bool(stage.ready[k])
