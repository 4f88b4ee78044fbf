"""Where a stack stands among what is open, and its volume in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medview.core.study import Patient, Series, Stack, Study
from medview.core.words import Sentence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medview.core.volume import Volume

Key = tuple[str, int]  # series UID, stack number


@dataclass(frozen=True, eq=False, kw_only=True)
class Place:
    """Where a stack stands: patient, study, series, number of the stack in it."""

    patient: Patient
    study: Study
    series: Series
    stack_number: int

    @property
    def stack(self) -> Stack:
        """The stack itself."""
        return self.series.stacks[self.stack_number]

    @property
    def key(self) -> Key:
        """Series UID and stack number."""
        return self.series.uid, self.stack_number

    def is_of_patient_with(self, other: Place) -> bool:
        """Whether both are of one patient; without an ID only of one study."""
        one, two = self.patient, other.patient
        if not one.id:
            return self.study.uid == other.study.uid
        return (one.id, one.birth_date, one.sex) == (two.id, two.birth_date, two.sex)


@dataclass(eq=False, kw_only=True)
class OpenVolume:
    """A volume in memory; `ready` says which slices are there, `failed` why some never will be.

    finished: set when reading has ended. bytes_held: memory of a volume that is larger than the
    budget, whose slices come when they are looked at while others go; None for all others.
    """

    place: Place
    volume: Volume
    ready: NDArray[np.bool_]
    failed: dict[int, Sentence]
    finished: threading.Event = field(default_factory=threading.Event)
    bytes_held: int | None = None

    @property
    def nbytes(self) -> int:
        """Memory that it takes, once all of it is there."""
        return self.volume.stored.nbytes if self.bytes_held is None else self.bytes_held


def stack_bytes(stack: Stack) -> int:
    """Memory that a stack's voxels take, as far as its headers say."""
    slices, rows, columns = stack.geometry.shape
    if stack.photometric and not stack.photometric.startswith("MONOCHROME"):
        return slices * rows * columns * 3
    bits = int("".join(filter(str.isdigit, stack.stored_type)) or 16)
    return slices * rows * columns * max(1, bits // 8)
