"""A classifier's weaker second output: fitted beside the first, told apart from it everywhere."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from training_sets import films_plan

from medview.ai.folder import open_folder
from medview.ai.worker.assemble import find
from medview.ai.worker.pipeline import Pipeline
from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, no_progress
from medview.training.build import train_model
from medview.training.cases import read_cases
from medview.training.crossval import rows_fingerprint, rows_of
from medview.training.learning import Job, make_task, read_all
from medview.training.parts import Parts
from medview.training.plan import Shift, TrainPlan, read_plan
from medview.training.second import logistic, second_figures
from medview.training.shift import without

WEAK = "Rather one than the other (weak)"


def two_kinds(folder: Path, ridge: float = 0.01) -> TrainPlan:
    """The films of `films_plan`, every other ill one of another kind, with a second output."""
    plan = films_plan(folder, steps=2)
    index = folder / "set" / "index.csv"
    with index.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ill = [row for row in rows if row["label"] == "ill"]
    for row in ill[::2]:
        row["label"] = "other"
    with index.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    text = plan.path.read_text(encoding="utf-8")
    second = (
        f'[second]\noutput = "{WEAK}"\npositive = ["ill"]\nagainst = ["other"]\nridge = {ridge}\n'
    )
    text = text.replace('positive = ["ill"]', 'positive = ["ill", "other"]')
    text = text.replace("[split]", f"{second}[split]")
    step = f'{{op = "weaker", target = "{WEAK}"}}, '
    text = text.replace('{op = "explain"', step + '{op = "explain"')
    weak = f'{{label = 1, name = "{WEAK}", color = "#808080", weak = true}}'
    text = text.replace('color = "#00ff00"}]', f'color = "#00ff00"}}, {weak}]')
    plan.path.write_text(text, encoding="utf-8")
    return read_plan(plan.path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Folders of a model with a second output, of one without, and of their set."""
    folder = tmp_path_factory.mktemp("second")
    plan = two_kinds(folder)
    both = train_model(plan, Job(folder / "both", no_progress, CancelToken()))
    text = plan.path.read_text(encoding="utf-8")
    for part in (text[text.index("[second]") : text.index("[split]")],
                 f'{{op = "weaker", target = "{WEAK}"}}, '):  # fmt: skip
        text = text.replace(part, "")
    alone = folder / "alone.toml"
    alone.write_text(text[: text.index(", {label = 1")] + text[text.index("weak = true}") + 12 :])
    one = train_model(read_plan(alone), Job(folder / "one", no_progress, CancelToken()))
    return both, one, folder / "set"


def test_a_second_output_leaves_the_first_as_it_is(made: tuple[Path, Path, Path]):
    both, one, _ = made
    names = ("weights.safetensors",)
    assert [(both / n).read_bytes() for n in names] == [(one / n).read_bytes() for n in names]
    told = [json.loads((folder / "eval.json").read_text()) for folder in (both, one)]
    assert told[0]["estimate"]["auc"] == told[1]["estimate"]["auc"]
    assert "auc.ill_against_other" in told[0]["metrics"]
    assert "auc.ill_against_other" not in told[1]["metrics"]
    assert "the weaker second output" in (both / "card.md").read_text()


def test_the_second_output_is_shown_only_where_the_first_is_present_and_says_that_it_is_weak(
    made: tuple[Path, Path, Path],
):
    both, _, data = made
    folder = open_folder(both)
    counts = set()
    for case in read_cases(data, "dev"):
        given = Pipeline(folder, without={"ood", "explain"}).run(
            case.volume, no_progress, CancelToken()
        )
        findings = find(folder, given, case.volume.geometry, "run")
        is_present = given.scores["Spot"] >= given.thresholds["Spot"]
        if findings[0].answer:  # "no answer" is no yes, whatever the threshold says
            is_present = findings[0].answer == "present"
        assert [f.label for f in findings] == (["Spot", WEAK] if is_present else ["Spot"])
        if is_present:
            assert findings[1].answer == "weak"
            assert "weak second output" in findings[1].answer_said.english()
        counts.add(is_present)
    assert True in counts


def test_the_logistic_regression_finds_the_weights_that_made_the_classes():
    rng = np.random.default_rng(0)
    features = rng.normal(3, [1, 2, 5], (4000, 3))
    truth = (rng.random(4000) < expit(features @ [1.0, -0.5, 0.0] - 1)).astype(np.int64)
    weights, bias = logistic(features, truth, 1e-6)
    assert weights == pytest.approx([1.0, -0.5, 0.0], abs=0.1)
    assert bias == pytest.approx(-1, abs=0.3)


def test_of_one_kind_alone_there_is_no_second_figure():
    rows = [{"label": "ill", "second": 0.4, "patient": "1"}, {"label": "well", "patient": "2"}]
    assert second_figures({"second": ["ill"], "second_against": ["other"]}, rows) == {}


def test_a_second_output_that_is_not_marked_weak_is_refused(tmp_path: Path):
    plan = two_kinds(tmp_path)
    text = plan.path.read_text(encoding="utf-8").replace("weak = true", "weak = false")
    plan.path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match="second"):
        read_plan(plan.path)


def _apart(plan: TrainPlan, folder: Path, kinds: set[str], most: int) -> tuple[Parts, Job]:
    """The parts of a net that never saw the first `most` films of some kinds."""
    folder.mkdir()
    job = Job(folder, no_progress, CancelToken())
    parts = read_all(plan, job)
    some = [c.id for c in (*parts.fit, *parts.calibrate, *parts.held_out) if c.label in kinds]
    return without(parts, Shift(name="never seen", leave_out=tuple(some[:most]))), job


def test_a_net_that_never_saw_a_kind_is_judged_without_the_second_output(tmp_path: Path):
    plan = two_kinds(tmp_path)
    apart, job = _apart(plan, tmp_path / "run", {"other"}, 99)
    assert {case.label for case in apart.held_out} == {"other"}
    rows = rows_of(plan, apart, job)
    assert len(rows) == len(apart.held_out)
    assert all("second" not in row and ("score" in row or "refused" in row) for row in rows)
    told = {"second": ["ill"], "second_against": ["other"]}
    both = [{"label": name, "patient": name, "score": 0.4} for name in ("ill", "other")]
    assert second_figures(told, both) == {}


def test_a_part_of_one_kind_alone_is_judged_by_both_outputs(tmp_path: Path):
    plan = two_kinds(tmp_path)
    apart, job = _apart(plan, tmp_path / "run", {"other"}, 1)
    assert {case.label for case in apart.held_out} == {"other"}
    assert all("second" in row or "refused" in row for row in rows_of(plan, apart, job))


def test_rows_of_another_second_output_are_not_taken_for_these(tmp_path: Path):
    plan = two_kinds(tmp_path)
    apart, job = _apart(plan, tmp_path / "run", {"other"}, 1)
    task = make_task(plan, apart, job.cancel)
    second = plan.second
    assert second is not None
    others = (
        replace(plan, second=replace(second, ridge=5.0)),
        replace(plan, second=replace(second, positive=second.against, against=second.positive)),
        replace(plan, data=replace(plan.data, positive=("ill",))),
        plan,
    )
    assert len({rows_fingerprint(each, apart, task) for each in others}) == 4
