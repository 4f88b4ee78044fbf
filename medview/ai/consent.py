"""Which models a person agreed to use although no known key signed them, by their manifest's hash.

What ships with MedView needs no consent: whoever can change it can change the program itself.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from medview.ai.folder import ModelFolder
from medview.core.files import write_private
from medview.core.paths import shipped_models_dir, user_config_dir

_SCHEMA = "medview.consent/1"


def may_run(model: ModelFolder) -> bool:
    """Whether a model may look at images: signed by a known key, shipped, or agreed to."""
    if model.signed or model.path.parent == shipped_models_dir():
        return True
    return model.manifest_sha256 in _agreed()


def agree(model: ModelFolder) -> None:
    """Remember that a person wants to use exactly these bytes. Raises OSError."""
    entry = {
        "name": model.name,
        "version": model.version,
        "agreed": datetime.now(UTC).date().isoformat(),
    }
    _write({**_agreed(), model.manifest_sha256: entry})


def withdraw(manifest_sha256: str) -> None:
    """Forget a consent; none was is no fault. Raises OSError."""
    known = _agreed()
    if known.pop(manifest_sha256, None) is not None:
        _write(known)


def _path() -> Path:
    return user_config_dir() / "model-consent.json"


def _agreed() -> dict[str, dict[str, str]]:
    try:
        document = json.loads(_path().read_text(encoding="utf-8"))
        return dict(document["models"]) if document["schema"] == _SCHEMA else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # nobody agreed to anything, or the file is damaged: ask again


def _write(models: dict[str, dict[str, str]]) -> None:
    write_private(_path(), json.dumps({"schema": _SCHEMA, "models": models}, indent=1))
