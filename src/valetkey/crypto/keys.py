"""Key-encryption keys that this process holds itself: from a file, or from the environment."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from valetkey.domain.errors import ConfigurationError, SealBroken
from valetkey.domain.ports import Entropy
from valetkey.domain.secret import Secret

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TOO_OPEN: Final = stat.S_IRWXG | stat.S_IRWXO


class LocalKeyWrapper:
    """Wraps data keys with an AES-256 key in memory. Implements ports.KeyWrapper."""

    def __init__(self, key: Secret, entropy: Entropy) -> None:
        raw = _decode(key)
        self._cipher = AESGCM(raw)
        self._entropy = entropy
        self.key_id = "local:" + hashlib.sha256(b"valetkey kek id" + raw).hexdigest()[:16]

    async def wrap(self, data_key: bytes, associated_data: bytes) -> bytes:
        nonce = self._entropy.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data_key, associated_data)

    async def unwrap(self, wrapped: bytes, associated_data: bytes) -> bytes:
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, sealed, associated_data)
        except (InvalidTag, ValueError):
            raise SealBroken(
                "A stored secret does not open: its record was moved or changed.",
                hint="Restore the record from a backup, or enter the secret again.",
            ) from None


def _decode(key: Secret) -> bytes:
    try:
        raw = base64.b64decode(key.reveal().strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise ConfigurationError(
            "The key-encryption key is not 32 bytes in base64.",
            hint="Make one with: head -c 32 /dev/urandom | base64",
        )
    return raw


def new_key(entropy: Entropy) -> Secret:
    """Return a fresh key-encryption key, in base64."""
    return Secret(base64.b64encode(entropy.token_bytes(_KEY_BYTES)).decode())


def create_key_file(path: Path, entropy: Entropy) -> None:
    """Write a fresh key to a file that only its owner reads; never over an existing one.

    Raises ConfigurationError when the file is there already or can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"The key file {path} can't be made: {error.strerror}.",
            hint="Choose a folder that may be written to, and a file that is not there yet.",
        ) from None
    with os.fdopen(descriptor, "w") as file:
        file.write(new_key(entropy).reveal() + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_key_file(path: Path) -> Secret:
    """Read a key from a file that only its owner may read.

    Raises ConfigurationError: missing, a link, somebody else's, or readable by others.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise ConfigurationError(
            f"The key file {path} is missing: without it no stored secret opens.",
            hint="Restore it from where you keep it, or name its place in the settings. "
            "On a first start, run 'valetkey init'.",
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"The key file {path} can't be read: {error.strerror}.",
            hint="It must be a plain file (not a link) of the server's own user.",
        ) from None
    with os.fdopen(descriptor) as file:
        status = os.fstat(file.fileno())
        if status.st_uid != os.geteuid() or status.st_mode & _TOO_OPEN:
            raise ConfigurationError(
                f"The key file {path} may be read by others than the server's own user.",
                hint=f"chmod 600 {path}; chown it to the user that runs the server.",
            )
        return Secret(file.read().strip())


def read_key_variable(name: str, environment: Mapping[str, str]) -> Secret:
    """Read a key from an environment variable. Raises ConfigurationError when it is not set."""
    value = environment.get(name, "")
    if not value:
        raise ConfigurationError(
            f"The environment variable {name} holds no key-encryption key.",
            hint="Set it to 32 bytes in base64.",
        )
    return Secret(value)
