"""A network's answer about one image, computed when somebody asks for it, and only as he asks.

A label map needs a few slices of logits at a time (`bands`); who wants them whole (`whole`) pays
classes x voxels x 4 bytes for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medview.ai.worker.budget import UNKNOWN, Cost, cost_of, plan
from medview.ai.worker.engines import Engine
from medview.ai.worker.ladder import Ladder, TooFine, is_shortage
from medview.ai.worker.probe import Judge, choose
from medview.ai.worker.tiles import Band, Tiling, bands, whole
from medview.core.errors import Cancelled, MedViewError, ModelUnavailable
from medview.core.progress import CancelToken
from medview.core.words import say

_MOST_ENGINES = 2  # each holds its weights once more
Ask = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Flip:
    """A mirrored look: the axis of [class, k, j, i] that is turned round, and labels of the right
    and the left, two by two, that change places with it."""

    axis: int
    pairs: tuple[int, ...] = ()


def swapped(count: int, pairs: Sequence[int]) -> list[int]:
    """The classes in the order in which a mirror shows them. Raises ModelUnavailable."""
    order = list(range(count))
    if len(pairs) % 2 or not set(pairs) <= set(order):
        raise ModelUnavailable(say("The model mirrors labels that it does not have."))
    for one, other in zip(pairs[::2], pairs[1::2], strict=True):
        order[one], order[other] = order[other], order[one]
    return order


@dataclass(eq=False)
class Forward:
    """Asks a network about tiles, in its mirrors too; steps down the ladder on shortage.

    key: of the model, see `probe.choose`, "" where no engine shall be measured; judge: whether its
    own case passes with an engine. cost: of a tile;
    count: how many there are. engines: made ready before, so that the next case need not wait.
    """

    net: Ask
    ladder: Ladder
    key: str = ""
    judge: Judge = lambda _name: True
    cost: Cost = UNKNOWN
    count: int = 1
    flips: list[Flip] = field(default_factory=list)
    engines: dict[tuple[object, ...], Engine] = field(default_factory=dict)
    _engine: Engine | None = None
    _at: tuple[object, ...] = ()

    @property
    def batch(self) -> int:
        """Tiles that are taken at a time."""
        return self.ladder.batch

    @property
    def stitch(self) -> str:
        """The device on which tiles are added up."""
        return self.ladder.stitch

    @property
    def computed_by(self) -> tuple[str, str]:
        """Engine and precision; torch in float32 before anything was asked."""
        engine = self._engine
        return ("torch", "float32") if engine is None else (engine.name, engine.precision)

    def __call__(self, tiles: Tensor) -> Tensor:
        """Logits [n, class, k, j, i]. Raises TooFine, or MedViewError when memory is short."""
        while True:
            try:
                parts = [self._looks(part) for part in torch.split(tiles, self.batch)]
                return parts[0] if len(parts) == 1 else torch.cat(parts)
            except (Cancelled, MedViewError, TooFine):
                raise
            except Exception as error:
                if not is_shortage(error):
                    raise
                self._engine = None
                self.engines.clear()
                self.ladder.down(error)

    def _looks(self, tiles: Tensor) -> Tensor:
        """The mean of the plain look and the mirrored ones."""
        ask = self._ready(tiles)
        total = ask(tiles)
        for flip in self.flips:
            back = torch.flip(ask(torch.flip(tiles, [flip.axis + 1])), [flip.axis + 1])
            total = total + back[:, swapped(back.shape[1], flip.pairs)]
        return total / (1 + len(self.flips)) if self.flips else total

    def _ready(self, tiles: Tensor) -> Engine:
        at = (self.key, self.ladder.device.place, *tiles.shape[2:])
        if self._engine is None or self._at != at:
            self._engine = self.engines.get(at) or self._made(tiles, at)
            self._at = at
        return self._engine

    def _made(self, tiles: Tensor, at: tuple[object, ...]) -> Engine:
        flops = self.cost.flops * self.count * (1 + len(self.flips))
        engine = choose(self.net, tiles, self.ladder.device, self.key, flops, self.judge)
        if (engine.name, engine.precision) == ("torch", "float32"):
            return engine  # it costs nothing to make, and the next run may be worth the question
        while len(self.engines) >= _MOST_ENGINES:
            del self.engines[next(iter(self.engines))]
        self.engines[at] = engine
        return engine


@dataclass(eq=False)
class Answer:
    """What a network says of an image [k, j, i], as yet unasked."""

    forward: Forward
    image: NDArray[np.float32]
    tiling: Tiling | None
    cancel: CancelToken
    told: Callable[[int, int], None] = lambda _done, _total: None
    kept: tuple[slice, slice, slice] | None = None  # the part [k, j, i] that anybody asks for

    def bands(self) -> Iterator[Band]:
        """Finished slices of the logits, in order; each call computes them anew."""
        if self.kept is None:
            return self._all()
        return (part for band in self._all() for part in _cut(band, self.kept))

    def _all(self) -> Iterator[Band]:
        tiling = self.tiling or whole(self.image.shape)
        self._prepare(tiling)
        image = torch.from_numpy(np.ascontiguousarray(self.image))
        with torch.inference_mode():
            if self.tiling is None:  # it looks at whatever it is given, even at one grey
                logits = self.forward(image[None, None])[0].float().cpu()
                yield Band(0, len(image), logits)
                return
            yield from bands(self.forward, image, tiling, self.cancel, self.told)

    def whole(self) -> NDArray[np.float32]:
        """All logits [class, k, j, i]; zeros where no tile had anything to see."""
        found = list(self.bands())
        seen = next((band.logits for band in found if band.logits is not None), None)
        classes = self._classes() if seen is None else len(seen)
        shape = self.image.shape
        if self.kept is not None:
            shape = tuple(side.stop - side.start for side in self.kept)
        logits = np.zeros((classes, *shape), np.float32)
        for band in found:
            if band.logits is not None:
                logits[:, band.first : band.first + band.count] = band.logits.numpy()
        return logits

    def _prepare(self, tiling: Tiling) -> None:
        """Count what is to be done, and see that memory suffices for it."""
        places = list(tiling.tiles(self.image.shape))
        shape = [edge.stop - edge.start for edge in places[0]]
        self.forward.count = len(places)
        if self.forward.key:
            self.forward.cost = cost_of(self.forward.net, shape)
            plan(self.forward.ladder, self.forward.cost, self.image.shape, shape[0])

    def _classes(self) -> int:
        tiling = self.tiling or whole(self.image.shape)
        place = next(iter(tiling.tiles(self.image.shape)))
        tile = torch.from_numpy(np.ascontiguousarray(self.image[place]))
        with torch.inference_mode():
            return self.forward(tile[None, None]).shape[1]


def _cut(band: Band, kept: tuple[slice, slice, slice]) -> Iterator[Band]:
    k, j, i = kept
    first, end = max(band.first, k.start), min(band.first + band.count, k.stop)
    if first >= end:
        return
    logits = band.logits
    if logits is not None:
        logits = logits[:, first - band.first : end - band.first, j, i]
    yield Band(first - k.start, end - first, logits)
