"""Drugs by how their names are made: stems of international names, and dosage forms in Chinese.

The stems are those of the World Health Organization's list for international nonproprietary names
("Stem Book", WHO/EMP/RHT/TSN/2018.1): a generic name that no word list has is known by its ending.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from medview.record.note import Entity, Span
from medview.record.rules.units import BEGIN, END

_STEMS = (
    "cillin|floxacin|oxacin|thromycin|rubicin|penem|bactam|cycline|conazole|nidazole|fungin|prazole"
    "|tidine|setron|sartan|prilat|olol|vastatin|dipine|afil|xaban|parin|gatran|grelor|gliptin|gliflozin"
    "|glutide|glitazone|tinib|ciclib|parib|lisib|rafenib|zomib|platin|taxel|citabine|trexed|tecan"
    "|tuzumab|ximab|zumab|mumab|limab|lumab|bafusp|triptan|gepant|azepam|azolam|zodone|oxetine|pirtine"
    "|thiazide|semide|vaptan|coxib|oxicam|profen|dronate|tretin|steride|relix|relin|lukast|terol"
    "|tropium|asone|solone|olone|navir|tegravir|buvir|asvir|ciclovir|vudine|quine|caine|curium|curonium"
    "|mycin|micin|kacin|sulfan|platinum|uracil|purinol|stinel|trigine|gabalin|racetam|peridol|apine"
)
_STEMMED = re.compile(
    rf"{BEGIN}(?:cef|ceph)[a-z]{{4,12}}{END}|{BEGIN}[a-z]{{2,14}}(?:{_STEMS})(?:e|s)?{END}",
    re.IGNORECASE,
)
# Words that end alike and are none.
_OTHERS = re.compile(
    r"cephal|control|school|protocol|terap|rapine|cocaine|margarine|sterol|histidine|cytidine", re.I
)
_FORM = re.compile(
    "(?:缓释|控释|肠溶|分散|口崩|咀嚼|泡腾|双释放|吸入|舌下)?"
    "(?:片|胶囊|颗粒|注射液|注射剂|口服液|混悬液|滴丸|滴眼液|软膏|乳膏|凝胶|栓|气雾剂|粉吸入剂|喷雾剂|贴剂)"
)


def find_stemmed_drugs(text: str, span: Span) -> list[Entity]:
    """Generic names by their stem inside `span`."""
    return [
        Entity(type="drug", start=match.start(), end=match.end(), text=match[0])
        for match in _STEMMED.finditer(text, *span)
        if _OTHERS.search(match[0]) is None
    ]


def with_forms(text: str, entities: Sequence[Entity]) -> list[Entity]:
    """The entities, each Chinese drug with the dosage form that its name goes on with."""
    return [_whole(text, e) if e.type == "drug" else e for e in entities]


def _whole(text: str, drug: Entity) -> Entity:
    match = _FORM.match(text, drug.end)
    if match is None or not "\u3400" <= text[drug.end - 1] <= "\u9fff":
        return drug
    return replace(drug, end=match.end(), text=text[drug.start : match.end()])
