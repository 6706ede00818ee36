"""What a sealed secret is: ciphertext bound to the one record and field that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SealContext:
    """Where a secret belongs. It is authenticated with the ciphertext: a row that is moved to
    another record, field or organisation does not open."""

    org_id: str
    record_id: str
    field: str

    def associated_data(self) -> bytes:
        """Return the context's one byte form; the parts can't run into each other."""
        return "\x1f".join((self.org_id, self.record_id, self.field)).encode()


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """An envelope: a fresh data key, wrapped by the key-encryption key ``kek_id``, and what it
    encrypts (AES-256-GCM; the 12-byte nonce apart)."""

    kek_id: str
    wrapped_key: bytes
    nonce: bytes
    ciphertext: bytes
