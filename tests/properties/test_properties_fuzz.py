"""Spoiled files never crash, hang or show a wrong picture without a word (see fuzz.py)."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fuzz
import fuzz_child
import fuzz_mutations

from medview.dicom.remembered import known_of


def test_a_case_is_the_same_every_time() -> None:
    files = fuzz_mutations.corpus()
    assert fuzz_mutations.mutated(files, 1, 5) == fuzz_mutations.mutated(files, 1, 5)
    made = {fuzz_mutations.mutated(files, 1, case)[1] for case in range(20)}
    assert len(made) == 20


def test_a_picture_that_is_not_the_file_s_is_a_find(tmp_path: Path) -> None:
    sound = next(p for p in fuzz_mutations.corpus() if p.name.lower().startswith("ct") and p.suffix)
    spoiled = bytearray(sound.read_bytes())
    random.Random(0).shuffle(spoiled)
    (tmp_path / "noise.dcm").write_bytes(spoiled)
    child = fuzz.Child()
    assert fuzz.judged(child, sound, set())[0] in ("equal", "noted")
    assert fuzz.judged(child, tmp_path / "noise.dcm", set())[0] in ("ignored", "unreadable")
    child.stop()


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """The neighbours that the fuzzer makes of a real slice."""
    sound = next(p for p in fuzz_mutations.corpus() if p.name == "CT_small.dcm")
    for k, data in enumerate(fuzz_mutations.neighbours(sound) or ()):
        (tmp_path / f"{k}.dcm").write_bytes(data)
    return tmp_path


@pytest.mark.parametrize("way", ["before the scan", "after the scan", "between two scans"])
def test_every_slice_of_a_series_is_looked_at_as_it_is_shown(series: Path, way: str) -> None:
    ask = {"folder": str(series), "victim": str(series / "2.dcm"), "spoiled": "", "way": way}
    fills = fuzz_child.series_opened(ask)[1]
    assert len(fills) == (2 if way == "between two scans" else 1)
    assert all(known_of(frame) for stack, _ in fills for frame in stack.frames)
    assert fuzz_child.series_compared(fills) == {"equal": True}
    stack, fill = fills[-1]
    fill.volume.stored[3, 5, 5] += 1
    assert fuzz_child.series_compared(fills)["wrong"] == "slice 3: values up to 1 apart"
    fill.volume.stored[3, 5, 5] -= 1
    shutil.copyfile(stack.frames[1].path, stack.frames[2].path)
    assert fuzz_child.series_compared(fills)["wrong"] == "slice 2: another image"


def test_a_spoiled_series_is_judged_by_what_is_shown_of_it(tmp_path: Path) -> None:
    opened = fuzz.Cases(1, tmp_path)
    made = [opened.judged(case) for case in range(3, 43, 4)]
    opened.stop()
    # Which files there are, and so how each ends, is another matter where the real data are absent.
    assert not {kind for _, (kind, *_) in made} & set(fuzz.BAD)
    assert any(name.startswith("series of") and kind == "equal" for name, (kind, *_) in made)


@pytest.mark.slow
def test_two_thousand_spoiled_files_do_no_harm() -> None:
    summary = fuzz.run(range(2_000), seed=20261121)
    assert summary.finds == []
    assert sum(summary.counts.values()) == 2_000
    assert summary.memory_mb < 2_000
