"""The self-test of a model folder: a tiny made input, the answer its maker got, a tolerance.

`selftest/in.npz` and `selftest/out.npz` are plain arrays, read without pickles and within limits.
The test runs in a confined process of its own, so that its time and memory are the model's, and is
remembered by manifest, version of MedView and backend.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medview import __version__
from medview.ai.child import run_child
from medview.core.errors import ModelUnavailable
from medview.core.files import write_private
from medview.core.paths import user_cache_dir
from medview.core.progress import CancelToken
from medview.core.words import Sentence, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medview.ai.folder import ModelFolder

Arrays = Mapping[str, "NDArray[np.generic]"]
IN, OUT = "selftest/in.npz", "selftest/out.npz"
_UNPACKED_MAX = 64 << 20
_ALLOWED_MAX = 0.1  # of a tolerance; more would let another answer pass
_KEPT_MAX = 256
NO_CASE: Mapping[str, Any] = {"state": "none"}
_VALUE_KINDS = ("tabular", "text")


@dataclass(frozen=True)
class SelfTest:
    """state: passed, failed, or none where the folder holds no case.

    seconds: of the run alone, without starting the process; memory_mb: the process's peak, with
    the libraries. off: the largest deviation as a share of what is allowed.
    """

    state: str
    seconds: float = 0.0
    memory_mb: float | None = None
    off: float = 0.0

    @property
    def said(self) -> Sentence:
        """The outcome in words."""
        if self.state == "none":
            return say("no self-test in the folder")
        if self.state == "failed":
            return say("self-test failed: another answer than its maker got")
        if self.memory_mb is None:
            return say("self-test passed, {seconds} s", seconds=f"{self.seconds:.2f}")
        return say("self-test passed, {seconds} s, {memory} MB of memory",
                   seconds=f"{self.seconds:.2f}", memory=f"{self.memory_mb:.0f}")  # fmt: skip


def self_test(
    model: ModelFolder, cancel: CancelToken | None = None, *, again: bool = False
) -> SelfTest:
    """Check networks and run a folder's case, or give what was found for these bytes before.

    Blocks for seconds. Raises ModelUnavailable where the model cannot run at all; Cancelled.
    """
    where = backend("cpu", "torch float32")
    known = remembered(model.manifest_sha256, where)
    if known is not None and not again:
        return known
    task = "selftest-values" if model.kind in _VALUE_KINDS else "selftest"
    answer = run_child(task, {"folder": str(model.path)}, cancel=cancel or CancelToken())
    found = SelfTest(**answer)
    remember(model.manifest_sha256, where, found)
    return found


def backend(device: str, engine: str) -> str:
    """What computes a case, for the memory of outcomes: "cpu torch 2.9.0 float32"."""
    name, _, precision = engine.partition(" ")
    try:
        return f"{device} {name} {version(name)} {precision}"
    except PackageNotFoundError:
        return f"{device} {name} {precision}"


def has_case(folder: Path) -> bool:
    """Whether a folder holds a self-test."""
    return (folder / IN).is_file() and (folder / OUT).is_file()


def require_passed(found: SelfTest) -> None:
    """Raise ModelUnavailable for a self-test that failed."""
    if found.state == "failed":
        raise ModelUnavailable(
            say("The model's self-test gives another answer than its maker got."),
            what_to_do=say("Do not use it; ask its maker for a copy for this version."),
        )


def read_arrays(raw: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays of a case. Raises ModelUnavailable for anything but small arrays of numbers."""
    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > _UNPACKED_MAX:
                raise ModelUnavailable(say("A file of the model is too large."), "selftest")
        with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ModelUnavailable(say("The model's self-test is damaged."), "selftest") from error


def deviation(found: Arrays, wanted: Arrays) -> float:
    """The largest deviation of an answer, as a share of the allowed one; infinite for a lack.

    Raises ModelUnavailable for a case that holds nothing to compare or lets everything pass.
    `tolerance` of the case: largest difference of numbers, measured in their own spread or 1,
    whichever is more; of whole numbers (labels) the share of voxels that may differ.
    """
    import numpy as np

    allowed = _allowed(wanted)
    worst = 0.0
    for name in wanted.keys() - {"tolerance"}:
        own, other = wanted[name], found.get(name)
        if other is None or own.shape != other.shape:
            return float("inf")
        if np.issubdtype(own.dtype, np.integer):
            off = float(np.mean(own != other)) if own.size else 0.0
        else:
            spread = max(1.0, float(np.std(own.astype(np.float64)))) if own.size else 1.0
            gap = np.abs(own.astype(np.float64) - other.astype(np.float64))
            off = float(gap.max()) / spread if own.size else 0.0
        worst = max(worst, off if np.isfinite(off) else float("inf"))
    return worst / allowed


def _allowed(wanted: Arrays) -> float:
    stated = wanted.get("tolerance")
    is_number = stated is not None and stated.size == 1 and stated.dtype.kind == "f"
    allowed = float(stated.item()) if stated is not None and is_number else 0.0
    if not 0 < allowed <= _ALLOWED_MAX or len(wanted) == 1:
        raise ModelUnavailable(say("The model's self-test is damaged."), OUT)
    return allowed


def outcome(off: float, seconds: float) -> Mapping[str, Any]:
    """The fields of a `SelfTest`, with the peak of this process's memory where it is known."""
    return {
        "state": "passed" if off <= 1 else "failed",
        "seconds": seconds,
        "memory_mb": peak_memory_mb(),
        "off": min(off, 1e9),
    }


def peak_memory_mb() -> float | None:
    """The most memory this process has had, in MB (10^6 bytes); None where nobody counts."""
    try:
        import resource
        import sys
    except ImportError:  # not on Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _place() -> Path:
    return user_cache_dir() / "model-selftests.json"


def remembered(manifest_sha256: str, where: str) -> SelfTest | None:
    """What these bytes answered before on a backend, by this version of MedView."""
    return _all_remembered().get(_key(manifest_sha256, where))


def remember(manifest_sha256: str, where: str, found: SelfTest) -> None:
    """Keep an outcome for the next time."""
    known = {**_all_remembered(), _key(manifest_sha256, where): found}
    kept = list(known.items())[-_KEPT_MAX:]
    try:
        write_private(_place(), json.dumps({k: asdict(v) for k, v in kept}))
    except OSError:
        return  # it runs again the next time


def _key(manifest_sha256: str, where: str) -> str:
    return f"{manifest_sha256}:{__version__}:{where}"


def _all_remembered() -> dict[str, SelfTest]:
    try:
        stored: dict[str, Any] = json.loads(_place().read_text(encoding="utf-8"))
        return {key: SelfTest(**found) for key, found in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
