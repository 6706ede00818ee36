"""Login, tokens and API keys, over doubles."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.memory import OWNER, PASSWORD, Memory
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import (
    Conflict,
    InvalidInput,
    TooManyRequests,
    Unauthenticated,
)
from valetkey.domain.ids import IdFactory
from valetkey.domain.secret import Secret
from valetkey.identity.accounts import LOGIN_LIFETIME, LONGEST_LOGIN
from valetkey.identity.first_start import initialize
from valetkey.testing import SeededEntropy, UnsafePasswords

WRONG = Secret("not the password at all")
NEXT = Secret("another long pass phrase")


async def test_a_login_gives_a_token_that_says_who_it_is(memory: Memory) -> None:
    login = await memory.services.accounts.login(f"  {OWNER.upper()} ", PASSWORD)
    principal = await memory.services.principals.read(login.token.reveal(), source="")
    assert principal.email == OWNER
    assert principal.org_roles == {memory.org_id: OrgRole.OWNER}
    assert principal.project_roles == {memory.project.id: ProjectRole.OWNER}


async def test_a_wrong_password_and_a_stranger_are_refused_with_the_same_words(
    memory: Memory,
) -> None:
    said = set()
    for email, password in ((OWNER, WRONG), ("eve@example.com", PASSWORD), ("", PASSWORD)):
        with pytest.raises(Unauthenticated) as caught:
            await memory.services.accounts.login(email, password)
        said.add(str(caught.value))
    assert len(said) == 1


async def test_after_five_wrong_passwords_even_the_right_one_must_wait(memory: Memory) -> None:
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await memory.services.accounts.login(OWNER, WRONG)
    with pytest.raises(TooManyRequests) as caught:
        await memory.services.accounts.login(OWNER, PASSWORD)
    memory.clock.advance(caught.value.details["retry_after"])
    await memory.services.accounts.login(OWNER, PASSWORD)


async def test_a_token_ends_by_itself(memory: Memory) -> None:
    login = await memory.services.accounts.login(OWNER, PASSWORD)
    memory.clock.advance(LOGIN_LIFETIME.total_seconds())
    with pytest.raises(Unauthenticated, match="expired"):
        await memory.services.principals.read(login.token.reveal(), source="")


async def test_a_login_is_refreshed_while_it_is_good_and_for_a_week_at_most(
    memory: Memory,
) -> None:
    accounts = memory.services.accounts
    login = await accounts.login(OWNER, PASSWORD)
    first = login
    step = LOGIN_LIFETIME - timedelta(minutes=1)
    for _ in range(int(LONGEST_LOGIN / step)):
        memory.clock.advance(step.total_seconds())
        login = await accounts.refresh(login.token)
    assert login.claims.logged_in_at.replace(microsecond=0) == first.claims.logged_in_at
    memory.clock.advance(step.total_seconds())
    with pytest.raises(Unauthenticated, match="too long ago"):
        await accounts.refresh(login.token)


async def test_a_new_password_ends_earlier_logins_and_leaves_api_tokens(memory: Memory) -> None:
    accounts = memory.services.accounts
    caller = await memory.caller()
    before = await accounts.login(OWNER, PASSWORD)
    _, token = await memory.token(caller)
    after = await accounts.change_password(caller, PASSWORD, NEXT)
    with pytest.raises(Unauthenticated, match="ended"):
        await memory.services.principals.read(before.token.reveal(), source="")
    with pytest.raises(Unauthenticated):
        await accounts.refresh(before.token)
    assert (await memory.services.principals.read(after.token.reveal(), source="")).email == OWNER
    assert (await memory.services.principals.read(token, source="")).token_id
    await accounts.login(OWNER, NEXT)
    assert ("user.change_password", "allowed") in memory.actions()


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [(WRONG, NEXT, Unauthenticated), (PASSWORD, Secret("short"), InvalidInput)],
)
async def test_a_password_is_changed_only_by_who_knows_it_and_to_a_long_one(
    memory: Memory, old: Secret, new: Secret, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await memory.services.accounts.change_password(await memory.caller(), old, new)
    await memory.services.accounts.login(OWNER, PASSWORD)


async def test_guessing_the_old_password_through_a_stolen_token_is_slowed_down(
    memory: Memory,
) -> None:
    caller = await memory.caller()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await memory.services.accounts.change_password(caller, WRONG, NEXT)
    with pytest.raises(TooManyRequests):
        await memory.services.accounts.change_password(caller, PASSWORD, NEXT)


async def test_signing_out_everywhere_ends_every_login_but_the_new_one(memory: Memory) -> None:
    accounts = memory.services.accounts
    other = await accounts.login(OWNER, PASSWORD)
    mine = await accounts.sign_out_everywhere(await memory.caller())
    with pytest.raises(Unauthenticated):
        await memory.services.principals.read(other.token.reveal(), source="")
    await memory.services.principals.read(mine.token.reveal(), source="")


async def test_a_token_of_somebody_who_is_gone_is_refused(memory: Memory) -> None:
    accounts, caller = memory.services.accounts, await memory.caller()
    login = await accounts.login(OWNER, PASSWORD)
    memory.storage._committed.users.rows.clear()
    for attempt in (
        memory.services.principals.read(login.token.reveal(), source=""),
        accounts.sign_out_everywhere(caller),
        memory.token(caller),
    ):
        with pytest.raises(Unauthenticated, match="no longer exists"):
            await attempt


async def test_roles_are_those_of_the_moment_and_who_leaves_is_signed_out(
    memory: Memory,
) -> None:
    await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    owner, services = await memory.caller(), memory.services
    login = await services.accounts.login("eve@example.com", PASSWORD)
    await services.people.put_project_member(
        owner, memory.project.id, "eve@example.com", ProjectRole.ANNOTATOR
    )
    principal = await services.principals.read(login.token.reveal(), source="")
    assert principal.project_roles == {memory.project.id: ProjectRole.ANNOTATOR}
    await services.people.remove_org_member(owner, memory.org_id, "eve@example.com")
    with pytest.raises(Unauthenticated, match="ended"):
        await services.principals.read(login.token.reveal(), source="")


async def test_a_database_is_initialised_once(memory: Memory) -> None:
    entropy = SeededEntropy(9)
    with pytest.raises(Conflict, match="already"):
        await initialize(
            memory.storage,
            memory.sealer,
            UnsafePasswords(),
            memory.clock,
            entropy,
            IdFactory(memory.clock, entropy),
            organization="Other",
            email="eve@example.com",
            password=PASSWORD,
        )
