"""MANIFEST.sig: whose word stands behind a model folder, by Ed25519 over the manifest's bytes.

One text file of three lines: the form, the signer's public key (32 bytes as hex), the signature
(64 bytes as hex). A key is known when it lies in `resources/signers` or in `signers` of the user's
settings, one file a signer: the key as hex, a space, the signer's name. Private keys are text
files of one line of hex; none is part of MedView.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medview.core.errors import InvalidInput, ModelUnavailable
from medview.core.paths import resources_dir, user_config_dir
from medview.core.words import Sentence, say

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MANIFEST = "MANIFEST.sha256"
SIGNATURE = "MANIFEST.sig"
KEY_VARIABLE = "MEDVIEW_SIGNING_KEY"
KNOWN, UNKNOWN, UNSIGNED = "known", "unknown", "unsigned"
_FORM = "medview-signature/1 ed25519"
_TEXT = re.compile(_FORM + r"\n([0-9a-f]{64})\n([0-9a-f]{128})\n")
_SIGNER = re.compile(r"([0-9a-f]{64}) +(\S.{0,79})")
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Signature:
    """state: known (a key that this MedView knows), unknown (sound, by another key) or unsigned.

    key: the public key as hex; signer: its name where it is known.
    """

    state: str = UNSIGNED
    key: str = ""
    signer: str = ""

    @property
    def said(self) -> Sentence:
        """The state in words."""
        if self.state == KNOWN:
            return say("Signed by {signer}.", signer=self.signer)
        if self.state == UNKNOWN:
            return say("Signed by a key that MedView does not know ({key}).", key=self.key[:16])
        return say("Not signed: nobody vouches for where it comes from.")


def badge(state: str) -> Sentence | None:
    """What stands at every result of a model that no known key signed; else None."""
    marks = {
        UNKNOWN: say("Model signed by an unknown key"),
        UNSIGNED: say("Model not signed"),
    }
    return marks.get(state)


def read_signature(folder: Path, manifest: bytes) -> Signature:
    """Whose signature a folder bears. Raises ModelUnavailable for one that does not fit."""
    path = folder / SIGNATURE
    if not path.is_file():
        return Signature()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    match = _TEXT.fullmatch(path.read_bytes()[:4096].decode("ascii", "replace"))
    if match is None:
        raise ModelUnavailable(say("The model's signature (MANIFEST.sig) is damaged."))
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(match[1]))
        key.verify(bytes.fromhex(match[2]), manifest)
    except (InvalidSignature, ValueError) as error:
        raise ModelUnavailable(
            say("The model's signature does not belong to its list of files."),
            what_to_do=say("Copy the model again from its source."),
        ) from error
    signer = known_signers().get(match[1])
    return Signature(UNKNOWN if signer is None else KNOWN, match[1], signer or "")


def known_signers() -> dict[str, str]:
    """Public key as hex to name, of MedView's own signers and the user's."""
    found: dict[str, str] = {}
    for root in (user_config_dir() / "signers", resources_dir() / "signers"):
        for path in sorted(root.glob("*.pub")) if root.is_dir() else ():
            match = _SIGNER.match(path.read_text(encoding="utf-8", errors="replace"))
            if match is not None:
                found[match[1]] = match[2].strip()
    return found


def sign(folder: Path, key_file: Path) -> str:
    """Sign the manifest of a folder; returns the public key as hex.

    Raises InvalidInput when the file holds no private key.
    """
    key = _read_key(key_file)
    public = key.public_key().public_bytes_raw().hex()
    text = f"{_FORM}\n{public}\n{key.sign((folder / MANIFEST).read_bytes()).hex()}\n"
    (folder / SIGNATURE).write_text(text, encoding="ascii")
    return public


def sign_where_asked(folder: Path) -> None:
    """Sign with the key file that MEDVIEW_SIGNING_KEY names, if it does; for one's own models."""
    key_file = os.environ.get(KEY_VARIABLE)
    if key_file:
        sign(folder, Path(key_file))


def make_key(key_file: Path) -> str:
    """A new private key, readable by its owner alone; returns the public key as hex.

    Raises InvalidInput when there is something at this path: a key is never overwritten.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    try:
        handle = os.open(key_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise InvalidInput(
            say("There is something at this path already."),
            str(key_file),
            say("Choose another name."),
        ) from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.private_bytes_raw().hex() + "\n")
    return key.public_key().public_bytes_raw().hex()


def _read_key(key_file: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        text = key_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if not _KEY.fullmatch(text):
        raise InvalidInput(say("This file holds no signing key."), str(key_file))
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
