"""Steps without a net, registered for pipelines of the kind "rules"."""

from __future__ import annotations

import numpy as np

from medview.ai.worker.coarse import hounsfield, slabs
from medview.ai.worker.lungs import LEFT, RIGHT, Rules, segment
from medview.ai.worker.steps import State, step
from medview.core.errors import InputRefused
from medview.core.results import Code, Quantity
from medview.core.words import say

_MEAN = Code("99MEDVIEW", "mean-density", "Mean lung density")
_EMPHYSEMA = Code("99MEDVIEW", "laa-950", "Share of lung below the emphysema limit")


@step("lungs", say("Finding lungs and airways"))
def lungs(  # noqa: PLR0913 - one argument a field of the step
    state: State,
    *,
    grid_mm: float,
    body_above_hu: float,
    air_below_hu: float,
    airway_below_hu: float,
    airway_max_ml: float,
    close_mm: float,
    min_lung_ml: float,
) -> None:
    """Right and left lung, airway and body as labels 1 to 4. Raises InputRefused without lungs."""
    volume, context = state.volume, state.context
    if volume.is_colour or volume.unit not in ("HU", ""):
        raise InputRefused(say("The numbers of this series are no Hounsfield units."))
    rules = Rules(
        grid_mm=grid_mm,
        body_above_hu=body_above_hu,
        air_below_hu=air_below_hu,
        airway_below_hu=airway_below_hu,
        airway_max_ml=airway_max_ml,
        close_mm=close_mm,
        min_lung_ml=min_lung_ml,
    )
    state.label_map = segment(volume, rules, context.progress, context.cancel)


@step("densitometry", say("Measuring lung density"))
def densitometry(state: State, below_hu: float) -> None:
    """Mean density (HU) and share below a limit (%), of each lung and of both.

    The share is the low attenuation area of quantitative CT; -950 HU is the limit of Gevenois
    et al. (AJRCCM 1996). Noise and sharp kernels raise it.
    """
    if state.label_map is None:
        raise InputRefused(say("No lungs were found in this series."))
    counts, sums, lows = np.zeros(3), np.zeros(3), np.zeros(3)
    for part in slabs(state.volume.geometry.shape, 1):
        state.context.cancel.check()
        values, labels = hounsfield(state.volume, part), state.label_map[part]
        for side in (RIGHT, LEFT):
            inside = values[labels == side].astype(np.float64)
            counts[side] += inside.size
            sums[side] += inside.sum()
            lows[side] += np.count_nonzero(inside < below_hu)
    for side in (RIGHT, LEFT):
        if counts[side]:
            mean, share = sums[side] / counts[side], 100 * lows[side] / counts[side]
            state.measures.append(
                (side, Quantity(concept="mean density", value=mean, unit="[hnsf'U]", code=_MEAN))
            )
            state.measures.append(
                (side, Quantity(concept="emphysema share", value=share, unit="%", code=_EMPHYSEMA))
            )
    if counts.sum():
        both = 100 * lows.sum() / counts.sum()
        state.measures.append(
            # A concept of observations: risk scores read it.
            (None, Quantity(concept="emphysema_share", value=both, unit="%", code=_EMPHYSEMA))
        )
