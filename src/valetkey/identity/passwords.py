"""Checking and replacing passwords: counted, queued, and never more than a few at once."""

from __future__ import annotations

from valetkey.domain.people import User, check_password
from valetkey.domain.ports import Clock, Passwords, Storage
from valetkey.domain.secret import Secret
from valetkey.domain.sources import source_network
from valetkey.identity.fair_queue import FairQueue
from valetkey.identity.shared_tries import SharedTries
from valetkey.identity.throttle import Throttle


class PasswordCheck:
    """The one way to the password hash. Implements ``hash`` of ports.Passwords."""

    def __init__(self, passwords: Passwords, storage: Storage, clock: Clock) -> None:
        self._passwords = passwords
        self._shared = SharedTries(storage, clock)
        self._throttle = Throttle(clock)
        self._queue = FairQueue(clock)

    async def is_right(
        self, account: str, user: User | None, password: Secret, *, source: str, known: bool
    ) -> bool:
        """Tell whether a password is a user's; nobody's, and one who has none, takes as long.

        The attempt is counted before, by all processes together. Raises TooManyRequests, and
        StorageUnavailable: then the password was not looked at.
        """
        network = source_network(source)
        attempt = self._throttle.begin(account, network, known=known)

        async def look() -> bool:
            await self._shared.begin(account, network, known=known)
            attempt.tried = True
            stored = user.password_hash or None if user else None
            return await self._passwords.matches(password, stored)

        try:
            right = await self._queue.run(network, look, known=known)
        finally:
            attempt.end()
        if right:
            attempt.succeeded()
            await self._shared.succeeded(account, network)
        return right

    async def hash(self, password: Secret, *, source: str = "") -> str:
        """Return what is stored of a new password. Raises InvalidInput, TooManyRequests."""
        check_password(password.reveal())
        network = source_network(source)
        return await self._queue.run(network, lambda: self._passwords.hash(password), known=True)
