"""Model folders: a sound one opens, each fault of a broken one has its own sentence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from medview.ai.folder import open_folder, write_manifest
from medview.ai.ops import STEP_FIELDS
from medview.ai.worker.pipeline import Pipeline, load_steps
from medview.ai.worker.steps import STEPS
from medview.core.errors import ModelUnavailable
from medview.core.geometry import Geometry
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken, no_progress
from medview.core.volume import Volume

Changed = Callable[..., Path]
NET = {"op": "network", "arch": "unet3d", "weights": "weights.safetensors"}


def said(folder: Path) -> str:
    with pytest.raises(ModelUnavailable) as caught:
        open_folder(folder)
    return caught.value.sentence()


def test_sound_folder_names_itself_by_its_manifest(lungs_folder: Path) -> None:
    model = open_folder(lungs_folder)

    assert (model.name, model.kind) == ("lungs", "rules")
    assert len(model.ref.manifest_sha256) == 64
    assert [label.value for label in model.outputs] == [1, 2, 3, 4]
    assert model.outputs[0].code is not None
    assert model.outputs[0].code.value == "3341006"
    assert model.outputs[3].hidden


def test_opening_a_folder_does_not_import_torch(lungs_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from medview.ai.folder import open_folder;"
        f"open_folder(Path({str(lungs_folder)!r}));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_changed_file_is_named(lungs_folder: Path) -> None:
    (lungs_folder / "card.md").write_text("better than it is", encoding="utf-8")

    assert said(lungs_folder).startswith(
        "A file of the model is not the one that its maker listed: card.md."
    )


def test_missing_file_is_named(lungs_folder: Path) -> None:
    (lungs_folder / "eval.json").unlink()

    assert said(lungs_folder) == "A file of the model is missing: eval.json."


def test_unlisted_file_is_named(lungs_folder: Path) -> None:
    (lungs_folder / "more.md").write_text("x", encoding="utf-8")

    assert said(lungs_folder) == "The model holds a file that its list does not name: more.md."


def test_folder_without_manifest_is_refused(lungs_folder: Path) -> None:
    (lungs_folder / "MANIFEST.sha256").unlink()

    assert said(lungs_folder) == "The model has no list of its files (MANIFEST.sha256)."


def test_link_is_refused(lungs_folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("secret", encoding="utf-8")
    (lungs_folder / "link.md").symlink_to(outside)

    assert said(lungs_folder) == "The model folder holds a link or a special file: link.md."


@pytest.mark.parametrize("name", ["weights.pt", "model.pkl", "step.py", "net.so"])
def test_file_that_could_run_code_is_refused(lungs_folder: Path, name: str) -> None:
    (lungs_folder / name).write_bytes(b"x")

    assert "could run code" in said(lungs_folder)


def test_names_that_differ_only_in_case_are_refused(lungs_folder: Path) -> None:
    (lungs_folder / "CARD.md").write_text("x", encoding="utf-8")

    assert said(lungs_folder) == "Two files of the model differ only in upper and lower case."


def test_huge_description_is_refused(lungs_folder: Path) -> None:
    (lungs_folder / "model.json").write_text(" " * (300 << 10), encoding="utf-8")
    write_manifest(lungs_folder)

    assert said(lungs_folder) == "A file of the model is too large: model.json."


def test_deeply_nested_description_is_refused(lungs_folder: Path) -> None:
    (lungs_folder / "model.json").write_text("[" * 100_000, encoding="utf-8")
    write_manifest(lungs_folder)

    assert said(lungs_folder) == "A file of the model is no readable JSON: model.json."


def test_number_that_is_none_is_refused(lungs_folder: Path) -> None:
    text = (lungs_folder / "model.json").read_text(encoding="utf-8")
    (lungs_folder / "model.json").write_text(text.replace("2.0", "NaN"), encoding="utf-8")
    write_manifest(lungs_folder)

    assert said(lungs_folder) == "A file of the model is no readable JSON: model.json."


def test_newer_schema_is_refused(changed: Changed) -> None:
    assert "made for a newer MedView (medview-model/2)" in said(changed(schema="medview-model/2"))


def test_foreign_description_is_refused(changed: Changed) -> None:
    assert "not a description of a MedView model" in said(changed(schema="MONAI"))


def test_unknown_field_is_refused(changed: Changed) -> None:
    assert "unknown field hook" in said(changed(hook="os.system"))


def test_unknown_step_is_refused(changed: Changed) -> None:
    assert "unknown step eval" in said(changed(pipeline=[{"op": "eval"}]))


def test_unknown_field_of_a_step_is_refused(changed: Changed) -> None:
    assert "unknown field exec" in said(
        changed(pipeline=[{"op": "orient", "axes": "LPS", "exec": "x"}])
    )


def test_unknown_gate_is_refused(changed: Changed) -> None:
    assert "unknown input check mood" in said(changed(gates=[{"check": "mood"}]))


def test_unknown_kind_is_refused(changed: Changed) -> None:
    assert "cannot run models of the kind oracle" in said(changed(kind="oracle"))


@pytest.mark.parametrize("name", ["../evil", "UPPER", "", "a/b", "."])
def test_name_that_is_no_folder_name_is_refused(changed: Changed, name: str) -> None:
    assert "impossible value for name" in said(changed(name=name))


def test_pointer_outside_the_folder_is_refused(changed: Changed) -> None:
    step = {"op": "temperature", "value": "../../etc/passwd#/x"}

    assert "impossible value for value" in said(changed(pipeline=[step]))


def test_missing_weights_are_named(changed: Changed) -> None:
    assert said(changed(pipeline=[NET])) == "The model's weights are missing: weights.safetensors."


def with_weights(changed: Changed, **tensors: np.ndarray) -> Path:
    folder = changed(pipeline=[NET])
    save_file(tensors, folder / "weights.safetensors")
    write_manifest(folder)
    return folder


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_weights_that_are_no_numbers_are_refused(changed: Changed, bad: float, dtype: type) -> None:
    folder = with_weights(changed, a=np.ones(5, dtype), b=np.array([1, bad, 2], dtype))

    assert "numbers that are none (NaN or infinite): b" in said(folder)


def test_sound_weights_open(changed: Changed) -> None:
    assert open_folder(with_weights(changed, a=np.ones((2, 3), np.float32))).name == "lungs"


def test_weights_cut_short_are_refused(changed: Changed) -> None:
    folder = with_weights(changed, a=np.ones(1000, np.float32))
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    write_manifest(folder)

    assert said(folder) == "The weights are damaged or no safetensors file: weights.safetensors."


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff" * 64,
        (1 << 40).to_bytes(8, "little") + b"{}",
        b"\x02\0\0\0\0\0\0\0{}",
        b"\x80\x02cposix\nsystem\n",
    ],
)
def test_weights_that_are_no_safetensors_are_refused(changed: Changed, raw: bytes) -> None:
    folder = with_weights(changed, a=np.ones(3, np.float32))
    (folder / "weights.safetensors").write_bytes(raw)
    write_manifest(folder)

    assert "damaged or no safetensors file" in said(folder)


def test_header_with_a_shape_beyond_the_file_is_refused(changed: Changed) -> None:
    folder = with_weights(changed, a=np.ones(3, np.float32))
    header = json.dumps({"a": {"dtype": "F32", "shape": [2**39, 2**39], "data_offsets": [0, 12]}})
    raw = len(header).to_bytes(8, "little") + header.encode() + bytes(12)
    (folder / "weights.safetensors").write_bytes(raw)
    write_manifest(folder)

    assert "damaged or no safetensors file" in said(folder)


def test_more_weights_than_stated_are_refused(changed: Changed) -> None:
    folder = with_weights(changed, a=np.ones(1000, np.float32))
    changed(limits={"parameters_max": 999})

    assert "larger than it says" in said(folder)


def test_unused_weights_are_refused(lungs_folder: Path) -> None:
    save_file({"a": np.ones(3, np.float32)}, lungs_folder / "weights.safetensors")
    write_manifest(lungs_folder)

    assert "weights that no step uses" in said(lungs_folder)


def test_steps_of_the_schema_are_those_that_the_worker_runs() -> None:
    load_steps()

    assert STEPS.keys() == STEP_FIELDS.keys()
    for op, fields in STEP_FIELDS.items():
        own = {n: p for n, p in signature(STEPS[op].run).parameters.items() if n != "state"}
        assert {name: p.default is p.empty for name, p in own.items()} == {
            name: field.required for name, field in fields.items()
        }


def test_what_is_used_is_what_was_checked(tmp_path):
    """A file that changes between the check and its use is refused, weights and limits alike."""
    copy = tmp_path / "pneumonia-child"
    shutil.copytree(shipped_models_dir() / "pneumonia-child", copy)
    folder = open_folder(copy)
    for name in ("weights.safetensors", "calib.json"):
        raw = bytearray((copy / name).read_bytes())
        raw[-5] ^= 1
        (copy / name).write_bytes(bytes(raw))
    grey = np.random.default_rng(0).random((1, 64, 64)).astype(np.float32)
    film = Volume(geometry=Geometry(shape=(1, 64, 64)), stored=grey)
    with pytest.raises(ModelUnavailable, match="not the one that its maker listed"):
        Pipeline(folder).run(film, no_progress, CancelToken())
    with pytest.raises(ModelUnavailable, match="not the one that its maker listed"):
        folder.calibration()
