"""A revocation's hold lasts until its answer has left, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx2
import pytest

from support.apps import app_of
from support.memory import OWNER, PASSWORD, Memory
from valetkey.domain.errors import BeingRevoked
from valetkey.domain.location import Location
from valetkey.domain.scope import AccessLevel
from valetkey.services.after_response import answering, once_answered
from valetkey.services.vending import VendRequest

READ: Final = VendRequest(("a",), frozenset({AccessLevel.READ}))


class Watched:
    """The application; who is vended to as the last part of each answer leaves."""

    def __init__(self, memory: Memory, location: Location) -> None:
        self._app = app_of(memory)
        self._memory = memory
        self._location = location
        self.seen: list[str] = []

    async def vends(self) -> str:
        try:
            owner = await self._memory.caller()
            await self._memory.services.vending.vend(owner, self._location.id, READ)
        except BeingRevoked:
            return "refused"
        return "vended"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            if message["type"] == "http.response.body":
                self.seen.append(await self.vends())
            await send(message)

        await self._app(scope, receive, told)


@pytest.fixture
async def location(memory: Memory) -> Location:
    return await memory.location()


@pytest.fixture
def watched(memory: Memory, location: Location) -> Watched:
    return Watched(memory, location)


@pytest.fixture
async def http(memory: Memory, watched: Watched) -> AsyncIterator[httpx2.AsyncClient]:
    login = await memory.services.accounts.login(OWNER, PASSWORD)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=watched),
        base_url="http://valetkey/v1",
        headers={"Authorization": f"Bearer {login.token.reveal()}"},
    ) as client:
        yield client


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "0123456789abcdef"}], ids=str)
async def test_nothing_new_leaves_before_a_revocations_answer_does(
    http: httpx2.AsyncClient, watched: Watched, location: Location, headers: dict[str, str]
) -> None:
    assert await watched.vends() == "vended"
    body = {"kind": "location", "target": location.id, "reason": "stolen"}
    answer = await http.post("/revocations", json=body, headers=headers)
    assert answer.json()["revocations"][0]["state"] == "enforced"
    assert watched.seen == ["refused"]
    assert await watched.vends() == "vended"


async def test_what_is_no_requests_is_done_at_once_and_what_is_one_afterwards() -> None:
    done: list[int] = []

    async def act(number: int) -> None:
        done.append(number)

    await once_answered(lambda: act(1))
    assert done == [1]
    async with answering():
        await asyncio.create_task(_put_off(act, 2))
        assert done == [1]
    assert done == [1, 2]


async def _put_off(act: Any, number: int) -> None:
    await once_answered(lambda: act(number))


async def test_what_goes_on_after_the_request_is_not_put_off_for_ever() -> None:
    done: list[int] = []
    go_on = asyncio.Event()

    async def act(number: int) -> None:
        done.append(number)

    async def verb() -> None:
        await go_on.wait()
        await once_answered(lambda: act(1))

    async with answering():
        task = asyncio.create_task(verb())
    go_on.set()
    await asyncio.wait_for(task, 10)
    assert done == [1]


async def test_one_that_fails_keeps_the_others_from_nothing_and_who_hangs_up_neither() -> None:
    done: list[int] = []

    async def fail() -> None:
        raise RuntimeError("no")

    async def act(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    async def request() -> None:
        async with answering():
            await once_answered(fail)
            await once_answered(lambda: act(1))
            await asyncio.sleep(60)

    task = asyncio.create_task(request())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled()
    assert done == [1]
