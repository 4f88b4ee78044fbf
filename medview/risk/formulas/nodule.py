"""Probability that a lung nodule is malignant, in percent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome, logistic


def brock(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """PanCan full model with spiculation (2b); McWilliams 2013, 10.1056/NEJMoa1214726.

    The size term is (d/10)^-0.5 - 1.58113883, d the maximum transverse diameter in mm: it is
    already centred at 4 mm.
    """
    c = coefficients
    size = (given.number("nodule_diameter_max") / 10.0) ** -0.5 - c["size_centre"]
    x = (
        c["constant"]
        + c["age"] * (given.number("age") - 62.0)
        + c["female"] * given.is_female()
        + c["family"] * given.yes("family_history_lung_cancer")
        + c["emphysema"] * given.yes("emphysema")
        + c["size"] * size
        + c["type"][given.word("nodule_type")]
        + c["upper"] * given.yes("nodule_upper_lobe")
        + c["count"] * (given.number("nodule_count") - 4.0)
        + c["spiculated"] * given.yes("nodule_spiculated")
    )
    return Outcome(100.0 * logistic(x))


def mayo(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Mayo Clinic model; Swensen 1997, 10.1001/archinte.1997.00440290031002."""
    c = coefficients
    x = (
        c["constant"]
        + c["age"] * given.number("age")
        + c["smoker"] * (given.word("smoking_status") != "never")
        + c["cancer"] * given.yes("extrathoracic_cancer_over_5y")
        + c["diameter"] * given.number("nodule_diameter_max")
        + c["spiculated"] * given.yes("nodule_spiculated")
        + c["upper"] * given.yes("nodule_upper_lobe")
    )
    return Outcome(100.0 * logistic(x))


def veterans(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Veterans Affairs model; Gould 2007, 10.1378/chest.06-1261."""
    c = coefficients
    status = given.word("smoking_status")
    quit_years = given.number("smoking_quit_years") if status == "former" else 0.0
    x = (
        c["constant"]
        + c["smoker"] * (status != "never")
        + c["age"] * given.number("age")
        + c["diameter"] * given.number("nodule_diameter_max")
        + c["quit_years"] * quit_years
    )
    return Outcome(100.0 * logistic(x))


def herder(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """What FDG PET makes of the Mayo probability; Herder 2005, 10.1378/chest.128.4.2490.

    Uptake: faint is up to the mediastinal blood pool, moderate above it, intense far above.
    """
    before = (mayo(given, coefficients["mayo"]).value or 0.0) / 100.0
    x = coefficients["constant"] + coefficients["before"] * before
    return Outcome(100.0 * logistic(x + coefficients["uptake"][given.word("fdg_uptake")]))
