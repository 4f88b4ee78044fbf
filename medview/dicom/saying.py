"""Words for stacks: what parts them from others, and why some have no place in the patient."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from medview.core.words import Sentence, say
from medview.dicom.frames import Frame


def labelled(name: str, frame: Frame, value_of: Callable[[Frame], Hashable]) -> Sentence | None:
    """A short label of what a stack was split by; None where a value says nothing to a reader."""
    value = value_of(frame)
    if value is None or value in ("", ()):
        return None
    if name == "DiffusionGradientOrientation" and isinstance(value, tuple):
        return say("direction {value}", value=" ".join(f"{float(v):.2f}" for v in value))
    if name == "ImageType":
        return say("{text}", text=str(value).split("\\")[-1])
    template = _TEMPLATES.get(name)
    if template is None:
        return None
    plain = _clock(str(value)) if name in _CLOCKS else _plain(value)
    return Sentence(template.template, {"value": plain})


_TEMPLATES = {
    "TemporalPosition": say("time {value}"),
    "DiffusionBValue": say("b {value}"),
    "EchoTime": say("TE {value} ms"),
    "EchoNumbers": say("echo {value}"),
    "TriggerTime": say("trigger {value} ms"),
    "InversionTime": say("TI {value} ms"),
    "FlipAngle": say("flip {value}°"),
    "FrameReferenceTime": say("at {value} ms"),
    "StackID": say("stack {value}"),
    "ConvolutionKernel": say("kernel {value}"),
    "ContrastBolusAgent": say("contrast {value}"),
    "AcquisitionNumber": say("acquisition {value}"),
    "AcquisitionTime": say("acquired {value}"),
    "ContentTime": say("content {value}"),
}


_CLOCKS = ("AcquisitionTime", "ContentTime")


def _clock(text: str) -> str:
    """A time of day (PS3.5 TM) as hours, minutes and seconds, with what is left of a second."""
    digits, _, part = text.partition(".")
    if len(digits) != 6 or not digits.isdigit():
        return text
    rest = part.rstrip("0")
    return f"{digits[:2]}:{digits[2:4]}:{digits[4:]}" + (f".{rest}" if rest else "")


def _plain(value: Hashable) -> str:
    try:
        return f"{float(str(value)):.10g}"
    except ValueError:
        return str(value)


def without_place(frame: Frame, count: int) -> Iterator[Sentence]:
    """Why pictures that might be slices have no place, and how they are shown instead."""
    top = frame.instance.elements
    kinds = frame.image_type.split("\\")
    if frame.is_projection:
        return
    if "VFRAME" in kinds:
        yield say("A United Imaging mosaic: its slices are shown as the tiles of one picture.")
    elif frame.is_mosaic:
        yield say("A Siemens mosaic: its slices are shown as the tiles of one picture.")
    elif top.integer("TotalPixelMatrixColumns"):
        yield say(
            "A whole slide of {columns} x {rows} pixels: its {count} tiles are shown one by one.",
            columns=top.integer("TotalPixelMatrixColumns"),
            rows=top.integer("TotalPixelMatrixRows"),
            count=count,
        )
    elif count > 1 and ({"RECON TOMO", "RECON GATED TOMO"} & set(kinds) or top.text("Modality") in
                        ("CT", "MR", "PT")):  # fmt: skip
        yield say("The file does not say where in the patient its slices lie: no reconstructions.")
