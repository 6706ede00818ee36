"""What every storage promises of tokens, browser sessions, one-time links and known sources."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import InUse, TooManyRequests
from valetkey.domain.people import (
    ApiToken,
    BrowserSession,
    Organization,
    OrgMember,
    PasswordLink,
    Project,
    ProjectMember,
    TokenForm,
    User,
    UserKind,
)
from valetkey.domain.ports import Storage
from valetkey.domain.scope import AccessLevel
from valetkey.domain.sign_in import Tries
from valetkey.domain.token_limits import TokenLimits
from valetkey.identity.shared_tries import SharedTries
from valetkey.testing import ManualClock

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ORG = Organization("a" * 24, "acme", NOW)
USER = User("b" * 24, "ada@example.com", "$argon2id$hash", NOW)
PROJECT = Project("c" * 24, ORG.id, "maps", USER.email, NOW, NOW)
ROBOT = User(
    "e" * 24,
    "r@c.service.internal",
    "",
    NOW,
    kind=UserKind.SERVICE,
    name="r",
    project_id=PROJECT.id,
)
LIMITS = TokenLimits(
    locations=frozenset({"1" * 24, "2" * 24}),
    prefixes=("a/", "b/"),
    levels=frozenset({AccessLevel.READ, AccessLevel.LIST}),
    max_ttl=timedelta(seconds=900),
    networks=("192.0.2.0/24",),
)
TOKEN = ApiToken(
    id="1" * 24,
    user_id=USER.id,
    org_id=ORG.id,
    creator=USER.email,
    description="ci",
    form=TokenForm.OPAQUE,
    secret_hash="ab" * 32,
    created_at=NOW,
    expires_at=NOW + timedelta(days=1),
    limits=LIMITS,
)
SIGNED = replace(
    TOKEN, id="2" * 24, form=TokenForm.JWT, secret_hash=None, limits=TokenLimits(levels=frozenset())
)
SESSION = BrowserSession(
    id="3" * 24,
    user_id=USER.id,
    secret_hash="cd" * 32,
    generation=0,
    created_at=NOW,
    last_seen_at=NOW,
    expires_at=NOW + timedelta(hours=12),
    source="192.0.2.1",
    browser="Firefox",
)
LINK = PasswordLink(USER.id, "ef" * 32, USER.email, NOW, NOW + timedelta(days=1))


@pytest.fixture
async def filled(storage: Storage) -> Storage:
    async with storage.begin() as work:
        await work.users.add(USER)
        await work.organizations.add(ORG)
        await work.projects.add(PROJECT)
        await work.users.add(ROBOT)
        for token in (TOKEN, SIGNED):
            await work.api_tokens.add(token)
        await work.browser_sessions.add(SESSION)
        await work.password_links.put(LINK)
        await work.known_sources.put(USER.id, "192.0.2.1", NOW, keep=3)
    return storage


async def test_what_is_stored_comes_back_equal(filled: Storage) -> None:
    async with filled.read() as work:
        assert await work.users.get(ROBOT.id) == ROBOT
        assert await work.users.of_project(PROJECT.id) == [ROBOT]
        assert await work.api_tokens.get(TOKEN.id) == TOKEN
        assert await work.api_tokens.by_hash("ab" * 32) == TOKEN
        assert await work.api_tokens.by_hash("00" * 32) is None
        assert await work.api_tokens.of_user(USER.id) == [TOKEN, SIGNED]
        assert await work.api_tokens.of_org(ORG.id) == [SIGNED, TOKEN]
        assert await work.api_tokens.of_org(ORG.id, after=SIGNED.id) == [TOKEN]
        assert await work.api_tokens.of_org(ORG.id, limit=1) == [SIGNED]
        assert await work.browser_sessions.by_hash("cd" * 32) == SESSION
        assert await work.browser_sessions.of_user(USER.id) == [SESSION]
        assert await work.password_links.by_hash("ef" * 32) == LINK


async def test_a_token_is_revoked_once(filled: Storage) -> None:
    async with filled.begin() as work:
        assert await work.api_tokens.revoke(TOKEN.id, NOW)
        assert not await work.api_tokens.revoke(TOKEN.id, NOW + timedelta(hours=1))
    async with filled.read() as work:
        assert await work.api_tokens.get(TOKEN.id) == replace(TOKEN, revoked_at=NOW)


async def test_the_last_use_only_moves_on(filled: Storage) -> None:
    later = NOW + timedelta(minutes=1)
    async with filled.begin() as work:
        await work.api_tokens.note_use(TOKEN.id, later, "192.0.2.2")
        await work.api_tokens.note_use(TOKEN.id, NOW, "192.0.2.1")
        await work.browser_sessions.see(SESSION.id, later)
        await work.browser_sessions.see(SESSION.id, NOW)
    async with filled.read() as work:
        used = await work.api_tokens.get(TOKEN.id)
        seen = await work.browser_sessions.get(SESSION.id)
    assert used is not None
    assert (used.last_used_at, used.last_used_from) == (later, "192.0.2.2")
    assert seen == replace(SESSION, last_seen_at=later)


async def test_sign_ins_are_ended_once_for_each_generation(filled: Storage) -> None:
    async with filled.begin() as work:
        assert await work.users.end_sign_ins(USER, "new")
        assert not await work.users.end_sign_ins(USER, "other")
        assert await work.users.get(USER.id) == replace(USER, password_hash="new", generation=1)


async def test_a_link_is_taken_once_and_replaces_the_one_before(filled: Storage) -> None:
    newer = replace(LINK, secret_hash="01" * 32)
    async with filled.begin() as work:
        await work.password_links.put(newer)
        assert await work.password_links.take(LINK.secret_hash) is None
        assert await work.password_links.take(newer.secret_hash) == newer
        assert await work.password_links.take(newer.secret_hash) is None


async def test_of_known_sources_the_latest_are_kept(filled: Storage) -> None:
    async with filled.begin() as work:
        for minute in range(1, 4):
            at = NOW + timedelta(minutes=minute)
            await work.known_sources.put(USER.id, f"198.51.100.{minute}", at, keep=3)
    async with filled.read() as work:
        assert not await work.known_sources.has(USER.id, "192.0.2.1", since=NOW)
        assert await work.known_sources.has(USER.id, "198.51.100.1", since=NOW)
        late = NOW + timedelta(minutes=2)
        assert not await work.known_sources.has(USER.id, "198.51.100.1", since=late)
    async with filled.begin() as work:
        await work.known_sources.forget(USER.id)
        assert not await work.known_sources.has(USER.id, "198.51.100.3", since=NOW)


async def test_tries_at_passwords_are_counted_and_forgotten_by_name(storage: Storage) -> None:
    first, second = (Tries(n, NOW, NOW + timedelta(hours=n)) for n in (1, 2))
    async with storage.begin() as work:
        assert await work.sign_in_tries.take(["a", "b"]) == {}
        await work.sign_in_tries.put("a", first)
        await work.sign_in_tries.put("b", first)
        await work.sign_in_tries.put("b", second)
    async with storage.begin() as work:
        assert await work.sign_in_tries.take(["b", "a", "c"]) == {"a": first, "b": second}
        assert await work.sign_in_tries.purge(NOW + timedelta(hours=1)) == 1
        assert await work.sign_in_tries.take(["a", "b"]) == {"b": second}
        await work.sign_in_tries.drop("b")
        assert await work.sign_in_tries.take(["a", "b"]) == {}


async def test_of_200_guesses_at_several_processes_at_most_5_are_tried(storage: Storage) -> None:
    clock = ManualClock()
    tried = 0

    async def guess(process: SharedTries, source: str) -> None:
        nonlocal tried
        with suppress(TooManyRequests):
            await process.begin("ada@example.com", source, known=False)
            tried += 1

    processes = [SharedTries(storage, clock) for _ in range(4)]
    for _ in range(10):  # a hash takes its time, so that few come at once
        await asyncio.gather(*(guess(each, "192.0.2.1") for each in processes * 5))
    assert tried == 5
    clock.advance(3)
    await asyncio.gather(*(guess(each, "192.0.2.1") for each in processes))
    assert tried == 6  # two seconds for the first one more
    await processes[1].succeeded("ada@example.com", "192.0.2.1")
    for number in range(40):
        await guess(processes[number % 4], f"198.51.100.{number}")
    assert tried == 20  # an account's, whatever the source
    clock.advance(61)
    await asyncio.gather(*(guess(each, "203.0.113.9") for each in processes))
    assert tried == 21  # one more a minute


async def test_browser_sessions_end_alone_all_at_once_and_by_their_end(filled: Storage) -> None:
    others = [replace(SESSION, id=f"{n}" * 24, secret_hash=f"{n}" * 64) for n in range(4, 7)]
    async with filled.begin() as work:
        for other in others:
            await work.browser_sessions.add(other)
        assert await work.browser_sessions.end(others[0].id)
        assert not await work.browser_sessions.end(others[0].id)
        assert await work.browser_sessions.purge(SESSION.expires_at) == 0
        assert await work.browser_sessions.end_all(USER.id) == 3
        await work.browser_sessions.add(SESSION)
        assert await work.browser_sessions.purge(NOW + timedelta(days=1)) == 1


async def test_with_a_user_goes_all_that_was_theirs(filled: Storage) -> None:
    async with filled.begin() as work:
        await work.organizations.put_member(OrgMember(ORG.id, USER.id, USER.email, OrgRole.OWNER))
        await work.projects.put_member(
            ProjectMember(PROJECT.id, USER.id, USER.email, ProjectRole.OWNER)
        )
        assert await work.users.delete(USER.id)
        assert not await work.users.delete(USER.id)
    async with filled.read() as work:
        assert await work.api_tokens.of_org(ORG.id) == []
        assert await work.browser_sessions.get(SESSION.id) is None
        assert await work.password_links.by_hash(LINK.secret_hash) is None
        assert await work.organizations.members(ORG.id) == []
        assert await work.projects.members(PROJECT.id) == []


async def test_a_project_with_service_accounts_stays(filled: Storage) -> None:
    with pytest.raises(InUse):
        async with filled.begin() as work:
            await work.projects.delete(PROJECT.id)
    async with filled.begin() as work:
        await work.users.delete(ROBOT.id)
        assert await work.projects.delete(PROJECT.id)
