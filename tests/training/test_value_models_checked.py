"""A model on values or texts computes with the weights that were checked, or not at all."""

import shutil
from pathlib import Path

import pytest

from medview.ai.folder import open_folder
from medview.core.errors import ModelUnavailable
from medview.core.paths import shipped_models_dir
from medview.training.value_case import make_case


@pytest.mark.parametrize("name", ["heart-failure-death", "disease-chemical-names"])
def test_weights_that_were_exchanged_after_the_check_are_not_used(
    name: str, tmp_path: Path
) -> None:
    copy = tmp_path / name
    shutil.copytree(shipped_models_dir() / name, copy)
    model = open_folder(copy)
    weights = copy / "weights.safetensors"
    held = bytearray(weights.read_bytes())
    held[-1] ^= 1  # another number, of the same size
    weights.write_bytes(held)

    with pytest.raises(ModelUnavailable, match="not the one that its maker listed"):
        make_case(model)
