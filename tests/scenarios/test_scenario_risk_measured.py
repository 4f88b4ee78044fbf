"""What the reader measures in the images flows into the scores, and changes with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from medview.cli.main import main
from medview.core.results import Code, Finding, ModelRef, ModelRun, Quantity
from medview.gui.dialogs.texts import TextDialog
from medview.gui.panels.risk_card import ScoreCard
from medview.gui.window import MainWindow
from medview.risk import UsedInput
from medview.session.measures import remove
from medview.session.segments import CORONARY_CALCIUM, HAEMORRHAGE

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
_LEFT = Qt.MouseButton.LeftButton


def drag(qtbot: QtBot, window: MainWindow, start: QPoint, end: QPoint) -> None:
    view = window.grid.active_view
    qtbot.mousePress(view, _LEFT, pos=start)
    for part in (0.3, 0.6, 1.0):
        qtbot.mouseMove(view, start + (end - start) * part)
    qtbot.mouseRelease(view, _LEFT, pos=end)


def card(window: MainWindow, score_id: str) -> ScoreCard:
    return next(c for c in window.sidebar.risk.cards if c.score.id == score_id)


def shown(window: MainWindow, score_id: str) -> bool:
    return any(c.score.id == score_id for c in window.sidebar.risk.cards)


def the_rest_of_brock(window: MainWindow) -> None:
    enter = window.session.made.enter
    enter("nodule_type", "solid")
    enter("nodule_count", 1.0, "1")
    for name in ("nodule_spiculated", "nodule_upper_lobe", "emphysema",
                 "family_history_lung_cancer"):  # fmt: skip
        enter(name, True)


def test_a_ruler_asked_for_by_a_card_becomes_its_diameter_and_moving_it_moves_the_score(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    the_rest_of_brock(opened)
    panel = opened.sidebar.risk
    opened.sidebar.show_tab("risk")
    panel.pin("brock")
    assert card(opened, "brock").result.status == "missing"

    panel.way_asked.emit("ruler", "nodule_diameter_max")
    quiet(opened)
    middle = opened.grid.active_view.rect().center()
    end = middle + QPoint(14, 0)
    drag(qtbot, opened, middle, end)
    quiet(opened)

    qtbot.waitUntil(lambda: card(opened, "brock").result.status == "computed")
    (ruler,) = opened.session.work.measurements
    used = card(opened, "brock").result.used("nodule_diameter_max")
    assert used is not None
    assert used.source.kind == "ruler"
    assert used.source.locator == f"measurement:{ruler.id}"
    assert used.value == pytest.approx(ruler.quantities[0].value)
    before = card(opened, "brock").result.value or 0.0

    drag(qtbot, opened, end, end + QPoint(8, 0))
    quiet(opened)

    qtbot.waitUntil(lambda: (card(opened, "brock").result.value or 0.0) > before)
    (longer,) = opened.session.work.measurements
    used = card(opened, "brock").result.used("nodule_diameter_max")
    assert used is not None
    assert used.value == pytest.approx(longer.quantities[0].value)

    assert opened.session.book is not None
    remove(opened.session.book, (ruler.id,))
    qtbot.waitUntil(lambda: card(opened, "brock").result.status == "missing")


def used(window: MainWindow, score_id: str, name: str) -> float | None:
    found = card(window, score_id).result.used(name)
    return None if found is None else float(found.value)


def test_rulers_and_regions_give_what_a_card_asks_for_and_follow_their_handles(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    enter, panel = opened.session.made.enter, opened.sidebar.risk
    enter("haematoma_shape", "round or ellipsoid")
    enter("haematoma_slices", 4.0, "1")
    opened.sidebar.show_tab("risk")
    panel.pin("abc-2")
    middle = opened.grid.active_view.rect().center()
    end = middle + QPoint(50, -90)
    for concept, place in (
        ("haematoma_length", QPoint(0, -90)),
        ("haematoma_width", QPoint(0, 60)),
    ):
        panel.way_asked.emit("ruler", concept)
        quiet(opened)
        drag(qtbot, opened, middle + place, middle + place + QPoint(50, 0))
        quiet(opened)

    def volume() -> float:
        length, width = (
            used(opened, "abc-2", f"haematoma_{n}") or 0.0 for n in ("length", "width")
        )
        step = used(opened, "abc-2", "slice_thickness") or 0.0  # from the images' header
        return length * width * 4.0 * step / 2.0 / 1000.0

    qtbot.waitUntil(lambda: card(opened, "abc-2").result.status == "computed")
    before = volume()
    assert card(opened, "abc-2").result.value == pytest.approx(before)
    drag(qtbot, opened, end, end + QPoint(20, 0))
    qtbot.waitUntil(lambda: (card(opened, "abc-2").result.value or 0.0) > before + 0.01)
    assert card(opened, "abc-2").result.value == pytest.approx(volume())

    panel.pin("adrenal-washout")
    panel.way_asked.emit("region", "adrenal_hu_plain")
    quiet(opened)
    drag(qtbot, opened, middle + QPoint(-8, -30), middle + QPoint(8, -16))
    quiet(opened)
    qtbot.waitUntil(lambda: used(opened, "adrenal-washout", "adrenal_hu_plain") is not None)
    region = opened.session.work.measurements[-1]
    means = [q.value for q in region.quantities if q.unit == "[hnsf'U]"]
    assert used(opened, "adrenal-washout", "adrenal_hu_plain") in means


def test_a_painted_bleed_is_the_volume_that_the_score_of_bleeds_asks(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    opened.actions_.perform("tool.brush")
    middle = opened.grid.active_view.rect().center()
    drag(qtbot, opened, middle, middle + QPoint(50, 0))
    quiet(opened)
    desk = opened.session.segmenting
    (segment,) = desk.segments

    desk.change(segment, opened.session.book.undo_name, code=HAEMORRHAGE)  # type: ignore[union-attr]
    opened.sidebar.risk.pin("ich-score")
    quiet(opened)

    def volume() -> float | None:
        used = card(opened, "ich-score").result.used("haematoma_volume")
        return None if used is None else float(used.value)

    qtbot.waitUntil(lambda: volume() is not None)
    found = desk.statistics(desk.segments[0])
    assert found is not None
    assert volume() == pytest.approx(found.volume_mm3 / 1000.0)
    before = volume() or 0.0
    drag(qtbot, opened, middle + QPoint(0, 40), middle + QPoint(50, 40))
    qtbot.waitUntil(lambda: (volume() or 0.0) > before)

    desk.change(desk.segments[0], opened.session.book.undo_name, code=CORONARY_CALCIUM)  # type: ignore[union-attr]
    quiet(opened)
    known = {o.concept: o for o in opened.session.observations()}
    assert "haematoma_volume" not in known
    qtbot.waitUntil(lambda: "agatston_score" in {o.concept for o in opened.session.observations()})
    opened.sidebar.risk.pin("agatston")
    found = desk.statistics(desk.segments[0])
    assert found is not None
    qtbot.waitUntil(lambda: card(opened, "agatston").result.status == "computed", timeout=60_000)
    assert card(opened, "agatston").result.value == found.agatston


def lungs_run(series_uid: str) -> ModelRun:
    """A run as the model for lungs ends: volumes by their labels, the share of both lungs."""
    share = Quantity(concept="emphysema_share", value=7.5, unit="%")
    right = Finding(
        id="right", kind="segmentation", label="right lung", volume_mm3=2_400_000.0,
        code=Code("SCT", "3341006", "Right lung"), measurements=(share,),
    )  # fmt: skip
    left = replace(right, id="left", label="left lung", volume_mm3=2_100_000.0,
                   code=Code("SCT", "44029006", "Left lung"), measurements=())  # fmt: skip
    return ModelRun(
        id="run1", model=ModelRef(name="lungs", version="1.0.0", manifest_sha256="0"),
        series_uid=series_uid, stack=0, status="run", findings=(right, left),
    )  # fmt: skip


def test_what_the_lungs_model_measured_is_an_input_until_the_reader_says_otherwise(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet
) -> None:
    window.open_paths([small_demo / "images"])  # no document that speaks of emphysema
    quiet(window)
    session = window.session
    assert session.active is not None
    window.sidebar.show_tab("risk")
    the_rest_of_brock(window)
    session.made.enter("nodule_diameter_max", 10.0, "mm")
    session.made.enter("emphysema", None)
    window.sidebar.risk.pin("brock")

    def used() -> UsedInput | None:
        return card(window, "brock").result.used("emphysema")

    qtbot.waitUntil(lambda: card(window, "brock").result.status == "missing", timeout=60_000)
    session.made.keep_run(session.active, lungs_run(session.active.series.uid))
    qtbot.waitUntil(lambda: used() is not None, timeout=60_000)
    found = used()
    assert found is not None
    assert (found.value, found.source.kind) == (True, "model")
    assert "7.5 % below -950 HU" in found.source.where
    assert card(window, "brock").result.status == "computed"
    volumes = {o.concept: o.value for o in session.observations() if "lung_volume" in o.concept}
    assert volumes == {"lung_volume_right": 2400.0, "lung_volume_left": 2100.0}
    with_it = card(window, "brock").result.value or 0.0

    session.made.enter("emphysema", value=False)
    qtbot.waitUntil(lambda: (card(window, "brock").result.value or 99.0) < with_it, timeout=60_000)
    session.made.enter("emphysema", None)
    session.made.decide("right", "rejected")
    qtbot.waitUntil(lambda: used() is None, timeout=60_000)
    assert "lung_volume_right" not in {o.concept for o in session.observations()}


def test_a_research_card_opens_the_card_of_its_model(
    opened: MainWindow, qtbot: QtBot, quiet
) -> None:
    opened.session.made.enter("heart_failure", True)
    opened.session.made.enter("ejection_fraction", 25.0, "%")
    qtbot.waitUntil(lambda: shown(opened, "heart-failure-death"), timeout=60_000)
    opened.sidebar.show_tab("risk")
    opened.sidebar.risk.open_score("heart-failure-death")

    mark = next(
        b for b in card(opened, "heart-failure-death").findChildren(QPushButton)
        if b.text() == "research"
    )  # fmt: skip
    qtbot.mouseClick(mark, _LEFT)

    qtbot.waitUntil(lambda: opened.findChild(TextDialog) is not None)
    dialog = opened.findChild(TextDialog)
    assert dialog is not None
    assert "Not for advice to a patient" in dialog.text.toPlainText()
    dialog.close()


def test_the_command_says_of_the_same_files_what_the_window_says(
    opened: MainWindow, small_demo: Path, capsys: pytest.CaptureFixture[str], quiet
) -> None:
    quiet(opened)
    shown_now = {
        c.score.id: c.result.to_json() for c in opened.sidebar.risk.cards
        if not c.beside.is_pinned
    }  # fmt: skip
    capsys.readouterr()

    assert main(["risk", str(small_demo), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)["scores"]
    patient = next(iter(shown_now.values()))["patient"]
    mine = {row["score"]: row for row in told if row["patient"] == patient}
    assert json.loads(json.dumps(shown_now)) == mine
