"""The two clients: one blocks, one is asynchronous; both take the same calls and flows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from valetkey.sdk.call import Call, Flow
from valetkey.sdk.clock import Now, utc_now
from valetkey.sdk.connections import LoopConnections, connect
from valetkey.sdk.errors import ApiError, client_closed
from valetkey.sdk.exchange import (
    CallSteps,
    FlowRun,
    LineReader,
    RawResponse,
    Send,
    SendOutcome,
    Wait,
    exchange,
)
from valetkey.sdk.explained import explained
from valetkey.sdk.location import AsyncLocationClient, LocationClient
from valetkey.sdk.opening import OpenedClient
from valetkey.sdk.processes import begins_anew
from valetkey.sdk.profiles import KeptLogin
from valetkey.sdk.resources import AsyncResources, Resources
from valetkey.sdk.transport import (
    RETRIES,
    TIMEOUT,
    Options,
    RetryPolicy,
    TokenSource,
    decode,
    part,
    request_parts,
    unreachable,
)
from valetkey.wire.accounts import Login
from valetkey.wire.base import Page

T = TypeVar("T")


@explained
class Client(OpenedClient, Resources):
    """A server, and who asks it. Threads may share a client.

    - ``url``, ``token``: left out, they are those of the environment (``VALETKEY_URL``;
      ``VALETKEY_TOKEN_FILE`` or ``VALETKEY_TOKEN``), or of the login that ``valetkey login`` kept,
      which is renewed. A token is a login's or an API token's, or a function that returns one.
    - ``timeout``: for how many seconds the server may be silent.
    - ``retries``: how often what failed is tried again, where that is safe.
    - ``http``: your own ``httpx2.Client``, with proxies or certificates; you close it.
    - ``allow_http``: send the token unencrypted to another machine.
    - ``clock``, ``sleep``, ``patience``: for tests: the time, waiting, and how long.

    Use it as a context manager, or call ``close``. Raises Unauthenticated, InvalidRequest.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | TokenSource | None = None,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        http: httpx2.Client | None = None,
        allow_http: bool = False,
        clock: Now = utc_now,
        patience: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        options = Options(timeout, retries, clock, patience, allow_http)
        OpenedClient.__init__(self, url, token, options, _renew)
        Resources.__init__(self, self)
        self._sleep = sleep
        self._owns_http = http is None
        self._http = http or self._new_http()
        begins_anew(self)

    def after_fork(self) -> None:
        """Open connections of one's own; the parent's are left as they are."""
        self._owns_http, self._http = True, self._new_http()

    def _new_http(self) -> httpx2.Client:
        return connect(httpx2.Client, self.url, self._options.timeout)

    def send(self, call: Call[T]) -> T:
        """Send a call and return its answer. Raises ApiError."""
        return self._take(exchange(call, self.url, self._patience), self._exchange)

    def run(self, flow: Flow[T]) -> T:
        """Take a flow to its end. Raises ApiError."""
        taken = FlowRun(flow)
        while (call := taken.following()) is not None:
            try:
                taken.answered(self.send(call))
            except ApiError as error:
                taken.failed(error)
        return taken.result

    def stream(self, call: Call[T]) -> Iterator[T]:
        """Send a call whose answer is a line of JSON per entry; yield them as they come."""
        lines = LineReader()
        for chunk in self.chunks(call):
            yield from (decode(line, call.result) for line in lines.feed(chunk))
        yield from (decode(line, call.result) for line in lines.end())

    def walk(self, call: Call[Page[T]]) -> Iterator[T]:
        """Yield the entries of a list, part after part. Raises ApiError."""
        following: str | None = None
        while True:
            page = self.send(part(call, following))
            yield from page.items
            following = page.next
            if following is None:
                return

    def chunks(self, call: Call[Any]) -> Iterator[bytes]:
        """Send a call and yield its answer's bytes as they come. An answer that has begun is not
        asked for again."""
        opened: list[httpx2.Response] = []
        steps = exchange(replace(call, result=None), self.url, self._patience)
        self._take(steps, lambda step: self._open(step, opened))
        [answer] = opened
        try:
            yield from answer.iter_bytes()
        except httpx2.HTTPError as error:
            raise unreachable(self.url, error) from None
        finally:
            answer.close()

    def location(self, name: str, *, project: str = "") -> LocationClient:
        """Return a location to get credentials for. Nothing is asked until it is used."""
        return LocationClient(self, name, project)

    def close(self) -> None:
        """Close the connections, but not an ``http`` that was given."""
        if self._owns_http:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self, steps: CallSteps[T], answer: Callable[[Send], SendOutcome]) -> T:
        outcome: SendOutcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            if isinstance(step, Wait):
                self._sleep(step.seconds)
                outcome = None
            else:
                outcome = self._outcome(step, answer)

    def _outcome(self, step: Send, answer: Callable[[Send], SendOutcome]) -> SendOutcome:
        try:
            return answer(step)
        except RuntimeError:
            if not self._http.is_closed:
                raise
            raise client_closed() from None

    def _open(self, step: Send, opened: list[httpx2.Response]) -> SendOutcome:
        try:
            request = self._http.build_request(**request_parts(step.call, self.url, self._token))
            answer = self._http.send(request, stream=True, follow_redirects=step.call.follows)
            if answer.is_success:
                opened.append(answer)
                return RawResponse(answer.status_code, b"", answer.headers)
            return RawResponse(answer.status_code, answer.read(), answer.headers)
        except httpx2.HTTPError as error:
            return error

    def _exchange(self, step: Send) -> SendOutcome:
        try:
            request = self._http.build_request(**request_parts(step.call, self.url, self._token))
            answer = self._http.send(request)
        except httpx2.HTTPError as error:
            return error
        return RawResponse(answer.status_code, answer.content, answer.headers)


@explained
class AsyncClient(OpenedClient, AsyncResources):
    """The same for asyncio: ``await client.locations.get("training-data")``.

    - ``url``, ``token``: left out, they are found where ``Client`` finds them.
    - ``timeout``: for how many seconds the server may be silent.
    - ``retries``: how often what failed is tried again, where that is safe.
    - ``http``: your own ``httpx2.AsyncClient``, with proxies or certificates; you close it.
    - ``allow_http``: send the token unencrypted to another machine.
    - ``clock``, ``sleep``, ``patience``: for tests: the time, waiting, and how long.

    Use it as a context manager, or await ``close``. Raises Unauthenticated, InvalidRequest.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | TokenSource | None = None,
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        http: httpx2.AsyncClient | None = None,
        allow_http: bool = False,
        clock: Now = utc_now,
        patience: RetryPolicy | None = None,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        options = Options(timeout, retries, clock, patience, allow_http)
        OpenedClient.__init__(self, url, token, options, _renew)
        AsyncResources.__init__(self, self)
        self._sleep = sleep
        self._connections = LoopConnections(
            lambda: connect(httpx2.AsyncClient, self.url, timeout), given=http
        )
        self._blocking: Client | None = None

    async def send(self, call: Call[T]) -> T:
        """Send a call and return its answer. Raises ApiError."""
        return await self._take(exchange(call, self.url, self._patience), self._exchange)

    async def run(self, flow: Flow[T]) -> T:
        """Take a flow to its end. Raises ApiError."""
        taken = FlowRun(flow)
        while (call := taken.following()) is not None:
            try:
                taken.answered(await self.send(call))
            except ApiError as error:
                taken.failed(error)
        return taken.result

    async def stream(self, call: Call[T]) -> AsyncIterator[T]:
        """Send a call whose answer is a line of JSON per entry; yield them as they come."""
        lines = LineReader()
        async for chunk in self.chunks(call):
            for line in lines.feed(chunk):
                yield decode(line, call.result)
        for line in lines.end():
            yield decode(line, call.result)

    async def walk(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """Yield the entries of a list, part after part. Raises ApiError."""
        following: str | None = None
        while True:
            page = await self.send(part(call, following))
            for entry in page.items:
                yield entry
            following = page.next
            if following is None:
                return

    async def chunks(self, call: Call[Any]) -> AsyncIterator[bytes]:
        """Send a call and yield its answer's bytes as they come. An answer that has begun is not
        asked for again."""
        opened: list[httpx2.Response] = []
        steps = exchange(replace(call, result=None), self.url, self._patience)
        await self._take(steps, lambda step: self._open(step, opened))
        [answer] = opened
        try:
            async for chunk in answer.aiter_bytes():
                yield chunk
        except httpx2.HTTPError as error:
            raise unreachable(self.url, error) from None
        finally:
            await answer.aclose()

    def location(self, name: str, *, project: str = "") -> AsyncLocationClient:
        """Return a location to get credentials for. Nothing is asked until it is used."""
        return AsyncLocationClient(self, name, project)

    def blocking(self) -> Client:
        """Return a blocking client of the same server and token, which closes with this one:
        libraries fetch credentials from threads of their own."""
        if self._blocking is None:
            self._blocking = Client(self.url, self._token, **self._options.given)
            where = self._reopening and (Client, *self._reopening[1:])
            self._blocking._reopening = where  # noqa: SLF001  # one class in two colours
        return self._blocking

    async def close(self) -> None:
        """Close the connections, but not an ``http`` that was given."""
        if self._blocking is not None:
            self._blocking.close()
        await self._connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _take(
        self, steps: CallSteps[T], answer: Callable[[Send], Awaitable[SendOutcome]]
    ) -> T:
        outcome: SendOutcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            if isinstance(step, Wait):
                await self._sleep(step.seconds)
                outcome = None
            else:
                outcome = await answer(step)

    async def _open(self, step: Send, opened: list[httpx2.Response]) -> SendOutcome:
        try:
            http = self._connections.here()
            request = http.build_request(**request_parts(step.call, self.url, self._token))
            answer = await http.send(request, stream=True, follow_redirects=step.call.follows)
            if answer.is_success:
                opened.append(answer)
                return RawResponse(answer.status_code, b"", answer.headers)
            return RawResponse(answer.status_code, await answer.aread(), answer.headers)
        except httpx2.HTTPError as error:
            return error

    async def _exchange(self, step: Send) -> SendOutcome:
        try:
            http = self._connections.here()
            request = http.build_request(**request_parts(step.call, self.url, self._token))
            answer = await http.send(request)
        except httpx2.HTTPError as error:
            return error
        return RawResponse(answer.status_code, answer.content, answer.headers)


def _renew(login: KeptLogin) -> Login:
    with Client(login.url) as client:
        return client.accounts.renew_login(token=login.token)
