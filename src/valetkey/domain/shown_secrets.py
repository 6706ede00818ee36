"""Secrets that Valetkey makes, shows once and keeps as hashes: tokens, cookies, one-time links.

``vkt_`` and 39 letters and digits: 33 of them random (192 bits), the last 6 a CRC-32 of what comes
before, so that a scanner of code and logs tells a real one from a name that looks alike. The
regular expression to search for is ``vk[tsl]_[0-9A-Za-z]{39}``.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from enum import StrEnum
from typing import Final

from valetkey.domain.ports.time import Entropy
from valetkey.domain.secret import Secret

PATTERN: Final = r"vk[tsl]_[0-9A-Za-z]{39}"
_SHAPE: Final = re.compile(PATTERN, re.ASCII)
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_BYTES: Final = 24
_RANDOM_DIGITS: Final = 33
_CHECK_DIGITS: Final = 6


class SecretKind(StrEnum):
    """What a secret is for; its text starts with this."""

    TOKEN = "vkt_"  # noqa: S105  # how one starts
    SESSION = "vks_"
    LINK = "vkl_"


def make_secret(kind: SecretKind, entropy: Entropy) -> Secret:
    """Make a new secret of a kind."""
    number = int.from_bytes(entropy.token_bytes(_RANDOM_BYTES), "big")
    text = kind.value + _base62(number, _RANDOM_DIGITS)
    return Secret(text + _checksum(text))


def is_shown_secret(text: str, kind: SecretKind) -> bool:
    """Tell whether a text has the form of a kind, checksum included."""
    if not (text.startswith(kind.value) and _SHAPE.fullmatch(text)):
        return False
    return text[-_CHECK_DIGITS:] == _checksum(text[:-_CHECK_DIGITS])


def secret_hash(text: str) -> str:
    """Return what is stored of a secret: its SHA-256 in hex. With 192 random bits nothing slower
    is needed."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK_DIGITS)


def _base62(number: int, digits: int) -> str:
    letters = []
    for _ in range(digits):
        number, digit = divmod(number, len(_DIGITS))
        letters.append(_DIGITS[digit])
    return "".join(reversed(letters))
