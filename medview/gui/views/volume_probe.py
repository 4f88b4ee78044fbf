"""Whether real graphics hardware draws volumes here: tried in a child process, which may die.

    python -m medview.gui.views.volume_probe

prints one line of JSON: the renderer's name, and whether its ray caster drew a ball.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_WINDOW = "VTK_DEFAULT_OPENGL_WINDOW"
_OSMESA = "vtkOSOpenGLRenderWindow"
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "svga", "swr", "software", "basic render",
             "gdi generic", "lavapipe", "virgl")  # fmt: skip
_PATIENCE_S = 30.0
_is_ours = {"window": False}  # whether we chose the window's class, not who started the program


def prefer_osmesa() -> None:
    """Draw in memory: no driver can then take the program with it. What the user set stays."""
    # Mesa maps its cache of shaders into memory: on a full disk a write there ends the process
    # with SIGBUS, which nothing can catch. Ours are few and compile quickly.
    os.environ["MESA_SHADER_CACHE_DISABLE"] = "true"
    os.environ["MESA_GLSL_CACHE_DISABLE"] = "true"  # its name before Mesa 22
    # Without OSMesa VTK takes EGL, which draws nothing on some machines and does not say so.
    if sys.platform == "linux" and _WINDOW not in os.environ and has_osmesa():
        os.environ[_WINDOW] = _OSMESA
        _is_ours["window"] = True


def has_osmesa() -> bool:
    """Whether OpenGL in memory is installed."""
    return ctypes.util.find_library("OSMesa") is not None


def is_chosen() -> bool:
    """Whether who started the program chose how VTK draws: then nothing else is tried."""
    return _WINDOW in os.environ and not _is_ours["window"]


def is_hardware(renderer: str) -> bool:
    """Whether an OpenGL renderer's name is that of real hardware."""
    name = renderer.casefold()
    return bool(name) and not any(word in name for word in _SOFTWARE)


@contextlib.contextmanager
def _native() -> Iterator[None]:
    before = os.environ.pop(_WINDOW, None)
    try:
        yield
    finally:
        if before is not None:
            os.environ[_WINDOW] = before


def native_window() -> Any:
    """A render window of the machine's own OpenGL."""
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    with _native():
        return vtkRenderWindow()


@dataclass(frozen=True, slots=True)
class Probe:
    """What a child process found: the renderer's name, whether it lived to say so, and whether
    real hardware drew a ball."""

    renderer: str = ""
    is_sound: bool = False
    is_drawn: bool = False

    @property
    def hardware(self) -> str:
        """The name of hardware that draws volumes here, empty where there is none."""
        return self.renderer if self.is_drawn and is_hardware(self.renderer) else ""


def probe(
    command: tuple[str, ...] = ("-P", "-m", "medview.gui.views.volume_probe"),
    patience_s: float = _PATIENCE_S,
) -> Probe:
    """Let a child process draw with the machine's own OpenGL. Blocks.

    A child that dies, hangs or draws nothing is an answer too.
    """
    env = {name: value for name, value in os.environ.items() if name != _WINDOW}
    try:
        done = subprocess.run(
            [sys.executable, *command], env=env, capture_output=True, timeout=patience_s,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        told = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return Probe()
    if not isinstance(told, dict):
        return Probe()
    return Probe(str(told.get("renderer", "")), True, told.get("is_drawn") is True)


def _try() -> dict[str, object]:
    """Draw a ball with the machine's own OpenGL and look at the picture."""
    import numpy as np
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers what VTK makes

    from medview.core.geometry import Geometry
    from medview.gui.views.volume_camera import Camera
    from medview.gui.views.volume_render import VolumeRenderer, rimmed
    from medview.gui.views.volume_scene import Scene
    from medview.imaging.transfer import Look, TransferPoint

    window = native_window()
    window.SetOffScreenRendering(1)
    window.SetSize(8, 8)
    window.Render()
    lines = str(window.ReportCapabilities()).splitlines()
    name = next((line.partition(":")[2] for line in lines if "renderer string" in line), "").strip()
    window.Finalize()
    if not is_hardware(name):  # its ray caster would only take time
        return {"renderer": name, "is_drawn": False}
    grid = np.mgrid[-16:16, -16:16, -16:16]
    ball = np.where((grid**2).sum(axis=0) < 100, 1000, 0).astype(np.int16)
    look = Look(
        id="probe", name="",
        points=(TransferPoint(200, 0, "#ffffff"), TransferPoint(800, 1, "#ffffff")),
    )  # fmt: skip
    renderer = VolumeRenderer(name)
    renderer.show(rimmed(ball, Geometry(shape=ball.shape)), Scene(look=look))
    picture = renderer.draw(Camera(), (64, 64))
    is_drawn = picture is not None and picture[32, 32].min() > 60 and picture[2, 2].max() < 5
    return {"renderer": name, "is_drawn": bool(is_drawn)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_try()) + "\n")
