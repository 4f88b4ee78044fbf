"""Stacks that the reader linked by hand: "these slices belong together"."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

from medview.session.places import Key

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Anchor:
    """One side of a link by hand.

    group: which link. normal: unit vector (LPS) along which the link holds; along: millimetres
    along it of the slice that was shown when the link was made.
    """

    group: int
    normal: Vector
    along: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedStack:
    """A stack and its side of a link by hand, as the reader's work keeps it."""

    series_uid: str
    stack: int
    anchor: Anchor

    @property
    def key(self) -> Key:
        """Which stack."""
        return self.series_uid, self.stack


@dataclass(frozen=True, slots=True)
class Offsets:
    """All links by hand; a stack belongs to one of them at most."""

    anchors: Mapping[Key, Anchor] = field(default_factory=dict)

    @classmethod
    def of(cls, stacks: Iterable[LinkedStack]) -> Offsets:
        """Those that were kept."""
        return cls({each.key: each.anchor for each in stacks})

    @property
    def stacks(self) -> tuple[LinkedStack, ...]:
        """To be kept."""
        return tuple(
            LinkedStack(series_uid=key[0], stack=key[1], anchor=anchor)
            for key, anchor in self.anchors.items()
        )

    def linked(self, normal: Vector, places: Mapping[Key, float]) -> Offsets:
        """With a new link between stacks; places: millimetres along `normal` of what they show."""
        group = 1 + max((each.group for each in self.anchors.values()), default=0)
        fresh = {key: Anchor(group, normal, along) for key, along in places.items()}
        return replace(self, anchors={**self.anchors, **fresh})

    def without(self, keys: Iterable[Key]) -> Offsets:
        """Without the links that these stacks take part in."""
        groups = {self.anchors[key].group for key in keys if key in self.anchors}
        kept = {key: each for key, each in self.anchors.items() if each.group not in groups}
        return replace(self, anchors=kept)

    def apart(self, foreign: Container[Key]) -> tuple[Offsets, Offsets]:
        """The links without any stack of others, and those with one."""
        groups = {each.group for key, each in self.anchors.items() if key in foreign}
        across = {key: each for key, each in self.anchors.items() if each.group in groups}
        own = {key: each for key, each in self.anchors.items() if each.group not in groups}
        return Offsets(own), Offsets(across)

    def joined(self, others: Offsets) -> Offsets:
        """With other links beside these; of a stack in both these hold."""
        last = max((each.group for each in self.anchors.values()), default=0)
        moved = {
            key: replace(each, group=last + each.group) for key, each in others.anchors.items()
        }
        return Offsets({**moved, **self.anchors})

    def between(self, one: Key, other: Key) -> tuple[Vector, float] | None:
        """The normal and the millimetres from a place in one stack to that in the other.

        None where the two were not linked together.
        """
        here, there = self.anchors.get(one), self.anchors.get(other)
        if here is None or there is None or here.group != there.group or one == other:
            return None
        return here.normal, there.along - here.along
