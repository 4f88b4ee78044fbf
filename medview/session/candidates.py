"""What hanging rules may know of the series that are open, and which earlier study fits best."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medview.core.body_parts import named_parts
from medview.core.study import Patient, Series, Stack, Study
from medview.core.words import Sentence, say
from medview.session.hanging_match import Candidate, Exam
from medview.session.places import Key, Place

if TYPE_CHECKING:
    from medview.library import StudyEntry

_AFTER = re.compile(r"(?<![A-Z])(POST|GD|GAD|KM|CE|NACH|CONTRAST|AFTER|CE?\+|\+C)(?![A-Z])|增强")
_BEFORE = re.compile(r"(?<![A-Z])(PRE|NATIVE|NATIV|PLAIN|BEFORE|VOR|UNENHANCED)(?![A-Z])|平扫")
_NAMED_WEIGHTINGS = (
    ("ADC", r"(?<![A-Z])ADC|APPARENT DIFFUSION"),
    ("FLAIR", r"FLAIR|DARK.?FLUID|TIRM"),
    ("DWI", r"(?<![A-Z])(DWI|DIFF|TRACE|EP2D.?DIFF|B ?\d{3,4})"),
    ("SWI", r"(?<![A-Z])(SWI|SWAN|VEN.?BOLD|T2\*|T2.?STAR)"),
    ("T1", r"(?<![A-Z0-9])T1|MPRAGE|BRAVO|(?<![A-Z])VIBE|(?<![A-Z])LAVA|(?<![A-Z])SPGR"),
    ("T2", r"(?<![A-Z0-9])T2|(?<![A-Z])HASTE"),
    ("PD", r"(?<![A-Z])PD(?![A-Z])|PROTON"),
)
_FILMS = ("MG", "CR", "DX", "IO", "PX")


def exam_of(active: Place, prior: Study | None) -> Exam:
    """The study of a series with its fitting prior as rules see them; localizers are left out."""
    candidates = [
        *_of_study(active, active.study, is_prior=False),
        *([] if prior is None else _of_study(active, prior, is_prior=True)),
    ]
    study = active.study
    words = [study.description, active.series.description]
    return Exam(
        active=active.key,
        candidates=tuple(candidates),
        parts=parts_of(active.series, study),
        text=" ".join(words),
    )


def _of_study(active: Place, study: Study, *, is_prior: bool) -> Iterable[Candidate]:
    for series in study.series:
        for number, stack in enumerate(series.stacks):
            is_shown = (series.uid, number) == active.key
            if is_shown or not _is_localizer(series, stack):
                yield candidate_of(series, number, study, active, is_prior=is_prior)


def _is_localizer(series: Series, stack: Stack) -> bool:
    is_scout = stack.verdict == "projection" and series.modality in ("CT", "MR", "PT")
    return is_scout or "LOCALIZER" in series.header.get("ImageType", "").upper()


def candidate_of(
    series: Series, number: int, study: Study, active: Place, *, is_prior: bool = False
) -> Candidate:
    """One stack as rules see it."""
    stack = series.stacks[number]
    film = stack.projection if series.modality in _FILMS else None
    header = series.header
    text = " ".join(
        (series.description, header.get("ProtocolName", ""), header.get("SequenceName", ""))
    )
    return Candidate(
        key=(series.uid, number),
        is_prior=is_prior,
        modality=series.modality,
        text=text,
        description=series.description,
        parts=parts_of(series, study),
        weighting=weighting_of(series) if series.modality == "MR" else "",
        contrast=contrast_of(series),
        laterality="" if film is None else film.laterality,
        view="" if film is None else film.view.upper(),
        number=series.number or 0,
        depth=stack.geometry.shape[0],
        is_in_space=stack.is_in_space,
        is_for_processing=header.get("PresentationIntentType", "").upper() == "FOR PROCESSING",
        likeness=likeness(series, stack, active.series, active.stack),
    )


def parts_of(series: Series, study: Study) -> frozenset[str]:
    """The body parts that a series names, else those of its study."""
    return named_parts(series.body_part) or named_parts(f"{study.description} {series.description}")


def weighting_of(series: Series) -> str:
    """T1, T2, FLAIR, DWI, ADC, PD or SWI: by the description, else by echo and repetition times."""
    text = f"{series.description} {series.header.get('ProtocolName', '')}".upper()
    for weighting, words in _NAMED_WEIGHTINGS:
        if re.search(words, text):
            return weighting
    if "ADC" in series.header.get("ImageType", "").upper().split("\\"):
        return "ADC"
    if "DIFFUSION" in series.header.get("ImageType", "").upper():
        return "DWI"
    return _by_times(series.header)


def _by_times(header: Mapping[str, str]) -> str:
    """Spin echo as textbooks draw it: short TR and TE T1, long both T2, long TI besides FLAIR."""
    repetition, echo, inversion = (
        _number(header.get(word, "")) for word in ("RepetitionTime", "EchoTime", "InversionTime")
    )
    if repetition is None or echo is None:
        return ""
    if inversion is not None and inversion >= 1500 and echo >= 60:
        return "FLAIR"
    if repetition < 1000 and echo < 30:
        return "T1"
    if repetition >= 1500:
        return "T2" if echo >= 60 else "PD" if echo < 40 else ""
    return ""


def contrast_of(series: Series) -> str:
    """before or after contrast medium, "" where nothing says it."""
    text = series.description.upper()
    if _BEFORE.search(text):
        return "before"
    if _AFTER.search(text) or series.header.get("ContrastBolusAgent", "").strip():
        return "after"
    return ""


def likeness(series: Series, stack: Stack, other: Series, than: Stack) -> float:
    """How much a stack is like another, 0 to 1: kind, side, view, weighting, contrast, words."""
    if series.modality != other.modality:
        return 0.0
    words, wanted = (set(_words(s.description)) for s in (series, other))
    shared = len(words & wanted) / max(1, len(words | wanted))
    views = [
        ("", "") if s.projection is None else (s.projection.laterality, s.projection.view)
        for s in (stack, than)
    ]
    points = (
        2.0 * (weighting_of(series) == weighting_of(other)),
        2.0 * (views[0] == views[1]),
        1.0 * (contrast_of(series) == contrast_of(other)),
        1.0 * (stack.is_in_space == than.is_in_space),
        1.0 * _is_alike_turned(stack, than),
        2.0 * shared,
    )
    return (1.0 + sum(points)) / 10.0


def _is_alike_turned(one: Stack, other: Stack) -> bool:
    """Whether both were cut along the same plane of the patient."""
    return one.geometry.nearest_axes.index(0) == other.geometry.nearest_axes.index(0)


def _words(text: str) -> list[str]:
    return [w for w in re.split(r"[\W_]+", text.upper()) if w]


def _number(text: str) -> float | None:
    try:
        return float(text.split("\\", maxsplit=1)[0])
    except ValueError:
        return None


# -- priors ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FittingPrior:
    """An earlier study that shows the same, the series of it to compare with, and why."""

    study: Study
    key: Key
    why: Sentence


def fitting_prior(active: Place, patient: Patient | None) -> FittingPrior | None:
    """The newest earlier study of the same patient with the same modality and body region.

    Films must agree in side and view where both say them. None without dates or without one.
    """
    if patient is None or not patient.id or not active.study.date:
        return None
    own = candidate_of(active.series, active.stack_number, active.study, active)
    earlier = [s for s in patient.studies if s.date and s.date < active.study.date]
    for study in sorted(earlier, key=lambda s: s.date, reverse=True):
        found = _best_of(own, active, study)
        if found is not None:
            return FittingPrior(study=study, key=found.key, why=_why(active, study))
    return None


def _best_of(own: Candidate, active: Place, study: Study) -> Candidate | None:
    # What rules out most comes first: a patient may have a thousand series.
    fitting = [
        candidate_of(series, number, study, active, is_prior=True)
        for series in study.series
        if series.modality == own.modality and _is_of_region(own, parts_of(series, study))
        for number, stack in enumerate(series.stacks)
        if stack.is_in_space is own.is_in_space and not _is_localizer(series, stack)
    ]
    alike = [candidate for candidate in fitting if _is_of_side(own, candidate)]
    return max(alike, key=lambda c: (c.likeness, c.depth, -c.number), default=None)


def _is_of_region(own: Candidate, parts: frozenset[str]) -> bool:
    """Whether both name one region; a film of nothing in particular shows nothing alike."""
    if own.parts and parts:
        return not own.parts.isdisjoint(parts)
    return own.modality not in _FILMS


def _is_of_side(own: Candidate, other: Candidate) -> bool:
    """Whether side and view agree where both say them."""
    return all(
        not mine or not theirs or mine == theirs
        for mine, theirs in ((own.laterality, other.laterality), (own.view, other.view))
    )


def _why(active: Place, study: Study) -> Sentence:
    parts = parts_of(active.series, active.study)
    region = ", ".join(sorted(parts)) or active.series.modality
    return say(
        "Opened beside: {modality} of {date}, same patient, same region ({region}).",
        modality=active.series.modality,
        date=study.date,
        region=region,
    )


def entry_fits(active: Place, entry: StudyEntry) -> bool:
    """Whether a study of the library is earlier and shows the same, as far as its index says."""
    if not entry.date or not active.study.date or entry.date >= active.study.date:
        return False
    if active.series.modality not in entry.modalities:
        return False
    parts = parts_of(active.series, active.study)
    theirs = named_parts(" ".join((*entry.body_parts, entry.description)))
    return not parts or not theirs or not parts.isdisjoint(theirs)
