"""How a film was taken: side, view, which way its rows and columns run (PS3.3 C.8.7, C.8.11)."""

from __future__ import annotations

from medview.core.study import Projection
from medview.core.words import Sentence, say
from medview.dicom.elements import Elements
from medview.dicom.frames import Frame

# View Code Sequence by CID 4014, SNOMED CT and the older SRT codes, as IHE MAMMO abbreviates.
_VIEWS = {
    "399162004": "CC", "R-10242": "CC", "399368009": "MLO", "R-10226": "MLO",
    "399260004": "ML", "R-10224": "ML", "399352003": "LM", "R-10228": "LM",
    "399099002": "LMO", "R-10230": "LMO", "399196006": "FB", "R-10244": "FB",
    "399188001": "SIO", "R-102D0": "SIO", "441555000": "ISO", "R-40AAA": "ISO",
    "399192008": "XCCL", "R-1024A": "XCCL", "399101009": "XCCM", "R-1024B": "XCCM",
}  # fmt: skip
_SIDES = ("R", "L", "B")


def projection_of(frame: Frame) -> Projection:
    """Side, view and orientation of a picture, and where the elements contradict each other."""
    top = frame.instance.elements
    said = [_side(top.text("ImageLaterality")), _side(frame.text("FrameLaterality")),
            _side(top.text("Laterality"))]  # fmt: skip
    sides = [side for side in said if side]
    return Projection(
        laterality=sides[0] if sides else "",
        view=_view(top),
        orientation=top.text("PatientOrientation"),
        conflict=_conflict(sides),
    )


def _side(text: str) -> str:
    side = text.strip().upper()[:1]
    return side if side in _SIDES else ""


def _view(top: Elements) -> str:
    for item in top.items("ViewCodeSequence"):
        known = _VIEWS.get(item.text("CodeValue"))
        if known is not None:
            return known
    return top.text("ViewPosition").strip().upper()


def _conflict(sides: list[str]) -> Sentence | None:
    """Both sides named in one file; B speaks against neither."""
    if {"R", "L"} <= set(sides):
        return say("The file names the right and the left side.")
    return None


def lossy_ratio(top: Elements) -> float:
    """What lossy compression left out of the pixels, n to 1: the product of all its steps."""
    if top.text("LossyImageCompression") != "01":
        return 0.0
    ratio = 1.0
    for step in top.floats("LossyImageCompressionRatio"):
        ratio *= step
    return ratio if ratio > 1 else 0.0
