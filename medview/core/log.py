"""A rotating log without patients: counts and milliseconds, never names, ids, paths or UIDs."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path

from medview.core.paths import user_log_dir

_MOST_BYTES, _OLD_ONES = 1 << 20, 3
_SALT = os.urandom(16)  # of this process: references cannot be matched across runs
_EXTRA_HIDDEN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def anonymous_ref(value: str) -> str:
    """A short reference for one object within one run, from which nothing can be read back."""
    import hashlib

    return hashlib.blake2s(value.encode(), key=_SALT, digest_size=4).hexdigest()


class _Line(logging.Formatter):
    """One line a record; of an exception only its type and the place in our code are kept."""

    def format(self, record: logging.LogRecord) -> str:
        extra = {k: v for k, v in record.__dict__.items() if k not in _EXTRA_HIDDEN}
        said = f"{self.formatTime(record)} {record.levelname} {record.name}: {record.getMessage()}"
        if extra:
            said += " " + " ".join(f"{k}={v}" for k, v in sorted(extra.items()))
        if record.exc_info and record.exc_info[0] is not None:
            said += f" [{record.exc_info[0].__name__}{_places(record)}]"
        return said.replace("\n", " ")


def _places(record: logging.LogRecord) -> str:
    # A third party's message may quote a data element; file names and line numbers may not.
    trace = record.exc_info[2] if record.exc_info else None
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}")  # noqa: PTH119
        trace = trace.tb_next
    return " at " + " ".join(places[-4:]) if places else ""


class _File(logging.FileHandler):
    """A file that begins anew when it is full.

    A full disk costs the line, never a traceback on the reader's terminal. Not the library's
    handler, which loads what speaks with networks before the window is seen.
    """

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        with suppress(OSError, ValueError):
            if self.stream is not None and self.stream.tell() > _MOST_BYTES:
                self.stream.close()
                self.stream = None  # the next line opens it again
                self._put_aside(Path(self.baseFilename))

    @staticmethod
    def _put_aside(path: Path) -> None:
        for number in range(_OLD_ONES, 0, -1):
            older = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
            with suppress(FileNotFoundError):
                older.replace(path.with_name(f"{path.name}.{number}"))
        path.touch(mode=0o600)

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - the base's name
        return


def start_log(level: int = logging.INFO) -> None:
    """Send MedView's records to the user's log folder (1 MB, three old ones kept).

    Where nothing can be written there (home is read-only or full) nothing is kept.
    """
    logger = logging.getLogger("medview")
    logger.setLevel(level)
    logger.propagate = False
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    logger.addHandler(_handler())


def _handler() -> logging.Handler:
    try:
        path = user_log_dir() / "medview.log"
        path.touch(mode=0o600)
        with path.open("ab"):  # one that is there may still be closed to us
            pass
    except OSError:
        return logging.NullHandler()
    handler = _File(path, encoding="utf-8", delay=True)
    handler.setFormatter(_Line())
    return handler
