"""New identities from old ones by a keyed hash: the same secret gives the same, nothing leads back.

HMAC-SHA-256 (RFC 2104). Whoever lacks the secret can neither undo nor test a guess.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from medview.core.errors import InvalidInput
from medview.core.files import clear_abandoned, write_whole
from medview.core.words import say

_LENGTH = 32
_STANDARD_ROOT = "1.2.840.10008."
_DATE = re.compile(r"(\d{4})([.]?)(\d{2})\2(\d{2})$")


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """The key of all pseudonyms; it is never part of what is written as a copy."""

    key: bytes

    @staticmethod
    def new() -> Secret:
        """One that nobody has; copies of two runs then have nothing in common."""
        return Secret(secrets.token_bytes(_LENGTH))

    @staticmethod
    def kept_in(path: Path) -> Secret:
        """The secret of a file, made for the owner alone where the file is not there yet.

        Raises InvalidInput for a file that is no such secret, WriteFailed.
        """
        clear_abandoned(path.parent)
        if not path.exists():
            made = Secret.new()
            write_whole(path, made.key.hex() + "\n")
            return made
        try:
            key = bytes.fromhex(path.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise InvalidInput(say("This is no key file of MedView"), str(path)) from error
        if len(key) != _LENGTH:
            raise InvalidInput(say("This is no key file of MedView"), str(path))
        return Secret(key)

    def digest(self, kind: str, value: str) -> bytes:
        """32 bytes that stand for a value of some kind."""
        return hmac.digest(self.key, f"{kind}\x1f{value}".encode("utf-8", "replace"), "sha256")

    def uid(self, original: str) -> str:
        """A new UID (PS3.5 B.2); those that the standard defines stay."""
        if not original or _is_well_known(original):
            return original
        return f"2.25.{UUID(bytes=self.digest('uid', original)[:16], version=4).int}"

    def name(self, kind: str, value: str, length: int = 8) -> str:
        """Capital letters and figures for identifiers and names of folders."""
        return base64.b32encode(self.digest(kind, value)).decode("ascii")[:length]

    def days(self, patient: str) -> int:
        """How far all dates of a patient move: back, by whole weeks, one to ten years."""
        weeks = 52 + int.from_bytes(self.digest("days", patient)[:4], "big") % 470
        return -7 * weeks


def _is_well_known(uid: str) -> bool:
    """Whether the standard itself gives the UID its meaning; some writers misuse its root."""
    from pydicom._uid_dict import UID_dictionary

    return uid.startswith(_STANDARD_ROOT) and uid in UID_dictionary


def shifted(value: str, vr: str, days: int) -> str:
    """DA and DT moved by whole days; times of day stay. Raises ValueError for what is no date."""
    if vr == "TM":
        return value
    return "\\".join(_one_shifted(part.strip(" \0"), days) for part in value.split("\\"))


def _one_shifted(value: str, days: int) -> str:
    if not value:
        return value
    found = _DATE.match(value[:10] if "." in value[4:5] else value[:8])
    if found is None:
        raise ValueError
    year, _, month, day = found.groups()
    try:
        moved = date(int(year), int(month), int(day)) + timedelta(days=days)
    except OverflowError as error:
        raise ValueError from error
    return f"{moved:%Y%m%d}".zfill(8) + value[found.end() :]
