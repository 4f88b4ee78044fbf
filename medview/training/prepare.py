"""A training's images through the very steps that run later, and what is said where they fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medview.ai.worker.pipeline import run_steps
from medview.ai.worker.steps import State
from medview.core.errors import Cancelled, InvalidInput, MedViewError
from medview.core.volume import Volume
from medview.core.words import say
from medview.training.plan_checks import FAULTS


def prepared(volume: Volume, case: str, steps: Sequence[Mapping[str, Any]]) -> State:
    """A case's image after the input steps of a pipeline.

    Raises InvalidInput, which names the case, for an image that a step refuses and for a step whose
    numbers fit no image.
    """
    state = State(volume)
    for step in steps:
        try:
            run_steps(state, (step,))
        except Cancelled:
            raise
        except MedViewError as error:
            raise InvalidInput(
                say("A training case cannot be prepared: {why}", why=error.what), case
            ) from error
        except FAULTS as error:
            raise InvalidInput(
                say("The step {op} of the training file cannot prepare a case.", op=step["op"]),
                case,
                say("Look at the numbers of this step."),
                detail=type(error).__name__,
            ) from error
    return state
