"""Leaving is one act, and who comes back starts anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.memory import OWNER, PASSWORD, Memory
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import AwsRefused, Denied, InvalidInput, Unauthenticated
from valetkey.domain.scope import AccessLevel
from valetkey.domain.secret import Secret
from valetkey.identity.tokens import NewToken
from valetkey.services.audit import Caller
from valetkey.services.vending import VendRequest

EVE = "eve@example.com"
NEXT = Secret("another long pass phrase")
READ = VendRequest(("",), frozenset({AccessLevel.READ}))


async def remove(memory: Memory, email: str = EVE) -> object:
    owner = await memory.caller()
    return await memory.services.people.remove_org_member(owner, memory.org_id, email)


async def test_with_a_member_go_tokens_sign_ins_and_aws_sessions(memory: Memory) -> None:
    services, location = memory.services, await memory.location()
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    _, text = await memory.token(eve)
    await memory.token(eve)
    cookie = await services.sessions.sign_in(
        EVE, PASSWORD, source="192.0.2.1", request_id="", browser="Firefox"
    )
    login = await services.accounts.login(EVE, PASSWORD)
    vended = await services.vending.vend(eve, location.id, READ)
    left = await services.people.remove_org_member(await memory.caller(), memory.org_id, EVE)
    assert (left.tokens, left.browser_sessions, left.leases) == (2, 1, 1)
    for shown in (text, login.token.reveal()):
        with pytest.raises(Unauthenticated):
            await services.principals.of(shown, source="")
    with pytest.raises(Unauthenticated):
        await services.sessions.of(cookie.reveal())
    async with memory.storage.read() as work:
        lease = await work.leases.get(vended.lease_id)
    assert lease is not None
    assert lease.revoked_at is not None or lease.revocation_id
    assert left.remaining == ()


async def test_what_could_not_be_ended_is_named_and_until_when_it_lives(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, location = memory.services, await memory.location()
    eve = await memory.member(EVE, ProjectRole.OWNER)
    robot = await services.service_accounts.create(
        eve, memory.project.id, "robot", ProjectRole.DEVELOPER
    )
    token, _ = await services.service_accounts.create_token(eve, robot.id, NewToken("cron"))
    await services.vending.vend(eve, location.id, READ)

    async def away(*_: object, **__: object) -> None:
        raise AwsRefused("IAM says no.", hint="Ask it.")

    monkeypatch.setattr(services.leases.policies, "put", away)
    left = await services.people.remove_org_member(await memory.caller(), memory.org_id, EVE)
    kinds = {each.kind: each for each in left.remaining}
    assert set(kinds) >= {"token"}
    assert (kinds["token"].id, kinds["token"].until) == (token.id, token.expires_at)
    pending = kinds.get("revocation") or kinds.get("lease")
    assert pending is not None
    assert pending.until > memory.clock.now()
    assert pending.reason


async def test_nothing_old_is_good_for_who_is_added_again(memory: Memory) -> None:
    services = memory.services
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    _, text = await memory.token(eve)
    login = await services.accounts.login(EVE, PASSWORD)
    owner = await memory.caller()
    _, link = await services.password_links.create(owner, memory.org_id, EVE)
    await remove(memory)
    people = services.people
    with pytest.raises(InvalidInput, match="first password"):
        await people.put_org_member(owner, memory.org_id, EVE, OrgRole.MEMBER)
    await people.put_org_member(owner, memory.org_id, EVE, OrgRole.MEMBER, password=NEXT)
    with pytest.raises(Unauthenticated):
        await services.accounts.login(EVE, PASSWORD)
    for shown in (text, login.token.reveal()):
        with pytest.raises(Unauthenticated):
            await services.principals.of(shown, source="")
    with pytest.raises(Denied, match="link"):
        await services.password_links.use(link.reveal(), Secret("x" * 20))
    assert (await memory.caller(EVE, NEXT)).principal.project_roles == {}


async def test_who_belongs_elsewhere_too_stays_signed_in_there(memory: Memory) -> None:
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    async with memory.storage.begin() as work:
        (member,) = await work.organizations.memberships(eve.principal.user_id)
        await work.organizations.put_member(
            type(member)("9" * 24, member.user_id, member.email, OrgRole.MEMBER)
        )
    await remove(memory)
    assert (await memory.caller(EVE)).principal.org_roles == {"9" * 24: OrgRole.MEMBER}


async def test_leaving_a_project_ends_grants_and_the_tokens_that_are_for_it_alone(
    memory: Memory,
) -> None:
    services, location = memory.services, await memory.location()
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    _, narrow = await memory.token(eve, locations=frozenset({location.id}))
    _, wide = await memory.token(eve)
    await services.people.remove_project_member(await memory.caller(), memory.project.id, EVE)
    with pytest.raises(Unauthenticated):
        await services.principals.of(narrow, source="")
    caller = Caller(await services.principals.of(wide, source=""))
    with pytest.raises(Denied):
        await services.vending.vend(caller, location.id, READ)


# --- one-time password links ---------------------------------------------------------------------


async def test_a_link_sets_a_password_once_and_ends_all_earlier_sign_ins(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    await memory.member(EVE, None)
    login = await services.accounts.login(EVE, PASSWORD)
    link, secret = await services.password_links.create(owner, memory.org_id, EVE)
    assert secret.reveal() not in repr(vars(memory.storage._committed.password_links))
    with pytest.raises(InvalidInput):
        await services.password_links.use(secret.reveal(), Secret("short"))
    await services.password_links.use(secret.reveal(), NEXT)
    with pytest.raises(Unauthenticated):
        await services.principals.of(login.token.reveal(), source="")
    await services.accounts.login(EVE, NEXT)
    with pytest.raises(Denied, match="used"):
        await services.password_links.use(secret.reveal(), PASSWORD)
    assert ("password_link.create", "allowed") in memory.actions()
    assert ("password_link.use", "allowed") in memory.actions()
    assert link.expires_at - link.created_at == timedelta(hours=24)


async def test_a_link_ends_by_itself_and_by_a_newer_one(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    await memory.member(EVE, None)
    _, first = await services.password_links.create(owner, memory.org_id, EVE)
    _, second = await services.password_links.create_on_server(EVE)
    with pytest.raises(Denied):
        await services.password_links.use(first.reveal(), NEXT)
    memory.clock.advance(24 * 3600)
    for text in (second.reveal(), "", "vkl_guessed"):
        with pytest.raises(Denied):
            await services.password_links.use(text, NEXT)


async def test_only_owners_make_links_and_only_for_whom_they_own_alone(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    eve = await memory.member(EVE, ProjectRole.OWNER)
    with pytest.raises(Denied):
        await services.password_links.create(eve, memory.org_id, OWNER)
    robot = Caller(
        await services.principals.of((await memory.token(owner))[1], source=""),
    )
    with pytest.raises(Denied, match="API token"):
        await services.password_links.create(robot, memory.org_id, EVE)
    async with memory.storage.begin() as work:
        (member,) = await work.organizations.memberships(eve.principal.user_id)
        await work.organizations.put_member(
            type(member)("9" * 24, member.user_id, member.email, OrgRole.MEMBER)
        )
    with pytest.raises(Denied, match="other organisations"):
        await services.password_links.create(owner, memory.org_id, EVE)


async def test_who_is_added_by_link_has_no_password_until_then(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    await services.people.put_org_member(owner, memory.org_id, EVE, OrgRole.MEMBER, by_link=True)
    for guess in (Secret(""), PASSWORD):
        with pytest.raises(Unauthenticated):
            await services.accounts.login(EVE, guess)
    _, secret = await services.password_links.create(owner, memory.org_id, EVE)
    await services.password_links.use(secret.reveal(), NEXT)
    await services.accounts.login(EVE, NEXT)
