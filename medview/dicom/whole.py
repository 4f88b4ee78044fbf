"""The volume of a stack: what fills it, the whole of it, or one of its pictures alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medview.core.errors import UnreadableInstance
from medview.core.geometry import Geometry, PatientPoint, VoxelIndex
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.study import Stack
from medview.core.volume import Volume
from medview.dicom.fill import VolumeFill
from medview.dicom.walk import is_volume_file

if TYPE_CHECKING:
    from medview.dicom.volume_stacks import FileFill


def fill_of(stack: Stack) -> VolumeFill | FileFill:
    """What fills a stack's volume, for DICOM and for volume files. Raises as VolumeFill does."""
    if not (stack.frames and is_volume_file(stack.frames[0].path)):
        return VolumeFill(stack)
    from medview.dicom.volume_stacks import FileFill

    return FileFill(stack)


def load_volume(
    stack: Stack, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> Volume:
    """The whole volume of a stack in shared memory.

    Slices that cannot be read stay blank; raises UnreadableInstance when none can be read,
    MedViewError when memory does not suffice, Cancelled.
    """
    fill = fill_of(stack)
    fill.run(progress, cancel)
    if len(fill.failed) == len(fill.ready):
        raise UnreadableInstance(next(iter(fill.failed.values())), stack.frames[0].path)
    return fill.volume


def read_frame(stack: Stack, index: int) -> Volume:
    """One picture of a stack as a volume of one slice, at its true place.

    Raises UnreadableInstance when it cannot be read.
    """
    reference = stack.frames[index]
    geometry = _slice_geometry(stack.geometry, index, reference.position)
    fill = fill_of(replace(stack, frames=(reference,), geometry=geometry))
    fill.run()
    if fill.failed:
        raise UnreadableInstance(fill.failed[0], reference.path)
    return fill.volume


def _slice_geometry(whole: Geometry, k: int, position: PatientPoint | None) -> Geometry:
    origin = position or whole.to_patient(VoxelIndex(float(k), 0.0, 0.0))
    shape = (1, *whole.shape[1:])
    return replace(whole, shape=shape, origin=origin, places=None, gaps=())
