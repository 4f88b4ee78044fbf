"""Annotated texts: abstracts with mentions, sentences with their context.

Files are JSON Lines, plain or gzip, one text a line, in the forms of `data/clinical/README.md`;
abstracts may also be PubTator files (`PMID|t|`, `PMID|a|`, tab-separated annotations).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medview.core.errors import InvalidInput
from medview.core.words import say

_PUBTATOR = re.compile(r"(\d+)\|([ta])\|(.*)")


@dataclass(frozen=True, slots=True)
class Mention:
    """[start, end) of a name of `type` (Disease, Chemical) that stands for `ids`."""

    start: int
    end: int
    type: str
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Abstract:
    """A text with its mentions and the (chemical id, disease id) of which one causes the other."""

    id: str
    text: str
    mentions: tuple[Mention, ...]
    pairs: frozenset[tuple[str, str]]


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON Lines. Raises InvalidInput for what is none."""
    try:
        for number, line in enumerate(_text_of(path).splitlines(), 1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise InvalidInput(say("This file is not of the expected form."), f"{number}")
                yield row
    except ValueError as error:
        raise InvalidInput(
            say("This file is not of the expected form."), f"{path}:{number}"
        ) from error


def _text_of(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")


def read_abstracts(path: Path) -> list[Abstract]:
    """Abstracts with mentions. Raises InvalidInput for a file of another form."""
    text = _text_of(path)
    if _PUBTATOR.match(text):
        return list(_pubtator(text))
    try:
        return [_abstract(row) for row in json_lines(path)]
    except KeyError as error:
        raise InvalidInput(say("This file is not of the expected form."), str(path)) from error


def _abstract(row: Mapping[str, Any]) -> Abstract:
    text = row.get("text") or f"{row['title']} {row['abstract']}"
    mentions = [_mention(e["start"], e["end"], e["type"], e["id"]) for e in row["entities"]
                if e.get("offset_ok", True)]  # fmt: skip
    pairs = [(r["chemical"], r["disease"]) for r in row.get("relations", [])]
    return Abstract(str(row["pmid"]), text, tuple(mentions), frozenset(pairs))


def _mention(start: int, end: int, kind: str, ids: str) -> Mention:
    # The four classes of NCBI are all diseases.
    name = "Chemical" if kind == "Chemical" else "Disease"
    return Mention(int(start), int(end), name, frozenset(re.split(r"[|+,]", ids)))


def _pubtator(text: str) -> Iterator[Abstract]:
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip().splitlines()
        parts = {m[2]: (m[1], m[3]) for line in lines if (m := _PUBTATOR.match(line))}
        if "t" not in parts:
            continue
        rows = [line.split("\t") for line in lines if not _PUBTATOR.match(line)]
        yield Abstract(
            id=parts["t"][0],
            text=f"{parts['t'][1]} {parts.get('a', ('', ''))[1]}",
            mentions=tuple(_mention(int(r[1]), int(r[2]), r[4], r[5] if len(r) > 5 else "-1")
                           for r in rows if len(r) >= 5 and r[1].isdigit()),
            pairs=frozenset((r[2], r[3]) for r in rows if len(r) == 4 and r[1] == "CID"),
        )  # fmt: skip
