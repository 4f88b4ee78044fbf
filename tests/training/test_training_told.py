"""What a model's card says is what was measured, and of whom."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from training_sets import balls_plan

from medview.ai.catalogue import shipped_models_dir
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.training import trust
from medview.training.again import NO_CURVES, figures_in
from medview.training.calibrate import limit_of_distance
from medview.training.card import Measured, Story, _estimate, _pictures, aims_section
from medview.training.curves import volume_band
from medview.training.learning import Job, read_all
from medview.training.plan import read_plan
from medview.training.shift import CHANGES, _told
from medview.training.trust import _volume_coverage, card_section
from medview.training.worst import worst_in_words


def as_far_as_they_are(_learned, apart, room):
    return {"limit": limit_of_distance(apart, room), "warn": 9.0}


def test_healthy_is_what_the_plan_does_not_call_whatever_its_name():
    rows = [
        {"label": "benign", "positive": True, "score": 0.7},
        {"label": "benign", "positive": False, "score": 0.2},
        {"label": "malignant", "positive": False, "score": 0.1},
    ]
    said = worst_in_words(rows, "classification", positive=["malignant"])
    assert "Missed: 1 ill films (1 malignant)" in said
    assert "Called though healthy: 1 films, the surest with a probability of 0.700" in said


@pytest.mark.parametrize(("name", "value", "pair", "said"), [
    ("hd95_mm.lung", 20.0, (10, 5), "below the least"),
    ("hd95_mm.lung", 4.0, (10, 5), "aim reached"),
    ("volume_bias.lung", -0.5, (0.1, 0.05), "below the least"),
    ("volume_bias.lung", -0.07, (0.1, 0.05), "aim missed"),
    ("volume_bias.lung", -0.01, (0.1, 0.05), "aim reached"),
    ("surface_mm.lung", 3.0, (2, 1), "below the least"),
])  # fmt: skip
def test_an_error_is_to_be_small_in_either_direction(name, value, pair, said):
    (section,) = aims_section({name: pair}, {name: {"value": value}})
    assert section.endswith(f"| {said} |")


def test_a_figure_that_could_not_be_measured_stands_so_on_the_card():
    (section,) = aims_section({"dice.x": (0.1, 0.2)}, {})
    assert section.endswith("| dice.x | – | 0.1 | 0.2 | not measured |")


def test_an_aim_for_a_figure_that_does_not_exist_is_refused_before_training(tmp_path):
    plan = balls_plan(tmp_path).path
    text = plan.read_text()
    plan.write_text(text + '[aims]\n"hd95_mm.ball" = [4.0, 2.0]\n')
    assert read_plan(plan).aims
    plan.write_text(text + '[aims]\n"dice.bal" = [0.9, 0.95]\n')
    with pytest.raises(InvalidInput, match=r"aims\.dice\.bal"):
        read_plan(plan)


def _twins(seed: int) -> list[dict[str, object]]:
    """Nine patients with two cases each, which are off by the same."""
    errors = np.random.default_rng(seed).normal(0, 0.2, 9).clip(-0.9)
    return [
        {"patient": str(n), "volume_error.x": float(e)} for n, e in enumerate(errors) for _ in "ab"
    ]


def test_a_case_is_held_to_the_limits_of_other_patients():
    folder = SimpleNamespace(outputs=(SimpleNamespace(value=1, name="X", hidden=False),))
    found = [_volume_coverage(folder, r, r, 0.1)["x"] for r in map(_twins, range(9))]
    # The widest error of the nine is not held by the others, so that 16 of 18 are.
    assert {(each["hits"], each["cases"]) for each in found} == {(16, 18)}


def test_a_distance_is_held_to_those_of_other_patients(monkeypatch):
    cases = [SimpleNamespace(patient=p, far=f) for p, f in (("a", 4.0), ("a", 4.2), ("b", 2.5))]
    monkeypatch.setattr(trust, "_asker", lambda _folder, _listener: lambda case: case.far)
    monkeypatch.setattr(trust, "known_world", as_far_as_they_are)
    monkeypatch.setattr(trust, "mahalanobis", lambda row, _known: float(row))
    parts = trust.Parts(cases, cases, cases, ("one", "other"))
    _, about = trust.world_of(None, parts, None)  # type: ignore[arg-type]
    assert about["kept"]["hits"] == 3
    cases[2].far = 1.5  # more than twice of it are a's two, whatever the other of them is
    _, about = trust.world_of(None, parts, None)  # type: ignore[arg-type]
    assert about["kept"]["hits"] == 1


def test_with_many_cases_their_quantile_is_the_limit_for_the_others(monkeypatch):
    cases = [SimpleNamespace(patient=str(n), far=1 + n / 1000) for n in range(210)]
    monkeypatch.setattr(trust, "_asker", lambda _folder, _listener: lambda case: case.far)
    monkeypatch.setattr(trust, "known_world", as_far_as_they_are)
    monkeypatch.setattr(trust, "mahalanobis", lambda row, _known: float(row))
    parts = trust.Parts(cases, cases, cases, ("one", "other"))
    known, about = trust.world_of(None, parts, None)  # type: ignore[arg-type]
    assert known["limit"] == pytest.approx(
        np.quantile([case.far for case in cases], 0.99), abs=1e-4
    )
    assert about["kept"]["hits"] == 207  # one in a hundred is beyond


def test_the_card_says_where_a_patient_has_several_cases():
    about = {"alpha": 0.1, "fit_cases": 20, "fitted_on": "x", "test_cases": 24, "measured_on": "y"}
    assert "of 9 patients" in card_section({**about, "test_patients": 9})
    assert "patients" not in card_section({**about, "test_patients": 24})
    assert "patients" not in card_section(about)
    cases = [SimpleNamespace(patient=name) for name in "aabbc"]
    parts = trust.Parts([], cases[:2], cases[2:], ("one", "other"))
    assert trust.with_patients(about, parts)["test_patients"] == 2
    by_others = {**about, "measured_on": trust._BY_OTHERS}
    assert trust.with_patients(by_others, parts)["test_patients"] == 3


@pytest.mark.parametrize("positive", [["virus", "bacteria"], []])
def test_two_kinds_of_ill_films_alone_tell_nothing_apart(positive):
    rows = [
        {"label": label, "patient": str(n), "positive": True, "score": 0.9}
        for n, label in enumerate(["virus", "bacteria"] * 4)
    ]
    folder = SimpleNamespace(
        kind="classification", outputs=(), description={"provenance": {"positive": positive}}
    )
    assert _told(folder, rows)["metrics"] == {}


def test_the_blotted_row_says_how_much_is_blotted_out():
    (name,) = (name for name in CHANGES if "blotted" in name)
    picture = np.random.default_rng(0).random((240, 240))
    _, counts = np.unique(CHANGES[name](picture), return_counts=True)
    assert "half" in name
    assert counts.max() / picture.size == pytest.approx(0.5, abs=0.01)


def test_what_was_fitted_on_the_held_out_part_is_said():
    plan = read_plan(shipped_models_dir() / "hippocampus" / "train.toml")
    part = Measured("held out", 25, 25, 0, {}, ())
    story = Story({}, 0, "", "", 0, "", {})
    assert "no threshold was fitted on them" in _estimate(part, plan, story)
    said = _estimate(part, plan, replace(story, fitted_on="the held-out part and dev"))
    assert "no threshold" not in said
    assert "how sure it may be and what it refuses as unlike its training were fitted on" in said


@pytest.mark.parametrize("name", ["hippocampus", "headneck-oar", "pneumonia-child"])
def test_the_shipped_cards_say_on_what_their_limits_were_fitted(name):
    folder = shipped_models_dir() / name
    on_held_out = "held-out" in figures_in(folder)["trust"]["fitted_on"]
    said = (folder / "card.md").read_text(encoding="utf-8")
    assert ("no threshold was fitted on them" in said) is not on_held_out


def test_a_volume_that_may_be_nothing_has_no_upper_edge():
    low, high = volume_band(np.array([10.0, 20.0]), 0.5)
    assert (low.tolist(), high.tolist()) == ([10 / 1.5, 20 / 1.5], [20.0, 40.0])
    for share in (1.0, 1.5):
        low, high = volume_band(np.array([10.0, 20.0]), share)
        assert np.isinf(high).all()
        assert (low > 0).all()


def test_where_the_curves_were_not_kept_the_card_says_so():
    without = _pictures(SimpleNamespace(pictures={"volumes.png": "Volumes"}))  # type: ignore[arg-type]
    assert NO_CURVES in without[0]
    both = SimpleNamespace(pictures={"curves.png": "Loss", "volumes.png": "Volumes"})
    assert NO_CURVES not in _pictures(both)[0]  # type: ignore[arg-type]
    assert _pictures(SimpleNamespace(pictures={})) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["0.5", '"far"', "true"])
def test_room_that_would_refuse_its_own_cases_is_no_room(tmp_path, wrong):
    path = balls_plan(tmp_path).path
    path.write_text(path.read_text() + f"\n[certainty]\nalpha = 0.1\nroom = {wrong}\n")
    with pytest.raises(InvalidInput, match=r"certainty\.room"):
        read_plan(path)


def test_few_distances_leave_the_room_that_the_training_file_gives(tmp_path):
    path = balls_plan(tmp_path).path
    path.write_text(path.read_text() + "\n[certainty]\nalpha = 0.1\nroom = 3.0\n")
    plan = read_plan(path)
    few = [1.0] * 19 + [9.0]  # the one strange case has no say
    assert limit_of_distance(few, plan.room) == pytest.approx(3.0 * np.quantile(few, 0.95))
    assert (
        trust.dealt_parts(plan, read_all(plan, Job(tmp_path, no_progress, CancelToken()))).room
        == plan.room
    )
