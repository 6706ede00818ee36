"""Time, chance and cryptography that a test controls."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

from valetkey.domain.errors import SealBroken
from valetkey.domain.sealing import SealContext, SealedSecret
from valetkey.domain.secret import Secret


class ManualClock:
    """Stands still until a test, or a sleep, moves it on."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._jumped = timedelta()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed) + self._jumped

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)  # as a real one, it lets others go on

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back: no time passes."""
        self._jumped += timedelta(seconds=seconds)


class SeededEntropy:
    """The same numbers in every run. Never for real secrets."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311  # repeatable on purpose

    def token_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


class UnsafeSealer:
    """Seals nothing: the text is kept, bound to its context. For tests that don't look at it."""

    def __init__(self) -> None:
        self.broken = False

    async def seal(self, secret: Secret, context: SealContext) -> SealedSecret:
        return SealedSecret("unsafe", context.associated_data(), b"", secret.reveal().encode())

    async def open(self, sealed: SealedSecret, context: SealContext) -> Secret:
        if self.broken or sealed.wrapped_key != context.associated_data():
            raise SealBroken("A stored secret does not open.", hint="Restore the record.")
        return Secret(sealed.ciphertext.decode())


class UnsafePasswords:
    """Hashes nothing, and is therefore quick."""

    async def hash(self, password: Secret) -> str:
        return f"unsafe:{password.reveal()}"

    async def matches(self, password: Secret, password_hash: str | None) -> bool:
        return password_hash == f"unsafe:{password.reveal()}"
