"""UIDs that MedView makes, all of the branch 2.25 (PS3.5 B.2)."""

from __future__ import annotations

from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

# Who wrote a file (PS3.7 D.3.3.2): made once for MedView.
IMPLEMENTATION_CLASS = "2.25.224106329671306415208107093457113716497"
_FILES = UUID("6a1f3c52-7a0e-4f0b-9f0c-3a8d3f0f6f11")


def new_uid() -> str:
    """A UID that nobody has."""
    return f"2.25.{uuid4().int}"


def derived_uid(*names: str) -> str:
    """The same UID for the same names: one finding keeps its tracking UID in SEG, SR and later."""
    return f"2.25.{uuid5(NAMESPACE_OID, chr(31).join(names)).int}"


def made_uid(*parts: str) -> str:
    """A UID for what has none in its files: the same for the same files."""
    return f"2.25.{uuid5(_FILES, '|'.join(parts)).int}"
