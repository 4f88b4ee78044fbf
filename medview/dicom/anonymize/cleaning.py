"""One header made anonymous in place: each element by its action, at every level."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from medview.dicom.anonymize.actions import Action, action_for, is_in_dictionary, safe_private
from medview.dicom.anonymize.identities import Scrubber
from medview.dicom.anonymize.options import GRAPHICS, STRUCTURED, Dates, Options, method_codes
from medview.dicom.anonymize.pseudonyms import Secret, shifted
from medview.dicom.anonymize.tree import Element, Item
from medview.dicom.charset import decode_text
from medview.dicom.encoding import TEXT_VRS
from medview.dicom.keywords import CSA_IMAGE_HEADER, PRIVATE_B_VALUES

DUMMY = "REMOVED"
_DUMMIES = {
    "DA": "19000101", "TM": "000000", "DT": "19000101000000", "AS": "000Y", "DS": "0", "IS": "0",
    "CS": DUMMY, "AE": DUMMY, "UR": "about:removed", "PN": DUMMY,
}  # fmt: skip
_PATIENT_NAME, _PATIENT_ID = 0x00100010, 0x00100020
_CONTENT, _GRAPHICS, _ANNOTATIONS = 0x0040A730, 0x00700001, 0x0040B020
_OF_PEOPLE = frozenset((0x00401101, 0x00080082, 0x00081072, 0x0040A088, 0x0040A073))
_CODE = frozenset((0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00080105, 0x0008010B,
                   0x00080119, 0x00080120))  # fmt: skip
_SCHEME = 0x00080102
_STANDARD_SCHEMES = frozenset(
    ("SCT", "SRT", "SNM3", "DCM", "LN", "UCUM", "FMA", "RADLEX", "UMLS", "NCIt", "MDC", "SCPECG",
     "BI", "ICD10", "I10P", "ACR", "NEU", "UBERON", "MSH", "ISO3166_1", "RFC5646", "CD8", "IBSI")
)  # fmt: skip
_TYPES_OF_UID = ("Class", "ContextUID", "MappingResourceUID", "CodingSchemeUID", "TransferSyntax")
# Phantoms are called HEAD or CHEST; without these nobody could show the picture.
_CODES_THAT_STAY = frozenset((0x00080005, 0x00080060, 0x00180015, 0x00200020, 0x00200060))
_LARGEST_B_VALUE = 1e5  # s/mm2; letters read as a number are far beyond
_OPAQUE = frozenset(("OB", "OW", "OL", "OF", "OD", "OV", "UN"))
_LONG_NUMBER, _OLDEST = 5, 89
_KEPT_DATES = {Dates.REMOVE: "REMOVED", Dates.SHIFT: "MODIFIED", Dates.KEEP: "UNMODIFIED"}
_MODIFIED, _METHOD, _METHOD_CODES, _TIME = 0x00120062, 0x00120063, 0x00120064, 0x00280303


@dataclass(frozen=True, slots=True)
class Subject:
    """One patient as seen from outside: a new identifier, a shift in days, words to take out."""

    name: str
    days: int
    scrubber: Scrubber


@dataclass(frozen=True, slots=True)
class Change:
    """One element that is not as it was: where (tags and items of sequences), and what was done."""

    path: str
    action: Action


@dataclass(slots=True)
class Cleaner:
    """Cleans the headers of one patient."""

    options: Options
    secret: Secret
    subject: Subject
    changes: list[Change] = field(default_factory=list)

    def clean(self, top: Item, extra: tuple[tuple[str, str], ...] = ()) -> list[Change]:
        """Change the tree in place; `extra` are codes of what is done to the pixels."""
        self.changes = []
        extra += ((STRUCTURED,) if _CONTENT in top.elements or _has(top, _ANNOTATIONS) else ()) + (
            (GRAPHICS,) if _GRAPHICS in top.elements else ()
        )
        self._item(top, "", strict=False, kept=frozenset(self._kept_for_reading(top)))
        if _PATIENT_NAME in top.elements or _PATIENT_ID in top.elements:
            top.put(_PATIENT_NAME, "PN", self.subject.name)
            top.put(_PATIENT_ID, "LO", self.subject.name)
        self._declare(top, extra)
        return self.changes

    def _declare(self, top: Item, extra: tuple[tuple[str, str], ...]) -> None:
        codes = (*method_codes(self.options), *extra)
        top.put(_MODIFIED, "CS", "YES")
        said = "\\".join(("MedView, PS3.15 Annex E 2026c", *(meaning[:64] for _, meaning in codes)))
        top.put(_METHOD, "LO", said)
        top.put(_TIME, "CS", _KEPT_DATES[self.options.dates])
        items = []
        for value, meaning in codes:
            item = Item(charsets=top.charsets)
            item.put(0x00080100, "SH", value)
            item.put(0x00080102, "SH", "DCM")
            item.put(0x00080104, "LO", meaning[:64])
            items.append(item)
        top.elements[_METHOD_CODES] = Element(_METHOD_CODES, "SQ", items=items)

    def _item(
        self, item: Item, path: str, *, strict: bool, kept: frozenset[int] = frozenset()
    ) -> None:
        kept_private = {*kept, *self._safe_private(item)}
        is_code = _SCHEME in item.elements
        codes_stay = is_code and (not strict or item.ascii(_SCHEME) in _STANDARD_SCHEMES)
        for tag in list(item.elements):
            if tag in kept_private or tag == 0x00080005:
                continue
            element = item.elements[tag]
            where = f"{path}({tag >> 16:04X},{tag & 0xFFFF:04X})"
            action = action_for(tag, self.options)
            if tag in (_PATIENT_NAME, _PATIENT_ID):
                action = Action.DUMMY  # a name is asked for by many readers: the new identifier
            if strict and action is Action.KEEP and not (tag in _CODE and codes_stay):
                action = _strict(element)
            done = self._apply(item, element, action, where, strict=strict)
            if done is not Action.KEEP:
                self.changes.append(Change(where, done))

    def _kept_for_reading(self, top: Item) -> Iterator[int]:
        """Private elements of the top level that tell volumes and slices apart, without text.

        A b-value whose creator was stripped gets it back; of Siemens' header of a mosaic two
        entries of numbers stay.
        """
        if not self.options.safe_private:
            return
        for tag, creator, maker in PRIVATE_B_VALUES:
            element, block = top.elements.get(tag), tag & 0xFFFF0000 | 0x10
            is_stripped = block not in top.elements and top.ascii(0x00080070).upper().startswith(
                maker
            )
            if element is not None and is_stripped and _is_b_value(element, maker):
                top.put(block, "LO", creator)
                yield from (block, tag)
        tag, creator = CSA_IMAGE_HEADER
        header, block = top.elements.get(tag), tag & 0xFFFF0000 | 0x10
        if header is None or header.items is not None or top.ascii(block) != creator:
            return
        from medview.dicom.mosaic import csa_without_text

        left = csa_without_text(header.value)
        if left:
            header.value = left
            self.changes.append(Change(f"({tag >> 16:04X},{tag & 0xFFFF:04X})", Action.CLEAN))
            yield from (block, tag)

    def _safe_private(self, item: Item) -> Iterator[int]:
        """Private elements that are known to be safe, with those that reserve their block."""
        if not self.options.safe_private:
            return
        for tag in item.elements:
            group, block = tag >> 16, tag >> 8 & 0xFF
            if not group & 1 or block < 0x10:
                continue
            reserved = group << 16 | block
            creator = item.ascii(reserved)
            if (creator, group, tag & 0xFF) in safe_private() and _is_number(item.elements[tag]):
                yield from (reserved, tag)

    def _apply(
        self, item: Item, element: Element, action: Action, where: str, *, strict: bool
    ) -> Action:
        if action in (Action.SHIFT, Action.CLEAN) and element.vr in _OPAQUE:
            action = Action.EMPTY  # a stamp or a maker's note: nothing here can look into it
        if action is Action.REMOVE:
            del item.elements[element.tag]
        elif element.is_empty:
            return Action.KEEP
        elif action is Action.EMPTY:
            element.value, element.items = b"", [] if element.vr == "SQ" else None
        elif element.items is not None:
            return self._sequence(element, action, where, strict=strict)
        elif action is Action.DUMMY:
            self._replace(item, element)
        elif action is Action.SHIFT:
            return self._shift(element)
        elif element.vr == "UI" or action is Action.UID:
            return self._uid(element, action)
        else:
            return self._text(item, element, action)
        return action

    def _sequence(self, element: Element, action: Action, where: str, *, strict: bool) -> Action:
        of_people = element.tag in _OF_PEOPLE and action is Action.DUMMY
        inner = strict or action is Action.DUMMY
        for number, item in enumerate(element.items or (), 1):
            if of_people and _SCHEME in item.elements:
                item.put(_SCHEME, "SH", "99" + DUMMY)
            self._item(item, f"{where}[{number}]", strict=inner)
        return Action.CLEAN if action is Action.DUMMY else Action.KEEP

    def _replace(self, item: Item, element: Element) -> None:
        if element.tag in (_PATIENT_NAME, _PATIENT_ID):
            element.value = self.subject.name.encode()
        elif element.vr in ("OB", "OW", "UN"):
            element.value = b"\0\0"
        elif element.vr == "UI":
            element.value = self.secret.uid(item.ascii(element.tag)).encode()
        else:
            element.value = _DUMMIES.get(element.vr, DUMMY).encode()

    def _shift(self, element: Element) -> Action:
        try:
            text = element.value.decode("ascii").strip(" \0")
            element.value = shifted(text, element.vr, self.subject.days).encode()
        except (ValueError, UnicodeDecodeError):  # no date that could be moved
            element.value = b""
            return Action.EMPTY
        return Action.SHIFT

    def _uid(self, element: Element, action: Action) -> Action:
        if self.options.uids and action is not Action.UID:
            return Action.KEEP
        if action is Action.KEEP and _names_a_type(element.tag):
            return Action.KEEP
        old = element.value.decode("ascii", "replace").strip(" \0")
        new = "\\".join(self.secret.uid(part.strip(" \0")) for part in old.split("\\"))
        if new == old:
            return Action.KEEP
        element.value = new.encode("ascii", "replace")
        return Action.UID

    def _text(self, item: Item, element: Element, action: Action) -> Action:
        """Kept text without the patient's words; descriptors lose dates and numbers too."""
        if element.vr not in TEXT_VRS:
            return self._short(element)
        text = decode_text(element.value, item.charsets, is_name=element.vr == "PN")
        if "\ufffd" in text:  # what cannot be read cannot be vouched for
            element.value = b""
            return Action.EMPTY
        scrubber = self.subject.scrubber
        if action is Action.CLEAN:
            cleaned = scrubber.described(text)
        elif scrubber.finds(text):
            cleaned = scrubber.without(text)
        else:
            return Action.KEEP
        if cleaned == text:
            return Action.KEEP
        element.value = _encoded(cleaned, item.charsets) or DUMMY.encode()
        return Action.CLEAN

    def _short(self, element: Element) -> Action:
        """Ages, codes that are names, and series numbers, some of which are identifiers."""
        if element.vr == "AS":
            return _capped(element)
        if element.vr == "CS" and element.tag not in _CODES_THAT_STAY:
            return self._code(element)
        if element.vr != "IS" or element.tag >> 16 != 0x0020:
            return Action.KEEP
        text = element.value.decode("ascii", "replace").strip(" \0")
        if len(text) < _LONG_NUMBER or not self.subject.scrubber.finds(text):
            return Action.KEEP
        element.value = b""
        return Action.EMPTY

    def _code(self, element: Element) -> Action:
        """Some systems write a name where a code belongs, such as among the image types."""
        if element.tag >> 16 == 0x0028:
            return Action.KEEP
        codes = element.value.decode("ascii", "replace").split("\\")
        kept = [DUMMY if self.subject.scrubber.is_of_person(code) else code for code in codes]
        if kept == codes:
            return Action.KEEP
        element.value = "\\".join(kept).encode("ascii", "replace")
        return Action.CLEAN


def _capped(element: Element) -> Action:
    """Ages above 89 years point at few people (45 CFR 164.514): they become 90."""
    text = element.value.decode("ascii", "replace").strip(" \0")
    if not text.endswith("Y") or not text[:-1].isdigit() or int(text[:-1]) <= _OLDEST:
        return Action.KEEP
    element.value = b"090Y"
    return Action.CLEAN


def _strict(element: Element) -> Action:
    """Inside what identifies people or holds free text: only codes, numbers and links stay."""
    if element.vr in TEXT_VRS or element.vr in ("DA", "TM", "DT"):
        return Action.DUMMY
    return Action.REMOVE if element.vr in ("OB", "OW", "UN") else Action.KEEP


def _has(top: Item, tag: int) -> bool:
    return tag in top.elements


def _is_number(element: Element) -> bool:
    if element.items is not None or len(element.value) > 256:
        return False
    if element.vr in ("US", "SS", "UL", "SL", "FL", "FD", "SV", "UV"):
        return True
    if element.vr == "UN" and len(element.value) in (2, 4, 8):
        return True
    return all(byte in b"0123456789+-.eE\\ \0" for byte in element.value) or (
        element.vr == "CS" and element.value.strip(b" \0") in (b"NONE", b"DIRECTIONAL", b"BMATRIX",
            b"ISOTROPIC", b"P", b"R", b"M", b"S", b"I", b"D", b"AP", b"RL", b"FH", b"O")
    )  # fmt: skip


def _is_b_value(element: Element, maker: str) -> bool:
    """Whether it can be nothing else: text of figures, a number by its VR, or Philips' float."""
    if element.vr != "UN" or maker != "PHILIPS" or len(element.value) != 4:
        is_text = all(byte in b"0123456789.\\ \0" for byte in element.value)
        return _is_number(element) and (element.vr != "UN" or is_text)
    return 0 <= float(struct.unpack("<f", element.value)[0]) <= _LARGEST_B_VALUE


def _names_a_type(tag: int) -> bool:
    """UIDs that name kinds of things (SOP classes, coding schemes) are the same for everyone."""
    from pydicom.datadict import keyword_for_tag

    return not is_in_dictionary(tag) or any(t in keyword_for_tag(tag) for t in _TYPES_OF_UID)


def _encoded(text: str, charsets: tuple[str, ...]) -> bytes:
    """Text in the item's character sets; nothing where it does not fit into them."""
    from pydicom.charset import convert_encodings, encode_string

    from medview.dicom.write.files import tolerating_sources

    if text.isascii():
        return text.encode("ascii")
    with tolerating_sources():
        raw: bytes = encode_string(text, convert_encodings(list(charsets)))
    return raw if decode_text(raw, charsets) == text else b""
