"""Bytes of a text file to its text, and which encoding it was."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from itertools import islice

from medview.core.errors import UnreadableInstance
from medview.core.words import say
from medview.record.language import simplified

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
# Read so because it fits, not because the file says so.
GUESSED = frozenset(("GB18030", "Big5", "Windows-1252", "Latin-1", "UTF-16 without mark"))


def is_guessed(encoding: str) -> bool:
    """Whether an encoding was chosen because it fits, not because the file says so."""
    return encoding in GUESSED or " lines " in encoding


_SAVE_AS_TEXT = say("Save it again as text in the program that wrote it.")
_NAMES = {"utf-8": "UTF-8", "gb18030": "GB18030", "gbk": "GBK", "gb2312": "GB2312", "big5": "Big5",
          "cp950": "Big5", "cp1252": "Windows-1252", "iso8859-1": "Latin-1",
          "utf-16": "UTF-16"}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HAN = re.compile(r"[\u4e00-\u9fff，。、；：（）“”]")
_COMMON_HAN = re.compile("[的一是不了在有人中大为上个国无和可见右左肺患者年月日史及部未痛性示检查]")
_MOST_LINES = 500_000  # beyond them no line is read by itself
_JUDGED_LINES = 2_000  # of which each is looked at; of more, every so many
_JUDGED_BYTES = 400  # of a line
_MOST_BYTES = 4 << 20  # of which lines are taken to tell Chinese
_HEAD = 100_000  # bytes that tell UTF-16
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
    if data.count(b"\n") + data.count(b"\r") > _MOST_LINES:
        return None
    lines = data.splitlines(keepends=True)
    foreign = [line for line in lines if not line.isascii()]
    broken = [line for line in foreign if _try(line, "utf-8") is None]
    if not broken:
        return None
    if all(map(_is_damaged, _some(broken))):
        return data.decode("utf-8", "replace"), f"UTF-8, {len(broken)} lines damaged"
    codecs_of = _codecs_of(broken)
    if "gb18030" in codecs_of.values() and not any(map(_is_surely_utf8, _some(foreign))):
        broken = foreign  # a short word of GB 2312 may be UTF-8 by chance
        codecs_of = _codecs_of(broken)
    used = Counter(codecs_of[line] for line in broken)
    if len(broken) == len(foreign) and len(used) == 1:
        return None
    main = "UTF-8" if len(broken) < len(foreign) else max(sorted(used), key=lambda c: used[c])
    whole = [
        line.decode(codecs_of[line], "replace") if line in codecs_of else line.decode("utf-8")
        for line in lines
    ]
    said = [f"{n} lines {_NAMES[c]}" for c, n in sorted(used.items()) if c != main]
    return "".join(whole), ", ".join((_NAMES.get(main, main), *said))


def _some(lines: list[bytes]) -> list[bytes]:
    """As many lines as are looked at one by one, from the whole length of the text."""
    return lines[:: 1 + len(lines) // _JUDGED_LINES]


def _is_surely_utf8(line: bytes) -> bool:
    text = _try(line, "utf-8")
    return text is not None and (max(text) > "\u07ff" or bool(re.search(rb"[\x80-\xa0]", line)))


def _codecs_of(lines: list[bytes]) -> dict[bytes, str]:
    """The codec of each line that is no UTF-8: GB18030 or Windows-1252.

    A Chinese character of GB 2312 is two bytes above A0, and rarely stands alone; a letter with
    an accent is one, and stands among plain ones. A line that shows neither goes with the most.
    Of very many lines, those between two of a kind are of that kind too.
    """
    judged = _some(lines)
    shown = [_pairs_and_singles(line[:_JUDGED_BYTES]) for line in judged]
    # Common characters must be among them: capitals with accents are bytes above A0 too.
    chinese = b"".join(line for line, (two, one) in zip(judged, shown, strict=True) if two > one)
    pairs_count = _is_chinese(chinese.decode("gb18030", "replace"))
    kinds = [_kind(*counts, pairs_count=pairs_count) for counts in shown]
    rest = max(("cp1252", "gb18030"), key=kinds.count)
    found: dict[bytes, str] = {}
    step = 1 + len(lines) // _JUDGED_LINES
    for n, kind in enumerate(kinds):
        between = lines[n * step : (n + 1) * step]
        if kinds[n + 1 : n + 2] in ([], [kind]):
            found.update(dict.fromkeys(between, kind or rest))
            continue
        for line in between:
            counts = _pairs_and_singles(line[:_JUDGED_BYTES])
            found[line] = _kind(*counts, pairs_count=pairs_count) or rest
    return found


def _kind(pairs: int, singles: int, *, pairs_count: bool) -> str:
    pairs = pairs if pairs_count else 0
    if pairs == singles:
        return ""
    return "gb18030" if pairs > singles else "cp1252"


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
    chinese = _chinese(data)
    if chinese != "cp950" and (mixed := _mixed(data)) is not None:
        return mixed
    if chinese:
        return _with_damage_said(data.decode(chinese, "replace"), chinese)
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


def _chinese(data: bytes) -> str:
    """The codec in which the most common characters of Chinese stand, or empty.

    A byte may be lost on the way: what was Chinese around it still is.
    """
    foreign = (line for line in data[:_MOST_BYTES].splitlines() if not line.isascii())
    sample = b"\n".join(line[:_JUDGED_BYTES] for line in islice(foreign, _JUDGED_LINES))
    head = data[:_HEAD]
    readings = {
        "gb18030": sample.decode("gb18030", "replace"),
        "cp950": sample.decode("cp950", "replace"),
        "utf-16-le": _try(head, "utf-16-le") or "",
        "utf-16-be": _try(head, "utf-16-be") or "",
    }
    shares = {c: _common_share(text) for c, text in readings.items() if _is_chinese(text)}
    return max(shares, key=lambda c: shares[c], default="")


def _with_damage_said(text: str, codec: str) -> tuple[str, str]:
    name = _NAMES.get(codec, "UTF-16 without mark")
    lost = sum("\ufffd" in line for line in text.splitlines()) if "\ufffd" in text else 0
    return text, f"{name}, {lost} lines damaged" if lost else name


def _common_share(text: str) -> float:
    han = len(_HAN.findall(text))
    return len(_COMMON_HAN.findall(simplified(text))) / han if han else 0.0


def _is_chinese(text: str) -> bool:
    # Western bytes read as GB18030 give rare characters, one at a time between letters.
    foreign = sum(c > "\x7f" for c in text)
    han = len(_HAN.findall(text))
    runs = re.findall(r"[\u4e00-\u9fff]{2,}", text)
    return han >= 0.8 * foreign and sum(map(len, runs)) >= 0.5 * han and _common_share(text) >= 0.03
