"""`medview replay`: a recorded session again, with or without a screen."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medview.cli.output import print_json, print_lines
from medview.core.archive import is_there
from medview.core.errors import InvalidInput
from medview.core.words import say

if TYPE_CHECKING:
    from medview.gui.scripts.replayer import StepResult
    from medview.session.script import Script

SCHEMA = "medview.replayed/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command's contract."""
    parser.add_argument("file", type=Path, metavar="FILE.json", help="what MedView recorded")
    parser.add_argument("--screenshot", type=Path, metavar="FILE.png", help="the window at the end")
    parser.add_argument(
        "--on", type=Path, nargs="+", default=[], metavar="PATH", help="open these instead"
    )
    parser.add_argument("--strict", action="store_true", help="end at a step that does not fit")
    parser.add_argument("--stay", action="store_true", help="leave the window open at the end")
    parser.add_argument(
        "--keep", action="store_true", help="keep what the steps make in my own work and settings"
    )


def run(args: argparse.Namespace) -> int:
    """Repeat the steps; 0, or 3 where some did not fit."""
    from medview.session.script import read_script

    script = read_script(args.file)
    for path in args.on:
        if not is_there(str(path)):
            raise InvalidInput(say("There is no such file or folder."), str(path))
    picture: Path | None = args.screenshot
    if picture is not None and not picture.absolute().parent.is_dir():
        raise InvalidInput(say("There is no folder for the picture."), str(picture.parent))
    if args.keep:
        return _repeat(args, script)
    with tempfile.TemporaryDirectory(prefix="medview-replay-") as home:
        os.environ["MEDVIEW_HOME"] = home  # measured again, but not into the reader's work
        return _repeat(args, script)


def _repeat(args: argparse.Namespace, script: Script) -> int:
    from medview.gui.app import Start
    from medview.gui.app import run as run_window
    from medview.gui.scripts.run import ReplayRun

    def told(results: Sequence[StepResult], is_saved: bool) -> None:
        _tell(args, results, is_saved=is_saved)

    replay = ReplayRun(
        script,
        paths=args.on,
        picture=args.screenshot,
        is_strict=args.strict,
        stays=args.stay,
        told=told,
    )
    return run_window(Start(size=script.size, then=replay.begin))


def _tell(args: argparse.Namespace, results: Sequence[StepResult], *, is_saved: bool) -> None:
    done = sum(result.is_done for result in results)
    if args.json:
        steps = [
            {
                "number": result.number,
                "do": result.do,
                "status": "done" if result.is_done else "left out",
                "reason": result.reason or None,
            }
            for result in results
        ]
        picture = str(args.screenshot) if is_saved else None
        print_json({"schema": SCHEMA, "file": str(args.file), "done": done, "steps": steps,
                    "screenshot": picture})  # fmt: skip
        return
    print_lines(
        *(f"{r.number:4} {r.do:22} {r.reason or 'done'}" for r in results),
        f"{done} of {len(results)} steps done",
    )
