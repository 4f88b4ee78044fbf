"""Starts a confined process for one task (`ai.worker.child`), waits for it, or ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medview.core.errors import ModelUnavailable
from medview.core.machine import available_bytes
from medview.core.progress import CancelToken
from medview.core.words import Sentence, say

_LOOK_EVERY_S = 0.05
_LIBRARIES_MB = 6144  # torch's mappings and threads' stacks, hardly any of it ever touched


def run_child(
    task: str,
    arguments: Mapping[str, Any],
    *,
    cancel: CancelToken,
    writes: Path | None = None,
    memory_mb: int = 16384,
    within_s: float = 300.0,
) -> Mapping[str, Any]:
    """The answer of a task in `ai.worker.child`; it may write below `writes` only.

    memory_mb: the most address space that it may take; never more than is free on this machine,
    with room for what libraries lay claim to and do not use.

    Blocks: not for the window's thread. Raises ModelUnavailable with what the task said, or when
    it died or took too long; Cancelled.
    """
    # -P: the folder the user stands in, perhaps a CD, must not lend its modules.
    command = [sys.executable, "-P", "-m", "medview.ai.worker.child", task]
    free = available_bytes()
    most = memory_mb if free is None else min(memory_mb, _LIBRARIES_MB + (free >> 20))
    command += ["--parent", str(os.getpid()), "--memory-mb", str(most)]
    command += [] if writes is None else ["--writes", str(writes)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )
    try:
        return _answer(_talk(process, json.dumps(arguments).encode(), cancel, within_s))
    finally:
        process.kill()
        process.communicate()


def _talk(
    process: subprocess.Popen[bytes], given: bytes, cancel: CancelToken, within_s: float
) -> bytes:
    until = time.monotonic() + within_s
    words: bytes | None = given
    while True:
        cancel.check()
        if time.monotonic() > until:
            raise ModelUnavailable(say("The model took too long and was ended."))
        try:
            return process.communicate(words, timeout=_LOOK_EVERY_S)[0]
        except subprocess.TimeoutExpired:
            words = None


def _answer(raw: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise ModelUnavailable(
            say("The process that looks at the model ended without an answer."),
            what_to_do=say("The model may need more memory than this machine has."),
        ) from error
    if "error" in document:
        advice = document.get("advice")
        raise ModelUnavailable(
            Sentence.from_json(document["error"]),
            document["where"],
            None if advice is None else Sentence.from_json(advice),
        )
    answer: Mapping[str, Any] = document["answer"]
    return answer
