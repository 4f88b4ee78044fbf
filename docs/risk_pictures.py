"""The pictures of `risk.md` and its Chinese sister: the demo's nodule, clicked and judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reading_pictures import Room, Scene, nodule_at

if TYPE_CHECKING:
    from medview.core.geometry import PatientPoint

_PATHS = ("images", "record")


def risk_scenes(point: Callable[[], PatientPoint]) -> tuple[Scene, ...]:
    """Each in both languages; `point` is where the nodule is."""
    return tuple(
        Scene(name=name + ending, paths=_PATHS, steps=steps, tab="risk", language=language)
        for name, steps in (
            ("risk", _judged(point, "brock")),
            ("risk-one-number", _judged(point, "nodule-fused")),
            ("risk-what-if", _tried(point)),
        )
        for ending, language in (("", "en"), ("-zh", "zh_CN"))
    )


def _judged(point: Callable[[], PatientPoint], score: str) -> Callable[[Room], None]:
    """One click on the nodule, the reader's answers to what no sentence says, one card open."""

    def steps(room: Room) -> None:
        nodule_at(point)(room)
        enter = room.window.session.made.enter
        for concept in ("nodule_spiculated", "nodule_upper_lobe", "emphysema"):
            enter(concept, True)
        enter("nodule_count", 1.0, "1")
        if score == "nodule-fused":
            enter("nodule_malignancy_probability", 71.0, "%")
        room.window.sidebar.show_tab("risk")
        room.rest(1.0)
        room.window.sidebar.risk.pin(score)
        room.rest(1.0)

    return steps


def _tried(point: Callable[[], PatientPoint]) -> Callable[[Room], None]:
    """The same card with a larger diameter tried."""

    def steps(room: Room) -> None:
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QScrollArea

        _judged(point, "brock")(room)
        panel = room.window.sidebar.risk
        card = next(c for c in panel.cards if c.score.id == "brock")
        card.trying.emit(True)
        room.rest(0.5)
        trial = next(c.what_if for c in panel.cards if c.score.id == "brock")
        if trial is None:
            raise SystemExit("There is nothing to try on.")
        slider = trial.controls["nodule_diameter_max"]
        slider.setFocus()
        for _ in range(3):
            QTest.keyClick(slider, Qt.Key.Key_PageUp)
        area = panel.findChild(QScrollArea)
        if area is not None:
            area.ensureWidgetVisible(trial)
        room.rest(0.5)

    return steps
