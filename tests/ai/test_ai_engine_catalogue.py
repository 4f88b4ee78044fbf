"""The catalogue and the command `models`: adding is safe, a broken model fails alone."""

from __future__ import annotations

import io
import json
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from medview.ai.catalogue import read_catalogue, staged, user_models_dir
from medview.ai.folder import write_manifest
from medview.cli.main import main

Changed = Callable[..., Path]


@pytest.fixture
def other(changed: Changed) -> Path:
    """A sound model of another name than the shipped ones."""
    return changed(name="other")


def pack(folder: Path, target: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, prefix + path.relative_to(folder).as_posix())
    return target


def refused(capsys: pytest.CaptureFixture[str], path: Path) -> str:
    assert main(["models", "add", str(path)]) == 2
    assert not list(user_models_dir().iterdir())
    return capsys.readouterr().err


def test_added_folder_is_listed_and_shows_card_and_licence(
    other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "add", str(other)]) == 0

    shown = capsys.readouterr().out
    assert "Licence: Apache-2.0" in shown
    assert "# Lungs, airway and body" in shown
    assert "other" in [model.name for model in read_catalogue().models]


@pytest.mark.parametrize("prefix", ["", "other-1.0.0/"])
def test_zip_archive_is_added(other: Path, tmp_path: Path, prefix: str) -> None:
    archive = pack(other, tmp_path / "m.zip", prefix)

    assert main(["models", "add", str(archive), "--json"]) == 0
    assert (user_models_dir() / "other" / "model.json").is_file()


def test_model_that_is_there_is_not_replaced(
    other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["models", "add", str(other)])

    assert main(["models", "add", str(other)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_shipped_name_cannot_be_taken(
    lungs_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is there already" in refused(capsys, lungs_folder)


def test_zip_that_names_a_place_outside_is_refused(
    other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = pack(other, tmp_path / "m.zip")
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("../../evil.md", "x")

    assert "names a place outside its own folder" in refused(capsys, archive)
    assert not (tmp_path / "evil.md").exists()


def test_zip_with_a_link_is_refused(
    other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = pack(other, tmp_path / "m.zip")
    link = zipfile.ZipInfo("link.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr(link, "/etc/passwd")

    assert "a link or a special file" in refused(capsys, archive)


def test_zip_bomb_is_refused_before_it_is_unpacked(
    other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = pack(other, tmp_path / "m.zip")
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("weights.safetensors", bytes(60 << 20))

    assert "unpack to far more than it is" in refused(capsys, archive)


def test_zip_with_names_that_differ_only_in_case_is_refused(
    other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = pack(other, tmp_path / "m.zip")
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("Card.MD", "x")

    assert "differ only in upper and lower case" in refused(capsys, archive)


def test_zip_with_too_many_files_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "m.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(300):
            packed.writestr(f"{number}.md", "x")

    assert "too many files" in refused(capsys, archive)


def test_damaged_zip_is_refused(
    other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = pack(other, tmp_path / "m.zip")
    archive.write_bytes(archive.read_bytes()[:-200])

    assert "damaged or no zip or tar archive" in refused(capsys, archive)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_tar_archive_is_unpacked(other: Path, tmp_path: Path, mode: str) -> None:
    with tarfile.open(tmp_path / "m.tar", mode) as packed:
        packed.add(other, "other-1.0.0")

    with staged(tmp_path / "m.tar") as model:
        assert model.name == "other"
        assert (model.path / "selftest" / "in.npz").is_file()


def tar_with(path: Path, name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> Path:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, size, "/etc/passwd"
    with tarfile.open(path, "w:gz") as packed:
        packed.addfile(entry, io.BytesIO(bytes(size)))
    return path


@pytest.mark.parametrize(
    ("name", "kind", "size", "words"),
    [
        ("../evil.md", tarfile.REGTYPE, 0, "a place outside its own folder"),
        ("/var/evil.md", tarfile.REGTYPE, 0, "a place outside its own folder"),
        ("evil.md", tarfile.SYMTYPE, 0, "a link or a special file"),
        ("evil.md", tarfile.LNKTYPE, 0, "a link or a special file"),
        ("evil.md", tarfile.FIFOTYPE, 0, "a link or a special file"),
        ("weights.safetensors", tarfile.REGTYPE, 30 << 20, "unpack to far more than it is"),
        ("run.py", tarfile.REGTYPE, 1, "could run code"),
    ],
)
def test_hostile_tar_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
    name: str, kind: bytes, size: int, words: str,
) -> None:  # fmt: skip
    assert words in refused(capsys, tar_with(tmp_path / "m.tar.gz", name, kind, size))


def test_nothing_at_the_path_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing at this path" in refused(capsys, tmp_path / "none")


def test_weights_of_another_network_are_refused(
    changed: Changed, capsys: pytest.CaptureFixture[str]
) -> None:
    args = {"outputs": 1, "widths": [8, 16], "blocks": [1, 1]}
    step = {"op": "network", "arch": "resnet2d", "weights": "weights.safetensors", "args": args}
    folder = changed(name="other", pipeline=[step])
    save_file({"head.weight": np.ones((1, 16), np.float32)}, folder / "weights.safetensors")
    write_manifest(folder)

    assert "not those of the network" in refused(capsys, folder)


def test_removed_model_is_gone_and_a_shipped_one_stays(
    other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["models", "add", str(other)])

    assert main(["models", "remove", "other"]) == 0
    assert main(["models", "remove", "lungs"]) == 2
    assert main(["models", "remove", "../other"]) == 2
    assert "belongs to MedView and stays" in capsys.readouterr().err


def test_list_in_json_names_what_the_contract_asks(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models", "list", "--json"])

    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "medview.models/1"
    lungs = next(model for model in document["models"] if model["name"] == "lungs")
    assert lungs.keys() >= {"name", "version", "kind", "title", "licence", "path", "signed"}


def test_broken_model_is_said_and_the_others_stay(
    other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["models", "add", str(other)])
    (user_models_dir() / "other" / "card.md").write_text("changed", encoding="utf-8")

    assert main(["models", "list", "--json"]) == 3

    said = capsys.readouterr()
    assert "not the one that its maker listed" in said.err
    assert main(["models", "check", "other"]) == 2
    assert main(["models", "check", "lungs"]) == 0


def test_unknown_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "no-such-model"]) == 2
    assert "no model of this name" in capsys.readouterr().err
