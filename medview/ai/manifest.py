"""MANIFEST.sha256: which files a model folder holds, how large, with which hash.

One line a file: hash, size in bytes, relative path, separated by two spaces, sorted by path. It
covers every file but itself and its signature. Its own SHA-256 names the model to the byte.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from medview.ai.signature import MANIFEST, SIGNATURE
from medview.core.errors import ModelUnavailable
from medview.core.files import write_private
from medview.core.words import say

_ABOUT = (MANIFEST, SIGNATURE)  # what the list of files does not hold
_LINE = re.compile(r"([0-9a-f]{64})  (\d{1,12})  ([A-Za-z0-9][A-Za-z0-9._/-]{0,119})")
_FILES_MAX = 64
_TOTAL_MAX = 4 << 30
_MANIFEST_MAX = 64 << 10
# Largest size by ending; an ending that is not here does not belong into a model folder.
_SIZE_MAX = {
    ".json": 16 << 20, ".safetensors": 2 << 30, ".md": 1 << 20, ".npz": 64 << 20,
    ".png": 8 << 20, ".txt": 1 << 20, ".toml": 1 << 20, "": 1 << 20,
}  # fmt: skip
_CODE = {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".ts", ".py", ".pyc", ".so", ".dll", ".joblib"}


def list_files(folder: Path) -> dict[str, int]:
    """Relative path to size of every file below a folder.

    Raises ModelUnavailable for links, special files, names that differ only in case, endings that
    do not belong there, too many or too large files.
    """
    found: dict[str, int] = {}
    for directory, names, files in os.walk(folder):
        for name in [*names, *files]:
            _require_plain(Path(directory, name), folder)
        for name in files:
            path = Path(directory, name)
            found[path.relative_to(folder).as_posix()] = path.lstat().st_size
        if len(found) > _FILES_MAX:
            raise ModelUnavailable(say("The model folder holds too many files."))
    check_names(found)
    return found


def check_names(sizes: Mapping[str, int]) -> None:
    """Raise ModelUnavailable for names or sizes that no model folder may have."""
    if len(sizes) > _FILES_MAX or sum(sizes.values()) > _TOTAL_MAX:
        raise ModelUnavailable(say("The model folder is too large."))
    if len({name.casefold() for name in sizes}) < len(sizes):
        raise ModelUnavailable(say("Two files of the model differ only in upper and lower case."))
    for name, size in sizes.items():
        ending = Path(name).suffix.lower()
        if ending in _CODE:
            raise ModelUnavailable(
                say("The model holds a file that could run code; MedView opens none of these."),
                name,
            )
        if name not in (MANIFEST, SIGNATURE) and ending not in _SIZE_MAX:
            raise ModelUnavailable(say("This file does not belong into a model folder."), name)
        if size > _SIZE_MAX.get(ending, _MANIFEST_MAX):
            raise ModelUnavailable(say("A file of the model is too large."), name)


def _require_plain(path: Path, folder: Path) -> None:
    mode = path.lstat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ModelUnavailable(
            say("The model folder holds a link or a special file."), str(path.relative_to(folder))
        )


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(path: Path) -> None:
    """Make MANIFEST.sha256 for what lies in a folder now; an older one and its signature go."""
    sizes = {name: size for name, size in list_files(path).items() if name not in _ABOUT}
    lines = [f"{_hash_file(path / name)}  {sizes[name]}  {name}\n" for name in sorted(sizes)]
    write_private(path / MANIFEST, "".join(lines))
    (path / MANIFEST).chmod(0o644)  # a model is no patient data, and other users may run it
    (path / SIGNATURE).unlink(missing_ok=True)


def manifest_hash(folder: Path) -> str:
    """The SHA-256 of a folder's manifest as it lies there, empty where there is none."""
    return _hash_file(folder / MANIFEST) if (folder / MANIFEST).is_file() else ""


def check_manifest(folder: Path, keep: str) -> tuple[bytes, bytes]:
    """Check every file against the manifest; returns its bytes and those of the file `keep`.

    What is read again later may be another file by then: whoever needs these two takes them here,
    and `read_checked` compares the bytes of any other with the hash that stood here.
    Raises ModelUnavailable: no manifest, ill-formed, a file more or less, another size or hash.
    """
    sizes = list_files(folder)
    if MANIFEST not in sizes:
        raise ModelUnavailable(say("The model has no list of its files (MANIFEST.sha256)."))
    raw = (folder / MANIFEST).read_bytes()
    stated = _parse(raw)
    sizes = {name: size for name, size in sizes.items() if name not in _ABOUT}
    for name in sorted(stated.keys() - sizes.keys()):
        raise ModelUnavailable(say("A file of the model is missing."), name)
    for name in sorted(sizes.keys() - stated.keys()):
        raise ModelUnavailable(say("The model holds a file that its list does not name."), name)
    kept = b""
    for name, (digest, size) in stated.items():
        if name == keep:
            kept = _read_up_to(folder / name, size)
            found = hashlib.sha256(kept).hexdigest()
        else:
            found = _hash_file(folder / name)
        if sizes[name] != size or found != digest:
            raise _changed(name)
    return raw, kept


def hashes_of(manifest: bytes) -> dict[str, str]:
    """File name to SHA-256, from the bytes of a manifest that was checked."""
    return {name: digest for name, (digest, _) in _parse(manifest).items()}


def read_checked(path: Path, digest: str) -> bytes:
    """The bytes of a file, none but those with this SHA-256: what is used is what was checked.

    Raises ModelUnavailable for other bytes, or where it is gone.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(say("A file of the model is missing."), path.name) from error
    if hashlib.sha256(raw).hexdigest() != digest:
        raise _changed(path.name)
    return raw


def _changed(name: str) -> ModelUnavailable:
    return ModelUnavailable(
        say("A file of the model is not the one that its maker listed."),
        name,
        say("Copy the model again from its source."),
    )


def _read_up_to(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _parse(raw: bytes) -> dict[str, tuple[str, int]]:
    stated: dict[str, tuple[str, int]] = {}
    for line in raw.decode("ascii", "replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None or ".." in match[3] or match[3] in stated:
            raise ModelUnavailable(say("The model's list of files (MANIFEST.sha256) is damaged."))
        stated[match[3]] = (match[1], int(match[2]))
    return stated
