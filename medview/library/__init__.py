"""The library: an index of studies in the user's folder, by reference or copy; no Qt.

Front door: `Library` (where it lies) and the functions below, which take one; `forgetting` holds
the steps by which a patient goes. What is indexed is never written to.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medview.library.checking import Checked, Cleaned, check, clean, words_of_check
    from medview.library.copying import add_copies
    from medview.library.database import Library, LibraryIsDamaged, LibraryIsNewer
    from medview.library.indexing import Added, add
    from medview.library.keepsake import Root
    from medview.library.labels import known_tags, roots, set_tags, set_watched
    from medview.library.recovery import is_damaged, recover
    from medview.library.search import (
        Query,
        StudyEntry,
        files_of,
        paths_of,
        priors_of,
        priors_of_entry,
        studies,
    )
    from medview.library.thumbnails import keep_thumbnail, stored_thumbnail
    from medview.library.watching import Watcher

__all__ = [
    "Added",
    "Checked",
    "Cleaned",
    "Library",
    "LibraryIsDamaged",
    "LibraryIsNewer",
    "Query",
    "Root",
    "StudyEntry",
    "Watcher",
    "add",
    "add_copies",
    "check",
    "clean",
    "files_of",
    "is_damaged",
    "keep_thumbnail",
    "known_tags",
    "paths_of",
    "priors_of",
    "priors_of_entry",
    "recover",
    "roots",
    "set_tags",
    "set_watched",
    "stored_thumbnail",
    "studies",
    "words_of_check",
]

# The children that walk headers import this room too: the modules come when they are first used.
_HOME = {
    "Added": "indexing",
    "Checked": "checking",
    "Cleaned": "checking",
    "Library": "database",
    "LibraryIsDamaged": "database",
    "LibraryIsNewer": "database",
    "Query": "search",
    "Root": "keepsake",
    "StudyEntry": "search",
    "Watcher": "watching",
    "add": "indexing",
    "add_copies": "copying",
    "check": "checking",
    "clean": "checking",
    "files_of": "search",
    "is_damaged": "recovery",
    "keep_thumbnail": "thumbnails",
    "known_tags": "labels",
    "paths_of": "search",
    "priors_of": "search",
    "priors_of_entry": "search",
    "recover": "recovery",
    "roots": "labels",
    "set_tags": "labels",
    "set_watched": "labels",
    "stored_thumbnail": "thumbnails",
    "studies": "search",
    "words_of_check": "checking",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"medview.library.{_HOME[name]}"), name)
