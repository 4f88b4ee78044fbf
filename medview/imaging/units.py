"""The same voxels in another SUV: no copy, only another slope."""

from __future__ import annotations

from dataclasses import replace

from medview.core.study import Stack, ValueScale
from medview.core.volume import FileWindow, Volume

_SUV = ("SUVbw", "SUVlbm", "SUVbsa")


def suv_units(volume: Volume, stack: Stack) -> tuple[str, ...]:
    """The SUV units in which a stack can be shown; empty where it is in none.

    A unit is there where the files hold all that it needs (weight, height, sex).
    """
    if volume.unit not in _SUV:
        return ()
    there = {volume.unit, *(scale.unit for scale in stack.scales if _is_factor(scale))}
    return tuple(unit for unit in _SUV if unit in there)


def in_unit(volume: Volume, stack: Stack, unit: str) -> tuple[Volume, Stack]:
    """The volume and its stack with values in one of `suv_units`; as they are for any other."""
    if unit == volume.unit or unit not in suv_units(volume, stack):
        return volume, stack
    chosen = next(scale for scale in stack.scales if scale.unit == unit and _is_factor(scale))
    factor = chosen.factor
    back = ValueScale(unit=volume.unit, factor=1 / factor, said=stack.values_said)
    others = (scale.after(factor) for scale in stack.scales if scale is not chosen)
    shown = replace(
        volume,
        slope=volume.slope * factor,
        intercept=volume.intercept * factor,
        per_slice=None if volume.per_slice is None else volume.per_slice * factor,
        unit=unit,
        windows=_scaled(volume.windows, factor),
        slice_windows=tuple(_scaled(each, factor) for each in volume.slice_windows),
    )
    return shown, replace(
        stack,
        unit=unit,
        factor=stack.factor * factor,
        values_said=chosen.said,
        scales=(back, *others),
    )


def _is_factor(scale: ValueScale) -> bool:
    return scale.unit in _SUV and scale.offset == 0 and scale.factor > 0 and not scale.table


def _scaled(windows: tuple[FileWindow, ...], factor: float) -> tuple[FileWindow, ...]:
    return tuple((centre * factor, width * factor, name) for centre, width, name in windows)
