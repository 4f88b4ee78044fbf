"""Decoder processes: what a native decoder may die of takes one picture along, not the window.

As many processes as there are workers; each decodes one frame at a time and is driven by the
thread that wants the frame. A process that dies makes that frame unreadable and is started anew
for the next one.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path

import numpy as np

from medview.core.errors import MedViewError, UnreadableInstance
from medview.core.shared import SharedBlock
from medview.core.words import Sentence, say
from medview.dicom.codecs import DEFLATED_FRAME, NATIVE, RLE, Decoded
from medview.dicom.decoder_pipe import FrameJob, line_of, receive, send
from medview.dicom.pixel_format import PixelFormat
from medview.dicom.stored import Array, stored_shape

WORKERS = max(1, min(4, os.cpu_count() or 1))
# These are not left to native code: nothing in them can die.
_TAME = NATIVE | {RLE, DEFLATED_FRAME}
# Patience with one frame: twenty times what the slowest decoder needs a value, and its start.
_PATIENCE_S, _PATIENCE_A_VALUE_S = 20.0, 4e-6
_STARVED = 6  # times as long where the machine let it work less than that
_LOOK_EVERY_S = 0.5
_log = logging.getLogger("medview.dicom")


def runs_apart(syntax: str) -> bool:
    """Whether pictures of this transfer syntax are decoded in a process of their own."""
    return syntax not in _TAME


class Decoders:
    """The processes; for several threads at once."""

    def __init__(self, count: int = WORKERS) -> None:
        self._all = [_Decoder() for _ in range(count)]
        self._free: queue.LifoQueue[_Decoder] = queue.LifoQueue()
        for decoder in self._all:
            self._free.put(decoder)
        self._watcher: threading.Thread | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()

    @property
    def pids(self) -> tuple[int, ...]:
        """Process numbers of those that live."""
        return tuple(decoder.pid for decoder in self._all if decoder.pid is not None)

    def start(self) -> None:
        """Start what does not run yet; they are ready half a second later. Returns at once."""
        taken = []
        with contextlib.suppress(queue.Empty):  # who is not free runs
            while True:
                taken.append(self._free.get_nowait())
        for decoder in taken:
            with contextlib.suppress(MedViewError):
                decoder.start()
            self._free.put(decoder)

    def decode_into(self, job: FrameJob, stream: bytes = b"") -> bool:
        """Decode a frame straight to its place; returns whether it is RGB now.

        Raises UnreadableInstance, also when the decoder died of it.
        """
        self._watch()
        decoder = self._free.get()
        try:
            return decoder.decode(job, stream)
        finally:
            self._free.put(decoder)

    def decode(self, syntax: str, stream: bytes, form: PixelFormat, threads: int = 1) -> Decoded:
        """A frame in the stored type, [rows, columns] or with samples; raises as decode_into."""
        self._watch()
        decoder = self._free.get()
        try:
            return decoder.decode_here(syntax, stream, form, threads)
        finally:
            self._free.put(decoder)

    def close(self) -> None:
        """End all processes; a later frame starts them anew."""
        self._closing.set()
        for decoder in self._all:
            decoder.end()

    def _watch(self) -> None:
        with self._lock:
            if self._watcher is None or not self._watcher.is_alive():
                self._closing.clear()
                self._watcher = threading.Thread(
                    target=self._end_the_overdue, name="decoder-watch", daemon=True
                )
                self._watcher.start()

    def _end_the_overdue(self) -> None:
        while not self._closing.wait(_LOOK_EVERY_S):
            for decoder in self._all:
                decoder.end_if_overdue()


@cache
def decoders() -> Decoders:
    """The processes of this program."""
    made = Decoders()
    atexit.register(made.close)
    return made


class _Decoder:
    """One process; it is started when it is needed and started anew after its death."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline = float("inf")
        self._patience = _PATIENCE_S
        self._worked_before: float | None = None  # as the watcher saw it first in this frame
        self._is_overdue = self._is_watched = False

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> subprocess.Popen[bytes]:
        if self._process is not None:
            if self._process.poll() is None:
                return self._process
            self.end()
        # -P: the folder the user stands in, perhaps a CD, must not lend its modules.
        command = [sys.executable, "-P", "-m", "medview.dicom.decoder"]
        try:
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise UnreadableInstance(
                say("The process that decodes pictures could not be started."),
                detail=type(error).__name__,
            ) from error
        return self._process

    def decode(self, job: FrameJob, stream: bytes) -> bool:
        process = self.start()
        values = job.form.rows * job.form.columns * job.form.samples
        self._is_overdue = self._is_watched = False
        patience = _PATIENCE_S + _PATIENCE_A_VALUE_S * values
        self._patience, self._deadline = patience, time.monotonic() + patience
        try:
            assert process.stdin is not None and process.stdout is not None  # noqa: PT018, S101
            send(process.stdin, line_of(job), stream)  # type: ignore[arg-type]
            answer, _ = receive(process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, ValueError):
            self.end()
            _log.warning("decoder died", extra={"status": process.returncode})
            raise UnreadableInstance(self._how_it_died(), tag="(7FE0,0010)") from None
        except BaseException:  # broken off: the answer to come must not be taken for another's
            self.end()
            raise
        finally:
            self._deadline = float("inf")
        if "what" in answer:
            said = Sentence.from_json(answer["what"])
            raise UnreadableInstance(said, tag=answer["tag"], detail=answer["detail"])
        return bool(answer["is_rgb"])

    def decode_here(self, syntax: str, stream: bytes, form: PixelFormat, threads: int) -> Decoded:
        shape = stored_shape(form)
        size = int(np.prod(shape, dtype=np.int64)) * form.dtype.itemsize
        block = SharedBlock.create(size)
        try:
            job = FrameJob(syntax=syntax, form=form, threads=threads, block=block.name, offset=0)
            is_rgb = self.decode(job, stream)
            values: Array = block.array(shape, form.dtype).copy()
        finally:
            block.release()
        return Decoded(values, is_rgb)

    def end_if_overdue(self) -> None:
        process, over = self._process, time.monotonic() - self._deadline
        if process is None or over == -float("inf"):
            return
        if not self._is_watched:  # asked here, and not before every frame: it takes a tenth of a ms
            self._is_watched, self._worked_before = True, _worked_s(process.pid)
        if over <= 0:
            return
        worked = _worked_s(process.pid)
        is_starved = worked is not None and worked - (self._worked_before or 0.0) < self._patience
        if not is_starved or over > (_STARVED - 1) * self._patience:
            self._is_overdue = True
            process.kill()

    def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def _how_it_died(self) -> Sentence:
        if self._is_overdue:
            return say("The compressed pixels keep their decoder busy without end.")
        return say("The decoder of this picture ended unexpectedly; the pixels may be damaged.")


def _worked_s(pid: int) -> float | None:
    """Seconds of processor that a process has had (proc(5)); None where the system tells none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
