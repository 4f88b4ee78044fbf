"""What a reader may ask of a finished run: which places of the picture its answer comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medview.core.geometry import PatientPoint
from medview.core.words import Sentence, say

if TYPE_CHECKING:
    from medview.ai.folder import ModelFolder

# The first three are names, the same in every language.
METHODS: dict[str, Sentence] = {
    "grad_cam": Sentence("Grad-CAM"),
    "grad_cam_pp": Sentence("Grad-CAM++"),
    "hirescam": Sentence("HiResCAM"),
    "layer_cam": say("LayerCAM, a finer layer"),
    "occlusion": say("Occlusion, without the net's inside"),
    "doubt": say("Where the outline is open"),
}
DOUBT = "doubt"  # no heatmap of reasons, but the band along an outline that flips leave open
# Nets that have feature maps to look at.
_ARCHS = ("resnet2d", "unet3d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One question: which places speak for `label` (a class or a structure), by which method.

    at: a place inside the structure, in patient millimetres; a classifier needs none.
    randomised: ask a net with shuffled weights as well, and say how alike the two maps are.
    """

    label: str
    method: str = "grad_cam"
    at: PatientPoint | None = None
    randomised: bool = False


def methods_of(folder: ModelFolder) -> tuple[str, ...]:
    """Methods that can be asked of a model's net; none for rules and for nets without maps."""
    net = next((step for step in folder.pipeline if step["op"] == "network"), None)
    if net is None or net["arch"] not in _ARCHS or folder.kind == "router":
        return ()
    # Which flips leave right and left what they are, a model says by its own `mirror` alone.
    is_mirrored = any(step["op"] == "mirror" for step in folder.pipeline)
    has_doubt = net["arch"] == "unet3d" and is_mirrored
    return tuple(name for name in METHODS if name != DOUBT or has_doubt)


def drawn_by(folder: ModelFolder) -> str:
    """By which method a model's own pipeline draws."""
    fields = next((fields for fields in folder.pipeline if fields["op"] == "explain"), {})
    return str(fields.get("method", "linear_cam"))
