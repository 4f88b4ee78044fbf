"""`medview`: the window, or one command without it."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module

from medview import __version__
from medview.cli.output import FAILED, INTERRUPTED, WRONG_INPUT, complain, write_any_name
from medview.core.errors import Cancelled, InvalidInput, MedViewError
from medview.core.log import start_log
from medview.core.words import say, set_language

# Commands are imported when they are called: `medview --help` must not wait for pydicom.
COMMANDS = {
    "demo": "make the demo study of two invented patients",
    "info": "say what is in files and folders",
    "doctor": "say what is wrong in files, and write repaired copies",
    "convert": "write a stack as NIfTI, NRRD, MetaImage, or a slice as PNG",
    "render": "write the picture that the window would show",
    "analyze": "run the models that fit a study",
    "models": "list, show, check, add or remove model folders",
    "extract": "read documents: mentions, relations, observations",
    "risk": "compute risk scores",
    "report": "write the report as PDF or text",
    "replay": "repeat a recorded session of named actions",
    "library": "index studies: add, list, search, check, forget a patient",
    "evaluate": "measure a model on labelled data",
    "anonymize": "write de-identified copies, with a log of what changed",
    "train": "train a model from its TOML file",
    "calibrate": "fit a model's probabilities to labelled cases of your own",
}
_log = logging.getLogger("medview.cli")


def _command_parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"medview {name}", description=COMMANDS[name])
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    return parser


def _overview() -> str:
    lines = [f"  {name:10} {what}" for name, what in COMMANDS.items()]
    return (
        "usage: medview [PATH...] [--screenshot FILE.png]   open the window\n"
        "       medview COMMAND --help                      the same work without one\n\n"
        "commands:\n" + "\n".join(lines) + "\n\nNot for diagnostic use.\n"
    )


def _dispatch(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in COMMANDS:
        module = import_module(f"medview.cli.{arguments[0]}")
        parser = _command_parser(arguments[0])
        module.add_arguments(parser)
        return int(module.run(parser.parse_args(arguments[1:])))
    if arguments and arguments[0] in ("-h", "--help"):
        sys.stdout.write(_overview())
        return 0
    if arguments and arguments[0] == "--version":
        sys.stdout.write(f"medview {__version__}\n")
        return 0
    if arguments and _is_meant_as_command(arguments[0]):
        raise InvalidInput(
            say("{name} is no command of MedView; `medview --help` lists them.", name=arguments[0])
        )
    window = import_module("medview.cli.window")
    parser = argparse.ArgumentParser(prog="medview")
    window.add_arguments(parser)
    return int(window.run(parser.parse_args(arguments)))


def _is_meant_as_command(word: str) -> bool:
    return re.fullmatch("[a-z]+", word) is not None and not os.path.lexists(word)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status of the contract (0, 1, 2, 3, 130)."""
    start_log()
    write_any_name()
    # Commands speak English unless asked: their output is read by scripts.
    set_language(os.environ.get("MEDVIEW_LANGUAGE", "en"))
    try:
        return _dispatch(arguments)
    except (KeyboardInterrupt, Cancelled):
        return complain("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the top of an operation: log, say, status
        return _explain(error)


def _explain(error: Exception) -> int:
    if isinstance(error, MedViewError):
        _log.error("command refused", extra={"kind": type(error).__name__, "detail": error.detail})
        return complain(error.sentence(), WRONG_INPUT)
    _log.error("command failed", exc_info=error)
    if isinstance(error, OSError):
        said = error.strerror or "The system refused a file"
        return complain(f"{said}: {error.filename or ''}", WRONG_INPUT)
    return complain(f"Something failed inside MedView ({type(error).__name__}).", FAILED)


def entry() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    entry()
