"""Sending calls: what both clients share, without sending anything itself."""

from __future__ import annotations

import ipaddress
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from valetkey.sdk.call import Call
from valetkey.sdk.clock import Now
from valetkey.sdk.errors import (
    ApiError,
    InvalidRequest,
    ServerFailed,
    Unauthenticated,
    Unavailable,
    error_from,
)
from valetkey.wire.base import Page

T = TypeVar("T")
#: Returns the token to send with each request, so that a short-lived one may be renewed.
TokenSource = Callable[[], str]
_NO_TEXT: Final = (
    "Names of files that are not UTF-8 hold such: write them in UTF-8, or leave them out."
)
#: After a first attempt.
RETRIES: Final = 3
_TOO_MANY_REQUESTS: Final = 429
_LONGEST_PAUSE: Final = 20.0
#: Seconds: a verification asks AWS a dozen things.
TIMEOUT: Final = 60.0


def checked_url(url: str, *, allow_http: bool = False) -> str:
    """Return a server's address without a trailing slash. Raises InvalidRequest.

    Plain http is refused except to this machine: the token would be read on the way.
    """
    parts, host = urlsplit(""), ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        right = parts.scheme in {"http", "https"} and host and httpx2.URL(url).host
        more = parts.username is not None or parts.query or parts.fragment or parts.port == 0
    except (ValueError, httpx2.InvalidURL):
        right, more = "", True
    if not right or more or " " in url or not url.isprintable():
        raise InvalidRequest(
            "That is not the address of a server.",
            hint="It has the form https://valetkey.example.com, without a user name.",
        )
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise InvalidRequest(f"The token would travel unencrypted to {host}.", hint="Use https.")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Tell whether a host name is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# 1.7 ms without, at each request.
@cache
def user_agent() -> str:
    """Return what the library calls itself."""
    try:
        return f"valetkey-python/{version('valetkey')}"
    except PackageNotFoundError:
        return "valetkey-python"


def request_parts(call: Call[Any], url: str, token: TokenSource) -> dict[str, Any]:
    """Return the arguments of httpx2's ``build_request``. Raises Unauthenticated, and
    InvalidRequest for what JSON, or an address, has no words for."""
    headers = {"Accept": "application/json", "User-Agent": user_agent(), **call.headers}
    if not call.is_public:
        headers["Authorization"] = f"Bearer {_clean(token())}"
    parts: dict[str, Any] = {"method": call.method, "url": url + call.path, "headers": headers}
    if call.query:
        _check_texts(call.query)
        parts["params"] = call.query
    if call.body is not None:
        parts["content"] = _encoded(call.body)
        headers["Content-Type"] = "application/json"
    if call.content is not None:
        parts["content"] = call.content
    return parts


def _encoded(body: Any) -> bytes:
    """Return a body as JSON. What JSON has no words for would break off, or be sent as null, which
    takes away what it was to set."""
    try:
        text = msgspec.json.encode(body)
    except UnicodeEncodeError:
        raise _unsayable("a text with half a character", _NO_TEXT) from None
    if b"null" in text and _has_no_number(msgspec.to_builtins(body)):
        raise _unsayable("a number that is none (nan, inf)", "Leave it out, or send a text.")
    return text


def _check_texts(query: Mapping[str, Any]) -> None:
    try:
        for value in query.values():
            "".join(value if isinstance(value, list) else [str(value)]).encode()
    except UnicodeEncodeError:
        raise _unsayable("a text with half a character", _NO_TEXT) from None


def _has_no_number(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_no_number, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_no_number, value))
    return isinstance(value, float) and not math.isfinite(value)


def _unsayable(what: str, hint: str) -> InvalidRequest:
    return InvalidRequest(f"The request holds {what}, which can't be sent.", hint=hint)


def _clean(token: str) -> str:
    """Return a token that fits a header; the HTTP library's own complaint would show it."""
    bare = token.strip()
    if not bare or not bare.isascii() or not bare.isprintable() or " " in bare:
        raise Unauthenticated(
            "The token is empty, or is no token: it holds spaces or other odd characters.",
            hint="Log in again, or check the file or variable that it comes from.",
        )
    return bare


def read(call: Call[T], status: int, body: bytes, headers: Mapping[str, str]) -> T:
    """Return an answer's meaning. Raises ApiError."""
    if not httpx2.codes.is_success(status):
        raise error_from(status, body, headers)
    if call.result is None or call.result is bytes:
        return body if call.result is bytes else None  # type: ignore[return-value]
    found: Any = decode(body, call.result)
    return (found, headers.get("etag", "")) if call.with_etag else found  # type: ignore[return-value]


def decode(body: bytes, wanted: Any) -> Any:
    """Read JSON as a type. Raises ServerFailed, without the body: it may hold a secret."""
    try:
        return msgspec.json.decode(body, type=wanted)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ServerFailed(
            "The server's answer is not what Valetkey answers.",
            hint="Check the address, and that client and server are of one version.",
        ) from None


def unreachable(url: str, error: httpx2.HTTPError) -> Unavailable:
    """Return the error of a server that did not answer."""
    reason = str(error) or type(error).__name__
    return Unavailable(
        f"The server {url} did not answer: {reason}.",
        hint="See that it runs and that the address is right; then try again.",
    )


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a failed call is tried again: up to ``attempts`` in all, with growing, jittered pauses.

    ``chance`` returns a number from 0 to 1.
    """

    attempts: int = RETRIES + 1
    first_pause: float = 0.2
    chance: Callable[[], float] = random.random

    def pauses(self) -> Iterator[float]:
        """Return the seconds before each further attempt."""
        for number in range(self.attempts - 1):
            yield self.first_pause * 2**number * (0.5 + self.chance() / 2)


def may_repeat(call: Call[Any], error: ApiError, *, sent: bool) -> bool:
    """Tell whether a failed call may be sent again without doing anything twice.

    A call that was never sent, or was turned away unread (429), always; else a repeatable one.
    """
    if not isinstance(error, Unavailable):
        return False
    return not sent or error.status == _TOO_MANY_REQUESTS or call.repeatable


def pause_for(error: ApiError, planned: float) -> float | None:
    """Return how long to wait; None when the server asks for more patience than there is."""
    asked = error.retry_after if isinstance(error, Unavailable) else 0.0
    return max(asked, planned) if asked <= _LONGEST_PAUSE else None


@dataclass(frozen=True, slots=True)
class Options:
    """How a client asks; clients that are made from one another have the same."""

    timeout: float
    retries: int
    clock: Now
    patience: RetryPolicy | None
    allow_http: bool

    @property
    def given(self) -> dict[str, Any]:
        """The arguments that make another client ask the same way."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def part(call: Call[Page[T]], cursor: str | None) -> Call[Page[T]]:
    """Return the request for the part of a list that a cursor names; None: the first."""
    return replace(call, query=dict(call.query) | ({"cursor": cursor} if cursor else {}))
