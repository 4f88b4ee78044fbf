"""Checks of Specific Character Set: which script the bytes are in, guessed by decoding them.

The guess names its plausibility, a share between 0 and 1 of characters that texts of that script
commonly have; it is no probability.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from medview.core.words import say
from medview.dicom.doctor.anatomy import Node
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import ERROR, WARNING, Check, Edit, Finding, declare
from medview.dicom.doctor.words import FIX_AT_SOURCE, SAVE_COPY

CHARSET = 0x00080005
TEXT_VRS = frozenset(("SH", "LO", "ST", "LT", "UC", "UT", "PN"))
LEAST_PLAUSIBLE = 0.6
_MOST_BYTES = 1 << 16
_NAMES = say("Names and descriptions are shown with wrong letters or question marks.")

UNDECLARED = declare(Check(
    id="charset.missing", severity=ERROR, title=say("No character set is named"),
    causes=_NAMES, what_to_do=SAVE_COPY,
    repair=say("The character set is named; the bytes of the texts stay."),
))  # fmt: skip
WRONG = declare(Check(
    id="charset.wrong", severity=ERROR, title=say("The named character set does not fit the texts"),
    causes=_NAMES, what_to_do=SAVE_COPY,
    repair=say("The character set is named anew; the bytes of the texts stay or are kept beside."),
))  # fmt: skip
UNKNOWN_TERM = declare(Check(
    id="charset.unknown", severity=WARNING, title=say("The named character set does not exist"),
    causes=_NAMES, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guess:
    """A script that explains the bytes. term: what Specific Character Set has to say; codec:
    Python's name of the bytes' present encoding where they must be converted to `term`."""

    name: str
    term: str
    plausibility: float
    codec: str = ""


_HANZI_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕"
    "丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严"
)
_HANGUL_SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용"
)


def _surname_bonus(text: str, surnames: frozenset[str]) -> float:
    words = re.split(r"[\^=\\ ]+", text)
    return 0.25 if any(word[:1] in surnames for word in words if word) else 0.0


def _share(text: str, is_common: Callable[[str], bool]) -> float:
    letters = [letter for letter in text if not letter.isascii()]
    return sum(map(is_common, letters)) / len(letters) if letters else 0.0


def _is_gb_level_1(letter: str) -> bool:
    try:
        return 0xB0 <= letter.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False


def _chinese(text: str) -> float:
    return 0.65 * _share(text, _is_gb_level_1) + _surname_bonus(text, _HANZI_SURNAMES)


def _korean(text: str) -> float:
    hangul = _share(text, lambda letter: "\uac00" <= letter <= "\ud7a3")
    return 0.65 * hangul + _surname_bonus(text, _HANGUL_SURNAMES)


def _japanese(text: str) -> float:
    kana = _share(
        text, lambda letter: "\u3041" <= letter <= "\u30fe" or "\uff66" <= letter <= "\uff9f"
    )
    kanji = _share(text, lambda letter: "\u4e00" <= letter <= "\u9fff")
    return 0.9 * kana + (0.75 if kana else 0.6) * kanji


def _western(text: str) -> float:
    letters = _share(text, lambda letter: letter.isalpha() or letter in "µ°²³±·")
    # Western words are Latin letters with a few accents among them.
    plain = sum(letter.isascii() and letter.isalpha() for letter in text)
    accents = sum(not letter.isascii() for letter in text)
    return 0.75 * letters if plain >= accents else 0.3 * letters


def _unicode(text: str) -> float:
    return 0.98 * _share(text, lambda letter: letter.isprintable())


# Name, codec, term of PS3.3 C.12.1.1.2 (empty: the standard has none, the texts become UTF-8).
_CANDIDATES: tuple[tuple[str, str, str, Callable[[str], float]], ...] = (
    ("UTF-8", "utf-8", "ISO_IR 192", _unicode),
    ("GB18030", "gb18030", "GB18030", _chinese),
    ("EUC-KR", "euc_kr", "", _korean),
    ("Shift-JIS", "shift_jis", "", _japanese),
    ("Latin-1", "iso8859_1", "ISO_IR 100", _western),
)
_ESCAPES = (
    (b"\x1b$B", "ISO 2022 IR 87", "JIS X 0208"),
    (b"\x1b$(D", "ISO 2022 IR 159", "JIS X 0212"),
    (b"\x1b$)C", "ISO 2022 IR 149", "KS X 1001"),
    (b"\x1b$)A", "ISO 2022 IR 58", "GB 2312"),
    (b"\x1b)I", "ISO 2022 IR 13", "JIS X 0201"),
    (b"\x1b-A", "ISO 2022 IR 100", "Latin-1"),
)


def foreign_texts(case: Case) -> list[tuple[Node, str, bytes]]:
    """Every text with bytes above 127 or escapes: element, way to it, raw value."""
    found: list[tuple[Node, str, bytes]] = []
    size = 0
    own: list[str] = []
    for node, way in case.anatomy.walk():
        if node.tag == CHARSET and "." in way:
            own.append(way.rpartition(".")[0])  # this item names a set of its own
        if node.vr not in TEXT_VRS or node.items is not None or size > _MOST_BYTES:
            continue
        if own and way.startswith(tuple(own)):
            continue
        raw = case.anatomy.value(node)
        if not raw.isascii() or b"\x1b" in raw:
            found.append((node, way, raw))
            size += len(raw)
    return found


def guess(raws: list[bytes]) -> Guess | None:
    """The script that explains all texts best; None where none is plausible."""
    joined = b"\\".join(raws)
    escapes = [(term, name) for mark, term, name in _ESCAPES if mark in joined]
    if escapes:
        first = "" if escapes[0][0] not in ("ISO 2022 IR 13", "ISO 2022 IR 100") else escapes[0][0]
        terms = [first, *(term for term, _ in escapes if term != first)]
        return Guess(", ".join(name for _, name in escapes), "\\".join(terms), 0.9)
    best: Guess | None = None
    for name, codec, term, judge in _CANDIDATES:
        try:
            text = joined.decode(codec)
        except UnicodeDecodeError:
            continue
        if any("\x80" <= letter <= "\x9f" for letter in text):
            continue
        made = Guess(name, term or "ISO_IR 192", round(judge(text), 2), "" if term else codec)
        if best is None or made.plausibility > best.plausibility:
            best = made
    return best if best is not None and best.plausibility >= LEAST_PLAUSIBLE else None


def _fits(raws: list[bytes], terms: tuple[str, ...]) -> bool:
    """Whether the named sets decode every text without a mark of replacement or control codes."""
    from medview.dicom.charset import decode_text

    texts = [decode_text(raw, terms, is_name=True) for raw in raws]
    return not any("\ufffd" in t or any("\x80" <= c <= "\x9f" for c in t) for t in texts)


def _is_known(term: str) -> bool:
    from pydicom.charset import python_encoding

    return term in python_encoding


def charset_findings(case: Case) -> Iterator[Finding]:
    """Whether the named character set explains the texts, and which one would."""
    terms = case.top.charsets
    unknown = [term for term in terms if not _is_known(term)]
    if unknown:
        said = say("{terms} is no defined term.", terms=", ".join(unknown))
        yield case.finding(UNKNOWN_TERM, said, CHARSET)
    texts = foreign_texts(case)
    if not texts:
        return
    raws = [raw for _, _, raw in texts]
    found = guess(raws)
    is_named = any(terms)
    if is_named and _fits(raws, terms) and not _is_betrayed(raws, terms, found):
        return
    if not is_named and case.anatomy.find(CHARSET) is not None and found is None:
        is_named = True
    where = ", ".join(way for _, way, _ in texts[:4])
    check = WRONG if is_named else UNDECLARED
    if found is None:
        said = say("Texts with other than ASCII letters stand at {where}; no set explains them.",
                   where=where)  # fmt: skip
        yield case.finding(check, said, CHARSET, is_repairable=False)
        return
    said = say("The texts at {where} are {name} by their bytes (plausibility {share}).",
               where=where, name=found.name, share=f"{found.plausibility:.2f}")  # fmt: skip
    edit = Edit(tag=CHARSET, vr="CS", value=found.term + (f"|{found.codec}" if found.codec else ""))
    yield case.finding(check, said, CHARSET, edit=edit)


def _is_betrayed(raws: list[bytes], terms: tuple[str, ...], found: Guess | None) -> bool:
    """Whether texts decode by the named one-byte set, yet are plainly another script.

    Valid UTF-8 is hardly ever Latin text by chance; neither are surnames in pairs of high bytes.
    """
    if found is None or not set(terms) <= {"ISO_IR 6", "ISO_IR 100", "ISO 2022 IR 100", ""}:
        return False
    if found.name in ("Latin-1",) or "," in found.term or found.term.startswith("\\"):
        return False
    joined = b"".join(raws)
    high = sum(byte > 127 for byte in joined)
    return found.name == "UTF-8" or (found.plausibility >= 0.8 and high * 2 > len(joined) // 2)
