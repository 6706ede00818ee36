"""Where a client finds its server and its token, and how it travels to another process."""

from __future__ import annotations

import os
import pickle
from functools import cache
from typing import Any

from valetkey.sdk.profiles import DEFAULT_URL, Renew, find_place
from valetkey.sdk.transport import Options, RetryPolicy, TokenSource, checked_url


class OpenedClient:
    """What both clients know: where the server is, and how to show a token."""

    def __init__(
        self,
        url: str | None,
        token: str | TokenSource | None,
        options: Options,
        renew: Renew,
    ) -> None:
        self._reopening: tuple[Any, ...] | None = None
        if url is None and token is None:
            place = find_place(os.environ, renew)
            url, token = place.url, place.token
            self._reopening = (type(self), url, options.given)
        self.url = checked_url(url or DEFAULT_URL, allow_http=options.allow_http)
        if token is None:
            token = _found_there(self.url, renew)
            self._reopening = (type(self), self.url, options.given)
        self.clock = options.clock
        self._options = options
        self._patience = options.patience or RetryPolicy(attempts=options.retries + 1)
        self._token: TokenSource = (lambda: token) if isinstance(token, str) else token

    def __reduce__(self) -> tuple[Any, ...]:
        """A client travels to another process as the words 'find it there', never with a token.
        Raises PicklingError for one that was given its token."""
        if self._reopening is None:
            raise pickle.PicklingError(
                "This client was given its token, and a pickle would carry it along. "
                "Make it without one (Client()): the other process then finds the token itself."
            )
        return _reopen, self._reopening

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"


def _found_there(url: str, renew: Renew) -> TokenSource:
    """Return what looks for a token of a server once one is to be shown. Raises Unauthenticated
    then, if there is none."""

    @cache
    def source() -> TokenSource:
        return find_place(os.environ, renew, url=url).token

    return lambda: source()()  # noqa: PLW0108  # looked for when it is first wanted


def _reopen(kind: Any, url: str, more: dict[str, Any]) -> Any:
    return kind(url, **more)
