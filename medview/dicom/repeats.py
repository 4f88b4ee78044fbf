"""What a header says in the same bytes as headers before it: known without being walked again.

The files of a series differ in a few elements; what stands between those is alike byte for byte.
A walk is decided by the bytes alone, so that equal bytes from the border of one element on give
equal values: a comparison in one call replaces the steps through some dozen elements.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medview.dicom.likeness import Likenesses

if TYPE_CHECKING:
    from medview.dicom.elements import Elements

_MOST_SPANS = 4096
_LARGEST_SEQUENCE = 4096

# What to do with an element that begins with certain eight bytes: its tag, its VR (empty where it
# is not wanted), where its value begins and ends, counted from the element's first byte.
Plan = tuple[int, str, int, int]
# An element of a span: its first eight bytes, where it begins and ends in the span, what is kept.
Part = tuple[bytes, int, int, tuple[int, tuple[str, bytes]] | None]


@dataclass(slots=True)
class Span:
    """Neighbouring plain elements. `raw` is empty for an element whose value often changes."""

    raw: bytes = b""
    values: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()


VARIES = Span()


@dataclass(frozen=True, slots=True)
class KnownSequence:
    """A sequence as it stands in a file, with its charsets; `items` is None where not kept."""

    raw: bytes
    charsets: tuple[str, ...]
    items: tuple[Elements, ...] | None


class Repeats:
    """Spans and sequences by their first eight bytes, whole headers; for one set of wanted tags.

    Several threads may use it at once: what it gives is true by itself, whatever is learnt
    meanwhile.
    """

    def __init__(self) -> None:
        self.plans: dict[bytes, Plan] = {}
        self.spans: dict[bytes, Span] = {}
        self.sequences: dict[bytes, KnownSequence] = {}
        self.likenesses = Likenesses()

    def step(self, buffer: bytes, parts: list[Part], part: Part) -> None:
        """One more element was walked by itself; where it has no neighbour a new span begins."""
        if part[2] > len(buffer):
            return
        if parts and parts[-1][2] != part[1]:
            self.learn(buffer, parts)
            parts.clear()
        parts.append(part)

    def learn(self, buffer: bytes, parts: list[Part]) -> None:
        """Keep elements that were walked one by one; begins and ends count in the buffer."""
        if not parts:
            return
        if len(self.spans) >= _MOST_SPANS:
            self.spans.clear()
            self.sequences.clear()
        base = parts[0][1]
        moved = [(head, begin - base, end - base, kept) for head, begin, end, kept in parts]
        self._keep(buffer[base : parts[-1][2]], moved)

    def _keep(self, raw: bytes, parts: list[Part]) -> None:
        if parts:
            values = dict(part[3] for part in parts if part[3] is not None)
            self.spans[parts[0][0]] = Span(raw, values, tuple(parts))

    def part(self, span: Span, buffer: bytes, at: int) -> None:
        """Cut a span that does not stand here in two, around the first element that differs."""
        parts = span.parts
        same = 0
        while same < len(parts) and buffer.startswith(
            span.raw[parts[same][1] : parts[same][2]], at + parts[same][1]
        ):
            same += 1
        if same == len(parts):  # another thread was quicker
            return
        self._keep(span.raw[: parts[same][1]], list(parts[:same]))
        self.spans[parts[same][0]] = VARIES
        begin = parts[same][2]
        rest = [(head, b - begin, e - begin, kept) for head, b, e, kept in parts[same + 1 :]]
        self._keep(span.raw[begin:], rest)

    def learn_sequence(
        self, raw: bytes, charsets: tuple[str, ...], items: tuple[Elements, ...] | None
    ) -> None:
        """Keep a sequence that was walked, if it is not too long."""
        if 8 <= len(raw) <= _LARGEST_SEQUENCE and len(self.sequences) < _MOST_SPANS:
            self.sequences[raw[:8]] = KnownSequence(raw, charsets, items)


_folder = ""
_known: dict[frozenset[int], Repeats] = {}


def repeats_in(folder: str, wanted: frozenset[int]) -> Repeats:
    """What was learnt in this folder; another folder begins anew, for it holds other series."""
    global _folder, _known
    if folder != _folder:
        _folder, _known = folder, {}
    known = _known
    found = known.get(wanted)
    if found is None:
        found = known[wanted] = Repeats()
    return found
