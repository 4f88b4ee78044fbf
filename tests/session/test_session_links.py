"""Places of two series answer to each other by frame of reference or by registration."""

from __future__ import annotations

import numpy as np
import pytest

from medview.core.geometry import PatientPoint
from medview.core.words import say
from medview.session import Session
from medview.session.links import Registration, Side, as_matrix, link_between, said_of
from medview.session.offsets import Offsets


def map_of(shift: tuple[float, float, float], turn_deg: float = 0.0) -> np.ndarray:
    matrix = np.eye(4)
    angle = np.radians(turn_deg)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = shift
    return matrix


NOW, PRIOR = Side(series_uid="now", frame="F1"), Side(series_uid="prior", frame="F2")
FOUND = Registration(
    fixed=NOW,
    moving=PRIOR,
    matrix=as_matrix(map_of((10.0, 0.0, -5.0), 90.0)),
    residual_mm=1.2,
    landmarks=80,
    overlap=0.8,
    at="2026-11-21T20:00:00+00:00",
)


def test_a_place_goes_there_and_comes_back() -> None:
    point = PatientPoint(3.0, 4.0, 5.0)
    there = FOUND.to_moving(point)
    assert there == pytest.approx((-4.0 + 10.0, 3.0, 0.0))
    assert FOUND.to_fixed(there) == pytest.approx(point)
    assert FOUND.turned().to_moving(there) == pytest.approx(point)


def test_one_frame_of_reference_needs_no_registration() -> None:
    other = Side(series_uid="next", frame="F1")
    link = link_between(NOW, other, ())
    assert link is not None
    assert link.to_moving(PatientPoint(1.0, 2.0, 3.0)) == (1.0, 2.0, 3.0)


def test_without_frames_of_reference_nothing_is_linked() -> None:
    assert link_between(Side(series_uid="a"), Side(series_uid="b"), ()) is None


def test_a_registration_speaks_for_all_series_of_its_frames_in_both_directions() -> None:
    t2_now, t2_then = Side(series_uid="t2", frame="F1"), Side(series_uid="t2-old", frame="F2")
    link = link_between(t2_then, t2_now, [FOUND])
    assert link is not None
    point = PatientPoint(3.0, 4.0, 5.0)
    assert link.to_moving(FOUND.to_moving(point)) == pytest.approx(point)


def test_one_that_is_not_good_leads_nothing_and_says_why() -> None:
    from dataclasses import replace

    bad = replace(FOUND, is_good=False, overlap=0.1)
    assert link_between(NOW, PRIOR, [bad]) is None
    assert "10 %" in said_of(bad).english()
    lost = replace(FOUND, is_good=False, residual_mm=None)
    assert said_of(lost).english().startswith("Not registered")


def test_the_residual_is_told_in_millimetres() -> None:
    assert "1.2 mm" in said_of(FOUND).english()


def test_two_patients_are_never_linked_whatever_their_files_say() -> None:
    from medview.core.geometry import Geometry
    from medview.core.study import Patient, Series, Stack, Study
    from medview.session.events import Events
    from medview.session.links import Links
    from medview.session.places import Place

    def place(patient: str) -> Place:
        stack = Stack(
            frames=(), geometry=Geometry(shape=(4, 8, 8)), verdict="regular",
            frame_of_reference_uid="F1",
        )  # fmt: skip
        series = Series(uid=f"series {patient}", modality="CT", stacks=(stack,))
        study = Study(uid=f"study {patient}", series=(series,))
        return Place(patient=Patient(id=patient), study=study, series=series, stack_number=0)

    links = Links(Events())
    assert links.between(place("a"), place("b")) is None
    assert links.between(place("a"), place("a")) is not None


def test_links_and_registrations_are_there_in_the_next_session(ct_folder) -> None:
    folder = ct_folder()
    first = Session()
    first.open([folder])
    assert first.active is not None
    assert first.book is not None
    linked = Offsets().linked((0.0, 0.0, 1.0), {first.active.key: 3.5, ("1.2", 1): -2.25})
    first.book.change(say("Link by hand"), linked=linked.stacks)
    found = Registration(
        fixed=Side(series_uid=first.active.series.uid, frame="1.1"),
        moving=Side(series_uid="1.2", frame="1.3"),
        matrix=((1.0, 0.0, 0.0, 4.5), (0.0, 1.0, 0.0, -2.0), (0.0, 0.0, 1.0, 0.25),
                (0.0, 0.0, 0.0, 1.0)),
        landmarks=12, overlap=0.8, at="2026-01-31T10:00:00",
    )  # fmt: skip
    first.links.keep(found, first.book)
    first.book.undo()
    first.book.redo()
    first.close()

    second = Session()
    second.open([folder])

    assert second.links.registrations == (found,)
    assert Offsets.of(second.work.linked) == linked
    second.close_patient()
    assert second.links.registrations == ()
    second.close()
