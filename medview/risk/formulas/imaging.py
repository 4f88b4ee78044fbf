"""What follows from sizes and densities that were measured in images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.risk.formulas.base import Inputs, Outcome


def psa_density(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """PSA / (0.52 x length x width x height in cm), ng/mL/mL; 10.1016/j.eururo.2019.02.033.

    A volume that was painted stands for the ellipsoid.
    """
    if given.has("prostate_volume"):
        return Outcome(given.number("psa") / given.number("prostate_volume"))
    sides = ("prostate_length", "prostate_width", "prostate_height")
    volume = coefficients["ellipsoid"]
    for side in sides:
        volume *= given.number(side) / 10.0
    return Outcome(given.number("psa") / volume)


def haematoma_volume(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """A x B x C / 2 in mL, an irregular bleed / 3; Kothari 1996, 10.1161/01.STR.27.8.1304.

    A and B are the largest diameter and the one at right angles, C slices x thickness. A slice
    counts 1 from 75 % of the largest area on, 0.5 from 25 %, else 0.
    """
    height = given.number("haematoma_slices") * given.number("slice_thickness")
    sides = given.number("haematoma_length") * given.number("haematoma_width")
    part = coefficients["divided_by"][given.word("haematoma_shape")]
    return Outcome(sides * height / part / 1000.0)


def adrenal_washout(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Absolute washout in %, (E - D) / (E - U); 10.1016/j.jacr.2017.05.001.

    E enhanced at 60-75 s, D delayed at 15 min, U unenhanced, in HU. Adenoma from 60 % on, or where
    U is at most 10 HU. Where E is not above U there is no washout to speak of.
    """
    plain = given.number("adrenal_hu_plain")
    early, late = given.number("adrenal_hu_enhanced"), given.number("adrenal_hu_delayed")
    is_fat = plain <= coefficients["lipid_rich"]
    if early <= plain:
        return Outcome(band="lipid-rich" if is_fat else "undefined")
    value = 100.0 * (early - late) / (early - plain)
    if is_fat:
        return Outcome(value, "lipid-rich")
    return Outcome(value, "adenoma" if value >= coefficients["absolute"] else "indeterminate")


def adrenal_relative(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Relative washout in %, (E - D) / E, where there is no unenhanced series."""
    early, late = given.number("adrenal_hu_enhanced"), given.number("adrenal_hu_delayed")
    return Outcome(100.0 * (early - late) / early)


def agatston(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """The Agatston score itself; only exactly 0 is none; 10.1016/0735-1097(90)90282-T."""
    value = given.number("agatston_score")
    return Outcome(value, "none" if value == 0.0 else "")


def recist(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """RECIST 1.1, the change of the sum of targets in % and its class; 10.1016/j.ejca.2008.10.026.

    Progression: 20 % and 5 mm over the smallest sum so far, or a new lesion; partial response
    from 30 % below the baseline on; complete: nothing left, nodes below 10 mm.
    """
    now, nadir = given.number("target_sum_now"), given.number("target_sum_nadir")
    baseline = given.number("target_sum_baseline")
    change = 100.0 * (now - baseline) / baseline
    grown = now - nadir
    if given.yes("new_lesions") or (grown >= 0.2 * nadir and grown >= coefficients["least_mm"]):
        return Outcome(change, "PD")
    if now == 0.0:
        return Outcome(change, "CR")
    return Outcome(change, "PR" if change <= coefficients["partial"] else "SD")


def mrecist(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """mRECIST for liver cancer, by the enhancing parts of the targets; 10.1055/s-0030-1247132.

    Progression here is 20 % over the smallest sum so far, without the 5 mm of RECIST 1.1.
    """
    return recist(given, coefficients)


def risk_of_malignancy(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """RMI I: ultrasound x menopause x CA-125; Jacobs, 10.1111/j.1471-0528.1990.tb02448.x.

    Ultrasound 0, 1 for one feature and 3 for more; menopause 1 before, 3 after.
    """
    features = sum(given.yes(name) for name in coefficients["features"])
    ultrasound = (0, 1, 3)[min(features, 2)]
    menopause = 3 if given.yes("postmenopausal") else 1
    return Outcome(ultrasound * menopause * given.number("ca_125"))


def ankle_brachial(given: Inputs, coefficients: Mapping[str, Any]) -> Outcome:
    """Ankle pressure / higher arm pressure; Aboyans 2012, 10.1161/CIR.0b013e318276fbcb."""
    return Outcome(given.number("ankle_pressure") / given.number("arm_pressure"))
