"""Set-up tells what is missing, and without rights it changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    shutil.which("dpkg-query") is None, reason="set-up is for Debian and Ubuntu"
)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of commands that stand before the machine's own."""
    folder = tmp_path / "tools"
    folder.mkdir()
    return folder


def command(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def in_set_up(lines: str, tools: Path, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run lines of bash that know the functions of set-up.sh of a checkout."""
    return subprocess.run(
        [
            "/bin/bash",
            "-euo",
            "pipefail",
            "-c",
            f'. "$1/packaging/set-up.sh"\n{lines}',
            "-",
            str(root),
        ],
        env={"PATH": f"{tools}:{os.environ['PATH']}", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_package_that_was_removed_or_never_known_is_missing(tools: Path) -> None:
    command(tools, "dpkg-query", r"printf '\ninstalled libone \nconfig-files libtwo '; exit 1")

    done = in_set_up("missing_packages libone libtwo libthree", tools)

    assert done.stdout.split() == ["libtwo", "libthree"]


def test_the_name_after_the_change_of_time_counts_as_the_old_one(tools: Path) -> None:
    command(tools, "dpkg-query", r"printf '\ninstalled libglib2.0-0t64 '")

    done = in_set_up("missing_packages libglib2.0-0", tools)

    assert done.stdout == ""


def test_without_rights_the_administrators_command_is_named_and_nothing_run(tools: Path) -> None:
    touched = tools / "touched"
    command(tools, "dpkg-query", "exit 1")
    command(tools, "id", "echo 1000")
    command(tools, "sudo", "exit 1")  # asks for a password, and nobody is there to give it
    command(tools, "apt-get", f"touch {touched}")

    done = in_set_up("install_packages libone libtwo", tools)

    assert done.returncode == 2
    assert "apt-get install --no-install-recommends libone libtwo" in done.stderr
    assert not touched.exists()


def test_a_stick_for_another_release_says_so_before_anything_is_changed(tools: Path) -> None:
    touched = tools / "touched"
    root = tools / "stick" / "medview"
    shutil.copytree(ROOT / "packaging", root / "packaging")
    (root.parent / "made-for").write_text("release=buzz\nmachine=i386\npython=3.11\n")
    command(tools, "dpkg-query", "exit 1")
    command(tools, "id", "echo 0")
    command(tools, "apt-get", f"touch {touched}")

    done = in_set_up("install_packages libone", tools, root)

    assert done.returncode == 2
    assert "for buzz i386; this is" in done.stderr
    assert not touched.exists()
