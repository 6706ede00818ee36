"""Leases, groups, grants and invalidations on every storage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.databases import make_tables
from support.entities import make_integration, make_location
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.domain.audit import AuditEvent
from valetkey.domain.errors import Conflict
from valetkey.domain.grants import Grant, Group, SubjectKind
from valetkey.domain.lease import Beyond, Lease, LeaseFilter, LeaseHolder, LiveLeases
from valetkey.domain.people import Organization, Project, User
from valetkey.domain.ports import Storage
from valetkey.domain.revocation import MOST_NAMES, Hold, Kind
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.scope import AccessLevel
from valetkey.domain.sealing import SealedSecret

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ORG, USER, PROJECT, LOCATION = "a" * 24, "b" * 24, "c" * 24, "e" * 24


def _lease(number: int, **changes: object) -> Lease:
    plain = Lease(
        id=f"{number:024x}",
        org_id=ORG,
        integration_id="d" * 24,
        location_id=LOCATION,
        user_id=USER,
        principal="ada@example.com",
        role_arn="arn:aws:iam::123456789012:role/valetkey",
        session_name=f"ada@example.com-{number:024x}",
        access_key_id=f"ASIA{number}",
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        bucket="tiles",
        prefixes=("raw/a/", "raw/ü*/"),
        levels=frozenset({AccessLevel.LIST, AccessLevel.READ}),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


async def _fill(storage: Storage) -> None:
    integration = make_integration(
        at=NOW,
        id="d" * 24,
        org_id=ORG,
        name="aws",
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        role_arn=RoleArn.parse("arn:aws:iam::123456789012:role/valetkey"),
    )
    location = make_location(
        at=NOW,
        id=LOCATION,
        project_id=PROJECT,
        integration_id=integration.id,
        name="tiles",
        bucket="tiles",
        prefix="raw/",
        kms_key_arn="arn:aws:kms:eu-central-1:123456789012:key/" + "a" * 36,
        shared_sessions=True,
    )
    async with storage.begin() as work:
        await work.users.add(User(USER, "ada@example.com", "hash", NOW))
        await work.organizations.add(Organization(ORG, "acme", NOW))
        await work.projects.add(Project(PROJECT, ORG, "maps", "ada@example.com", NOW, NOW))
        await work.integrations.add(integration, SealedSecret("k", b"w", b"n", b"c"))
        await work.locations.add(location)
        assert await work.locations.get(LOCATION) == location


async def _add(storage: Storage, *leases: Lease) -> None:
    async with storage.begin() as work:
        for lease in leases:
            await work.leases.add(lease)


async def _found(storage: Storage, wanted: LeaseFilter, **page: object) -> list[str]:
    async with storage.read() as work:
        leases = await work.leases.find(wanted, **page)  # type: ignore[arg-type]
        return [lease.access_key_id for lease in leases]


async def test_a_lease_comes_back_as_it_was(storage: Storage) -> None:
    await _add(storage, _lease(1))
    async with storage.read() as work:
        assert await work.leases.get(_lease(1).id) == _lease(1)
        assert await work.leases.get("0" * 24) is None


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        ({}, ["ASIA4", "ASIA3", "ASIA2", "ASIA1"]),
        ({"lease_id": _lease(2).id}, ["ASIA2"]),
        ({"location_id": "f" * 24}, ["ASIA2"]),
        ({"integration_id": "f" * 24}, ["ASIA3"]),
        ({"principal": "eve@example.com"}, ["ASIA4"]),
        ({"user_id": "f" * 24}, ["ASIA4"]),
        ({"live_at": NOW + timedelta(minutes=30)}, ["ASIA3", "ASIA2", "ASIA1"]),
        ({"location_id": "f" * 24, "principal": "eve@example.com"}, []),
    ],
)
async def test_leases_are_found_by_what_they_are_of(
    storage: Storage, narrowed: dict[str, object], expected: list[str]
) -> None:
    await _add(
        storage,
        _lease(1),
        _lease(2, location_id="f" * 24),
        _lease(3, integration_id="f" * 24),
        _lease(4, principal="eve@example.com", user_id="f" * 24, expires_at=NOW),
        _lease(5, org_id="f" * 24),
    )
    wanted = replace(LeaseFilter(ORG), **narrowed)  # type: ignore[arg-type]
    assert await _found(storage, wanted) == expected


@pytest.mark.parametrize(
    ("meant", "found"),
    [
        ({"within": "1" * 24}, ["ASIA3", "ASIA2", "ASIA1"]),
        ({"within": "2" * 24}, ["ASIA3", "ASIA2"]),
        ({"within": "3" * 24}, ["ASIA3"]),
        ({"within": "3" * 24, "now_within": frozenset({"4" * 24})}, ["ASIA4", "ASIA3"]),
        ({"within": "1" * 24, "beyond": Beyond(frozenset({AccessLevel.WRITE}))}, ["ASIA2"]),
        ({"within": "1" * 24, "beyond": Beyond(ends_at=NOW + timedelta(hours=2))}, ["ASIA3"]),
        (
            {
                "within": "1" * 24,
                "beyond": Beyond(frozenset({AccessLevel.WRITE}), NOW + timedelta(hours=2)),
            },
            ["ASIA3", "ASIA2"],
        ),
        ({"within": "1" * 24, "beyond": Beyond()}, []),
    ],
)
async def test_leases_are_found_by_all_that_their_location_lay_within(
    storage: Storage, meant: dict[str, Any], found: list[str]
) -> None:
    one, two, three, four = (str(number) * 24 for number in range(1, 5))
    late = NOW + timedelta(hours=3)
    writes = frozenset({AccessLevel.WRITE})
    await _add(
        storage,
        _lease(1, location_id=one),
        _lease(2, location_id=two, within=(one,), levels=writes),
        _lease(3, location_id=three, within=(two, one), expires_at=late),
        _lease(4, location_id=four),
    )
    wanted = LeaseFilter(ORG, **meant)
    assert await _found(storage, wanted) == found
    async with storage.read() as work:
        assert (await work.leases.count(wanted)).count == len(found)


@pytest.mark.parametrize(
    ("meant", "found"),
    [
        ({"user_ids": {USER}}, ["ASIA5", "ASIA4", "ASIA1"]),
        ({"user_ids": {USER, "f" * 24}}, ["ASIA5", "ASIA4", "ASIA2", "ASIA1"]),
        ({"user_ids": {"f" * 24}, "location_ids": {LOCATION}}, ["ASIA4", "ASIA2"]),
        ({"user_ids": {USER}, "location_ids": {"2" * 24, "3" * 24}}, ["ASIA5"]),
        ({"user_ids": set()}, []),
        ({"location_ids": set()}, []),
    ],
)
async def test_leases_are_found_by_any_of_many_holders_and_locations(
    storage: Storage, meant: dict[str, set[str]], found: list[str]
) -> None:
    late = NOW + timedelta(hours=3)
    await _add(
        storage,
        _lease(1),
        _lease(2, user_id="f" * 24),
        _lease(3, user_id="1" * 24),
        _lease(4, user_id="", principal=""),
        _lease(5, location_id="2" * 24, expires_at=late),
    )
    async with storage.begin() as work:
        for user_id in (USER, "f" * 24):
            await work.leases.hold(LeaseHolder(_lease(4).id, user_id, "", "x@example.com", NOW))
    users, locations = (meant.get(name) for name in ("user_ids", "location_ids"))
    wanted = LeaseFilter(
        ORG,
        user_ids=None if users is None else frozenset(users),
        location_ids=None if locations is None else frozenset(locations),
    )
    assert await _found(storage, wanted) == found
    ends = {"ASIA5": late}
    until = max((ends.get(each, NOW + timedelta(hours=1)) for each in found), default=None)
    async with storage.read() as work:
        assert await work.leases.count(wanted) == LiveLeases(len(found), until)


async def test_leases_are_paged_by_the_last_id_seen(storage: Storage) -> None:
    await _add(storage, *map(_lease, range(1, 6)))
    assert await _found(storage, LeaseFilter(ORG), limit=2) == ["ASIA5", "ASIA4"]
    assert await _found(storage, LeaseFilter(ORG), after=_lease(4).id, limit=2) == [
        "ASIA3",
        "ASIA2",
    ]


ROLE, OTHER_ROLE = _lease(1).role_arn, "arn:aws:iam::123456789012:role/other"
FIRST, SECOND = "1" * 24, "2" * 24


async def test_a_claim_marks_and_returns_the_same_rows(storage: Storage) -> None:
    later = NOW + timedelta(minutes=1)
    await _add(
        storage,
        _lease(1),
        _lease(2, principal="eve@example.com", user_id="f" * 24),
        _lease(3, role_arn=OTHER_ROLE),
        _lease(4, issued_at=later, expires_at=NOW + timedelta(hours=2)),
    )
    of_ada = LeaseFilter(ORG, principal="ada@example.com", live_at=NOW)
    async with storage.begin() as work:
        assert set(await work.leases.roles(of_ada)) == {ROLE, OTHER_ROLE}
        claim = await work.leases.claim(of_ada, ROLE, FIRST)
        assert await work.leases.claim(of_ada, "arn:aws:iam::123456789012:role/x", FIRST) is None
    assert claim is not None
    assert (claim.count, claim.newest, claim.ends) == (2, later, NOW + timedelta(hours=2))
    assert claim.names == (_lease(1).session_name, _lease(4).session_name)
    assert claim.sample.revocation_id == FIRST
    async with storage.read() as work:
        marked = {
            each.id
            for each in await work.leases.find(LeaseFilter(ORG))
            if each.revocation_id == FIRST
        }
    assert marked == {_lease(1).id, _lease(4).id}


async def test_many_leases_are_claimed_and_ended_in_parts(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valetkey.db.repositories.vending.MOST_ROWS", 3)
    await _add(storage, *map(_lease, range(1, 11)), _lease(99, org_id="f" * 24))
    async with storage.begin() as work:
        claim = await work.leases.claim(LeaseFilter(ORG), ROLE, FIRST)
        assert claim is not None
        assert claim.count == 10
        again = await work.leases.claim(LeaseFilter(ORG), ROLE, SECOND)
        assert again is not None
        assert again.count == 10
        assert await work.leases.end(FIRST, NOW) == 0
        assert await work.leases.end(SECOND, NOW) == 10


async def test_a_claimed_lease_is_live_until_its_revocation_ends_it(storage: Storage) -> None:
    await _add(storage, _lease(1), _lease(2, principal="eve@example.com"))
    live = LeaseFilter(ORG, live_at=NOW)
    async with storage.begin() as work:
        await work.leases.claim(LeaseFilter(ORG, lease_id=_lease(1).id), ROLE, FIRST)
    assert await _found(storage, live) == ["ASIA2", "ASIA1"]
    async with storage.begin() as work:
        assert await work.leases.end(FIRST, NOW) == 1
        assert await work.leases.end(FIRST, NOW + timedelta(minutes=1)) == 0
    assert await _found(storage, live) == ["ASIA2"]
    async with storage.read() as work:
        lease = await work.leases.get(_lease(1).id)
    assert lease is not None
    assert lease.revoked_at == NOW


async def test_too_many_names_are_no_names_and_some_may_be_left_out(storage: Storage) -> None:
    await _add(storage, *(_lease(number) for number in range(1, MOST_NAMES + 2)))
    await _add(storage, _lease(999, principal="", user_id="", session_name="shared-x"))
    everything = LeaseFilter(ORG)
    async with storage.begin() as work:
        claim = await work.leases.claim(everything, ROLE, FIRST)
    assert claim is not None
    assert (claim.names, claim.shared_at) == (None, frozenset({LOCATION}))
    async with storage.begin() as work:
        claim = await work.leases.claim(everything, ROLE, SECOND, unnamed="ada@example.com")
    assert claim is not None
    assert claim.names == ("shared-x",)


def _holder(number: int, who: str, token: str = "") -> LeaseHolder:
    return LeaseHolder(_lease(number).id, who * 24, token, f"{who}@example.com", NOW)


async def test_whom_a_shared_session_was_vended_to_has_its_lease(storage: Storage) -> None:
    shared = [_lease(number, user_id="", principal="") for number in (1, 2)]
    await storage.record([], [*shared, _lease(3)])
    await storage.record([], [_holder(1, "b"), _holder(1, "e", "f" * 24), _holder(2, "e")])
    await storage.record([], [_holder(1, "b")])  # again
    assert await _found(storage, LeaseFilter(ORG, principal="b@example.com")) == ["ASIA1"]
    assert await _found(storage, LeaseFilter(ORG, user_id="e" * 24)) == ["ASIA2", "ASIA1"]
    assert await _found(storage, LeaseFilter(ORG, token_id="f" * 24)) == ["ASIA1"]
    of_b = LeaseFilter(ORG, principal="b@example.com")
    async with storage.begin() as work:
        await work.leases.claim(of_b, ROLE, FIRST)
        assert await work.leases.holders([FIRST]) == ["b@example.com", "e@example.com"]
        assert await work.leases.holders([SECOND]) == []
        assert await work.leases.purge(NOW + timedelta(hours=2)) == 3
    assert await _found(storage, of_b) == []


async def test_a_hold_is_there_until_it_is_released(storage: Storage) -> None:
    await _fill(storage)
    hold = Hold("1" * 24, ORG, Kind.LOCATION, LOCATION, NOW + timedelta(minutes=2))
    async with storage.begin() as work:
        await work.blocks.hold(hold)
        assert await work.blocks.holds_of(ORG) == [hold]
        assert await work.blocks.holds_of("f" * 24) == []
        await work.blocks.release(hold.id)
        assert await work.blocks.holds_of(ORG) == []


async def test_leases_that_ended_long_ago_are_forgotten(storage: Storage) -> None:
    await _add(storage, _lease(1, expires_at=NOW), _lease(2))
    async with storage.begin() as work:
        assert await work.leases.purge(NOW + timedelta(seconds=1)) == 1
    assert await _found(storage, LeaseFilter(ORG)) == ["ASIA2"]


def _grant(number: int, kind: SubjectKind, subject: str, name: str) -> Grant:
    return Grant(
        id=f"{number:024x}",
        location_id=LOCATION,
        subject_kind=kind,
        subject_id=subject,
        subject_name=name,
        prefixes=("a/", "b/"),
        levels=frozenset({AccessLevel.READ}),
        max_ttl=timedelta(minutes=30),
        creator="ada@example.com",
        created_at=NOW,
    )


async def test_a_user_has_the_grants_of_the_groups_too(storage: Storage) -> None:
    await _fill(storage)
    group = Group("f" * 24, ORG, "labellers", NOW)
    own = _grant(1, SubjectKind.USER, USER, "ada@example.com")
    shared = _grant(2, SubjectKind.GROUP, group.id, "labellers")
    async with storage.begin() as work:
        await work.groups.add(group)
        await work.grants.add(own)
        await work.grants.add(shared)
        assert await work.grants.for_user(LOCATION, USER) == [own]
        await work.groups.put_member(group.id, USER)
        await work.groups.put_member(group.id, USER)
        assert await work.groups.members(group.id) == [USER]
    async with storage.begin() as work:
        assert await work.grants.of_location(LOCATION) == [own, shared]
        assert await work.grants.for_user(LOCATION, USER) == [own, shared]
        assert await work.grants.for_user(LOCATION, "0" * 24) == []
        assert await work.grants.locations_of(USER) == {LOCATION}
        assert await work.grants.get(own.id) == own
        assert await work.groups.remove_member(group.id, USER)
        assert not await work.groups.remove_member(group.id, USER)
        assert await work.grants.for_user(LOCATION, USER) == [own]
        assert await work.grants.delete(own.id)
        assert not await work.grants.delete(own.id)
        assert await work.grants.locations_of(USER) == frozenset()


async def test_a_deleted_group_or_location_takes_its_grants_along(storage: Storage) -> None:
    await _fill(storage)
    group = Group("f" * 24, ORG, "labellers", NOW)
    async with storage.begin() as work:
        await work.groups.add(group)
        await work.grants.add(_grant(1, SubjectKind.GROUP, group.id, "labellers"))
        await work.grants.add(_grant(2, SubjectKind.USER, USER, "ada@example.com"))
        assert await work.groups.delete(group.id)
        assert [grant.id for grant in await work.grants.of_location(LOCATION)] == [f"{2:024x}"]
        assert await work.locations.delete(LOCATION)
        assert await work.grants.of_location(LOCATION) == []


async def test_a_group_name_is_taken_once_in_an_organisation(storage: Storage) -> None:
    await _fill(storage)
    async with storage.begin() as work:
        await work.groups.add(Group("f" * 24, ORG, "labellers", NOW))
    with pytest.raises(Conflict):
        async with storage.begin() as work:
            await work.groups.add(Group("0" * 24, ORG, "labellers", NOW))
    async with storage.read() as work:
        assert [group.name for group in await work.groups.of_org(ORG)] == ["labellers"]


class Ear:
    """Hears what is published."""

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self.states: list[str] = []
        self.news = asyncio.Event()

    def changed(self, tags: Iterable[str]) -> None:
        self.heard.update(tags)
        self.news.set()

    def deaf(self) -> None:
        self.states.append("deaf")
        self.news.set()

    def hearing(self) -> None:
        self.states.append("hearing")
        self.news.set()

    async def until(self, *states: str) -> None:
        while self.states != list(states):
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 30)


async def test_tags_are_heard_when_their_transaction_is_committed(storage: Storage) -> None:
    ear = Ear()
    storage.listen(ear)
    async with storage.begin() as work:
        await work.invalidations.publish(["user:1", "location:2"])
        assert ear.heard == set()
    assert ear.heard == {"user:1", "location:2"}


async def test_tags_of_an_undone_transaction_are_never_heard(storage: Storage) -> None:
    ear = Ear()
    storage.listen(ear)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with storage.begin() as work:
            await work.invalidations.publish(["user:1"])
            raise ZeroDivisionError
    async with storage.begin() as work:
        await work.invalidations.publish(["user:2"])
    assert ear.heard == {"user:2"}


async def test_another_process_hears_too_and_is_told_when_it_can_not(postgresql_url: str) -> None:
    await make_tables(postgresql_url)
    here, there = SqlCatalogStorage.at(postgresql_url), SqlCatalogStorage.at(postgresql_url)
    ear = Ear()
    there.listen(ear)
    assert ear.states == ["deaf"]
    await ear.until("deaf", "hearing")
    many = {f"user:{number:024x}" for number in range(500)}
    async with here.begin() as work:
        await work.invalidations.publish(many)
    while ear.heard != many:
        ear.news.clear()
        await asyncio.wait_for(ear.news.wait(), 30)
    await _cut_listeners(here)
    await ear.until("deaf", "hearing", "deaf", "hearing")
    await there.close()
    await here.close()


async def test_whoever_stored_a_record_has_heard_what_was_committed_before_it(
    postgresql_url: str,
) -> None:
    await make_tables(postgresql_url)
    here, there = SqlCatalogStorage.at(postgresql_url), SqlCatalogStorage.at(postgresql_url)
    ear = Ear()
    there.listen(ear)
    await ear.until("deaf", "hearing")
    for number in range(60):
        async with here.begin() as work:
            await work.invalidations.publish([f"user:{number}"])
        leases = [_lease(number)] if number % 2 else []
        await there.record([_event(number)], leases)
        assert f"user:{number}" in ear.heard
    assert ear.states == ["deaf", "hearing"]
    await _cut_listeners(here)
    await ear.until("deaf", "hearing", "deaf")
    async with here.begin() as work:
        await work.invalidations.publish(["user:late"])
    await there.record([_event(99)], [])
    assert ear.states.count("deaf") + ear.states.count("hearing") > 3  # anything may have changed
    await there.close()
    await here.close()


def _event(number: int) -> AuditEvent:
    return AuditEvent.of(
        id=f"{number:024x}",
        at=NOW,
        org_id=ORG,
        actor="ada@example.com",
        action="credentials.vend",
        outcome="allowed",
        subject="location:x",
        details={},
    )


async def _cut_listeners(storage: SqlCatalogStorage) -> None:
    """End, on the server, every connection that listens."""
    async with storage.begin() as work:
        await work.leases._connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'valetkey changes'"
        )
