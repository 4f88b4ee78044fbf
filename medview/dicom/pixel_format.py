"""How the stored values of an image are written (PS3.3 C.7.6.3), checked before reading."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import UnreadableInstance
from medview.core.words import Sentence, say
from medview.dicom.damage import SHORT
from medview.dicom.elements import PIXEL_TAGS, Elements, Encoding
from medview.dicom.instance import Instance
from medview.dicom.keywords import tag_of

FLOAT_PIXELS, DOUBLE_PIXELS = 0x7FE00008, 0x7FE00009
_MOST_ALLOCATED = 32
_Whole = NDArray[np.unsignedinteger]
_MOST_MISSING = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelFormat:
    """The Image Pixel module of one file; `dtype` is that of the decoded stored values."""

    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    is_planar: bool
    photometric: str
    is_float: bool = False
    is_tiled: bool = False  # tiles of a larger matrix: those at its edges may be cut short

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """NumPy type of a stored value; 1-bit values become uint8."""
        return _type_of(self.bits_allocated, self.is_signed, self.is_float)

    @property
    def is_packed(self) -> bool:
        """Whether pixels do not end on bytes of a NumPy type (1, 12 ... bits allocated)."""
        return not self.is_float and self.bits_allocated not in (8, 16, 32)

    @property
    def is_subsampled(self) -> bool:
        """Whether uncompressed colour stores chroma for every second column only."""
        return self.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422")

    @property
    def frame_bits(self) -> int:
        """Bits of one uncompressed frame."""
        samples = 2 if self.is_subsampled and self.samples == 3 else self.samples
        return self.rows * self.columns * samples * self.bits_allocated


@cache
def _type_of(bits: int, is_signed: bool, is_float: bool) -> np.dtype[np.generic]:
    if is_float:
        return np.dtype(f"f{bits // 8}")
    size = 1 if bits <= 8 else 2 if bits <= 16 else 4
    return np.dtype(f"{'i' if is_signed and bits > 1 else 'u'}{size}")


def unpacked(raw: bytes | bytearray, first: int, form: PixelFormat) -> _Whole | None:
    """One frame of packed pixels from bit `first` of some bytes; None where they are too few.

    [rows, columns] or [rows, columns, samples], unsigned, of the stored type's size.
    """
    bits = np.unpackbits(np.frombuffer(raw, "u1"), bitorder="little")
    bits = bits[first : first + form.frame_bits]
    if bits.size < form.frame_bits:
        return None
    shape = (form.rows, form.columns) + ((form.samples,) if form.samples > 1 else ())
    if form.bits_allocated == 1:
        return bits.reshape(shape)
    kind = np.dtype(f"u{form.dtype.itemsize}")
    values = np.zeros(form.frame_bits // form.bits_allocated, kind)
    for place in range(form.bits_allocated):
        values |= bits[place :: form.bits_allocated].astype(kind) << kind.type(place)
    return values.reshape(shape)


def has_image(top: Elements) -> bool:
    """Whether a data set holds pixels that belong to rows and columns."""
    return (
        top.pixels is not None
        and top.pixels.tag in PIXEL_TAGS
        and top.pixels.length > 0
        and (top.has("Rows") or top.has("Columns"))
    )


_FORMAT_KEYWORDS = (
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel",
    "NumberOfFrames", "PixelRepresentation", "PlanarConfiguration", "PhotometricInterpretation",
    "TotalPixelMatrixColumns",
)  # fmt: skip
FORMAT_TAGS = tuple(tag_of(keyword) for keyword in _FORMAT_KEYWORDS)
_ALL_OF_THEM = frozenset(FORMAT_TAGS)


def pixel_format(instance: Instance) -> PixelFormat:
    """The checked format. Raises UnreadableInstance, with the tag, where it makes no sense."""
    try:
        return instance.elements.once(format_of, _ALL_OF_THEM)
    except UnreadableInstance as error:
        raise UnreadableInstance(error.what, instance.path, tag=error.tag) from error


def format_of(top: Elements) -> PixelFormat:
    """As `pixel_format`, of a header alone; the error names no file."""
    tag = top.pixels.tag if top.pixels else 0
    form = _format(tag, top.encoding, tuple(map(top.values.get, FORMAT_TAGS)))
    return _in_full(form) if form.is_subsampled and is_colour_in_full(top, form) else form


def is_colour_in_full(top: Elements, form: PixelFormat) -> bool:
    """Whether pixels called 4:2:2 hold the colour of every column, by their length.

    Programs that unpack JPEG write so when they leave the Photometric Interpretation as it was.
    """
    if top.pixels is None or form.samples != 3:
        return False
    full = form.rows * form.columns * 3 * form.bits_allocated // 8 * form.frames
    return top.pixels.length in (full, full + 1)


@cache
def _in_full(form: PixelFormat) -> PixelFormat:
    return replace(form, photometric="YBR_FULL")


@lru_cache(maxsize=256)
def _format(
    tag: int, encoding: Encoding, values: tuple[tuple[str, bytes] | None, ...]
) -> PixelFormat:
    """The format that these elements say: equal bytes are looked at once."""
    said_here = zip(FORMAT_TAGS, values, strict=True)
    top = Elements(encoding, values={tag: value for tag, value in said_here if value is not None})
    rows, columns = _one(top, "Rows", "(0028,0010)"), _one(top, "Columns", "(0028,0011)")
    is_float = tag in (FLOAT_PIXELS, DOUBLE_PIXELS)
    allocated = (64 if tag == DOUBLE_PIXELS else 32) if is_float else top.integer("BitsAllocated")
    if not is_float and not 1 <= allocated <= _MOST_ALLOCATED:
        said = say("Bits Allocated is {bits}, which no image has.", bits=allocated)
        raise UnreadableInstance(said, tag="(0028,0100)")
    samples = top.integer("SamplesPerPixel", 1)
    if samples not in (1, 3, 4):
        said = say("Samples per Pixel is {count}, which no image has.", count=samples)
        raise UnreadableInstance(said, tag="(0028,0002)")
    photometric = top.text("PhotometricInterpretation").upper() or "MONOCHROME2"
    if photometric == "HSV":
        raise unreadable_kind(photometric)
    stored = top.integer("BitsStored", allocated)
    stored = stored if 0 < stored <= allocated else allocated
    return PixelFormat(
        rows=rows,
        columns=columns,
        frames=max(1, top.integer("NumberOfFrames", 1)),
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=top.integer("HighBit", stored - 1),
        is_signed=top.integer("PixelRepresentation") == 1,
        is_planar=top.integer("PlanarConfiguration") == 1,
        photometric=photometric,
        is_float=is_float,
        is_tiled=top.integer("TotalPixelMatrixColumns") > 0,
    )


def unreadable_kind(photometric: str) -> UnreadableInstance:
    """The refusal of a Photometric Interpretation by its name."""
    said = say("MedView does not read pixels of the kind {kind}.", kind=photometric)
    return UnreadableInstance(said, tag="(0028,0004)")


def _one(top: Elements, keyword: str, tag: str) -> int:
    found = top.floats(keyword)
    if len(found) != 1 or not 0 < found[0] <= 65535:
        said = say("{keyword} is not one number of pixels.", keyword=keyword)
        raise UnreadableInstance(said, tag=tag)
    return int(found[0])


def native_shortfall(instance: Instance, form: PixelFormat) -> Sentence | None:
    """What is missing of uncompressed pixels, in words; None when they are whole.

    Raises UnreadableInstance when hardly anything of the first frame is there.
    """
    place = instance.elements.pixels
    if place is None or instance.is_encapsulated:
        return None
    there = min(place.length, instance.size - place.offset)
    needed = (form.frame_bits * form.frames + 7) // 8
    if there >= needed:
        return None
    if there < (1 - _MOST_MISSING) * form.frame_bits / 8:
        said = say(
            "The file ends before its pixels: {there} of {needed} bytes are there.",
            there=there,
            needed=needed,
        )
        raise UnreadableInstance(said, instance.path, tag="(7FE0,0010)")
    return Sentence(SHORT.template, {"there": there, "needed": needed})
