"""Figures against hand arithmetic, and intervals that know whose cases they are."""

from __future__ import annotations

import numpy as np
import pytest

from medview.training.calibrate import operating_point, platt
from medview.training.metrics import (
    calibration_error,
    classifier_figures,
    dice,
    figure,
    mean_figure,
    rate,
    roc_auc,
)


def test_dice_is_twice_the_overlap_over_both():
    one, other = np.array([1, 1, 1, 0], bool), np.array([0, 1, 1, 1], bool)
    assert dice(one, other) == pytest.approx(4 / 6)
    assert np.isnan(dice(one & False, other & False))


def test_auc_counts_pairs_in_right_order_and_ties_half():
    # pairs (ill, well): (3,1) (3,2) right, (2,1) right, (2,2) tie
    assert roc_auc([1, 1, 0, 0], [3, 2, 1, 2]) == pytest.approx(3.5 / 4)
    assert np.isnan(roc_auc([1, 1], [0.1, 0.2]))


def test_calibration_error_is_zero_for_true_probabilities_and_their_distance_otherwise():
    truth = np.tile([1, 0, 0, 0], 150)
    assert calibration_error(truth, np.full(600, 0.25)) == pytest.approx(0, abs=1e-9)
    assert calibration_error(truth, np.full(600, 0.65)) == pytest.approx(0.4)


def test_rates_look_only_at_their_own_cases():
    called, ill = np.array([1, 0, 1, 1], bool), np.array([1, 1, 0, 0], bool)
    assert rate(called, ill) == 0.5
    assert rate(~called, ~ill) == 0.0


def test_an_interval_covers_the_truth_about_19_times_of_20():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(20):
        values = rng.normal(10, 2, 60)
        low, high = mean_figure(values.tolist(), [str(n) for n in range(60)])["interval"]
        hits += low <= 10 <= high
    assert hits >= 16


def test_many_cases_of_one_patient_do_not_make_an_interval_narrower():
    values = [0.2, 0.8, 0.5, 0.9, 0.4]
    single = mean_figure(values, list("abcde"))["interval"]
    tenfold = mean_figure(values * 10, list("abcde") * 10)["interval"]
    assert tenfold == pytest.approx(single, abs=1e-9)


def test_cases_without_a_number_are_left_out_of_the_mean():
    assert mean_figure([0.5, float("nan"), 0.7], ["a", "b", "c"])["value"] == pytest.approx(0.6)


def test_figures_are_the_same_every_time():
    values = np.random.default_rng(1).random(30)
    again = [figure(lambda n: float(values[n].mean()), [str(i) for i in range(30)]) for _ in "ab"]
    assert again[0] == again[1]


def test_a_classifier_gets_its_four_figures():
    ill, called = [True, True, False, False] * 5, [True, False, False, True] * 5
    patients = [str(n) for n in range(20)]
    found = classifier_figures(ill, [0.9, 0.4, 0.3, 0.6] * 5, called, patients)
    assert list(found) == ["auc", "sensitivity", "specificity", "ece"]
    assert (found["sensitivity"]["value"], found["specificity"]["value"]) == (0.5, 0.5)
    assert found["auc"]["value"] == 0.75


def test_platt_finds_the_temperature_and_shift_that_were_put_in():
    rng = np.random.default_rng(2)
    true_logit = rng.normal(0, 2, 20000)
    truth = (rng.random(20000) < 1 / (1 + np.exp(-true_logit))).astype(np.int64)
    temperature, shift = platt(true_logit * 3 - 1.5, truth)
    assert temperature == pytest.approx(3, rel=0.05)
    assert shift == pytest.approx(1.5, abs=0.15)


def test_the_operating_point_calls_at_least_the_wanted_share_of_the_ill():
    rng = np.random.default_rng(3)
    probability, truth = rng.random(400), np.repeat([0, 1], 200)
    threshold = operating_point(probability, truth, 0.95)
    share = (probability[truth == 1] >= threshold).mean()
    assert 0.95 <= share <= 0.96
