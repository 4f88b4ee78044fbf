"""Numbers as people read them, unit included."""

from __future__ import annotations

from medview.core.results import Quantity
from medview.core.words import tr

_UNITS = {
    "mm[Hg]": "mmHg",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
    "kg/m2": "kg/m²",
    "mm2": "mm²",
    "mm3": "mm³",
    "[hnsf'U]": "HU",
    "10*9/L": "10⁹/L",
    "umol/L": "µmol/L",
    "{pack-years}": "pack-years",
    "{pixels}": "px",
    "{pixels}2": "px²",
    "{voxels}": "",
    "deg": "°",
    "{INR}": "",
    "{points}": "",
    "{score}": "",
    "1": "",
    "Cel": "°C",
    "a": "y",
    "{SUVbw}g/ml": "SUVbw",
    "{SUVlbm}g/ml": "SUVlbm",
    "{SUVbsa}cm2/ml": "SUVbsa",
}


def unit_text(unit: str) -> str:
    """A UCUM unit as it is printed beside a number; "" for counts and points.

    "y" and "pack-years" are words: `tr` gives them in the current language.
    """
    return _UNITS.get(unit, unit)


def number_text(value: float) -> str:
    """A number as one would type it: at most four significant digits, no trailing zeros."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"


def percent(value: float) -> str:
    """A number with one decimal, none from a hundred up."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def thousands(value: float) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{value:,.0f}".replace(",", "\u202f")


def volume_text(mm3: float) -> str:
    """A volume: millilitres from 10 mL up, mm³ to three digits below 1 mL."""
    if mm3 >= 10_000:
        return f"{thousands(mm3 / 1000)} mL"
    return f"{mm3 / 1000:.2f} mL" if mm3 >= 1000 else f"{mm3:.0f} mm³"


def quantity_text(quantity: Quantity) -> str:
    """Value and unit, the true minus sign."""
    unit = tr(unit_text(quantity.unit))
    return f"{percent(quantity.value)} {unit}".replace("-", "\u2212").strip()
