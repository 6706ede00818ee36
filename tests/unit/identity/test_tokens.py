"""API tokens: they carry less, end with their maker's membership, and tell when they are used."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.memory import OWNER, PASSWORD, Memory
from valetkey.domain.access import Credential, ProjectRole
from valetkey.domain.errors import Denied, InvalidInput, NotFound, Unauthenticated
from valetkey.domain.people import TokenForm
from valetkey.domain.scope import AccessLevel
from valetkey.domain.secret import Secret
from valetkey.domain.shown_secrets import SecretKind, is_shown_secret
from valetkey.domain.token_limits import TokenLimits
from valetkey.identity.tokens import NewToken
from valetkey.services.audit import Caller
from valetkey.services.vending import VendRequest

READ = frozenset({AccessLevel.READ})
HERE = "192.0.2.7"


async def shown(memory: Memory, token: str, source: str = HERE) -> Caller:
    """Who shows a token."""
    return Caller(await memory.services.principals.of(token, source=source), "r", source)


async def test_a_token_works_until_it_is_revoked_and_is_never_stored(memory: Memory) -> None:
    owner = await memory.caller()
    token, text = await memory.token(owner)
    assert is_shown_secret(text, SecretKind.TOKEN)
    assert token.expires_at - token.created_at == timedelta(days=90)
    caller = await shown(memory, text)
    assert (caller.principal.token_id, caller.principal.credential) == (token.id, Credential.TOKEN)
    with pytest.raises(Unauthenticated):
        await memory.services.accounts.refresh(Secret(text))
    await memory.services.tokens.revoke(owner, token.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        await shown(memory, text)
    (listed,) = await memory.services.tokens.own(owner)
    assert listed.revoked_at is not None
    assert text not in repr(memory.storage._committed.__dict__)
    assert text not in repr(vars(memory.storage._committed.api_tokens))


async def test_what_was_decided_for_a_token_is_kept_once_however_long_it_is_used(
    memory: Memory,
) -> None:
    owner = await memory.caller()
    location = await memory.location()
    _, text = await memory.token(owner)
    kept = memory.services.vending._authorizer._kept
    for _ in range(20):
        caller = await shown(memory, text)
        await memory.services.vending.vend(caller, location.id, VendRequest(("",), READ))
        memory.clock.advance(11)  # by then it is read again
    assert len(kept) == 1


async def test_a_signed_token_names_its_record_and_ends_with_it(memory: Memory) -> None:
    owner = await memory.caller()
    new = NewToken("for the vendor's SDK", form=TokenForm.JWT)
    token, secret = await memory.services.tokens.create(owner, new)
    assert secret.reveal().count(".") == 2
    assert (await shown(memory, secret.reveal())).principal.token_id == token.id
    await memory.services.tokens.revoke(owner, token.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        await shown(memory, secret.reveal())
    memory.storage._committed.api_tokens.rows.clear()
    with pytest.raises(Unauthenticated, match="not known"):
        await shown(memory, secret.reveal())


async def test_an_opaque_tokens_record_can_not_be_posed_as_by_a_signed_token(
    memory: Memory,
) -> None:
    owner = await memory.caller()
    _, jwt = await memory.services.tokens.create(owner, NewToken("x", form=TokenForm.JWT))
    opaque, _ = await memory.token(owner)
    rows = memory.storage._committed.api_tokens.rows
    signed_id = next(key for key, row in rows.items() if row.form is TokenForm.JWT)
    rows[signed_id] = opaque
    with pytest.raises(Unauthenticated, match="not known"):
        await shown(memory, jwt.reveal())


@pytest.mark.parametrize("lifetime", [timedelta(), timedelta(days=366), -timedelta(days=1)])
async def test_a_token_lives_a_year_at_most(lifetime: timedelta) -> None:
    with pytest.raises(InvalidInput):
        NewToken("robot", lifetime)


async def test_a_token_ends_by_itself(memory: Memory) -> None:
    owner = await memory.caller()
    _, secret = await memory.services.tokens.create(owner, NewToken("x", timedelta(hours=1)))
    memory.clock.advance(3599)
    await shown(memory, secret.reveal())
    memory.clock.advance(1)
    with pytest.raises(Unauthenticated, match="expired"):
        await shown(memory, secret.reveal())


async def test_a_token_makes_no_tokens_no_logins_and_ends_none(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    token, text = await memory.token(owner)
    login = await services.accounts.login(OWNER, PASSWORD)
    robot = await shown(memory, text)
    new = Secret("another long pass phrase")
    for attempt in (
        services.tokens.create(robot, NewToken("more")),
        services.tokens.revoke(robot, token.id),
        services.tokens.own(robot),
        services.accounts.change_password(robot, PASSWORD, new),
        services.accounts.sign_out_everywhere(robot),
    ):
        with pytest.raises(Denied, match="API token"):
            await attempt
    with pytest.raises(Unauthenticated):
        await services.accounts.refresh(Secret(text))
    await services.principals.read(login.token.reveal(), source="")
    denied = [action for action, outcome in memory.actions() if outcome == "denied"]
    assert denied == [
        "token.create",
        "token.revoke",
        "token.list",
        "user.change_password",
        "user.sign_out",
    ]


async def test_a_token_manages_nobody_and_nothing_though_its_maker_does(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    location = await memory.location()
    robot = await shown(memory, (await memory.token(owner))[1])
    role = ProjectRole.DEVELOPER
    for attempt in (
        services.people.put_project_member(robot, memory.project.id, OWNER, role),
        services.people.remove_org_member(robot, memory.org_id, OWNER),
        services.people.create_project(robot, memory.org_id, "mine"),
        services.locations.delete(robot, location.id),
        services.integrations.delete(robot, location.integration_id),
        services.tokens.of_org(robot, memory.org_id),
    ):
        with pytest.raises(Denied, match="API token"):
            await attempt
    await services.vending.vend(robot, location.id, VendRequest(("",), READ))
    await services.people.org_members(robot, memory.org_id)


async def test_a_limited_token_opens_what_it_was_made_for_and_nothing_else(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    location, other = await memory.location(), await memory.location("other")
    limits: dict[str, Any] = {
        "locations": frozenset({location.id}),
        "prefixes": ("a/",),
        "levels": READ,
        "max_ttl": timedelta(seconds=900),
    }
    robot = await shown(memory, (await memory.token(owner, **limits))[1])
    short = timedelta(seconds=900)
    await services.vending.vend(robot, location.id, VendRequest(("a/b/",), READ, short))
    for place, request in (
        (other.id, VendRequest(("a/",), READ, short)),
        (location.id, VendRequest(("",), READ, short)),
        (location.id, VendRequest(("ab/",), READ, short)),
        (location.id, VendRequest(("a/",), READ, short, bare=True)),
        (location.id, VendRequest(("a/",), frozenset(AccessLevel), short)),
        (location.id, VendRequest(("a/",), READ, timedelta(seconds=901))),
    ):
        with pytest.raises(Denied, match="API token"):
            await services.vending.vend(robot, place, request)
    assert memory.actions().count(("credentials.vend", "denied")) == 6


async def test_a_token_never_carries_more_than_its_maker_may_at_the_moment(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    location = await memory.location()
    eve = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    _, text = await memory.token(eve)
    request = VendRequest(("",), READ)
    await services.vending.vend(await shown(memory, text), location.id, request)
    await services.people.put_project_member(
        owner, memory.project.id, "eve@example.com", ProjectRole.ANNOTATOR
    )
    with pytest.raises(Denied):
        await services.vending.vend(await shown(memory, text), location.id, request)


async def test_a_token_is_refused_from_outside_its_networks(memory: Memory) -> None:
    _, text = await memory.token(await memory.caller(), networks=("192.0.2.0/24",))
    await shown(memory, text, "192.0.2.200")
    for source in ("198.51.100.1", ""):
        with pytest.raises(Denied, match="can't be used from"):
            await shown(memory, text, source)


async def test_a_token_acts_in_its_own_organisation_only(memory: Memory) -> None:
    token, text = await memory.token(await memory.caller())
    async with memory.storage.begin() as work:
        member = (await work.organizations.memberships(token.user_id))[0]
        await work.organizations.put_member(
            type(member)("9" * 24, member.user_id, member.email, member.role)
        )
    assert set((await shown(memory, text)).principal.org_roles) == {memory.org_id}
    with pytest.raises(InvalidInput, match="one organisation"):
        await memory.services.tokens.create(await memory.caller(), NewToken("which?"))


async def test_owners_see_and_revoke_every_token_of_the_organisation(memory: Memory) -> None:
    services, owner = memory.services, await memory.caller()
    eve = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    token, text = await memory.token(eve)
    mine, _ = await memory.token(owner)
    listed = await services.tokens.of_org(owner, memory.org_id)
    assert [(each.id, email) for each, email in listed] == [
        (mine.id, OWNER),
        (token.id, "eve@example.com"),
    ]
    with pytest.raises(Denied):
        await services.tokens.of_org(eve, memory.org_id)
    with pytest.raises(NotFound):
        await services.tokens.revoke(eve, mine.id)
    await services.tokens.revoke(owner, token.id)
    with pytest.raises(Unauthenticated):
        await shown(memory, text)


@pytest.mark.parametrize("token_id", ["", "no-id", "0" * 24])
async def test_a_token_that_is_not_there_can_not_be_revoked(memory: Memory, token_id: str) -> None:
    with pytest.raises(NotFound):
        await memory.services.tokens.revoke(await memory.caller(), token_id)


async def test_a_location_of_elsewhere_is_no_limit_but_a_mistake(memory: Memory) -> None:
    limits = TokenLimits(locations=frozenset({"0" * 24}))
    with pytest.raises(InvalidInput, match="no location"):
        await memory.services.tokens.create(await memory.caller(), NewToken("x", limits=limits))


async def test_the_record_of_what_a_token_did_names_it(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    token, text = await memory.token(owner)
    robot = await shown(memory, text)
    await memory.services.vending.vend(robot, location.id, VendRequest(("",), READ))
    with pytest.raises(Denied):
        await memory.services.people.create_project(robot, memory.org_id, "mine")
    records = [record.event for record in memory.storage._committed.audit.records][-2:]
    assert [event.details["token_id"] for event in records] == [token.id, token.id]


async def test_the_last_use_is_stored_at_most_once_a_minute(memory: Memory) -> None:
    owner, scheduler = await memory.caller(), memory.services.scheduler
    token, text = await memory.token(owner)

    async def last() -> tuple[object, str]:
        (row,) = await memory.services.tokens.own(owner)
        return row.last_used_at, row.last_used_from

    assert await last() == (None, "")
    await shown(memory, text)
    first = memory.clock.now()
    await scheduler.round()
    assert await last() == (first, HERE)
    memory.clock.advance(30)
    await shown(memory, text, "192.0.2.8")
    await scheduler.round()
    assert await last() == (first, HERE)
    memory.clock.advance(30)
    await scheduler.round()
    assert await last() == (first + timedelta(seconds=30), "192.0.2.8")
    assert token.last_used_at is None
