"""Where a result comes from, as lines that can be read and copied."""

from __future__ import annotations

from medview.ai.signature import badge
from medview.core.results import ModelRun, Provenance
from medview.core.words import Sentence, say, tr
from medview.session.decided import state_of
from medview.session.work import Work

_SHOWN = 400  # images that are named; a longer list is cut and counted
_STATES = {  # how a run ended, and what the gate said of its images
    "run": say("ran"),
    "failed": say("failed"),
    "cancelled": say("stopped"),
    "refused": say("refused"),
    "accepted": say("accepted"),
    "borderline": say("borderline"),
}


def provenance_lines(run: ModelRun, work: Work) -> list[tuple[str, str]]:
    """(what, value) of a run: model, inputs, device, gate, times, and the reader's words."""
    told = run.provenance or Provenance()
    gate = run.gate
    lines = [
        (tr("Model"), f"{run.model.name} {run.model.version}"),
        (tr("Manifest (SHA-256)"), run.model.manifest_sha256),
        (tr("Signature"), _vouched(run.model.signature)),
        (tr("Run"), run.id),
        (tr("Result"), _state(run.status) + (f": {run.reason}" if run.reason else "")),
        (tr("Series"), f"{run.series_uid} / {run.stack + 1}"),
        (tr("Voxels (SHA-256)"), told.input_sha256 or tr("not kept")),
        (tr("Device"), run.device),
        (tr("Precision"), run.precision),
        (tr("Computed with"), told.backend or tr("not kept")),
        (tr("Program"), told.program or tr("not kept")),
        (tr("Seed"), str(run.seed)),
        (tr("Began"), told.started or tr("not kept")),
        (tr("Ended"), told.finished or tr("not kept")),
        (tr("Seconds"), f"{run.seconds:.2f}"),
        (tr("Input check"), _state(gate.verdict) if gate is not None else tr("not kept")),
    ]
    lines += [_check(check.ok, check.said) for check in (gate.checks if gate is not None else ())]
    lines += [(tr(finding.label), _word(run, work, n)) for n, finding in enumerate(run.findings)]
    images = told.inputs[:_SHOWN]
    lines += [(tr("Image {number}", number=n), uid) for n, uid in enumerate(images, start=1)]
    if len(told.inputs) > len(images):
        lines.append((tr("More images"), str(len(told.inputs) - len(images))))
    return lines


def _vouched(signature: str) -> str:
    mark = badge(signature)
    if mark is not None:
        return str(mark)
    return tr("Model signed by a known key") if signature else tr("not kept")


def _state(word: str) -> str:
    return str(_STATES.get(word, word))


def _check(ok: bool, said: Sentence) -> tuple[str, str]:
    return ("✓" if ok else "✗"), str(said)


def _word(run: ModelRun, work: Work, number: int) -> str:
    finding = run.findings[number]
    word = state_of(work, run, finding)
    tracked = f"{tr('tracking')} {finding.tracking_uid}"
    if word is None:
        return f"{tr('not confirmed')}; {tracked}"
    verbs = {"accepted": tr("accepted"), "rejected": tr("rejected"), "edited": tr("edited")}
    return f"{verbs[word.decision]} {word.at} {word.by}; {tracked}"


def provenance_text(run: ModelRun, work: Work) -> str:
    """The lines as one text, for the clipboard."""
    return "\n".join(f"{what}: {value}" for what, value in provenance_lines(run, work)) + "\n"
