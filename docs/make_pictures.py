"""Makes the pictures of the README and the guide: true windows on the made demo study.

    .venv/bin/python docs/make_pictures.py [DEMO]

DEMO is a folder of `medview demo`; without it one is made in a temporary folder. The pictures are
grabbed from the real window by `medview --screenshot`, after everything was read and analysed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURES = Path(__file__).resolve().parent / "pictures"
SIZE = "1600x980"


def medview(home: Path, *arguments: str) -> None:
    """Run one command with settings and journals of its own."""
    folders = {f"XDG_{n}_HOME": str(home / n.lower()) for n in ("CONFIG", "DATA", "STATE", "CACHE")}
    environment = {**os.environ, **folders, "HOME": str(home)}
    command = [sys.executable, "-m", "medview.cli", *arguments]
    status = subprocess.run(command, env=environment, check=False).returncode
    if status not in (0, 3):
        raise SystemExit(f"medview {arguments[0]} ended with {status}")


def main() -> None:
    """The three pictures of the README, and one in Chinese for the guide."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        demo = Path(sys.argv[1]) if len(sys.argv) > 1 else home / "demo"
        if not demo.is_dir():
            medview(home, "demo", "--out", str(demo))
        child = demo / "images" / "MV-0002"
        shots = (
            ("main-window", demo, "findings", "en"),
            ("record", demo, "record", "en"),
            ("child-film", child, "findings", "en"),
            ("chinese", demo, "risk", "zh_CN"),
        )
        for name, study, tab, language in shots:
            medview(
                home, str(study), "--screenshot", str(PICTURES / f"{name}.png"), "--size", SIZE,
                "--tab", tab, "--analyze", "--language", language,
            )  # fmt: skip


if __name__ == "__main__":
    main()
