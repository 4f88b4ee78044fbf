"""A reader answers for what the gate refused: only where the model declares it, and on record."""

from __future__ import annotations

import datetime as dt

from medview.core.errors import InvalidInput
from medview.core.results import ModelRun
from medview.core.words import say
from medview.session.analysis import Task
from medview.session.corrections import account
from medview.session.studies import Studies


def overriding_task(studies: Studies, run: ModelRun, reader: str) -> Task:
    """The task of a refused run, with the reader's word in its verdict.

    Raises InvalidInput where the model does not allow it, or has changed or gone since.
    """
    from medview.ai.catalogue import read_catalogue

    place = next((p for p in studies.places() if p.key == (run.series_uid, run.stack)), None)
    if run.gate is None or not run.gate.can_override or place is None:
        raise InvalidInput(say("The model does not let a reader answer for this."), run.model.name)
    model = read_catalogue().get(run.model.name)
    if model.manifest_sha256 != run.model.manifest_sha256:
        raise InvalidInput(say("The model is another one than that of the results."), model.name)
    now = dt.datetime.now().astimezone().isoformat(timespec="seconds")
    verdict = run.gate.overridden(reader or account(), now)
    return Task(model=model, place=place, verdict=verdict)
