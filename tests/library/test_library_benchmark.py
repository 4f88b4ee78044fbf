"""What the benchmark of the index compares: both sides write the same rows."""

from __future__ import annotations

from benchmarks.indexing import _by_pydicom, _folder, _ours
from medview.library.database import Library

_COUNTS = (
    "SELECT (SELECT count(*) FROM patient), (SELECT count(*) FROM study),"
    " (SELECT count(*) FROM series), (SELECT count(*) FROM file)"
)


def test_the_peer_of_the_index_writes_the_rows_that_the_index_writes() -> None:
    folder = _folder(100)

    def counts(library: Library) -> tuple[int, ...]:
        with library.connection() as connection:
            found: tuple[int, ...] = tuple(connection.execute(_COUNTS).fetchone())
        return found

    ours = counts(_ours(folder))
    assert ours == counts(_by_pydicom(folder))
    assert ours[-1] == 100
