"""The reader's word on a finding, with what became of its mask."""

from __future__ import annotations

from collections.abc import Sequence

from medview.core.results import Finding, ModelRun
from medview.session.segments import Segment, corrected_key
from medview.session.work import Decision, Work, moment_of


def corrected_by(work: Work, run: ModelRun, finding: Finding) -> Segment | None:
    """The segment that the reader corrected a finding's mask to; None where there is none."""
    if finding.label_value is None:
        return None
    key = corrected_key(run.id, finding.label_value)
    return next((s for s in reversed(work.segments) if s.origin_key == key), None)


def is_accepted(work: Work, runs: Sequence[ModelRun]) -> bool:
    """Whether the reader stands for all that runs drew; rejected places are not drawn."""
    said = [(f, state_of(work, run, f)) for run in runs for f in run.findings]
    return bool(said) and all(
        word is not None and (word.is_for or finding.kind == "detection") for finding, word in said
    )


def state_of(work: Work, run: ModelRun, finding: Finding) -> Decision | None:
    """The reader's word on a finding; accepting a mask that was corrected is "edited".

    "edited" holds as long as there is a corrected mask, and is of its last stroke.
    """
    said, segment = work.decision_on(finding.id), corrected_by(work, run, finding)
    if said is not None and said.is_for and segment is not None:
        at = max(said.at, segment.changed_at, key=moment_of)
        return Decision(finding_id=finding.id, decision="edited", at=at, by=said.by)
    if said is not None and said.decision == "edited":
        return None
    if said is None and segment is not None and segment.changed_at != segment.made_at:
        return Decision(
            finding_id=finding.id, decision="edited", at=segment.changed_at, by=segment.made_by
        )
    return said
