"""Fixtures of the `ai` room: volumes with lungs by formula, model folders in temporary places."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medview.ai.folder import write_manifest
from medview.core.geometry import Geometry, PatientPoint
from medview.core.paths import shipped_models_dir
from medview.core.volume import Volume


@pytest.fixture
def chest() -> Volume:
    """An oval body with two lungs (the right one larger) and a windpipe; 4 mm."""
    k, j, i = np.meshgrid(np.arange(48), np.arange(72), np.arange(96), indexing="ij")
    z, y, x = (k - 24) * 4.0, (j - 36) * 4.0, (i - 48) * 4.0
    stored = np.full(k.shape, -1000, np.int16)
    stored[(x / 170) ** 2 + (y / 120) ** 2 < 1] = 40
    stored[((x + 75) / 55) ** 2 + (y / 75) ** 2 + (z / 80) ** 2 < 1] = -860
    stored[((x - 75) / 45) ** 2 + (y / 75) ** 2 + (z / 75) ** 2 < 1] = -860
    stored[(x**2 + (y - 10) ** 2 < 9**2) & (z > 20)] = -1000
    geometry = Geometry(
        shape=(48, 72, 96), spacing=(4.0, 4.0, 4.0), origin=PatientPoint(-192.0, -144.0, -96.0)
    )
    return Volume(geometry=geometry, stored=stored, unit="HU", modality="CT")


@pytest.fixture
def lungs_folder(tmp_path: Path) -> Path:
    """A copy of the shipped lungs model that a test may damage."""
    folder = tmp_path / "lungs"
    shutil.copytree(shipped_models_dir() / "lungs", folder)
    return folder


@pytest.fixture
def changed(lungs_folder: Path) -> Callable[..., Path]:
    """Write other fields into the copy's model.json and list its files anew."""

    def change(**fields: object) -> Path:
        path = lungs_folder / "model.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}), encoding="utf-8")
        write_manifest(lungs_folder)
        return lungs_folder

    return change
