"""The concepts of measurements, with their codes: what a ruler says, wherever it is written."""

from __future__ import annotations

from medview.core.results import Code, Quantity

CODES = {
    "Length": Code("SCT", "410668003", "Length"),
    "Long axis": Code("SCT", "103339001", "Long axis"),
    "Short axis": Code("SCT", "103340004", "Short axis"),
    "Diameter": Code("SCT", "81827009", "Diameter"),
    "Area": Code("SCT", "42798000", "Area"),
    "Volume": Code("SCT", "118565006", "Volume"),
    "Angle": Code("SCT", "1483009", "Angle"),
    "Cobb angle": Code("SCT", "285285000", "Cobb angle"),
    "Mean": Code("SCT", "373098007", "Mean"),
    "Standard deviation": Code("SCT", "386136009", "Standard Deviation"),
    "Minimum": Code("SCT", "255605001", "Minimum"),
    "Maximum": Code("SCT", "56851009", "Maximum"),
    "Median": Code("SCT", "373099004", "Median"),
    "Peak": Code("DCM", "126031", "Peak Value Within ROI"),
    "Time": Code("SCT", "103335007", "Duration"),
    "Velocity": Code("DCM", "110828", "Flow Velocity"),
    "Depth": Code("DCM", "111020", "Depth"),
    "Count": Code("99MEDVIEW", "count", "Number of pixels or voxels"),
    "Velocity difference": Code("99MEDVIEW", "velocity-diff", "Difference of velocities"),
    "Cardiothoracic ratio": Code("99MEDVIEW", "ctr", "Cardiothoracic ratio"),
    "Cardiac diameter": Code("99MEDVIEW", "cardiac-width", "Transverse diameter of the heart"),
    "Thoracic diameter": Code("99MEDVIEW", "thoracic-width", "Inner transverse thoracic diameter"),
}
# Statistics of values: in a report the value's own concept is named, and how it was derived.
DERIVED = ("Mean", "Standard deviation", "Minimum", "Maximum", "Median", "Peak")
_OF_UNIT = {
    "[hnsf'U]": Code("DCM", "112031", "Attenuation Coefficient"),
    "{SUVbw}g/ml": Code("DCM", "126401", "SUVbw"),
    "{SUVlbm}g/ml": Code("DCM", "126402", "SUVlbm"),
    "{SUVbsa}cm2/ml": Code("DCM", "126403", "SUVbsa"),
}


# How an SUV was normalised (CID 85); lean mass by Janmahasatian, as MedView computes it.
_METHOD = {
    "{SUVbw}g/ml": Code("DCM", "126410", "SUV body weight calculation method"),
    "{SUVlbm}g/ml": Code("DCM", "126414", "SUV lean body mass calculation Janmahasatian method"),
    "{SUVbsa}cm2/ml": Code("DCM", "126412", "SUV body surface area calculation method"),
}


def method_code(unit: str) -> Code | None:
    """By which method values of a unit were made, None where the unit does not say."""
    return _METHOD.get(unit)


def value_code(unit: str) -> Code | None:
    """What values of a unit (UCUM) are, None where the unit alone does not say."""
    return _OF_UNIT.get(unit)


def concept_named(code: Code | None) -> str:
    """Our word for a code, "" for one that is none of ours."""
    if code is None:
        return ""
    key = (code.scheme, code.value)
    return next((name for name, c in CODES.items() if (c.scheme, c.value) == key), "")


def quantity(concept: str, value: float, unit: str) -> Quantity:
    """A number of one of these concepts, with its code."""
    return Quantity(concept=concept, value=value, unit=unit, code=CODES[concept])
