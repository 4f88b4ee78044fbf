"""`medview [PATH…]`: the window."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from medview.core.errors import InvalidInput
from medview.core.words import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, and the picture that may be taken of the window."""
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument("--screenshot", type=Path, metavar="FILE.png")
    parser.add_argument("--size", metavar="WxH")
    parser.add_argument("--tab", choices=("findings", "record", "risk", "report"), default="")
    lines = range(1, 5)  # as `core.layout` names them, which would load numpy before the window
    layouts = [f"{rows}x{columns}" for rows in lines for columns in lines]
    parser.add_argument("--layout", choices=layouts, metavar="ROWSxCOLUMNS", default="")
    parser.add_argument("--analyze", action="store_true", help="run the models that fit")
    parser.add_argument("--language", choices=("en", "zh_CN"), default="")


def run(args: argparse.Namespace) -> int:
    """Open the window; returns when it is closed."""
    for path in args.paths:
        if not _is_there(path):
            raise InvalidInput(say("There is no such file or folder."), str(path))
    if args.screenshot is not None and not args.screenshot.absolute().parent.is_dir():
        raise InvalidInput(say("There is no folder for the picture."), str(args.screenshot.parent))
    from medview.gui.app import Start
    from medview.gui.app import run as run_window

    return run_window(
        Start(
            paths=tuple(args.paths),
            screenshot=args.screenshot,
            size=_size(args.size) if args.size else None,
            tab=args.tab,
            layout=args.layout,
            analyze=args.analyze,
            language=args.language,
        )
    )


def open_window(paths: Sequence[Path]) -> int:
    """The window on some paths, for commands that end in it."""
    from medview.gui.app import Start
    from medview.gui.app import run as run_window

    return run_window(Start(paths=tuple(paths)))


def _is_there(path: Path) -> bool:
    from medview.core.archive import is_there

    return is_there(str(path))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{3,5})x(\d{3,5})", text)
    if match is None:
        raise InvalidInput(say("A size is given as WIDTHxHEIGHT, as in 1600x980."), text)
    return int(match[1]), int(match[2])
