"""Numbers as people read them, unit included."""

from __future__ import annotations

from medview.core.results import Quantity

_UNITS = {
    "{1.73_m2}": "1.73 m²",
    "mm[Hg]": "mmHg",
    "[hnsf'U]": "HU",
    "mm3": "mm³",
    "kg/m2": "kg/m²",
    "Cel": "°C",
    "10*9/L": "10⁹/L",
    "{pack-years}": "",
    "{INR}": "",
    "{score}": "",
    "1": "",
    "a": "",
}


def unit_text(unit: str) -> str:
    """A UCUM unit as it is printed in a report."""
    if unit in _UNITS:
        return _UNITS[unit]
    for code, shown in _UNITS.items():
        if len(code) > 3:
            unit = unit.replace(code, shown)
    return unit


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
    unit = unit_text(quantity.unit)
    return f"{percent(quantity.value)} {unit}".replace("-", "\u2212").strip()
