"""One file on the doctor's table: its anatomy and what the reader makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from medview.core.words import Sentence
from medview.dicom.doctor.anatomy import Anatomy
from medview.dicom.doctor.finding import Check, Edit, Finding, shown_tag
from medview.dicom.elements import PIXEL_TAGS, Elements
from medview.dicom.instance import Instance
from medview.dicom.keywords import tag_of


@dataclass(frozen=True, slots=True)
class Case:
    """A file taken apart, and as the reader opens it (None where it refuses)."""

    anatomy: Anatomy
    instance: Instance | None

    @property
    def top(self) -> Elements:
        """The decoded top level."""
        return self.anatomy.top

    @property
    def has_pixels(self) -> bool:
        """Whether there is a Pixel Data element of any kind that holds something."""
        return any(node.tag in PIXEL_TAGS and node.length for node in self.anatomy.nodes) or any(
            node.tag in PIXEL_TAGS and node.fragments for node in self.anatomy.nodes
        )

    @property
    def syntax(self) -> str:
        """The transfer syntax: as labelled, else as the reader guesses it."""
        if self.anatomy.declared_syntax or self.instance is None:
            return self.anatomy.declared_syntax
        return self.instance.syntax

    def finding(
        self,
        check: Check,
        what: Sentence,
        at: str | int = "",
        offset: int | None = None,
        edit: Edit | None = None,
        *,
        is_repairable: bool | None = None,
    ) -> Finding:
        """A finding on this file. at: keyword, tag or way to the element.

        is_repairable: by default, where the check names a repair.
        """
        tag = _way(at)
        if offset is None and isinstance(at, str) and at and not at.startswith("("):
            node = self.anatomy.find(tag_of(at))
            offset = None if node is None else node.offset
        can = check.repair is not None if is_repairable is None else is_repairable
        return Finding(
            check=check,
            what=what,
            path=self.anatomy.path,
            tag=tag,
            offset=offset,
            edit=edit,
            is_repairable=can,
        )


def _way(at: str | int) -> str:
    if isinstance(at, int):
        return shown_tag(at) if at else ""
    return at if not at or at.startswith("(") else shown_tag(tag_of(at))
