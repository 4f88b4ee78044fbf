"""The library: an index of studies in the user's folder, by reference or copy; no Qt.

Front door: `Library` (where it lies), `add`, `studies`, `files_of`, `priors_of`, `set_tags`,
`check`, `clean`, `forget`, `thumbnail`, `Watcher`. What is indexed is never written to.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medview.library.database import Library
    from medview.library.indexing import Added, add
    from medview.library.search import Query, StudyEntry, files_of, studies

__all__ = ["Added", "Library", "Query", "StudyEntry", "add", "files_of", "studies"]

# The children that walk headers import this room too: the modules come when they are first used.
_HOME = {
    "Added": "indexing",
    "Library": "database",
    "Query": "search",
    "StudyEntry": "search",
    "add": "indexing",
    "files_of": "search",
    "studies": "search",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"medview.library.{_HOME[name]}"), name)
