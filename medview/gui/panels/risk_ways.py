"""Where what a score misses could come from: a tool, a model, the record, the keyboard."""

from __future__ import annotations

from medview.core.words import tr

_NODULE = (
    "nodule_diameter_max", "nodule_diameter_mean", "nodule_type", "nodule_volume",
    "nodule_solid_part", "nodule_malignancy_probability",
)  # fmt: skip
RULED = (
    "nodule_diameter_max", "nodule_diameter_mean", "nodule_solid_part", "haematoma_length",
    "haematoma_width", "prostate_length", "prostate_width", "prostate_height",
    "liver_tumour_diameter", "renal_mass_diameter", "renal_sinus_distance", "tract_length",
    "cyst_wall_thickness",
)  # fmt: skip
AVERAGED = ("adrenal_hu_plain", "adrenal_hu_enhanced", "adrenal_hu_delayed", "stone_density")
PAINTED = ("haematoma_volume", "prostate_volume", "agatston_score")
_MODELLED = ("emphysema", "emphysema_share", "lung_volume_right", "lung_volume_left")


def way_of(concept: str) -> str:
    """nodule, ruler, region, segment or model; record for what no image shows."""
    kinds = {"nodule": _NODULE, "ruler": RULED, "region": AVERAGED, "segment": PAINTED}
    kinds["model"] = _MODELLED
    return next((way for way, names in kinds.items() if concept in names), "record")


def words_of(way: str) -> str:
    """What the link to a way says."""
    return {
        "nodule": tr("Click the nodule"),
        "ruler": tr("Draw a ruler"),
        "region": tr("Draw a region"),
        "segment": tr("Paint it"),
        "model": tr("Analyse the images"),
        "record": tr("Look in the record"),
    }[way]
