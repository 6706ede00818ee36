"""Who a token belongs to, remembered for a moment: reading roles anew for each of a program's
requests is what would make vending slow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from valetkey.domain.access import Principal
from valetkey.domain.ports import Clock, Tokens
from valetkey.domain.tags import api_key_tag, user_tag
from valetkey.services.accounts import Accounts
from valetkey.services.audit import Caller
from valetkey.services.caches import Caches, TaggedCache

#: What is forgotten in time needs no time limit; this one bounds the damage of a change that was
#: made behind our back, in the database itself.
_GOOD_FOR_SECONDS: Final = 10.0
_CAPACITY: Final = 20_000
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    good_until: float


class Principals:
    """Reads tokens. Keeps who they belong to under the token's hash; a token that was revoked, and
    a user whose roles changed, are forgotten at once."""

    def __init__(self, accounts: Accounts, tokens: Tokens, clock: Clock, caches: Caches) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._clock = clock
        self._caches = caches
        self._known: TaggedCache[bytes, _Known] = TaggedCache(caches, capacity=_CAPACITY)

    def known(self, token: str) -> Principal | None:
        """Return whom a token is known to belong to at this moment, without waiting."""
        known = self._known.get(_digest(token))
        if known is None or self._clock.monotonic() >= known.good_until:
            return None
        return known.principal

    def good_for(self, token: str) -> float:
        """Return for how many seconds what is known of a token is believed."""
        known = self._known.get(_digest(token))
        return known.good_until - self._clock.monotonic() if known is not None else 0.0

    async def of(self, token: str) -> Principal:
        """Return whom a token belongs to, with the roles of this moment. Raises Unauthenticated."""
        known = self.known(token)
        if known is not None:
            return known
        digest = _digest(token)
        self._known.drop(digest)
        read = await self._known.fetch(digest, lambda: self._read(token))
        return read.principal

    async def _read(self, token: str) -> tuple[_Known, set[str]]:
        claims = self._tokens.read(token, now=self._clock.now())
        epoch = self._caches.epoch
        principal = await self._accounts.authenticate(token)
        for _ in range(_ROUNDS):
            if self._caches.epoch == epoch:
                break
            # Something changed meanwhile, perhaps these roles.
            epoch = self._caches.epoch
            principal = await self._accounts.again(principal)
        tags = {user_tag(principal.user_id)}
        if principal.key_id:
            tags.add(api_key_tag(principal.key_id))
        left = (claims.expires_at - self._clock.now()).total_seconds()
        until = self._clock.monotonic() + min(left, _GOOD_FOR_SECONDS)
        return _Known(principal, until), tags

    async def again(self, caller: Caller) -> Caller:
        """Return the caller with the roles of this moment. Raises Unauthenticated."""
        return caller._replace(principal=await self._accounts.again(caller.principal))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
