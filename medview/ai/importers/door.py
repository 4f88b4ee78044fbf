"""The way in: which form a path holds; weights converted in a child; a checked native folder."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from medview.ai.archive import list_names, unpack
from medview.ai.catalogue import user_models_dir
from medview.ai.child import run_child
from medview.ai.folder import ModelFolder, open_folder
from medview.ai.importers.bundle import find_bundle, read_bundle
from medview.ai.importers.nnunet import find_nnunet, read_nnunet, with_mirrors
from medview.ai.importers.onnx import TASK, find_onnx, read_onnx, with_graph
from medview.ai.importers.wish import Foreign, Wish, with_limits, write_words
from medview.ai.manifest import write_manifest
from medview.core.errors import InvalidInput, ModelUnavailable
from medview.core.progress import CancelToken
from medview.core.words import say

_PICKLES = {".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".ts", ".ptl", ".bin"}
_TOTAL_MAX = 8 << 30
_WITHIN_S = 600.0
_MEMORY_MB = 32768


@contextmanager
def imported(source: Path, wish: Wish, cancel: CancelToken | None = None) -> Iterator[ModelFolder]:
    """A foreign model as a native folder in a temporary place, ready for `catalogue.install`.

    Raises InvalidInput when there is nothing at the path, ModelUnavailable with what stops the
    import, Cancelled.
    """
    if not source.exists():
        raise InvalidInput(say("There is nothing at this path."), str(source))
    root = user_models_dir()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as temporary:
        place = Path(temporary)
        foreign = _read(_as_folder(source, place), wish)
        (place / "model").mkdir()
        yield _built(foreign, place / "model", source.name, cancel or CancelToken())


def _as_folder(source: Path, place: Path) -> Path:
    if source.is_dir():
        _require_plain(source)
        return source
    if source.suffix.lower() in _PICKLES:
        raise ModelUnavailable(
            say("A pickle or TorchScript can run code when it is opened; MedView opens none."),
            source.name,
            say("Import the whole nnU-Net folder or bundle it belongs to."),
        )
    if find_onnx(source) is not None:
        return source
    unpack(source, place / "unpacked", _check_size)
    return place / "unpacked"


def _require_plain(folder: Path) -> None:
    for number, path in enumerate(folder.rglob("*")):
        if number > 20_000:
            raise ModelUnavailable(say("The archive holds too many files."))
        if not stat.S_ISDIR(path.lstat().st_mode) and not stat.S_ISREG(path.lstat().st_mode):
            raise ModelUnavailable(
                say("The model folder holds a link or a special file."), path.name
            )


def _check_size(sizes: Mapping[str, int]) -> None:
    if sum(sizes.values()) > _TOTAL_MAX:
        raise ModelUnavailable(say("The model folder is too large."))
    if len({name.casefold() for name in sizes}) < len(sizes):
        raise ModelUnavailable(say("Two files of the model differ only in upper and lower case."))


def _read(folder: Path, wish: Wish) -> Foreign:
    found = None if folder.is_file() else find_nnunet(folder)
    if found is not None:
        return read_nnunet(found, wish)
    bundle = None if folder.is_file() else find_bundle(folder)
    if bundle is not None:
        return read_bundle(bundle, wish)
    graph = find_onnx(folder)
    if graph is not None:
        return read_onnx(graph, wish)
    raise ModelUnavailable(
        say("This is neither an nnU-Net v2 results folder nor a MONAI bundle nor an ONNX file."),
        folder.name,
    )


def _built(foreign: Foreign, folder: Path, source: str, cancel: CancelToken) -> ModelFolder:
    given: dict[str, Any] = {
        "source": str(foreign.weights),
        "target": str(folder / "weights.safetensors"),
    }
    limits = {"writes": folder, "within_s": _WITHIN_S, "memory_mb": _MEMORY_MB}
    given |= {"names": foreign.names} if foreign.names else {}
    found = run_child(foreign.task, given, cancel=cancel, **limits)  # type: ignore[arg-type]
    if foreign.wish.mirror and "mirror" in found:
        foreign = with_mirrors(foreign, found["mirror"])
    if foreign.task == TASK:
        foreign = with_graph(foreign, found)
        if "calibration" in found:
            (folder / "calib.json").write_text(str(found["calibration"]), encoding="utf-8")
    write_words(folder, foreign, source)
    write_manifest(folder)
    open_folder(folder)
    (folder / "selftest").mkdir()
    made = run_child("make-selftest", {"folder": str(folder)}, cancel=cancel, **limits)  # type: ignore[arg-type]
    write_words(folder, with_limits(foreign, made), source)
    write_manifest(folder)
    return open_folder(folder)


def is_foreign(source: Path) -> bool:
    """Whether a path looks like another program's model; False for all that is no such thing."""
    if source.is_dir():
        is_native = (source / "model.json").is_file()
        return not is_native and bool(
            find_nnunet(source) or find_bundle(source) or find_onnx(source)
        )
    if find_onnx(source) is not None:
        return True
    signs = ("plans.json", "metadata.json")
    return any(
        PurePosixPath(name).name in signs or name.lower().endswith(".onnx")
        for name in list_names(source)
    )
