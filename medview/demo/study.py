"""`make_demo`: everything of the demo study, made beside its folder and put there in one step."""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from medview.core.errors import InvalidInput, WriteFailed
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import say, tr
from medview.demo import people
from medview.demo.body import Body
from medview.demo.exams import FULL, SEED, DemoSize, Suite, earlier_ct, main_ct
from medview.demo.habitus import Habitus
from medview.demo.record import write_record
from medview.demo.truth import numbers_of, write_masks

SCHEMA = "medview.demo/1"
_PARTS = {"images", "record", "truth"}


@dataclass(frozen=True, kw_only=True)
class DemoPaths:
    """Where the parts of a made demo study lie."""

    root: Path
    images: Path
    record: Path
    truth: Path

    @staticmethod
    def below(root: Path) -> DemoPaths:
        """The parts of a demo study in a folder."""
        return DemoPaths(
            root=root, images=root / "images", record=root / "record", truth=root / "truth"
        )


def make_demo(
    out: Path,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    size: DemoSize = FULL,
) -> DemoPaths:
    """Make the demo study in `out`, which may hold an older one, or nothing.

    Raises InvalidInput for a folder with anything else in it, WriteFailed when the disk refuses,
    Cancelled; in every such case `out` is as it was.
    """
    out = out.absolute()
    _require_own(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".medview-demo-", dir=out.parent))
        try:
            _make_all(DemoPaths.below(beside), size, progress, cancel or CancelToken())
            _put(beside, out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise _refusal(error, out) from error
    return DemoPaths.below(out)


def _refusal(error: OSError, out: Path) -> WriteFailed:
    number = _errno_of(error)
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return WriteFailed(
            say("The demo study could not be written: the disk is full."),
            what_to_do=say("Free some space or name another folder with --out."),
            detail=f"errno {number}",
        )
    return WriteFailed(
        say("The demo study could not be written there"),
        str(out),
        say("Name another folder with --out."),
        detail=f"errno {number}",
    )


def _errno_of(error: BaseException | None) -> int | None:
    # pydicom wraps the system's error in one of its own that has no number.
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__ or error.__context__
    return None


def _require_own(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InvalidInput(say("The demo study needs a folder; this is something else."), str(out))
    inside = {p.name for p in out.iterdir()} if out.exists() else set()
    if inside and not (inside <= _PARTS and (out / "truth" / "truth.json").is_file()):
        raise InvalidInput(
            say("This folder holds other files; the demo study is not made there."),
            str(out), say("Name an empty or new folder with --out."),
        )  # fmt: skip


def _make_all(to: DemoPaths, size: DemoSize, progress: Progress, cancel: CancelToken) -> None:
    to.root.chmod(0o755)  # nobody's secrets, unlike what mkdtemp is for
    for folder in (to.images, to.record, to.truth):
        folder.mkdir()
    present, earlier = main_ct(size), earlier_ct(size)
    above = round(sum(present.margin) / size.step_mm)
    total, done = 2 * (size.slices + size.prior_slices) + above + 160, 0

    def step(count: int, what: str) -> None:
        nonlocal done
        cancel.check()
        done = min(done + count, total)
        progress(done, total, what)

    suite = Suite(images=to.images, size=size, step=step, cancel=cancel)
    write_record(to.record)
    suite.child_film()
    body = Body(Habitus(), SEED, size.vessels)
    step(20, tr("Making the patient"))
    before = numbers_of(suite.scan(body, earlier))
    image = suite.scan(body, present)
    suite.scout(image)
    suite.film(image)
    now = {**numbers_of(image), "volumes_ml": write_masks(image, to.truth)}
    document = {"schema": SCHEMA, "note": people.MADE, "ct": now, "earlier_ct": before}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (to.truth / "truth.json").write_text(text + "\n", encoding="utf-8")
    step(total, tr("Writing images"))


def _put(made: Path, out: Path) -> None:
    if not out.exists():
        made.rename(out)
        return
    old = made.with_name(made.name + "-old")
    out.rename(old)
    try:
        made.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
