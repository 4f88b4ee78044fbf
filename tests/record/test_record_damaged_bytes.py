"""Texts whose encoding nobody names, with a byte lost, or very long."""

from __future__ import annotations

import pytest

from medview.record import encoding
from medview.record.encoding import decode, is_guessed

CHINESE = (
    "患者张三，男，65岁，因咳嗽咳痰3天入院。\n既往高血压病史10年，否认糖尿病。\n"
    "CT示右肺上叶结节，大小约8mm。\n"
)
TRADITIONAL = (
    "患者張三，男，65歲，因咳嗽咳痰3天入院。\n既往高血壓病史10年。\nCT示右肺上葉結節，大小約8mm。\n"
)
GERMAN = "Patient: Müller, Jörg\nGröße 178 cm, Körpergewicht 80 kg\nMaßnahme: Überprüfung\n"


def test_a_lost_byte_leaves_the_other_lines_chinese() -> None:
    data = CHINESE.encode("gb18030").replace("肺".encode("gb18030"), b"\xb7")
    text, name = decode(data, "n.txt")

    assert text.splitlines()[:2] == CHINESE.splitlines()[:2]
    assert (name, is_guessed(name)) == ("GB18030, 1 lines damaged", True)


@pytest.mark.parametrize("place", range(20, 60, 3))
def test_no_lost_byte_makes_western_letters_of_chinese(place: int) -> None:
    data = CHINESE.encode("gb18030")
    text, name = decode(data[:place] + data[place + 1 :], "n.txt")

    assert name.startswith("GB18030")
    assert text.endswith("大小约8mm。\n")


def test_big5_that_nobody_declared_is_read() -> None:
    assert decode(TRADITIONAL.encode("big5"), "n.txt") == (TRADITIONAL, "Big5")


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [(GERMAN, "cp1252", "Windows-1252"), (CHINESE, "gb18030", "GB18030"),
     ("MÜLLER ÖZGÜR GRÖßE ÄÖÜ\n", "cp1252", "Windows-1252")],
)  # fmt: skip
def test_what_was_read_rightly_still_is(text: str, codec: str, name: str) -> None:
    assert decode(text.encode(codec), "n.txt") == (text, name)


def test_of_very_many_lines_a_bounded_number_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bytes] = []
    judge = encoding._pairs_and_singles

    def judged(line: bytes) -> tuple[int, int]:
        looked.append(line)
        return judge(line)

    monkeypatch.setattr(encoding, "_pairs_and_singles", judged)
    western = "".join(f"{n} Größe, Körper\n" for n in range(3000))
    chinese = "".join(f"{n} 右肺上叶结节，无积液\n" for n in range(4000))
    text, name = decode(western.encode("cp1252") + chinese.encode("gb18030"), "n.txt")

    assert text == western + chinese
    assert name == "GB18030, 3000 lines Windows-1252"
    assert len(looked) < 5000  # each of two looks takes less than a line in three
    assert max(map(len, looked)) <= 400
