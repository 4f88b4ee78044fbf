"""Voxels equal to an independent decode: a quick part here, every file and peer when asked."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames

from benchmarks.exactness import files_below, measure, reason_for, section, unexplained
from benchmarks.exactness_peers import compare, is_lossy, ours, picture_of

QUICK = ("transfer-syntax", "pixel-kinds", "lut-overlay", "pt", "nm")
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder", QUICK)
def test_what_pydicom_reads_has_the_same_voxels(imaging_data: Path, folder: str) -> None:
    compared = 0
    for path in files_below(imaging_data, [folder]):
        if picture_of(str(path)) != "":
            continue
        found = compare("pydicom", str(path))
        if found.largest is None:
            continue  # JPEG Lossless, 12 bits ...: other peers read these in the slow test
        compared += 1
        assert found.largest <= (3 if is_lossy(str(path)) else 0), path.name
    assert compared >= 1


@pytest.mark.slow
def test_every_file_equals_a_peer_or_has_a_reason_that_the_document_tells(
    imaging_data: Path,
) -> None:
    rows = measure(imaging_data)

    assert len(rows) > 700
    assert unexplained(rows) == []
    told = (ROOT / "docs" / "exactness.md").read_text("utf-8")
    different = [row.file for row in rows if row.verdict != "equal" or row.differing]
    assert [name for name in different if f"| {name} |" not in told] == []
    assert section(rows).splitlines()[1] in told


def test_a_difference_without_a_reason_is_named() -> None:
    assert reason_for("cr-dx/chest-monochrome1-no-preamble.dcm")
    assert reason_for("ct/ct-small.dcm") == ""


def test_tiles_cut_short_at_the_slides_edge_keep_their_place(imaging_data: Path) -> None:
    path = str(imaging_data / "wsi" / "tiles-140-jpeg.dcm")
    dataset = dcmread(path)
    streams = list(generate_frames(dataset.PixelData, number_of_frames=140))
    mine = ours(path)[0]
    for index in (0, 13, 139):
        theirs = np.asarray(Image.open(BytesIO(streams[index])).convert("RGB"))
        rows, columns = theirs.shape[:2]
        assert np.abs(mine[index, :rows, :columns].astype(int) - theirs).max() <= 3
        assert not mine[index, :, columns:].any()
    assert columns == 55
