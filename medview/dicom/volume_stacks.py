"""NIfTI, NRRD and MetaImage files as stacks: opened, filled and looked at like any other."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medview.core.archive import split
from medview.core.errors import GeometryError, MedViewError, UnreadableInstance
from medview.core.geometry import FloatArray, Geometry, PatientPoint, Vector
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.shared import SharedBlock
from medview.core.study import FileNote, FrameRef, Holdings, Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.core.words import Sentence, say
from medview.dicom.nifti_head import is_grid_told
from medview.dicom.uids import made_uid
from medview.dicom.walk import is_volume_file

_ELSEWHERE = re.compile(rb"^\s*(?:ElementDataFile\s*=|data ?file\s*:)\s*(.+?)\s*$", re.I | re.M)
_HEAD = 65536
_NIFTI_HEADER = 348
_SLACK = 1 << 20  # extensions after the header
_TIGHTEST = 1100  # deflate packs at most 1032 bytes into one: more is a header that lies
_TYPES = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64)


def with_volume_files(holdings: Holdings) -> Holdings:
    """The holdings with the volume files that were left out, as one nameless patient a folder.

    What carries the name of a volume file and is none goes to the unreadable ones. Files inside
    archives stay left out: their libraries read from the disk alone.
    """
    by_folder: dict[Path, list[Series]] = {}
    ignored, unreadable = [], list(holdings.unreadable)
    for note in holdings.ignored:
        if not is_volume_file(Path(note.path)) or split(note.path) is not None:
            ignored.append(note)
            continue
        try:
            by_folder.setdefault(Path(note.path).parent, []).append(_series(note.path))
        except MedViewError as error:
            unreadable.append(FileNote(path=note.path, reason=error.what.english()))
    return replace(
        holdings,
        patients=(*holdings.patients, *(_patient(*part) for part in by_folder.items())),
        ignored=tuple(ignored),
        unreadable=tuple(unreadable),
    )


def _patient(folder: Path, series: list[Series]) -> Patient:
    uid = made_uid("volume study", str(folder))
    return Patient(id="", studies=(Study(uid=uid, description=folder.name, series=tuple(series)),))


def _series(path: str) -> Series:
    stacks, uid = stacks_of_file(path), made_uid("volume file", path)
    return Series(uid=uid, modality="OT", description=Path(path).name, stacks=stacks)


def stacks_of_file(path: str) -> tuple[Stack, ...]:
    """The volumes of a file, several where it has a fourth axis. Raises UnreadableInstance."""
    reader = _reader(path)
    shape, count = _shape(reader)
    kind = _type_of(reader)
    components = reader.GetNumberOfComponents()
    if kind is None or components not in (1, 3) or (components == 3 and kind != np.uint8):
        raise UnreadableInstance(say("The volume file holds numbers that are no picture."), path)
    told = count * int(np.prod(shape)) * components * np.dtype(kind).itemsize
    if told > _TIGHTEST * Path(path).stat().st_size or not _holds(path, told):
        raise UnreadableInstance(say("The volume file is damaged."), path)
    is_told = not path.lower().endswith((".nii", ".nii.gz")) or is_grid_told(path)
    try:
        geometry = _geometry(reader, shape) if is_told else _no_grid(shape)
    except GeometryError as error:
        raise UnreadableInstance(error.what, path) from error
    verdict = ("regular" if shape[0] > 1 else "single") if is_told else "not-spatial"
    return tuple(
        Stack(
            frames=tuple(FrameRef(path=path, frame=number * shape[0] + k) for k in range(shape[0])),
            geometry=geometry,
            verdict=verdict,
            calibration="patient" if is_told else "none",
            photometric="MONOCHROME2" if components == 1 else "RGB",
            stored_type=str(np.dtype(kind)),
            split_by="TemporalPosition" if count > 1 else None,
            label=say("volume {number}", number=number + 1) if count > 1 else None,
            notes=_NOTES if is_told else (*_NOTES, _NO_GRID),
        )
        for number in range(count)
    )


_NOTES: tuple[Sentence, ...] = (
    say("A volume file: it names no patient, no date and no unit of its numbers."),
)

_NO_GRID = say("The file's sizes of a voxel or its place are no numbers: lengths are in pixels.")


def _reader(path: str) -> Any:
    """SimpleITK's reader after the header. Raises UnreadableInstance."""
    _check_own_data(path)
    sitk = import_module("SimpleITK")  # a third of a second: only where such a file is there
    reader = sitk.ImageFileReader()
    reader.SetFileName(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise UnreadableInstance(say("The volume file is damaged."), path) from error
    return reader


def _check_own_data(path: str) -> None:
    """A header may send its reader to any file of the disk: only to a neighbour by name."""
    if Path(path).suffix.lower() not in (".mha", ".mhd", ".nrrd", ".nhdr"):
        return
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise UnreadableInstance(
            say("The system does not let MedView read this file."), path
        ) from error
    for found in _ELSEWHERE.finditer(head):
        name = found[1].decode("utf-8", "replace").removeprefix("./")
        if name.upper() != "LOCAL" and (
            re.search(r"[/\\]", name) or name.upper().startswith("LIST") or "%" in name
        ):
            raise UnreadableInstance(
                say("The volume file keeps its voxels outside of its own folder."), path
            )


def _holds(path: str, told: int) -> bool:
    """Whether a NIfTI file is as long as its header says: its library fills up with zeros."""
    name = path.lower()
    if not name.endswith((".nii", ".nii.gz")):
        return True
    size = Path(path).stat().st_size
    with Path(path).open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return size >= told + _NIFTI_HEADER
        file.seek(-4, 2)
        length = int.from_bytes(file.read(4), "little")  # of what was packed, modulo 2^32
    if 0 <= (length - told - _NIFTI_HEADER) % (1 << 32) < _SLACK:
        return True
    try:  # several packed parts in one file
        with gzip.open(path) as packed:
            return sum(map(len, iter(lambda: packed.read(1 << 20), b""))) >= told + _NIFTI_HEADER
    except (OSError, EOFError, zlib.error):
        return False


def _shape(reader: Any) -> tuple[tuple[int, int, int], int]:
    """(k, j, i) and how many volumes there are."""
    size = [*map(int, reader.GetSize()), 1, 1, 1]
    i, j, k, count = size[:4]
    return (k, j, i), count


def _type_of(reader: Any) -> type[np.generic] | None:
    sitk = import_module("SimpleITK")
    name = sitk.GetPixelIDValueAsString(reader.GetPixelID()).lower()
    bits = re.search(r"(\d+)-bit (unsigned integer|signed integer|float)", name)
    if bits is None:
        return None
    letter = {"unsigned integer": "u", "signed integer": "i", "float": "f"}[bits[2]]
    wanted = np.dtype(f"{letter}{int(bits[1]) // 8}")
    return next((kind for kind in _TYPES if np.dtype(kind) == wanted), None)


def _geometry(reader: Any, shape: tuple[int, int, int]) -> Geometry:
    spacing = [*reader.GetSpacing(), 1.0, 1.0][:3]
    origin = [*reader.GetOrigin(), 0.0, 0.0][:3]
    direction = np.eye(3)
    own = np.array(reader.GetDirection()).reshape(reader.GetDimension(), -1)
    count = min(3, len(own))
    direction[:count, :count] = own[:count, :count]
    x, y, z = (_vector(direction[:, axis]) for axis in range(3))
    return Geometry(
        shape=shape,
        spacing=_vector(spacing),
        origin=PatientPoint(*map(float, origin)),
        axes=(x, y, z),
        is_spatial=shape[0] > 1,
    )


def _no_grid(shape: tuple[int, int, int]) -> Geometry:
    origin = PatientPoint(0.0, 0.0, 0.0)
    return Geometry(shape=shape, spacing=(1.0, 1.0, 1.0), origin=origin, is_spatial=False)


def _vector(values: Sequence[float] | FloatArray) -> Vector:
    return (float(values[0]), float(values[1]), float(values[2]))


class FileFill:
    """A volume of a volume file, like `VolumeFill`: there at once, filled by `run`.

    Such files are read as a whole: all slices come together.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.failed: dict[int, Sentence] = {}
        self.notes: list[Sentence] = []
        self.ready: NDArray[np.bool_] = np.zeros(len(stack.frames), bool)
        dtype = np.dtype(stack.stored_type)
        colours = (3,) if stack.photometric == "RGB" else ()
        self._shape = (len(stack.frames), *stack.geometry.shape[1:], *colours)
        block = SharedBlock.create(int(np.prod(self._shape, dtype=np.int64)) * dtype.itemsize)
        self.volume = Volume(
            geometry=stack.geometry,
            stored=block.array(self._shape, dtype),
            modality="OT",
            block=block,
        )

    def look_at(self, k: int) -> None:
        """All slices come together."""

    def run(
        self,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
        first: int | None = None,
        on_slice: Callable[[int], None] | None = None,
    ) -> None:
        """Read the file; what it cannot give stays 0 and stands in `failed`. Raises Cancelled."""
        _ = first
        if cancel is not None:
            cancel.check()
        try:
            self._read()
        except MedViewError as error:
            self.failed.update(dict.fromkeys(range(len(self.ready)), error.what))
        if cancel is not None:
            cancel.check()
        self.ready[:] = not self.failed
        for k in range(len(self.ready)):
            if on_slice is not None:
                on_slice(k)
        progress(len(self.ready), len(self.ready), "")

    def _read(self) -> None:
        path = self.stack.frames[0].path
        reader = _reader(path)
        kind = _type_of(reader)
        if kind is None or np.dtype(kind) != self.volume.stored.dtype:
            raise UnreadableInstance(say("The file has changed."), path)
        try:
            image = reader.Execute()
        except RuntimeError as error:
            raise UnreadableInstance(say("The volume file is damaged."), path) from error
        values = import_module("SimpleITK").GetArrayViewFromImage(image)
        values = values.reshape(-1, *self._shape[1:])
        if max(frame.frame for frame in self.stack.frames) >= len(values):
            raise UnreadableInstance(say("The file has changed."), path)
        assert self.volume.block is not None  # noqa: S101 - made above
        with self.volume.block.writer() as writer:
            size = self.volume.stored[0].nbytes
            for k, frame in enumerate(self.stack.frames):
                writer.write(k * size, np.ascontiguousarray(values[frame.frame]).data)


def scan_with_volumes(
    paths: Sequence[Path],
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    leave_out: Mapping[str, FileNote] | None = None,
    glimpse: Callable[[Holdings], None] | None = None,
) -> Holdings:
    """As `scan`, volume files among what can be looked at."""
    from medview.dicom.scanning import scan

    return with_volume_files(scan(paths, progress, cancel, leave_out, glimpse))
