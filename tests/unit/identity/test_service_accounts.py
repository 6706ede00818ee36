"""Service accounts: nobody's person, without a password, managed by owners of their project."""

from __future__ import annotations

import pytest

from support.memory import PASSWORD, Memory
from support.refused import works
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import (
    AwsRefused,
    Conflict,
    Denied,
    InUse,
    InvalidInput,
    Unauthenticated,
)
from valetkey.domain.grants import SubjectKind
from valetkey.domain.location import LocationChange
from valetkey.domain.people import User
from valetkey.domain.revocation import MOST_NAMES, Kind
from valetkey.domain.scope import AccessLevel
from valetkey.domain.secret import Secret
from valetkey.identity.tokens import NewToken
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant
from valetkey.services.vending import VendRequest
from valetkey.testing import FakeRolePolicies

READ = frozenset({AccessLevel.READ})
WHOLE = VendRequest(("",), READ)


async def robot(memory: Memory, role: ProjectRole = ProjectRole.DEVELOPER) -> User:
    return await memory.services.service_accounts.create(
        await memory.caller(), memory.project.id, "training-jobs", role
    )


async def shown(memory: Memory, account: User) -> Caller:
    _, secret = await memory.services.service_accounts.create_token(
        await memory.caller(), account.id, NewToken("cron")
    )
    return Caller(await memory.services.principals.of(secret.reveal(), source=""))


async def test_a_service_account_vends_by_its_role_and_by_grants_of_its_own(memory: Memory) -> None:
    services, location = memory.services, await memory.location()
    account = await robot(memory)
    await services.vending.vend(await shown(memory, account), location.id, VendRequest(("",), READ))
    other = await services.service_accounts.create(
        await memory.caller(), memory.project.id, "labels", ProjectRole.ANNOTATOR
    )
    new = NewGrant(SubjectKind.USER, other.email, ("a",), READ)
    await services.grants.create(await memory.caller(), location.id, new)
    caller = await shown(memory, other)
    await services.vending.vend(caller, location.id, VendRequest(("a/b",), READ))
    with pytest.raises(Denied):
        await services.vending.vend(caller, location.id, VendRequest(("",), READ))


async def test_a_service_account_has_no_password_and_gets_none(memory: Memory) -> None:
    services, account = memory.services, await robot(memory)
    for password in (Secret(""), PASSWORD):
        with pytest.raises(Unauthenticated):
            await services.accounts.login(account.email, password)
    owner = await memory.caller()
    with pytest.raises(InvalidInput):
        await services.people.put_org_member(
            owner, memory.org_id, account.email, OrgRole.OWNER, password=PASSWORD
        )
    with pytest.raises(InvalidInput, match="service account"):
        await services.people.remove_org_member(owner, memory.org_id, account.email)
    with pytest.raises(Exception, match="no member"):
        await services.password_links.create(owner, memory.org_id, account.email)


async def test_owners_of_the_project_make_list_and_delete_them_and_nobody_else(
    memory: Memory,
) -> None:
    services = memory.services
    boss = await memory.member("boss@example.com", ProjectRole.OWNER)
    eve = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    account = await services.service_accounts.create(
        boss, memory.project.id, "jobs", ProjectRole.DEVELOPER
    )
    robot = await shown(memory, account)
    new = NewToken("more")
    for caller in (eve, robot):
        for attempt in (
            services.service_accounts.create(caller, memory.project.id, "more", ProjectRole.OWNER),
            services.service_accounts.of_project(caller, memory.project.id),
            services.service_accounts.create_token(caller, account.id, new),
            services.service_accounts.tokens(caller, account.id),
            services.service_accounts.delete(caller, account.id),
        ):
            with pytest.raises(Denied):
                await attempt
    assert await services.service_accounts.of_project(boss, memory.project.id) == [account]
    (token,) = await services.service_accounts.tokens(boss, account.id)
    await services.tokens.revoke(boss, token.id)
    with pytest.raises(Unauthenticated):
        await services.principals.again(robot)


async def test_with_a_service_account_go_its_tokens(memory: Memory) -> None:
    services, account = memory.services, await robot(memory)
    caller, owner = await shown(memory, account), await memory.caller()
    with pytest.raises(InUse):
        await services.people.delete_project(owner, memory.project.id)
    await services.service_accounts.delete(owner, account.id)
    with pytest.raises(Unauthenticated):
        await services.principals.again(caller)
    assert await services.service_accounts.of_project(owner, memory.project.id) == []
    assert ("service_account.delete", "allowed") in memory.actions()


@pytest.mark.parametrize("shared", [False, True])
async def test_with_a_service_account_go_its_sessions(memory: Memory, *, shared: bool) -> None:
    services, location = memory.services, await memory.location()
    boss = await memory.member("boss@example.com", ProjectRole.OWNER)
    change = LocationChange(shared_sessions=shared)
    await services.locations.update(await memory.caller(), location.id, change)
    account = await robot(memory)
    vended = await services.vending.vend(
        await shown(memory, account), location.id, VendRequest(("",), READ)
    )
    assert works(memory, vended.credentials)
    left = await services.service_accounts.delete(boss, account.id)
    assert (left.leases, left.remaining) == (1, ())
    assert not works(memory, vended.credentials)


async def test_what_could_not_be_ended_of_a_service_account_is_named(memory: Memory) -> None:
    services, location, account = memory.services, await memory.location(), await robot(memory)
    caller = await shown(memory, account)
    vended = await services.vending.vend(caller, location.id, VendRequest(("",), READ))
    policies = services.leases.policies
    assert isinstance(policies, FakeRolePolicies)
    policies.failure = AwsRefused("No.", hint="Ask.", aws_code="AccessDenied")
    left = await services.service_accounts.delete(await memory.caller(), account.id)
    [remaining] = left.remaining
    assert remaining.kind == "revocation"
    assert remaining.until >= vended.credentials.expires_at


async def test_service_accounts_that_are_deleted_fill_no_more_of_a_role_than_a_share(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valetkey.domain.revocation._SHARE", 400)
    services, location, owner = memory.services, await memory.location(), await memory.caller()
    boss = await memory.member("boss@example.com", ProjectRole.OWNER)
    bystander = await services.vending.vend(owner, location.id, VendRequest(("",), READ))
    ended = []
    for number in range(12):
        account = await services.service_accounts.create(
            boss, memory.project.id, f"job-{number}", ProjectRole.DEVELOPER
        )
        caller = await shown(memory, account)
        vended = await services.vending.vend(caller, location.id, VendRequest(("",), READ))
        left = await services.service_accounts.delete(boss, account.id)
        assert works(memory, bystander.credentials)
        ended.append((account, vended, left))
    told = [(left.leases, len(left.remaining)) for _, _, left in ended]
    fitted = told.count((1, 0))
    assert told == [(1, 0)] * fitted + [(0, 1)] * (12 - fitted)
    assert 0 < fitted < 12
    account, vended, left = ended[-1]
    [lease] = left.remaining
    assert (lease.kind, lease.id) == ("lease", vended.lease_id)
    assert "owner" in lease.reason
    assert works(memory, vended.credentials)
    assert memory.actions()[-1] == ("leases.revoke", "denied")
    target = await services.leases.target(owner, Kind.SERVICE_ACCOUNT, account.id, memory.org_id)
    assert (await services.leases.revoke(owner, target, reason="left")).leases == 1
    assert not works(memory, vended.credentials)
    assert works(memory, bystander.credentials)


async def test_a_service_account_whose_sessions_others_share_ends_none_of_theirs(
    memory: Memory,
) -> None:
    services, location, owner = memory.services, await memory.location(), await memory.caller()
    boss = await memory.member("boss@example.com", ProjectRole.OWNER)
    sharing = LocationChange(shared_sessions=True)
    await services.locations.update(owner, location.id, sharing)
    apart = await services.vending.vend(boss, (await memory.location("apart")).id, WHOLE)
    account = await robot(memory)
    caller = await shown(memory, account)
    for number in range(MOST_NAMES + 1):
        await services.vending.vend(caller, location.id, VendRequest((str(number),), READ))
    left = await services.service_accounts.delete(boss, account.id)
    assert len(left.remaining) == MOST_NAMES + 1
    assert works(memory, apart.credentials)


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a-", "x" * 61, "é", "a@b"])
async def test_its_name_is_a_plain_word(memory: Memory, name: str) -> None:
    with pytest.raises(InvalidInput):
        await memory.services.service_accounts.create(
            await memory.caller(), memory.project.id, name, ProjectRole.DEVELOPER
        )


async def test_two_of_one_name_in_a_project_are_refused(memory: Memory) -> None:
    await robot(memory)
    with pytest.raises(Conflict):
        await robot(memory)
