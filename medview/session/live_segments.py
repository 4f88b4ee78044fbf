"""Segments in memory: voxels that follow their patches, pictures of them, numbers of them."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from medview.core.results import OWN_MASK, Label, LabelMap
from medview.imaging.segment.box import Bits, Box, LiveMask, bounds
from medview.imaging.segment.size import MaskStatistics
from medview.session.journal import work_key
from medview.session.made import Made
from medview.session.segments import Patch, PatchStore, Segment, changed_box, follow
from medview.session.studies import Place

_MOST_PATCHES = 96  # then they become one, where that takes no time
_QUICKLY_PACKED = 4_000_000  # voxels


@dataclass(eq=False)
class _Live:
    """A segment in memory: its voxels, the patches they stand for, its picture and its numbers.

    filed_under: the key of the work that it is part of.
    """

    filed_under: str
    mask: LiveMask
    patches: tuple[Patch, ...] = ()
    label_map: LabelMap | None = None
    statistics: MaskStatistics | None = None


class LiveSegments:
    """The voxels of segments, brought to their patches when they are asked for.

    Reading raises UnreadableInstance where a patch is gone from the disk.
    """

    def __init__(self, made: Made) -> None:
        self._made = made
        self._live: dict[str, _Live] = {}
        self._stores: dict[str, PatchStore] = {}
        self._lock = threading.RLock()

    def mask(self, place: Place, segment: Segment) -> LiveMask:
        """The voxels of a segment, as they are now."""
        return self._follow(place, segment).mask

    def label_map(self, place: Place, segment: Segment) -> LabelMap | None:
        """What views draw of it, over its own box of the stack's grid; None where it is empty."""
        live = self._follow(place, segment)
        if live.label_map is None or live.label_map.labels[0] != _label(segment):
            live.label_map = _drawn(place, segment, live.mask)
        return live.label_map

    def statistics(self, segment: Segment) -> MaskStatistics | None:
        """Its numbers where they are known for the patches it has."""
        live = self._live.get(segment.id)
        is_current = live is not None and live.patches == segment.patches
        return live.statistics if live is not None and is_current else None

    def tell(self, segment: Segment, found: MaskStatistics) -> bool:
        """Its numbers have been worked out; False where it was changed meanwhile."""
        live = self._live.get(segment.id)
        if live is None or live.patches != segment.patches:
            return False
        live.statistics = found
        return True

    def paint(
        self, place: Place, segment: Segment, stamp: tuple[Box, Bits], *, on: bool
    ) -> LabelMap | None:
        """Add or take voxels away, not stored yet; what is to be drawn."""
        with self._lock:
            live = self._follow(place, segment)
            live.mask.paint(*stamp, on=on)
            live.label_map = _drawn(place, segment, live.mask)
            return live.label_map

    def restore(self, place: Place, segment: Segment, box: Box) -> None:
        """Undo in a box what was painted and not stored."""
        with self._lock:
            live = self._follow(place, segment)
            follow(live.mask, box, live.patches, self._store(place))
            live.label_map = None

    def store(self, place: Place, segment: Segment, box: Box) -> tuple[Patch, ...]:
        """The patches of a segment with a box of it as it is now stored on top."""
        with self._lock:
            live, patches = self._follow(place, segment), segment.patches
            if len(patches) >= _MOST_PATCHES and live.mask.voxels.size <= _QUICKLY_PACKED:
                whole = bounds(live.mask.voxels)
                k, j, i = (a + b for a, b in zip(whole.first, live.mask.box.first, strict=True))
                box, patches = Box((k, j, i), whole.shape), ()
            stored = self._store(place).put_all(box, live.mask.read(box))
            live.patches = (*patches, *stored)
            live.label_map = live.statistics = None
            return live.patches

    def put(self, place: Place, voxels: tuple[Box, Bits]) -> tuple[Patch, ...]:
        """Patches that a new segment begins with."""
        return self._store(place).put_all(*voxels)

    def let_go(self, keys: Collection[str]) -> None:
        """Hold no voxels of some work: they are read from its patches when they are asked for."""
        with self._lock:
            self._live = {
                name: live for name, live in self._live.items() if live.filed_under not in keys
            }

    def _follow(self, place: Place, segment: Segment) -> _Live:
        """Brought to the segment's patches where undo or redo changed them."""
        with self._lock:
            live = self._live.get(segment.id)
            if live is None:
                key = work_key(place.patient, place.study.uid)
                live = _Live(key, LiveMask(place.stack.geometry.shape))
                self._live[segment.id] = live
            if live.patches != segment.patches:
                box = changed_box(live.patches, segment.patches)
                box = box.cut(Box((0, 0, 0), live.mask.grid))
                follow(live.mask, box, segment.patches, self._store(place))
                live.patches = segment.patches
                live.label_map = live.statistics = None
            return live

    def _store(self, place: Place) -> PatchStore:
        folder = self._made.folder_of(place)
        key = str(folder)
        if key not in self._stores:
            store = self._stores[key] = PatchStore(folder)
            work = self._made.book_of(place).work
            store.forget_unused({patch.key for s in work.segments for patch in s.patches})
        return self._stores[key]


def _drawn(place: Place, segment: Segment, mask: LiveMask) -> LabelMap | None:
    if mask.box.is_empty:
        return None
    geometry = place.stack.geometry.box(mask.box.first, mask.box.shape)
    return LabelMap(
        id=f"{OWN_MASK}{segment.id}",
        geometry=geometry,
        voxels=mask.voxels,
        labels=(_label(segment),),
    )


def _label(segment: Segment) -> Label:
    return Label(value=1, name=segment.name, colour=segment.colour, code=segment.code)
