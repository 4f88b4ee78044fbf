"""Where things lie: the program's own data, and the user's folders (owner-only)."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

_ROOT = Path(__file__).resolve().parents[2]


@cache
def resources_dir() -> Path:
    """`resources/` beside the package, or where MEDVIEW_RESOURCES points."""
    return Path(os.environ.get("MEDVIEW_RESOURCES") or _ROOT / "resources")


@cache
def shipped_models_dir() -> Path:
    """`models/` beside the package, or where MEDVIEW_MODELS points."""
    return Path(os.environ.get("MEDVIEW_MODELS") or _ROOT / "models")


def _private(path: Path) -> Path:
    # On a read-only or full home the folder is just not there: reading finds nothing, and only
    # who writes there gets an OSError and can say what is lost.
    with suppress(OSError):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _user(usual: Path, name: str) -> Path:
    """The system's place for a user's files, or a folder below MEDVIEW_HOME where that is set."""
    home = os.environ.get("MEDVIEW_HOME")
    return _private(Path(home) / name if home else usual)


def user_data_dir() -> Path:
    """The user's models, journals and results; made on first use, for the owner alone."""
    return _user(platformdirs.user_data_path("medview", appauthor=False), "data")


def from_home(path: Path) -> str:
    """A path as people write it: `~` for their own folder."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)


def user_config_dir() -> Path:
    """Settings; made on first use, readable by the owner alone."""
    return _user(platformdirs.user_config_path("medview", appauthor=False), "config")


def user_cache_dir() -> Path:
    """What can be made again (compiled kernels); made on first use, for the owner alone."""
    return _user(platformdirs.user_cache_path("medview", appauthor=False), "cache")


def user_log_dir() -> Path:
    """The rotating log; made on first use, readable by the owner alone."""
    return _user(platformdirs.user_log_path("medview", appauthor=False), "log")
