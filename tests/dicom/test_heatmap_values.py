"""The numbers behind a projection's heatmap come back from wherever its picture was kept."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medview.dicom.heatmap_values import CREATOR, keep_values, kept_values

_SHAPE = (5, 7)


def _values() -> np.ndarray:
    return np.random.default_rng(3).random(_SHAPE).astype(np.float32)


def _picture(values: np.ndarray) -> Dataset:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    keep_values(made, values)
    return made


def _kept_as(made: Dataset, syntax: UID) -> Dataset:
    """The picture as it comes back from a file in a transfer syntax."""
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    file = BytesIO()
    made.save_as(file, enforce_file_format=True)
    file.seek(0)
    return dcmread(file)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_values_come_back_from_every_plain_syntax(syntax: UID) -> None:
    values = _values()
    back = kept_values(_kept_as(_picture(values), syntax), _SHAPE)
    assert back is not None
    assert np.abs(back - values).max() < 1e-4


def test_values_come_back_where_an_archive_calls_them_unknown() -> None:
    values = _values()
    made = _picture(values)
    block = made.private_block(0x0071, CREATOR)
    raw = np.float64(block[1].value).tobytes()
    del block[1]
    block.add_new(1, "UN", raw)
    back = kept_values(_kept_as(made, ExplicitVRLittleEndian), _SHAPE)
    assert back is not None
    assert np.abs(back - values).max() < 1e-4


def test_what_is_no_number_is_nothing_and_spoils_no_other() -> None:
    values = _values()
    values[0, :3] = np.nan, np.inf, -np.inf
    back = kept_values(_picture(values), _SHAPE)
    assert back is not None
    assert back[0, :3].tolist() == [0.0, 0.0, 0.0]
    assert np.abs(back[1:] - values[1:]).max() < 1e-4


@pytest.mark.parametrize(("number", "kind", "value"), [(2, "UL", 2**32 - 1), (1, "LO", "many")])
def test_values_of_another_kind_are_damaged(number: int, kind: str, value: object) -> None:
    made = _picture(_values())
    block = made.private_block(0x0071, CREATOR)
    del block[number]
    block.add_new(number, kind, value)
    with pytest.raises(ValueError, match="kind"):
        kept_values(made, _SHAPE)
