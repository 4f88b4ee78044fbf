"""What the doctor says: declared checks, and what each of them found where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from medview.core.words import Sentence

ERROR, WARNING, REMARK = "error", "warning", "remark"
SEVERITIES = (ERROR, WARNING, REMARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question that the doctor asks.

    severity: error (pictures or identity wrong or lost), warning (some programs are misled),
    remark (against the letter, harmless). repair: what a repaired copy does about it, None where
    an honest repair does not exist.
    """

    id: str
    severity: str
    title: Sentence
    causes: Sentence
    what_to_do: Sentence
    repair: Sentence | None = None


CHECKS: dict[str, Check] = {}


def declare(check: Check) -> Check:
    """Enter a check in the list that `docs/doctor.md` is made of."""
    if check.id in CHECKS:
        raise ValueError(check.id)
    CHECKS[check.id] = check
    return check


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A value that a repaired copy has instead of the present one.

    tag 0x00020010 is the transfer syntax. value: the element's text in ASCII. moves: whether
    programs compute with it (order, geometry), so that the copy needs UIDs of its own.
    """

    tag: int
    vr: str
    value: str
    moves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found. offset: byte in the file (in the inflated data set of deflated ones)."""

    check: Check
    what: Sentence
    path: str
    tag: str = ""
    offset: int | None = None
    edit: Edit | None = None
    is_repairable: bool = False

    def to_json(self) -> dict[str, Any]:
        """The finding in English, for `medview.doctor/1`."""
        repair = self.check.repair if self.is_repairable else None
        return {
            "check": self.check.id,
            "severity": self.check.severity,
            "file": self.path,
            "tag": self.tag,
            "offset": self.offset,
            "title": self.check.title.english(),
            "what": self.what.english(),
            "causes": self.check.causes.english(),
            "what_to_do": self.check.what_to_do.english(),
            "repair": None if repair is None else repair.english(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReason:
    """A file that was left out, and why."""

    path: str
    reason: Sentence

    def to_json(self) -> dict[str, str]:
        """File and reason in English."""
        return {"file": self.path, "reason": self.reason.english()}


def shown_tag(tag: int) -> str:
    """(gggg,eeee)"""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
