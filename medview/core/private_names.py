"""Names of files that say nothing of a patient: hashes with a key that stays on the computer."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from medview.core.files import held, write_private
from medview.core.paths import user_data_dir

_SALT_LENGTH = 32


def private_name(text: str) -> str:
    """Always the same 24 letters for a text, by which nobody else can find the text again.

    Raises OSError where the user's folder cannot be written to.
    """
    return hashlib.blake2s(
        text.encode("utf-8", "surrogateescape"), key=_salt(), digest_size=12
    ).hexdigest()


def _salt() -> bytes:
    path = user_data_dir() / "salt"
    salt = _read_salt(path)
    if salt is None:
        with held(path.with_name("salt.lock")):
            salt = _read_salt(path)
            if salt is None:
                salt = secrets.token_bytes(_SALT_LENGTH)
                write_private(path, salt)
    return salt


def _read_salt(path: Path) -> bytes | None:
    try:
        salt = path.read_bytes()
    except FileNotFoundError:
        return None
    # One that a full disk cut short would name the same folders on every computer.
    return salt if len(salt) == _SALT_LENGTH else None
