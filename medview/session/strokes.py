"""A stroke of a brush: painted at once, stored when it ends, as if it never was when given up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from medview.core.results import LabelMap
from medview.core.words import Sentence
from medview.imaging.segment.box import EMPTY, Bits, Box
from medview.session.live_segments import LiveSegments
from medview.session.segments import Segment
from medview.session.studies import Place

Current = Callable[[str], tuple[Place, Segment] | None]  # a segment of the active stack by its id
Commit = Callable[[Segment, Box, Sentence], None]


@dataclass(eq=False)
class _Stroke:
    """Whose it is, and what it touched so far."""

    segment_id: str
    box: Box = field(default=EMPTY)


class Strokes:
    """One stroke at a time, in the window's thread."""

    def __init__(self, live: LiveSegments, current: Current, commit: Commit) -> None:
        self._live, self._current, self._commit = live, current, commit
        self._stroke: _Stroke | None = None

    def begin(self, segment: Segment) -> None:
        """A stroke begins; nothing is stored before it ends."""
        self._stroke = _Stroke(segment.id)

    def paint(self, box: Box, inside: Bits, *, on: bool) -> LabelMap | None:
        """Go on with the stroke; the segment as it is now to be drawn."""
        stroke = self._stroke
        found = None if stroke is None else self._current(stroke.segment_id)
        if stroke is None or found is None or box.is_empty:
            return None
        stroke.box = stroke.box.joined(box)
        return self._live.paint(*found, (box, inside), on=on)

    def end(self, name: Sentence) -> None:
        """The stroke is done: one undoable command."""
        stroke, self._stroke = self._stroke, None
        found = None if stroke is None else self._current(stroke.segment_id)
        if stroke is not None and found is not None and not stroke.box.is_empty:
            self._commit(found[1], stroke.box, name)

    def cancel(self) -> bool:
        """Give the stroke up: the segment is as it was. Whether there was one."""
        stroke, self._stroke = self._stroke, None
        found = None if stroke is None else self._current(stroke.segment_id)
        if stroke is None or found is None:
            return False
        self._live.restore(*found, stroke.box)
        return True
