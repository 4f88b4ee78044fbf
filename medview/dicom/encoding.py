"""How elements stand in a file: value representations, headers, padding (PS3.5 section 7.1).

Needs nothing but the standard library: whoever only walks headers starts quickly.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medview.dicom.elements import Encoding

# As they stand in a file: those with two reserved bytes and a length of four, and the others.
LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
VALUE_REPRESENTATIONS = LONG_VRS | SHORT_VRS
TEXT_VRS = frozenset(["AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"])
_SPACE_PADDED = TEXT_VRS | frozenset(["AS", "CS", "DA", "DS", "DT", "IS", "TM"])


def padded(value: bytes, vr: str) -> bytes:
    """The value with an even length: a space after texts, a zero byte after all else."""
    if len(value) % 2 == 0:
        return value
    return value + (b" " if vr in _SPACE_PADDED else b"\0")


def element_header(tag: int, vr: str, length: int, encoding: Encoding) -> bytes:
    """Tag, VR and length (PS3.5 7.1.2, 7.1.3); too long for its VR, an element becomes UN."""
    order = ">" if encoding.big else "<"
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if not encoding.explicit:
        return head + struct.pack(order + "I", length)
    is_long = vr.encode() in LONG_VRS
    if not is_long and length > 0xFFFF:
        vr, is_long = "UN", True
    if is_long:
        return head + vr.encode() + b"\0\0" + struct.pack(order + "I", length)
    return head + vr.encode() + struct.pack(order + "H", length)


def mark(tag: int, length: int, *, big: bool = False) -> bytes:
    """An item, or a delimiter of one or of a sequence: they have no VR (PS3.5 7.5)."""
    return struct.pack((">" if big else "<") + "HHI", tag >> 16, tag & 0xFFFF, length)
