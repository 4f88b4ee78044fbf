"""What a measurement says, beside it and on its card."""

from __future__ import annotations

from medview.core.made_names import shown_number
from medview.core.numbers import unit_text
from medview.core.results import Measurement, Quantity
from medview.core.words import Sentence, say, tr
from medview.imaging.roi.kinds import CLOSED

_TITLES = {
    "Length": say("Length"),
    "Long axis": say("Long axis"),
    "Short axis": say("Short axis"),
    "Diameter": say("Diameter"),
    "Mean diameter": say("Mean diameter"),
    "Solid part": say("Solid part"),
    "Area": say("Area"),
    "Volume": say("Volume of the region"),
    "Angle": say("Angle"),
    "Cobb angle": say("Cobb angle"),
    "Mean": say("Mean"),
    "Standard deviation": say("Standard deviation"),
    "Minimum": say("Minimum"),
    "Maximum": say("Maximum"),
    "Median": say("Median"),
    "Peak": say("Peak (mean of 1 mL)"),
    "Value": say("Value"),
    "Time": say("Time"),
    "Velocity": say("Velocity"),
    "Velocity difference": say("Difference of velocities"),
    "Depth": say("Depth"),
    "Count": say("Pixels"),
    "Cardiothoracic ratio": say("Cardiothoracic ratio"),
    "Cardiac diameter": say("Width of the heart"),
    "Thoracic diameter": say("Inner width of the chest"),
}
KIND_TITLES = {
    "length": say("Length"),
    "arrow": say("Arrow"),
    "text": say("Text"),
    "angle": say("Angle"),
    "cobb": say("Cobb angle"),
    "bidirectional": say("Long and short axis"),
    "ellipse": say("Ellipse"),
    "rectangle": say("Rectangle"),
    "freehand": say("Freehand"),
    "spline": say("Spline"),
    "livewire": say("Edge-following outline"),
    "sphere": say("Sphere"),
    "suv_peak": say("SUV peak"),
    "ctr": say("Cardiothoracic ratio"),
    "probe": say("Probe"),
    "path": say("Line"),
    "reported": say("Numbers of a report"),
}
_OF_LENGTH = ("Length", "Area", "Volume", "Time", "Depth", "Velocity", "Velocity difference")
_FEW = 4  # numbers of a report that a closed card shows
_BESIDE = ("Peak", "Angle", "Cobb angle", "Cardiothoracic ratio", *_OF_LENGTH, "Value")


def number(value: float) -> str:
    """A number with as many figures as a picture can bear; a true minus sign."""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 1 or value == 0 else 3
    return f"{value:.{digits}f}".replace("-", "−")


def title_of(measurement: Measurement) -> str:
    """The reader's label, else what kind it is, in the current language."""
    known = KIND_TITLES.get(measurement.kind)
    return shown_number(measurement.text) or (str(known) if known is not None else measurement.kind)


def shown(quantity: Quantity) -> str:
    """Value and unit as they stand beside a measurement."""
    if quantity.concept == "Cardiothoracic ratio":
        return f"{quantity.value:.2f}"
    if quantity.concept == "Count":
        return f"{quantity.value:.0f}"
    if quantity.unit == "deg":
        return f"{number(quantity.value)}°"
    if quantity.unit == "mm3" and quantity.value >= 1000:
        return f"{quantity.value / 1000:.2f} mL"
    return f"{number(quantity.value)} {unit_text(quantity.unit)}".strip()


def lines(measurement: Measurement) -> tuple[str, ...]:
    """What stands beside a measurement: label, number, unit and the mark of its calibration."""
    mark = "" if measurement.calibration in ("patient", "none") else f" {measurement.calibration}"
    found = {quantity.concept: quantity for quantity in measurement.quantities}
    said = [shown_number(measurement.text)] if measurement.text else []
    if measurement.kind == "reported":
        return (*said, *(f"{_name(q)} {shown(q)}" for q in measurement.quantities[:_FEW]))
    if "Long axis" in found and "Short axis" in found:
        long, short = found["Long axis"], found["Short axis"]
        said.append(f"{number(long.value)} × {shown(short)}{mark}")
    if "Mean diameter" in found:
        said.append(f"Ø {shown(found['Mean diameter'])}{mark}")
    for concept in _BESIDE:
        if concept in found:
            name = {"Peak": f"{tr('Peak')} ", "Cardiothoracic ratio": f"{tr('CTR')} "}
            tail = mark if concept in _OF_LENGTH else ""
            said.append(f"{name.get(concept, '')}{shown(found[concept])}{tail}")
    if measurement.kind in CLOSED and "Area" not in found and measurement.points:
        said.append(tr("crosses itself"))
    if "Mean" in found and "Standard deviation" in found:
        unit = unit_text(found["Mean"].unit)
        spread = found["Standard deviation"].value
        said.append(f"{number(found['Mean'].value)} ± {number(spread)} {unit}".strip())
    if "Minimum" in found and "Maximum" in found:
        unit = unit_text(found["Maximum"].unit)
        low, high = found["Minimum"].value, found["Maximum"].value
        said.append(f"{number(low)} … {number(high)} {unit}".strip())
    return tuple(said)


def rows(measurement: Measurement) -> tuple[tuple[str, str], ...]:
    """Every number with its name, for a card or the clipboard."""
    return tuple((_name(quantity), shown(quantity)) for quantity in measurement.quantities)


def as_text(measurement: Measurement) -> str:
    """A measurement as lines of name and value parted by tabs, for a report or a table."""
    state = measurement.calibration
    mark = "" if state in ("patient", "none") else f" ({state})"
    told = ("\t".join(each) for each in rows(measurement))
    return "\n".join([title_of(measurement) + mark, *told])


def _name(quantity: Quantity) -> str:
    if quantity.concept == "Count" and quantity.unit == "{voxels}":
        return tr("Voxels")
    named: Sentence | None = _TITLES.get(quantity.concept)
    return quantity.concept if named is None else str(named)
