"""Who a token belongs to, remembered for a moment: reading roles anew for each of a program's
requests is what would make vending slow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from valetkey.domain.access import Principal
from valetkey.domain.errors import Denied
from valetkey.domain.ports import Clock
from valetkey.domain.tags import session_tag, token_tag, user_tag
from valetkey.identity.authentication import Authentication
from valetkey.identity.token_uses import TokenUses
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

    def __init__(
        self, authentication: Authentication, uses: TokenUses, clock: Clock, caches: Caches
    ) -> None:
        self._authentication = authentication
        self._uses = uses
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

    async def of(self, token: str, *, source: str) -> Principal:
        """Return whom a token belongs to that is shown from a network address, with roles that
        are known to be those of this moment. Raises Unauthenticated; Denied from outside of the
        token's networks."""
        known = self.known(token)
        if known is None:
            digest = _digest(token)
            before = self._known.get(digest)
            self._known.drop(digest)
            known = (await self._known.fetch(digest, lambda: self._read(token, before))).principal
        return self._used(known, source)

    async def read(self, token: str, *, source: str) -> Principal:
        """Do as :meth:`of` does, from the database in any case."""
        return self._used((await self._authentication.of(token)).principal, source)

    def _used(self, principal: Principal, source: str) -> Principal:
        if principal.token_id:
            if not principal.limits.allows_source(source):
                raise Denied(
                    f"This API token can't be used from {source or 'there'}.",
                    hint="Use it from one of its networks; its maker can list them.",
                )
            self._uses.note(principal.token_id, source)
        return principal

    async def _read(self, token: str, before: _Known | None) -> tuple[_Known, set[str]]:
        """Read whom a token belongs to. Whoever is who they were ``before`` stays the same object:
        what was decided for it is found again, and not kept once more."""
        epoch = self._caches.epoch
        shown = await self._authentication.of(token)
        principal = shown.principal
        for _ in range(_ROUNDS):
            if self._caches.epoch == epoch:
                break
            # Something changed meanwhile, perhaps these roles.
            epoch = self._caches.epoch
            principal = await self._authentication.again(principal)
        if before is not None and before.principal == principal:
            principal = before.principal
        return _Known(principal, self._good_until(shown.expires_at)), tags_of(principal)

    def _good_until(self, expires_at: datetime) -> float:
        left = (expires_at - self._clock.now()).total_seconds()
        return self._clock.monotonic() + min(left, _GOOD_FOR_SECONDS)

    async def again(self, caller: Caller) -> Caller:
        """Return the caller with the roles of this moment. Raises Unauthenticated."""
        return caller._replace(principal=await self._authentication.again(caller.principal))


def tags_of(principal: Principal) -> set[str]:
    """Return what it depends on that a principal is what it is."""
    tags = {user_tag(principal.user_id)}
    if principal.token_id:
        tags.add(token_tag(principal.token_id))
    if principal.session_id:
        tags.add(session_tag(principal.session_id))
    return tags


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
