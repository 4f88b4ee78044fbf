"""Where a result comes from: which heatmap is on the image, how it fares, and how to draw another.

The box asks nothing itself: `Looks` is what the window lets it do.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from medview.ai.look import DOUBT, METHODS, Look
from medview.core.geometry import PatientPoint
from medview.core.results import Fidelity, Heatmap, ModelRun
from medview.core.words import say, tr
from medview.gui.cards import button, label, row
from medview.gui.style import GRID

ALIKE = 0.5  # rank correlation from which two maps say the same
_SURE_MM = 1.5  # an edge that is open over less than two voxels of fine slices
_OWN = say("Class activation map")


class Looks(Protocol):
    """What the box may ask of the window."""

    @property
    def is_on(self) -> bool:
        """Whether heatmaps are on the images."""

    def shown_of(self, run: ModelRun) -> Heatmap | None:
        """The heatmap of a run that is shown, or would be."""

    def methods_of(self, run: ModelRun) -> tuple[str, ...]:
        """By which methods its model can be asked; empty while that is not known yet."""

    def is_busy_with(self, run: ModelRun) -> bool:
        """Whether a heatmap of it is being drawn."""

    def switch(self, on: bool) -> None:
        """Show heatmaps, or do not."""

    def choose(self, run: ModelRun, heatmap: Heatmap) -> None:
        """Show another heatmap of a run."""

    def ask(self, run: ModelRun, look: Look) -> None:
        """Have a heatmap drawn."""


class WhyBox(QWidget):
    """The heatmaps of one run."""

    def __init__(self, run: ModelRun, structures: tuple[str, ...], looks: Looks) -> None:
        super().__init__()
        self._run, self._looks = run, looks
        self.setAccessibleName(tr("Heatmap"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        self._labels, self._methods = QComboBox(), QComboBox()
        heatmap = looks.shown_of(run)
        if heatmap is not None:
            self._add_shown(layout, heatmap)
        if looks.methods_of(run):
            self._add_question(layout, structures, heatmap)
        elif heatmap is None:
            layout.addWidget(label(tr("This model has no heatmap to show."), "muted"))

    def _add_shown(self, layout: QVBoxLayout, heatmap: Heatmap) -> None:
        on = button(tr("Heatmap on the image"), "", self._switch)
        on.setCheckable(True)
        on.setChecked(self._looks.is_on)
        on.setToolTip(tr("Show or hide what the model used ({key})", key="Y"))
        self._on = on
        layout.addWidget(row(on, None))
        if len(self._run.heatmaps) > 1:
            layout.addWidget(self._choice(heatmap))
        for text, role in said_of(heatmap):
            layout.addWidget(label(text, role))
        if (
            heatmap.random_likeness is None
            and heatmap.method in METHODS
            and heatmap.method != DOUBT
        ):
            again = Look(
                label=heatmap.class_name, method=heatmap.method,
                at=_place(self._run, heatmap.class_name), randomised=True,
            )  # fmt: skip
            check = button(tr("Check with shuffled weights"), "", partial(self._ask, again))
            check.setToolTip(tr("A map that does not change shows the picture, not the model."))
            check.setEnabled(not self._looks.is_busy_with(self._run))
            layout.addWidget(row(check, None))

    def _choice(self, heatmap: Heatmap) -> QComboBox:
        chosen = QComboBox()
        chosen.setAccessibleName(tr("Heatmaps of this result"))
        for each in self._run.heatmaps:
            chosen.addItem(f"{tr(each.class_name)} · {method_name(each.method)}")
        chosen.setCurrentIndex(self._run.heatmaps.index(heatmap))
        chosen.activated.connect(
            lambda number: self._looks.choose(self._run, self._run.heatmaps[number])
        )
        return chosen

    def _add_question(
        self, layout: QVBoxLayout, structures: tuple[str, ...], heatmap: Heatmap | None
    ) -> None:
        for name in structures:
            self._labels.addItem(tr(name), name)
        for method in self._looks.methods_of(self._run):
            self._methods.addItem(method_name(method), method)
        if heatmap is not None:
            self._labels.setCurrentIndex(max(0, self._labels.findData(heatmap.class_name)))
            self._methods.setCurrentIndex(max(0, self._methods.findData(heatmap.method)))
        self._labels.setAccessibleName(tr("What is asked about"))
        self._methods.setAccessibleName(tr("Method of the heatmap"))
        if len(structures) > 1:
            layout.addWidget(self._labels)
        is_busy = self._looks.is_busy_with(self._run)
        self.draw = button(tr("Being drawn…") if is_busy else tr("Draw"), "", self._draw)
        self.draw.setEnabled(not is_busy)
        self.draw.setToolTip(tr("Ask the model where its answer comes from, and test the map"))
        layout.addWidget(self._methods)
        layout.addWidget(row(self.draw, None))

    def _draw(self) -> None:
        name, method = self._labels.currentData(), self._methods.currentData()
        self._ask(Look(label=name, method=method, at=_place(self._run, name)))

    def _ask(self, look: Look) -> None:
        self._looks.ask(self._run, look)

    def _switch(self) -> None:
        self._looks.switch(self._on.isChecked())


def _place(run: ModelRun, name: str) -> PatientPoint | None:
    return next((f.centroid for f in run.findings if f.label == name), None)


def method_name(method: str) -> str:
    """A method in the reader's language."""
    return str(METHODS.get(method, _OWN))


def said_of(heatmap: Heatmap) -> list[tuple[str, str]]:
    """What is to be known of a heatmap: (text, role of the label)."""
    words = [method_name(heatmap.method)]
    if heatmap.cells != (0, 0, 0):
        shape = [str(n) for n in heatmap.cells if n > 1 or heatmap.cells[0] > 1]
        words.append(tr("{shape} cells, no finer", shape=" × ".join(shape)))
    said = [(" · ".join(words), "muted")]
    if heatmap.unsure_mm is not None:
        return [*said, (edge_said(heatmap.unsure_mm), "muted")]
    if not heatmap.values.any():
        said.append((tr("Nothing in the picture speaks for it."), "muted"))
    if heatmap.fidelity is not None:
        said += _fidelity(heatmap.fidelity)
    likeness = heatmap.random_likeness
    if likeness is not None and abs(likeness) < ALIKE:
        text = tr("A net with shuffled weights draws another map (likeness {value}).",
                  value=f"{likeness:.2f}")  # fmt: skip
        said.append((text, "muted"))
    elif likeness is not None:
        text = tr("A net with shuffled weights draws much the same map (likeness {value}): it says "
                  "little of what was learnt.", value=f"{likeness:.2f}")  # fmt: skip
        said.append((text, "warn"))
    return said


def edge_said(unsure_mm: float) -> str:
    """How sure an outline is, in a word."""
    if unsure_mm < _SURE_MM:
        return tr("Sure: the edge is open over {width} mm on average.", width=f"{unsure_mm:.1f}")
    return tr("Edge unsure: {width} mm on average.", width=f"{unsure_mm:.1f}")


def _fidelity(found: Fidelity) -> list[tuple[str, str]]:
    text = tr(
        "On this very image: taking the marked places away costs {lost} of the score (places by "
        "chance {lost_chance}); putting them back brings {won} (by chance {won_chance}).",
        lost=f"{found.deletion:.2f}", lost_chance=f"{found.deletion_by_chance:.2f}",
        won=f"{found.insertion:.2f}", won_chance=f"{found.insertion_by_chance:.2f}",
    )  # fmt: skip
    if found.beats_chance:
        return [(text, "muted")]
    return [(text, "muted"), (tr("No better than chance: do not rely on this map."), "warn")]
