"""What is given up, one thing after the other, when memory runs short in a run; each is said.

The order: fewer tiles at a time, adding up in main memory, a coarser grid where the model declares
one, the processor. What stays the same for the result comes first; a coarser grid is noted in it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from medview.ai.worker.devices import CPU, Device
from medview.core.errors import MedViewError
from medview.core.words import Sentence, say

_PHRASES = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed",
            "bad_alloc", "failed to allocate")  # fmt: skip


class TooFine(Exception):
    """Memory did not suffice on this grid, and the model declares a coarser one."""


@dataclass(eq=False)
class Ladder:
    """How a run goes now. batch: tiles at a time. stitches_on_device: where answers are added up.

    coarser: whether a coarser grid may still be tried. notes: what was given up, in order.
    most_bytes: of main memory, that the model states as its limit.
    """

    device: Device = CPU
    batch: int = 1
    stitches_on_device: bool = True
    coarser: bool = False
    most_bytes: float = math.inf
    notes: list[Sentence] = field(default_factory=list)
    tell: Callable[[Sentence], None] = lambda _said: None

    @property
    def stitch(self) -> str:
        """The device on which tiles are added up."""
        return self.device.place if self.stitches_on_device else "cpu"

    def down(self, error: BaseException | None = None) -> None:
        """One rung down. Raises TooFine, or MedViewError when there is none left."""
        free_cached(self.device)
        if self.batch > 1:
            self.batch //= 2
            self._say(
                say("Memory ran short: {count} {count:tile|tiles} at a time.", count=self.batch)
            )
        elif self.device.kind != "cpu" and self.stitches_on_device:
            self.stitches_on_device = False
            self._say(say("Memory ran short: tiles are joined in main memory."))
        elif self.coarser:
            self.coarser = False
            self._say(say("Memory ran short: computed on a coarser grid."))
            raise TooFine
        elif self.device.kind != "cpu":
            self._say(
                say("Memory of {device} ran short: computed on the processor.",
                    device=Sentence(self.device.title))
            )  # fmt: skip
            self.device = CPU
        else:
            raise MedViewError(
                say("Memory did not suffice for this model."),
                what_to_do=say("Close other studies or programs, or run it on a part of the scan."),
                detail=type(error).__name__,
            ) from error

    def _say(self, said: Sentence) -> None:
        self.notes.append(said)
        self.tell(said)


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that memory ran short, on whichever device."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in words for phrase in _PHRASES)


def free_cached(device: Device) -> None:
    """Let torch give back what it keeps of a card's memory."""
    import torch

    if device.kind == "cuda" and torch.cuda.is_available():
        with contextlib.suppress(RuntimeError):
            torch.cuda.empty_cache()
