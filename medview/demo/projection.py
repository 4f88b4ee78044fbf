"""Radiographs of a sampled body: cone beam, scatter, quanta, and the look of a detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from medview.core.progress import CancelToken
from medview.demo.scanner import Model
from medview.demo.space import Float

_MU_WATER = 0.0175  # per mm, at the mean energy of a 120 kV chest beam behind the patient
_OPEN_FIELD = 0.55  # attenuation beside the patient is below this
_BONE_GAIN = 0.85  # a CT number says how dense bone is at 80 keV; softer beams stop more in it


@dataclass(frozen=True, kw_only=True)
class Beam:
    """source: its distance from the detector, mm. behind: whether it stands behind the patient
    (PA: the chest leans on the detector). parallel_z: a scout's table moves, so no cone along z.
    """

    source: float
    behind: bool
    parallel_z: bool = False


def line_integrals(model: Model, beam: Beam, u: Float, v: Float, cancel: CancelToken) -> Float:
    """Attenuation (no unit) on the detector, [v, u]; u along x and v along z in mm, growing.

    The detector touches the body's grid at its front (PA) or back (AP) side.
    """
    grid = model.grid
    detector_y = grid.y[0] - 20 if beam.behind else grid.y[-1] + 20
    middle_z = float(grid.z.mean())
    total = np.zeros((len(v), len(u)), np.float32)
    for j in range(0, len(grid.y), 2):
        cancel.check()
        plane = _attenuation(model.hu[:, j : j + 2]).sum(1) * np.float32(grid.spacing[1])
        if plane.max() <= 0:
            continue
        away = abs(float(grid.y[j]) - float(detector_y))
        larger = beam.source / (beam.source - away)
        across = _linear(grid.x * np.float32(larger), u)
        z = grid.z if beam.parallel_z else (grid.z - middle_z) * larger + middle_z
        along = _linear(np.asarray(z, np.float32), v)
        total += along @ (plane @ across.T)
    return total


def _attenuation(hu: NDArray[np.int16]) -> Float:
    value = np.asarray(hu, np.float32) * np.float32(0.001)
    mu = np.maximum(value + 1, 0) + np.float32(_BONE_GAIN) * np.maximum(value - 0.1, 0)
    mu *= np.float32(_MU_WATER)
    return np.where(hu < -990, np.float32(0), mu)


def _linear(at: Float, wanted: Float) -> Float:
    """(wanted, at) weights of linear interpolation, the edge repeated outside."""
    place = np.clip((wanted - at[0]) / (at[1] - at[0]), 0, len(at) - 1.001)
    low = place.astype(int)
    weights = np.zeros((len(wanted), len(at)), np.float32)
    rows = np.arange(len(wanted))
    weights[rows, low] = 1 - (place - low)
    weights[rows, low + 1] = place - low
    return weights


def radiograph(integrals: Float, factor: float, pitch: float, seed: int) -> NDArray[np.uint16]:
    """A film as a flat detector gives it: 12 bit, dense is bright, rows from head to feet.

    integrals: [v, u] as `line_integrals` gives them. factor: detector pixels per sample.
    pitch: detector pixel, mm.
    """
    rng = np.random.default_rng(seed)
    primary = np.exp(-zoom(integrals[::-1], factor, order=3, grid_mode=True, mode="nearest"))
    small = primary[::8, ::8]
    veil = gaussian_filter(small, 45 / pitch / 8)
    veil = zoom(veil, [a / b for a, b in zip(primary.shape, veil.shape, strict=True)], order=1)
    signal = primary + 0.35 * veil
    quanta = rng.standard_normal(signal.shape, np.float32)
    signal += gaussian_filter(quanta, 0.55) * np.sqrt(np.maximum(signal, 1e-4)) * np.float32(0.016)
    dense = -np.log(np.maximum(signal, 1e-3))
    return _detector_look(np.asarray(dense, np.float32), pitch)


def _detector_look(dense: Float, pitch: float) -> NDArray[np.uint16]:
    """Fine structure is kept, slow changes are pressed together, as every digital system does."""
    step = 6
    slow = gaussian_filter(dense[::step, ::step], 14 / pitch / step)
    slow = zoom(slow, [a / b for a, b in zip(dense.shape, slow.shape, strict=True)], order=1)
    detail = dense - slow
    middle = float(np.median(slow))
    shown = middle + (slow - middle) * np.float32(0.68) + detail * np.float32(1.6)
    # The open field beside the patient goes black; the lungs set the dark end of the scale.
    patient = shown[::4, ::4][slow[::4, ::4] > _OPEN_FIELD]
    low, high = np.percentile(patient, (4, 99.7))
    scaled = 300 + (shown - low) * np.float32(3200 / max(high - low, 1e-3))
    return np.asarray(np.clip(np.rint(scaled), 0, 4095), np.uint16)


def scout(integrals: Float, seed: int) -> NDArray[np.int16]:
    """A scanner's survey view, rows from head to feet: numbers that grow with attenuation."""
    rng = np.random.default_rng(seed)
    dense = integrals[::-1] + rng.normal(0, 0.012, integrals.shape)
    blurred = gaussian_filter(dense, 0.5)
    sharpened = blurred + 0.8 * (blurred - gaussian_filter(blurred, 3))
    return np.asarray(np.clip(np.rint(sharpened * 190 - 700), -1024, 3071), np.int16)
