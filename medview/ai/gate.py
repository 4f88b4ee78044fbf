"""The gate before a model: what it was made for, asked of this very stack, answered in words.

A rule of model.json names a check, what happens when it fails (`fail`: refuse or warn), when
the header says nothing (`missing`: refuse, warn or accept), and whether a reader may answer for a
refusal (`override`: never, missing where the header says nothing, or always). Four checks hold for
every model, whether it names them or not: no animals, no localizers, no colour pictures, no uneven
slices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medview.ai.folder import ModelFolder
from medview.ai.gate_checks import CHECKS
from medview.ai.gate_facts import Facts
from medview.core.results import Check, GateVerdict
from medview.core.study import Patient, Series, Stack, Study

# Models see a plain array: uneven slices would be measured as if they were even.
_EVEN = ("regular", "tilted", "single", "projection", "not-spatial")
# What a reader has to hear first: it is something else, then somebody else, then how it was taken.
_GRAVITY = (
    "species", "modality", "localizer", "colour", "sop_class", "body_part", "age_years", "view",
    "derived", "words", "contrast", "geometry", "tilt_deg", "orientation", "diameter_mm",
    "slice_count", "coverage_mm", "extent_mm", "slice_spacing_mm", "pixel_spacing_mm", "burned_in",
    "inverted",
)  # fmt: skip
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
    refused: some rule that refuses did not hold; the checks that refuse then stand first, the
    gravest before the others.
    """
    facts = Facts(patient, study, series, stack, diameter_mm)
    named = {gate["check"] for gate in model.gates}
    # An animal or a scout is said first: a reason of detail would mislead there.
    rules = [*(rule for rule in _ALWAYS if rule["check"] not in named), *model.gates]
    checks = sorted((_ask(rule, facts) for rule in rules), key=_place)
    return GateVerdict(_worst(checks), tuple(checks))


def joined(before: GateVerdict | None, checks: Sequence[Check]) -> GateVerdict | None:
    """A verdict with what was seen in the pixels: what failed there stands first."""
    if not checks:
        return before
    before = before or GateVerdict("accepted", ())
    override = before.override
    of_header = [check for check in before.checks if override is None or not check.refuses]
    worst = _worst([*checks, *of_header])
    verdict = "borderline" if worst == "accepted" and before.verdict != "accepted" else worst
    failed, held = ([c for c in checks if c.ok is ok] for ok in (False, True))
    return GateVerdict(verdict, (*failed, *before.checks, *held), override)


def _worst(checks: Iterable[Check]) -> str:
    failed = [check for check in checks if not check.ok]
    if any(check.refuses for check in failed):
        return "refused"
    return "borderline" if failed else "accepted"


def _place(check: Check) -> tuple[int, int]:
    grade = 2 if check.ok else 1 if check.grade == "warn" else 0
    return grade, _GRAVITY.index(check.name) if check.name in _GRAVITY else len(_GRAVITY)


def _ask(rule: Mapping[str, Any], facts: Facts) -> Check:
    answer, said = CHECKS[rule["check"]](rule, facts)
    if answer is None:
        grade = rule.get("missing", "warn")
    else:
        grade = "accept" if answer else rule.get("fail", "refuse")
    name = str(rule["check"])
    if grade != "refuse":
        return Check(name, grade == "accept", said, "warn" if grade == "warn" else "")
    wanted = rule.get("override", "never")
    can_override = wanted == "always" or (wanted == "missing" and answer is None)
    return Check(name, ok=False, said=said, grade="refuse", can_override=can_override)


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
