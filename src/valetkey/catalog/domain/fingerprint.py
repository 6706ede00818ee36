"""What was sent, compared with an object that is there, without reading that one."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from valetkey.domain.ports.objects import Stored

_SHA256: Final = "sha256:"


class Fingerprint:
    """Compares bytes, as they come, with an object. ``closely``: not by its size alone, where the
    store has no checksum that tells."""

    def __init__(self, there: Stored, *, closely: bool = False) -> None:
        self.size = 0
        self._there = there
        self._has_checksum = there.checksum.startswith(_SHA256)
        self._md5 = hashlib.md5(usedforsecurity=False) if closely else None
        self._sha256 = hashlib.sha256() if closely or self._has_checksum else None

    def add(self, chunk: bytes) -> None:
        """Take in the bytes that follow."""
        self.size += len(chunk)
        if self._md5 is not None:
            self._md5.update(chunk)
        if self._sha256 is not None:
            self._sha256.update(chunk)

    @property
    def is_same(self) -> bool | None:
        """Tell whether the object has these bytes; None where what is known of it does not tell:
        an ETag that is not their MD5 may be one of parts, or of what is encrypted with KMS."""
        if self.size != self._there.size:
            return False
        if self._sha256 is not None and self._has_checksum:
            digest = base64.b64encode(self._sha256.digest()).decode()
            return _SHA256 + digest == self._there.checksum
        if self._md5 is not None and self._md5.hexdigest() == self._there.etag:
            return True
        return None

    def has_bytes_of(self, other: Fingerprint) -> bool:
        """Tell whether two that were taken closely are of the same bytes."""
        if self._sha256 is None or other._sha256 is None:
            raise ValueError("a fingerprint that was not taken closely")
        return self._sha256.digest() == other._sha256.digest()
