"""Work that takes long has the rights of each moment: it ends when they do, as a request would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

import pytest

from support.desk import Desk, make_desk, sent
from support.memory import Memory
from valetkey.catalog.domain.sync import State
from valetkey.catalog.services.items.uploading import Mode, NewItem
from valetkey.domain.access import ProjectRole
from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.errors import Denied
from valetkey.domain.ports import AssumeRole
from valetkey.services.audit import Caller

BOB = "bob@example.com"
HOURS = 3 * 3600


@pytest.fixture
async def desk(memory: Memory) -> Desk:
    made = await make_desk(memory)
    memory.objects.page_size = 2
    for number in range(20):
        memory.objects.place("acme", f"{made.prefix}{number:02}.jpg", b"x")
    return made


async def _with_token(desk: Desk) -> tuple[Caller, str]:
    """A developer who shows an API token, and its id."""
    bob = await desk.memory.member(BOB, ProjectRole.DEVELOPER)
    token, text = await desk.memory.token(bob)
    principal = await desk.memory.services.principals.of(text, source="")
    return Caller(principal, request_id="request-2"), token.id


async def _revoke(desk: Desk, token_id: str) -> None:
    await desk.memory.services.tokens.revoke(await desk.memory.caller(BOB), token_id)


async def _lose_the_role(desk: Desk, email: str) -> None:
    owner = await desk.memory.caller()
    await desk.memory.services.people.remove_project_member(owner, desk.memory.project.id, email)


async def _and_hours_pass(desk: Desk, loss: Awaitable[None]) -> None:
    await loss
    desk.memory.clock.advance(HOURS)


async def test_a_sync_takes_no_session_after_its_starter_lost_the_role(desk: Desk) -> None:
    bob = await desk.memory.member(BOB, ProjectRole.DEVELOPER)
    catalog = desk.memory.services.catalog
    ordered = await catalog.syncs.start(bob, desk.dataset_id)
    desk.memory.at_listing(3, lambda: _and_hours_pass(desk, _lose_the_role(desk, BOB)))
    before = len(desk.memory.sts.orders)
    await catalog.sync_worker.run_open()
    done = await catalog.syncs.get(desk.developer, ordered.command.id)
    assert done.command.state is State.FAILED
    assert len(desk.memory.sts.orders) == before + 1


async def test_a_sync_takes_no_session_after_its_token_was_revoked(desk: Desk) -> None:
    bob, token_id = await _with_token(desk)
    catalog = desk.memory.services.catalog
    ordered = await catalog.syncs.start(bob, desk.dataset_id)
    desk.memory.at_listing(3, lambda: _and_hours_pass(desk, _revoke(desk, token_id)))
    await catalog.sync_worker.run_open()
    done = await catalog.syncs.get(desk.developer, ordered.command.id)
    assert done.command.state is State.FAILED
    assert "token" in str(done.command.error)


async def test_work_ordered_with_a_token_is_not_begun_once_that_is_revoked(desk: Desk) -> None:
    bob, token_id = await _with_token(desk)
    catalog = desk.memory.services.catalog
    ordered = await catalog.syncs.start(bob, desk.dataset_id)
    await _revoke(desk, token_id)
    await catalog.sync_worker.run_open()
    done = await catalog.syncs.get(desk.developer, ordered.command.id)
    assert (done.command.state, done.counts.added) == (State.FAILED, 0)


async def test_the_sessions_of_work_ordered_with_a_token_are_the_token_s(desk: Desk) -> None:
    bob, token_id = await _with_token(desk)
    catalog = desk.memory.services.catalog
    await catalog.syncs.start(bob, desk.dataset_id)
    await catalog.sync_worker.run_open()
    async with desk.memory.storage.read() as work:
        leases = list(work.leases.rows.values())
    assert {lease.token_id for lease in leases} == {token_id}


async def test_an_upload_takes_no_session_after_the_role_was_lost(desk: Desk) -> None:
    bob = await desk.memory.member(BOB, ProjectRole.DEVELOPER)
    desk.memory.objects.in_parts = True

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x" * (9 << 20)
        await _lose_the_role(desk, BOB)
        desk.memory.clock.advance(HOURS)
        yield b"x" * (9 << 20)

    with pytest.raises(Denied):
        await desk.items.uploading.upload(
            bob, desk.dataset_id, NewItem("/long.bin"), chunks(), mode=Mode.OVERWRITE
        )
    assert f"{desk.prefix}long.bin" not in desk.memory.objects.buckets["acme"]


@pytest.mark.parametrize("is_lost", [False, True], ids=["still there", "lost"])
async def test_a_right_that_may_have_changed_while_credentials_were_made_is_decided_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, is_lost: bool
) -> None:
    """As when news of other processes' changes come to be heard: anything may have changed."""
    bob = await desk.memory.member(BOB, ProjectRole.DEVELOPER)
    assume, changes = desk.memory.sts.assume_role, [_lose_the_role(desk, BOB)] if is_lost else []

    async def changing(key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        monkeypatch.undo()
        made = await assume(key, order)
        desk.memory.services.caches.hearing()
        for change in changes:
            await change
        return made

    monkeypatch.setattr(desk.memory.sts, "assume_role", changing)
    uploading = desk.items.uploading.upload(
        bob, desk.dataset_id, NewItem("/a.bin"), sent(b"x"), mode=Mode.OVERWRITE
    )
    if is_lost:
        with pytest.raises(Denied):
            await uploading
    else:
        await uploading
    assert (f"{desk.prefix}a.bin" in desk.bucket) is not is_lost
