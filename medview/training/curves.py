"""The curves of a training as a picture in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def draw_curves(history: Sequence[Mapping[str, float]], path: Path, title: str) -> None:
    """Loss on the left, figures on patients the net does not learn from on the right (PNG)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(picture)
    left, right = picture.subplots(1, 2)
    steps = [row["step"] for row in history]
    for name in history[0] if history else ():
        if name != "step":
            axis = left if "loss" in name else right
            axis.plot(steps, [row[name] for row in history], label=name.replace("_", " "))
    left.set_title(f"{title}: loss")
    right.set_title("on other patients")
    for axis in (left, right):
        axis.set_xlabel("step")
        axis.grid(visible=True, alpha=0.3)
        if axis.lines:
            axis.legend(fontsize=8)
    picture.savefig(path, dpi=110)
