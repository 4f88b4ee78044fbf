"""The panel's notes and those of `medview extract --json` are the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medview.cli.main import main
from medview.core.settings import Settings
from medview.demo.record import write_record
from medview.session import Session


def test_the_window_and_the_command_read_the_demo_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "record"
    folder.mkdir()
    write_record(folder)
    assert main(["extract", str(folder), "--json", "--quiet"]) == 0
    said = {note["id"]: note for note in json.loads(capsys.readouterr().out)["documents"]}

    session = Session(Settings())
    session.documents.open(sorted(folder.iterdir()), (), None)
    shown = {item.document.id: item.note.to_json() for item in session.documents.opened}
    session.close()

    assert shown.keys() == said.keys()
    for document_id, note in shown.items():
        for part in ("text", "entities", "relations"):
            assert note[part] == said[document_id][part], (document_id, part)
