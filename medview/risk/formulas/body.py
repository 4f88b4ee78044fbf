"""Quantities of the body and its chemistry that other decisions stand on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome


def bmi(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Weight / height^2, kg/m2; WHO 2000 (Keys 1972, 10.1016/0021-9681(72)90027-6)."""
    return Outcome(given.number("weight") / (given.number("height") / 100.0) ** 2)


def surface_mosteller(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """sqrt(height cm x weight kg / 3600), m2; Mosteller 1987, 10.1056/NEJM198710223171717."""
    return Outcome(math.sqrt(given.number("height") * given.number("weight") / 3600.0))


def surface_du_bois(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """0.007184 weight^0.425 height^0.725, m2; Du Bois, 10.1001/archinte.1916.00080130010002."""
    product = given.number("weight") ** 0.425 * given.number("height") ** 0.725
    return Outcome(coefficients["constant"] * product)


def mean_pressure(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """(systolic + 2 diastolic) / 3, mmHg; Sesso 2000, 10.1161/01.HYP.36.5.801."""
    return Outcome((given.number("systolic_bp") + 2.0 * given.number("diastolic_bp")) / 3.0)


def shock_index(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Heart rate / systolic pressure; Allgower 1967, 10.1055/s-0028-1106070."""
    return Outcome(given.number("heart_rate") / given.number("systolic_bp"))


def anion_gap(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Na - Cl - HCO3, mmol/L; Kraut 2007, 10.2215/CJN.03020906."""
    rest = given.number("chloride") + given.number("bicarbonate")
    return Outcome(given.number("sodium") - rest)


def corrected_calcium(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Calcium + 0.8 (4 - albumin), mg/dL and g/dL; after Payne 1973, 10.1136/bmj.4.5893.643.

    The usual factor of 0.8 is younger than the paper, which has 1.
    """
    missing = 4.0 - given.number("albumin")
    return Outcome(given.number("calcium") + coefficients["per_gram"] * missing)


def oxygenation(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """PaO2 / FiO2, mmHg (FiO2 in %); bands of the Berlin definition, 10.1001/jama.2012.5669."""
    return Outcome(100.0 * given.number("arterial_oxygen") / given.number("inspired_oxygen"))


def albumin_gradient(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Albumin of serum - of ascites, g/dL; Runyon 1992, 10.7326/0003-4819-117-3-215."""
    return Outcome(given.number("albumin") - given.number("ascites_albumin"))


def dimer_limit(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """The limit for D-dimer at an age: age x 10 ng/mL (FEU) above 50 years, else 500.

    Righini 2014, 10.1001/jama.2014.2135. The band says on which side the value lies.
    """
    limit = max(coefficients["least"], coefficients["per_year"] * given.number("age"))
    value = given.number(coefficients["assay"])
    return Outcome(limit, "below" if value < limit else "above")
