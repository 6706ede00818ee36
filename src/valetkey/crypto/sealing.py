"""Envelope encryption: a fresh data key per secret, wrapped by a key-encryption key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from valetkey.domain.errors import SealBroken
from valetkey.domain.ports import Entropy, KeyWrapper
from valetkey.domain.sealing import SealContext, SealedSecret
from valetkey.domain.secret import Secret

_NONCE_BYTES: Final = 12
_DATA_KEY_BYTES: Final = 32


@runtime_checkable
class _Closable(Protocol):
    async def close(self) -> None: ...


@runtime_checkable
class _Renamed(Protocol):
    """A key that earlier releases named otherwise."""

    @property
    def earlier_ids(self) -> frozenset[str]: ...


class EnvelopeSealer:
    """Implements ports.Sealer and ports.Resealer with AES-256-GCM.

    The first wrapper seals; all of them open, so that a new key-encryption key can be brought in
    while records of the old one are still there.
    """

    def __init__(self, wrappers: Sequence[KeyWrapper], entropy: Entropy) -> None:
        if not wrappers:
            raise ValueError("a sealer needs a key-encryption key")
        self._active = wrappers[0]
        self._wrappers = {wrapper.key_id: wrapper for wrapper in wrappers}
        self._by_earlier_id: dict[str, list[KeyWrapper]] = {}
        for wrapper in wrappers:
            if isinstance(wrapper, _Renamed):
                for key_id in wrapper.earlier_ids:
                    self._by_earlier_id.setdefault(key_id, []).append(wrapper)
        self._entropy = entropy

    @property
    def active_key_id(self) -> str:
        """The key that seals."""
        return self._active.key_id

    @property
    def key_ids(self) -> frozenset[str]:
        """All keys that open, by their names of now and earlier ones."""
        return frozenset(self._wrappers) | self.earlier_key_ids

    @property
    def earlier_key_ids(self) -> frozenset[str]:
        """Names that only earlier releases gave."""
        return frozenset(self._by_earlier_id) - frozenset(self._wrappers)

    async def close(self) -> None:
        """Close what the keys keep open."""
        for wrapper in self._wrappers.values():
            if isinstance(wrapper, _Closable):
                await wrapper.close()

    async def seal(self, secret: Secret, context: SealContext) -> SealedSecret:
        associated = context.associated_data()
        data_key = self._entropy.token_bytes(_DATA_KEY_BYTES)
        nonce = self._entropy.token_bytes(_NONCE_BYTES)
        ciphertext = AESGCM(data_key).encrypt(nonce, secret.reveal().encode(), associated)
        wrapped = await self._active.wrap(data_key, associated)
        return SealedSecret(self._active.key_id, wrapped, nonce, ciphertext)

    async def rewrap(self, sealed: SealedSecret, context: SealContext) -> SealedSecret:
        data_key = await self._unwrap(sealed, context)
        # Opened before it is moved: what does not open is left as it was, and noticed now.
        self._decrypt(data_key, sealed, context)
        wrapped = await self._active.wrap(data_key, context.associated_data())
        return replace(sealed, kek_id=self._active.key_id, wrapped_key=wrapped)

    async def open(self, sealed: SealedSecret, context: SealContext) -> Secret:
        return self._decrypt(await self._unwrap(sealed, context), sealed, context)

    async def _unwrap(self, sealed: SealedSecret, context: SealContext) -> bytes:
        named = self._wrappers.get(sealed.kek_id)
        candidates = [named] if named else []
        candidates += self._by_earlier_id.get(sealed.kek_id, [])
        refusal = SealBroken(
            f"A stored secret was sealed with another key-encryption key ({sealed.kek_id}).",
            hint="Give the server the key of this database: the key file or the key variable "
            "belongs to another installation, or was made anew.",
        )
        for wrapper in candidates:
            try:
                return await wrapper.unwrap(sealed.wrapped_key, context.associated_data())
            except SealBroken as error:
                refusal = error  # under an earlier name, several keys may be meant
        raise refusal

    def _decrypt(self, data_key: bytes, sealed: SealedSecret, context: SealContext) -> Secret:
        associated = context.associated_data()
        try:
            plain = AESGCM(data_key).decrypt(sealed.nonce, sealed.ciphertext, associated)
        except (InvalidTag, ValueError):
            raise SealBroken(
                "A stored secret does not open: its record was moved or changed.",
                hint="Restore the record from a backup, or enter the secret again.",
            ) from None
        return Secret(plain.decode())
