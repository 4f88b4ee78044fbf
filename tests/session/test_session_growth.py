"""One lesion at two dates: joined by the reader or offered, told in the work and the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medview.core.codec import from_plain, to_plain
from medview.core.errors import InvalidInput
from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Measurement, Quantity
from medview.core.study import Patient, Series, Stack, Study
from medview.session.growth import (
    dates_of,
    joined,
    offers,
    pair_of,
    partners,
    with_growth,
    with_pair,
)
from medview.session.links import Registration, Side, as_matrix
from medview.session.work import LesionPair, Work


def series(uid: str, frame: str) -> Series:
    stack = Stack(
        frames=(), geometry=Geometry(shape=(10, 64, 64)), verdict="regular",
        frame_of_reference_uid=frame,
    )  # fmt: skip
    return Series(uid=uid, modality="CT", stacks=(stack,))


def ruler(name: str, of: str, x: float, mm: float, kind: str = "length") -> Measurement:
    return Measurement(
        id=name, kind=kind, series_uid=of, stack=0, normal=(0, 0, 1),
        points=(PatientPoint(x, 0, 0), PatientPoint(x + mm, 0, 0)),
        quantities=(Quantity(concept="Length", value=mm, unit="mm"),),
    )  # fmt: skip


PATIENT = Patient(
    id="P",
    studies=(
        Study(uid="2", date="2024-04-10", series=(series("now", "F1"),)),
        Study(uid="1", date="2024-01-01", series=(series("then", "F2"),)),
        Study(uid="0", date="", series=(series("undated", "F3"),)),
    ),
)
DATES = dates_of(PATIENT)
NOW, THEN = ruler("b", "now", 20.0, 12.6), ruler("a", "then", 50.0, 10.0)


def shifted(x: float, **changes: object) -> Registration:
    matrix = np.eye(4)
    matrix[0, 3] = x
    return replace(
        Registration(
            fixed=Side(series_uid="now", frame="F1"),
            moving=Side(series_uid="then", frame="F2"),
            matrix=as_matrix(matrix),
            residual_mm=1.0,
            overlap=0.9,
        ),
        **changes,  # type: ignore[arg-type]
    )


def test_two_measurements_become_one_lesion_whichever_is_named_first() -> None:
    pair = pair_of(NOW, THEN, DATES)
    assert pair == pair_of(THEN, NOW, DATES)
    assert (pair.earlier, pair.later) == ("a", "b")
    lesion = joined(Work(measurements=(THEN, NOW), pairs=(pair,)))[0]
    assert lesion.growth is not None
    assert lesion.growth.days == 100
    assert lesion.growth.doubling_days == pytest.approx(100, abs=0.1)


def test_growth_follows_a_measurement_that_is_changed() -> None:
    pair = pair_of(NOW, THEN, DATES)
    shrunk = joined(Work(measurements=(THEN, ruler("b", "now", 20.0, 8.0)), pairs=(pair,)))[0]
    assert shrunk.growth is not None
    assert shrunk.growth.diameter == pytest.approx(-0.2)


def test_without_a_date_or_of_one_day_nothing_is_joined() -> None:
    with pytest.raises(InvalidInput, match="date"):
        pair_of(NOW, ruler("c", "undated", 0, 5), DATES)
    with pytest.raises(InvalidInput, match="one day"):
        pair_of(NOW, ruler("c", "now", 0, 5), DATES)


def test_different_calibrations_do_not_compare() -> None:
    with pytest.raises(InvalidInput, match="calibration"):
        pair_of(replace(NOW, calibration="DETECTOR"), THEN, DATES)


def test_a_pair_whose_measurement_was_deleted_is_not_told() -> None:
    pair = pair_of(NOW, THEN, DATES)
    assert joined(Work(measurements=(NOW,), pairs=(pair,))) == ()


def test_a_measurement_belongs_to_one_lesion_at_a_date() -> None:
    other = ruler("c", "then", 0.0, 7.0)
    work = Work(measurements=(THEN, NOW, other), pairs=(pair_of(NOW, THEN, DATES),))
    assert with_pair(work, pair_of(NOW, other, DATES)) == (pair_of(NOW, other, DATES),)


def test_near_places_of_registered_dates_are_offered() -> None:
    work = Work(measurements=(THEN, NOW))
    found = offers(work, PATIENT, [shifted(30.0)])
    assert [(offer.earlier.id, offer.later.id) for offer in found] == [("a", "b")]
    assert found[0].apart_mm == pytest.approx(1.3)  # middles of rulers 10 and 12.6 mm long


@pytest.mark.parametrize(
    "links",
    [(), (shifted(50.0),), (shifted(30.0, is_good=False),)],
    ids=["not registered", "20 mm apart", "not good"],
)
def test_nothing_is_offered_where_places_do_not_agree(links: tuple[Registration, ...]) -> None:
    assert offers(Work(measurements=(THEN, NOW)), PATIENT, links) == ()


def test_other_kinds_and_joined_ones_are_not_offered() -> None:
    pair = pair_of(NOW, THEN, DATES)
    work = Work(measurements=(THEN, NOW), pairs=(pair,))
    assert offers(work, PATIENT, [shifted(30.0)]) == ()
    round_one = ruler("a", "then", 50.0, 10.0, kind="bidirectional")
    assert offers(Work(measurements=(round_one, NOW)), PATIENT, [shifted(30.0)]) == ()


def test_a_measurement_without_a_place_is_not_offered() -> None:
    """As one comes back from another program's report."""
    work = Work(measurements=(replace(THEN, points=()), NOW))
    assert offers(work, PATIENT, [shifted(30.0)]) == ()
    pair = pair_of(NOW, work.measurements[0], DATES)
    assert joined(Work(measurements=work.measurements, pairs=(pair,)))[0].growth is not None


def test_partners_are_of_other_dates() -> None:
    work = Work(measurements=(THEN, NOW, ruler("c", "now", 0, 5), ruler("d", "undated", 0, 5)))
    assert [m.id for m in partners(work, NOW, DATES)] == ["a"]


def test_pairs_are_kept_in_the_journals_form() -> None:
    work = Work(measurements=(THEN, NOW), pairs=(pair_of(NOW, THEN, DATES),))
    assert from_plain(Work, to_plain(work)) == work
    assert isinstance(work.pairs[0], LesionPair)


def test_the_later_measurement_carries_growth_into_a_structured_report() -> None:
    work = Work(measurements=(THEN, NOW), pairs=(pair_of(NOW, THEN, DATES),))
    before, after = with_growth(work.measurements, work)
    assert before == THEN
    told = {q.concept: (round(q.value, 1), q.unit) for q in after.quantities}
    assert told["Change of diameter"] == (26.0, "%")
    assert told["Volume doubling time"] == (100.0, "d")
