"""Who is asking, on every storage: what one transaction must not undo of another."""

from __future__ import annotations

import asyncio

import pytest

from support.memory import PASSWORD, Memory, open_memory
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import Unauthenticated, ValetkeyError
from valetkey.domain.ports import Storage
from valetkey.domain.secret import Secret
from valetkey.identity.tokens import NewToken

EVE = "eve@example.com"
NEXT = Secret("another long pass phrase")


@pytest.fixture
async def memory(storage: Storage) -> Memory:
    return await open_memory(storage)


async def test_no_token_that_is_made_while_its_maker_leaves_comes_back_with_them(
    memory: Memory,
) -> None:
    services, eve = memory.services, await memory.member(EVE, ProjectRole.DEVELOPER)
    owner = await memory.caller()

    async def make() -> str:
        try:
            return (await memory.token(eve))[1]
        except ValetkeyError:
            return ""

    made, *_ = await asyncio.gather(
        asyncio.gather(*(make() for _ in range(3))),
        services.people.remove_org_member(owner, memory.org_id, EVE),
        asyncio.gather(*(make() for _ in range(3))),
    )
    await services.people.put_org_member(owner, memory.org_id, EVE, OrgRole.MEMBER, password=NEXT)
    for token in filter(None, made):
        with pytest.raises(Unauthenticated):
            await services.principals.read(token, source="")
    async with memory.storage.read() as work:
        tokens = await work.api_tokens.of_user(eve.principal.user_id)
    assert all(token.revoked_at for token in tokens)


async def test_of_two_new_passwords_one_holds_and_every_earlier_sign_in_has_ended(
    memory: Memory,
) -> None:
    services, owner = memory.services, await memory.caller()
    others = [Secret(f"pass phrase number {number}") for number in range(3)]
    outcomes = await asyncio.gather(
        *(services.accounts.replace_password(owner, PASSWORD, new) for new in others),
        return_exceptions=True,
    )
    held = [
        new for new, done in zip(others, outcomes, strict=True) if not isinstance(done, Exception)
    ]
    assert len(held) == 1
    await services.accounts.login(owner.principal.email, held[0], source="198.51.100.1")
    with pytest.raises(Unauthenticated):
        await services.principals.again(owner)


async def test_a_link_sets_one_password_however_many_use_it_at_once(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    await memory.member(EVE, None)
    _, link = await services.password_links.create(owner, memory.org_id, EVE)
    new = [Secret(f"pass phrase number {number}") for number in range(3)]
    outcomes = await asyncio.gather(
        *(services.password_links.use(link.reveal(), each) for each in new), return_exceptions=True
    )
    assert sum(not isinstance(done, Exception) for done in outcomes) == 1


async def test_a_service_account_lives_and_goes_with_its_tokens(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    accounts = services.service_accounts
    account = await accounts.create(owner, memory.project.id, "jobs", ProjectRole.DEVELOPER)
    _, secret = await accounts.create_token(owner, account.id, NewToken("cron"))
    principal = await services.principals.read(secret.reveal(), source="192.0.2.1")
    assert principal.project_roles == {memory.project.id: ProjectRole.DEVELOPER}
    await accounts.delete(owner, account.id)
    with pytest.raises(Unauthenticated):
        await services.principals.read(secret.reveal(), source="192.0.2.1")
