"""`medview convert`: one stack as a volume file, or one slice as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from medview.cli.output import DONE, IN_PART, complain, print_json, print_lines, progress_for
from medview.core.errors import InvalidInput
from medview.core.study import Holdings, Series, Stack
from medview.core.words import say
from medview.dicom import fill_of, read_frame, scan_with_volumes, write_picture, write_volume
from medview.dicom.evening import evened, is_rectangular
from medview.dicom.volume_files import PICTURE_ENDINGS, VOLUME_ENDINGS
from medview.imaging import Plane, first_window, grey_slice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `medview convert`."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a DICOM file or a folder of them")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE",
        help="what to write; its ending says how: "
        + ", ".join((*VOLUME_ENDINGS, *PICTURE_ENDINGS)),
    )  # fmt: skip
    parser.add_argument("--series", metavar="UID", help="which series, where there are several")
    parser.add_argument("--stack", type=int, metavar="N", help="which stack of it, from 0")
    parser.add_argument(
        "--slice", type=int, metavar="N", help="which slice for a picture, from 0 (middle one)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the file. Status 3 where some slices could not be read and stay blank."""
    ending = args.out.name.lower()
    if not ending.endswith((*VOLUME_ENDINGS, *PICTURE_ENDINGS)):
        endings = ", ".join((*VOLUME_ENDINGS, *PICTURE_ENDINGS))
        raise InvalidInput(
            say("The ending must be one of {endings}.", endings=endings), str(args.out)
        )
    progress = progress_for(args)
    stack = _chosen(scan_with_volumes([args.path], progress), args.series, args.stack)
    _keep_sources(args.out, stack)
    if ending.endswith(PICTURE_ENDINGS):
        return _write_picture(args, stack)
    fill = fill_of(stack)
    fill.run(progress)
    if len(fill.failed) == len(fill.ready):
        raise InvalidInput(next(iter(fill.failed.values())), str(args.path))
    notes = [note.english() for note in stack.notes]
    volume = fill.volume
    if stack.verdict == "duplicates":
        raise InvalidInput(
            say(
                "A stack with {verdict} slices has no grid that such a file can hold.",
                verdict=stack.verdict,
            )
        )
    if not is_rectangular(volume.geometry):
        volume = evened(volume)
        said = say("The stack's slices are resampled to even steps along the normal.")
        notes.append(said.english())
    write_volume(volume, args.out)
    reasons = [f"slice {k}: {reason.english()}" for k, reason in sorted(fill.failed.items())]
    _tell(args, stack, [*notes, *reasons])
    if not fill.failed:
        return DONE
    said = say(
        "{count} {count:slice|slices} could not be read and {count:is|are} blank.",
        count=len(fill.failed),
    )
    return complain(f"{said} {reasons[0]}", IN_PART)


def _keep_sources(out: Path, stack: Stack) -> None:
    """Refuse to write over a file that the stack is read from, by whatever name."""
    if not out.is_file():
        return
    sources = {Path(frame.path) for frame in stack.frames}
    if any(source.is_file() and out.samefile(source) for source in sources):
        raise InvalidInput(
            say("What is read here would be written over."), str(out),
            say("Give the new file another name."),
        )  # fmt: skip


def _write_picture(args: argparse.Namespace, stack: Stack) -> int:
    count = len(stack.frames)
    index = count // 2 if args.slice is None else args.slice
    if not 0 <= index < count:
        raise InvalidInput(
            say("There is no slice {index}; the stack has {count}.", index=index, count=count)
        )
    volume = read_frame(stack, index)
    if args.out.name.lower().endswith(".png"):
        # Rows as they are stored, whatever way round a view would show them.
        as_stored = Plane(name="native", geometry=volume.geometry, normal=0, down=1, right=2)
        write_picture(grey_slice(volume, as_stored, 0, first_window(volume)), args.out)
    else:
        write_volume(volume, args.out)
    _tell(args, stack, [note.english() for note in stack.notes])
    return DONE


def _tell(args: argparse.Namespace, stack: Stack, notes: list[str]) -> None:
    if args.json:
        print_json(
            {
                "schema": "medview.convert/1",
                "file": str(args.out),
                "frames": len(stack.frames),
                "geometry": stack.verdict,
                "notes": notes,
            }
        )
    elif not args.quiet:
        print_lines(str(args.out), *(f"note: {note}" for note in notes))


def _chosen(holdings: Holdings, uid: str | None, number: int | None) -> Stack:
    """The stack that was asked for; without a word, the one with most slices."""
    series = [
        series
        for patient in holdings.patients
        for study in patient.studies
        for series in study.series
        if series.stacks
    ]
    if not series:
        raise InvalidInput(say("There is no image below this path."))
    if uid is not None:
        series = [one for one in series if one.uid == uid]
        if not series:
            raise InvalidInput(say("There is no series with this UID"), uid)
    if uid is None and len(series) > 1:
        listed = "; ".join(f"{one.uid} ({one.modality} {one.description})" for one in series[:8])
        raise InvalidInput(
            say("There are {count} series: name one with --series.", count=len(series)), listed
        )
    return _stack_of(series[0], number)


def _stack_of(series: Series, number: int | None) -> Stack:
    if number is None:
        return max(series.stacks, key=lambda stack: len(stack.frames))
    if not 0 <= number < len(series.stacks):
        raise InvalidInput(
            say(
                "There is no stack {number}; the series has {count}.",
                number=number,
                count=len(series.stacks),
            )
        )
    return series.stacks[number]
