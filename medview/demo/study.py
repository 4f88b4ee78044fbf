"""`make_demo`: everything of the demo study, made beside its folder and put there in one step."""

from __future__ import annotations

import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput, WriteFailed
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import say, tr
from medview.demo import people
from medview.demo.body import Body, Pose
from medview.demo.dicom_files import (
    FilmPlan,
    ScanPlan,
    SeriesPlan,
    write_ct_slice,
    write_film,
    write_scout,
)
from medview.demo.habitus import Habitus
from medview.demo.lesions import Nodule, make_nodule
from medview.demo.projection import Beam, line_integrals, radiograph, scout
from medview.demo.record import write_record
from medview.demo.scanner import Model, Protocol, reconstruct, sample_body
from medview.demo.space import Grid
from medview.demo.truth import TruthWriter

SCHEMA = "medview.demo/1"
_SEED = 20260131
_PARTS = {"images", "record", "truth"}


@dataclass(frozen=True, kw_only=True)
class DemoSize:
    """How fine everything is made. pixels: CT matrix; slices and step (mm) of the two CTs;
    film: detector pixels per sample (samples are 0.8 mm); vessels: mm between their ends."""

    pixels: int = 512
    slices: int = 240
    step_mm: float = 1.25
    prior_slices: int = 100
    prior_step_mm: float = 2.5
    film_factor: int = 4
    vessels: float = 11.0


FULL = DemoSize()
SMALL = DemoSize(
    pixels=128, slices=60, step_mm=5.0, prior_slices=25, prior_step_mm=10.0, film_factor=1,
    vessels=26.0,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DemoPaths:
    """Where the parts of a made demo study lie."""

    root: Path
    images: Path
    record: Path
    truth: Path

    @staticmethod
    def below(root: Path) -> DemoPaths:
        """The parts of a demo study in a folder."""
        return DemoPaths(
            root=root, images=root / "images", record=root / "record", truth=root / "truth"
        )


def make_demo(
    out: Path,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    size: DemoSize = FULL,
) -> DemoPaths:
    """Make the demo study in `out`, which may hold an older one, or nothing.

    Raises InvalidInput for a folder with anything else in it, WriteFailed when the disk refuses,
    Cancelled; in every such case `out` is as it was.
    """
    out = out.absolute()
    _require_own(out)
    cancel = cancel or CancelToken()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".medview-demo-", dir=out.parent))
        try:
            beside.chmod(0o755)
            _Maker(DemoPaths.below(beside), size, progress, cancel).make()
            _put(beside, out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise WriteFailed(
            say("The demo study could not be written ({reason}).", reason=error.strerror or "?"),
            what_to_do=say("Free some space or name another folder with --out."),
            detail=type(error).__name__,
        ) from error
    return DemoPaths.below(out)


def _require_own(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InvalidInput(say("The demo study needs a folder; this is something else."), str(out))
    inside = {p.name for p in out.iterdir()} if out.exists() else set()
    if inside and not (inside <= _PARTS and (out / "truth" / "truth.json").is_file()):
        raise InvalidInput(
            say("This folder holds other files; the demo study is not made there."),
            str(out), say("Name an empty or new folder with --out."),
        )  # fmt: skip


def _put(made: Path, out: Path) -> None:
    if out.exists():
        old = made.with_name(made.name + "-old")
        out.rename(old)
        try:
            made.rename(out)
        except OSError:
            old.rename(out)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        made.rename(out)


class _Maker:
    """Makes the parts one after the other; counts slices and films for the progress."""

    def __init__(self, to: DemoPaths, size: DemoSize, progress: Progress, cancel: CancelToken) -> None:
        self.to, self.size, self.cancel = to, size, cancel
        self._progress, self._done = progress, 0
        self.pixel = 372.0 / size.pixels
        self._deep, self._high = round(size.pixels * 0.735), round(420 / size.step_mm)
        self._total = self._high + 2 * size.slices + 2 * size.prior_slices + 400
        self.truth = TruthWriter(to.truth)

    def step(self, count: int, what: str) -> None:
        self.cancel.check()
        self._done += count
        self._progress(min(self._done, self._total), self._total, what)

    def make(self) -> None:
        for folder in (self.to.images, self.to.record, self.to.truth):
            folder.mkdir(parents=True)
        write_record(self.to.record)
        self.child()
        body = Body(Habitus(), _SEED, self.size.vessels)
        self.step(60, tr("Making the patient"))
        self.prior(body)
        self.current(body)
        document = {"schema": SCHEMA, "note": people.MADE, **self.truth.numbers}
        (self.to.truth / "truth.json").write_text(
            json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        self._progress(self._total, self._total, tr("Making the demo study"))

    def current(self, body: Body) -> None:
        """CT, its scout, the film and the masks of the main study."""
        pose = Pose(shift=(2.0, -3.0, -152.0))
        nodule = make_nodule((5.1, 4.05, 4.4), 16, _SEED + 1)
        model = self._sample(body, pose, self._high, self.size.step_mm, nodule, wide=True)
        first = self._high - round(58 / self.size.step_mm) - self.size.slices
        rows = self._rows(model, first, self.size.slices)
        plan = SeriesPlan(exam=people.CT, number=3, description="Lung 1.25 mm (made phantom)", seconds=40)
        scan = ScanPlan(kernel="STANDARD", thickness_mm=self.size.step_mm, mas=110, table_mm=142.0)
        protocol = Protocol(noise=13.0, sharp=1.0, table_y=pose.shift[1] + 136)
        self._write_ct(model, rows, first, protocol, plan, scan)
        self._scout(model)
        self._film(model)
        self.truth.write_ct("ct", plan, model, rows, first, nodule, pose)
        self.step(60, tr("Writing the truth"))

    def prior(self, body: Body) -> None:
        """The earlier CT: coarser, breathed in a little less, lying a little elsewhere."""
        pose = Pose(size=(1.0, 1.005, 0.975), shift=(-5.0, 1.0, -96.0))
        nodule = make_nodule((3.2, 2.8, 2.9), 6, _SEED + 1)
        slices, step = self.size.prior_slices, self.size.prior_step_mm
        high = slices + round(60 / step)
        model = self._sample(body, pose, high, step, nodule, wide=False, low=round(20 / step), count=slices)
        rows = self._rows(model, 0, slices)
        plan = SeriesPlan(exam=people.PRIOR, number=2, description="Chest 2.5 mm (made phantom)", seconds=35)
        scan = ScanPlan(kernel="SOFT", thickness_mm=step, mas=70, table_mm=150.0)
        protocol = Protocol(noise=10.0, sharp=0.8, table_y=pose.shift[1] + 136)
        self._write_ct(model, rows, 0, protocol, plan, scan)
        self.truth.add_numbers("prior", plan, model, rows, nodule, pose)

    def child(self) -> None:
        """The second patient's film."""
        habitus = Habitus(
            fat=0.55, muscle=0.6, heart=1.14, rib_slope=0.55, breasts=False, emphysema=False, dome=22.0
        )
        body = Body(habitus, _SEED + 50, max(14.0, self.size.vessels))
        pose = Pose(size=(0.60, 0.62, 0.56))
        step = 0.8 * (512 / self.size.pixels) ** 0.8
        grid = Grid.of((round(230 / step), round(160 / step), round(260 / step)), (step,) * 3, (0, 0, -18))
        model = sample_body(body, grid, pose, None, self.cancel, self._counted(0))
        self.step(120, tr("Making the second patient"))
        beam = Beam(source=1150.0, behind=False)
        u, v = _detector(206, 232, -22, 0.6 if self.size.film_factor > 1 else 1.6)
        pitch = 0.6 / self.size.film_factor if self.size.film_factor > 1 else 1.6
        film = radiograph(line_integrals(model, beam, u, v, self.cancel), self.size.film_factor, pitch, 8)
        plan = SeriesPlan(exam=people.CHILD_FILM, number=1, description="Chest AP (made phantom)")
        made = FilmPlan(view="AP", orientation=("L", "F"), pitch=pitch, source_mm=1150, kv=66, mas=1.2)
        write_film(film, plan, made, self.to.images / "MV-0002" / "chest-ap.dcm")

    def _film(self, model: Model) -> None:
        beam = Beam(source=1800.0, behind=True)
        step = 0.8 if self.size.film_factor > 1 else 2.4
        u, v = _detector(352, 420, float(model.grid.z.mean()) - 4, step)
        pitch = step / self.size.film_factor
        film = radiograph(line_integrals(model, beam, u, v, self.cancel), self.size.film_factor, pitch, 9)
        plan = SeriesPlan(exam=people.FILM, number=1, description="Chest PA (made phantom)")
        made = FilmPlan(view="PA", orientation=("L", "F"), pitch=pitch, source_mm=1800, kv=125, mas=1.8)
        write_film(film, plan, made, self.to.images / "MV-0001" / "2026-film" / "chest-pa.dcm")
        self.step(80, tr("Making the radiograph"))

    def _scout(self, model: Model) -> None:
        pitch = 0.7 if self.size.pixels > 256 else 2.8
        u, v = _detector(420, 400, float(model.grid.z.mean()), pitch)
        view = line_integrals(model, Beam(source=950, behind=False, parallel_z=True), u, v, self.cancel)
        plan = SeriesPlan(exam=people.CT, number=1, description="Scout AP (made phantom)")
        corner = (float(u[0]), 0.0, float(v[-1]))
        write_scout(scout(view, 4), corner, pitch, plan, self.to.images / "MV-0001" / "2026-ct" / "scout.dcm")
        self.step(80, tr("Making the scout view"))

    def _sample(  # noqa: PLR0913 - the two CTs' only difference
        self, body: Body, pose: Pose, high: int, step: float, nodule: Nodule, *, wide: bool,
        low: int = 0, count: int | None = None,
    ) -> Model:  # fmt: skip
        columns = round(self.size.pixels * 1.17 / 2) * 2 if wide else self.size.pixels
        centre = (0.0, pose.shift[1] + 2.0, pose.shift[2] - 35.0)
        grid = Grid.of((high, self._deep, columns), (self.pixel, self.pixel, step), centre)
        if count is not None:
            grid = grid.slab(low, low + count)
        return sample_body(body, grid, pose, nodule, self.cancel, self._counted(1))

    def _counted(self, weight: int):  # type: ignore[no-untyped-def]
        def done(slices: int) -> None:
            self.step(slices * weight, tr("Making the demo study"))

        return done

    def _rows(self, model: Model, first: int, count: int) -> Grid:
        """The reconstructed grid: the model's columns and rows continued to a square."""
        n, half = self.size.pixels, (len(model.grid.x) - self.size.pixels) // 2
        above = round(0.13 * n)
        y = model.grid.y[0] + (np.arange(n) - above) * np.float32(self.pixel)
        x, z = model.grid.x[half : half + n], model.grid.z[first : first + count]
        return Grid(x=x, y=y.astype(np.float32), z=z)

    def _write_ct(  # noqa: PLR0913
        self, model: Model, rows: Grid, first: int, protocol: Protocol, plan: SeriesPlan, scan: ScanPlan
    ) -> None:
        folder = self.to.images / plan.exam.person.id / f"{plan.exam.day.year}-ct" / f"series-{plan.number}"
        folder.mkdir(parents=True)

        def work(k: int) -> None:
            self.cancel.check()
            image: NDArray[np.int16] = reconstruct(model, rows, protocol, plan.exam.day.toordinal(), first + k)
            write_ct_slice(image, rows, k, plan, scan, folder)

        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(work, range(len(rows.z))):
                self.step(1, tr("Writing images"))


def _detector(wide: float, high: float, middle_v: float, step: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    columns, rows = round(wide / step), round(high / step)
    u = (np.arange(columns) - (columns - 1) / 2) * step
    v = (np.arange(rows) - (rows - 1) / 2) * step + middle_v
    return u.astype(np.float32), v.astype(np.float32)
