"""Caches: one read however many ask, and nothing kept that may be old."""

from __future__ import annotations

import asyncio

import pytest

from support.memory import Memory
from valetkey.domain.errors import NotFound, Unauthenticated
from valetkey.services.caches import Caches, TaggedCache

Read = tuple[str, set[str]]


class Source:
    """What is read; each read ends when it is let."""

    def __init__(self) -> None:
        self.value = "first"
        self.reads = 0
        self.let = asyncio.Event()
        self.failure: Exception | None = None

    async def read(self) -> Read:
        self.reads += 1
        value = self.value
        await self.let.wait()
        if self.failure is not None:
            raise self.failure
        return value, {"tag"}


@pytest.fixture
def caches() -> Caches:
    return Caches()


@pytest.fixture
def cache(caches: Caches) -> TaggedCache[str, str]:
    return TaggedCache(caches, capacity=10)


async def _asking(cache: TaggedCache[str, str], source: Source) -> asyncio.Task[str]:
    task = asyncio.create_task(cache.fetch("key", source.read))
    await asyncio.sleep(0)
    return task


async def test_a_herd_reads_once(cache: TaggedCache[str, str]) -> None:
    source = Source()
    herd = [await _asking(cache, source) for _ in range(1000)]
    source.let.set()
    assert set(await asyncio.gather(*herd)) == {"first"}
    assert source.reads == 1
    assert cache.get("key") == "first"


async def test_whoever_asks_after_a_change_is_not_given_what_was_read_before(
    caches: Caches, cache: TaggedCache[str, str]
) -> None:
    source = Source()
    early = await _asking(cache, source)
    source.value = "second"
    caches.changed({"another tag"})
    late = await _asking(cache, source)
    source.let.set()
    assert await late == "second"
    await early
    assert cache.get("key") == "second"


async def test_what_was_read_while_something_changed_is_not_kept(
    caches: Caches, cache: TaggedCache[str, str]
) -> None:
    source = Source()
    early = await _asking(cache, source)
    caches.changed({"tag"})
    source.let.set()
    assert await early == "first"
    assert cache.get("key") is None


async def test_whoever_leaves_does_not_end_the_read_for_the_others(
    cache: TaggedCache[str, str],
) -> None:
    source = Source()
    leaving, staying = await _asking(cache, source), await _asking(cache, source)
    leaving.cancel()
    source.let.set()
    assert await staying == "first"
    assert source.reads == 1


async def test_a_failure_is_everybodys_and_is_not_kept(cache: TaggedCache[str, str]) -> None:
    source = Source()
    source.failure = NotFound("There is none.", hint="-")
    herd = [await _asking(cache, source) for _ in range(3)]
    source.let.set()
    outcomes = await asyncio.gather(*herd, return_exceptions=True)
    assert all(isinstance(each, NotFound) for each in outcomes)
    source.failure = None
    assert await cache.fetch("key", source.read) == "first"
    assert source.reads == 2


async def test_a_token_that_many_send_at_once_is_looked_up_once(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = memory.services
    token = (await memory.token(await memory.caller()))[1]
    looked_up = 0
    authenticate = services.authentication.of

    async def counted(token: str) -> object:
        nonlocal looked_up
        looked_up += 1
        await asyncio.sleep(0)
        return await authenticate(token)

    monkeypatch.setattr(services.authentication, "of", counted)
    for _ in range(2):
        herd = await asyncio.gather(
            *(services.principals.of(token, source="") for _ in range(1000))
        )
        assert len({id(principal) for principal in herd}) == 1
        memory.clock.advance(11)
    assert looked_up == 2
    bad = await asyncio.gather(
        *(services.principals.of("no token", source="") for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(each, Unauthenticated) for each in bad)
