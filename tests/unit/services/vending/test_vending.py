"""Vending over doubles: who may have what, one session for many, and nothing without a record."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from support.memory import Memory
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.audit import AuditRecord
from valetkey.domain.credentials import DEFAULT_TTL
from valetkey.domain.errors import (
    AuditUnavailable,
    AwsRefused,
    AwsUnavailable,
    Conflict,
    Denied,
    InvalidInput,
    NotFound,
    StorageUnavailable,
    TooLarge,
    Unauthenticated,
    ValetkeyError,
)
from valetkey.domain.grants import SubjectKind
from valetkey.domain.integration import IntegrationState
from valetkey.domain.lease import LeaseFilter
from valetkey.domain.location import Location, LocationChange
from valetkey.domain.presign import Method
from valetkey.domain.scope import AccessLevel
from valetkey.domain.secret import Secret
from valetkey.domain.tags import integration_tag
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant
from valetkey.services.vending import PresignRequest, VendRequest
from valetkey.testing.aws import READ_ONLY

READ = frozenset({AccessLevel.READ})
LIST = frozenset({AccessLevel.LIST})
ALL = VendRequest(("",), READ)
HOUR = 3600.0


def last(memory: Memory) -> AuditRecord:
    return memory.storage._committed.audit.records[-1]


def issued(memory: Memory) -> int:
    """How many sessions there were for people (locations take one each when they are made)."""
    return sum(not order.session_name.startswith("valetkey") for order in memory.sts.orders)


async def vended_key(memory: Memory, caller: Caller, location: Location, want: VendRequest) -> str:
    vended = await memory.services.vending.vend(caller, location.id, want)
    return vended.credentials.access_key_id


async def granted(
    memory: Memory, location: Location, email: str, *prefixes: str, ttl: timedelta | None = None
) -> str:
    new = NewGrant(SubjectKind.USER, email, prefixes, READ | LIST)
    new = new if ttl is None else replace(new, max_ttl=ttl)
    return (await memory.services.grants.create(await memory.caller(), location.id, new)).id


# --- one session for many, one record for each ---------------------------------------------------


async def test_a_herd_of_first_requests_makes_one_session_and_a_record_each(
    memory: Memory,
) -> None:
    location, caller = await memory.location(), await memory.caller()
    keys = await asyncio.gather(*(vended_key(memory, caller, location, ALL) for _ in range(200)))
    assert len(set(keys)) == 1
    assert issued(memory) == 1
    assert memory.actions().count(("credentials.vend", "allowed")) == 200


async def test_the_record_tells_who_what_why_until_when_and_names_the_lease(
    memory: Memory,
) -> None:
    location, caller = await memory.location(), await memory.caller()
    want = VendRequest(("maps",), READ | LIST, purpose="nightly training")
    vended = await memory.services.vending.vend(caller, location.id, want)
    event = last(memory).event
    assert (event.actor, event.action, event.outcome) == (
        "ada@example.com",
        "credentials.vend",
        "allowed",
    )
    assert (event.subject, event.request_id, event.source) == (
        f"location:{location.id}",
        "request-1",
        "192.0.2.7",
    )
    assert event.reason == "owner of the organisation"
    assert dict(event.details) == {
        "bucket": "acme",
        "prefixes": ["train/maps/"],
        "access": ["list", "read"],
        "ttl": 3600,
        "purpose": "nightly training",
        "lease_id": vended.lease_id,
        "access_key_id": vended.credentials.access_key_id,
        "expires_at": vended.credentials.expires_at.isoformat(),
    }


async def test_each_session_leaves_one_lease_however_often_it_is_handed_out(
    memory: Memory,
) -> None:
    location, caller = await memory.location(), await memory.caller()
    vended = await memory.services.vending.vend(caller, location.id, ALL)
    for _ in range(3):
        assert (await memory.services.vending.vend(caller, location.id, ALL)) == vended
    async with memory.storage.read() as work:
        (lease,) = await work.leases.find(LeaseFilter(memory.org_id))
    assert lease.id == vended.lease_id
    assert lease.access_key_id == vended.credentials.access_key_id
    assert (lease.principal, lease.location_id) == ("ada@example.com", location.id)
    assert lease.session_name == f"ada@example.com-{lease.id}"
    assert lease.scope == vended.scope


@pytest.mark.parametrize(
    "other",
    [
        VendRequest(("a",), READ),
        VendRequest(("",), READ | LIST),
        VendRequest(("",), READ, ttl=timedelta(seconds=900)),
        VendRequest(("",), READ, versions=True),
    ],
)
async def test_what_shapes_the_credential_keeps_credentials_apart(
    memory: Memory, other: VendRequest
) -> None:
    location, caller = await memory.location(), await memory.caller()
    assert await vended_key(memory, caller, location, ALL) != await vended_key(
        memory, caller, location, other
    )


async def test_a_purpose_shapes_the_record_only(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    one = await vended_key(memory, caller, location, ALL)
    assert await vended_key(memory, caller, location, replace(ALL, purpose="why not")) == one
    assert last(memory).event.details["purpose"] == "why not"


async def test_sessions_are_per_person_so_that_cloudtrail_names_who(memory: Memory) -> None:
    location = await memory.location()
    eve = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    one = await vended_key(memory, await memory.caller(), location, ALL)
    assert await vended_key(memory, eve, location, ALL) != one
    assert memory.sts.orders[-1].session_name.startswith("eve@example.com-")


async def test_a_location_may_opt_into_shared_sessions(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    eve = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    await memory.services.locations.update(owner, location.id, LocationChange(shared_sessions=True))
    one = await vended_key(memory, owner, location, ALL)
    assert await vended_key(memory, eve, location, ALL) == one
    assert memory.sts.orders[-1].session_name.startswith(f"shared-{location.id}-")
    assert last(memory).event.actor == "eve@example.com"


# --- who may have what ---------------------------------------------------------------------------


async def test_a_role_without_the_right_is_refused_with_a_recorded_reason(memory: Memory) -> None:
    location = await memory.location()
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    with pytest.raises(Denied) as caught:
        await memory.services.vending.vend(eve, location.id, ALL)
    assert "annotator" in caught.value.message
    assert (last(memory).event.outcome, last(memory).event.reason) == (
        "denied",
        caught.value.message,
    )
    assert issued(memory) == 0


async def test_a_grant_opens_its_folders_and_no_others(memory: Memory) -> None:
    location = await memory.location()
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    grant_id = await granted(memory, location, "eve@example.com", "a")
    vended = await memory.services.vending.vend(eve, location.id, VendRequest(("a/x",), READ))
    assert vended.scope.prefixes == ("train/a/x/",)
    assert grant_id in last(memory).event.reason
    for outside in [
        VendRequest(("",), READ),
        VendRequest(("ab",), READ),
        VendRequest(("a", "b"), READ),
        VendRequest(("a",), frozenset({AccessLevel.WRITE})),
    ]:
        with pytest.raises(Denied):
            await memory.services.vending.vend(eve, location.id, outside)


async def test_a_grant_limits_how_long(memory: Memory) -> None:
    location = await memory.location()
    eve = await memory.member("eve@example.com", None)
    await granted(memory, location, "eve@example.com", "", ttl=timedelta(seconds=1800))
    vending = memory.services.vending
    with pytest.raises(Denied, match="1,800 seconds"):
        await vending.vend(eve, location.id, replace(ALL, ttl=DEFAULT_TTL))
    first = await vending.vend(eve, location.id, replace(ALL, ttl=timedelta(seconds=1800)))
    memory.clock.advance(60)
    # As much as there is: a whole session, as long as the grant allows.
    fresh = await vending.vend(eve, location.id, replace(ALL, min_ttl=DEFAULT_TTL))
    assert fresh.lease_id != first.lease_id
    assert fresh.credentials.expires_at == memory.clock.now() + timedelta(seconds=1800)


async def test_a_group_passes_its_grants_on_and_takes_them_back(memory: Memory) -> None:
    location, owner, grants = await memory.location(), await memory.caller(), memory.services.grants
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    group = await grants.create_group(owner, memory.org_id, "labellers")
    new = NewGrant(SubjectKind.GROUP, "labellers", ("a",), READ)
    await grants.create(owner, location.id, new)
    want = VendRequest(("a",), READ)
    with pytest.raises(Denied):
        await memory.services.vending.vend(eve, location.id, want)
    await grants.put_member(owner, memory.org_id, group.id, "eve@example.com")
    await memory.services.vending.vend(eve, location.id, want)
    await grants.remove_member(owner, memory.org_id, group.id, "eve@example.com")
    with pytest.raises(Denied):
        await memory.services.vending.vend(eve, location.id, want)


async def test_somebody_with_a_grant_finds_the_location_and_no_other(memory: Memory) -> None:
    location = await memory.location()
    await memory.location("secret")
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    with pytest.raises(Denied):
        await memory.services.locations.of_project(eve, memory.project.id)
    await granted(memory, location, "eve@example.com", "a")
    [shown] = await memory.services.locations.of_project(eve, memory.project.id)
    assert shown == await memory.services.locations.get(eve, location.id)
    assert (shown.id, shown.bucket) == (location.id, location.bucket)


async def test_somebody_outside_the_organisation_does_not_learn_that_it_exists(
    memory: Memory,
) -> None:
    location, caller = await memory.location(), await memory.caller()
    stranger = caller._replace(principal=replace(caller.principal, org_roles={}))
    with pytest.raises(NotFound):
        await memory.services.vending.vend(stranger, location.id, ALL)
    for unknown in ["0" * 24, "", "../x", "'; --", "x" * 5000]:
        with pytest.raises(NotFound):
            await memory.services.vending.vend(caller, unknown, ALL)


@pytest.mark.parametrize("prefix", ["/a", "..", "a/../..", "a//b", "a\x00", "\ud800", "x" * 1100])
async def test_a_prefix_that_could_lead_outside_is_refused(memory: Memory, prefix: str) -> None:
    location, caller = await memory.location(), await memory.caller()
    with pytest.raises(InvalidInput):
        await memory.services.vending.vend(caller, location.id, VendRequest((prefix,), READ))


async def test_an_empty_scope_is_refused(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    for empty in [VendRequest((), READ), VendRequest(("a",), frozenset())]:
        with pytest.raises(InvalidInput):
            await memory.services.vending.vend(caller, location.id, empty)


async def test_too_many_prefixes_are_refused_before_any_call(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    calls = len(memory.sts.orders)
    want = VendRequest(tuple(f"{number:040d}" for number in range(60)), READ)
    with pytest.raises(TooLarge) as caught:
        await memory.services.vending.vend(caller, location.id, want)
    assert 0 < caught.value.details["fitting"] < 60
    assert len(memory.sts.orders) == calls


@pytest.mark.parametrize("purpose", ["x" * 501, "a\nb", "a\r\nSet-Cookie: x", "\x00"])
def test_a_purpose_is_one_line_of_ordinary_text(purpose: str) -> None:
    with pytest.raises(InvalidInput):
        VendRequest(("",), READ, purpose=purpose)


async def test_bare_names_are_listed_only_where_the_neighbours_are_allowed(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    await memory.services.vending.vend(caller, location.id, VendRequest(("a",), LIST, bare=True))
    condition = json.loads(memory.sts.orders[-1].policy or "")["Statement"][0]["Condition"]
    assert condition["StringLike"]["s3:prefix"] == ["train/a", "train/a/", "train/a/*"]
    with pytest.raises(Denied):
        await memory.services.vending.vend(caller, location.id, VendRequest(("",), LIST, bare=True))
    eve = await memory.member("eve@example.com", None)
    await granted(memory, location, "eve@example.com", "a")
    with pytest.raises(Denied):
        await memory.services.vending.vend(eve, location.id, VendRequest(("a",), LIST, bare=True))


# --- forgotten at once ---------------------------------------------------------------------------


async def test_a_rotated_or_updated_integration_is_asked_anew(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    one = await vended_key(memory, owner, location, ALL)
    await memory.services.integrations.update(
        owner, location.integration_id, credentials=("AKIAIOSFODNN7EXAMPLF", Secret("y" * 40))
    )
    assert await vended_key(memory, owner, location, ALL) != one
    two = await vended_key(memory, owner, location, ALL)
    async with memory.storage.begin() as work:
        await work.invalidations.publish([integration_tag(location.integration_id)])
    assert await vended_key(memory, owner, location, ALL) != two


async def test_a_disabled_integration_hands_out_nothing(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    await memory.services.vending.vend(owner, location.id, ALL)
    async with memory.storage.begin() as work:
        integration = await work.integrations.get(location.integration_id)
        assert integration is not None
        await work.integrations.save(replace(integration, state=IntegrationState.DISABLED))
        await work.invalidations.publish([integration_tag(integration.id)])
    with pytest.raises(Conflict, match="disabled"):
        await memory.services.vending.vend(owner, location.id, ALL)


async def test_a_deleted_location_hands_out_nothing(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    await memory.services.vending.vend(owner, location.id, ALL)
    await memory.services.locations.delete(owner, location.id)
    with pytest.raises(NotFound):
        await memory.services.vending.vend(owner, location.id, ALL)


async def test_a_grant_taken_back_ends_at_once(memory: Memory) -> None:
    location = await memory.location()
    eve = await memory.member("eve@example.com", None)
    grant_id = await granted(memory, location, "eve@example.com", "a")
    want = VendRequest(("a",), READ)
    await memory.services.vending.vend(eve, location.id, want)
    await memory.services.grants.delete(await memory.caller(), location.id, grant_id)
    with pytest.raises(Denied):
        await memory.services.vending.vend(eve, location.id, want)


async def test_a_right_lost_while_the_session_is_made_hands_out_nothing(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    eve = await memory.member("eve@example.com", ProjectRole.DEVELOPER)
    memory.sts.gate = asyncio.Event()
    waiting = asyncio.create_task(memory.services.vending.vend(eve, location.id, ALL))
    while not issued(memory):  # noqa: ASYNC110  # the double tells nobody when it is asked
        await asyncio.sleep(0)
    people = memory.services.people
    await people.remove_project_member(owner, memory.project.id, "eve@example.com")
    memory.sts.gate.set()
    with pytest.raises(Denied):
        await waiting
    assert ("credentials.vend", "allowed") not in memory.actions()


async def test_a_known_token_is_forgotten_with_a_role_a_key_or_a_login(memory: Memory) -> None:
    owner, accounts, principals = (
        await memory.caller(),
        memory.services.accounts,
        memory.services.principals,
    )
    key, token = await memory.token(owner)
    login = await accounts.login("ada@example.com", Secret("correct horse battery staple"))
    for each in (token, login.token.reveal()):
        first = await principals.of(each, source="")
        assert principals.known(each) is first
    await memory.services.tokens.revoke(owner, key.id)
    assert principals.known(token) is None
    with pytest.raises(Unauthenticated):
        await principals.of(token, source="")
    assert principals.known(login.token.reveal())
    memory.clock.advance(1)
    await accounts.sign_out_everywhere(owner)
    with pytest.raises(Unauthenticated):
        await principals.of(login.token.reveal(), source="")


async def test_a_known_token_is_read_again_after_a_moment_and_never_after_its_end(
    memory: Memory,
) -> None:
    await memory.member("bob@example.com", None, org_role=OrgRole.OWNER)
    accounts, principals = memory.services.accounts, memory.services.principals
    login = await accounts.login("ada@example.com", Secret("correct horse battery staple"))
    token = login.token.reveal()
    await principals.of(token, source="")
    memory.clock.advance(11)
    assert principals.known(token) is None
    memory.clock.advance(12 * HOUR - 15)
    await principals.of(token, source="")
    memory.clock.advance(5)
    assert principals.known(token) is None


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [AwsRefused("no"), AwsUnavailable("away")])
async def test_a_failed_call_is_recorded_and_not_repeated_for_seconds(
    memory: Memory, error: AwsRefused | AwsUnavailable
) -> None:
    location, caller = await memory.location(), await memory.caller()
    memory.sts.failure = error
    for _ in range(5):
        with pytest.raises(type(error)):
            await memory.services.vending.vend(caller, location.id, ALL)
    assert issued(memory) == 1
    assert memory.actions().count(("credentials.vend", "failed")) == 5


async def test_while_sts_is_away_good_credentials_are_served_and_health_says_so(
    memory: Memory,
) -> None:
    location, caller = await memory.location(), await memory.caller()
    one = await vended_key(memory, caller, location, ALL)
    memory.sts.failure = AwsUnavailable("STS does not answer.")
    memory.clock.advance(50 * 60)
    assert await vended_key(memory, caller, location, ALL) == one
    found = await memory.services.health.readiness()
    assert found.ready
    assert "STS does not answer." in found.parts["sts"]
    memory.clock.advance(11 * 60)
    with pytest.raises(AwsUnavailable):
        await memory.services.vending.vend(caller, location.id, ALL)
    memory.sts.failure = None
    memory.clock.advance(6)
    await memory.services.vending.vend(caller, location.id, ALL)
    assert (await memory.services.health.readiness()).parts["sts"] == ""


async def test_a_credential_that_has_already_expired_is_not_handed_out(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    memory.sts.lifetime = timedelta(seconds=-1)
    with pytest.raises(AwsUnavailable, match="already expired"):
        await memory.services.vending.vend(caller, location.id, ALL)


async def test_without_a_record_nothing_is_handed_out(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    await memory.services.vending.vend(caller, location.id, ALL)
    memory.storage.unavailable = True
    with pytest.raises(AuditUnavailable):
        await memory.services.vending.vend(caller, location.id, ALL)
    memory.storage.unavailable = False
    await memory.services.vending.vend(caller, location.id, ALL)


async def test_the_lease_comes_with_the_first_record_that_could_be_written(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    memory.sts.gate = asyncio.Event()
    waiting = asyncio.create_task(memory.services.vending.vend(caller, location.id, ALL))
    while not issued(memory):  # noqa: ASYNC110  # the double tells nobody when it is asked
        await asyncio.sleep(0)
    memory.storage.unavailable = True
    memory.sts.gate.set()
    with pytest.raises(ValetkeyError):
        await waiting
    memory.storage.unavailable = False
    vended = await memory.services.vending.vend(caller, location.id, ALL)
    assert issued(memory) == 1
    async with memory.storage.read() as work:
        assert await work.leases.get(vended.lease_id)


# --- presigning ----------------------------------------------------------------------------------


async def test_urls_end_with_the_session_and_say_so(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    memory.clock.advance(0.25)
    request = PresignRequest(["train/a b"], expires=timedelta(hours=5))
    made = await memory.services.presigning.presign(caller, location.id, request)
    start = memory.clock.now().replace(microsecond=0)
    assert made.expires_at == start + timedelta(hours=1)
    (url,) = made.urls(0, 1)
    assert url.startswith("https://acme.s3.eu-central-1.amazonaws.com/train/a%20b?")
    assert "X-Amz-Expires=3600&" in url


async def test_one_record_stands_for_all_urls_of_a_request(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    keys = [f"train/{number}" for number in range(1000)]
    made = await memory.services.presigning.presign(caller, location.id, PresignRequest(keys))
    pieces = [list(urls) async for _, urls in made.pieces()]
    assert sum(map(len, pieces)) == 1000
    event = last(memory).event
    assert event.action == "objects.presign"
    assert event.details["keys"] == 1000
    assert (event.details["lease_id"],) == made.lease_ids
    assert (event.details["first_key"], event.details["last_key"]) == (keys[0], keys[-1])


@pytest.mark.parametrize("stray", ["a", "train", "trainx/a", "other/a"])
async def test_a_key_outside_is_refused_and_recorded(memory: Memory, stray: str) -> None:
    location, caller = await memory.location(), await memory.caller()
    with pytest.raises(Denied):
        await memory.services.presigning.presign(
            caller, location.id, PresignRequest(["train/a", stray])
        )
    assert last(memory).event.outcome == "denied"
    assert issued(memory) == 0


async def test_a_grant_signs_in_its_folders_only(memory: Memory) -> None:
    location = await memory.location()
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    await granted(memory, location, "eve@example.com", "a", ttl=timedelta(seconds=900))
    presigning = memory.services.presigning
    made = await presigning.presign(eve, location.id, PresignRequest(["train/a/1"]))
    assert made.expires_at <= memory.clock.now() + timedelta(seconds=900)
    for request in [
        PresignRequest(["train/b/1"]),
        PresignRequest(["train/a/1"], Method.PUT),
        PresignRequest(["train/a/1"], Method.DELETE),
    ]:
        with pytest.raises(Denied):
            await presigning.presign(eve, location.id, request)


@pytest.mark.parametrize(
    ("method", "action"),
    [
        (Method.GET, "s3:GetObject"),
        (Method.HEAD, "s3:GetObject"),
        (Method.PUT, "s3:PutObject"),
        (Method.DELETE, "s3:DeleteObject"),
    ],
)
async def test_a_method_is_signed_with_a_session_that_can_do_just_that(
    memory: Memory, method: Method, action: str
) -> None:
    location, caller = await memory.location(), await memory.caller()
    request = PresignRequest(["train/a"], method)
    await memory.services.presigning.presign(caller, location.id, request)
    (statement,) = json.loads(memory.sts.orders[-1].policy or "")["Statement"]
    assert statement["Action"][0] == action


@pytest.mark.parametrize(
    "change",
    [
        {"keys": []},
        {"keys": ["a"] * 100_001},
        {"expires": timedelta(0)},
        {"expires": timedelta(days=8)},
        {"version_ids": ["1", "2"]},
        {"disposition": "a\r\nSet-Cookie: x"},
        {"disposition": "inline", "method": Method.PUT},
        {"version_ids": ["1"], "method": Method.PUT},
    ],
)
def test_a_request_that_can_not_be_right_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        PresignRequest(**{"keys": ["train/a"], **change})  # type: ignore[arg-type]  # that is it


@pytest.mark.parametrize("key", ["train/", "train/\x01", "train/ü", "train/a?b#c&d=e", "train/%2e"])
async def test_every_byte_that_s3_allows_may_stand_in_a_key(memory: Memory, key: str) -> None:
    location, caller = await memory.location(), await memory.caller()
    made = await memory.services.presigning.presign(caller, location.id, PresignRequest([key]))
    (url,) = made.urls(0, 1)
    assert url.isascii()
    assert url.isprintable()


# --- what may surprise ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "said"),
    [("train/*", "letter by letter"), ("a/b.jpg", "no object of that name"), ("a.b/c", "")],
)
async def test_what_a_prefix_opens_is_said_where_it_may_surprise(
    memory: Memory, prefix: str, said: str
) -> None:
    location, caller = await memory.location(), await memory.caller()
    vended = await memory.services.vending.vend(caller, location.id, VendRequest((prefix,), READ))
    assert bool(vended.warnings) is bool(said)
    assert all(said in warning for warning in vended.warnings)


async def test_an_end_that_is_sooner_than_asked_for_is_said_and_the_full_time_is_given_on_request(
    memory: Memory,
) -> None:
    location, caller = await memory.location(), await memory.caller()
    vending = memory.services.vending
    first = await vending.vend(caller, location.id, ALL)
    assert first.warnings == ()
    memory.clock.advance(1200)
    shared = await vending.vend(caller, location.id, ALL)
    assert shared.lease_id == first.lease_id
    assert "minTtlSeconds" in shared.warnings[0]
    full = replace(ALL, min_ttl=timedelta(seconds=3600))
    fresh = await vending.vend(caller, location.id, full)
    assert fresh.lease_id != first.lease_id
    assert fresh.credentials.expires_at == memory.clock.now() + timedelta(hours=1)
    assert fresh.warnings == ()
    some = replace(ALL, min_ttl=timedelta(seconds=2400))
    assert (await vending.vend(caller, location.id, some)).lease_id == fresh.lease_id
    with pytest.raises(InvalidInput):
        replace(ALL, min_ttl=timedelta(seconds=3601))


async def test_sessions_are_served_to_their_end_while_the_sealing_key_is_away(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    location, caller = await memory.location(), await memory.caller()
    vending = memory.services.vending
    first = await vending.vend(caller, location.id, ALL)

    async def away(*_: object) -> Secret:
        raise StorageUnavailable("KMS is silent.", hint="Wait.")

    monkeypatch.setattr(memory.sealer, "open", away)
    for _ in range(5):
        memory.clock.advance(700)
        assert (await vending.vend(caller, location.id, ALL)).lease_id == first.lease_id
    memory.clock.advance(101)
    with pytest.raises(StorageUnavailable):
        await vending.vend(caller, location.id, ALL)


async def test_a_wall_clock_that_steps_back_serves_no_session_for_longer(memory: Memory) -> None:
    location, caller = await memory.location(), await memory.caller()
    vending = memory.services.vending
    first = await vending.vend(caller, location.id, ALL)
    memory.clock.jump(-60)
    memory.clock.advance(2401)
    assert (await vending.vend(caller, location.id, ALL)).lease_id != first.lease_id


# --- presigning with many grants ------------------------------------------------------------------


async def many_folders(memory: Memory, count: int) -> tuple[Location, Caller]:
    location, owner = await memory.location(folder=""), await memory.caller()
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    for number in range(count):
        folder = f"{'folder-' * 8}{number:03d}/"
        new = NewGrant(SubjectKind.USER, "eve@example.com", (folder,), READ)
        await memory.services.grants.create(owner, location.id, new)
    return location, eve


async def test_one_key_is_presigned_for_somebody_with_sixty_granted_folders(
    memory: Memory,
) -> None:
    location, eve = await many_folders(memory, 60)
    key = f"{'folder-' * 8}042/a.jpg"
    made = await memory.services.presigning.presign(eve, location.id, PresignRequest([key]))
    assert len(made.lease_ids) == 1
    policy = memory.sts.orders[-1].policy
    assert policy is not None
    assert f"{'folder-' * 8}042/*" in policy
    assert "041" not in policy


async def test_keys_of_many_folders_are_signed_with_several_sessions(memory: Memory) -> None:
    location, eve = await many_folders(memory, 60)
    keys = [f"{'folder-' * 8}{number % 60:03d}/{number}.jpg" for number in range(300)]
    made = await memory.services.presigning.presign(eve, location.id, PresignRequest(keys))
    assert len(made.lease_ids) > 1
    pairs = [pair async for some, urls in made.pieces() for pair in zip(some, urls, strict=True)]
    assert [key for key, _ in pairs] == keys
    for key, url in pairs:
        (order,) = [
            order
            for number, order in enumerate(memory.sts.orders, 1)
            if f"{READ_ONLY}{number:012d}" in url and order.policy
        ]
        assert f"{key[: key.index('/')]}/*" in (order.policy or "")
    event = last(memory).event
    assert tuple(event.details["lease_ids"]) == made.lease_ids
    owner = await memory.caller()
    found = await memory.services.leases.find(owner, memory.org_id, principal="eve@example.com")
    assert {lease.id for lease in found} == set(made.lease_ids)


@pytest.mark.parametrize(
    ("one", "other"), [(["a\nb"], ["a", "b"]), (["1:a", "b"], ["1:a1:b"]), (["a", ""], ["a"])]
)
async def test_the_record_tells_other_keys_apart(
    memory: Memory, one: list[str], other: list[str]
) -> None:
    presigning = memory.services.presigning
    assert await presigning._digest(one) != await presigning._digest(other)
