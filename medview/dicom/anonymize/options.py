"""What is retained and what is cleaned: profiles, options and their codes (PS3.16 CID 7050)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Dates(StrEnum):
    """What becomes of dates and times that are not the birth date."""

    REMOVE = "remove"
    SHIFT = "shift"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of PS3.15 E.3 that MedView knows; without any it is the basic profile.

    Content trees and graphics are always cleaned rather than emptied (E.3.3, E.3.4).
    """

    dates: Dates = Dates.REMOVE
    uids: bool = False
    device: bool = False
    institution: bool = False
    patient: bool = False
    descriptors: bool = False
    safe_private: bool = False


PROFILES = {
    "basic": Options(),
    "research": Options(
        dates=Dates.SHIFT, device=True, patient=True, descriptors=True, safe_private=True
    ),
}

BASIC = ("113100", "Basic Application Confidentiality Profile")
PIXELS = ("113101", "Clean Pixel Data Option")
GRAPHICS = ("113103", "Clean Graphics Option")
STRUCTURED = ("113104", "Clean Structured Content Option")
_DESCRIPTORS = ("113105", "Clean Descriptors Option")
_FULL_DATES = ("113106", "Retain Longitudinal Temporal Information Full Dates Option")
_MODIFIED_DATES = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
_PATIENT = ("113108", "Retain Patient Characteristics Option")
_DEVICE = ("113109", "Retain Device Identity Option")
_UIDS = ("113110", "Retain UIDs Option")
_SAFE_PRIVATE = ("113111", "Retain Safe Private Option")
_INSTITUTION = ("113112", "Retain Institution Identity Option")


def method_codes(options: Options) -> tuple[tuple[str, str], ...]:
    """(code value, meaning) of every part of the method, scheme DCM."""
    chosen = (
        (options.descriptors, _DESCRIPTORS),
        (options.dates is Dates.KEEP, _FULL_DATES),
        (options.dates is Dates.SHIFT, _MODIFIED_DATES),
        (options.patient, _PATIENT),
        (options.device, _DEVICE),
        (options.uids, _UIDS),
        (options.safe_private, _SAFE_PRIVATE),
        (options.institution, _INSTITUTION),
    )
    return (BASIC, *(code for is_chosen, code in chosen if is_chosen))
