"""Credentials that stay good: fetched once, kept, and fetched again before they end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from valetkey.sdk.clock import Now, utc_now
from valetkey.sdk.errors import ApiError, Unavailable
from valetkey.sdk.processes import begins_anew
from valetkey.wire.credentials import Credentials

#: AWS's SDKs ask again when less than 15 minutes remain (botocore's advisory refresh).
_AMPLE: Final = timedelta(minutes=20)
#: This machine's clock may be behind by so much: what seems to have less left may have ended, and
#: is served only if the server has nothing better.
SKEW: Final = timedelta(minutes=5)
#: After a server that did not answer, or had nothing better, this long passes before it is asked
#: again.
_PAUSE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Credentials and when they were fetched."""

    credentials: Credentials
    fetched_at: datetime

    @property
    def good_until(self) -> datetime:
        """When it is time for new ones: 20 minutes before the end, or at half of a short life, but
        at least 5 minutes before the end."""
        lifetime = self.credentials.expires_at - self.fetched_at
        return self.credentials.expires_at - max(SKEW, min(_AMPLE, lifetime / 2))

    def due(self, now: datetime) -> bool:
        """Tell whether it is time for new ones."""
        return now > self.good_until


class Refresher:
    """One credential for many threads: a herd makes one fetch.

    While one thread fetches, the others are served what is still good; who has to wait shares the
    outcome, be it a failure. When the server does not answer, a credential is served to its end;
    when it refuses, the refusal is passed on at once.
    """

    def __init__(self, fetch: Callable[[], Credentials], clock: Now = utc_now) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fetching = threading.Lock()
        self._held: Fetched | None = None
        #: How many fetches have ended, and how the last one failed, if it did.
        self._ended = 0
        self._failure: ApiError | None = None
        self._pause_until: datetime | None = None
        begins_anew(self)

    def after_fork(self) -> None:
        """Don't wait for a thread of the parent's; what is held is good here too."""
        self._fetching = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what fetches, never what is held."""
        return Refresher, (self._fetch, self._clock)

    def __call__(self) -> Credentials:
        """Return credentials that are good now. Raises ApiError."""
        held = self._held
        if held is not None and not self._wanted(held):
            return held.credentials
        ended = self._ended
        waits = held is None or held.credentials.expires_at - self._clock() < SKEW
        if not self._fetching.acquire(blocking=waits):
            assert held is not None  # noqa: S101  # only who holds nothing waits
            return held.credentials
        try:
            return self._renewed(ended)
        finally:
            self._fetching.release()

    def good_until(self) -> datetime:
        """Return when the credentials that are held will be renewed; now, when none are."""
        held = self._held
        if held is None:
            return self._clock()
        pause_until = self._pause_until or held.good_until
        return min(max(held.good_until, pause_until), held.credentials.expires_at)

    def _wanted(self, held: Fetched) -> bool:
        now = self._clock()
        if self._pause_until is not None and now < self._pause_until:
            return held.credentials.expires_at <= now
        return held.due(now)

    def _renewed(self, ended: int) -> Credentials:
        """Fetch, unless another thread has since ``ended`` fetches had ended."""
        held = self._held
        if held is not None and not self._wanted(held):
            return held.credentials  # another thread was faster
        if self._failure is not None and self._ended != ended:
            raise copy(self._failure)  # it failed while we waited: the next try is somebody else's
        asked_at, self._failure = self._clock(), None
        try:
            fetched = self._fetch()
        except ApiError as error:
            self._failure = copy(error)
            if not isinstance(error, Unavailable):
                raise
            self._pause_until = self._clock() + _PAUSE
            if held is not None and held.credentials.expires_at > self._clock():
                return held.credentials
            raise
        finally:
            self._ended += 1
        self._held, now = Fetched(fetched, asked_at), self._clock()
        self._pause_until = now + _PAUSE if self._held.due(now) else None
        return fetched
