"""A model calibrated on the reader's own decisions, in a process of its own (it needs torch)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from medview.core.errors import MedViewError
from medview.core.progress import CancelToken
from medview.core.words import Sentence, say

_MOST_S, _LOOK_S = 600, 0.1
_one = threading.Lock()  # two would write to the same folder


def calibrate_in_child(name: str, cancel: CancelToken) -> Sentence:
    """Write `<name>-local` beside the user's models, over an earlier one. Blocks.

    Raises MedViewError with what the command said, Cancelled.
    """
    from medview.ai.catalogue import user_models_dir

    out = user_models_dir() / f"{name.removesuffix('-local')}-local"
    new = out.with_name(f".{out.name}.made")
    with _one:
        try:
            _calibrate(name, new, cancel)
            shutil.rmtree(out, ignore_errors=True)
            new.rename(out)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise MedViewError(say("The model could not be calibrated: {why}", why=why)) from error
    return say("Made {name}: choose it instead of the old one.", name=out.name)


def _calibrate(name: str, new: Path, cancel: CancelToken) -> None:
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # -P: the folder the user stands in, perhaps a CD, must not lend its modules.
    command = [sys.executable, "-P", "-m", "medview.cli"]
    command += ["calibrate", name, "local", "--out", str(new)]
    end = time.monotonic() + _MOST_S
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        while True:
            try:
                _, said = child.communicate(timeout=_LOOK_S)
                break
            except subprocess.TimeoutExpired:
                if cancel.is_cancelled or time.monotonic() > end:
                    child.kill()
    cancel.check()
    if time.monotonic() > end:
        raise MedViewError(say("Calibrating took too long and was stopped."))
    if child.returncode:
        last = (said.strip().splitlines() or [""])[-1]
        raise MedViewError(say("The model could not be calibrated: {why}", why=last))
