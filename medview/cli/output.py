"""What commands print: JSON on standard output, progress and complaints on standard error."""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any
from unicodedata import category

from medview.core.progress import Progress, no_progress

DONE, FAILED, WRONG_INPUT, IN_PART, INTERRUPTED = 0, 1, 2, 3, 130
_UNSEEN = frozenset(("Cc", "Cf", "Zl", "Zp"))  # Unicode 4.5: controls, formats, separators


def actions_of(parser: argparse.ArgumentParser) -> Callable[[str, str], argparse.ArgumentParser]:
    """What adds an action to a command, by its name and what it does.

    --json and --quiet may stand after the action too.
    """
    shared = argparse.ArgumentParser(add_help=False)
    for option in ("--json", "--quiet"):  # without undoing them where they stand before it
        shared.add_argument(
            option, action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION", help="what to do; each takes --help"
    )

    def action(name: str, says: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=says, description=says, parents=[shared])

    return action


def complain(sentence: str, status: int) -> int:
    """One sentence on standard error; gives the status back."""
    sys.stderr.write(_shown(sentence.strip()) + "\n")
    return status


def _shown(line: str) -> str:
    """One line that says what it says: names of files may hold commands for the terminal.

    Control characters, ends of lines and signs that turn the direction of writing are replaced;
    what stands for a byte that is no text stays for `write_any_name`.
    """
    return "".join("\ufffd" if c != "\t" and category(c) in _UNSEEN else c for c in line)


def write_any_name() -> None:
    """Let the standard streams take names of files that are no text in this system's encoding.

    Such bytes are written as escapes (`\\udce9`), which JSON reads back as the same name.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(document: Any) -> None:
    """One JSON document, and nothing else, on standard output; what is no number is null."""
    try:
        said = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    except ValueError:  # JSON knows neither NaN nor infinity (RFC 8259 section 6)
        said = json.dumps(_finite(document), ensure_ascii=False, indent=1)
    sys.stdout.write(said + "\n")


def _finite(document: Any) -> Any:
    if isinstance(document, float):
        return document if math.isfinite(document) else None
    if isinstance(document, dict):
        return {key: _finite(value) for key, value in document.items()}
    return (
        [_finite(value) for value in document] if isinstance(document, list | tuple) else document
    )


def print_lines(*lines: str) -> None:
    """Lines for people on standard output."""
    sys.stdout.write("".join(_shown(line) + "\n" for line in lines))


def progress_for(args: argparse.Namespace) -> Progress:
    """A progress line on standard error when it is a terminal and --quiet is not given."""
    if args.quiet or not sys.stderr.isatty():
        return no_progress
    last = 0.0

    def show(done: int, total: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < 0.1 and done != total:
            return
        last = now
        share = f"{100 * done // total:3d} %" if total else f"{done}"
        sys.stderr.write(f"\r\033[K{_shown(what)} {share}" + ("\r\033[K" if done == total else ""))
        sys.stderr.flush()

    return show
