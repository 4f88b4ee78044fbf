"""`medview report`: images, results and record of a study as PDF or text."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from medview.cli.output import DONE, print_json, print_lines, progress_for
from medview.core.archive import is_there
from medview.core.errors import InvalidInput
from medview.core.words import say

if TYPE_CHECKING:
    from medview.report import ReportContent

SCHEMA = "medview.report/1"
_ENDINGS = (".pdf", ".txt")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command's contract."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a study, or a folder of studies")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.pdf|FILE.txt", help="or a folder"
    )
    parser.add_argument("--results", type=Path, metavar="DIR", help="what `analyze` wrote")
    parser.add_argument("--patient", metavar="ID", help="where PATH holds several")
    parser.add_argument("--study", metavar="UID", help="this study instead of the newest")


def run(args: argparse.Namespace) -> int:
    """Write the report of the one patient meant, or one file each into a folder; 0."""
    out: Path = args.out
    into_folder = out.is_dir() or not out.suffix
    if not into_folder and out.suffix.lower() not in _ENDINGS:
        raise InvalidInput(say("The report's name must end in .pdf or .txt."), out.name)
    from medview.dicom import scan

    # The session joins images, results, record and risks; it is heavy and comes after the checks.
    from medview.session.reporting import gather_report

    progress = progress_for(args)
    try:
        reports = gather_report(args.path, args.results, args.patient, args.study, progress)
    except InvalidInput as error:
        if args.patient is None and is_there(str(args.path)) and not scan([args.path]).patients:
            said = say("There is no image below this path.")
            raise InvalidInput(said, str(args.path)) from error
        raise
    if not reports:
        raise InvalidInput(say("There is no patient to report on."), str(args.path))
    if len(reports) > 1 and not into_folder:
        ids = ", ".join(patient for patient, _ in reports)
        raise InvalidInput(
            say("There are several patients here; name one."),
            what_to_do=say(
                "Give --patient ID ({ids}), or a folder as --out for one file each.", ids=ids
            ),
        )
    # Files are numbered: a patient's id has no place in a file name.
    written = [
        (patient, _write(content, out / f"report-{number}.pdf" if into_folder else out))
        for number, (patient, content) in enumerate(reports, start=1)
    ]
    _tell(written, as_json=args.json)
    return DONE


def _write(content: ReportContent, path: Path) -> Path:
    from medview.report import write_pdf, write_text

    if path.suffix.lower() == ".txt":
        return write_text(content, path)
    return write_pdf(content, path)


def _tell(written: list[tuple[str, Path]], *, as_json: bool) -> None:
    if as_json:
        rows = [{"patient": patient, "file": str(path)} for patient, path in written]
        print_json({"schema": SCHEMA, "reports": rows})
    else:
        print_lines(*(f"{path}  {patient}" for patient, path in written))
