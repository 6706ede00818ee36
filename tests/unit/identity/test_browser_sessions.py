"""Sessions of the console: rows that end, and a cookie that opens nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.memory import OWNER, PASSWORD, Memory
from valetkey.domain.access import Credential
from valetkey.domain.errors import Denied, NotFound, Unauthenticated
from valetkey.domain.secret import Secret
from valetkey.identity.authentication import IDLE
from valetkey.identity.sessions import LIFETIME
from valetkey.services.audit import Caller

NEXT = Secret("another long pass phrase")


async def sign_in(memory: Memory, browser: str = "Firefox") -> str:
    cookie = await memory.services.sessions.sign_in(
        OWNER, PASSWORD, source="192.0.2.1", request_id="r", browser=browser
    )
    return cookie.reveal()


async def caller(memory: Memory, cookie: str) -> Caller:
    return Caller(await memory.services.sessions.of(cookie), "r", "192.0.2.1")


async def test_a_cookie_is_no_token_and_a_token_is_no_cookie(memory: Memory) -> None:
    services, cookie = memory.services, await sign_in(memory)
    principal = await services.sessions.of(cookie)
    assert principal.credential is Credential.SESSION
    with pytest.raises(Unauthenticated):
        await services.principals.of(cookie, source="")
    with pytest.raises(Unauthenticated):
        await services.accounts.refresh(Secret(cookie))
    login = await services.accounts.login(OWNER, PASSWORD)
    _, token = await memory.token(await memory.caller())
    for shown in (login.token.reveal(), token, "", "vks_" + "0" * 39):
        with pytest.raises(Unauthenticated):
            await services.sessions.of(shown)
    assert cookie not in repr(vars(memory.storage._committed.browser_sessions))


async def test_a_session_ends_when_it_is_idle_and_in_any_case_after_a_day_of_work(
    memory: Memory,
) -> None:
    idle, busy = await sign_in(memory), await sign_in(memory)
    step = IDLE - timedelta(minutes=1)
    for _ in range(int(LIFETIME / step)):
        memory.clock.advance(step.total_seconds())
        await memory.services.sessions.of(busy)
    with pytest.raises(Unauthenticated):
        await memory.services.sessions.of(idle)
    memory.clock.advance(step.total_seconds())
    with pytest.raises(Unauthenticated):
        await memory.services.sessions.of(busy)


async def test_ones_sessions_are_seen_and_ended_one_by_one(memory: Memory) -> None:
    services = memory.services
    here, there = await sign_in(memory), await sign_in(memory, "Safari\x00" + "x" * 500)
    me = await caller(memory, here)
    listed = await services.sessions.own(me)
    assert [each.browser[:6] for each in listed] == ["Safari", "Firefo"]
    assert len(listed[0].browser) == 200
    await services.sessions.end(me, listed[0].id)
    with pytest.raises(Unauthenticated):
        await services.sessions.of(there)
    await services.sessions.of(here)
    assert ("user.sign_out", "allowed") in memory.actions()


async def test_nobody_ends_anothers_session(memory: Memory) -> None:
    eve = await memory.member("eve@example.com", None)
    me = await caller(memory, await sign_in(memory))
    (mine,) = await memory.services.sessions.own(me)
    with pytest.raises(NotFound):
        await memory.services.sessions.end(eve, mine.id)
    _, token = await memory.token(me)
    robot = Caller(await memory.services.principals.of(token, source=""))
    for attempt in (
        memory.services.sessions.end(robot, mine.id),
        memory.services.sessions.own(robot),
    ):
        with pytest.raises(Denied, match="API token"):
            await attempt


async def test_a_new_password_ends_every_session_and_login_whatever_the_clock_says(
    memory: Memory,
) -> None:
    services = memory.services
    cookie, login = await sign_in(memory), await services.accounts.login(OWNER, PASSWORD)
    me = await caller(memory, cookie)
    memory.clock._start -= timedelta(seconds=60)  # the wall clock steps back
    user = await services.accounts.replace_password(me, PASSWORD, NEXT)
    for end in (
        services.sessions.of(cookie),
        services.principals.of(login.token.reveal(), source=""),
        services.principals.again(me),
    ):
        with pytest.raises(Unauthenticated):
            await end
    fresh = await services.sessions.start(user, source="", browser="")
    await services.sessions.of(fresh.reveal())


async def test_of_too_many_sessions_the_oldest_ends(memory: Memory) -> None:
    cookies = [await sign_in(memory) for _ in range(21)]
    with pytest.raises(Unauthenticated):
        await memory.services.sessions.of(cookies[0])
    await memory.services.sessions.of(cookies[1])
