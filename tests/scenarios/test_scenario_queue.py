"""Models that wait in line: what one of them cannot stops no other."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from medview.ai.folder import open_folder
from medview.ai.look import Look
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken
from medview.core.results import Check, GateVerdict, ModelRun
from medview.core.study import FrameRef, Patient, Series, Stack, Study
from medview.core.words import say
from medview.gui.window import MainWindow
from medview.session.analysis import Task
from medview.session.studies import Place


def test_a_heatmap_whose_drawing_fails_in_an_unknown_way_can_be_asked_for_again(
    window: MainWindow, qtbot: QtBot
) -> None:
    broken = ModelRun(id="1", model=None, series_uid="1.2", stack=0, status="run")  # type: ignore[arg-type]

    window.trust.ask(broken, Look(label="lesion"))
    assert window.trust.is_busy_with(broken)

    qtbot.waitUntil(lambda: not window.trust.is_busy_with(broken), timeout=60_000)
    qtbot.waitUntil(lambda: "Something failed" in window.status.message, timeout=60_000)


def test_a_series_that_cannot_be_read_does_not_keep_the_next_from_its_model(
    window: MainWindow, qtbot: QtBot
) -> None:
    model = open_folder(shipped_models_dir() / "lungs")
    gone = Stack(
        frames=(FrameRef(path="/gone/1.dcm"),), geometry=Geometry(shape=(1, 4, 4)),
        verdict="regular",
    )  # fmt: skip
    series = Series(uid="1.2", modality="CT", stacks=(gone,))
    study = Study(uid="1", series=(series,))
    place = Place(patient=Patient(id="P1"), study=study, series=series, stack_number=0)
    refusal = GateVerdict("refused", (Check("modality", False, say("CT")),))
    tasks = [Task(model=model, place=place, verdict=GateVerdict("accepted", ())),
             Task(model=model, place=place, verdict=refusal)]  # fmt: skip
    made, token = window.session.made, CancelToken()

    window.operations.start(window.reactions.run_all(tasks, token))
    qtbot.waitUntil(lambda: bool(made.all_runs_of(place)), timeout=60_000)
    (run,) = made.all_runs_of(place)
    assert run.status == "refused"
    assert window.session.analyses.running == ()

    qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
    token.cancel()
    window.operations.start(window.reactions.run_all(tasks[1:], token))
    qtbot.waitUntil(lambda: not window.operations.is_busy, timeout=60_000)
    assert made.all_runs_of(place) == (run,)
