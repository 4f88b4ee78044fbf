"""The examinations of the demo study: what is scanned how, and the files that come of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medview.core.progress import CancelToken
from medview.core.words import tr
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
from medview.demo.scanner import Model, Protocol, Scanner, sample_body
from medview.demo.space import Float, Grid

SEED = 20260131
_FIELD_MM = 372.0  # reconstructed field of view
_TOP_MM = 116.0  # how far above the carina a CT begins
Step = Callable[[int, str], None]


@dataclass(frozen=True, kw_only=True)
class DemoSize:
    """How fine everything is made.

    pixels: CT matrix. slices and step (mm) of the two CTs. film: detector pixels per sample of a
    radiograph. sample_mm: that sample. vessels: mm between the ends of the vessels.
    """

    pixels: int = 512
    slices: int = 240
    step_mm: float = 1.25
    prior_slices: int = 116
    prior_step_mm: float = 2.5
    film: int = 4
    sample_mm: float = 0.8
    vessels: float = 11.5

    @property
    def pixel_mm(self) -> float:
        """CT pixel."""
        return _FIELD_MM / self.pixels


FULL = DemoSize()
SMALL = DemoSize(
    pixels=160, slices=60, step_mm=5.0, prior_slices=29, prior_step_mm=10.0, film=1,
    sample_mm=2.4, vessels=26.0,
)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class CtExam:
    """One CT: how the patient lies, what is in the lung, how it is scanned.

    margin: mm above and below the images that are sampled too, for projections.
    """

    series: SeriesPlan
    header: ScanPlan
    protocol: Protocol
    pose: Pose
    nodule: Nodule
    slices: int
    step_mm: float
    margin: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class CtImage:
    """A scanned body: the sampled box, the reconstructed grid, and its first slice in the box."""

    exam: CtExam
    model: Model
    rows: Grid
    first: int


def main_ct(size: DemoSize) -> CtExam:
    """The CT of today, with the 9 mm nodule."""
    shift = (2.0, -3.0, -152.0)
    return CtExam(
        series=SeriesPlan(exam=people.CT, number=3, description="Lung 1.25 mm", seconds=40),
        header=ScanPlan(kernel="STANDARD", thickness_mm=size.step_mm, mas=110, table_mm=142.0),
        protocol=Protocol(noise=13.0, sharp=1.0, table_y=shift[1] + 136),
        pose=Pose(shift=shift),
        nodule=make_nodule((5.1, 4.05, 4.4), 20, SEED + 2),
        slices=size.slices,
        step_mm=size.step_mm,
        margin=(46.0, 62.0),
    )


def earlier_ct(size: DemoSize) -> CtExam:
    """The CT of 2024: coarser, less breathed in, lying elsewhere, and a nodule of 6 mm."""
    shift = (-5.0, 1.0, -96.0)
    return CtExam(
        series=SeriesPlan(exam=people.PRIOR, number=2, description="Chest 2.5 mm", seconds=35),
        header=ScanPlan(kernel="SOFT", thickness_mm=size.prior_step_mm, mas=70, table_mm=150.0),
        protocol=Protocol(noise=10.0, sharp=0.8, table_y=shift[1] + 136),
        pose=Pose(size=(1.0, 1.005, 0.975), shift=shift),
        nodule=make_nodule((3.2, 2.8, 2.9), 8, SEED + 2),
        slices=size.prior_slices,
        step_mm=size.prior_step_mm,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Suite:
    """Where films and scans are made: the image folder, how fine, whom to tell, when to stop."""

    images: Path
    size: DemoSize
    step: Step
    cancel: CancelToken

    def scan(self, body: Body, exam: CtExam) -> CtImage:
        """Sample a body and write the axial images of one CT."""
        image = self._sample(body, exam)
        plan = exam.series
        folder = self.images / plan.exam.person.id / f"{plan.exam.day.year}-ct"
        folder = folder / f"series-{plan.number}"
        folder.mkdir(parents=True)
        scanner = Scanner(image.model, image.rows, exam.protocol, plan.exam.day.toordinal())

        def write(k: int) -> None:
            self.cancel.check()
            hu = scanner.reconstruct(image.first + k)
            write_ct_slice(hu, image.rows, k, plan, exam.header, folder)

        with ThreadPoolExecutor(2) as pool:
            try:
                for _ in pool.map(write, range(exam.slices)):
                    self.step(1, tr("Writing images"))
            except BaseException:
                self.cancel.cancel()  # what still waits in the pool must not be written
                raise
        return image

    def _sample(self, body: Body, exam: CtExam) -> CtImage:
        n, pixel = self.size.pixels, self.size.pixel_mm
        wide = round(n * 0.085) * 2 if exam.margin[0] else 0
        above, below = (round(mm / exam.step_mm) for mm in exam.margin)
        shift, high = exam.pose.shift, exam.slices + above + below
        top = shift[2] + _TOP_MM + above * exam.step_mm
        centre = (0.0, shift[1] + 2.0, top - (high - 1) / 2 * exam.step_mm)
        shape = (high, round(n * 0.735), n + wide)
        grid = Grid.of(shape, (pixel, pixel, exam.step_mm), centre)
        model = sample_body(
            body, grid, exam.pose, exam.nodule, self.cancel,
            lambda done: self.step(done, tr("Making the patient")),
        )  # fmt: skip
        y = grid.y[0] + (np.arange(n) - round(0.13 * n)) * np.float32(pixel)
        x, z = grid.x[wide // 2 : wide // 2 + n], grid.z[below : below + exam.slices]
        rows = Grid(x=x, y=y.astype(np.float32), z=z)
        return CtImage(exam=exam, model=model, rows=rows, first=below)

    def scout(self, image: CtImage) -> None:
        """The survey view of a CT, from the front."""
        pitch = self.size.sample_mm * 0.875
        u, v = _detector(420, 400, float(image.model.grid.z.mean()), pitch)
        beam = Beam(source=950, behind=False, parallel_z=True)
        view = scout(line_integrals(image.model, beam, u, v, self.cancel), SEED + 4)
        exam = image.exam.series.exam
        plan = SeriesPlan(exam=exam, number=1, description="Scout AP")
        path = self.images / exam.person.id / f"{exam.day.year}-ct" / "scout.dcm"
        write_scout(view, (float(u[0]), 0.0, float(v[-1])), pitch, plan, path)
        self.step(20, tr("Making the scout view"))

    def film(self, image: CtImage) -> None:
        """The radiograph of the same body, from behind."""
        u, v = _detector(352, 420, float(image.model.grid.z.mean()) - 4, self.size.sample_mm)
        pitch = self.size.sample_mm / self.size.film
        made = FilmPlan(view="PA", pitch=pitch, source_mm=1800, kv=125, mas=1.8)
        beam = Beam(source=made.source_mm, behind=True)
        film = self._expose(image.model, beam, u, v, pitch)
        plan = SeriesPlan(exam=people.FILM, number=1, description="Chest PA")
        path = self.images / people.ADA.id / "2026-film" / "chest-pa.dcm"
        write_film(film, plan, made, path)
        self.step(40, tr("Making the radiograph"))

    def child_film(self) -> None:
        """The second patient: a child's proportions, and one film from the front."""
        step = self.size.sample_mm
        fine = step * 1.15  # a soft beam and a small body: the detector sees no more
        shape = (round(230 / fine), round(160 / fine), round(260 / fine))
        grid = Grid.of(shape, (fine, fine, fine), (0, 0, -18))
        body = Body(_CHILD, SEED + 50, max(14.0, self.size.vessels))
        model = sample_body(body, grid, _CHILD_POSE, None, self.cancel, lambda _: None)
        u, v = _detector(200, 196, -20, step * 0.75)
        pitch = step * 0.75 / self.size.film
        made = FilmPlan(view="AP", pitch=pitch, source_mm=1150, kv=66, mas=1.2)
        film = self._expose(model, Beam(source=made.source_mm, behind=False), u, v, pitch)
        plan = SeriesPlan(exam=people.CHILD_FILM, number=1, description="Chest AP")
        write_film(film, plan, made, self.images / people.BO.id / "2026-film" / "chest-ap.dcm")
        self.step(60, tr("Making the radiograph"))

    def _expose(
        self, model: Model, beam: Beam, u: Float, v: Float, pitch: float
    ) -> NDArray[np.uint16]:
        integrals = line_integrals(model, beam, u, v, self.cancel)
        return radiograph(integrals, self.size.film, pitch, SEED + round(beam.source))


_CHILD = Habitus(
    fat=0.55, muscle=0.6, heart=1.14, rib_slope=0.55, breasts=False, diseased=False, dome=22.0
)
_CHILD_POSE = Pose(size=(0.60, 0.62, 0.56))


def _detector(wide: float, high: float, middle_v: float, step: float) -> tuple[Float, Float]:
    columns, rows = round(wide / step), round(high / step)
    u = (np.arange(columns) - (columns - 1) / 2) * step
    v = (np.arange(rows) - (rows - 1) / 2) * step + middle_v
    return u.astype(np.float32), v.astype(np.float32)
