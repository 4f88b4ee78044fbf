"""Sentences that a long text repeats, as notes that are carried forward do, are read once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from medview.record.note import Entity, Span
from medview.record.rules.relations import Link

_BEFORE, _AFTER = 48, 64  # characters around a sentence that the rules may look at
_MOST = 20_000  # sentences that are kept

Read = tuple[list[Entity], list[Link]]
_Key = tuple[str, int, str, tuple[tuple[str, int, int], ...]]
_Places = tuple[tuple[str, int, int], ...]  # of links: kind, head, tail among the entities


@dataclass
class Repeats:
    """What the sentences of one text were read to. Not for several threads."""

    _known: dict[_Key, tuple[int, list[Entity], _Places]] = field(default_factory=dict)

    def read(
        self, text: str, span: Span, section: str, before: Sequence[Entity],
        reading: Callable[[], Read],
    ) -> Read:  # fmt: skip
        """What `reading` gives for a sentence, or gave for the same one in the same surroundings.

        before: the entities of the sentence before, which a link may lead to.
        """
        start, end = span
        key = (
            text[max(0, start - _BEFORE) : end + _AFTER], end - start, section,
            tuple((e.type, e.start - start, e.end - start) for e in before),
        )  # fmt: skip
        kept = self._known.get(key)
        if kept is not None:
            begun, own, places = kept
            entities = [_moved(e, start - begun) for e in own]
            all_of = [*before, *entities]
            return entities, [(kind, all_of[head], all_of[tail]) for kind, head, tail in places]
        entities, links = reading()
        if len(self._known) < _MOST:
            index = {id(e): i for i, e in enumerate([*before, *entities])}
            found = [(kind, index.get(id(h)), index.get(id(t))) for kind, h, t in links]
            sure = tuple((k, h, t) for k, h, t in found if h is not None and t is not None)
            if len(sure) == len(links):
                self._known[key] = (start, list(entities), sure)
        return entities, links


def _moved(entity: Entity, by: int) -> Entity:
    attrs = entity.attrs
    if attrs.trigger is not None:
        attrs = replace(attrs, trigger=(attrs.trigger[0] + by, attrs.trigger[1] + by))
    return replace(entity, start=entity.start + by, end=entity.end + by, attrs=attrs)
