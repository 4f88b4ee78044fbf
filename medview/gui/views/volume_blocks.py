"""Copies of a volume for drawing: small ones for pictures that move, the whole at rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medview.core.geometry import VoxelIndex
from medview.core.volume import Volume
from medview.gui.views.volume_render import Block, rimmed
from medview.gui.views.volume_scene import Scene
from medview.imaging.body import outside
from medview.imaging.cutting import cut
from medview.imaging.looks import SHARE, Scale, scale_of
from medview.imaging.reduce import reduced, space_of
from medview.session.memory import available_bytes

QUICK, FINE, WHOLE = 128, 256, 1 << 20  # voxels along the longest axis
_STEPS = (WHOLE, 512, 384)  # what is tried at rest, while memory has room
_SHARE = 0.25  # of the memory that is free
# Bytes a voxel beside the copy itself: the slopes that the ray caster keeps for its light, and
# what is cut away.
_BESIDE = 7


class Blocks:
    """The copies of one volume, made when they are first asked for."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume
        self.scale = Scale(unit="HU")
        self._made: dict[int, Block] = {}
        self._cut: dict[int, tuple[object, Block]] = {}  # the latest cut of each size
        self._air_found: dict[int, NDArray[np.bool_]] = {}
        self.best = self._best()
        first = self.get(QUICK)
        self.scale = scale_of(volume, first.values[1:-1, 1:-1, 1:-1])

    def get(self, size: int, check: Callable[[], None] | None = None) -> Block:
        """Voxels of the whole volume, `size` at most along each axis."""
        size = min(size, self.best) if size > FINE else size
        if size not in self._made:
            values, geometry = reduced(self.volume, size, check)
            is_whole = geometry.shape == space_of(self.volume.geometry).shape
            self._made[size] = rimmed(values, geometry, is_quick=size == QUICK, is_whole=is_whole)
        return self._made[size]

    def cut(self, size: int, scene: Scene, check: Callable[[], None] | None = None) -> Block:
        """The same without what lassos cover, nor the air round the body where the look wants."""
        block = self.get(size, check)
        look = scene.look
        if not scene.lassos and not look.is_inside:
            self._cut.pop(size, None)
            return block
        # What is left out must not show: the lowest value, or the highest where low ones do.
        fill = float(block.values.max() if look.is_inside else block.values.min())
        key = (scene.lassos, fill)
        known = self._cut.get(size)
        if known is not None and known[0] == key:
            return known[1]
        values = cut(block.values, block.geometry, scene.lassos, fill=fill, check=check)
        if look.is_inside:
            values = values.copy() if values is block.values else values
            values[self._outside(size, block)] = fill
        made = replace(block, values=values)
        self._cut[size] = (key, made)
        return made

    def _outside(self, size: int, block: Block) -> NDArray[np.bool_]:
        """[k, j, i]: the rim and the air round the body; large blocks take it from a smaller one,
        because finding it takes long."""
        if size > FINE:
            small = self.get(FINE)
            coarse = self._outside(FINE, small)
            at = [
                np.clip(np.rint(np.linspace(1, n - 2, m - 2)).astype(int), 1, n - 2)
                for n, m in zip(coarse.shape, block.values.shape, strict=True)
            ]
            found = np.ones(block.values.shape, bool)
            low = block.values[1:-1, 1:-1, 1:-1] < self._air()
            found[1:-1, 1:-1, 1:-1] = coarse[np.ix_(*at)] & low
            return found
        if size not in self._air_found:
            found = np.ones(block.values.shape, bool)
            found[1:-1, 1:-1, 1:-1] = outside(block.values[1:-1, 1:-1, 1:-1], self._air())
            self._air_found[size] = found
        return self._air_found[size]

    def kept(self) -> tuple[Block, ...]:
        """Every block that may be asked for again."""
        return (*self._made.values(), *(block for _, block in self._cut.values()))

    def pick_from(self, scene: Scene) -> tuple[Block, Block]:
        """The finest cut block that is there, and the same without its rim."""
        sizes = [size for size in self._made if size <= FINE]
        block = self.cut(max(sizes), scene)
        inner = block.geometry
        shape = (inner.shape[0] - 2, inner.shape[1] - 2, inner.shape[2] - 2)
        origin = inner.to_patient(VoxelIndex(1.0, 1.0, 1.0))
        bare = replace(
            block, values=block.values[1:-1, 1:-1, 1:-1],
            geometry=replace(inner, shape=shape, origin=origin),
        )  # fmt: skip
        return block, bare

    def _air(self) -> float:
        if self.scale.unit == SHARE:
            return self.scale.start + 0.08 * self.scale.step
        return -300.0 if self.scale.unit == "HU" else 0.1

    def _best(self) -> int:
        """The size at rest: all voxels, or as many as memory has room for."""
        room = (available_bytes() or 4 << 30) * _SHARE
        shape = space_of(self.volume.geometry).shape
        each = 2 if self.volume.unit == "HU" else 4
        for size in _STEPS:
            voxels = float(np.prod([n / max(1, -(-n // size)) for n in shape]))
            if voxels * (2 * each + _BESIDE) <= room:
                return size
        return FINE
