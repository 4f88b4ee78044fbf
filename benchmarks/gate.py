"""Who gets past the gate: every series of the corpus per model, and the dev part of its own set.

    python -m benchmarks.gate [--data DIR] [--headers-only] [--models a,b] [--json] [--write]

`--write` puts the table into docs/gate.md (half an hour on two cores).

Three figures a model. `corpus`: stacks of data/imaging that the header's rules let through, and
what the pixels (router, learned distance) said then; one that is not in MADE_FOR is an error.
`forged`: the same stacks as if every header lied rightly: how many the pixels alone refuse.
`kept`: cases of the dev part of the model's own set that neither header nor pixels refuse, with the
exact binomial 95 % interval; at least 95 % are wanted. They are made into DICOM for it: geometry as
it is, modality and body part as the model wants them, an age in the middle of its range; nodules
are asked as the patches that they are. Exit status 1 where a stack got through or too few stayed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from medview.ai.catalogue import read_catalogue
from medview.ai.folder import ModelFolder
from medview.ai.gate import joined, judge, needs_lesion
from medview.ai.worker.consult import ask_router
from medview.ai.worker.pipeline import Pipeline
from medview.core.errors import InputRefused, MedViewError
from medview.core.geometry import VoxelIndex
from medview.core.progress import CancelToken, no_progress
from medview.core.results import Check, GateVerdict
from medview.core.volume import Volume
from medview.session.events import Events
from medview.session.memory import Budget, total_bytes
from medview.session.studies import Place, Studies
from medview.training.cases import read_cases
from medview.training.coverage import binomial_interval

# Folders of the corpus that a model was made for; of each stack there may be several copies.
MADE_FOR = {
    "lungs": ("ct/chest-whole",),
    "nodule": ("ct/chest-whole", "ct/lidc-0001"),
}
SETS = {
    "pneumonia-child": "cxr-pneumonia", "hippocampus": "hippocampus",
    "headneck-oar": "ct-headneck-oar", "nodule": "ct-lung-nodules",
}  # fmt: skip
_DATA = Path(os.environ.get("MEDVIEW_DATA", Path(__file__).parents[2] / "shared" / "data"))
_DIAMETER_MM = 12.0  # of the nodule that is asked about
_LEAST_KEPT = 0.95
_JUDGING = ("ood", "distance")
_CLASSES = {  # SOP classes of what is written
    "CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
}  # fmt: skip


@dataclass
class Row:
    """The figures of one model; wrong: stacks that got through though they should not."""

    model: str
    stacks: int = 0
    by_header: int = 0
    by_pixels: int = 0
    made_for: int = 0
    wrong: list[str] = field(default_factory=list)
    forged: tuple[int, int] = (0, 0)
    forged_through: list[str] = field(default_factory=list)
    kept: tuple[int, int] | None = None
    interval: tuple[float, float] | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing got through and enough stayed."""
        enough = self.kept is None or self.kept[0] >= _LEAST_KEPT * self.kept[1]
        return not self.wrong and enough


class Sweep:
    """The corpus, open once."""

    def __init__(self, corpus: Path) -> None:
        self._corpus = corpus
        self._studies = Studies(Events(), Budget(total_bytes()))
        self._studies.open([corpus])
        self.places = list(self._studies.places())

    def close(self) -> None:
        """Give the memory back."""
        self._studies.close()

    def name(self, place: Place) -> str:
        """Where a stack lies below the corpus."""
        return Path(place.stack.frames[0].path).relative_to(self._corpus).as_posix()

    def volume(self, place: Place) -> Volume | None:
        """Its voxels; None where they cannot be read."""
        try:
            return self._studies.load(place).volume
        except MedViewError:
            return None


def by_header(model: ModelFolder, place: Place) -> GateVerdict:
    """What the header says."""
    diameter = _DIAMETER_MM if needs_lesion(model) else None
    return judge(model, place.patient, place.study, place.series, place.stack, diameter)


def by_pixels(model: Pipeline, routers: list[Pipeline], volume: Volume) -> GateVerdict | None:
    """What routers and the model's own steps say; None where nothing else than a fault came."""
    checks = [ask_router(router, model.folder, volume, CancelToken()) for router in routers]
    if all(check.ok for check in checks):
        try:
            checks += model.run(volume, no_progress, CancelToken()).checks
        except InputRefused as error:
            checks.append(Check("pixels", ok=False, said=error.what, grade="refuse"))
        except (MedViewError, MemoryError, RuntimeError, ValueError):
            return None
    return joined(None, checks) or GateVerdict("accepted", ())


def looking_only(model: ModelFolder) -> Pipeline:
    """A model's steps as far as they judge the picture, without those that answer."""
    ops = [step["op"] for step in model.pipeline]
    judging = [number for number, op in enumerate(ops) if op in _JUDGING]
    last = max(judging, default=-1)
    return Pipeline(model, without=frozenset(ops[last + 1 :]) - frozenset(ops[: last + 1]))


def sweep(model: ModelFolder, corpus: Sweep, routers: list[Pipeline], *, pixels: bool) -> Row:
    """All stacks against one model."""
    row = Row(model.name, stacks=len(corpus.places))
    pipeline = looking_only(model)
    with_pixels = pixels and not needs_lesion(model) and model.kind != "rules"
    refused = asked = 0
    for place in corpus.places:
        name, header = corpus.name(place), by_header(model, place)
        row.by_header += header.verdict == "refused"
        volume = corpus.volume(place) if with_pixels else None
        seen = None if volume is None else by_pixels(pipeline, routers, volume)
        if seen is not None:
            asked += 1
            refused += seen.verdict == "refused"
            row.forged_through += [] if seen.verdict == "refused" else [name]
        if header.verdict == "refused":
            continue
        if name.startswith(MADE_FOR.get(model.name, ())):
            row.made_for += 1
        elif seen is not None and seen.verdict == "refused":
            row.by_pixels += 1
        else:
            row.wrong.append(name)
    row.forged = (refused, asked)
    return row


def keep(model: ModelFolder, routers: list[Pipeline], training: Path, row: Row) -> None:
    """The dev part of the model's own set, through header and pixels."""
    pipeline, kept, cases = looking_only(model), 0, 0
    for case in read_cases(training / SETS[model.name], "dev"):
        cases += 1
        if needs_lesion(model):
            seen = by_pixels(pipeline, [], case.volume)
            kept += seen is None or seen.verdict != "refused"
            continue
        with tempfile.TemporaryDirectory() as folder:
            write_series(case.volume, header_of(model), Path(folder))
            kept += is_kept(pipeline, routers, Path(folder))
    row.kept, row.interval = (kept, cases), binomial_interval(kept, cases)


def is_kept(pipeline: Pipeline, routers: list[Pipeline], folder: Path) -> bool:
    """Whether neither header nor pixels of the one series of a folder are refused."""
    studies = Studies(Events(), Budget(total_bytes()))
    try:
        studies.open([folder])
        (place,) = studies.places()
        if by_header(pipeline.folder, place).verdict == "refused":
            return False
        seen = by_pixels(pipeline, routers, studies.load(place).volume)
        return seen is None or seen.verdict != "refused"
    finally:
        studies.close()


def header_of(model: ModelFolder) -> dict[str, str]:
    """What a header of the model's own kind says, by the model's rules."""
    rules = {rule["check"]: rule for rule in model.gates}
    ages = rules.get("age_years", {"low": 40, "high": 60})
    return {
        "Modality": rules["modality"]["in"][0],
        "BodyPartExamined": rules["body_part"]["in"][0],
        "PatientAge": f"{(ages['low'] + ages['high']) // 2:03d}Y",
        "ViewPosition": rules.get("view", {"in": [""]})["in"][0],
    }


def write_series(volume: Volume, header: dict[str, str], folder: Path) -> None:
    """A volume or film as one original DICOM series, a file a slice."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    grid, shared = volume.geometry, {n: generate_uid() for n in ("Study", "Series")}
    stored = volume.stored.astype(np.int16)
    for k, picture in enumerate(stored):
        d = Dataset()
        d.SOPClassUID, d.SOPInstanceUID = UID(_CLASSES[header["Modality"]]), generate_uid()
        d.StudyInstanceUID, d.SeriesInstanceUID = shared["Study"], shared["Series"]
        d.PatientID, d.InstanceNumber, d.ImageType = "kept", k + 1, ["ORIGINAL", "PRIMARY"]
        for keyword, value in header.items():
            setattr(d, keyword, value)
        if grid.is_spatial:
            d.FrameOfReferenceUID = shared["Study"]
            d.ImagePositionPatient = [round(v, 6) for v in grid.to_patient(VoxelIndex(k, 0, 0))]
            d.ImageOrientationPatient = [*grid.axes[0], *grid.axes[1]]
            d.PixelSpacing = [grid.spacing[1], grid.spacing[0]]
            d.SliceThickness = d.SpacingBetweenSlices = grid.spacing[2]
        d.RescaleSlope, d.RescaleIntercept = volume.slope, volume.intercept
        d.Rows, d.Columns = picture.shape
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
        d.PixelData = picture.tobytes()
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)


def rows(data: Path, wanted: set[str], *, headers_only: bool) -> Iterator[Row]:
    """One row a model."""
    catalogue = read_catalogue()
    routers = [] if headers_only else [Pipeline(router) for router in catalogue.routers]
    corpus = Sweep(data / "imaging")
    try:
        for model in catalogue.for_images:
            if model.kind == "router" or (wanted and model.name not in wanted):
                continue
            row = sweep(model, corpus, routers, pixels=not headers_only)
            if model.name in SETS and not headers_only:
                keep(model, routers, data / "training", row)
            yield row
    finally:
        corpus.close()


def main() -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=_DATA, help="with imaging/ and training/")
    parser.add_argument("--headers-only", action="store_true", help="no network is run")
    parser.add_argument("--models", default="", help="names, parted by commas (default: all)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="the table, into docs/gate.md")
    args = parser.parse_args()
    found = []
    wanted = set(filter(None, args.models.split(",")))
    for row in rows(args.data, wanted, headers_only=args.headers_only):
        found.append(row)
        if not args.json:
            print(_line(row), flush=True)
    if args.json:
        print(json.dumps([{**asdict(row), "holds": row.holds} for row in found], indent=1))
    if args.write:
        write_table(found)
    return 0 if all(row.holds for row in found) else 1


def write_table(found: Sequence[Row]) -> None:
    """docs/gate.md: one row a model, in the words of this module's own text."""
    rule = (__doc__ or "").split("\n\n")[-1].strip().replace("\n", " ")
    heads = ("model", "stacks of the corpus", "refused by the header", "by the pixels", "made for",
             "header forged: refused by pixels", "own cases kept", "95 % interval", "holds",
             "wrongly taken")  # fmt: skip
    about = (
        "Written by `python -m benchmarks.gate --write` on the real files of `data/imaging` and "
        "`data/training`."
    )
    lines = ["# Who gets past the gate", "", about, "", rule, ""]
    lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in found:
        forged = f"{row.forged[0]} of {row.forged[1]}" if row.forged[1] else "-"
        kept = "-" if row.kept is None else f"{row.kept[0]} of {row.kept[1]}"
        interval = "-" if row.interval is None else "{:.3f} to {:.3f}".format(*row.interval)
        verdict = ("yes" if row.holds else "no", ", ".join(row.wrong) or "none")
        counts = (row.stacks, row.by_header, row.by_pixels, row.made_for)
        cells = (row.model, *counts, forged, kept, interval, *verdict)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    path = Path(__file__).parents[1] / "docs" / "gate.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(row: Row) -> str:
    text = (
        f"{row.model}: of {row.stacks} stacks {row.by_header} refused by the header, "
        f"{row.by_pixels} by pixels, {row.made_for} it was made for, {len(row.wrong)} wrongly taken"
    )
    if row.forged[1]:
        text += f"; with headers that lie rightly {row.forged[0]} of {row.forged[1]} refused"
    if row.kept is not None and row.interval is not None:
        low, high = row.interval
        text += f"; kept {row.kept[0]} of {row.kept[1]} of its own ({low:.3f} to {high:.3f})"
    return text + ("" if row.holds else "; DOES NOT HOLD: " + ", ".join(row.wrong))


if __name__ == "__main__":
    sys.exit(main())
