"""No original value of an identifying element stands anywhere in the bytes of a copy."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from medview.core.errors import UnreadableInstance
from medview.dicom.anonymize import (
    PROFILES,
    Decision,
    Export,
    Options,
    Outcome,
    Secret,
    export,
    survey,
)
from medview.dicom.anonymize.actions import Action, action_for, table
from medview.dicom.anonymize.tree import Element, Item, read_tree
from medview.dicom.charset import decode_text
from medview.dicom.instance import open_instance
from medview.dicom.pixel_format import has_image, pixel_format
from medview.dicom.pixels import PixelReader
from medview.dicom.write.files import tolerating_sources

SECRET = Secret(b"a key of exactly 32 bytes in all")
QUICK = ("charset", "sr", "ko-pr", "rt", "odd")
# Where the same letters may stand without leading to anyone. Everything else is a leak.
HARMLESS = {
    b"REMOVED": "what MedView writes instead",
    b"ANON": "how the new identifiers begin",
    b"Patient": "stands in the names of the options that a copy declares",
    b"010100.000000": "a time of birth that is also the time of the study, which stays",
    b"None": "a word of the source's writer for nothing",
}
SHORTEST, SHORTEST_NAME, SHORTEST_NUMBER = 4, 3, 7


def made(folder: Path, out: Path, options: Options | None = None) -> Outcome:
    found = survey([folder])
    how = Export(options=options or Options(), secret=SECRET, burned_in=Decision.KEEP)
    return export(found, out, how)


def identifying(top: Item, options: Options) -> Iterator[tuple[Item, Element]]:
    """Every element, at any level, that the profile does not keep."""
    for item, element in top.walk():
        is_listed = element.tag in table() and element.items is None
        action = action_for(element.tag, options)
        stays = action in (Action.KEEP, Action.CLEAN)  # times of day stay where dates are shifted
        if is_listed and not stays and not (action is Action.SHIFT and element.vr == "TM"):
            yield item, element


def forms(item: Item, element: Element) -> Iterator[bytes]:
    """The value as it stands, its parts, and the text in the usual encodings."""
    for raw in element.value.split(b"\\"):
        value = raw.strip(b" \0")
        parts = value.replace(b"=", b"^").split(b"^") if element.vr == "PN" else []
        yield from (part for part in (value, *parts) if len(part) >= SHORTEST_NAME)
    text = decode_text(element.value, item.charsets, is_name=element.vr == "PN")
    if not text.isascii() and "\ufffd" not in text:
        yield from (text.encode(name, "ignore") for name in ("utf-8", "gb18030", "utf-16-le"))


def is_telling(form: bytes, element: Element, kept: set[bytes]) -> bool:
    """Whether finding these bytes would tell anything (the rules of exclusion, all of them)."""
    if len(form) < (SHORTEST_NAME if element.vr == "PN" else SHORTEST) or form in HARMLESS:
        return False
    if form.strip(b"0123456789.+-") == b"" and len(form) < SHORTEST_NUMBER:
        return False  # a short number: such digits stand in every file
    if set(form) <= set(b"0.*"):
        return False  # nought or blanked already, however long
    if form == b"19000101" or form.startswith(b"1.2.840.10008."):
        return False  # the dummy date; UIDs that the standard defines
    return form not in kept


def stands_in(form: bytes, data: bytes) -> bool:
    """Whether the bytes are there; three letters only as a word of their own (LUT, not MLUT)."""
    if len(form) > SHORTEST_NAME or not form.isalnum():
        return form in data
    return re.search(rb"(?<!\w)" + re.escape(form) + rb"(?!\w)", data) is not None


def coded(top: Item) -> set[bytes]:
    """Coded values of elements that stay (CS), such as HEAD as Body Part Examined."""
    return {
        part.strip(b" \0")
        for _, element in top.walk()
        if element.vr == "CS" and element.tag not in table()
        for part in element.value.split(b"\\")
    }


def leaks(done: Outcome, options: Options) -> list[str]:
    found = []
    for source, name in done.copies:
        top = read_tree(open_instance(source))
        data, kept = (done.folder / name).read_bytes(), coded(top)
        for item, element in identifying(top, options):
            found += [
                f"{Path(source).name} {table()[element.tag].keyword}"
                for form in set(forms(item, element))
                if is_telling(form, element, kept) and stands_in(form, data)
            ]
    return found


def stored(path: str) -> list[np.ndarray]:
    instance = open_instance(path)
    if not has_image(instance.elements) or instance.syntax.startswith("1.2.840.10008.1.2.4.10"):
        return []
    with PixelReader(instance) as reader:
        return [reader.stored(k).values for k in range(min(3, pixel_format(instance).frames))]


@pytest.fixture(scope="module")
def copies(imaging_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    out = tmp_path_factory.mktemp("copies")
    return [made(imaging_data / name, out / name) for name in QUICK]


def test_no_identifying_value_is_left_in_the_quick_folders(copies: list[Outcome]) -> None:
    assert sum(len(done.copies) for done in copies) > 50
    assert [leak for done in copies for leak in leaks(done, Options())] == []


def test_names_of_folders_and_the_log_tell_nothing(copies: list[Outcome]) -> None:
    for done in copies:
        with done.log.open(encoding="utf-8") as file:
            lines = [(line[0], line[1], line[3]) for line in csv.reader(file)]
        told = repr(lines).encode()  # all but the names of elements, which the standard gives
        for source, _ in done.copies:
            top = read_tree(open_instance(source))
            for item, element in identifying(top, Options()):
                if element.vr in ("PN", "LO", "SH", "UI") and len(element.value) > 8:
                    long = [form for form in forms(item, element) if len(form) > 8]
                    assert [form for form in long if form in told] == [], source


@pytest.mark.slow
@pytest.mark.parametrize("profile", list(PROFILES))
def test_no_identifying_value_is_left_in_any_readable_file(
    imaging_data: Path, tmp_path: Path, profile: str
) -> None:
    done = made(imaging_data, tmp_path / "copies", PROFILES[profile])

    assert len(done.copies) > 770
    assert leaks(done, PROFILES[profile]) == []


@pytest.mark.slow
def test_every_copy_opens_elsewhere_with_the_same_pixels(
    imaging_data: Path, tmp_path: Path
) -> None:
    done = made(imaging_data, tmp_path / "copies")
    undecodable = []
    with tolerating_sources():
        for source, name in done.copies:
            copy = str(done.folder / name)
            assert dcmread(copy).file_meta.TransferSyntaxUID, name
            try:
                originals = stored(source)
            except UnreadableInstance:
                undecodable.append(source)
                continue
            for old, new in zip(originals, stored(copy), strict=True):
                assert np.array_equal(old, new, equal_nan=old.dtype.kind == "f"), source
    assert len(undecodable) < 8


def test_what_cannot_be_read_is_named_and_not_copied(copies: list[Outcome]) -> None:
    odd = copies[QUICK.index("odd")]
    left_out = {Path(one.path).name: str(one.reason) for one in odd.left_out}

    assert "made-cut-in-header.dcm" in left_out
    assert "rtplan-truncated.dcm" in left_out
    assert not {Path(source).name for source, _ in odd.copies} & set(left_out)
    assert {Path(one.path).name for one in odd.ignored} >= {"notes.txt", "Thumbs.db"}
