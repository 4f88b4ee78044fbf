"""`medview demo`: make the demo study, and open it if asked."""

from __future__ import annotations

import argparse
from pathlib import Path

from medview.cli.output import DONE, print_json, print_lines, progress_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--out DIR, --open."""
    parser.add_argument(
        "--out", type=Path, default=Path("medview-demo"), metavar="DIR",
        help="a new or empty folder, or an older demo study (default: ./medview-demo)",
    )  # fmt: skip
    parser.add_argument("--open", action="store_true", help="open the window on it")


def run(args: argparse.Namespace) -> int:
    """Make it, say where it is; with --open the window's status is the command's."""
    from medview.demo.study import make_demo

    paths = make_demo(args.out, progress_for(args))
    if args.json:
        parts = {"images": paths.images, "record": paths.record, "truth": paths.truth}
        print_json({"schema": "medview.demo/1", **{k: str(v) for k, v in parts.items()}})
    elif not args.quiet:
        print_lines(f"images  {paths.images}", f"record  {paths.record}", f"truth   {paths.truth}")
    if args.open:
        from medview.cli import window

        return int(window.open_window([paths.root]))
    return DONE
