"""The work of the thread that owns VTK: reduce volumes, draw them, find what a pixel shows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import Cancelled, MedViewError
from medview.core.geometry import PatientPoint
from medview.core.volume import Volume
from medview.core.words import say
from medview.gui.views.volume_blocks import FINE, QUICK, WHOLE, Blocks
from medview.gui.views.volume_camera import screen_map
from medview.gui.views.volume_probe import has_osmesa, is_chosen, probe
from medview.gui.views.volume_render import VolumeRenderer
from medview.gui.views.volume_scene import Scene
from medview.gui.views.volume_wishes import Drawn, Prepared, Wish, WishList
from medview.imaging.picking import pick, pick_mesh, ray_through
from medview.imaging.reduce import space_of
from medview.imaging.transfer import histogram, value_span

_FAR_MM = 5000.0


@dataclass(frozen=True, slots=True)
class Told:
    """Whom the work tells."""

    prepared: Callable[[Prepared], object]
    drawn: Callable[[Drawn], object]
    picked: Callable[[PatientPoint | None], object]


class Worker:
    """The thread's own: the renderer and the copies of the one volume that is drawn."""

    def __init__(
        self, wishes: WishList, told: Told, *, has_probe: bool = True, threads: int | None = None
    ) -> None:
        self._wishes = wishes
        self._threads = threads
        self._told = told
        # None while nobody has looked for it; a worker without a probe stays with the processor.
        self._hardware: str | None = None if has_probe else ""
        self._renderer: VolumeRenderer | None = None
        self._blocks: Blocks | None = None

    def work(self) -> None:
        """Until the view ends."""
        while True:
            wish, is_forgetting = self._wishes.next()
            if is_forgetting:
                self._hold(None)
                continue
            if wish is None:
                break
            self._hold(wish.volume)
            try:
                self._do(wish)
            except Cancelled:
                continue
            finally:
                del wish
        if self._renderer is not None:
            self._renderer.close()

    def _hold(self, volume: Volume | None) -> None:
        """Let everything of another volume go."""
        if self._blocks is not None and self._blocks.volume is not volume:
            self._blocks = None
            if self._renderer is not None:
                self._renderer.drop()

    def _do(self, wish: Wish) -> None:
        if self._blocks is None:
            self._blocks = Blocks(wish.volume)
            self._told.prepared(self._prepared(self._blocks))
        if wish.scene is None:
            return
        if wish.pick is not None:
            self._told.picked(self._picked(wish, wish.scene, wish.pick))
            return
        renderer = self._ready_renderer()
        quick = FINE if renderer.hardware else QUICK
        sizes = {"quick": quick, "fine": FINE, "whole": WHOLE}
        self._draw(renderer, wish, wish.scene, sizes[wish.detail])

    def _look_for_hardware(self) -> None:
        """Have a child process try the machine's own OpenGL, beside the drawing."""
        if self._hardware is None:
            self._hardware = ""
            threading.Thread(target=self._try_hardware, name="volume probe", daemon=True).start()

    def _try_hardware(self) -> None:
        self._hardware = probe().hardware

    def _prepared(self, blocks: Blocks) -> Prepared:
        values = blocks.get(QUICK).values[1:-1, 1:-1, 1:-1]
        span = value_span(values)
        return Prepared(
            volume=blocks.volume, scale=blocks.scale, span=span, counts=histogram(values, span)
        )

    def _ready_renderer(self) -> VolumeRenderer:
        hardware = "" if is_chosen() else (self._hardware or "")
        if self._renderer is None and not hardware and not is_chosen() and not has_osmesa():
            # Nothing but a driver draws here: a child tries it first.
            found = probe()
            if not found.is_sound:
                raise MedViewError(
                    say("The volume cannot be drawn on this machine."),
                    what_to_do=say("Install the package libosmesa6 and start MedView again."),
                    detail="the probe of OpenGL died",
                )
            hardware = self._hardware = found.hardware
        if self._renderer is not None and self._renderer.hardware == hardware:
            return self._renderer
        if self._renderer is not None:
            self._renderer.close()
        self._renderer = VolumeRenderer(hardware, self._threads)
        if not is_chosen():
            self._look_for_hardware()
        return self._renderer

    def _draw(self, renderer: VolumeRenderer, wish: Wish, scene: Scene, size: int) -> None:
        blocks = self._blocks
        if blocks is None:
            return
        # Pictures at rest take longer than a frame may: they give way to whatever comes.
        is_moving = wish.detail == "quick"
        check = None if is_moving else self._wishes.check
        block = blocks.cut(size, scene, check)
        is_last = size > FINE or blocks.best <= FINE
        is_finest = wish.detail != "quick" and (is_last or block.is_whole)
        renderer.keep(blocks.kept())
        renderer.show(block, scene)
        late = self._wishes.has_ended if is_moving else self._wishes.is_late
        space = space_of(wish.volume.geometry)
        pixels = renderer.draw(wish.camera, wish.size, space, late)
        if pixels is None or self._wishes.is_ended:
            return
        self._told.drawn(
            Drawn(
                pixels=pixels, wish=wish, path=renderer.hardware,
                is_reduced=is_finest and not block.is_whole,
                is_finest=is_finest,
            )
        )  # fmt: skip

    def _picked(self, wish: Wish, scene: Scene, pixel: tuple[float, float]) -> PatientPoint | None:
        """The place in the patient that a pixel shows; surfaces before the volume behind them."""
        if self._blocks is None:
            return None
        seen = screen_map(wish.camera, space_of(wish.volume.geometry), wish.size)
        near = np.array(seen.frame[2], float)
        start = np.array(seen.to_patient(*pixel)) + _FAR_MM * near
        way = (-float(near[0]), -float(near[1]), -float(near[2]))
        first = (float(start[0]), float(start[1]), float(start[2]))
        found = [pick_mesh([each.mesh for each in scene.surfaces], first, way)]
        if scene.is_volume_shown:
            _, bare = self._blocks.pick_from(scene)
            ray = ray_through(first, way, bare.geometry)
            left = (scene.box, scene.planes)
            found.append(pick(bare.values, bare.geometry, scene.look, ray, left))
        seen_points = [point for point in found if point is not None]
        return max(seen_points, key=partial(_towards, near), default=None)


def _towards(near: NDArray[np.float64], point: PatientPoint) -> float:
    return float(np.array(point) @ near)
