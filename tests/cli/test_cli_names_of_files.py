"""Names of files reach the terminal as text, never as commands to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from medview.cli.main import main

_HOSTILE = "a\x1b[2J\nb\x9b1mc\u202ed\x7f.dcm"
_SHOWN = "a\ufffd[2J\ufffdb\ufffd1mc\ufffdd\ufffd.dcm"


@pytest.mark.parametrize("command", [["info"], ["info", "--files"], ["doctor"]])
@pytest.mark.parametrize("source", ["odd/no-meta.dcm", "odd/rtplan-truncated.dcm"])
def test_control_characters_of_names_are_replaced(
    imaging_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    source: str,
) -> None:
    shutil.copyfile(imaging_data / source, tmp_path / _HOSTILE)

    main([*command, str(tmp_path)])

    said = "".join(capsys.readouterr())
    assert not set("\x1b\x9b\u202e\x7f") & set(said)
    assert "a\ufffd[2J\nb" not in said
    if command != ["info"]:
        assert _SHOWN in said
