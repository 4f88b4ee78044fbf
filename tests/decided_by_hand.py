"""Findings that a reader has decided, as the program keeps them."""

from __future__ import annotations

from pathlib import Path

from medview.ai.folder import open_folder
from medview.core.paths import shipped_models_dir
from medview.core.results import Finding, ModelRun
from medview.core.study import Patient
from medview.core.words import say
from medview.session.journal import Journal, patient_folder, work_key
from medview.session.runs import save_run
from medview.session.work import Decision, WorkBook

CHILD = open_folder(shipped_models_dir() / "pneumonia-child")


def decide(number: int, score: float, decision: str, at: str) -> Path:
    """A patient with one run of the film model and the reader's word on it."""
    patient = Patient(id=f"P{number}", name="N", birth_date="2020", sex="F", studies=())
    folder = patient_folder(work_key(patient, "1.2"))
    name = CHILD.outputs[0].name
    found = Finding(id=f"f{number}", kind="classification", label=name, probability=score)
    run = ModelRun(
        id=f"r{number}", model=CHILD.ref, series_uid="1.2", stack=0, status="run", findings=(found,)
    )
    save_run(run, folder)
    book = WorkBook(Journal(folder), lambda: None, lambda _error: None)
    word = Decision(finding_id=found.id, decision=decision, at=at, by="Dr A")
    book.change(say("Accept finding"), decisions=(word,))
    return folder


def decide_enough() -> None:
    """32 patients, as many as a calibration needs, who are called ill too often."""
    for number in range(16):
        at = f"2026-11-{number + 1:02d}T10:00:00+00:00"
        decide(number, 0.6 + 0.02 * number, "accepted" if number % 4 else "rejected", at)
        decide(100 + number, 0.05 + 0.02 * number, "accepted", at)
