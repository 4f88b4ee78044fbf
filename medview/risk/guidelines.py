"""The guidelines that advice names, with where they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

from medview.core.paths import resources_dir


@cache
def _guidelines() -> Mapping[str, str]:
    loaded = json.loads((resources_dir() / "guidelines.json").read_text(encoding="utf-8"))
    return {
        name: f"{name}: {row['title']}, {row['reference']}"
        for name, row in loaded["guidelines"].items()
    }


def guideline_of(advice: str) -> str:
    """Title and reference (DOI, or docket) of the guideline that an English advice names, or ""."""
    return next((said for name, said in _guidelines().items() if name in advice), "")
