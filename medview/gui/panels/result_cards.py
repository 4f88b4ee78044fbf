"""Pieces of the findings panel: the word on each finding, what is offered, the first look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSlider, QWidget

from medview.core.results import Finding, ModelRun
from medview.core.words import tr
from medview.gui.cards import Card, button, chip, label, row
from medview.gui.style import GRID
from medview.session.decided import state_of
from medview.session.operating import threshold_of
from medview.session.work import Decision, Work

Decide = Callable[[str, str], None]  # finding id, decision


def verbs() -> dict[str, str]:
    """The reader's words, as they stand behind a result."""
    return {"accepted": tr("accepted"), "rejected": tr("rejected"), "edited": tr("edited")}


def word_buttons(
    run: ModelRun, finding: Finding, work: Work, decide: Decide, edit: Callable[[], None]
) -> tuple[QWidget, ...]:
    """Accept, correct (where there is a mask) and reject one finding; what holds is pressed."""
    word = state_of(work, run, finding)
    said = word.decision if word is not None else ""
    name = tr(finding.label)
    accept = _mark("✓", tr("Accept {name}", name=name), said == "accepted")
    reject = _mark("✗", tr("Reject {name}", name=name), said == "rejected")
    for made, own in ((accept, "accepted"), (reject, "rejected")):
        wanted = "suggested" if said == own else own
        made.clicked.connect(partial(_decided, decide, finding.id, wanted))
    if finding.label_value is None or run.label_map is None:
        return accept, reject
    correct = _mark("✎", tr("Correct {name}", name=name), said == "edited")
    correct.clicked.connect(lambda _on=False: edit())
    return accept, correct, reject


def _decided(decide: Decide, finding_id: str, decision: str, _on: bool = False) -> None:
    decide(finding_id, decision)


def _mark(sign: str, words: str, is_on: bool) -> QPushButton:
    made = chip(sign, words, lambda: None)
    made.setCheckable(True)
    made.setChecked(is_on)
    made.setFixedWidth(7 * GRID)
    made.setAccessibleName(words)
    return made


def common_word(words: Sequence[Decision | None]) -> Decision | None:
    """What was said of all findings of a run: for them or against; None where one waits or they
    differ. "edited" where any was corrected."""
    said = [word for word in words if word is not None]
    if not said or len(said) < len(words) or len({word.is_for for word in said}) > 1:
        return None
    return next((word for word in said if word.decision == "edited"), said[0])


def detection_slider(
    run: ModelRun, work: Work, choose: Callable[[float], None]
) -> tuple[QWidget, ...]:
    """How many false positives a scan the reader puts up with, and what that finds."""
    points = run.operating_points
    if len(points) < 2:
        return ()
    now = threshold_of(run, work)
    at = min(range(len(points)), key=lambda n: abs(points[n].score - now))
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, len(points) - 1)
    slider.setPageStep(1)
    slider.setValue(at)
    slider.setAccessibleName(tr("False positives a scan"))
    said = label("", "muted")

    def tell(n: int) -> None:
        point = points[n]
        said.setText(
            tr(
                "{count} {count:false positive|false positives} a scan, {share} % of the "
                "lesions found",
                count=f"{point.false_positives:.2g}", share=f"{100 * point.sensitivity:.0f}",
            )
        )  # fmt: skip
        slider.setToolTip(said.text())

    def chosen() -> None:
        choose(points[slider.value()].score)

    def moved(n: int) -> None:
        tell(n)
        if not slider.isSliderDown():
            chosen()

    tell(at)
    slider.valueChanged.connect(moved)
    slider.sliderReleased.connect(chosen)
    return slider, said


def first_look_card(choose: Callable[[str], None]) -> Card:
    """The reader's first opinion: one click, and the results are shown."""
    card = Card()
    card.setAccessibleName(tr("Your first look"))
    card.add(
        label(tr("Your first look"), "title"),
        label(tr("Results of models wait until you have looked. What do you see?"), "muted"),
    )
    words = (
        ("nothing", tr("Nothing remarkable")),
        ("something", tr("Something is there")),
        ("unsure", tr("Not sure")),
    )
    for opinion, said in words:
        card.add(button(said, "", partial(choose, opinion)))
    card.add(label(tr("The time is kept with your answer; it cannot be changed later."), "faint"))
    return card


def offer_card(title: str, said: str, run: Callable[[], None]) -> Card:
    """A model that fits what is shown."""
    card = Card()
    card.setAccessibleName(title)
    made = button(tr("Run"), "", run)
    made.setAccessibleName(tr("Run {name}", name=title))
    card.add(row(label(title, "title"), None, made))
    if said:
        card.add(label(said, "warn"))
    return card
