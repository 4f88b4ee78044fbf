"""A model's result in a radiologist's hands: offered, run, judged, corrected, and sent on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from models_by_hand import body_model
from node_that_keeps import Archive
from pydicom.uid import Comprehensive3DSRStorage, ParametricMapStorage, SegmentationStorage
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from medview.ai.folder import open_folder, write_manifest
from medview.ai.worker import selftest
from medview.core.results import Heatmap, ModelRun
from medview.core.study import Stack
from medview.gui.dialogs.models import ModelsDialog
from medview.gui.dialogs.provenance import ProvenanceDialog
from medview.gui.dialogs.send import SendDialog
from medview.gui.panels.why_box import WhyBox
from medview.gui.window import MainWindow

Quiet = Callable[..., None]
Choose = Callable[[QWidget, Path], None]
LEFT = Qt.MouseButton.LeftButton
RUN_LUNGS = "Run Lungs on a coarse grid"


def button(widget: QWidget, name: str) -> QPushButton | None:
    """The visible button of this accessible name."""
    found = (b for b in widget.findChildren(QPushButton) if b.accessibleName() == name)
    return next((b for b in found if b.isVisibleTo(widget)), None)


def click(qtbot: QtBot, widget: QWidget, name: str) -> None:
    """Wait for a button and click it."""
    qtbot.waitUntil(lambda: button(widget, name) is not None, timeout=60_000)
    made = button(widget, name)
    assert made is not None
    qtbot.mouseClick(made, Qt.MouseButton.LeftButton)


def words(widget: QWidget) -> str:
    return "\n".join(w.text() for w in widget.findChildren(QLabel) if w.isVisibleTo(widget))


@pytest.fixture
def added(tmp_path: Path) -> None:
    """A model on a stick, added: the shipped one for lungs on a coarser grid, which is quick."""
    from medview.ai.catalogue import install, staged
    from medview.ai.folder import write_manifest
    from medview.core.paths import shipped_models_dir

    stick = tmp_path / "stick" / "coarse-lungs"
    shutil.copytree(shipped_models_dir() / "lungs", stick)
    (stick / "MANIFEST.sig").unlink()
    shutil.rmtree(stick / "selftest")
    told = json.loads((stick / "model.json").read_text(encoding="utf-8"))
    told["pipeline"][0]["grid_mm"] = 5.0
    told |= {"name": "coarse-lungs", "title": "Lungs on a coarse grid"}
    (stick / "model.json").write_text(json.dumps(told), encoding="utf-8")
    write_manifest(stick)
    with staged(stick) as model:
        install(model)


def analysed(window: MainWindow, qtbot: QtBot, quiet: Quiet) -> None:
    """The lungs were offered and run by a click."""
    click(qtbot, window.sidebar.findings, RUN_LUNGS)
    qtbot.waitUntil(lambda: bool(window.session.made.findings), timeout=240_000)
    quiet(window, timeout=240_000)


def stroke(window: MainWindow, qtbot: QtBot) -> None:
    """Paint across the middle of the axial view."""
    view = window.grid.views["axial"]
    middle = view.rect().center()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=middle)
    for step in range(1, 5):
        qtbot.mouseMove(view, middle + QPoint(6 * step, 3 * step))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=middle + QPoint(24, 12))


def choose_in_menu(window: MainWindow, key: Qt.Key, name: str, qtbot: QtBot) -> None:
    """Open a menu by its letter and click an action in it."""
    window.activateWindow()  # a dialog that closed may have had the keys
    qtbot.waitUntil(window.isActiveWindow, timeout=60_000)
    qtbot.keyClick(window, key, Qt.KeyboardModifier.AltModifier)
    wanted = window.actions_[name]

    def menus() -> list[QMenu]:
        return [m for m in window.findChildren(QMenu) if m.isVisible() and wanted in m.actions()]

    qtbot.waitUntil(lambda: bool(menus()), timeout=60_000)
    menu = menus()[0]
    qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(wanted).center())


def add_from_stick(window: MainWindow, stick: Path, qtbot: QtBot, choose: Choose) -> None:
    """In the model manager, which the menu opens: what it is for, its licence, its self-test."""
    choose_in_menu(window, Qt.Key.Key_A, "models.manage", qtbot)
    qtbot.waitUntil(lambda: bool(window.findChildren(ModelsDialog)), timeout=60_000)
    dialog = window.findChildren(ModelsDialog)[-1]
    qtbot.waitUntil(lambda: not dialog.is_busy, timeout=60_000)
    click(qtbot, dialog, "Add a folder…")
    choose(dialog, stick)
    qtbot.waitUntil(dialog.agreed.isVisible, timeout=240_000)
    assert dialog.said.text().startswith("Not added yet: self-test passed")
    for fact in ("MIT", "made for: the outline of the body", "not for: children"):
        assert fact in dialog.about.text()
    assert "Made by hand." in dialog.card.toPlainText()
    qtbot.mouseClick(dialog.agreed, LEFT, pos=QPoint(8, 8))
    click(qtbot, dialog, "Add it")
    qtbot.waitUntil(lambda: dialog.head.text() == "Body by hand" and not dialog.is_busy,
                    timeout=60_000)  # fmt: skip
    click(qtbot, dialog, "Close")


def read_how_sure_and_why(window: MainWindow, qtbot: QtBot) -> None:
    """What is certain of the volume; how open the outline is; which places the answer is from."""
    panel = window.sidebar.findings
    assert "mL at 90 % certainty" in words(panel)
    click(qtbot, panel, "Why")
    for key, said in ((Qt.Key.Key_End, "Edge unsure:"), (Qt.Key.Key_Home, "On this very image")):
        qtbot.waitUntil(lambda: bool(panel.findChildren(WhyBox)), timeout=60_000)
        qtbot.waitUntil(lambda: button(panel, "Draw") is not None, timeout=60_000)
        (methods,) = [
            box for box in panel.findChildren(WhyBox)[-1].findChildren(QComboBox)
            if box.accessibleName() == "Method of the heatmap"
        ]  # fmt: skip
        qtbot.keyClick(methods, key)
        click(qtbot, panel, "Draw")
        qtbot.waitUntil(lambda said=said: said in words(panel), timeout=240_000)
    on_image = [o for o in window.grid.active_view.stage.overlays if isinstance(o, Heatmap)]
    assert [heatmap.method for heatmap in on_image] == ["grad_cam"]


def read_where_from(window: MainWindow, qtbot: QtBot) -> None:
    """How it was made, in one text that is copied."""
    run = window.session.made.findings[0].run
    click(qtbot, window.sidebar.findings, "How it was made")
    dialog = window.findChild(ProvenanceDialog)
    click(qtbot, dialog, "Copy")
    copied = QGuiApplication.clipboard().text()
    told = run.provenance
    assert told is not None
    for fact in (run.model.manifest_sha256, told.input_sha256, told.started, told.inputs[-1]):
        assert fact
        assert fact in copied
    dialog.close()


def correct_body(window: MainWindow, qtbot: QtBot, quiet: Quiet) -> None:
    """Its mask becomes a segment, painted by mouse; undo takes it back, redo brings it."""
    panel, session = window.sidebar.findings, window.session
    click(qtbot, panel, "Correct Body")
    qtbot.waitUntil(lambda: len(session.work.segments) == 1, timeout=60_000)
    quiet(window, timeout=60_000)
    begun = session.work.segments[0].patches
    stroke(window, qtbot)
    qtbot.waitUntil(lambda: session.work.segments[0].patches != begun, timeout=60_000)
    click(qtbot, panel, "Correct Body")  # once more is the same segment
    quiet(window, timeout=60_000)
    (changed,) = session.work.segments
    assert [d.decision for d in session.work.decisions] == ["accepted", "edited"]
    window.reactions.undo()
    window.reactions.undo()
    assert (session.work.segments, len(session.work.decisions)) == ((), 1)
    window.reactions.redo()
    window.reactions.redo()
    assert session.work.segments == (changed,)


def send_on(window: MainWindow, archive: Archive, out: Path, qtbot: QtBot) -> None:
    """To the node that the settings name, by the dialog that the menu opens."""
    out.mkdir()
    archive.keep_in = out
    window.preferences.remember(nodes={"Archive": archive.place})
    choose_in_menu(window, Qt.Key.Key_F, "file.send", qtbot)
    qtbot.waitUntil(lambda: window.findChild(SendDialog) is not None, timeout=60_000)
    dialog = window.findChild(SendDialog)
    click(qtbot, dialog, "Send")
    qtbot.waitUntil(lambda: "Archive took" in dialog.answer.text(), timeout=240_000)
    assert dialog.answer.text() == f"Archive took {len(archive.got)} of {len(archive.got)} objects."
    click(qtbot, dialog, "Close")


def check_sent(out: Path, run: ModelRun, stack: Stack, patient_id: str) -> None:
    """The model's mask and report, the reader's after them, two heatmaps; of this patient's images.

    Read from the very bytes that the node got.
    """
    files = [pydicom.dcmread(path) for path in sorted(out.iterdir())]
    assert {file.PatientID for file in files} == {patient_id}
    kinds = (SegmentationStorage, Comprehensive3DSRStorage, ParametricMapStorage)
    of = {uid: [f for f in files if f.SOPClassUID == uid] for uid in kinds}
    assert [len(each) for each in of.values()] == [2, 2, 2]
    mine = {frame.sop_instance_uid for frame in stack.frames}
    for file in (*of[SegmentationStorage], *of[ParametricMapStorage]):
        (series,) = file.ReferencedSeriesSequence
        named = {item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence}
        assert named
        assert (series.SeriesInstanceUID, named - mine) == (run.series_uid, set())

    how = {f.SegmentSequence[0].SegmentAlgorithmType: f for f in of[SegmentationStorage]}
    own, mended = how["AUTOMATIC"], how["SEMIAUTOMATIC"]
    assert mended.SourceImageSequence[0].ReferencedSOPInstanceUID == own.SOPInstanceUID
    assert mended.SegmentSequence[0].TrackingUID in {s.TrackingUID for s in own.SegmentSequence}
    assert run.label_map is not None
    assert own.pixel_array.sum() == np.count_nonzero(run.label_map.voxels)

    said, word = sorted(of[Comprehensive3DSRStorage], key=lambda f: f.VerificationFlag)
    assert (said.VerificationFlag, word.VerificationFlag) == ("UNVERIFIED", "VERIFIED")
    before = word.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert before.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == said.SOPInstanceUID
    (study,) = said.CurrentRequestedProcedureEvidenceSequence
    told = {item.ReferencedSOPInstanceUID for series in study.ReferencedSeriesSequence
            for item in series.ReferencedSOPSequence}  # fmt: skip
    assert own.SOPInstanceUID in told
    assert told & mine


@dataclass(frozen=True)
class Places:
    """What lies where, and the way to another computer."""

    images: Path
    stick: Path
    out: Path
    leave: Callable[[MainWindow], None]


@pytest.fixture
def places(small_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A model of a colleague with its self-test, not signed, as on a stick."""
    stick = body_model(tmp_path / "stick" / "body")
    selftest.make_case(open_folder(stick))
    write_manifest(stick)

    def leave(window: MainWindow) -> None:
        window.close_patient()
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
        window.session.made._books.clear()
        window.session.made._runs.clear()

    # The smaller of the two examinations: everything that is done here is done on all its voxels.
    images = small_demo / "images" / "MV-0001" / "2024-ct"
    return Places(images, stick, tmp_path / "out", leave)


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_model_from_a_stick_is_added_run_judged_corrected_and_sent_on(
    window: MainWindow, places: Places, archive: Archive, qtbot: QtBot, quiet: Quiet,
    choose: Choose,
) -> None:  # fmt: skip
    session, panel = window.session, window.sidebar.findings
    window.open_paths([places.images])
    quiet(window)
    add_from_stick(window, places.stick, qtbot, choose)
    click(qtbot, panel, "Run Body by hand")  # the study was open before: it is offered now
    qtbot.waitUntil(lambda: bool(session.made.findings), timeout=240_000)
    quiet(window, timeout=240_000)
    assert button(panel, "Run Body by hand") is None  # it has run
    read_how_sure_and_why(window, qtbot)
    read_where_from(window, qtbot)
    click(qtbot, panel, "Accept Air")
    qtbot.waitUntil(lambda: len(session.work.decisions) == 1)
    correct_body(window, qtbot, quiet)
    send_on(window, archive, places.out, qtbot)
    before, found = session.work, {f.finding.label: f.finding for f in session.made.findings}
    run, place, patient = session.made.findings[0].run, session.active, session.patient
    assert place is not None
    assert patient is not None
    check_sent(places.out, run, place.stack, patient.id)
    maps = {h.method: h.values.max() for h in run.heatmaps}

    quiet(window, timeout=60_000)
    places.leave(window)
    window.open_paths([places.images, places.out])  # what the node has, on another computer
    qtbot.waitUntil(lambda: bool(session.made.findings), timeout=120_000)
    quiet(window, timeout=60_000)

    back = {f.finding.label: f for f in session.made.findings}
    assert {label: f.finding for label, f in back.items()} == found
    (segment,), (changed,) = session.work.segments, before.segments
    # A correction is of its last stroke.
    told = {replace(d, at=changed.changed_at) if d.decision == "edited" else d
            for d in before.decisions}  # fmt: skip
    assert set(session.work.decisions) == told
    assert (segment.id, segment.origin_key) == (changed.id, changed.origin_key)
    run = back["Body"].run
    assert run.label_map is not None
    assert run.label_map.voxels.any()
    returned = {h.method: h.values.max() for h in run.heatmaps}
    assert returned == pytest.approx(maps, abs=1e-3)


@pytest.mark.usefixtures("added")
def test_results_wait_for_a_first_look_that_is_one_click_and_stays(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    analysed(opened, qtbot, quiet)
    panel, session = opened.sidebar.findings, opened.session
    study = session.study
    assert study is not None

    opened.actions_.perform("models.look_first")
    qtbot.waitUntil(lambda: button(panel, "Nothing remarkable") is not None)
    assert session.made.findings == ()
    assert "right lung" not in words(panel)
    assert "right lung" not in [o.source.where for o in session.observations()]

    click(qtbot, panel, "Something is there")
    qtbot.waitUntil(lambda: "right lung" in words(panel), timeout=60_000)
    (look,) = session.work.first_looks
    assert (look.study_uid, look.opinion) == (study.uid, "something")
    assert look.at[:4].isdigit()
    session.made.decide(session.made.findings[0].finding.id, "accepted")
    opened.reactions.undo()
    opened.reactions.undo()
    assert session.work.first_looks == (look,)  # what was seen cannot be unseen
    opened.actions_.perform("models.look_first")
    assert not session.settings.look_first


@pytest.mark.usefixtures("added")
def test_a_rule_runs_a_model_when_a_study_opens(
    window: MainWindow, small_demo: Path, qtbot: QtBot, quiet: Quiet
) -> None:
    from medview.gui.dialogs.run_rules import RunRulesDialog

    window.actions_.perform("models.rules")
    dialog = window.findChild(RunRulesDialog)
    qtbot.waitUntil(lambda: "coarse-lungs" in dialog.rows, timeout=60_000)
    box, modality, _ = dialog.rows["coarse-lungs"]
    assert isinstance(box, QCheckBox)
    box.click()
    qtbot.keyClicks(modality, "ct")
    modality.editingFinished.emit()
    dialog.close()
    assert window.session.settings.run_rules == {"coarse-lungs": "CT|"}

    window.open_paths([small_demo])
    qtbot.waitUntil(lambda: bool(window.session.made.findings), timeout=240_000)
    quiet(window, timeout=240_000)

    assert {f.run.model.name for f in window.session.made.findings} == {"coarse-lungs"}


@pytest.mark.usefixtures("added")
def test_what_became_of_findings_is_counted_and_masks_are_kept_with_consent(
    opened: MainWindow, qtbot: QtBot, quiet: Quiet
) -> None:
    from medview.core.study import Patient
    from medview.gui.dialogs.local_truth import LocalTruthDialog
    from medview.session.forgetting import forgettable
    from medview.session.truth_cases import truth_folder
    from medview.training.parts import cases_of

    analysed(opened, qtbot, quiet)
    opened.actions_.perform("models.truth")
    dialog = opened.findChild(LocalTruthDialog)
    dialog.consent.click()
    dialog.close()
    assert opened.session.settings.keep_local_truth
    click(qtbot, opened.sidebar.findings, "Accept right lung")
    click(qtbot, opened.sidebar.findings, "Reject left lung")

    folder = truth_folder("coarse-lungs")
    qtbot.waitUntil(lambda: any(folder.glob("*/*/seg.dcm")), timeout=60_000)
    quiet(opened)
    opened.actions_.perform("models.truth")
    dialog = opened.findChildren(LocalTruthDialog)[-1]
    qtbot.waitUntil(lambda: "1 accepted, 0 corrected, 1 rejected" in words(dialog), timeout=60_000)
    assert "nothing to calibrate" in words(dialog)  # rules have no probabilities
    dialog.close()

    run = opened.session.made.findings[0].run
    assert run.label_map is not None
    outputs = [{"label": label.value, "name": label.name} for label in run.label_map.labels]
    (case,) = cases_of(folder, "all", outputs)
    right = next(x.value for x in run.label_map.labels if x.name == "right lung")
    assert case.truth is not None
    assert (case.truth == right).sum() == (run.label_map.voxels == right).sum()
    assert case.labels == {right}
    patient = opened.session.patient
    assert isinstance(patient, Patient)
    (item,) = forgettable(opened.session.library.library, patient)
    assert any(folder in path.parents for path in item.work_folders)
