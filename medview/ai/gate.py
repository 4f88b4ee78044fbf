"""The gate before a model: what it was made for, asked of this very stack, answered in words.

A rule of model.json names a check, what happens when it fails (`fail`: refuse or warn) and when
the header says nothing (`missing`: refuse, warn or accept). Four checks hold for every model,
whether it names them or not: no animals, no localizers, no colour pictures, no uneven slices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.ai.folder import ModelFolder
from medview.ai.gate_checks import CHECKS
from medview.ai.gate_facts import Facts
from medview.core.results import Check, GateVerdict
from medview.core.study import Patient, Series, Stack, Study

# Models see a plain array: uneven slices would be measured as if they were even.
_EVEN = ("regular", "tilted", "single", "projection", "not-spatial")
_ALWAYS: tuple[Mapping[str, Any], ...] = (
    {"check": "species"}, {"check": "localizer"}, {"check": "colour"},
    {"check": "geometry", "in": _EVEN},
)  # fmt: skip


def judge(
    model: ModelFolder,
    patient: Patient,
    study: Study,
    series: Series,
    stack: Stack,
    diameter_mm: float | None = None,
) -> GateVerdict:
    """Ask every rule of a model about a stack, or about one lesion of this diameter on it.

    accepted: all held. borderline: a rule that only warns did not hold, or a value is not known.
    refused: some rule that refuses did not hold; the checks that refuse then stand first.
    """
    facts = Facts(patient, study, series, stack, diameter_mm)
    named = {gate["check"] for gate in model.gates}
    # An animal or a scout is said first: a reason of detail would mislead there.
    rules = [*(rule for rule in _ALWAYS if rule["check"] not in named), *model.gates]
    graded = [_grade(rule, facts) for rule in rules]
    graded.sort(key=lambda pair: pair[0] != "refuse")
    worst = {grade for grade, _ in graded}
    verdict = "refused" if "refuse" in worst else "borderline" if "warn" in worst else "accepted"
    return GateVerdict(verdict, tuple(check for _, check in graded))


def _grade(rule: Mapping[str, Any], facts: Facts) -> tuple[str, Check]:
    answer, said = CHECKS[rule["check"]](rule, facts)
    if answer is None:
        grade = rule.get("missing", "warn")
    else:
        grade = "accept" if answer else rule.get("fail", "refuse")
    return grade, Check(rule["check"], grade == "accept", said)


def applies(model: ModelFolder, series: Series) -> bool:
    """Whether a model is for this kind of series at all, by modality and body part.

    A body part that is not stated fits when the model's rule tolerates that; `judge` then says so.
    A model that looks at one lesion is for no series as a whole.
    """
    if not series.stacks or needs_lesion(model):
        return False
    facts = Facts(Patient(id=""), Study(uid=""), series, series.stacks[0])
    rules = [rule for rule in model.gates if rule["check"] in ("modality", "body_part")]
    for rule in rules:
        answer, _ = CHECKS[rule["check"]](rule, facts)
        if answer is False or (answer is None and rule.get("missing", "warn") == "refuse"):
            return False
    return True


def needs_lesion(model: ModelFolder) -> bool:
    """Whether a model looks at one lesion that somebody has to point at first."""
    return any(rule["check"] == "diameter_mm" for rule in model.gates)
