"""What was sent, compared with an object that is there, without reading that one."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from valetkey.domain.ports.objects import Stored

_SHA256: Final = "sha256:"


class Fingerprint:
    """Compares bytes, as they come, with an object. An ETag tells nothing when it is not the MD5:
    it may be of parts, or of an object that is encrypted with KMS."""

    def __init__(self, there: Stored) -> None:
        self.size = 0
        self._there = there
        self._sha256 = hashlib.sha256() if there.checksum.startswith(_SHA256) else None

    def add(self, chunk: bytes) -> None:
        """Take in the bytes that follow."""
        self.size += len(chunk)
        if self._sha256 is not None:
            self._sha256.update(chunk)

    @property
    def differs(self) -> bool:
        """Tell whether the object is known to have another content: another size, or another
        checksum where the store has one."""
        if self._sha256 is None:
            return self.size != self._there.size
        return _SHA256 + base64.b64encode(self._sha256.digest()).decode() != self._there.checksum
