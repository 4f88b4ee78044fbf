"""Words for body parts, views and animals as headers write them, and what they mean."""

from __future__ import annotations

import re
from functools import lru_cache

# Defined terms of PS3.16 Annex L first, then what consoles and people write in their place.
_SYNONYMS = {
    "CHEST": ("CHEST", "THORAX", "LUNG", "LUNGS", "TORAX", "PULMON", "RIBS", "胸部", "胸", "肺"),
    "CHESTABDPELVIS": ("CHESTABDPELVIS", "CAP", "TAP", "CH ABD PEL", "CH AB PEL", "胸腹盆"),
    "CHESTABDOMEN": ("CHESTABDOMEN", "CHEST ABDOMEN", "CHEST_TO_ABDOMEN", "胸腹"),
    "WHOLEBODY": ("WHOLEBODY", "WHOLE BODY", "TRUNK", "全身"),
    "BRAIN": ("BRAIN", "CEREBRUM", "ENCEPHALON", "颅脑", "脑"),
    "HEAD": ("HEAD", "SKULL", "KOPF", "CRANIUM", "TETE", "HIPPOCAMPUS", "头部", "头颅", "头"),
    "HEADNECK": ("HEADNECK", "HEAD NECK", "HEAD AND NECK", "头颈"),
    "NECK": ("NECK", "CSPINE", "HALS", "颈部", "颈"),
    "ABDOMEN": ("ABDOMEN", "LIVER", "KIDNEY", "PANCREAS", "BAUCH", "腹部", "腹"),
    "PELVIS": ("PELVIS", "PROSTATE", "BACINO", "BECKEN", "盆腔"),
    "HIP": ("HIP",),
    "EXTREMITY": ("EXTREMITY", "ARM", "LEG", "HAND", "FOOT", "KNEE", "ANKLE", "WRIST", "ELBOW"),
    "SPINE": ("SPINE", "LSPINE", "TSPINE", "LUMBAR", "脊柱"),
    "BREAST": ("BREAST", "MAMMA", "乳腺"),
    "HEART": ("HEART", "CARDIAC", "CORONARY", "心脏"),
}
_PART_OF = {"BRAIN": "HEAD", "HEART": "CHEST"}
_ANIMAL = (
    "CANINE", "FELINE", "EQUINE", "BOVINE", "DOG", "HORSE", "RABBIT", "AVIAN", "REPTILE",
    "MURINE", "PORCINE", "VETERINARY", "VETERINARIAN",
)  # fmt: skip
_HUMAN = ("HOMO SAPIENS", "HUMAN", "人")
_LATERAL = ("LATERAL", "LAT", "LL", "RL", "LLD", "侧位")
_FRONTAL = ("PA", "AP", "FRONTAL", "正位")


def _plain(text: str) -> str:
    return " " + re.sub(r"[\W_]+", " ", text.upper()).strip() + " "


_plain_word = lru_cache(maxsize=4096)(_plain)  # lists of words are looked for again and again


def has_word(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of the words stands in a text, whole; Chinese words anywhere in it."""
    plain = _plain(text)
    return any(
        (word in text) if not word.isascii() else (_plain_word(word) in plain) for word in words
    )


@lru_cache(maxsize=256)  # the series of an archive are named alike
def named_parts(text: str) -> frozenset[str]:
    """Every body part (defined term) that a text names."""
    named = {part for part, words in _SYNONYMS.items() if has_word(text, words)}
    return frozenset(named | {_PART_OF[part] for part in named if part in _PART_OF})


def names_an_animal(text: str) -> bool:
    """Whether a text speaks of an animal."""
    return has_word(text, _ANIMAL) and not has_word(text, _HUMAN)


def named_view(text: str) -> str:
    """AP, PA, "AP or PA" (frontal without saying which way), LATERAL, or "" when not said."""
    if has_word(text, _LATERAL):
        return "LATERAL"
    return next((view for view in ("PA", "AP") if has_word(text, (view,))), "") or (
        "AP or PA" if has_word(text, _FRONTAL) else ""
    )


def words_for_part(text: str) -> tuple[str, ...]:
    """Every word, in all languages, for the body parts that a text names."""
    return tuple(word for part in sorted(named_parts(text)) for word in _SYNONYMS[part])
