"""`python -m medview.ai.worker.child`: one confined task in a process of its own, then the end.

Not for people. The task stands in `TASKS`; its arguments come as one JSON object on standard input,
its answer goes as one line of JSON to the pipe. Besides what `confine` shuts, it writes only below
the folder that the caller names, and may not take more memory than the caller says.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from medview.ai.worker.confine import claim_stdout, confine
from medview.core.errors import MedViewError
from medview.core.words import say

TASKS = {
    "export": "medview.ai.worker.exporting:export",
    "nnunet-weights": "medview.ai.worker.checkpoint:convert_nnunet",
    "onnx-graph": "medview.ai.worker.onnx_import:convert_onnx",
    "plain-weights": "medview.ai.worker.checkpoint:convert_state_dict",
    "make-selftest": "medview.ai.worker.checkpoint:make_selftest",
    "selftest": "medview.ai.worker.selftest:run_case",
    "selftest-values": "medview.training.value_case:run_case",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "shutil.rmtree", "shutil.move", "shutil.copyfile",
}  # fmt: skip


def keep_writes_below(folder: str) -> None:
    """Refuse to write, remove or rename anything outside a folder; empty: anywhere."""
    root = os.path.realpath(folder) + os.sep if folder else "\0"

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & _WRITES:
            _require_below(root, args[0], event)
        elif event in _CHANGES:
            for path in args[:2]:
                if isinstance(path, str | bytes | Path):
                    _require_below(root, path, event)

    sys.addaudithook(refuse)


def _require_below(root: str, path: object, event: str) -> None:
    if isinstance(path, int) or path == os.devnull:
        return
    if not os.path.realpath(os.fsdecode(str(path))).startswith(root):
        raise PermissionError(event)


def bound_memory(megabytes: int) -> None:
    """The most address space this process may take, where the system has such a limit."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        size = megabytes << 20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def main(arguments: Sequence[str]) -> int:
    """Do one task and say what came of it."""
    parser = argparse.ArgumentParser(prog="medview.ai.worker.child")
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--writes", default="")
    args = parser.parse_args(arguments)
    out = claim_stdout()
    given = json.loads(sys.stdin.buffer.read())
    bound_memory(args.memory_mb)
    confine(args.parent)
    keep_writes_below(args.writes)
    with os.fdopen(out, "wb") as pipe:
        pipe.write(json.dumps(_answer(args.task, given)).encode() + b"\n")
    return 0


def _answer(task: str, given: dict[str, Any]) -> dict[str, Any]:
    module, name = TASKS[task].split(":")
    try:
        run: Callable[..., dict[str, Any]] = getattr(import_module(module), name)
        return {"answer": run(**given)}
    except MedViewError as error:
        advice = None if error.what_to_do is None else error.what_to_do.to_json()
        return {"error": error.what.to_json(), "where": error.where, "advice": advice}
    except MemoryError:
        return {"error": say("Memory did not suffice for this model.").to_json(), "where": ""}
    except Exception as error:  # noqa: BLE001 - the top of a process: what failed is said, not how
        said = say("The model failed inside ({kind}).", kind=type(error).__name__)
        return {"error": said.to_json(), "where": ""}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
