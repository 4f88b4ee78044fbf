"""Spoils real DICOM files and series and opens them: no crash, no hang, no silent wrong picture.

    python tests/properties/fuzz.py --cases 50000 --seed 1 [--keep DIR] [--only CASE]

Each case is opened in a child process with a bound on its memory and a clock beside it. A picture
that MedView shows without a word must be what pydicom decodes from the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from fuzz_mutations import SeriesCase, corpus, is_series, mutated, spoiled_series

PATIENCE_S = 60.0  # wall clock, on a machine that others use too
_CHILD = Path(__file__).with_name("fuzz_child.py")
BAD = ("crash", "hang", "raised", "wrong")  # how no case may end


@dataclass
class Find:
    """A case that must not be."""

    case: int
    kind: str
    file: str
    detail: str


@dataclass
class Summary:
    """How many cases ended how; `finds` must be empty."""

    counts: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    unnamed: Counter[str] = field(default_factory=Counter)
    finds: list[Find] = field(default_factory=list)
    memory_mb: int = 0


class Child:
    """The process that opens files; started again when it has died or hangs."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def ask(self, what: Path | str) -> None:
        """Give it a file, or a series as `fuzz_child` wants it."""
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._process = subprocess.Popen(
                [sys.executable, str(_CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            self._rest = b""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n".encode())
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any] | str:
        """Its next line; "crash" or "hang" where none comes."""
        assert self._process is not None
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        while b"\n" not in self._rest:
            if not select.select([handle], [], [], PATIENCE_S)[0]:
                self.stop()
                return "hang"
            part = os.read(handle, 1 << 16)
            if not part:
                self.stop()
                return "crash"
            self._rest += part
        line, self._rest = self._rest.split(b"\n", 1)
        found: dict[str, Any] = json.loads(line)
        return found

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


def judged(child: Child, what: Path | str, usual: set[str]) -> tuple[str, str, dict[str, Any]]:
    """(how it ended, detail, MedView's answer) of one file; `usual` notes do not excuse."""
    child.ask(what)
    said = child.answer()
    if isinstance(said, str):
        return said, "", {}
    other = child.answer()
    if "raised" in said:
        return "raised", said["raised"], said
    if not said["shown"]:
        kinds = ("unreadable", "ignored", "objects")
        return next((k for k in kinds if said[k]), "raised"), "", said
    # Of a series only what is said of the stack that is wrong excuses it.
    told = said["notes"] if isinstance(what, Path) else _despite(other)
    if set(told) - usual:
        return "noted", "", said
    if isinstance(other, str):  # the reference died, not we
        return "undecided", f"pydicom: {other}", said
    kind = next(iter(other), "undecided")
    return kind, str(other.get(kind, "")), said


def _despite(other: dict[str, Any] | str) -> list[str]:
    return [] if isinstance(other, str) else list(other.get("despite", ()))


class Cases:
    """Opens the spoiled files and series of a seed, in a folder of its own."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.files, self._seed = corpus(), seed
        self._child = Child()
        self._usual: dict[str, set[str]] = {}  # what is said of sound files and series
        self._series = folder / "series"
        self.spoiled = folder / "alone" / "case.dcm"
        for made in (self._series, self.spoiled.parent):
            made.mkdir()

    def judged(self, case: int) -> tuple[str, tuple[str, str, dict[str, Any]]]:
        """The name of the file that a case begins with, and how it ended."""
        series = spoiled_series(self.files, self._seed, case) if is_series(case) else None
        if series is not None:
            return f"series of {series.path.name}", self._judged_series(series)
        path, data = mutated(self.files, self._seed, case)
        if str(path) not in self._usual:
            shutil.copyfile(path, self.spoiled)
            said = judged(self._child, self.spoiled, set())[2]
            self._usual[str(path)] = set(said.get("notes", ()))
        self.spoiled.write_bytes(data)
        return path.name, judged(self._child, self.spoiled, self._usual[str(path)])

    def _judged_series(self, case: SeriesCase) -> tuple[str, str, dict[str, Any]]:
        folder = self._series
        for k, data in enumerate(case.sound):
            (folder / f"{k}.dcm").write_bytes(data)
        self.spoiled.write_bytes(case.spoiled)
        ask = {"folder": str(folder), "victim": str(folder / f"{case.victim}.dcm"), "spoiled": "",
               "way": case.way, "in_place": case.in_place}  # fmt: skip
        usual = f"series of {case.path}"
        if usual not in self._usual:
            said = judged(self._child, json.dumps(ask), set())[2]
            self._usual[usual] = set(said.get("notes", ()))
        asked = json.dumps(ask | {"spoiled": str(self.spoiled)})
        return judged(self._child, asked, self._usual[usual])

    def stop(self) -> None:
        """End the child."""
        self._child.stop()


def run(cases: range, seed: int, keep: Path | None = None) -> Summary:
    """Open the spoiled files and series of these cases."""
    summary = Summary()
    with tempfile.TemporaryDirectory(prefix="medview-fuzz-") as folder:
        opened = Cases(seed, Path(folder))
        for case in cases:
            name, (kind, detail, said) = opened.judged(case)
            summary.counts[kind] += 1
            summary.memory_mb = max(summary.memory_mb, said.get("memory", 0))
            summary.unnamed.update(r for r in said.get("unreadable", ()) if "cannot name" in r)
            if kind == "undecided":
                summary.undecided[detail] += 1
            if kind in BAD:
                summary.finds.append(Find(case, kind, name, detail))
                if keep is not None:
                    shutil.copyfile(opened.spoiled, keep / f"{seed}-{case}-{kind}-{name}")
        opened.stop()
    return summary


def _lines(summary: Summary) -> Iterator[str]:
    yield "  ".join(f"{kind} {count}" for kind, count in summary.counts.most_common())
    yield f"most memory of a child: {summary.memory_mb} MB"
    for title, counted in (("undecided", summary.undecided), ("unnamed", summary.unnamed)):
        yield from (f"{title} {count}: {detail}" for detail, count in counted.most_common(12))
    for find in summary.finds[:60]:
        yield f"FIND case {find.case} {find.kind} {find.file}: {find.detail}"


def main() -> int:
    """Status 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one case alone")
    parser.add_argument("--keep", type=Path, help="a folder for the files that were finds")
    args = parser.parse_args()
    if args.keep is not None:
        args.keep.mkdir(parents=True, exist_ok=True)
    cases = range(args.cases) if args.only is None else range(args.only, args.only + 1)
    summary = run(cases, args.seed, args.keep)
    sys.stdout.write("\n".join(_lines(summary)) + "\n")
    return 1 if summary.finds else 0


if __name__ == "__main__":
    sys.exit(main())
