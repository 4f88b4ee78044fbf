"""Hanging rules: which studies a rule is for, and what goes into each tile of each of its stages.

A rule is a TOML file (docs/guide.md tells its words). `checked` turns what was read into frozen
values or says in one sentence what is wrong with it; nothing here reads a file or a study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medview.core.errors import InvalidInput
from medview.core.layout import layout_named
from medview.core.words import Sentence, say

PRIOR = ("any", "yes", "no")
STUDIES = ("now", "prior")
CONTRAST = ("", "before", "after")
SIDES = ("", "R", "L", "B")
PLANES = ("native", "axial", "coronal", "sagittal", "volume")
WEIGHTINGS = ("", "T1", "T2", "FLAIR", "DWI", "ADC", "PD", "SWI")
PROJECTIONS = ("", "mip", "minip", "mean")
_MOST_STAGES, _MOST_TEXT = 12, 120
_MOST_MM, _MOST_WINDOW = 500.0, 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """Which studies a rule is for; what is empty asks nothing.

    modality: any of these is the one that is looked at. all_modalities: each must be in the study.
    body_part: any of these (defined terms of PS3.16 Annex L). words, without: whole words of the
    descriptions, any of the first and none of the second. series: least and most series (0: no
    bound). prior: whether a fitting earlier study must be there.
    """

    modality: tuple[str, ...] = ()
    all_modalities: tuple[str, ...] = ()
    body_part: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    laterality: str = ""
    view: str = ""
    series: tuple[int, int] = (0, 0)
    prior: str = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which series goes into a tile: the `place`-th (from 1) of those that fit.

    weighting: of MR, by description or by echo and repetition times. contrast: before or after
    contrast medium. laterality, view: of films.
    """

    study: str = "now"
    modality: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    weighting: str = ""
    contrast: str = ""
    laterality: str = ""
    view: str = ""
    place: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRule:
    """What a tile shows; series None leaves it empty.

    window: a preset's id or English name, "file", "auto" or "" (as it opens), or (centre, width).
    projection with thickness_mm: a slab. over: the series that is laid over it, blend its share.
    optional: the rule fits also where this series is not there.
    """

    series: Selector | None = None
    plane: str = "native"
    window: str | tuple[float, float] = ""
    inverted: bool = False
    projection: str = ""
    thickness_mm: float = 0.0
    over: Selector | None = None
    blend: float = 0.5
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One arrangement of tiles, row by row."""

    layout: str
    tiles: tuple[TileRule, ...]
    name: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return layout_named(self.layout) or (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How studies of a kind are hung: stages that follow each other.

    is_own: the reader's, from their folder; file: its name there.
    """

    id: str
    name: str
    fits: Fits
    stages: tuple[Stage, ...]
    is_own: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleNote:
    """A rule file that was left out, and why."""

    file: str
    said: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All rules that could be read, the reader's first, and what was left out."""

    rules: tuple[Rule, ...] = ()
    notes: tuple[RuleNote, ...] = field(default_factory=tuple)


# -- from a file's words --------------------------------------------------------------------------


def checked(data: Mapping[str, Any], file: str, *, is_own: bool = False) -> Rule:
    """A rule from what its file holds. Raises InvalidInput, naming the word that is wrong."""
    table = _Table(data, "")
    fits, stages = table.table("fits"), table.tables("stage")
    name = table.text("name")
    if not name:
        raise _wrong("name", say("a name is missing"))
    if not 1 <= len(stages) <= _MOST_STAGES:
        raise _wrong("stage", say("there must be 1 to {most} stages", most=_MOST_STAGES))
    rule = Rule(
        id=file.removesuffix(".toml"),
        name=name,
        fits=_fits(fits),
        stages=tuple(_stage(stage) for stage in stages),
        is_own=is_own,
        file=file,
    )
    table.end()
    return rule


def _fits(table: _Table) -> Fits:
    bounds = table.numbers("series", 2, (0.0, 0.0))
    least, most = int(bounds[0]), int(bounds[1])
    if most and least > most:
        raise _wrong(table.path("series"), say("the least is above the most"))
    fits = Fits(
        modality=table.upper_words("modality"),
        all_modalities=table.upper_words("all_modalities"),
        body_part=table.upper_words("body_part"),
        words=table.upper_words("words"),
        without=table.upper_words("without"),
        laterality=table.choice("laterality", SIDES, ""),
        view=table.text("view").upper(),
        series=(least, most),
        prior=table.choice("prior", PRIOR, "any"),
    )
    table.end()
    if not (fits.modality or fits.all_modalities):
        raise _wrong(table.path("modality"), say("a modality is missing"))
    return fits


def _stage(table: _Table) -> Stage:
    layout = table.text("layout")
    shape = layout_named(layout)
    if shape is None:
        raise _wrong(table.path("layout"), say("layouts go from 1x1 to 4x4"))
    tiles = tuple(_tile(tile) for tile in table.tables("tile"))
    if not 1 <= len(tiles) <= shape[0] * shape[1]:
        raise _wrong(
            table.path("tile"),
            say("{layout} has room for {most} tiles", layout=layout, most=shape[0] * shape[1]),
        )
    stage = Stage(layout=layout, tiles=tiles, name=table.text("name"))
    table.end()
    return stage


def _tile(table: _Table) -> TileRule:
    over = table.table("over") if table.has("over") else None
    tile = TileRule(
        series=_selector(table.table("series")) if table.has("series") else None,
        plane=table.choice("plane", PLANES, "native"),
        window=_window(table),
        inverted=table.flag("inverted"),
        projection=table.choice("projection", PROJECTIONS, ""),
        thickness_mm=table.number("thickness_mm", 0.0, _MOST_MM, 0.0),
        over=None if over is None else _selector(over),
        blend=table.number("blend", 0.0, 1.0, 0.5),
        optional=table.flag("optional"),
    )
    table.end()
    return tile


def _window(table: _Table) -> str | tuple[float, float]:
    if not table.is_list("window"):
        return table.text("window")
    center, width = table.numbers("window", 2, (0.0, 1.0))
    if not 0 < width <= _MOST_WINDOW or abs(center) > _MOST_WINDOW:
        raise _wrong(table.path("window"), say("a window is [centre, width], the width above 0"))
    return center, width


def _selector(table: _Table) -> Selector:
    selector = Selector(
        study=table.choice("study", STUDIES, "now"),
        modality=table.upper_words("modality"),
        words=table.upper_words("words"),
        without=table.upper_words("without"),
        weighting=table.choice("weighting", WEIGHTINGS, ""),
        contrast=table.choice("contrast", CONTRAST, ""),
        laterality=table.choice("laterality", SIDES, ""),
        view=table.text("view").upper(),
        place=int(table.number("place", 1.0, 99.0, 1.0)),
    )
    table.end()
    return selector


def _wrong(where: str, why: Sentence) -> InvalidInput:
    return InvalidInput(say("`{where}`: {why}", where=where, why=why))


class _Table:
    """A table of the file; every word must be asked for, so that a mistyped one is noticed."""

    def __init__(self, data: object, path: str) -> None:
        if not isinstance(data, Mapping):
            raise _wrong(path or "[…]", say("a table is expected"))
        self._data = data
        self._path = path
        self._asked: set[str] = set()

    def path(self, key: str) -> str:
        """Where a word stands, for a sentence."""
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._data

    def is_list(self, key: str) -> bool:
        return isinstance(self._data.get(key), list)

    def table(self, key: str) -> _Table:
        self._asked.add(key)
        return _Table(self._data.get(key), self.path(key))

    def tables(self, key: str) -> list[_Table]:
        self._asked.add(key)
        found = self._data.get(key)
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise _wrong(self.path(key), say("a list of tables is expected"))
        return [_Table(each, f"{self.path(key)}[{n}]") for n, each in enumerate(found, start=1)]

    def text(self, key: str) -> str:
        self._asked.add(key)
        found = self._data.get(key, "")
        if not isinstance(found, str) or len(found) > _MOST_TEXT:
            raise _wrong(self.path(key), say("a short text is expected"))
        return found.strip()

    def choice(self, key: str, of: tuple[str, ...], default: str) -> str:
        found = self.text(key) or default
        if found not in of:
            words = ", ".join(word for word in of if word)
            raise _wrong(self.path(key), say("one of {words} is expected", words=words))
        return found

    def flag(self, key: str) -> bool:
        self._asked.add(key)
        found = self._data.get(key, False)
        if not isinstance(found, bool):
            raise _wrong(self.path(key), say("true or false is expected"))
        return found

    def number(self, key: str, low: float, high: float, default: float) -> float:
        self._asked.add(key)
        found = self._data.get(key, default)
        if not _is_number(found) or not low <= found <= high:
            raise _wrong(
                self.path(key),
                say("a number from {low} to {high} is expected", low=f"{low:g}", high=f"{high:g}"),
            )
        return float(found)

    def numbers(self, key: str, count: int, default: tuple[float, ...]) -> tuple[float, ...]:
        self._asked.add(key)
        found = self._data.get(key, default)
        if not isinstance(found, list | tuple) or len(found) != count:
            raise _wrong(
                self.path(key), say("{count} {count:number is|numbers are} expected", count=count)
            )
        if not all(_is_number(each) and abs(each) <= _MOST_WINDOW for each in found):
            raise _wrong(
                self.path(key), say("{count} {count:number is|numbers are} expected", count=count)
            )
        return tuple(float(each) for each in found)

    def upper_words(self, key: str) -> tuple[str, ...]:
        """One word or a list of them, in capitals."""
        self._asked.add(key)
        found = self._data.get(key, [])
        words = [found] if isinstance(found, str) else found
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise _wrong(self.path(key), say("a word or a list of words is expected"))
        if any(not word.strip() or len(word) > _MOST_TEXT for word in words):
            raise _wrong(self.path(key), say("a word or a list of words is expected"))
        return tuple(word.strip().upper() for word in words)

    def end(self) -> None:
        """Everything was asked for."""
        unknown = sorted(set(self._data) - self._asked)
        if unknown:
            raise _wrong(self.path(unknown[0]), say("this word is not known"))


def _is_number(value: object) -> bool:
    # NaN and infinity are TOML too.
    return isinstance(value, int | float) and not isinstance(value, bool) and value - value == 0
