"""One small demo study for the whole room."""

from __future__ import annotations

from pathlib import Path

import pytest

from medview.demo.exams import SMALL
from medview.demo.study import DemoPaths, make_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoPaths:
    """The demo study with coarse voxels, made once."""
    folder: Path = tmp_path_factory.mktemp("demo") / "study"
    return make_demo(folder, size=SMALL)
