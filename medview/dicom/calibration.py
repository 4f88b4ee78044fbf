"""What a millimetre is worth on a projection (PS3.3 10.7, C.8.7, C.8.11)."""

from __future__ import annotations

import math

from medview.core.words import Sentence, say
from medview.dicom.elements import Elements
from medview.dicom.frames import Frame
from medview.dicom.ultrasound import regions_of

Spacing = tuple[float, float]


def calibrate(frame: Frame) -> tuple[Spacing, str, tuple[Sentence, ...]]:
    """Spacing between rows and columns, the state for Stack.calibration, and what to say.

    For pictures without a place in the patient. States: CAL, ERMF, EST, DETECTOR, SCAN, patient,
    US (inside the picture's regions), and none, where only the pixels' aspect is known.
    """
    top = frame.instance.elements
    if top.has("SequenceOfUltrasoundRegions"):
        regions, said = regions_of(top)
        lengths = [region.spacing for region in regions if region.is_length]
        if regions:
            return lengths[0] if lengths else _aspect(top), "US", ()
        return (
            _aspect(top),
            "none",
            said or (say("No pixel size is known: lengths are in pixels."),),
        )
    if frame.is_projection:
        return _projection(frame, top)
    nominal = _pair(top, "NominalScannedPixelSpacing")
    if frame.spacing and top.text("Modality") in ("CT", "MR", "PT", "NM"):
        return frame.spacing, "patient", ()
    if nominal:
        return nominal, "SCAN", (say("Millimetres are those of the scanned film."),)
    return _aspect(top), "none", (say("No pixel size is known: lengths are in pixels."),)


def _projection(frame: Frame, top: Elements) -> tuple[Spacing, str, tuple[Sentence, ...]]:
    corrected = _corrected(frame, top)
    if corrected is not None:
        return corrected
    imager = _pair(top, "ImagerPixelSpacing")
    factor = _magnification(top)
    if imager and factor:
        shrunk = (imager[0] / factor, imager[1] / factor)
        said = say("Millimetres are estimated with magnification {factor}.", factor=f"{factor:.3f}")
        return shrunk, "EST", (said,)
    detector = imager or frame.spacing
    if detector:
        return detector, "DETECTOR", (say("Millimetres are those at the detector, magnified."),)
    nominal = _pair(top, "NominalScannedPixelSpacing")
    if nominal:
        return nominal, "SCAN", (say("Millimetres are those of the scanned film."),)
    return _aspect(top), "none", (say("No pixel size is known: lengths are in pixels."),)


def _corrected(frame: Frame, top: Elements) -> tuple[Spacing, str, tuple[Sentence, ...]] | None:
    """Pixel Spacing where it differs from the detector's own; None where nobody corrected it."""
    own, imager = frame.spacing, _pair(top, "ImagerPixelSpacing")
    if own is None:
        return None
    if top.text("Modality") == "CT":
        return own, "EST", (say("A scout: lengths hold in the plane of the table's axis only."),)
    kind = top.text("PixelSpacingCalibrationType").upper()
    if kind in ("FIDUCIAL", "GEOMETRY"):
        return own, "CAL" if kind == "FIDUCIAL" else "ERMF", ()
    if imager and not _alike(own, imager):
        return own, "EST", (say("Pixel spacing was corrected, the file does not say how."),)
    return None


def _magnification(top: Elements) -> float | None:
    """ERMF, or source-detector over source-patient distance; None when neither makes sense."""
    factor = top.number("EstimatedRadiographicMagnificationFactor")
    if factor is None:
        detector, patient = (
            top.number("DistanceSourceToDetector"),
            top.number("DistanceSourceToPatient"),
        )
        if detector and patient:
            factor = detector / patient
    return factor if factor is not None and 1.0 < factor < 10.0 else None


def _pair(top: Elements, keyword: str) -> Spacing | None:
    found = top.floats(keyword)
    return (found[0], found[1]) if len(found) >= 2 and min(found[:2]) > 0 else None


def _alike(one: Spacing, other: Spacing) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-3) for a, b in zip(one, other, strict=True))


def _aspect(top: Elements) -> Spacing:
    """Pixel Aspect Ratio as spacing in pixels: vertical over horizontal."""
    ratio = top.floats("PixelAspectRatio")
    if len(ratio) >= 2 and min(ratio[:2]) > 0:
        return (ratio[0] / ratio[1], 1.0)
    return (1.0, 1.0)
