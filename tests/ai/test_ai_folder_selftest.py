"""The self-test of model folders: the same answer as its maker got, in a confined process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medview.ai.catalogue import read_catalogue
from medview.ai.child import run_child
from medview.ai.folder import open_folder, write_manifest
from medview.ai.selftest import IN, OUT, SelfTest, deviation, read_arrays, require_passed, self_test
from medview.ai.signature import KEY_VARIABLE, make_key
from medview.ai.worker import selftest
from medview.core.errors import Cancelled, ModelUnavailable
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken
from medview.training import value_case
from medview.training.seal import seal_folder

_KINDS = {
    model.name: model.kind
    for model in read_catalogue().models
    if model.path.parent == shipped_models_dir()  # not those that a tester added
}


def spoil(folder: Path) -> None:
    wanted = read_arrays((folder / OUT).read_bytes())
    wanted["labels"] = np.roll(wanted["labels"], 9, axis=2)
    np.savez_compressed(folder / OUT, **wanted)
    write_manifest(folder)


@pytest.mark.parametrize("name", sorted(_KINDS))
def test_what_ships_answers_its_own_case_as_when_it_was_sealed(name: str) -> None:
    run = value_case.run_case if _KINDS[name] in ("tabular", "text") else selftest.run_case
    answer = run(str(shipped_models_dir() / name))

    assert answer["state"] == "passed", answer
    assert answer["off"] < 0.2  # far from what is allowed


def test_case_is_run_in_a_process_of_its_own_and_remembered(lungs_folder: Path) -> None:
    model = open_folder(lungs_folder)
    found = self_test(model)

    assert found.state == "passed"
    assert found.seconds > 0
    assert found.memory_mb is None or 20 < found.memory_mb < 4000
    # Once more without a process: nothing could start with this.
    token = CancelToken()
    token.cancel()
    assert self_test(model, token) == found


def test_other_answer_than_the_makers_fails(lungs_folder: Path) -> None:
    spoil(lungs_folder)
    found = selftest.run_case(str(lungs_folder))

    assert found["state"] == "failed"
    with pytest.raises(ModelUnavailable, match="another answer than its maker"):
        require_passed(SelfTest(**found))


def test_case_is_not_asked_how_like_the_training_it_is() -> None:
    folder = open_folder(shipped_models_dir() / "hippocampus")
    steps = [step for step in folder.pipeline if step["op"] != "distance"]
    at = next(n for n, step in enumerate(steps) if step["op"] == "network") + 1
    steps.insert(at, {"op": "distance", "limit": -1.0})  # nothing is as near as that
    strict = replace(folder, description={**folder.description, "pipeline": steps})
    case, wanted = read_arrays(folder.content(IN)), read_arrays(folder.content(OUT))

    assert deviation(selftest._answer(strict, case), wanted) <= 1


@pytest.mark.parametrize("tolerance", [None, "0.02", 0.0, float("inf"), float("nan"), 0.5])
def test_case_that_lets_any_answer_pass_is_refused(tolerance: float | str | None) -> None:
    wanted = {} if tolerance is None else {"tolerance": np.array(tolerance)}
    found = {"labels": np.zeros(4, np.uint8)}

    with pytest.raises(ModelUnavailable, match="self-test is damaged"):
        deviation(found, {**wanted, "labels": np.ones(4, np.uint8)})


def test_case_without_an_answer_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="self-test is damaged"):
        deviation({"labels": np.zeros(4, np.uint8)}, {"tolerance": np.array(0.02)})


def test_sealing_makes_a_case_anew_and_signs(
    lungs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(lungs_folder)
    make_key(tmp_path / "key")
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key"))

    assert seal_folder(lungs_folder).signature.state == "unknown"
    assert selftest.run_case(str(lungs_folder))["state"] == "passed"


def test_case_with_pickled_objects_is_refused(lungs_folder: Path) -> None:
    np.savez(lungs_folder / OUT, labels=np.array([{"a": 1}], object), tolerance=np.float64(1))
    write_manifest(lungs_folder)

    with pytest.raises(ModelUnavailable, match="self-test is damaged"):
        selftest.run_case(str(lungs_folder))


def test_case_that_unpacks_to_far_more_is_refused(lungs_folder: Path) -> None:
    np.savez_compressed(lungs_folder / OUT, labels=np.zeros(80 << 20, np.uint8))
    write_manifest(lungs_folder)

    with pytest.raises(ModelUnavailable, match="too large"):
        selftest.run_case(str(lungs_folder))


def test_process_that_takes_too_long_is_ended(lungs_folder: Path) -> None:
    with pytest.raises(ModelUnavailable, match="took too long"):
        run_child("selftest", {"folder": str(lungs_folder)}, cancel=CancelToken(), within_s=0.01)


def test_process_is_ended_by_a_cancel(lungs_folder: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        run_child("selftest", {"folder": str(lungs_folder)}, cancel=token)


@pytest.mark.skipif(os.name != "posix", reason="needs the bound of the system")
def test_process_may_not_take_all_memory(lungs_folder: Path) -> None:
    with pytest.raises(ModelUnavailable):
        run_child("selftest", {"folder": str(lungs_folder)}, cancel=CancelToken(), memory_mb=120)


def test_process_writes_only_where_it_was_told(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    code = (
        "import sys; from pathlib import Path\n"
        "from medview.ai.worker.child import keep_writes_below\n"
        "own, other = Path(sys.argv[1]) / 'own', Path(sys.argv[1]) / 'other'\n"
        "keep_writes_below(str(own))\n"
        "(own / 'a').write_text('x'); (own / 'a').rename(own / 'b')\n"
        "for act in (lambda: other.write_text('x'), lambda: (own / 'b').rename(other),\n"
        "            lambda: other.mkdir(), lambda: (own / '..' / 'other').touch()):\n"
        "    try:\n"
        "        act(); sys.exit(1)\n"
        "    except PermissionError:\n"
        "        pass\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own"]
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["b"]
