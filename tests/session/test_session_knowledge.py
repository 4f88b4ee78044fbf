"""What is known of a patient: one patient's beside another's, and after the reader's word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from medview.core.observation import Observation, Source
from medview.core.results import Code, Finding, ModelRef, ModelRun, Quantity
from medview.core.study import Patient, Series, Study
from medview.session.knowledge import Knowledge, from_runs
from medview.session.segment_values import VOLUMES
from medview.session.segments import Segment, corrected_key
from medview.session.work import Decision, Work

STUDY = Study(uid="1", date="20260131", series=(Series(uid="1.2", modality="CT"),))
CORRECTED = Segment(
    id="s", name="x", colour="#ffffff", series_uid="1.2", stack=0, made_by="R",
    made_at="2026-01-31T10:00:00", changed_at="2026-01-31T10:05:00",
    origin_key=corrected_key("r", 1),
)  # fmt: skip


class Interrupted(tuple[Observation, ...]):
    """Observations during whose reading somebody else asks."""

    other: Callable[[], object]

    def __iter__(self) -> Iterator[Observation]:
        self.other()
        return super().__iter__()


def test_asking_for_two_patients_at_once_mixes_nothing() -> None:
    knowledge = Knowledge()
    ann, bob = Patient(id="A"), Patient(id="B")
    source = Source(kind="reader", where="")
    weight = Observation(
        patient_id="", concept="weight", value=80.0, unit="kg", time="20260131", source=source
    )
    painted = Interrupted([weight])
    painted.other = lambda: knowledge.gather(bob, STUDY, (), (), Work())

    found = knowledge.gather(ann, STUDY, (), (), Work(), painted)

    assert [o.value for o in found if o.concept == "weight"] == [80.0]
    assert {o.patient_id for o in found} == {"A"}
    assert not [o for o in knowledge.gather(bob, STUDY, (), (), Work()) if o.concept == "weight"]
    again = knowledge.gather(ann, STUDY, (), (), Work(), painted)
    assert {o.patient_id for o in again} == {"A"}


@pytest.mark.parametrize(("word", "count"), [("accepted", 1), ("edited", 0), ("rejected", 0)])
def test_a_models_volume_holds_until_the_reader_says_otherwise(word: str, count: int) -> None:
    code = Code("SCT", next(iter(VOLUMES)), "an organ")
    finding = Finding(id="f", kind="segmentation", label="x", code=code, volume_mm3=30_000.0,
                      label_value=1)  # fmt: skip
    run = ModelRun(
        id="r", model=ModelRef(name="organs", version="1.0.0", manifest_sha256=""),
        series_uid="1.2", stack=0, status="run", findings=(finding,),
    )  # fmt: skip
    work = Work(decisions=(Decision(finding_id="f", decision=word, at="2026-01-31", by="R"),))
    if word == "edited":
        work = replace(work, segments=(CORRECTED,))

    assert len(from_runs([run], work, "A", STUDY)) == count
    assert len(from_runs([run], Work(), "A", STUDY)) == 1


def test_a_share_of_several_masks_falls_silent_where_one_of_them_was_corrected() -> None:
    lung = Finding(id="f", kind="segmentation", label="x", label_value=1)
    share = Quantity(concept="emphysema_share", value=0.1, unit="1")
    both = Finding(id="g", kind="measurement", label="y", measurements=(share,))
    run = ModelRun(
        id="r", model=ModelRef(name="organs", version="1.0.0", manifest_sha256=""),
        series_uid="1.2", stack=0, status="run", findings=(lung, both),
    )  # fmt: skip
    yes = Work(decisions=(Decision(finding_id="f", decision="edited", at="2026-01-31", by="R"),))
    assert [each.concept for each in from_runs([run], yes, "A", STUDY)] == ["emphysema_share"]
    assert from_runs([run], replace(yes, segments=(CORRECTED,)), "A", STUDY) == []
