"""Spoils real DICOM files and opens them: no crash, no hang, no silent wrong picture.

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
from fuzz_mutations import corpus, mutated

PATIENCE_S = 60.0  # wall clock, on a machine that others use too
_CHILD = Path(__file__).with_name("fuzz_child.py")
_BAD = ("crash", "hang", "raised", "wrong")


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

    def ask(self, path: Path) -> None:
        """Give it a file."""
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._process = subprocess.Popen(
                [sys.executable, str(_CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            self._rest = b""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n".encode())
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


def judged(child: Child, path: Path, usual: set[str]) -> tuple[str, str, dict[str, Any]]:
    """(how it ended, detail, MedView's answer) of one file; `usual` notes do not excuse."""
    child.ask(path)
    said = child.answer()
    if isinstance(said, str):
        return said, "", {}
    other = child.answer()
    if "raised" in said:
        return "raised", said["raised"], said
    if not said["shown"]:
        kinds = ("unreadable", "ignored", "objects")
        return next((k for k in kinds if said[k]), "raised"), "", said
    if set(said["notes"]) - usual:
        return "noted", "", said
    if isinstance(other, str):  # the reference died, not we
        return "undecided", f"pydicom: {other}", said
    kind = next(iter(other), "undecided")
    return kind, str(other.get(kind, "")), said


def run(cases: range, seed: int, keep: Path | None = None) -> Summary:
    """Open the spoiled files of these cases."""
    files, summary, child = corpus(), Summary(), Child()
    usual: dict[Path, set[str]] = {}
    with tempfile.TemporaryDirectory(prefix="medview-fuzz-") as folder:
        spoiled = Path(folder) / "case.dcm"
        for case in cases:
            path, data = mutated(files, seed, case)
            if path not in usual:
                shutil.copyfile(path, spoiled)
                usual[path] = set(judged(child, spoiled, set())[2].get("notes", ()))
            spoiled.write_bytes(data)
            kind, detail, said = judged(child, spoiled, usual[path])
            summary.counts[kind] += 1
            summary.memory_mb = max(summary.memory_mb, said.get("memory", 0))
            summary.unnamed.update(r for r in said.get("unreadable", ()) if "cannot name" in r)
            if kind == "undecided":
                summary.undecided[detail] += 1
            if kind in _BAD:
                summary.finds.append(Find(case, kind, path.name, detail))
                if keep is not None:
                    shutil.copyfile(spoiled, keep / f"{seed}-{case}-{kind}-{path.name}")
    child.stop()
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
