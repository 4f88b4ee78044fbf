"""Forms of headers, learned from files: the next file of a series is read by one match.

The files of a series have the same elements in the same order and differ in values alone. A form
is that order as a regular expression over bytes: every tag, VR and length stands in it literally,
every value is as many bytes as its length says. What a form matches is therefore exactly what
walking from element to element would find; a header with another length or element does not match,
is walked, and teaches the form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_MOST_FORMS, _MOST_LENGTHS, _WIDEST = 6, 24, 48
_FILES_A_LESSON = 100  # learning costs as much as walking some dozen files
_FIRST_LESSONS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One element, item or delimiter: its first bytes, its length field, its value.

    head: bytes before the length. length: the length field. count: bytes of the value. slot: the
    place of a wanted value, -1 for others. fixed: the value, where it must be this one.
    """

    head: bytes
    length: bytes
    count: int
    slot: int = -1
    fixed: bytes | None = None


@dataclass(slots=True)
class _Form:
    heads: tuple[tuple[bytes, int, bytes | None], ...]
    lengths: list[dict[bytes, int]]
    pattern: re.Pattern[bytes] | None = None
    marked: tuple[tuple[int, int], ...] = ()  # slots whose value carries so long a length field
    hits: int = field(default=0)


class Forms:
    """The forms that were learned lately, the one that matched last first."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._forms: list[_Form] = []
        self._credit = _FIRST_LESSONS * _FILES_A_LESSON

    def match(self, buffer: bytes) -> Sequence[bytes] | None:
        """The wanted values of a header that is of a known form."""
        self._credit += 1
        for place, form in enumerate(self._forms):
            found = form.pattern.match(buffer) if form.pattern is not None else None
            if found is None:
                continue
            if place:
                self._forms.insert(0, self._forms.pop(place))
            if not form.marked:
                return found.groups()
            values = list(found.groups())
            for slot, count in form.marked:
                values[slot] = values[slot][count:]
            return values
        return None

    @property
    def may_learn(self) -> bool:
        """Whether enough files were read since the last lesson."""
        return self._credit >= _FILES_A_LESSON

    def learn(self, parts: Sequence[Part]) -> None:
        """Take in the form of a header that did not match."""
        self._credit -= _FILES_A_LESSON
        heads = tuple((part.head, part.slot, part.fixed) for part in parts)
        form = next((known for known in self._forms if known.heads == heads), None)
        if form is None:
            form = _Form(heads, [{} for _ in parts])
        else:
            self._forms.remove(form)
        for known, part in zip(form.lengths, parts, strict=True):
            if len(known) >= _MOST_LENGTHS:
                known.clear()
            known[part.length] = part.count
        form.pattern, form.marked = self._compiled(form)
        self._forms = [form, *self._forms][:_MOST_FORMS]

    def _compiled(self, form: _Form) -> tuple[re.Pattern[bytes], tuple[tuple[int, int], ...]]:
        pieces: list[bytes] = []
        marked: list[tuple[int, int]] = []
        slot_before = -1
        for (head, slot, fixed), lengths in zip(form.heads, form.lengths, strict=True):
            pieces.append(re.escape(head))
            if slot >= 0:
                pieces.append(b"()" * (slot - slot_before - 1))
                slot_before = slot
                if len(lengths) > 1:
                    marked.append((slot, len(next(iter(lengths)))))
            pieces.append(_value(lengths, fixed, is_wanted=slot >= 0))
        pieces.append(b"()" * (self._slots - slot_before - 1))
        return re.compile(b"".join(pieces), re.DOTALL), tuple(marked)


# Possessive repeats and atomic groups: a length leaves nothing to try again, and the match need not
# remember where it could.
def _value(lengths: Mapping[bytes, int], fixed: bytes | None, *, is_wanted: bool) -> bytes:
    if len(lengths) == 1:
        ((length, count),) = lengths.items()
        value = re.escape(fixed) if fixed is not None else b".{%d}+" % count
        return re.escape(length) + (b"(%s)" % value if is_wanted else value)
    choices = b"|".join(
        re.escape(length) + b".{%d}+" % count for length, count in _between(lengths).items()
    )
    return b"((?>%s))" % choices if is_wanted else b"(?>%s)" % choices


def _between(lengths: Mapping[bytes, int]) -> Mapping[bytes, int]:
    """Numbers and UIDs that grow pass through all even lengths: those between are known too."""
    least, most = min(lengths.values()), max(lengths.values())
    wide = len(next(iter(lengths)))
    if most - least > _WIDEST or any(k != n.to_bytes(wide, "little") for k, n in lengths.items()):
        return lengths
    steps = {count.to_bytes(wide, "little"): count for count in range(least, most + 1, 2)}
    return {**lengths, **steps}
