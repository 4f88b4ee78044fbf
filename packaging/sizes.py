"""Say how large the download will be, before it begins: torch apart, the rest together.

Asks pip what it would fetch (nothing is installed) and each file's server for its length. Where
that cannot be learned the usual sizes are said. Standard library only: it runs before set-up.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

USUAL = (
    "To download: PyTorch 0.2 GB (3 GB where pip takes its CUDA build), the rest about 0.5 GB; "
    "installed about 2.7 GB (6 GB with CUDA)."
)


def planned(root: str, extra: str) -> list[dict[str, object]]:
    """What pip would install, each with its name and address."""
    command = [
        sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed",
        "--report", "-", "--no-build-isolation", "-c", f"{root}/constraints.txt", f"{root}{extra}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=True, timeout=300)
    return list(json.loads(done.stdout)["install"])


def length(item: dict[str, object]) -> int:
    """Bytes of one file, 0 for a folder or where nobody says."""
    download = item["download_info"]
    url = str(download["url"]) if isinstance(download, dict) else ""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "file":
        path = Path(urllib.parse.unquote(parts.path))
        return path.stat().st_size if path.is_file() else 0
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - an address pip would fetch
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return int(answer.headers.get("Content-Length", 0))


def is_torch(item: dict[str, object]) -> bool:
    """Whether a package is PyTorch or comes with its CUDA build."""
    name = str(item["metadata"]["name"]).lower()  # type: ignore[index]
    return name in ("torch", "triton") or name.startswith(("nvidia-", "cuda-"))


def main() -> None:
    """One line on standard output."""
    try:
        items = planned(sys.argv[1], sys.argv[2])
        with ThreadPoolExecutor(8) as pool:
            sizes = list(pool.map(length, items))
    except (OSError, ValueError, KeyError, subprocess.SubprocessError):
        sys.stdout.write(USUAL + "\n")
        return
    torch = sum(size for item, size in zip(items, sizes, strict=True) if is_torch(item))
    cuda = sum(map(is_torch, items)) > 1
    build = "with CUDA" if cuda else "CPU build"
    sys.stdout.write(
        f"To download, less what pip still has: PyTorch {torch / 1e6:.0f} MB ({build}), "
        f"all {len(items)} packages together {sum(sizes) / 1e6:.0f} MB; "
        f"installed about {'6' if cuda else '2.7'} GB.\n"
    )


if __name__ == "__main__":
    main()
