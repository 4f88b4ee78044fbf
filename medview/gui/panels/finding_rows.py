"""Rows of one finding on a run's card: its number, and how sure the model may be of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from medview.core.numbers import quantity_text, volume_text
from medview.core.observation import concepts
from medview.core.results import Finding, ModelRun
from medview.core.words import tr
from medview.gui.cards import Meter, button, label, row
from medview.gui.style import GRID, tokens
from medview.session.decided import state_of
from medview.session.work import Work

_DOUBTED = ("abstain", "weak")
_MARK = 14  # width of the mark in the structure's colour


def probability_rows(finding: Finding) -> list[QWidget]:
    """A class: its probability with interval, the answer that is left, and a word."""
    probability = finding.probability or 0.0
    number = label(f"{probability:.2f}", "number", wrap=False)
    rows = [
        row(number, label(tr(finding.label), "muted"), None),
        Meter(probability, finding.interval),
        *_answer(finding),
    ]
    words = [] if finding.answer == "weak" else [sureness(probability)]
    if finding.interval is not None:
        low, high = finding.interval
        words.append(f"{low:.2f} – {high:.2f}")
    return [*rows, label(" · ".join(words), "muted")] if words else rows


def measure_rows(
    run: ModelRun, finding: Finding, work: Work, words: Callable[[], Sequence[QWidget]]
) -> list[QWidget]:
    """A structure: its colour, volume with what is certain of it, and other numbers.

    words: makes the buttons of the reader's word on it.
    """
    labels = run.label_map.labels if run.label_map is not None else ()
    own = next((item for item in labels if item.value == finding.label_value), None)
    if own is not None and own.hidden:
        return []
    rows = []
    if finding.volume_mm3 is not None:
        mark = label("■" if own is not None else "", wrap=False)
        mark.setStyleSheet(f"color: {own.colour if own is not None else tokens().line};")
        mark.setFixedWidth(_MARK)
        size = label(volume_text(finding.volume_mm3), wrap=False)
        rows.append(row(mark, label(tr(finding.label)), None, size, *words(), spacing=GRID))
        said = state_of(work, run, finding)
        if said is None or said.decision != "edited":  # then it is the reader's own outline
            rows += _answer(finding)
    for quantity in finding.measurements:
        if quantity.concept in concepts():
            title = label(tr(concepts()[quantity.concept].title))
            value = label(quantity_text(quantity), wrap=False)
            rows.append(row(title, None, value, spacing=GRID))
    return rows


def detection_row(
    finding: Finding, go_to: Callable[[], object], words: Sequence[QWidget]
) -> QWidget:
    """A place that was found: a click goes there."""
    goes = button(tr(finding.label), "link", go_to)
    score = label(f"{finding.score or 0.0:.2f}", wrap=False)
    sizes = [quantity_text(quantity) for quantity in finding.measurements]
    size = label(" · ".join(sizes), "muted", wrap=False)
    return row(goes, size, None, score, *words, spacing=GRID)


def _answer(finding: Finding) -> list[QWidget]:
    if finding.answer_said is None:
        return []
    return [label(str(finding.answer_said), "warn" if finding.answer in _DOUBTED else "muted")]


def sureness(probability: float) -> str:
    """The word for a probability: how far it is from even."""
    distance = abs(probability - 0.5)
    return tr("sure") if distance >= 0.4 else tr("fairly sure") if distance >= 0.2 else tr("unsure")
