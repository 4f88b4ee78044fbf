"""From the raw values of a headline to what the tables hold: decoded once for many files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from medview.core.body_parts import words_for_part
from medview.dicom.headline import INDEX_TAGS

_SLOT = {tag: slot for slot, tag in enumerate(INDEX_TAGS)}
SOP_UID, STUDY_UID, FRAMES, ROWS = (
    _SLOT[tag] for tag in (0x00080018, 0x0020000D, 0x00280008, 0x00280010)
)
# What all files of a series should say alike; equal bytes are decoded once.
SHARED = tuple(
    _SLOT[tag]
    for tag in (0x00080005, 0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x0020000D, 0x00080020,
                0x00080030, 0x00081030, 0x00080050, 0x0020000E, 0x00200011, 0x00080060, 0x0008103E,
                0x00180015)
)  # fmt: skip
_MODALITY_WORDS = {
    "CT": "计算机断层", "MR": "mri 磁共振 核磁", "PT": "pet 正电子", "US": "ultrasound 超声",
    "CR": "x-ray 平片 x线", "DX": "x-ray 平片 x线", "MG": "mammography 钼靶 乳腺",
    "NM": "核医学", "XA": "angiography 血管造影", "RF": "fluoroscopy 透视", "SEG": "分割",
    "SR": "报告", "RTSTRUCT": "放疗 勾画", "RTDOSE": "放疗 剂量", "RTPLAN": "放疗 计划",
    "ECG": "心电", "SM": "病理",
}  # fmt: skip


class PatientRow(NamedTuple):
    """Who: the columns of `patient`; letters tell patients without an ID apart."""

    patient_id: str
    birth_date: str
    sex: str
    letters: str
    name: str

    @property
    def unique(self) -> dict[str, str]:
        """What makes this patient another one than others."""
        return {name: value for name, value in self._asdict().items() if name != "name"}


class StudyRow(NamedTuple):
    """The columns of `study`."""

    uid: str
    date: str
    time: str
    description: str
    accession: str


class SeriesRow(NamedTuple):
    """The columns of `series`."""

    uid: str
    number: int | None
    modality: str
    description: str
    body_part: str


class Shared(NamedTuple):
    """What the files of a series say alike."""

    patient: PatientRow
    study: StudyRow
    series: SeriesRow


def shared_of(raw: Sequence[bytes]) -> Shared:
    """Decode the values of SHARED."""
    from medview.dicom.charset import decode_text, defined_terms
    from medview.dicom.patients import iso_date, known_sex, letters_of

    charsets = defined_terms(raw[0])

    def text(place: int) -> str:
        value = decode_text(raw[place], charsets, is_name=place == 1)
        return _printable(value)

    patient_id, name, study_uid = text(2), text(1), text(5)
    # Without ID and name nothing says that two studies are of one person.
    letters = "" if patient_id else letters_of(name) or study_uid
    patient = PatientRow(patient_id, iso_date(text(3)), known_sex(text(4)), letters, name)
    study = StudyRow(study_uid, iso_date(text(6)), text(7)[:6], text(8), text(9))
    number = text(11)
    series = SeriesRow(
        uid=text(10),
        number=int(number) if re.fullmatch(r"[+-]?\d{1,9}", number) else None,
        modality=text(12),
        description=text(13),
        body_part=text(14),
    )
    return Shared(patient, study, series)


def count_of(frames: bytes, rows: bytes) -> int:
    """How many pictures a file holds: 0 for an object without rows."""
    if rows in (b"", b"\0\0"):
        return 0
    if not frames:
        return 1
    text = frames.split(b"\\", maxsplit=1)[0].strip(b" \0")
    return min(max(1, int(text)), 1 << 30) if text.isdigit() else 1


def plain(text: str) -> str:
    """Text as it is searched: one width, one case, no marks of DICOM names."""
    return unicodedata.normalize("NFKC", re.sub(r"[\^=\\]+", " ", text)).casefold()


def words_of(patient: Sequence[str], study: Sequence[str], series: Iterable[Sequence[str]]) -> str:
    """What a study is found by.

    patient: name, ID. study: date, description, accession. series: modality, description and body
    part of each; modalities and body parts also in the other language.
    """
    # Chinese, Korean and Japanese names are written without a gap, whatever the mark between.
    joined = re.sub(r"[\^\s]+", "", re.sub(r"[\x00-\x7f]*=", "=", patient[0]))
    found = dict.fromkeys((*patient, joined, *study, study[0].replace("-", "")))
    for modality, description, body_part in series:
        found |= dict.fromkeys((modality, description, body_part))
        found |= dict.fromkeys((_MODALITY_WORDS.get(modality.upper(), ""),))
        found |= dict.fromkeys(words_for_part(f"{body_part} {description}"))
    return plain("\n".join(word for word in found if word))


def _printable(text: str) -> str:
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text.strip()[:1024]
