"""A heatmap as Parametric Map; on images without positions as a picture that says what it is."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom import pm
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset

from medview.core.errors import GeometryError, MedViewError, WriteFailed
from medview.core.results import Code, Heatmap, ModelRun
from medview.core.words import say
from medview.dicom.heatmap_values import keep_values
from medview.dicom.uids import derived_uid
from medview.dicom.write import codes as c
from medview.dicom.write.files import save_dataset, tolerating_sources
from medview.dicom.write.segmentation import complete_orientation, place_frames
from medview.dicom.write.sources import Sources

SERIES_NUMBER = 9003
BURNED_IN = "AI - not for diagnostic use"
# Five colours of matplotlib's inferno (CC0), dark to bright: even steps to the eye.
_INFERNO = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))
_DOUBT = "doubt"
_QUANTITIES = {
    "linear_cam": c.CLASS_ACTIVATION,
    **dict.fromkeys(("grad_cam", "grad_cam_pp", "hirescam", "layer_cam"), c.GRAD_CAM),
    "occlusion": c.SALIENCY,
    _DOUBT: c.private_code("Outline openness"),
}
_UNPAIRED = {"CHEST", "HEAD", "BRAIN", "ABDOMEN", "PELVIS", "NECK", "SPINE", "HEART", "LIVER"}

Picture = NDArray[np.uint8]


def write_heatmap(
    run: ModelRun, heatmap: Heatmap, sources: Sources, out: Path, picture: Picture | None = None
) -> Path:
    """Write one heatmap; raises GeometryError where it does not lie on the stack, WriteFailed.

    picture: the image as shown, uint8 [j, i] or [j, i, 3], for images without positions
    (projections): there the heatmap is blended over it as Secondary Capture, words burned in.
    """
    try:
        with tolerating_sources():
            if hd.spatial.get_image_coordinate_system(sources.first) is None:
                dataset = _capture(run, heatmap, sources, picture)
            else:
                dataset = _parametric_map(run, heatmap, sources)
    except MedViewError:
        raise
    except Exception as error:  # highdicom raises many kinds, with values in their text
        raise WriteFailed(
            say("The heatmap cannot be written as a DICOM object of this series."),
            detail=type(error).__name__,
        ) from error
    return save_dataset(dataset, out)


def _parametric_map(run: ModelRun, heatmap: Heatmap, sources: Sources) -> Dataset:
    top = float(max(heatmap.maximum, float(heatmap.values.max()), 1e-6))
    dataset = pm.ParametricMap(
        source_images=list(sources.datasets[:1] if sources.is_multi_frame else sources.datasets),
        pixel_array=np.asarray(heatmap.values, np.float32),
        series_instance_uid=derived_uid("heatmaps", run.id),
        series_number=SERIES_NUMBER,
        sop_instance_uid=heatmap_uid(run, heatmap),
        instance_number=_number(run, heatmap),
        contributing_equipment=[c.contributing_equipment(run)],
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[
            pm.RealWorldValueMapping(
                lut_label="DOUBT" if heatmap.method == _DOUBT else "ACTIVATION",
                lut_explanation=f"{_told(heatmap)} {heatmap.class_name}"[:64],
                unit=c.unit_of("1"),
                value_range=(0.0, top),
                slope=1.0,
                intercept=0.0,
                quantity_definition=c.coded(_quantity(heatmap.method)),
            )
        ],
        voi_lut_transformations=[hd.VOILUTTransformation(window_center=top / 2, window_width=top)],
        content_label="AI_HEATMAP",
        content_description=f"AI {run.model.name} {run.model.version}: {heatmap.class_name}"[:64],
        derived_pixel_contrast="NONE",  # QUANTITY is unknown to validators of 2022
        series_description=c.series_description("heatmap", run.model),
        **c.DEVICE,
        **place_frames(sources, heatmap.geometry),
    )
    _complete_laterality(dataset, sources)
    return dataset


def heatmap_uid(run: ModelRun, heatmap: Heatmap) -> str:
    """The SOP Instance UID of a heatmap's object: the same whenever it is written."""
    return derived_uid("heatmap", run.id, heatmap.id)


def _quantity(method: str) -> Code:
    """What a method's values are; one that PS3.16 has no code for keeps its own name."""
    return _QUANTITIES.get(method) or c.private_code(method)


def _told(heatmap: Heatmap) -> str:
    """What the map is of, before the name of its class."""
    words = {_DOUBT: "Openness of the outline of", "occlusion": "Saliency for"}
    return words.get(heatmap.method, "Class activation for")


def _number(run: ModelRun, heatmap: Heatmap) -> int:
    return next((n for n, h in enumerate(run.heatmaps, 1) if h.id == heatmap.id), 1)


def _complete_laterality(dataset: Dataset, sources: Sources) -> None:
    # General Series wants Laterality unless the body part is known and not paired (type 2C).
    body_part = str(sources.first.get("BodyPartExamined", "") or "").upper()
    if body_part in _UNPAIRED:
        dataset.BodyPartExamined = body_part
    elif "ImageLaterality" not in dataset and "Laterality" not in dataset:
        dataset.Laterality = str(sources.first.get("Laterality", "") or "")


def _capture(run: ModelRun, heatmap: Heatmap, sources: Sources, picture: Picture | None) -> Dataset:
    rows, columns = int(sources.first.Rows), int(sources.first.Columns)
    if heatmap.values.shape != (1, rows, columns):
        raise GeometryError(say("The heatmap does not have the size of its image."))
    values = heatmap.values[0] / max(heatmap.maximum, 1e-6)
    pixels = burn_in(_with_bar(blend(values, picture)))
    dataset = hd.sc.SCImage.from_ref_dataset(
        ref_dataset=sources.first,
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        series_instance_uid=derived_uid("heatmaps", run.id),
        series_number=SERIES_NUMBER,
        sop_instance_uid=heatmap_uid(run, heatmap),
        instance_number=_number(run, heatmap),
        contributing_equipment=[c.contributing_equipment(run)],
        manufacturer=c.MANUFACTURER,
        patient_orientation=("L", "F"),  # highdicom insists; replaced below,
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        series_description=c.series_description("heatmap", run.model),
    )
    dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    dataset.DerivationDescription = (
        f"{heatmap.method} for {heatmap.class_name} by {run.model.name} {run.model.version}, "
        f"{' x '.join(str(n) for n in heatmap.cells[1:])} cells; not the outline of a lesion"
    )
    dataset.BurnedInAnnotation = "NO"  # words, but none that name the patient
    complete_orientation(dataset, sources)
    dataset.SourceImageSequence = [_reference(sources.first)]
    keep_values(dataset, heatmap.values[0])
    _complete_laterality(dataset, sources)
    return dataset


def _reference(source: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    item.PurposeOfReferenceCodeSequence = [
        hd.sr.CodedConcept("121322", "DCM", "Source image for image processing operation")
    ]
    return item


def blend(values: NDArray[np.float32], picture: Picture | None) -> Picture:
    """Inferno over the picture: 0 is fully transparent, 1 covers 60 %; uint8 [j, i, 3]."""
    stops = np.linspace(0.0, 1.0, len(_INFERNO))
    level = np.clip(np.nan_to_num(values), 0.0, 1.0)
    colour = np.stack(
        [np.interp(level, stops, [rgb[n] for rgb in _INFERNO]) for n in range(3)], axis=-1
    )
    under = np.zeros((*level.shape, 3), np.uint8) if picture is None else picture
    if under.ndim == 2:
        under = np.repeat(under[..., None], 3, axis=-1)
    share = (0.6 * level)[..., None] if picture is not None else np.ones((*level.shape, 1))
    return np.asarray(np.rint(under * (1.0 - share) + colour * share), np.uint8)


def _with_bar(pixels: Picture) -> Picture:
    """The colours from nothing (below) to full scale (above) along the right edge."""
    rows, columns = pixels.shape[:2]
    tall, wide = max(2, rows // 3), max(2, columns // 40)
    scale = np.linspace(1.0, 0.0, tall, dtype=np.float32)[:, None].repeat(wide, axis=1)
    made = pixels.copy()
    top, left = rows // 3, columns - 2 * wide
    made[top : top + tall, left : left + wide] = blend(scale, None)[:, : columns - left]
    return made


def burn_in(pixels: Picture) -> Picture:
    """The words of warning in the upper left corner, on black, readable at any size."""
    image = Image.fromarray(pixels)
    size = max(8, min(pixels.shape[0] // 24, pixels.shape[1] // 16))
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(image)
    box = draw.textbbox((size // 2, size // 3), BURNED_IN, font=font)
    draw.rectangle((0, 0, box[2] + size // 2, box[3] + size // 3), fill=(0, 0, 0))
    draw.text((size // 2, size // 3), BURNED_IN, font=font, fill=(255, 200, 90))
    return np.asarray(image, np.uint8)
