"""Commands on the curves that a reader draws along vessels; each is named and can be undone."""

from __future__ import annotations

from medview.core.results import CurvePath
from medview.core.words import say
from medview.session.studies import Key
from medview.session.work import Work, WorkBook


def on_stack(work: Work, key: Key) -> tuple[CurvePath, ...]:
    """The curves of a stack, the one that was changed last at the end."""
    return tuple(path for path in work.curves if (path.series_uid, path.stack) == key)


def keep(book: WorkBook, path: CurvePath) -> None:
    """A curve was begun, went on, or a point of it was moved."""
    before = next((known for known in book.work.curves if known.id == path.id), None)
    others = tuple(known for known in book.work.curves if known.id != path.id)
    if before is None:
        name = say("Begin a curve")
    elif len(before.points) < len(path.points):
        name = say("Lead a curve on")
    else:
        name = say("Move a point of a curve")
    book.change(name, curves=(*others, path))


def remove(book: WorkBook, path_id: str) -> None:
    """A curve was deleted."""
    kept = tuple(known for known in book.work.curves if known.id != path_id)
    book.change(say("Delete a curve"), curves=kept)
