"""Work ends when the client that asked for it hangs up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from litestar import Request

from valetkey.domain.errors import NotFound, TookTooLong
from valetkey.serving.disconnect import while_connected


def request(hung_up: asyncio.Event) -> Request[Any, Any, Any]:
    async def receive() -> Any:
        await hung_up.wait()
        return {"type": "http.disconnect"}

    scope: Any = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    return Request(scope, receive=receive)


async def test_the_answer_is_what_the_work_returns_or_raises() -> None:
    async def work(answer: str) -> str:
        if not answer:
            raise NotFound("There is none.")
        return answer

    assert await while_connected(request(asyncio.Event()).receive, work("done")) == "done"
    with pytest.raises(NotFound):
        await while_connected(request(asyncio.Event()).receive, work(""))


async def test_a_client_that_hangs_up_stops_the_work() -> None:
    hung_up, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            hung_up.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.set()
            raise

    with pytest.raises(TookTooLong):
        await while_connected(request(hung_up).receive, work())
    assert stopped.is_set()


async def test_a_request_that_is_given_up_stops_the_work_too() -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            stopped.set()

    waiting = asyncio.create_task(while_connected(request(asyncio.Event()).receive, work()))
    await begun.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert stopped.is_set()
