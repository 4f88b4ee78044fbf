"""A job on its way: its blocks of shared memory, and the run that comes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medview.ai.events import Job
from medview.ai.gate import joined
from medview.ai.protocol import (
    DoneLine,
    JobLine,
    VolumeRef,
    refer,
    result_bytes,
    result_heatmap,
    result_label_map,
)
from medview.core.results import Check, Heatmap, LabelMap, ModelRun, Provenance
from medview.core.shared import SharedBlock
from medview.core.words import Sentence, current_language


class Pending:
    """A job with the memory it needs; whoever ends it calls `release`."""

    def __init__(self, job_id: str, job: Job) -> None:
        """Raises MedViewError when memory does not suffice."""
        self.id = job_id
        self.job = job
        self.is_cancelled = False
        self._copy: SharedBlock | None = None
        self._volume = self._share()
        has_heatmaps = any(step["op"] == "explain" for step in job.model.pipeline)
        self._heatmaps = len(job.model.outputs) if has_heatmaps else 0
        if job.look is not None:
            self._heatmaps = 1
        self._shape = self._volume.geometry.shape
        try:
            self._result = SharedBlock.create(result_bytes(self._shape, self._heatmaps))
        except BaseException:
            self.release_copy()
            raise

    def _share(self) -> VolumeRef:
        volume = self.job.volume
        stored, block = volume.stored, volume.block
        if block is not None and stored.flags.c_contiguous:
            first = np.asarray(block.array((1,), np.uint8)).ctypes.data
            return refer(volume, block, stored.ctypes.data - first)
        self._copy = SharedBlock.create(stored.nbytes)
        self._copy.array(stored.shape, stored.dtype)[...] = stored
        return refer(volume, self._copy, 0)

    def line(self) -> JobLine:
        """What the worker is told."""
        return JobLine(
            id=self.id,
            model_path=str(self.job.model.path),
            manifest_sha256=self.job.model.manifest_sha256,
            volume=self._volume,
            result_block=self._result.name,
            heatmaps=self._heatmaps,
            device=self.job.device,
            language=current_language(),
            routers=tuple((str(r.path), r.manifest_sha256) for r in self.job.routers),
            look=self.job.look,
        )

    def read_run(self, done: DoneLine) -> ModelRun:
        """The finished run; label map and heatmaps are copies, so that the block can go."""
        geometry = self.job.volume.geometry
        label_map = None
        if done.label_map_id is not None:
            label_map = self._label_map(done.label_map_id)
        heatmaps = tuple(
            Heatmap(
                id=line.id,
                geometry=geometry,
                values=result_heatmap(self._result, self._shape, number).copy(),
                class_name=line.class_name,
                maximum=line.maximum,
                method=line.method,
                cells=line.cells,
                fidelity=line.fidelity,
                random_likeness=line.random_likeness,
                unsure_mm=line.unsure_mm,
            )
            for number, line in enumerate(done.heatmaps[: self._heatmaps])
        )
        return ModelRun(
            id=self.id,
            model=self.job.model.ref,
            series_uid=self.job.series_uid,
            stack=self.job.stack,
            status="run",
            gate=joined(self.job.gate, done.checks),
            device=done.device,
            provenance=Provenance(backend=done.backend) if done.backend else None,
            notes=done.notes,
            precision=done.precision,
            seed=done.seed,
            seconds=done.seconds,
            findings=done.findings,
            label_map=label_map,
            heatmaps=heatmaps,
            subject=self.job.subject,
        )

    def read_part(self) -> ModelRun:
        """The run as far as its label map is filled: status `running`, no findings."""
        return replace(
            ended_run(self.id, self.job, "running", None),
            label_map=self._label_map(f"{self.id}-part"),
        )

    def _label_map(self, name: str) -> LabelMap:
        voxels = result_label_map(self._result, self._shape).copy()
        voxels.flags.writeable = False
        return LabelMap(
            id=name,
            geometry=self.job.volume.geometry,
            voxels=voxels,
            labels=self.job.model.outputs,
        )

    def release_copy(self) -> None:
        """Give back the copy of the voxels, if there was one."""
        if self._copy is not None:
            self._copy.release()
            self._copy = None

    def release(self) -> None:
        """Give all memory back; the volume's own block is its owner's."""
        self.release_copy()
        self._result.release()


def ended_run(
    job_id: str,
    job: Job,
    status: str,
    reason: Sentence | None,
    checks: tuple[Check, ...] = (),
) -> ModelRun:
    """A run without a result: refused, failed or cancelled, with the reason."""
    return ModelRun(
        id=job_id,
        model=job.model.ref,
        series_uid=job.series_uid,
        stack=job.stack,
        status=status,
        reason=reason,
        subject=job.subject,
        gate=joined(job.gate, checks),
    )
