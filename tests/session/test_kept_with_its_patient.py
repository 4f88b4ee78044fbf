"""What is made of one patient stays with them, whoever is looked at by then."""

from __future__ import annotations

from dataclasses import replace

from medview.core.geometry import Geometry
from medview.core.results import ModelRef, ModelRun
from medview.core.study import Patient, Series, Stack, Study
from medview.session import Session
from medview.session.events import Events
from medview.session.links import Links, Registration, Side
from medview.session.made import Made
from medview.session.studies import Place
from medview.session.work import FirstLook

STACK = Stack(frames=(), geometry=Geometry(shape=(2, 4, 4)), verdict="regular")
NOW, LATER, PRIOR = (Series(uid=uid, modality="CT", stacks=(STACK,)) for uid in "123")
MODEL = ModelRef(name="lungs", version="1.0.0", manifest_sha256="ab")


def place_of(*studies: Study, patient: str = "P1") -> Place:
    """The first series of a patient's studies."""
    whole = Patient(id=patient, studies=studies)
    return Place(patient=whole, study=studies[0], series=studies[0].series[0], stack_number=0)


def run_on(series: Series) -> ModelRun:
    return ModelRun(id=f"run-{series.uid}", model=MODEL, series_uid=series.uid, stack=0,
                    status="run")  # fmt: skip


def test_results_wait_for_the_first_look_also_where_their_images_are_not_read_yet() -> None:
    sketch = place_of(Study(uid="study", series=(NOW,)))
    read = place_of(Study(uid="study", series=(NOW, LATER)), Study(uid="before", series=(PRIOR,)))
    made = Made(Events(), lambda: sketch)
    for series in (NOW, LATER, PRIOR):
        made.keep_run(read, run_on(series))
    shown_at_once = [run.id for run in made.runs_of(sketch)]
    made.is_hiding = lambda: True

    before = made.runs_of(sketch)
    made.book_of(sketch).amend(first_looks=(FirstLook(study_uid="study", opinion="nothing"),))

    assert shown_at_once == ["run-1", "run-2", "run-3"]
    assert before == ()
    assert [run.id for run in made.runs_of(read)] == ["run-1", "run-2"]
    assert not made.hides(read)
    assert made.hides(replace(read, study=read.patient.studies[1], series=PRIOR))


def test_a_registration_is_kept_with_the_patient_whose_series_were_registered() -> None:
    theirs, other = (place_of(Study(uid=p, series=(NOW,)), patient=p) for p in ("A", "B"))
    made = Made(Events(), lambda: other)
    links = Links(Events(), lambda: made.book_of(other))  # the reader turned to the other one
    found = Registration(
        fixed=Side(series_uid="1", frame=""),
        moving=Side(series_uid="2", frame=""),
        matrix=((1.0, 0.0, 0.0, 0.0),) * 4,
    )

    links.keep(found, made.book_of(theirs))

    assert made.book_of(theirs).work.registrations == (found,)
    assert made.book_of(other).work.registrations == ()
    assert links.registrations == (found,)


def test_what_is_known_is_of_one_patient_whoever_is_looked_at_by_then(ct_folder) -> None:
    session = Session()
    session.open([ct_folder("one", patient_id="P1"), ct_folder("two", patient_id="P2")])
    one, two = sorted(session.studies.places(), key=lambda place: place.patient.id)
    for place, value in ((one, 61.0), (two, 62.0)):
        session.select(place.key)
        session.made.enter("egfr", value, "mL/min/{1.73_m2}")

    known = session.observations(one)

    assert session.active is not None
    assert session.active.key == two.key
    assert {each.patient_id for each in known} == {"P1"}
    assert [each.value for each in known if each.concept == "egfr"] == [61.0]
    assert known == (session.select(one.key), session.observations())[1]
    session.close()
