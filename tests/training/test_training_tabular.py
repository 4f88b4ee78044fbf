"""Models on tables: fitting against other programs, judging by patient, folders, bad tables."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medview.ai.folder import open_folder, write_manifest
from medview.core.errors import InvalidInput, ModelUnavailable
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.risk.tabular import Column
from medview.training.tabular.build import reading_of, train_table
from medview.training.tabular.evaluate import evaluate_table, load_model
from medview.training.tabular.figures import brier, harrell_c, log_likelihood, reliability, slope
from medview.training.tabular.fit import breslow, cox, logistic
from medview.training.tabular.judge import _over_folds, aside, chosen_penalty, dealt, grounded
from medview.training.tabular.plan import is_tabular, read_tabular_plan
from medview.training.tabular.table import Table, read_table


def survival(n: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of which other programs' answers stand below."""
    rng = np.random.default_rng(42)
    z = np.round(rng.normal(size=(n, 2)), 2)
    time = np.ceil(rng.exponential(np.exp(-(z @ [0.8, -0.5]))) * 20)
    censored = np.ceil(rng.exponential(25, n))
    return z, np.minimum(time, censored), time <= censored


def test_cox_s_model_is_that_of_lifelines() -> None:
    beta, covariance = cox(*survival(), 0.0)
    assert beta == pytest.approx([1.0169062438774912, -0.3786009325259903], abs=1e-6)
    errors = np.sqrt(np.diag(covariance))
    assert errors == pytest.approx([0.15760525868905959, 0.14873476168181382], abs=1e-6)


def test_harrell_s_c_is_that_of_lifelines() -> None:
    z, time, event = survival()
    assert harrell_c(time, event, z @ [1.0, -0.5]) == pytest.approx(0.7246904588492352, abs=1e-9)


def test_the_weighted_brier_score_is_that_of_scikit_survival() -> None:
    z, time, event = survival()
    table = Table(z, time + np.arange(120) / 1e4, event, tuple(map(str, range(120))))
    probability = 1 / (1 + np.exp(-(z @ [1.0, -0.5])))
    assert brier(table, probability, 15.0) == pytest.approx(0.20144926, abs=1e-7)


def test_logistic_regression_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(7)
    z = np.round(rng.normal(size=(80, 2)), 2)
    event = rng.random(80) < 1 / (1 + np.exp(-(z @ [1, -0.7] - 0.3)))
    both, _ = logistic(z, event, 0.01)
    assert both == pytest.approx([-0.40284744, 0.76254288, -0.52258965], abs=1e-6)


def test_breslow_s_hazard_of_equal_patients_counts_deaths_over_those_at_risk() -> None:
    time, event = np.array([1.0, 2, 2, 3, 5]), np.array([True, True, False, False, True])
    times, hazard = breslow(time, event, np.zeros(5))
    assert times.tolist() == [1, 2, 5]
    assert hazard.tolist() == pytest.approx([1 / 5, 1 / 5 + 1 / 4, 1 / 5 + 1 / 4 + 1])


def test_the_slope_of_a_right_score_is_one_and_of_a_doubled_one_half() -> None:
    rng = np.random.default_rng(3)
    score = rng.normal(size=20_000)
    event = rng.random(20_000) < 1 / (1 + np.exp(-score))
    table = Table(score[:, None], np.zeros(20_000), event, ("",) * 20_000)
    assert slope(table, score, is_survival=False) == pytest.approx(1, abs=0.05)
    assert slope(table, 2 * score, is_survival=False) == pytest.approx(0.5, abs=0.03)
    days = rng.exponential(np.exp(-score))
    cohort = Table(score[:, None], np.round(days, 3), np.ones(20_000, bool), ("",) * 20_000)
    assert slope(cohort, 2 * score, is_survival=True) == pytest.approx(0.5, abs=0.03)
    for said, seen, _ in reliability(table, 1 / (1 + np.exp(-score)), 0.0):
        assert said == pytest.approx(seen, abs=0.03)


PLAN = """
[data]
path = "rows.csv.gz"
title = "Made rows"
licence = "CC0"
attribution = "Nobody."
patient = "who"
[outcome]
kind = "{kind}"
event = "dead"
positive = ["1"]
title = "death"
{time}
[recipe]
set_aside = 0.2
repeats = 2
folds = 3
epochs = 20
[[inputs]]
name = "age"
title = "Age"
unit = "a"
concept = "age"
[[inputs]]
name = "marker"
title = "Marker"
transform = "log"
[[inputs]]
name = "group"
title = "Group"
kind = "choice"
codes = {{ "1" = "low", "2" = "high" }}
[model]
schema = "medview-model/1"
name = "made-rows"
version = "0.1.0"
kind = "tabular"
title = "Made rows"
licence = "CC0"
[model.intended]
use = "a test"
not_for = ["anything else"]
status = "research"
[card]
what = "{long}"
not_for = "Anything."
trained_on = "Nobody."
limits = "All."
"""
TIME = 'time = "days"\nunit = "d"\nhorizon = 30.0\n'


def write_rows(folder: Path, n: int = 240) -> Path:
    rng = np.random.default_rng(1)
    age, marker = rng.normal(60, 10, n), np.exp(rng.normal(0, 1, n))
    group = rng.integers(1, 3, n)
    risk = 0.08 * (age - 60) + 0.9 * np.log(marker) + 0.5 * (group - 1)
    days = rng.exponential(30 * np.exp(-risk))
    dead = (days < rng.uniform(10, 90, n)).astype(int)
    marker_said = np.where(rng.random(n) < 0.2, np.nan, marker)
    lines = ["who,age,marker,group,days,dead"]
    lines += [
        f"{k // 2},{age[k]:.1f},{'' if np.isnan(marker_said[k]) else round(marker_said[k], 3)},"
        f"{group[k]},{days[k]:.1f},{dead[k]}" for k in range(n)
    ]  # fmt: skip
    (folder / "rows.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder / "rows.csv.gz"


def plan_in(folder: Path, kind: str = "survival"):
    write_rows(folder)
    text = PLAN.format(kind=kind, time=TIME if kind == "survival" else "", long="Nothing. " * 20)
    (folder / "train.toml").write_text(text)
    return read_tabular_plan(folder / "train.toml")


@pytest.fixture(scope="module", params=["survival", "binary"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp(request.param)
    plan = plan_in(folder, request.param)
    return train_table(plan, folder / "run", no_progress, CancelToken()), folder


def test_training_on_a_table_leaves_a_whole_folder_with_card_and_figures(made) -> None:
    folder = open_folder(made[0])
    assert folder.kind == "tabular"
    stated = json.loads((folder.path / "eval.json").read_text())
    name = "c_index" if "survival" in str(made[0]) else "auc"
    for part in ("metrics", "estimate"):
        assert stated[part][name]["value"] > 0.7
        assert set(stated[part]) == {name, "brier", "slope"}
    card = folder.card()
    assert card.index("(estimate)") < card.index("part set aside")
    assert "| Marker | 20%" in card or "| Marker | 1" in card or "| Marker | 2" in card
    assert is_tabular(folder.path / "train.toml")


def test_evaluate_tells_its_own_table_s_parts_apart_and_takes_no_other_s(made, tmp_path) -> None:
    folder, own = open_folder(made[0]), made[1] / "rows.csv.gz"
    stated = json.loads((folder.path / "eval.json").read_text())["metrics"]
    counts = {part: evaluate_table(folder, own, part)["cases"] for part in ("aside", "train")}

    unasked = evaluate_table(folder, own)
    assert unasked["split"] == "aside"
    for name, figure in stated.items():
        assert unasked["metrics"][name]["value"] == pytest.approx(figure["value"], abs=0.1)
    assert sum(counts.values()) == 240
    other = tmp_path / "other.csv.gz"
    other.write_bytes(gzip.compress(gzip.decompress(own.read_bytes()) + b"\n"))
    assert evaluate_table(folder, other)["split"] == "all"
    with pytest.raises(InvalidInput, match="no part aside; they have all"):
        evaluate_table(folder, other, "aside")


def test_what_ships_learned_from_every_row_and_is_judged_by_what_did_not(made) -> None:
    folder, own = open_folder(made[0]), made[1] / "rows.csv.gz"
    plan = read_tabular_plan(folder.path / "train.toml")
    table = read_table(own, reading_of(plan))
    learn, _ = aside(table, plan.recipe.set_aside, plan.recipe.seed)

    shipped, judged = load_model(folder), load_model(folder, is_judged=True)

    assert shipped.mean == pytest.approx(grounded(plan, table).mean)
    assert judged.mean == pytest.approx(grounded(plan, learn).mean)
    everyone, some = (evaluate_table(folder, own, part) for part in ("all", "aside"))
    both = {row["patient"]: row["probability"] for row in everyone["per_case"]}
    assert any(row["probability"] != both[row["patient"]] for row in some["per_case"])


def test_evaluate_takes_any_table_of_the_form(made) -> None:
    document = evaluate_table(open_folder(made[0]), made[1] / "rows.csv.gz", "all")
    assert document["schema"] == "medview.evaluate/1"
    assert (document["cases"], document["patients"]) == (240, 120)
    (ranking, *_) = document["metrics"]
    assert document["metrics"][ranking]["value"] > 0.7


def test_an_unknown_value_widens_the_interval_and_is_not_a_zero(made) -> None:
    model = load_model(open_folder(made[0]))
    row = np.array([60.0, 0.0, 0.0])
    known, gap = model.predict(row), model.predict(np.array([60.0, np.nan, 0.0]))
    assert known[1] < known[0] < known[2]
    assert gap[2] - gap[1] > 1.2 * (known[2] - known[1])
    high = model.predict(np.array([60.0, 1.5, 0.0]))
    assert high[0] > known[0]
    assert model.predict(row) == known  # filling draws the same every time


def test_beyond_what_was_seen_the_edge_counts(made) -> None:
    model = load_model(open_folder(made[0]))
    assert model.predict(np.array([300.0, 0.0, 0.0])) == model.predict(np.array([150.0, 0.0, 0.0]))


def test_the_slope_of_rows_that_the_score_parts_wholly_is_finite() -> None:
    score = np.linspace(-3, 3, 60)
    parted = Table(score[:, None], np.zeros(60), score > 0, ("",) * 60)

    assert 1 < slope(parted, score, is_survival=False) < 20
    assert slope(parted, 10 * score, is_survival=False) == pytest.approx(
        slope(parted, score, is_survival=False) / 10
    )


def test_the_slope_of_few_rows_is_firth_s() -> None:
    # Two by two: Firth's odds ratio adds a half to each cell (Heinze and Schemper 2002).
    score = np.repeat([0.0, 0.0, 1.0, 1.0], [9, 2, 3, 6])
    event = np.repeat([False, True, False, True], [9, 2, 3, 6])
    table = Table(score[:, None], np.zeros(20), event, ("",) * 20)

    expected = np.log((6.5 * 9.5) / (3.5 * 2.5))
    assert slope(table, score, is_survival=False) == pytest.approx(expected, abs=1e-5)


def test_the_partial_likelihood_is_highest_at_cox_s_coefficients() -> None:
    z, time, event = survival()
    beta, _ = cox(z, time, event, 0.0)
    table = Table(z, time, event, ("",) * len(z))
    found = [log_likelihood(table, k * (z @ beta), is_survival=True) for k in (0.8, 1.0, 1.2)]

    assert found[1] == max(found)


def test_an_interval_of_a_share_stays_a_share() -> None:
    low, high = _over_folds([0.99, 1.0, 1.0, 1.0, 0.97], 5)["interval"]

    assert 0.8 < low < 0.992 < high < 1.0


def test_the_penalty_is_the_one_that_fits_unseen_rows_best() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(60, 12))
    event = rng.random(60) < 0.5
    table = Table(noise, np.zeros(60), event, tuple(map(str, range(60))))
    columns = tuple(Column(name=f"x{n}", column=f"x{n}", title=f"x{n}") for n in range(12))
    shipped = read_tabular_plan(shipped_models_dir() / "heart-disease-cleveland" / "train.toml")
    recipe = replace(shipped.recipe, penalties=(1e-4, 1.0))

    assert (
        chosen_penalty(replace(shipped, columns=columns, recipe=recipe), table) == 1.0
    )  # of what says nothing the least


def test_a_patient_s_rows_stay_in_one_part(tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    table = read_table(plan.table, reading_of(plan))
    learn, kept = aside(table, 0.2, 1)
    assert not set(learn.patients) & set(kept.patients)
    assert len(kept) == pytest.approx(48, abs=2)
    part = dealt(table, 5, 3)
    owners = {(who, int(fold)) for who, fold in zip(table.patients, part, strict=True)}
    assert len(owners) == 120


def test_rows_without_an_outcome_are_passed_over_and_counted(tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    text = gzip.decompress(plan.table.read_bytes()).decode()
    more = text + "\nx,(age),(marker),(group),(days),(dead)\ny,50,1,1,5,\nz,50,1,1,nan,1"
    plan.table.write_bytes(gzip.compress(more.encode()))
    assert read_table(plan.table, reading_of(plan)).passed == 3


def test_a_class_or_number_that_cannot_be_read_is_a_gap_and_counted(tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    before = read_table(plan.table, reading_of(plan))
    text = gzip.decompress(plan.table.read_bytes()).decode()
    columns = text.splitlines()[0].split(",")
    given = {"age": "old", "marker": "1.0", "group": "unheard of", "days": "5", "dead": "1"}
    row = ",".join(given.get(name, "zz") for name in columns)
    plan.table.write_bytes(gzip.compress(f"{text.rstrip()}\n{row}\n".encode()))

    table = read_table(plan.table, reading_of(plan))

    assert len(table) == len(before) + 1
    assert table.passed == before.passed
    assert table.unread["age"] == 1
    assert np.isnan(table.design[-1]).any()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\x1f\x8bnot gzip", "damaged"),
        (b"who,age\n1,2\n", "lacks the column"),
        (b"who,age,marker,group,days,dead\n1,60,1,1,4,0\n2,60,1,1,4,0\n", "no case"),
        (b"who,age,marker,group,days,dead\n1,,,,4,0\n2,60,1,1,x,1\n", "No row"),
        (b"", "no rows"),
    ],
)
def test_a_table_of_another_form_is_refused_in_a_sentence(
    tmp_path: Path, text: bytes, said: str
) -> None:
    plan = plan_in(tmp_path)
    plan.table.write_bytes(text)
    with pytest.raises(InvalidInput, match=said):
        read_table(plan.table, reading_of(plan))


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": []},
        {"estimator": {"type": "forest", "layers": 1}},
        {"outcome": {"kind": "survival"}},
        {"inputs": [{"name": "a", "column": "a", "title": "a", "kind": "choice"}]},
    ],
)
def test_a_folder_with_another_description_is_refused(made, tmp_path: Path, change) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(made[0], folder)
    described = json.loads((folder / "model.json").read_text()) | change
    (folder / "model.json").write_text(json.dumps(described))
    write_manifest(folder)
    with pytest.raises(ModelUnavailable):
        open_folder(folder)


def test_a_column_s_words_become_design_columns() -> None:
    column = Column(name="c", column="c", title="c", kind="choice",
                    codes={"1": "low", "2": "middle", "3": "high", "9": "low"})  # fmt: skip
    assert column.choices == ("low", "middle", "high")
    assert column.encoded("low") == [0, 0]
    assert column.encoded("high") == [0, 1]
    assert np.isnan(column.encoded(None)).all()
