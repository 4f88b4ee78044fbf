"""The trained model reads English beside the rules, and the program works without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medview.cli.main import main
from medview.record import Document, Entity, Note, extract
from medview.record.tagging.merging import with_names
from medview.record.tagging.names import Name
from medview.session.text_model import shipped_text_model

# Neither name is in a word list; the model knows both by their endings and neighbours.
TEXT = "Fenfluramine induced valvulopathy. No hyperprolactinemia was seen."


def _note(text: str, *, is_tagged: bool = True) -> Note:
    document = Document(id="d", path="", kind="text", text=text, narrative=((0, len(text)),))
    return extract(document, tagger=shipped_text_model() if is_tagged else None)


def test_names_that_no_list_has_are_read_with_their_context() -> None:
    known = {e.text: e for e in _note(TEXT).entities}
    assert known["Fenfluramine"].type == "drug"
    assert known["valvulopathy"].type == "disease"
    assert known["hyperprolactinemia"].attrs.negated
    assert _note(TEXT).model.startswith("disease-chemical-names ")


@pytest.mark.parametrize("line", ["Patient ID: MV-0001", "MRN MV-0001", "Accession: MV-0001"])
def test_the_letters_of_a_number_are_no_drug(line: str) -> None:
    at = line.index("MV")
    name = Name(type="Chemical", start=at, end=at + 2, probability=0.99)
    assert with_names(line, [], [name]) == []
    other = Name(type="Chemical", start=0, end=2, probability=0.99)
    assert [e.text for e in with_names("MV 5 mg daily", [], [other])] == ["MV"]


def test_without_the_model_the_rules_read_alone() -> None:
    note = _note("No chest pain. Aspirin 100 mg daily.", is_tagged=False)
    assert {e.text for e in note.entities} >= {"chest pain", "Aspirin", "100 mg"}
    assert note.model == ""


def test_chinese_is_read_by_rules_alone() -> None:
    assert _note("否认高血压病史。口服阿司匹林100mg。").model == ""


def test_a_longer_name_takes_the_place_of_a_shorter_one_without_its_degree() -> None:
    text = "severe peripheral neuropathy of the hand"
    short = Entity(type="disease", start=18, end=28, text="neuropathy", concepts=("x",))
    (entity,) = with_names(text, [short], [Name(0, 28, "Disease", 0.95)])
    assert (entity.text, entity.concepts) == ("peripheral neuropathy", ("x",))


def test_a_doubtful_name_changes_nothing() -> None:
    text = "peripheral neuropathy"
    short = Entity(type="disease", start=11, end=21, text="neuropathy")
    assert with_names(text, [short], [Name(0, 21, "Disease", 0.45)]) == [short]
    assert with_names(text, [], [Name(0, 21, "Disease", 0.4)]) == []


def test_extract_says_which_model_read_and_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "note.txt"
    file.write_text(TEXT, encoding="utf-8")
    assert main(["extract", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["documents"][0]["model"]
    monkeypatch.setattr("medview.ai.catalogue.shipped_models_dir", lambda: tmp_path)
    shipped_text_model.cache_clear()
    try:
        assert main(["extract", str(file), "--json"]) == 0
    finally:
        shipped_text_model.cache_clear()
    said = capsys.readouterr()
    assert "model" not in json.loads(said.out)["documents"][0]
    assert "no text model" in said.err
