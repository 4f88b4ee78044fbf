"""Which rule fits a study best, and which series it puts into which tile. Pure: facts in, keys out.

`Candidate` is what a rule may ask of a series; `medview.session.candidates` makes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from medview.core.body_parts import has_word
from medview.core.layout import GridState, TileState
from medview.session.hanging import PLANES, Fits, Rule, Selector, Stage, TileRule
from medview.session.places import Key

Over = tuple[Key, float]  # a series that lies over another, and its share

# How much it says for a rule that a study answers what it asks.
_WEIGHTS = {"all_modalities": 3.0, "body_part": 4.0, "words": 4.0, "laterality": 2.0, "view": 2.0}
_SERIES_WEIGHT, _PRIOR_WEIGHT, _TILE_WEIGHT = 1.0, 5.0, 0.1
_OWN_WEIGHT = 100.0  # what the reader said goes before what we ship


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A stack as rules see it. likeness: how much it is like the one that is looked at (0 to 1)."""

    key: Key
    is_prior: bool = False
    modality: str = ""
    text: str = ""
    parts: frozenset[str] = frozenset()
    weighting: str = ""
    contrast: str = ""
    laterality: str = ""
    view: str = ""
    number: int = 0
    depth: int = 1
    is_in_space: bool = False
    description: str = ""
    is_for_processing: bool = False
    likeness: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """What is to be hung: the series that is looked at, its study's others, the fitting prior's."""

    active: Key
    candidates: tuple[Candidate, ...]
    parts: frozenset[str] = frozenset()
    text: str = ""

    @property
    def main(self) -> Candidate | None:
        """The series that is looked at."""
        return next((c for c in self.candidates if c.key == self.active), None)

    def of_study(self, study: str) -> list[Candidate]:
        """The series of the study (`now`), or of its prior."""
        return [c for c in self.candidates if c.is_prior is (study == "prior")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """A stage with the series that it found for its tiles, in their order; None where none fits.

    over: what is laid over each.
    """

    rule: Rule
    stage: int
    keys: tuple[Key | None, ...]
    over: tuple[Key | None, ...] = field(default_factory=tuple)

    @property
    def tiles(self) -> tuple[TileRule, ...]:
        """The stage's tiles."""
        return self.rule.stages[self.stage].tiles


def ranked(rules: Sequence[Rule], exam: Exam) -> list[Rule]:
    """The rules that fit, the best first; of equals the reader's, then the first."""
    scored = [(score, -n, rule) for n, rule in enumerate(rules) if (score := fit(rule, exam)) > 0]
    return [rule for _, _, rule in sorted(scored, key=lambda s: s[:2], reverse=True)]


def fit(rule: Rule, exam: Exam) -> float:
    """How well a rule fits, 0 where it does not: every wish it has must be met."""
    main, fits = exam.main, rule.fits
    if main is None or not _modalities_fit(fits, main, exam):
        return 0.0
    met = {
        "body_part": not exam.parts.isdisjoint(fits.body_part),
        "words": has_word(exam.text, fits.words),
        "laterality": main.laterality == fits.laterality,
        "view": main.view == fits.view,
    }
    asked = [wish for wish in met if getattr(fits, wish)]
    if not all(met[wish] for wish in asked) or (fits.without and has_word(exam.text, fits.without)):
        return 0.0
    if not _count_fits(fits, len(exam.of_study("now"))) or not _prior_fits(fits, exam):
        return 0.0
    if not _is_filled(rule.stages[0], exam):
        return 0.0
    score = 1.0 + sum(_WEIGHTS[wish] for wish in asked)
    score += _WEIGHTS["all_modalities"] * bool(fits.all_modalities)
    score += _SERIES_WEIGHT * (fits.series != (0, 0))
    score += _PRIOR_WEIGHT * (fits.prior != "any")
    filled = sum(key is not None for key in hang(rule, 0, exam).keys)
    return score + _TILE_WEIGHT * filled + _OWN_WEIGHT * rule.is_own


def _modalities_fit(fits: Fits, main: Candidate, exam: Exam) -> bool:
    there = {candidate.modality for candidate in exam.of_study("now")}
    if not set(fits.all_modalities) <= there:
        return False
    return main.modality in (fits.modality or fits.all_modalities)


def _count_fits(fits: Fits, count: int) -> bool:
    least, most = fits.series
    return count >= least and (most == 0 or count <= most)


def _prior_fits(fits: Fits, exam: Exam) -> bool:
    return fits.prior == "any" or (fits.prior == "yes") is bool(exam.of_study("prior"))


def _is_filled(stage: Stage, exam: Exam) -> bool:
    """Whether a stage finds every series that it needs, and one at least of each study it shows."""
    found: set[str] = set()
    for tile in stage.tiles:
        if tile.series is None:
            continue
        is_met = _meets(tile, tile.series, exam)
        if not is_met and not tile.optional:
            return False
        if is_met:
            found.add(tile.series.study)
    return {tile.series.study for tile in stage.tiles if tile.series is not None} <= found


def _meets(tile: TileRule, selector: Selector, exam: Exam) -> bool:
    under = select(selector, exam, tile.plane)
    return under is not None and (tile.over is None or select(tile.over, exam) is not None)


def hang(rule: Rule, stage: int, exam: Exam) -> Hung:
    """The series for the tiles of one stage of a rule."""
    tiles = rule.stages[stage].tiles
    keys = tuple(None if t.series is None else select(t.series, exam, t.plane) for t in tiles)
    over = tuple(None if t.over is None else select(t.over, exam) for t in tiles)
    return Hung(rule=rule, stage=stage, keys=keys, over=over)


def usable_stages(rule: Rule, exam: Exam) -> list[int]:
    """The stages of a rule that find what they need."""
    return [number for number, stage in enumerate(rule.stages) if _is_filled(stage, exam)]


def select(selector: Selector, exam: Exam, plane: str = "native") -> Key | None:
    """The series that a selector means, None where there is none."""
    fitting = [c for c in exam.of_study(selector.study) if _answers(selector, c, plane)]
    fitting.sort(key=lambda c: _order(c, exam))
    return fitting[selector.place - 1].key if selector.place <= len(fitting) else None


def _answers(selector: Selector, candidate: Candidate, plane: str) -> bool:
    wishes = (
        not selector.modality or candidate.modality in selector.modality,
        not selector.words or has_word(candidate.text, selector.words),
        not selector.without or not has_word(candidate.text, selector.without),
        plane in ("native", "axial") or candidate.is_in_space,
    )
    alike = ("weighting", "contrast", "laterality", "view")
    return all(wishes) and all(
        not getattr(selector, name) or getattr(selector, name) == getattr(candidate, name)
        for name in alike
    )


def _order(candidate: Candidate, exam: Exam) -> tuple[object, ...]:
    """What is looked at first, then what is like it, then what has most slices, then by number."""
    return (
        candidate.key != exam.active,
        candidate.is_for_processing,
        -round(candidate.likeness, 6),
        -candidate.depth,
        candidate.number,
        candidate.key,
    )


# -- from the screen ------------------------------------------------------------------------------


def rule_of(
    state: GridState, exam: Exam, name: str, over: Sequence[Over | None] = ()
) -> Rule | None:
    """What is on the screen as a rule for studies like this one; None where nothing is shown.

    over: what lies over each tile's series, in their order.
    A prior is asked for where one is shown; windows are kept where numbers mean the same in every
    study (CT, PET).
    """
    main = exam.main
    known = {c.key: c for c in exam.candidates}
    shown = {t.key for t in state.tiles if t.key in known}
    now = {key for key in shown if not known[key].is_prior}
    tiles = tuple(
        _laid_over(
            _tile_of(tile, known, exam, len(now if tile.key in now else shown - now) == 1),
            over[number] if number < len(over) else None,
            exam,
        )
        for number, tile in enumerate(state.tiles)
    )
    if main is None or all(tile.series is None for tile in tiles):
        return None
    has_prior = any(t.series is not None and t.series.study == "prior" for t in tiles)
    fits = Fits(
        modality=(main.modality,) if main.modality else (),
        body_part=_narrowest(exam.parts),
        prior="yes" if has_prior else "any",
    )
    stage = Stage(layout=f"{state.rows}x{state.columns}", tiles=tiles)
    return Rule(id="", name=name, fits=fits, stages=(stage,))


def _narrowest(parts: frozenset[str]) -> tuple[str, ...]:
    """The named parts, without the wider ones that a narrower one brings with it."""
    wider = {"HEAD": "BRAIN", "CHEST": "HEART"}
    return tuple(sorted(p for p in parts if wider.get(p) not in parts))


def _tile_of(tile: TileState, known: dict[Key, Candidate], exam: Exam, is_alone: bool) -> TileRule:
    candidate = None if tile.key is None else known.get(tile.key)
    if candidate is None:
        return TileRule(plane="native")
    is_absolute = candidate.modality in ("CT", "PT")
    return TileRule(
        series=selector_for(candidate, exam, tile.plane, is_alone=is_alone),
        plane=tile.plane if tile.plane in PLANES else "native",  # curves are one patient's
        window=tile.window if is_absolute and tile.window is not None else "",
        inverted=tile.is_inverted,
        projection="" if tile.slab is None else tile.slab[0],
        thickness_mm=0.0 if tile.slab is None else tile.slab[1],
    )


def _laid_over(tile: TileRule, over: Over | None, exam: Exam) -> TileRule:
    """A tile with the series that lies over it."""
    upper = next((c for c in exam.candidates if over is not None and c.key == over[0]), None)
    if tile.series is None or over is None or upper is None:
        return tile
    return replace(tile, over=selector_for(upper, exam), blend=round(over[1], 3))


def selector_for(
    candidate: Candidate, exam: Exam, plane: str = "native", *, is_alone: bool = False
) -> Selector:
    """The plainest selector that means this series: by kind, by its description, by its place.

    is_alone: it is the only one of its study on the screen, so that being the one that is looked
    at is enough.
    """
    plain = Selector(
        study="prior" if candidate.is_prior else "now",
        modality=(candidate.modality,) if candidate.modality else (),
        weighting=candidate.weighting,
        contrast=candidate.contrast,
        laterality=candidate.laterality,
        view=candidate.view,
    )
    if is_alone and select(plain, exam, plane) == candidate.key:
        return replace(plain, weighting="", contrast="")
    phrase = (candidate.description.upper(),) if candidate.description.strip() else ()
    wordy = replace(plain, words=phrase)
    for selector in (plain, wordy):
        if _answering(selector, exam, plane) == 1:
            return selector
    for place in range(1, _answering(wordy, exam, plane) + 1):
        found = replace(wordy, place=place)
        if select(found, exam, plane) == candidate.key:
            return found
    return plain  # a plane that its slices do not bear: nothing means it better


def _answering(selector: Selector, exam: Exam, plane: str) -> int:
    """How many series a selector could mean."""
    return sum(_answers(selector, c, plane) for c in exam.of_study(selector.study))
