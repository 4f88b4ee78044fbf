"""One pattern for many names that is quick to search: it branches on the first character."""

from __future__ import annotations

import re
from collections.abc import Iterable

_HAN = re.compile(r"[\u3400-\u9fff]")
_BEFORE, _AFTER = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"


def one_of(names: Iterable[str]) -> re.Pattern[str]:
    """Any of the names, the longest first, whatever its case and spacing.

    Names in Latin letters are whole words; "?PE" begins with a mark, which is none.
    The engine tries a branch only where a character set admits its first character, so that
    hundreds of names cost little more than one.
    """
    groups: dict[tuple[str, bool], list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        key = (name[0].lower(), _HAN.search(name) is None and name[0] != "?")
        groups.setdefault(key, []).append(name)
    # A name with Chinese in it may begin where a Latin one does, and is then the longer one.
    ordered = sorted(groups.items(), key=lambda item: item[0][1])
    words = [_branch(first, members) for (first, is_word), members in ordered if is_word]
    free = [_branch(first, members) for (first, is_word), members in ordered if not is_word]
    parts = [*free, *([f"{_BEFORE}(?:{'|'.join(words)}){_AFTER}"] if words else [])]
    return re.compile("|".join(parts), re.IGNORECASE)


def _branch(first: str, names: list[str]) -> str:
    rests = "|".join(re.escape(name[1:]).replace(r"\ ", r"\s+") for name in names)
    return f"[{re.escape(first)}{re.escape(first.upper())}](?:{rests})"
