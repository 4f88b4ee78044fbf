"""Words by which a patient could be known, found in all files of theirs, taken out of free text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from medview.dicom.anonymize.actions import Action, action_for, table
from medview.dicom.anonymize.options import Options
from medview.dicom.anonymize.tree import Item
from medview.dicom.charset import decode_text
from medview.dicom.encoding import TEXT_VRS

_PARTS = re.compile(r"[\s^=,;/]+")
_PARTS_OF_CODE = re.compile(r"[\s_^]+")
_SHORTEST_NAME, _SHORTEST_ID = 3, 4
_WORD = re.compile(r"[^\W_]", re.UNICODE)
_NUMBERS = re.compile(
    r"\b(?:\d{4}[-./]?\d{2}[-./]?\d{2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}|[A-Za-z]{0,4}\d{5,}\w*)\b"
)
_PEOPLE = re.compile(
    r"\b(?:Dr|Prof|Mr|Mrs|Ms|Herr|Frau|Mme)\b\.?\s*[^\W\d_]+|\S+@\S+\.\w+", re.IGNORECASE
)
_CHINESE_TITLE = re.compile(r"[\u4e00-\u9fff]{1,3}(?:医生|医师|主任|教授|先生|女士)")


@dataclass(slots=True)
class Identity:
    """What is known of one patient while files are looked through, by tag; it is never written."""

    words: dict[int, set[str]] = field(default_factory=dict)

    def learn(self, top: Item) -> None:
        """Take in every value that the basic profile does away with, at any level."""
        for item, element in top.walk():
            row = table().get(element.tag)
            if row is None or element.items is not None or element.is_empty:
                continue
            if element.vr == "DA" or element.vr in TEXT_VRS:
                text = decode_text(element.value, item.charsets, is_name=element.vr == "PN")
                found = _words(text, element.vr)
                if row.descriptors == "C":  # a number in a description says nothing by itself
                    found = {word for word in found if not word.isnumeric()}
                self.words.setdefault(element.tag, set()).update(found)

    def scrubber(self, options: Options) -> Scrubber:
        """Takes out of texts what the options do not keep."""
        gone = (
            found
            for tag, found in self.words.items()
            if action_for(tag, options) not in (Action.KEEP, Action.CLEAN)
        )
        of_person = (found for tag, found in self.words.items() if tag >> 16 == 0x0010)
        return Scrubber(frozenset().union(*gone), frozenset().union(*of_person))


def _words(text: str, vr: str) -> set[str]:
    whole = {part.strip(" \0") for part in text.split("\\")}
    found = {part for part in whole if len(part) >= _SHORTEST_ID}
    if vr == "PN":
        groups = {group.strip(" \0^") for part in whole for group in part.split("=")}
        parts = {piece.strip(".") for group in groups for piece in _PARTS.split(group)}
        found |= {part for part in parts if _is_name(part)}
        found |= {group.replace("^", " ") for group in groups if len(group) >= _SHORTEST_ID}
        # Family and given name stand in text without a space between them: also two single signs.
        found |= {"".join(_PARTS.split(group)) for group in groups if _has_no_spaces(group)}
        found |= {" ".join(_PARTS.split(group)) for group in groups if _has_no_spaces(group)}
    return {part for part in found if _WORD.search(part)}


def _is_name(part: str) -> bool:
    # Two letters say little in Latin script; in Chinese or Korean they are a given name.
    return len(part) >= _SHORTEST_NAME or (len(part) == 2 and _has_no_spaces(part))


def _has_no_spaces(text: str) -> bool:
    """Whether its script (Chinese, Japanese, Korean) is written without spaces between words."""
    return len(text) > 1 and ord(text[0]) > 0x2E80


class Scrubber:
    """Removes a patient's words from text that is otherwise kept."""

    def __init__(self, words: frozenset[str], of_person: frozenset[str] = frozenset()) -> None:
        self._of_person = {
            word.casefold() for word in of_person & words if len(word) > _SHORTEST_NAME
        }
        long = sorted(words, key=len, reverse=True)
        parts = [
            re.escape(word) if len(word) > _SHORTEST_NAME or _has_no_spaces(word)
            else rf"(?<!\w){re.escape(word)}(?!\w)"
            for word in long
        ]  # fmt: skip
        self._pattern = re.compile("|".join(parts), re.IGNORECASE) if parts else None

    def finds(self, text: str) -> bool:
        """Whether one of the words stands in the text."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def is_of_person(self, code: str) -> bool:
        """Whether a coded value is one of the patient's own words, or two of them in one."""
        found = code.strip(" \0").casefold()
        return any(part in self._of_person for part in (found, *_PARTS_OF_CODE.split(found)))

    def without(self, text: str) -> str:
        """The text without the words; what remains keeps its order."""
        if self._pattern is None:
            return text
        return _tidy(self._pattern.sub(" ", text))

    def described(self, text: str) -> str:
        """A descriptor without the words, dates, long numbers, titles with names, addresses."""
        for pattern in (_PEOPLE, _CHINESE_TITLE, _NUMBERS):
            text = pattern.sub(" ", text)
        return self.without(text) if self._pattern else _tidy(text)


def _tidy(text: str) -> str:
    return re.sub(r"[ \t]{2,}", " ", text).strip(" \t,;:^=")
