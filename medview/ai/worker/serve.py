"""The worker's main loop: jobs from standard input, one at a time, events to the private pipe."""

from __future__ import annotations

import argparse
import os
import queue
import sys
import threading
from collections.abc import Sequence

from medview.ai.protocol import CancelLine, JobLine, Line, StateLine, decode, encode
from medview.ai.worker.confine import claim_stdout, confine
from medview.ai.worker.runner import Runner, load_torch
from medview.core.progress import CancelToken


class Channel:
    """Both ends of the talk: events out, jobs and cancels in (read by a thread of its own)."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._tokens: dict[str, CancelToken] = {}
        self.jobs: queue.SimpleQueue[tuple[JobLine, CancelToken]] = queue.SimpleQueue()

    def send(self, line: Line) -> None:
        """Write one line; ends the process when nobody listens any more."""
        raw = memoryview(encode(line))
        try:
            with self._lock:
                while raw:
                    raw = raw[os.write(self._out, raw) :]
        except OSError:
            os._exit(0)

    def listen(self) -> None:
        """Read lines until the client is gone, then end the process, whatever it is doing."""
        for raw in iter(sys.stdin.buffer.readline, b""):
            try:
                line = decode(raw)
            except (ValueError, KeyError):
                os._exit(2)  # a client of another version: no guessing
            if isinstance(line, JobLine):
                self._tokens = {line.id: CancelToken()}
                self.jobs.put((line, self._tokens[line.id]))
            elif isinstance(line, CancelLine) and line.id in self._tokens:
                self._tokens[line.id].cancel()
        os._exit(0)


def main(arguments: Sequence[str]) -> int:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="medview.ai.worker")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--preload", action="store_true")
    args = parser.parse_args(arguments)
    channel = Channel(claim_stdout())
    confine(args.parent)
    channel.send(StateLine("hello"))
    threading.Thread(target=channel.listen, name="listen", daemon=True).start()
    device = load_torch(args.threads) if args.preload else ""
    channel.send(StateLine("ready", device))
    runner = Runner(channel.send, args.threads)
    while True:
        runner.run(*channel.jobs.get())
