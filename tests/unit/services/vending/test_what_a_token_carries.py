"""No session outlives what it was asked for with, and a token for a location means its children."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from support.memory import Memory
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Denied, Unauthenticated
from valetkey.domain.grants import SubjectKind
from valetkey.domain.location import Location, LocationChange, NewLocation
from valetkey.domain.presign import Method
from valetkey.domain.scope import AccessLevel
from valetkey.domain.token_limits import UNLIMITED, TokenLimits
from valetkey.identity.tokens import NewToken
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant
from valetkey.services.vending import PresignRequest, VendRequest

READ = VendRequest(("",), frozenset({AccessLevel.READ}))
MINUTE = timedelta(minutes=1)


async def with_token(
    memory: Memory,
    caller: Caller,
    limits: TokenLimits = UNLIMITED,
    *,
    lifetime: timedelta = timedelta(days=1),
) -> Caller:
    new = NewToken("job", lifetime, limits)
    _, secret = await memory.services.tokens.create(caller, new)
    return Caller(await memory.services.principals.of(secret.reveal(), source=""))


async def child_of(memory: Memory, parent: Location, name: str) -> Location:
    new = NewLocation(
        name=name, bucket="acme", folder=f"{parent.prefix}{name}", parent_id=parent.id
    )
    return await memory.services.locations.create(await memory.caller(), memory.project.id, new)


@pytest.mark.parametrize("shared", [False, True])
async def test_no_session_outlives_the_token_that_it_was_asked_for_with(
    memory: Memory, *, shared: bool
) -> None:
    location = await memory.location()
    change = LocationChange(shared_sessions=shared)
    await memory.services.locations.update(await memory.caller(), location.id, change)
    login = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    vending = memory.services.vending
    longer = await vending.vend(login, location.id, READ)
    token = await with_token(memory, login, lifetime=20 * MINUTE)
    ends_at = token.principal.ends_at
    assert ends_at is not None
    assert longer.credentials.expires_at > ends_at
    for _ in range(2):
        vended = await vending.vend(token, location.id, READ)
        assert vended.credentials.expires_at <= ends_at
    presigned = await memory.services.presigning.presign(
        token, location.id, PresignRequest(["train/a"], Method.GET)
    )
    assert presigned.expires_at <= ends_at


async def test_a_token_with_less_left_than_awss_shortest_session_gets_none(memory: Memory) -> None:
    location = await memory.location()
    login = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    token = await with_token(memory, login, lifetime=10 * MINUTE)
    with pytest.raises(Denied, match="no session shorter than 900 seconds"):
        await memory.services.vending.vend(token, location.id, READ)
    assert not [order for order in memory.sts.orders if "eve" in order.session_name]


async def test_what_was_decided_for_a_token_does_not_outlive_it(memory: Memory) -> None:
    location = await memory.location()
    login = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    token = await with_token(memory, login, lifetime=20 * MINUTE)
    await memory.services.vending.vend(token, location.id, READ)
    memory.clock.advance(21 * 60)
    with pytest.raises((Denied, Unauthenticated)):
        await memory.services.vending.vend(token, location.id, READ)


async def test_a_token_for_a_location_opens_what_lies_within_it_and_nothing_beside(
    memory: Memory,
) -> None:
    parent = await memory.location("parent", folder="train")
    cats, dogs = await child_of(memory, parent, "cats"), await child_of(memory, parent, "dogs")
    other = await memory.location("other", folder="other")
    login = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    vending, named = memory.services.vending, frozenset({parent.id})
    whole = await with_token(memory, login, TokenLimits(named))
    for location in (parent, cats, dogs):
        await vending.vend(whole, location.id, READ)
    with pytest.raises(Denied, match="does not carry this location"):
        await vending.vend(whole, other.id, READ)
    some = await with_token(memory, login, TokenLimits(named, ("cats/",)))
    assert (await vending.vend(some, cats.id, READ)).scope.prefixes == ("train/cats/",)
    for location in (parent, dogs):
        with pytest.raises(Denied):
            await vending.vend(some, location.id, READ)
    presigned = await memory.services.presigning.presign(
        some, cats.id, PresignRequest(["train/cats/1"], Method.GET)
    )
    assert presigned.keys == ["train/cats/1"]
    with pytest.raises(Denied):
        await memory.services.presigning.presign(
            some, dogs.id, PresignRequest(["train/dogs/1"], Method.GET)
        )


@pytest.mark.parametrize(
    ("role", "granted", "carried", "expected"),
    [
        (ProjectRole.DEVELOPER, None, None, 60),
        (ProjectRole.DEVELOPER, None, 15, 15),
        (ProjectRole.DEVELOPER, None, 120, 60),
        (None, 15, None, 15),
        (None, 15, 20, 15),
        (None, 30, 20, 20),
        (None, 720, None, 60),
    ],
)
async def test_who_names_no_time_to_live_gets_the_longest_that_is_allowed_and_an_hour_at_most(
    memory: Memory,
    role: ProjectRole | None,
    granted: int | None,
    carried: int | None,
    expected: int,
) -> None:
    location = await memory.location()
    login = await memory.member("eve@example.com", role)
    if granted:
        new = NewGrant(SubjectKind.USER, "eve@example.com", ("",), READ.levels, granted * MINUTE)
        await memory.services.grants.create(await memory.caller(), location.id, new)
    limits = TokenLimits(max_ttl=carried * MINUTE) if carried else UNLIMITED
    token = await with_token(memory, login, limits)
    vended = await memory.services.vending.vend(token, location.id, READ)
    assert vended.credentials.expires_at == memory.clock.now() + expected * MINUTE
    assert vended.warnings == ()
    signed = PresignRequest(["train/a"], expires=timedelta(days=1))
    presigned = await memory.services.presigning.presign(token, location.id, signed)
    assert presigned.expires_at == memory.clock.now() + expected * MINUTE
    # Who names one that is too long is told so, and gets nothing.
    if granted or carried:
        too_long = replace(READ, ttl=(min(granted or 720, carried or 720) + 1) * MINUTE)
        with pytest.raises(Denied):
            await memory.services.vending.vend(token, location.id, too_long)
