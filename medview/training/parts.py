"""The parts of a training's data: what the net learns from, what calibrates it, what judges it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from medview.core.errors import InvalidInput
from medview.core.progress import CancelToken, Progress
from medview.core.words import say, tr
from medview.training.cases import Case, deal, fingerprint, read_cases, require_no_leak
from medview.training.classification import Films, prepare_film
from medview.training.data_checks import near_duplicates, require_unchanged, thumbnail
from medview.training.plan import TrainPlan


@dataclass(frozen=True, eq=False)
class Parts:
    """Cases by part: fit, calibrate and held_out come from `train`; dev is the set's own.

    near: how many cases of a part look like one of another part though they are not the same.
    """

    fit: tuple[Case, ...]
    calibrate: tuple[Case, ...]
    held_out: tuple[Case, ...]
    dev: tuple[Case, ...]
    near: Mapping[str, int]

    def counts(self) -> dict[str, tuple[int, int]]:
        """Cases and patients of each part."""
        parts = {"fit": self.fit, "calibrate": self.calibrate,
                 "held_out": self.held_out, "dev": self.dev}  # fmt: skip
        return {name: (len(p), len({c.patient for c in p})) for name, p in parts.items()}


def learned_hash(cases: Sequence[Case]) -> str:
    """A hash of which cases were learnt from and of their stored voxels, whatever prepares them."""
    told = sorted(f"{case.id}:{fingerprint(case.volume)}" for case in cases)
    return f"sha256:{hashlib.sha256(chr(10).join(told).encode()).hexdigest()}"


def read_parts(plan: TrainPlan, progress: Progress, cancel: CancelToken) -> Parts:
    """Read `train` and `dev` and split `train` by patient.

    Raises InvalidInput when a file is not the one that was listed, a patient or an image stands in
    two parts, or a part is empty.
    """
    require_unchanged(plan.data_folder)
    read: dict[str, list[Case]] = {"train": [], "dev": []}
    for which, cases in read.items():
        for number, case in enumerate(cases_of(plan.data_folder, which, plan.model["outputs"])):
            cancel.check()
            progress(number, 0, tr("Reading the training data"))
            cases.append(case)
    found = _dealt(plan, read["train"])
    found["dev"] = read["dev"]
    require_no_leak(
        {n: [(c.patient, fingerprint(c.volume)) for c in cases] for n, cases in found.items()}
    )
    shares = {"held_out": plan.split.held_out, "calibrate": plan.split.calibrate}
    for name, cases in found.items():
        if not cases and shares.get(name, 1) > 0:
            raise InvalidInput(say("The part {name} of the training data is empty.", name=name))
    looks = {name: [thumbnail(case.volume) for case in cases] for name, cases in found.items()}
    kept = {name: tuple(cases) for name, cases in found.items()}
    return Parts(**kept, near=near_duplicates(looks))


def _dealt(plan: TrainPlan, cases: Sequence[Case]) -> dict[str, list[Case]]:
    shares = {"held_out": plan.split.held_out, "calibrate": plan.split.calibrate}
    to = deal({case.patient for case in cases}, plan.recipe.seed, shares)
    return {name: [c for c in cases if to[c.patient] == name]
            for name in ("fit", "calibrate", "held_out")}  # fmt: skip


def folds_of(plan: TrainPlan, parts: Parts) -> Iterator[Parts]:
    """The parts of each net of a cross-validation: one fold of the patients held out of it.

    The rest is dealt into fit and calibrate as ever. Raises InvalidInput for more folds than
    patients.
    """
    cases = [*parts.fit, *parts.calibrate]
    count, patients = plan.split.folds, {case.patient for case in cases}
    if count > len(patients):
        raise InvalidInput(say("There are fewer patients than folds."))
    names = [f"fold-{number}" for number in range(count)]
    order = deal(patients, plan.recipe.seed + 1, {})  # in the order of their hashes
    fold_of = {p: names[n % count] for n, p in enumerate(order)}
    for name in names:
        inside = _dealt(plan, [case for case in cases if fold_of[case.patient] != name])
        yield replace(
            parts,
            fit=tuple(inside["fit"]),
            calibrate=tuple(inside["calibrate"]),
            held_out=tuple(case for case in cases if fold_of[case.patient] == name),
        )


def cases_of(folder: Path, split: str, outputs: Sequence[Mapping[str, Any]]) -> Iterator[Case]:
    """The cases of a part: of a set with an index.csv, or of a folder of DICOM with SEG."""
    if (folder / "index.csv").is_file():
        return read_cases(folder, split)
    from medview.training.dicom_cases import read_dicom_cases

    return read_dicom_cases(folder, outputs, split)


def films_of(plan: TrainPlan, cases: tuple[Case, ...], cancel: CancelToken) -> Films:
    """Prepared films with their classes. Raises InvalidInput when a class has no case."""
    images, steps = [], plan.steps()
    for case in cases:
        cancel.check()
        images.append(prepare_film(case, steps))
    truth = np.array([case.label in plan.data.positive for case in cases], np.int64)
    if truth.min() == truth.max():
        raise InvalidInput(say("A class of the training data has no case."))
    return Films(np.stack(images), truth, tuple(case.patient for case in cases))
