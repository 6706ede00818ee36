"""Requests that come again, word for word.

A cluster's workers share a token and all ask for the same: whose the token is, what it may have and
which session that is were found out a moment ago. What answered the first of them answers the
others too, each with an audit record of its own, for as long as all of that holds: while the
token's owner is believed and the session needs no replacement, and until any change is heard of.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NamedTuple

from valetkey.domain.ports import Clock
from valetkey.identity.principals import Principals
from valetkey.services.caches import Caches
from valetkey.services.registry import Services
from valetkey.services.vending import PreparedVend, Vending

#: When there are more, all are forgotten: those that still come are soon there again.
_CAPACITY: Final = 4096
#: Longer requests are not remembered.
_MOST_TEXT: Final = 1024


class RequestFingerprint(NamedTuple):
    """All that decides about a request: its address, its query or body, and whose it is."""

    method: str
    path: str
    text: bytes
    token_hash: bytes


@dataclass(frozen=True, slots=True, repr=False)
class PreparedResponse:
    """What answers a request: it holds secrets, and is sent once its record is durable."""

    prepared: PreparedVend
    body: bytes
    #: The lines of its head that all answers have.
    head: bytes


class ResponseCache:
    """Responses by request. Implements ``caches.Forgetful``: any change ends all of them."""

    def __init__(
        self, principals: Principals, vending: Vending, caches: Caches, clock: Clock
    ) -> None:
        self._principals = principals
        self._vending = vending
        self._caches = caches
        self._clock = clock
        self._responses: dict[RequestFingerprint, tuple[PreparedResponse, float]] = {}
        caches.add(self)

    @property
    def epoch(self) -> int:
        """The moment in the order of changes; note it before finding out what a response needs."""
        return self._caches.epoch

    def find(self, request: RequestFingerprint) -> PreparedResponse | None:
        """Return the response to a request that came before, if that still holds."""
        found = self._responses.get(request)
        if found is None or self._clock.monotonic() >= found[1]:
            return None
        return found[0]

    def keep(
        self, request: RequestFingerprint, token: str, response: PreparedResponse, *, read_at: int
    ) -> None:
        """Keep a response, unless something that it depends on has changed since epoch
        ``read_at``."""
        seconds = min(self._principals.good_for(token), self._vending.good_for(response.prepared))
        tags = response.prepared.authorization.tags
        if len(request.text) > _MOST_TEXT or seconds <= 0:
            return
        if not self._caches.may_keep(tags, read_at):
            return
        if len(self._responses) >= _CAPACITY:
            self._responses.clear()
        self._responses[request] = (response, self._clock.monotonic() + seconds)

    def forget(self, _tags: AbstractSet[str]) -> None:
        self._responses.clear()

    def clear(self) -> None:
        self._responses.clear()


class FastServices(NamedTuple):
    """What the fast path answers with."""

    services: Services
    responses: ResponseCache

    @classmethod
    def of(cls, services: Services) -> FastServices:
        responses = ResponseCache(
            services.principals, services.vending, services.caches, services.clock
        )
        return cls(services, responses)
