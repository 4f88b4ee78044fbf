"""A reader at the risk panel of the demo patient: units, what if, versions, sources, reminders."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QMenu, QPushButton, QSlider, QWidget
from pytestqt.qtbot import QtBot

from medview.core.observation import Observation, Source
from medview.gui.panels.risk import RiskPanel
from medview.gui.panels.risk_card import ScoreCard
from medview.gui.panels.risk_fields import ValueField
from medview.session import Session
from medview.session.knowledge import risks
from medview.session.research import research_scores

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
_LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def session(small_demo: Path) -> Iterator[Session]:
    """A session with the demo's patients open, the woman of 67 active."""
    made = Session()
    made.open([small_demo])
    yield made
    book = made.book
    while book is not None and book.undo() is not None:
        pass
    made.close()


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> RiskPanel:
    """The panel on the screen, as wide as in the window."""
    made = RiskPanel(session)
    qtbot.addWidget(made)
    made.resize(340, 1400)
    with qtbot.waitExposed(made):
        made.show()
    return made


def card(panel: RiskPanel, score_id: str) -> ScoreCard:
    return next(c for c in panel.cards if c.score.id == score_id)


def texts(widget: QWidget) -> str:
    return "\n".join(w.text() for w in widget.findChildren(QLabel) if w.isVisible())


def link(widget: QWidget, words: str) -> QPushButton:
    return next(b for b in widget.findChildren(QPushButton) if b.text().startswith(words))


def find(qtbot: QtBot, panel: RiskPanel, name: str) -> None:
    panel.finder.field.setFocus()
    qtbot.keyClicks(panel.finder.field, name)
    qtbot.keyClick(panel.finder.field, Qt.Key.Key_Return)


def value_field(panel: RiskPanel, score_id: str, name: str) -> ValueField:
    rows = card(panel, score_id).rows
    assert rows is not None
    field = rows.fields[name]
    assert isinstance(field, ValueField)
    return field


def type_in(qtbot: QtBot, field: ValueField, text: str) -> None:
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def with_a_whole_nodule(session: Session) -> None:
    """Everything that Brock asks, by hand."""
    enter = session.made.enter
    enter("nodule_diameter_max", 10.2, "mm")
    for name in ("nodule_spiculated", "nodule_upper_lobe", "emphysema",
                 "family_history_lung_cancer"):  # fmt: skip
        enter(name, True)
    enter("nodule_type", "solid")
    enter("nodule_count", 1.0, "1")


def test_the_demo_patient_opens_with_scores_that_fit_and_their_sources(panel: RiskPanel) -> None:
    assert panel.cards[0].result.status == "computed"
    said = texts(panel)
    assert "Fits this patient and this study" in said
    kinds = {u.source.kind for c in panel.cards for u in c.result.inputs}
    assert {"header", "lab", "sentence"} <= kinds


def test_the_command_and_the_panel_say_the_same(session: Session, panel: RiskPanel) -> None:
    assert session.patient is not None
    told = risks(session.patient, session.study, session.observations())

    shown = {c.score.id: c.result.to_json() for c in panel.cards}

    assert {result.score: result.to_json() for result in told} == shown


def test_a_number_is_shown_and_typed_in_another_unit(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    panel.open_score("ckd-epi-2021")
    before = card(panel, "ckd-epi-2021").result.value
    rows = card(panel, "ckd-epi-2021").rows
    assert rows is not None

    qtbot.mouseClick(rows.units["creatinine"], _LEFT)
    menu = rows.units["creatinine"].findChild(QMenu)
    assert menu is not None
    action = next(a for a in menu.actions() if a.text() == "µmol/L")
    qtbot.mouseClick(menu, _LEFT, pos=menu.actionGeometry(action).center())

    field = value_field(panel, "ckd-epi-2021", "creatinine")
    qtbot.waitUntil(lambda: field.text() == "86.63")
    assert card(panel, "ckd-epi-2021").result.value == before
    type_in(qtbot, field, "177")
    qtbot.waitUntil(lambda: card(panel, "ckd-epi-2021").result.band_id == "G4")
    used = card(panel, "ckd-epi-2021").result.used("creatinine")
    assert used is not None
    assert used.value == pytest.approx(177 / 88.4, rel=1e-3)
    # The unit stays the reader's on the card that came.
    assert value_field(panel, "ckd-epi-2021", "creatinine").text() == "177"


def test_a_mix_up_of_units_is_asked_about_and_taken_with_a_click(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    panel.open_score("ckd-epi-2021")

    type_in(qtbot, value_field(panel, "ckd-epi-2021", "creatinine"), "88")
    assert "Was 88 µmol/L meant" in texts(panel)
    assert not session.work.entered

    qtbot.mouseClick(link(panel, "Yes, take 88 µmol/L"), _LEFT)
    qtbot.waitUntil(lambda: len(session.work.entered) == 1)
    assert (session.work.entered[0].value, session.work.entered[0].unit) == (88.0, "umol/L")


def test_what_if_moves_a_result_that_is_never_kept(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    panel.open_score("ckd-epi-2021")
    before = session.risks()
    qtbot.mouseClick(link(card(panel, "ckd-epi-2021"), "What if"), _LEFT)
    trial = card(panel, "ckd-epi-2021").what_if
    assert trial is not None
    slider = trial.controls["creatinine"]
    assert isinstance(slider, QSlider)
    assert slider.accessibleName() == "What if: Creatinine"

    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)

    qtbot.waitUntil(lambda: "G4" in trial.verdict.text())
    assert "not in the report" in texts(panel)
    assert session.risks() == before
    assert not session.work.entered
    assert card(panel, "ckd-epi-2021").result.band_id == "G2"

    qtbot.mouseClick(trial.reset, _LEFT)
    qtbot.waitUntil(lambda: "G2" in trial.verdict.text())
    assert trial.values == {}


def test_what_if_keeps_unknown_apart_from_no(qtbot: QtBot, panel: RiskPanel) -> None:
    find(qtbot, panel, "perc")
    qtbot.waitUntil(lambda: any(c.score.id == "perc" for c in panel.cards), timeout=60_000)
    qtbot.mouseClick(link(card(panel, "perc"), "What if"), _LEFT)
    trial = card(panel, "perc").what_if
    assert trial is not None
    box = trial.controls["oestrogen_use"]
    assert isinstance(box, QCheckBox)
    assert box.checkState() == Qt.CheckState.PartiallyChecked

    box.setFocus()
    tried = []
    for _ in range(3):
        qtbot.keyClick(box, Qt.Key.Key_Space)
        tried.append(dict(trial.values))
    assert tried == [{"oestrogen_use": True}, {"oestrogen_use": False}, {}]


def test_an_older_version_stands_beside_and_opens_with_a_click(
    qtbot: QtBot, panel: RiskPanel
) -> None:
    panel.open_score("ckd-epi-2021")
    beside = {score.id: result for score, result in card(panel, "ckd-epi-2021").beside.versions}
    assert beside["ckd-epi-2009"].status == "computed"

    qtbot.mouseClick(link(card(panel, "ckd-epi-2021"), "CKD-EPI 2009"), _LEFT)

    qtbot.waitUntil(lambda: card(panel, "ckd-epi-2009").rows is not None)
    assert "Opened by name" in texts(panel)
    away = next(
        b for b in panel.findChildren(QPushButton) if b.accessibleName() == "Put the score away"
    )
    qtbot.mouseClick(away, _LEFT)
    qtbot.waitUntil(lambda: all(c.score.id != "ckd-epi-2009" for c in panel.cards))


def test_a_score_that_does_not_fit_is_found_by_name_and_says_why(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    session.made.enter("dialysis", True)

    find(qtbot, panel, "2012 cystatin")

    qtbot.waitUntil(lambda: card(panel, "ckd-epi-2012-cystatin").rows is not None)
    assert "Why not valid here" in texts(panel)
    assert "Not valid on dialysis." in texts(panel)


def test_a_name_that_no_score_has_is_said_to_have_none(qtbot: QtBot, panel: RiskPanel) -> None:
    qtbot.keyClicks(panel.finder.field, "xyzzy")

    qtbot.waitUntil(lambda: "No score has this name." in texts(panel))


def test_all_scores_are_listed_research_first(qtbot: QtBot, panel: RiskPanel) -> None:
    research_scores()
    panel.scores_read()

    qtbot.mouseClick(panel.finder.all, _LEFT)

    assert len(panel.finder.found) > 120
    assert "heart-failure-death" in panel.finder.found[:10]


def test_a_research_model_is_a_card_that_says_so_and_what_it_filled(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    research_scores()
    panel.scores_read()
    session.made.enter("heart_failure", True)
    session.made.enter("ejection_fraction", 25.0, "%")
    qtbot.waitUntil(lambda: any(c.score.id == "heart-failure-death" for c in panel.cards))

    panel.open_score("heart-failure-death")
    found = card(panel, "heart-failure-death")

    assert found.result.status == "computed"
    assert found.result.interval is not None
    assert "filled from the rest of the row" in texts(found)
    with qtbot.waitSignal(panel.card_asked) as asked:
        qtbot.mouseClick(link(found, "research"), _LEFT)
    assert asked.args == ["heart-failure-death"]
    assert all(not reminder.score.startswith("heart") for reminder in session.work.reminders)


def test_one_number_for_a_nodule_shows_its_sources_and_widens_without_one(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    with_a_whole_nodule(session)
    session.made.enter("nodule_malignancy_probability", 71.0, "%")
    qtbot.waitUntil(lambda: any(c.score.id == "nodule-fused" for c in panel.cards))
    panel.open_score("nodule-fused")
    qtbot.waitUntil(lambda: card(panel, "nodule-fused").sources is not None)
    sources = card(panel, "nodule-fused").sources
    assert sources is not None
    assert set(sources.boxes) == {"reader", "header"}

    box = sources.boxes["header"]
    assert isinstance(box, QCheckBox)
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)

    qtbot.waitUntil(sources.verdict.isVisible)
    assert "times as wide" in sources.verdict.text()
    assert card(panel, "nodule-fused").result.used("age") is not None  # nothing was kept
    qtbot.keyClick(box, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not sources.verdict.isVisible())


def test_the_range_narrows_with_each_answer_and_the_card_leads_to_the_tool(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    with_a_whole_nodule(session)
    session.made.enter("nodule_diameter_max", None)
    session.made.enter("nodule_volume", None)
    find(qtbot, panel, "brock")
    qtbot.waitUntil(lambda: card(panel, "brock").result.status == "missing")
    assert card(panel, "brock").result.possible is not None
    assert "depending on what is missing" in texts(panel)

    with qtbot.waitSignal(panel.way_asked) as asked:
        qtbot.mouseClick(link(card(panel, "brock"), "Click the nodule"), _LEFT)
    assert asked.args == ["nodule", "nodule_diameter_max"]


def test_an_advice_goes_into_the_report_with_its_days_and_comes_out_by_undo(
    qtbot: QtBot, session: Session, panel: RiskPanel, small_demo: Path
) -> None:
    from medview.session.reminding import follow_ups

    enter = session.made.enter
    enter("nodule_diameter_mean", 7.0, "mm")
    enter("nodule_type", "solid")
    enter("nodule_count", 1.0, "1")
    enter("nodule_high_risk", True)
    enter("screening", False)
    qtbot.waitUntil(lambda: any(c.score.id == "fleischner-2017" for c in panel.cards))
    panel.open_score("fleischner-2017")
    assert card(panel, "fleischner-2017").result.status == "computed"

    qtbot.mouseClick(link(card(panel, "fleischner-2017"), "Remind in report"), _LEFT)

    qtbot.waitUntil(lambda: len(session.work.reminders) == 1)
    said = follow_ups(session.work, session.risks())
    advice = "CT at 6–12 months, then CT at 18–24 months."
    assert said == (f"Fleischner 2017: {advice} Due 2026-07-31 to 2027-01-31.",)
    qtbot.waitUntil(lambda: "In the report: remove" in [
        b.text() for b in panel.findChildren(QPushButton)
    ])  # fmt: skip
    again = Session()  # as after a crash: the journal has it
    again.open([small_demo])
    assert again.work.reminders == session.work.reminders
    again.close()
    enter("nodule_diameter_mean", 9.0, "mm")
    assert "says something else by now" in follow_ups(session.work, session.risks())[0]
    book = session.book
    assert book is not None
    book.undo()
    book.undo()
    assert session.work.reminders == ()


def test_an_impossible_lab_is_asked_about_on_its_card(
    qtbot: QtBot, session: Session, panel: RiskPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Observation(
        patient_id="", concept="creatinine", value=88.0, unit="mg/dL", time="2026-01-30",
        source=Source(kind="lab", where="Panel"),
    )  # fmt: skip
    known = [o for o in session.observations() if o.concept != "creatinine"]
    monkeypatch.setattr(session, "observations", lambda _place=None: (*known, wrong))
    panel.open_score("ckd-epi-2021")

    assert card(panel, "ckd-epi-2021").result.status == "invalid"
    assert "was 88 µmol/L meant?" in texts(panel)
    assert link(panel, "Yes, take 88 µmol/L").isVisible()


def test_behind_another_panel_results_are_counted_and_drawn_when_it_comes_to_front(
    qtbot: QtBot, session: Session, panel: RiskPanel
) -> None:
    before = sum(c.result.status == "computed" for c in panel.cards)
    panel.hide()

    with qtbot.waitSignal(panel.counted):
        session.made.enter("dialysis", True)
    qtbot.waitUntil(lambda: panel.computed < before)

    panel.show()
    qtbot.waitUntil(lambda: "Not valid on dialysis." in texts(panel))


def test_a_panel_that_goes_while_its_cards_are_built_says_nothing(
    qtbot: QtBot, session: Session
) -> None:
    with_a_whole_nodule(session)

    def begin_and_go() -> None:
        made = RiskPanel(session)
        made.resize(340, 1400)
        with qtbot.waitExposed(made):
            made.show()
        made.open_score("brock")
        qtbot.waitUntil(lambda: bool(made.findChildren(ScoreCard)))
        shiboken6.delete(made)

    begin_and_go()
    gc.collect()  # what the work on the cards says when it is given up would fail this test
