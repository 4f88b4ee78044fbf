"""A decoder process: `python -m medview.dicom.decoder`, started by `decoders` and by nobody else.

It knows no file: code streams come by the pipe, stored values go to shared memory. Should a
native decoder die of what it was fed, only this process dies.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import numpy as np

from medview.core.errors import MedViewError, UnreadableInstance
from medview.core.shared import LentBlock
from medview.dicom.codecs import decode
from medview.dicom.decoder_pipe import FrameJob, job_of, receive, send
from medview.dicom.stored import Array, as_stored, stored_shape

_NICENESS = 5
_LOOK_FOR_PARENT_S = 1.0


def main() -> int:
    """Decode until nobody asks any more."""
    # A library that prints must not speak into the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    import imagecodecs  # noqa: F401 - half of the time that a first picture would wait

    scratch: Array | None = None
    while True:
        try:
            line, stream = receive(sys.stdin.buffer)
            job = job_of(line)
            shape = stored_shape(job.form)
            if scratch is None or scratch.shape != shape or scratch.dtype != job.form.dtype:
                scratch = np.empty(shape, job.form.dtype)
            send(answers, _answer(job, stream, scratch))
        except (EOFError, OSError):
            return 0


def _end_with(parent: int) -> None:
    """A stream without end must not keep this process alive when the program has gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK_FOR_PARENT_S)
    os._exit(0)


def _answer(job: FrameJob, stream: bytes, scratch: Array) -> dict[str, Any]:
    try:
        with LentBlock(job.block) as block:
            stream = block.read(job.offset, job.packed) if job.packed else stream
            decoded = decode(job.syntax, stream, job.form, job.threads, scratch)
            values = np.ascontiguousarray(as_stored(decoded.values, job.form, scratch))
            block.write(job.offset, values.data)
    except UnreadableInstance as error:
        return {"what": error.what.to_json(), "tag": error.tag, "detail": error.detail}
    except MedViewError as error:
        return {"what": error.what.to_json(), "tag": "", "detail": error.detail}
    return {"is_rgb": decoded.is_rgb}


if __name__ == "__main__":
    sys.exit(main())
