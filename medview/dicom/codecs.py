"""Code streams of one frame to arrays, through imagecodecs; sizes are checked before decoding."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import UnreadableInstance, UnsupportedTransferSyntax
from medview.core.words import Sentence, say
from medview.dicom.instance import DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE
from medview.dicom.pixel_format import PixelFormat, unpacked

Array = NDArray[np.generic]
NATIVE = frozenset((IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE))
RLE, DEFLATED_FRAME = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1"
_JPEG = "1.2.840.10008.1.2.4."
_LOSSY_JPEG = frozenset(_JPEG + n for n in ("50", "51", "53", "55"))
JPEG_LOSSLESS = _JPEG + "57"
_LOSSLESS_JPEG = frozenset((JPEG_LOSSLESS, _JPEG + "70"))
_JPEG_LS = frozenset(_JPEG + n for n in ("80", "81"))
_JPEG_2000 = frozenset(_JPEG + n for n in ("90", "91", "201", "202", "203"))
_HTJ2K = frozenset(_JPEG + n for n in ("201", "202", "203"))
_JPEG_XL = frozenset(_JPEG + n for n in ("110", "111", "112"))
JPIP = frozenset((_JPEG + "94", _JPEG + "204"))  # a link to the picture of a server
_DECODABLE = _LOSSY_JPEG | _LOSSLESS_JPEG | _JPEG_LS | _JPEG_2000 | _JPEG_XL | {RLE, DEFLATED_FRAME}
# SOF0 to SOF15 without DHT, JPG and DAC among them; SOF55 is JPEG-LS's.
_FRAME_HEADERS = frozenset((*range(0xC0, 0xD0), 0xF7)) - {0xC4, 0xC8, 0xCC}
_LOSSLESS = 0xC3  # SOF3
_VIDEO = {"100": "MPEG-2", "101": "MPEG-2", "102": "MPEG-4", "103": "MPEG-4", "104": "MPEG-4",
          "105": "MPEG-4", "106": "MPEG-4", "107": "HEVC", "108": "HEVC"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoded:
    """A frame as its decoder gives it: [rows, columns] or [rows, columns, samples].

    is_rgb: whether the decoder has turned YCbCr into RGB already.
    """

    values: Array
    is_rgb: bool = False


_RLE_HEADER = 64  # bytes: a count and fifteen offsets


def why_not_decodable(syntax: str) -> Sentence | None:
    """Why encapsulated pixels of this transfer syntax cannot be shown; None when they can."""
    if syntax in _DECODABLE:
        return None
    name = _VIDEO.get(syntax.removeprefix(_JPEG)) if syntax.startswith(_JPEG) else None
    if name is not None:
        return say("The pixels are {name} video, which MedView does not play.", name=name)
    return say("MedView has no decoder for transfer syntax {uid}.", uid=syntax)


def instead_of(syntax: str) -> Sentence:
    """What to do about pixels that `why_not_decodable` refuses: the same file again is no help."""
    if syntax.removeprefix(_JPEG) in _VIDEO:
        return say("Play the video on the device or in the archive, or have single pictures sent.")
    return say("Have the archive send it uncompressed (Explicit VR Little Endian).")


def decode(
    syntax: str, stream: bytes, form: PixelFormat, threads: int = 1, scratch: Array | None = None
) -> Decoded:
    """One frame, in `scratch` (an array of the stored type and shape) where the decoder can.

    Raises UnsupportedTransferSyntax, or UnreadableInstance for a bad stream.
    """
    reason = why_not_decodable(syntax)
    if reason is not None:
        raise UnsupportedTransferSyntax(reason, tag="(0002,0010)")
    try:
        decoded = _decoder(syntax, form, threads, scratch)(stream)
    except UnreadableInstance:
        raise
    except Exception as error:  # every codec has its own error class, all mean the same
        raise UnreadableInstance(
            say("The compressed pixels are damaged."),
            tag="(7FE0,0010)",
            detail=type(error).__name__,
        ) from error
    shape = (form.rows, form.columns) + ((form.samples,) if form.samples > 1 else ())
    if decoded.values.shape == shape:
        return decoded
    if not _is_size(decoded.values.shape[:2], form) or decoded.values.shape[2:] != shape[2:]:
        raise _wrong_size(decoded.values.shape[:2], form)
    rows, columns = decoded.values.shape[:2]
    whole = np.zeros(shape, decoded.values.dtype)  # beyond the edge of the slide nothing is seen
    whole[:rows, :columns] = decoded.values
    return Decoded(whole, decoded.is_rgb)


def _is_size(found: tuple[int, ...], form: PixelFormat) -> bool:
    """Whether a stream's rows and columns fit; a tile at the edge of a slide may be smaller."""
    if form.is_tiled:
        return 0 < found[0] <= form.rows and 0 < found[1] <= form.columns
    return found == (form.rows, form.columns)


def _decoder(
    syntax: str, form: PixelFormat, threads: int, scratch: Array | None
) -> Callable[[bytes], Decoded]:
    if syntax in _JPEG_2000:
        is_ht = syntax in _HTJ2K
        return lambda stream: _jpeg_2000(stream, form, threads, is_ht=is_ht)
    if syntax in _JPEG_LS:
        return lambda stream: _jpeg_ls(stream, form, scratch)
    if syntax in _LOSSLESS_JPEG:
        return lambda stream: _lossless_jpeg(stream, form, scratch)
    families: tuple[tuple[frozenset[str], Callable[[bytes, PixelFormat], Decoded]], ...] = (
        (frozenset((RLE,)), _run_lengths),
        (frozenset((DEFLATED_FRAME,)), _deflated),
        (_JPEG_XL, _jpeg_xl),
        (_LOSSY_JPEG, _lossy_jpeg),
    )
    decoder = next(decoder for syntaxes, decoder in families if syntax in syntaxes)
    return lambda stream: decoder(stream, form)


def _wrong_size(found: tuple[int, ...], form: PixelFormat) -> UnreadableInstance:
    said = say(
        "The compressed picture has {found} rows and columns, the header says {said}.",
        found=" x ".join(str(n) for n in found),
        said=f"{form.rows} x {form.columns}",
    )
    return UnreadableInstance(said, tag="(0028,0010)")


def _jpeg_segments(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, payload) of each marker segment up to the frame header (SOF), that one with it."""
    at = 2
    while at + 9 <= len(stream):
        if stream[at] != 0xFF:
            at += 1
            continue
        marker = stream[at + 1]
        if marker in (0xFF, 0xD8, 0x01) or marker in range(0xD0, 0xD8):
            at += 1 if marker == 0xFF else 2
            continue
        end = at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        yield marker, stream[at + 4 : end]
        if marker in _FRAME_HEADERS:
            return
        at = end


def jpeg_size(stream: bytes) -> tuple[int, int]:
    """Rows and columns of a JPEG or JPEG-LS frame header (SOF); (0, 0) if there is none."""
    for marker, payload in _jpeg_segments(stream):
        if marker in _FRAME_HEADERS and len(payload) >= 5:
            rows, columns = struct.unpack_from(">HH", payload, 1)
            return rows, columns
    return 0, 0


def _names_its_colours(stream: bytes) -> bool:
    """Whether libjpeg finds a whole JFIF or Adobe marker (it passes over one that is too short)."""
    return any(
        (marker == 0xE0 and payload.startswith(b"JFIF\0") and len(payload) >= 14)
        or (marker == 0xEE and payload.startswith(b"Adobe") and len(payload) >= 12)
        for marker, payload in _jpeg_segments(stream)
    )


def may_overflow(head: bytes) -> bool:
    """Whether a lossless JPEG of 16 bits predicts by rule 6, whose sum some writers let overflow.

    Then every decoder that keeps to ISO 10918-1 gives a torn picture, all the same one.
    """
    frame, scan = head.find(b"\xff\xc3"), head.find(b"\xff\xda")
    if frame < 0 or len(head) < frame + 5 or scan < 0 or len(head) < scan + 5:
        return False
    selection = scan + 5 + 2 * head[scan + 4]  # after two bytes a component
    return head[frame + 4] == 16 and head[selection : selection + 1] == b"\x06"


def _check_jpeg(stream: bytes, form: PixelFormat) -> None:
    if stream[:2] != b"\xff\xd8":
        raise UnreadableInstance(
            say("The compressed pixels are no JPEG picture."), tag="(7FE0,0010)"
        )
    if not _is_size(jpeg_size(stream), form):
        raise _wrong_size(jpeg_size(stream), form)


def _lossy_jpeg(stream: bytes, form: PixelFormat) -> Decoded:
    import imagecodecs

    _check_jpeg(stream, form)
    if form.samples == 1:
        return Decoded(imagecodecs.jpeg_decode(stream))
    # An Adobe or JFIF marker knows its colours better than the header; without one the
    # header's Photometric Interpretation decides, and libjpeg's guess never does.
    space: str | None = "RGB" if form.photometric == "RGB" else "YCBCR"
    if _names_its_colours(stream):
        space = None
    return Decoded(
        imagecodecs.jpeg_decode(stream, colorspace=space, outcolorspace="RGB"), is_rgb=True
    )


def _into(
    scratch: Array | None, form: PixelFormat, decoder: Callable[..., Array], stream: bytes
) -> Array:
    """What the decoder gives, without memory of its own where the stream's type is the stored."""
    if scratch is not None and form.samples == 1 and form.dtype.itemsize <= 2:
        try:
            return decoder(stream, out=scratch.view(f"u{form.dtype.itemsize}"))
        except ValueError:
            pass  # the stream has another number of bytes a value than the header says
    return decoder(stream)


def _lossless_jpeg(stream: bytes, form: PixelFormat, scratch: Array | None) -> Decoded:
    """By libjpeg-turbo, in 60 % of liblj92's time, where it can be trusted."""
    import imagecodecs

    _check_jpeg(stream, form)
    space, others = None, [imagecodecs.ljpeg_decode, imagecodecs.jpegsof3_decode]
    if form.samples > 1:
        space, others = "YCBCR" if form.photometric.startswith("YBR") else "RGB", others[1:]
    decoder = partial(imagecodecs.jpeg8_decode, colorspace=space, outcolorspace=space)
    values: Array | None = None
    with suppress(imagecodecs.Jpeg8Error):
        values = _into(scratch, form, decoder, stream)
        if not _may_have_run_out(stream, values):
            return Decoded(values)
    for other in others:
        with suppress(imagecodecs.LjpegError, imagecodecs.Jpegsof3Error):
            found = other(stream)
            if values is None or np.array_equal(found, values):
                return Decoded(found)
    raise UnreadableInstance(say("The compressed pixels are damaged."), tag="(7FE0,0010)")


def _may_have_run_out(stream: bytes, values: Array) -> bool:
    """Whether libjpeg-turbo may have met the end of the code stream before that of the picture.

    It says nothing of it, and fills the rows that are left with what prediction begins with,
    the middle of the range (ISO 10918-1 H.1.1). A picture may truly end like that.
    """
    bits = next((said[0] for mark, said in _jpeg_segments(stream) if mark == _LOSSLESS), 0)
    return bits > 0 and bool((values[-1] == 1 << (bits - 1)).all())


def _jpeg_ls(stream: bytes, form: PixelFormat, scratch: Array | None) -> Decoded:
    import imagecodecs

    _check_jpeg(stream, form)
    values = _into(scratch, form, imagecodecs.jpegls_decode, stream)
    if values.ndim == 3 and values.shape[0] == form.samples != values.shape[2]:
        values = np.moveaxis(values, 0, 2)
    return Decoded(values)


def _jpeg_2000(stream: bytes, form: PixelFormat, threads: int, *, is_ht: bool) -> Decoded:
    import imagecodecs

    begin = stream.find(b"\xff\x4f\xff\x51")
    if begin < 0 or len(stream) < begin + 24:
        raise UnreadableInstance(
            say("The compressed pixels are no JPEG 2000 picture."), tag="(7FE0,0010)"
        )
    right, bottom, left, top = struct.unpack_from(">IIII", stream, begin + 8)
    if not _is_size((bottom - top, right - left), form):
        raise _wrong_size((bottom - top, right - left), form)
    coding = stream.find(b"\xff\x52", begin, begin + 4096)
    is_mixed = coding >= 0 and len(stream) > coding + 8 and stream[coding + 8] == 1
    is_reversible = coding >= 0 and stream[coding + 13 : coding + 14] == b"\1"
    if is_ht and is_reversible and form.samples == 1:
        # OpenJPH takes a third of OpenJPEG's time; where coding is lossy its values may wrap.
        return Decoded(imagecodecs.htj2k_decode(stream))
    values = imagecodecs.jpeg2k_decode(stream, numthreads=threads)
    return Decoded(values, is_rgb=is_mixed and form.samples > 1)


def _jpeg_xl(stream: bytes, form: PixelFormat) -> Decoded:
    import imagecodecs

    del form  # the size is checked after decoding: libjxl bounds itself by the stream
    return Decoded(imagecodecs.jpegxl_decode(stream, numthreads=1), is_rgb=True)


def _run_lengths(stream: bytes, form: PixelFormat) -> Decoded:
    import imagecodecs

    size = form.dtype.itemsize
    segments = _segments(stream)
    if form.bits_allocated == 1 and segments == 1:  # each frame ends on a byte of its own
        return Decoded(_bits(imagecodecs.dicomrle_decode(stream, "<u1"), form))
    if form.is_packed or segments != form.samples * size:
        raise UnreadableInstance(
            say("The run-length pixels do not fit the header."), tag="(7FE0,0010)"
        )
    raw = imagecodecs.dicomrle_decode(stream, f"<u{size}")
    # Segments may hold more than the picture; then each plane is longer by the same.
    planes = np.frombuffer(raw, f"<u{size}").reshape(form.samples, -1)
    values = planes[:, : form.rows * form.columns].reshape(form.samples, form.rows, form.columns)
    return Decoded(values[0] if form.samples == 1 else np.moveaxis(values, 0, 2))


def _segments(stream: bytes) -> int:
    """How many segments the header names (PS3.5 G.5), 0 where their places cannot be.

    The decoder follows these offsets unchecked, out of the stream and of the process's memory.
    """
    if len(stream) < _RLE_HEADER:
        return 0
    count, *offsets = struct.unpack_from("<16I", stream)
    if not 1 <= count < len(offsets) + 1:
        return 0
    places = [*offsets[:count], len(stream)]
    is_ascending = all(here < after for here, after in pairwise(places))
    return int(count) if places[0] >= _RLE_HEADER and is_ascending else 0


def _deflated(stream: bytes, form: PixelFormat) -> Decoded:
    expected = (form.frame_bits + 7) // 8
    raw = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream, expected + 1)
    if len(raw) < expected:
        raise UnreadableInstance(say("The compressed pixels are damaged."), tag="(7FE0,0010)")
    if form.bits_allocated == 1:
        return Decoded(_bits(raw, form))
    values = np.frombuffer(raw[:expected], f"<u{form.dtype.itemsize}")
    shape = (form.rows, form.columns) + ((form.samples,) if form.samples > 1 else ())
    return Decoded(values.reshape(shape))


def _bits(raw: bytes | bytearray, form: PixelFormat) -> Array:
    values = unpacked(raw, 0, form)
    if values is None:
        raise UnreadableInstance(say("The compressed pixels are damaged."), tag="(7FE0,0010)")
    return values
