"""Bytes of a text file to its text, and which encoding it was."""

from __future__ import annotations

import codecs
import re

from medview.core.errors import UnreadableInstance
from medview.core.words import say

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
# Read so because it fits, not because the file says so.
GUESSED = frozenset(("GB18030", "Windows-1252", "Latin-1", "UTF-16 without mark"))


def is_guessed(encoding: str) -> bool:
    """Whether an encoding was chosen because it fits, not because the file says so."""
    return encoding in GUESSED or " lines " in encoding


_SAVE_AS_TEXT = say("Save it again as text in the program that wrote it.")
_NAMES = {"utf-8": "UTF-8", "gb18030": "GB18030", "gbk": "GBK", "gb2312": "GB2312", "big5": "Big5",
          "cp1252": "Windows-1252", "iso8859-1": "Latin-1", "utf-16": "UTF-16"}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HAN = re.compile(r"[\u4e00-\u9fff，。、；：（）“”]")
_COMMON_HAN = re.compile("[的一是不了在有人中大为上个国无和可见右左肺患者年月日史及部未痛性示检查]")
_BINARY_SHARE = 0.02  # control characters; below it a text may have been damaged in transport


def decode(data: bytes, where: str, declared: str = "") -> tuple[str, str]:
    """(text, name of the encoding). Raises UnreadableInstance for what is no text.

    declared: a codec that the file itself names; it is taken where the bytes agree.
    """
    text, name = _declared(data, declared) or _decode(data)
    if text is None:
        raise UnreadableInstance(say("The file is not text."), where, what_to_do=_SAVE_AS_TEXT)
    if len(_CONTROL.findall(text[:100_000])) > _BINARY_SHARE * min(len(text), 100_000):
        raise UnreadableInstance(say("The file is not text."), where, what_to_do=_SAVE_AS_TEXT)
    return text, name


def _declared(data: bytes, codec: str) -> tuple[str, str] | None:
    if not codec or data.startswith(codecs.BOM_UTF8):
        return None
    try:
        name = codecs.lookup(codec).name
        return data.decode(name), _NAMES.get(name, name)
    except (LookupError, UnicodeDecodeError):
        return None


def is_same_codec(declared: str, name: str) -> bool:
    """Whether a codec's name in a file means the encoding that `decode` called `name`."""
    try:
        found = codecs.lookup(declared).name
    except LookupError:
        return False
    return _NAMES.get(found, found) == name


def _mixed(data: bytes) -> tuple[str, str] | None:
    """Lines of several encodings, each read as what it is; None where there is only one."""
    lines = data.splitlines(keepends=True)
    foreign = [line for line in lines if not line.isascii()]
    broken = [line for line in foreign if _try(line, "utf-8") is None]
    if not broken:
        return None
    if all(map(_is_damaged, broken)):
        return data.decode("utf-8", "replace"), f"UTF-8, {len(broken)} lines damaged"
    codecs_of = _codecs_of(broken)
    if "gb18030" in codecs_of.values() and not any(map(_is_surely_utf8, foreign)):
        broken = foreign  # a short word of GB 2312 may be UTF-8 by chance
        codecs_of = _codecs_of(broken)
    used = [codecs_of[line] for line in broken]
    if len(broken) == len(foreign) and len(set(used)) == 1:
        return None
    main = "UTF-8" if len(broken) < len(foreign) else max(set(used), key=used.count)
    whole = [
        line.decode(codecs_of[line], "replace") if line in codecs_of else line.decode("utf-8")
        for line in lines
    ]
    counts = ((used.count(codec), _NAMES[codec]) for codec in sorted(set(used)))
    said = [f"{count} lines {name}" for count, name in counts if name != _NAMES.get(main, main)]
    return "".join(whole), ", ".join((_NAMES.get(main, main), *said))


def _is_surely_utf8(line: bytes) -> bool:
    text = _try(line, "utf-8")
    return text is not None and (max(text) > "\u07ff" or bool(re.search(rb"[\x80-\xa0]", line)))


def _codecs_of(lines: list[bytes]) -> dict[bytes, str]:
    """The codec of each line that is no UTF-8: GB18030 or Windows-1252.

    A Chinese character of GB 2312 is two bytes above A0, and rarely stands alone; a letter with
    an accent is one, and stands among plain ones. A line that shows neither goes with the most.
    """
    chinese = [line for line in lines if (found := _pairs_and_singles(line))[0] > found[1]]
    # Common characters must be among them: capitals with accents are bytes above A0 too.
    text = b"".join(chinese).decode("gb18030", "replace")
    if not _is_chinese(text):
        chinese = []
    western = [line for line in lines if (found := _pairs_and_singles(line))[1] > found[0]]
    rest = "gb18030" if len(chinese) > len(western) else "cp1252"
    sure = {**dict.fromkeys(western, "cp1252"), **dict.fromkeys(chinese, "gb18030")}
    return {line: sure.get(line, rest) for line in lines}


def _pairs_and_singles(line: bytes) -> tuple[int, int]:
    """Bytes above A0 in runs of two characters and more; those alone or inside a plain word."""
    runs = [len(run) for run in re.findall(rb"[\xa1-\xfe]+", line)]
    inside = re.findall(rb"(?<=[A-Za-z])[\xa1-\xfe]{2}(?=[a-z])", line)  # Größe
    alone = re.findall(
        rb"(?<=[a-z])[\xa1-\xfe](?![\xa1-\xfe])|(?<![\xa1-\xfe])[\xa1-\xfe](?=[a-z])", line
    )
    long = (n for n in runs if n >= 4 and n % 2 == 0)
    return sum(long), len(alone) + 2 * len(inside)


def _is_damaged(line: bytes) -> bool:
    """Whether a line is UTF-8 but for a few bytes that were lost or changed."""
    text = line.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    return 4 * lost < len(text) and 3 * lost <= sum(c > "\x7f" for c in text) - lost


def _decode(data: bytes) -> tuple[str | None, str]:
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            return _try(data, codec), name
    if (guess := _wide(data)) is not None:
        return _try(data, guess), "UTF-16 without mark"
    if (text := _try(data, "utf-8")) is not None:
        return text, "UTF-8"
    if (mixed := _mixed(data)) is not None:
        return mixed
    if (chinese := _chinese(data)) is not None:
        return chinese
    western = _try(data, "cp1252")
    return (western, "Windows-1252") if western is not None else (data.decode("latin-1"), "Latin-1")


def _try(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _wide(data: bytes) -> str | None:
    # UTF-16 without a mark: every other byte of Latin letters is zero.
    sample = data[:2000]
    if len(sample) < 8 or sample.count(0) < len(sample) // 4:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > 8 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 8 * odd else None


def _chinese(data: bytes) -> tuple[str, str] | None:
    """The reading in which the most common characters of Chinese stand, where there is one."""
    readings = [
        (text, name)
        for codec, name in (
            ("gb18030", "GB18030"),
            ("utf-16-le", "UTF-16 without mark"),
            ("utf-16-be", "UTF-16 without mark"),
        )
        if (text := _try(data, codec)) is not None and _is_chinese(text)
    ]
    return max(readings, key=lambda r: len(_COMMON_HAN.findall(r[0])), default=None)


def _is_chinese(text: str) -> bool:
    # Western bytes read as GB18030 give rare characters, one at a time between letters.
    foreign = [c for c in text if ord(c) > 127]
    han = _HAN.findall(text)
    runs = re.findall(r"[\u4e00-\u9fff]{2,}", text)
    return (
        len(han) >= 0.8 * len(foreign)
        and sum(map(len, runs)) >= 0.5 * len(han)
        and len(_COMMON_HAN.findall(text)) >= 0.03 * len(han)
    )
