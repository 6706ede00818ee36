"""One call with its attempts, as steps that a blocking or an asynchronous client takes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final, Generic, TypeVar

import httpx2

from valetkey.sdk.call import Call, Flow
from valetkey.sdk.errors import ApiError
from valetkey.sdk.transport import RetryPolicy, may_repeat, pause_for, read, unreachable

T = TypeVar("T")
_log = logging.getLogger("valetkey")
#: Told where an earlier attempt of this very call, whose answer was cut, has not ended: it is
#: waited for, a second and then another, and so often at most.
_WORKED_ON: Final = "idempotency_in_progress"
_MOMENT: Final = 1.0
_MOMENTS: Final = 60
#: Errors after which it is certain that the server got nothing.
_NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True, slots=True)
class RawResponse:
    """What came back; the body may hold secrets."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"<RawResponse {self.status}>"


@dataclass(frozen=True, slots=True)
class Send:
    """Step: send the call, and give back its Answer or the httpx2.HTTPError."""

    call: Call[Any]


@dataclass(frozen=True, slots=True)
class Wait:
    """Step: let seconds pass."""

    seconds: float


CallStep = Send | Wait
SendOutcome = RawResponse | httpx2.HTTPError | None
#: Yields steps, is sent their outcomes, returns the result.
CallSteps = Generator[CallStep, SendOutcome, T]


def exchange(call: Call[T], url: str, patience: RetryPolicy) -> CallSteps[T]:
    """Send a call, again where that is safe. Raises ApiError."""
    pauses, moments = patience.pauses(), repeat(_MOMENT, _MOMENTS)
    while True:
        outcome = yield Send(call)
        try:
            return _result(call, outcome, url)
        except ApiError as error:
            sent = not isinstance(outcome, _NOT_SENT)
            planned = next(pauses, None) if may_repeat(call, error, sent=sent) else None
            pause = None if planned is None else pause_for(error, planned)
            if error.code == _WORKED_ON:
                pause = next(moments, None)
            if pause is None:
                raise
            _log.info("%s %s: %s; again in %.1f s", call.method, call.path, error.code, pause)
        yield Wait(pause)


def _result(call: Call[T], outcome: SendOutcome, url: str) -> T:
    if isinstance(outcome, RawResponse):
        return read(call, outcome.status, outcome.body, outcome.headers)
    # Not chained: the HTTP library's error holds the request, and the request the token.
    raise unreachable(url, outcome or httpx2.HTTPError("no answer")) from None


class FlowRun(Generic[T]):
    """A flow on its way to its end, a call at a time."""

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self._advance: Callable[[], Call[Any]] = lambda: next(flow)
        self.result: T

    def following(self) -> Call[Any] | None:
        """Return the next call; None at the end, when there is a result."""
        try:
            return self._advance()
        except StopIteration as done:
            self.result = done.value
            return None

    def answered(self, answer: Any) -> None:
        """Give the flow what the last call brought."""
        self._advance = lambda: self._flow.send(answer)

    def failed(self, error: ApiError) -> None:
        """Let the flow know that the last call failed."""
        self._advance = lambda: self._flow.throw(error)


class LineReader:
    """Bytes -> lines, cut at the newline alone: JSON may hold the other line separators."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are complete now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [line for line in lines if line]

    def end(self) -> list[bytes]:
        """Return what is left without a line's end."""
        return [self._rest] if self._rest else []
