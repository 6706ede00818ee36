"""Sealing at rest, password hashes, signed tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from valetkey.domain.sealing import SealContext, SealedSecret
from valetkey.domain.secret import Secret


class KeyWrapper(Protocol):
    """A key-encryption key, wherever it is kept. Methods raise SealBroken, StorageUnavailable."""

    @property
    def key_id(self) -> str:
        """Name the key; stored with everything that it wrapped."""
        ...

    async def wrap(self, data_key: bytes, associated_data: bytes) -> bytes: ...
    async def unwrap(self, wrapped: bytes, associated_data: bytes) -> bytes: ...


class Sealer(Protocol):
    """Encryption at rest. ``open`` raises SealBroken."""

    async def seal(self, secret: Secret, context: SealContext) -> SealedSecret: ...
    async def open(self, sealed: SealedSecret, context: SealContext) -> Secret: ...


class Passwords(Protocol):
    """Password hashing. Slow on purpose; runs off the event loop."""

    async def hash(self, password: Secret) -> str: ...

    async def matches(self, password: Secret, password_hash: str | None) -> bool:
        """Tell whether the password is right; ``None`` takes as long as a wrong password does."""
        ...


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a signed token says. ``token_id`` names an API token's record; it is empty for a
    password login, whose ``logged_in_at`` is when the password was given (refreshing does not move
    it) and whose ``generation`` is that of the user's sign-ins then."""

    user_id: str
    email: str
    token_id: str
    issued_at: datetime
    expires_at: datetime
    logged_in_at: datetime
    generation: int = 0


class TokenSigner(Protocol):
    """Signed tokens (JWT, HS256) of this installation."""

    def issue(self, claims: TokenClaims) -> Secret: ...

    def read(self, token: str, *, now: datetime) -> TokenClaims:
        """Raises Unauthenticated: wrong signature, algorithm, audience, or expired."""
        ...
