"""The end of the process: soon after the window's closing, whatever is still being read.

A read from a drive that went away may never return, and Python waits for every thread of a pool
before it ends. So a clock starts when the window closes, and what has not ended by then is left:
the process ends without Python's own good-byes (`os._exit`).

Nothing is lost by that. The reader's work is in its journal from the moment of each change; files
are written whole or not at all (`core.files.write_whole`), the library's index survives a kill at
any moment, shared memory that stays behind is swept at the next start, and the worker's process
ends when nobody speaks to it any more. That the session ended well is noted before anything is
waited for. What is buffered are lines of the log: they get a moment, not more, for the log may
lie on that same drive.
"""

from __future__ import annotations

import logging
import os
import threading

LATEST_S = 2.0  # after the window's closing; what ends well needs less
_FLUSH_S = 0.3


def leave_within(status: int, seconds: float = LATEST_S) -> None:
    """Let the process end by itself for so long, then end it with this status."""
    clock = threading.Timer(seconds, _end, (status,))
    clock.name = "medview-leaving"
    clock.daemon = True  # it keeps no process that ends by itself
    clock.start()


def _end(status: int) -> None:
    logging.getLogger("medview.gui").warning("the end was not waited for: something still reads")
    flush = threading.Thread(target=logging.shutdown, daemon=True)
    flush.start()
    flush.join(_FLUSH_S)
    os._exit(status)
