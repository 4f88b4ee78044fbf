"""Spoiled files never crash, hang or show a wrong picture without a word (see fuzz.py)."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fuzz
import fuzz_mutations


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


@pytest.mark.slow
def test_two_thousand_spoiled_files_do_no_harm() -> None:
    summary = fuzz.run(range(2_000), seed=20261121)
    assert summary.finds == []
    assert sum(summary.counts.values()) == 2_000
    assert summary.memory_mb < 2_000
