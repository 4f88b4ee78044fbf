"""The first word of a command line: a command, a path, or a mistake that is named."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

import pytest

from medview.cli.main import COMMANDS, main


@pytest.mark.parametrize("line", [["surgeon", "x"], ["diagnose", "f.json"], ["surgeon"]])
def test_a_word_that_is_no_command_is_named(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line) == 2
    said = f"{line[0]} is no command of MedView; `medview --help` lists them."
    assert capsys.readouterr().err.strip() == said


@pytest.mark.parametrize("path", ["nowhere/scan", "scan.dcm", "Scan2"])
def test_a_path_that_is_not_there_is_called_a_path(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([path]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_a_training_file_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(tmp_path / "plan.toml")]) == 2
    assert "There is no such file" in capsys.readouterr().err


def test_a_report_on_a_folder_without_images_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["report", str(tmp_path / "empty"), "--out", str(tmp_path / "r.pdf")]) == 2
    assert "There is no image below this path" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_has_words_for_every_argument(name: str) -> None:
    parser = argparse.ArgumentParser()
    import_module(f"medview.cli.{name}").add_arguments(parser)
    silent = [action.dest for action in parser._actions if not action.help]
    assert silent == []
