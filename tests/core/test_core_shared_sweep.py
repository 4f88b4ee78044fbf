"""Sweeping leaves alone what another user or another container still uses."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from medview.core.shared import SharedBlock, sweep_stale_blocks

SHM = Path("/dev/shm")  # noqa: S108 - where the blocks lie

pytestmark = pytest.mark.skipif(not SHM.is_dir(), reason="shared memory has no files here")


@pytest.fixture
def ended_owner() -> Iterator[Path]:
    """A block's name with the number of a process that does not run."""
    number = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    path = SHM / f"medview-{number}-{secrets.token_hex(6)}"
    yield path
    path.unlink(missing_ok=True)


def test_a_block_that_somebody_still_holds_is_not_swept(ended_owner: Path) -> None:
    # In a container the holder's process number means nothing here.
    block = SharedBlock.create(8)
    (SHM / block.name).rename(ended_owner)

    sweep_stale_blocks()

    assert ended_owner.exists()
    block.release()
    sweep_stale_blocks()
    assert not ended_owner.exists()


def test_a_block_of_another_user_is_left_to_that_user(ended_owner: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only an administrator can make a file of another user")
    # A folder of its own: another process may sweep the common one at this very moment.
    folder = ended_owner.parent / f"test-{os.getpid()}-{ended_owner.name}"
    folder.mkdir()
    folder.chmod(0o777)
    foreign = folder / ended_owner.name
    foreign.write_bytes(b"x")
    foreign.chmod(0o600)
    os.chown(foreign, 65534, 65534)
    code = (
        "import os, sys, pathlib; from medview.core import shared;"
        "shared._SHM = pathlib.Path(sys.argv[1]);"
        "os.setresuid(12345, 12345, 12345); shared.sweep_stale_blocks()"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    is_left = foreign.exists()
    shutil.rmtree(folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert is_left
