"""Login, tokens and API keys, over doubles."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.memory import OWNER, PASSWORD, Memory
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from valetkey.domain.ids import IdFactory
from valetkey.domain.secret import Secret
from valetkey.services.accounts import LOGIN_LIFETIME, LONGEST_LOGIN, initialize
from valetkey.testing import SeededEntropy, UnsafePasswords

WRONG = Secret("not the password at all")
NEXT = Secret("another long pass phrase")


async def test_a_login_gives_a_token_that_says_who_it_is(memory: Memory) -> None:
    login = await memory.services.accounts.login(f"  {OWNER.upper()} ", PASSWORD)
    principal = await memory.services.accounts.authenticate(login.token.reveal())
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


async def test_one_address_that_tries_many_people_must_wait_too(memory: Memory) -> None:
    for number in range(5):
        with pytest.raises(Unauthenticated):
            await memory.services.accounts.login(f"u{number}@x.org", WRONG, source="192.0.2.1")
    with pytest.raises(TooManyRequests):
        await memory.services.accounts.login(OWNER, PASSWORD, source="192.0.2.1")
    await memory.services.accounts.login(OWNER, PASSWORD, source="192.0.2.2")


async def test_a_token_ends_by_itself(memory: Memory) -> None:
    login = await memory.services.accounts.login(OWNER, PASSWORD)
    memory.clock.advance(LOGIN_LIFETIME.total_seconds())
    with pytest.raises(Unauthenticated, match="expired"):
        await memory.services.accounts.authenticate(login.token.reveal())


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


async def test_a_new_password_ends_earlier_logins_and_leaves_api_keys(memory: Memory) -> None:
    accounts = memory.services.accounts
    caller = await memory.caller()
    before = await accounts.login(OWNER, PASSWORD)
    _, jwt = await accounts.create_api_key(caller, "robot")
    memory.clock.advance(1)
    after = await accounts.change_password(caller, PASSWORD, NEXT)
    with pytest.raises(Unauthenticated, match="ended"):
        await accounts.authenticate(before.token.reveal())
    with pytest.raises(Unauthenticated):
        await accounts.refresh(before.token)
    assert (await accounts.authenticate(after.token.reveal())).email == OWNER
    assert (await accounts.authenticate(jwt.reveal())).key_id
    await accounts.login(OWNER, NEXT)
    assert ("user.sign_in_anew", "allowed") in memory.actions()


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
    memory.clock.advance(1)
    mine = await accounts.sign_out_everywhere(await memory.caller())
    with pytest.raises(Unauthenticated):
        await accounts.authenticate(other.token.reveal())
    await accounts.authenticate(mine.token.reveal())


async def test_an_api_key_works_until_it_is_revoked_and_is_never_stored(memory: Memory) -> None:
    accounts, caller = memory.services.accounts, await memory.caller()
    key, jwt = await accounts.create_api_key(caller, "robot", days=2)
    assert key.expires_at - key.created_at == timedelta(days=2)
    assert (await accounts.authenticate(jwt.reveal())).key_id == key.id
    with pytest.raises(Unauthenticated):
        await accounts.refresh(jwt)
    await accounts.revoke_api_key(caller, key.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        await accounts.authenticate(jwt.reveal())
    (listed,) = await accounts.api_keys(caller)
    assert listed.revoked_at is not None
    assert jwt.reveal() not in repr(memory.storage._committed.__dict__)


@pytest.mark.parametrize("days", [0, -1, 3651])
async def test_an_api_key_lives_a_stated_time(memory: Memory, days: int) -> None:
    with pytest.raises(InvalidInput):
        await memory.services.accounts.create_api_key(await memory.caller(), "robot", days=days)


@pytest.mark.parametrize("key_id", ["", "no-id", "0" * 24])
async def test_a_key_that_is_not_ours_can_not_be_revoked(memory: Memory, key_id: str) -> None:
    with pytest.raises(NotFound):
        await memory.services.accounts.revoke_api_key(await memory.caller(), key_id)


async def test_one_person_does_not_revoke_anothers_key(memory: Memory) -> None:
    eve = await memory.member("eve@example.com", None)
    key, _ = await memory.services.accounts.create_api_key(await memory.caller(), "robot")
    with pytest.raises(NotFound):
        await memory.services.accounts.revoke_api_key(eve, key.id)


async def test_a_token_of_a_key_that_is_not_known_is_refused(memory: Memory) -> None:
    accounts, caller = memory.services.accounts, await memory.caller()
    _, jwt = await accounts.create_api_key(caller, "robot")
    memory.storage._committed.api_keys._rows.clear()
    with pytest.raises(Unauthenticated, match="not known"):
        await accounts.authenticate(jwt.reveal())


async def test_a_token_of_somebody_who_is_gone_is_refused(memory: Memory) -> None:
    accounts, caller = memory.services.accounts, await memory.caller()
    login = await accounts.login(OWNER, PASSWORD)
    memory.storage._committed.users.rows.clear()
    for attempt in (
        accounts.authenticate(login.token.reveal()),
        accounts.sign_out_everywhere(caller),
        accounts.create_api_key(caller, "robot"),
    ):
        with pytest.raises(Unauthenticated, match="no longer exists"):
            await attempt


async def test_roles_are_those_of_the_moment(memory: Memory) -> None:
    eve = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    login = await memory.services.accounts.login("eve@example.com", PASSWORD)
    await memory.services.people.remove_org_member(
        await memory.caller(), memory.org_id, eve.principal.email
    )
    principal = await memory.services.accounts.authenticate(login.token.reveal())
    assert (principal.org_roles, principal.project_roles) == ({}, {})


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
