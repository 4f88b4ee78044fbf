"""Labelled cases: the forms of labelled data that MedView reads, as volumes with their truth."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medview.core.errors import InvalidInput
from medview.core.geometry import Geometry
from medview.core.volume import Volume
from medview.core.words import say

# What readers of pictures and arrays raise for files that are damaged, locked or made to harm.
DAMAGE = (AttributeError, EOFError, LookupError, NotImplementedError, OSError, RuntimeError,
          TypeError, ValueError, zipfile.BadZipFile, Image.DecompressionBombError)  # fmt: skip
# index growing towards Right, Anterior, Superior (NIfTI) in LPS words
_RAS = ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """One labelled volume or picture of one patient.

    truth: uint8 [k, j, i] on the volume's grid, or None; labels are the values that were looked
    for in it, open_ended those of them that were drawn over a part of their length only: beyond
    their first and last slice nothing is known. label: its class, "" where there is none.
    numbers: what else is known of it, by name. left_out: outlines too large to be what they are
    named, with their mL; they count as not drawn.
    group: the part of the patients it belongs to, "" where nothing is known.
    """

    id: str
    patient: str
    volume: Volume
    truth: NDArray[np.uint8] | None = None
    labels: frozenset[int] = frozenset(range(1, 256))
    open_ended: frozenset[int] = frozenset()
    label: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, float] = field(default_factory=dict)
    group: str = ""


def splits_of(folder: Path) -> tuple[str, ...]:
    """The parts a data folder has."""
    return tuple(sorted(p.stem for p in folder.iterdir() if p.suffix in (".npz", ".zip")))


def read_cases(folder: Path, split: str) -> Iterator[Case]:
    """The cases of one part, in the index's order, one at a time.

    Forms: `<split>.npz` with image_NNN and label_NNN (axes x, y, z growing R, A, S, 1 mm), with
    ct_NNN and mask_NNN (`headneck`) or with nodule patches (`nodule.patches`), or `<split>.zip` of
    grey pictures with their class; index.csv names split and patient (or the group of pictures
    that look alike; without either each picture stands alone).
    Raises InvalidInput for another form, a missing case, numbers that are none, a label on
    another grid, or a class without a case.
    """
    rows = [row for row in _index(folder) if row["split"] == split]
    if not rows:
        known = ", ".join(splits_of(folder)) or "-"
        raise InvalidInput(
            say("The data have no part {split}; they have {known}.", split=split, known=known)
        )
    try:
        if (folder / f"{split}.npz").is_file() and "subject" in rows[0]:
            yield from _volumes(folder / f"{split}.npz", rows)
        elif (folder / f"{split}.npz").is_file() and "structures" in rows[0]:
            from medview.training.headneck import read_planning_ct

            yield from read_planning_ct(folder / f"{split}.npz", rows)
        elif (folder / f"{split}.npz").is_file() and "malignancy_mean" in rows[0]:
            from medview.training.nodule.patches import read_patches

            yield from read_patches(folder / f"{split}.npz", rows)
        elif (folder / f"{split}.zip").is_file() and "file" in rows[0]:
            yield from _pictures(folder / f"{split}.zip", rows)
        else:
            raise InvalidInput(say("These labelled data have a form that MedView does not read."))
    except DAMAGE as error:
        raise InvalidInput(
            say("A case of the labelled data is missing or damaged."), detail=str(error)
        ) from error


def _index(folder: Path) -> list[dict[str, str]]:
    if not (folder / "index.csv").is_file():
        raise InvalidInput(say("There are no labelled data here (index.csv)."), folder.name)
    try:
        # A spreadsheet writes a mark of the encoding before the first name.
        with (folder / "index.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InvalidInput(say("The list of the cases cannot be read."), "index.csv",
                           say("Save it as CSV in UTF-8.")) from error  # fmt: skip
    if not rows or "split" not in rows[0]:
        raise InvalidInput(say("There are no labelled data here (index.csv)."), folder.name)
    return rows


def _volumes(path: Path, rows: list[dict[str, str]]) -> Iterator[Case]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        for row in rows:
            number = f"{int(row['id']):03d}"
            image, label = arrays[f"image_{number}"], arrays[f"label_{number}"]
            if image.shape != label.shape or image.ndim != 3:
                raise InvalidInput(say("A label lies on another grid than its image."), number)
            if not np.all(np.isfinite(image)):
                raise InvalidInput(say("An image holds values that are no numbers."), number)
            yield Case(
                id=number,
                patient=row["subject"],
                volume=ras_volume(image),
                truth=np.ascontiguousarray(_labels(label, number).transpose(2, 1, 0)),
            )


def _labels(label: NDArray[Any], number: str) -> NDArray[np.uint8]:
    """Labels as they are kept. Raises InvalidInput for values that would become another label."""
    with np.errstate(invalid="ignore"):
        kept: NDArray[np.uint8] = label.astype(np.uint8)
    if not np.array_equal(kept, label):
        raise InvalidInput(say("A label holds values that are no whole numbers up to 255."), number)
    return kept


def ras_volume(image: NDArray[np.generic]) -> Volume:
    """A volume of an array [x, y, z] that grows Right, Anterior, Superior by 1 mm."""
    stored = np.ascontiguousarray(image.transpose(2, 1, 0))
    return Volume(
        geometry=Geometry(shape=(stored.shape[0], stored.shape[1], stored.shape[2]), axes=_RAS),
        stored=stored,
        modality="MR",
    )


def _pictures(path: Path, rows: list[dict[str, str]]) -> Iterator[Case]:
    with zipfile.ZipFile(path) as archive:
        for row in rows:
            grey = _grey(archive, row["file"])
            if not row["label"]:
                raise InvalidInput(say("A case of the labelled data has no class."), row["file"])
            yield Case(
                id=row["file"],
                patient=row.get("patient") or row.get("group") or row["file"],
                volume=film_volume(grey),
                label=row["label"],
            )


def _grey(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(archive.read(name))) as picture:
            deep = picture.mode.startswith(("I", "F"))
            grey = np.asarray(picture.convert("L"))
    except DAMAGE as error:
        raise InvalidInput(
            say("A case of the labelled data is missing or damaged."),
            name or "index.csv",
            detail=str(error),
        ) from error
    if deep:
        raise InvalidInput(
            say("A picture of the labelled data has more than 8 bits a pixel."), name,
            say("Save it with 8 bits, so that nothing of it is cut off."),
        )  # fmt: skip
    return grey


def film_volume(grey: NDArray[np.generic]) -> Volume:
    """A volume of one film, [rows, columns]; its pixels have no size in the patient."""
    return Volume(
        geometry=Geometry(shape=(1, grey.shape[0], grey.shape[1]), is_spatial=False),
        stored=grey[None],
        modality="CR",
    )


def fingerprint(volume: Volume) -> str:
    """A hash of the stored voxels and their shape."""
    data = np.ascontiguousarray(volume.stored)
    return hashlib.sha256(repr(data.shape).encode() + data.tobytes()).hexdigest()


def require_no_leak(parts: dict[str, list[tuple[str, str]]]) -> None:
    """Raise InvalidInput when a patient or the very same image stands in two parts.

    parts: name to (patient, fingerprint) of each case.
    """
    owner: dict[str, str] = {}
    for name, entries in parts.items():
        for key in {f"patient {p}" for p, _ in entries} | {f"image {f}" for _, f in entries}:
            if owner.setdefault(key, name) != name:
                raise InvalidInput(
                    say(
                        "A patient or an image stands in two parts of the data ({one}, {other}).",
                        one=owner[key],
                        other=name,
                    )
                )


def deal(patients: set[str], seed: int, shares: Mapping[str, float]) -> dict[str, str]:
    """Patient to part: each named part gets its share of the patients, the rest is `fit`.

    Patients are ordered by a hash of seed and name, so the parts are the same on every machine.
    """
    order = sorted(patients, key=lambda p: hashlib.sha256(f"{seed}:{p}".encode()).digest())
    parts: dict[str, str] = {}
    for name, share in shares.items():
        count = round(share * len(patients))
        parts |= dict.fromkeys(order[len(parts) : len(parts) + count], name)
    return {patient: parts.get(patient, "fit") for patient in order}
