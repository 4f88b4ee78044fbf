"""The file doctor for window and command: which files are meant, examined and repaired.

Thin: the checks are `dicom.doctor`'s; here stands what joins them with what is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import say

if TYPE_CHECKING:
    from medview.core.study import Holdings, Series
    from medview.dicom.doctor import Examination, Plan, RepairedCopy


def files_of(series: Series) -> tuple[Path, ...]:
    """The files of a series, each once."""
    paths = dict.fromkeys(frame.path for stack in series.stacks for frame in stack.frames)
    return tuple(Path(path) for path in paths)


def unreadable_files(holdings: Holdings) -> tuple[Path, ...]:
    """The files that could not be read, as far as they still are there."""
    return tuple(Path(note.path) for note in holdings.unreadable if Path(note.path).is_file())


def examine(
    paths: Sequence[Path],
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Examination:
    """Every finding below some paths. Blocks; raises InvalidInput and Cancelled."""
    from medview.dicom.doctor import examine as examine_files

    if not paths:
        raise InvalidInput(say("There is no file to examine."))
    return examine_files(paths, progress, cancel)


def plan_repairs(examination: Examination) -> Plan:
    """What repairing would write. Blocks: it looks into each file again."""
    from medview.dicom.doctor import plan_repairs as plan

    return plan(examination)


def repair(
    plan: Plan,
    sources: Sequence[Path],
    out: Path,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> tuple[RepairedCopy, ...]:
    """Write the planned copies. Blocks; raises InvalidInput, WriteFailed and Cancelled."""
    from medview.dicom.doctor import repair as write

    return write(plan, sources, out, progress, cancel)
