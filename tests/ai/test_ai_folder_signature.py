"""Signatures of model folders: known, unknown, none; and the consent that the last two need."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.ai.catalogue import install, read_catalogue, staged, user_models_dir
from medview.ai.folder import open_folder, write_manifest
from medview.ai.manifest import check_manifest
from medview.ai.signature import KEY_VARIABLE, MANIFEST, SIGNATURE, make_key, sign
from medview.cli.main import main
from medview.core.errors import InvalidInput, ModelUnavailable
from medview.core.paths import shipped_models_dir, user_config_dir

Changed = Callable[..., Path]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_key(tmp_path / "key")
    return tmp_path / "key"


@pytest.fixture
def foreign(changed: Changed) -> Path:
    """A folder that is not MedView's own and bears no signature."""
    return changed(name="foreign")


def trust(public: str, name: str) -> None:
    (user_config_dir() / "signers").mkdir()
    (user_config_dir() / "signers" / "site.pub").write_text(f"{public} {name}\n", encoding="utf-8")


def test_new_key_is_for_its_owner_alone_and_overwrites_nothing(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(InvalidInput):
        make_key(key)


def test_folder_without_a_signature_says_so(foreign: Path) -> None:
    model = open_folder(foreign)

    assert (model.signed, model.ref.signature) == (False, "unsigned")
    assert model.signature.said.english() == "Not signed: nobody vouches for where it comes from."


def test_sound_signature_of_a_stranger_is_told_from_a_known_one(foreign: Path, key: Path) -> None:
    public = sign(foreign, key)
    model = open_folder(foreign)
    assert (model.signature.state, model.signature.key, model.signed) == ("unknown", public, False)

    trust(public, "Radiology, Example Hospital")
    model = open_folder(foreign)
    assert model.signed
    assert model.signature.said.english() == "Signed by Radiology, Example Hospital."


def test_what_ships_is_signed_by_nobody_unknown_and_tests_itself() -> None:
    for model in read_catalogue().models:
        assert model.signature.state != "unknown", model.name
        assert (model.path / "selftest" / "in.npz").is_file(), model.name


def test_signature_of_another_list_is_refused(foreign: Path, key: Path) -> None:
    sign(foreign, key)
    signature = (foreign / SIGNATURE).read_bytes()
    (foreign / "card.md").write_text("better than it is", encoding="utf-8")
    write_manifest(foreign)
    (foreign / SIGNATURE).write_bytes(signature)

    with pytest.raises(ModelUnavailable, match="does not belong to its list of files"):
        open_folder(foreign)


@pytest.mark.parametrize("text", ["", "no signature", "medview-signature/1 ed25519\nzz\n00\n"])
def test_damaged_signature_is_refused(foreign: Path, text: str) -> None:
    (foreign / SIGNATURE).write_text(text, encoding="ascii")

    with pytest.raises(ModelUnavailable, match=r"signature \(MANIFEST.sig\) is damaged"):
        open_folder(foreign)


def test_point_that_is_no_key_is_refused(foreign: Path) -> None:
    text = f"medview-signature/1 ed25519\n{'ff' * 32}\n{'00' * 64}\n"
    (foreign / SIGNATURE).write_text(text, encoding="ascii")

    with pytest.raises(ModelUnavailable, match="does not belong"):
        open_folder(foreign)


def test_new_list_loses_the_old_signature_and_is_not_signed_unasked(
    foreign: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(foreign, key)
    monkeypatch.setenv(KEY_VARIABLE, str(key))
    write_manifest(foreign)

    assert open_folder(foreign).signature.state == "unsigned"


def test_what_was_checked_is_what_is_used(
    foreign: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(foreign, key)

    def checked(path: Path, keep: str) -> tuple[bytes, bytes]:
        answer = check_manifest(path, keep)
        (path / "model.json").write_text("{}", encoding="utf-8")  # somebody else, just then
        (path / MANIFEST).write_text("", encoding="utf-8")
        return answer

    monkeypatch.setattr("medview.ai.folder.check_manifest", checked)
    model = open_folder(foreign)

    assert (model.name, model.signature.state) == ("foreign", "unknown")


def test_model_that_was_put_there_unsigned_waits_for_consent(
    foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    user_models_dir().mkdir(parents=True)
    foreign.rename(user_models_dir() / "foreign")

    assert [model.name for model in read_catalogue().waiting] == ["foreign"]
    with pytest.raises(ModelUnavailable, match="nobody agreed"):
        read_catalogue().get("foreign")
    assert main(["models", "agree", "foreign"]) == 0
    assert read_catalogue().get("foreign").name == "foreign"
    main(["models", "list", "--json"])
    rows = json.loads(capsys.readouterr().out.split("\n", 1)[1])["models"]
    assert next(row for row in rows if row["name"] == "foreign")["signature"] == "unsigned"


def test_consent_is_for_these_bytes_alone_and_ends_with_the_model(foreign: Path) -> None:
    with staged(foreign) as candidate:
        model = install(candidate)
    assert read_catalogue().get("foreign").name == "foreign"

    (model.path / "card.md").write_text("another card", encoding="utf-8")
    write_manifest(model.path)
    assert [waiting.name for waiting in read_catalogue().waiting] == ["foreign"]
    assert main(["models", "remove", "foreign"]) == 0
    with pytest.raises(InvalidInput):
        read_catalogue().find("foreign")


def test_model_signed_by_a_known_key_needs_no_consent(foreign: Path, key: Path) -> None:
    trust(sign(foreign, key), "Radiology")
    user_models_dir().mkdir(parents=True)
    foreign.rename(user_models_dir() / "foreign")

    assert read_catalogue().get("foreign").signed


def test_sign_command_makes_a_key_and_signs(
    foreign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "new.key"
    assert main(["models", "sign", str(foreign), "--key", str(made), "--new-key"]) == 0
    assert open_folder(foreign).signature.key in capsys.readouterr().out
    assert main(["models", "sign", str(foreign), "--key", str(foreign / "card.md")]) == 2
    assert "no signing key" in capsys.readouterr().err


def test_private_keys_are_not_part_of_the_repository() -> None:
    root = shipped_models_dir().parent
    for path in (root / "resources" / "signers").iterdir():
        assert path.suffix == ".pub"
