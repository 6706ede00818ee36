"""Verification over doubles: what no AWS can be made to do, and how it is followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from support.entities import make_integration, make_location
from valetkey.domain.credentials import AccessKey, OwnIdentity, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable, NotFound, NotOffered
from valetkey.domain.ids import IdFactory
from valetkey.domain.location import Location
from valetkey.domain.ports import AssumeRole, CallerIdentity
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret
from valetkey.domain.verification import Check, Outcome, Report
from valetkey.services.verification import OnCheck, Verifier, stream
from valetkey.services.verification.more_rights import WITHOUT
from valetkey.testing import FakeObjectStore, FakeSts, ManualClock, SeededEntropy

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
INTEGRATION = make_integration(
    at=LONG_AGO,
    id="6" * 24,
    org_id="1" * 24,
    name="aws",
    access_key_id=KEY.id,
    role_arn=RoleArn.parse("arn:aws:iam::000000000000:role/valetkey-role"),
)
LOCATION = make_location(
    at=LONG_AGO,
    id="7" * 24,
    project_id="2" * 24,
    integration_id=INTEGRATION.id,
    name="data",
    bucket="acme",
    prefix="train/",
)


class PolicyBlindSts(FakeSts):
    """Takes session policies, and thinks nothing of them."""

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        return await super().assume_role(key, replace(order, policy=None))


@dataclass
class Desk:
    """A verifier and the doubles it works on; the buckets confine sessions as they should."""

    clock: ManualClock = field(default_factory=ManualClock)
    stores: FakeObjectStore = field(
        default_factory=lambda: FakeObjectStore(ManualClock(), {"acme": {}}, confined_to="train/")
    )

    sts_kind: type[FakeSts] = FakeSts

    def __post_init__(self) -> None:
        self.sts = self.sts_kind(self.clock)
        new_id = IdFactory(self.clock, SeededEntropy(1))
        self.verifier = Verifier(self.sts, self.stores, self.clock, new_id)

    async def verify(self, location: Location = LOCATION, told: OnCheck = lambda _: None) -> Report:
        return await self.verifier.verify(INTEGRATION, KEY, [location], told)


def outcome_of(report: Report, name: str) -> Outcome:
    return next(check.outcome for check in report.checks if check.name == name)


async def test_all_is_well_and_nothing_stays_behind() -> None:
    desk = Desk()
    report = await desk.verify()
    assert report.passed, report.first_failure
    assert desk.stores.buckets["acme"] == {}


async def test_a_store_that_ignores_session_policies_is_found_out() -> None:
    desk = Desk(stores=FakeObjectStore(ManualClock(), {"acme": {}}, confined_to=""))
    report = await desk.verify()
    failure = report.first_failure
    assert failure is not None
    assert failure.name == "outside-prefix"
    assert "list and read and write and delete outside it" in failure.cause


async def test_a_store_that_lets_readers_write_is_found_out() -> None:
    desk = Desk(sts_kind=PolicyBlindSts)
    failure = (await desk.verify()).first_failure
    assert failure is not None
    assert failure.name == "outside-scope"
    assert "write and delete" in failure.cause


@pytest.mark.parametrize("operation", ["list", "put", "read", "delete"])
async def test_each_use_of_the_bucket_is_tried(operation: str) -> None:
    desk = Desk()
    desk.stores.refuse = {operation}
    failure = (await desk.verify()).first_failure
    assert failure is not None
    names = {"list": "list", "put": "write", "read": "read", "delete": "delete"}
    assert failure.name == names[operation]


async def test_what_the_role_lacks_beyond_the_basics_is_named_and_no_failure() -> None:
    desk = Desk()
    desk.stores.refuse = {"s3:AbortMultipartUpload", "s3:GetObjectTagging"}
    report = await desk.verify()
    assert report.passed
    lacking = next(check for check in report.checks if check.name == "more-rights")
    assert lacking.outcome is Outcome.SKIPPED
    for right in desk.stores.refuse:
        assert f"{right} ({WITHOUT[right]})" in lacking.cause
    assert outcome_of(await Desk().verify(), "more-rights") is Outcome.PASSED


async def test_a_probe_that_can_not_be_read_is_deleted_all_the_same() -> None:
    desk = Desk()
    desk.stores.refuse = {"read"}
    report = await desk.verify()
    assert outcome_of(report, "delete") is Outcome.PASSED
    assert desk.stores.buckets["acme"] == {}


async def test_a_probe_that_can_not_be_deleted_is_named_with_the_command_that_does() -> None:
    desk = Desk()
    desk.stores.refuse = {"delete"}
    report = await desk.verify()
    [left] = desk.stores.buckets["acme"]
    cleanup = next(check for check in report.checks if check.name == "cleanup")
    assert cleanup.outcome is Outcome.FAILED
    assert f"aws s3 rm s3://acme/{left}" in cleanup.fix


def reads_no_escapes() -> FakeObjectStore:
    """A store that takes ${*} in a policy for itself, as Ceph and SeaweedFS do."""
    return FakeObjectStore(
        ManualClock(), {"acme": {}}, confined_to="train/", understands_escapes=False
    )


async def test_where_policies_can_not_name_odd_letters_a_note_says_so() -> None:
    report = await Desk(stores=reads_no_escapes()).verify()
    assert report.passed
    note = next(check for check in report.checks if check.name == "odd-names")
    assert (note.outcome, note.advisory) == (Outcome.FAILED, True)
    assert "${*}" in note.cause
    assert outcome_of(await Desk().verify(), "odd-names") is Outcome.PASSED


async def test_a_folder_of_such_a_name_is_refused_there_with_the_reason() -> None:
    desk = Desk(stores=reads_no_escapes())
    desk.stores.confined_to = "what?/"
    failure = (await desk.verify(replace(LOCATION, prefix="what?/"))).first_failure
    assert failure is not None
    assert failure.name == "list"
    assert "${*}" in failure.cause


class SilentSts(FakeSts):
    """A store's STS that gives sessions, and does not say whose a key is (Ceph answers 405)."""

    async def caller_identity(
        self, key: AccessKey | TemporaryCredentials, *, partition: str = "aws"
    ) -> CallerIdentity:
        del key, partition
        raise NotOffered("No.", hint="None.", aws_code="MethodNotAllowed")


async def test_a_store_that_does_not_say_whose_a_key_is_is_verified_by_the_role() -> None:
    report = await Desk(sts_kind=SilentSts).verify()
    assert report.passed, report.first_failure
    for name in ("sts", "key", "secret", "clock"):
        check = next(check for check in report.checks if check.name == name)
        assert check.outcome is Outcome.SKIPPED
        assert "does not say whose" in check.cause
    assert outcome_of(report, "assume") is Outcome.PASSED


async def test_a_wrong_key_is_found_there_too() -> None:
    desk = Desk(sts_kind=SilentSts)
    desk.sts.failure = AwsRefused("No.", hint="None.", aws_code="InvalidClientTokenId")
    failure = (await desk.verify()).first_failure
    assert failure is not None
    assert failure.name == "assume"


async def test_after_a_failure_every_check_is_there_and_says_why_it_was_not_tried() -> None:
    desk = Desk()
    good = [check.name for check in (await desk.verify()).checks]
    desk.sts.failure = AwsRefused("No.", hint="Say yes.", aws_code="AccessDenied")
    report = await desk.verify()
    assert [check.name for check in report.checks] == good
    skipped = [check for check in report.checks if check.outcome is Outcome.SKIPPED]
    assert skipped
    assert all(check.cause for check in skipped)


async def test_no_answer_is_no_failure() -> None:
    desk = Desk()
    desk.sts.failure = AwsUnavailable("AWS did not answer.", hint="Try again.")
    report = await desk.verify()
    assert report.first_failure is None
    assert not report.conclusive


async def test_a_location_of_the_whole_bucket_has_no_outside() -> None:
    desk = Desk(stores=FakeObjectStore(ManualClock(), {"acme": {}}))
    report = await desk.verify(replace(LOCATION, prefix=""))
    assert report.passed
    assert outcome_of(report, "outside-prefix") is Outcome.SKIPPED
    assert outcome_of(report, "outside-scope") is Outcome.PASSED


async def test_a_key_that_is_used_as_it_is_has_nothing_that_confines_it() -> None:
    desk = Desk()
    report = await desk.verifier.verify_static(KEY, [LOCATION])
    assert report.passed
    assert outcome_of(report, "outside-prefix") is Outcome.SKIPPED
    assert desk.sts.orders == []


async def test_the_servers_own_identity_has_no_secret_to_check() -> None:
    desk = Desk()
    report = await desk.verifier.verify(INTEGRATION, OwnIdentity(), [])
    assert "secret" not in {check.name for check in report.checks}


async def test_each_check_is_told_as_soon_as_it_is_known() -> None:
    desk = Desk()
    told: list[Check] = []
    report = await desk.verify(told=told.append)
    assert tuple(told) == report.checks


async def test_what_is_told_of_a_location_bears_its_name() -> None:
    report = await Desk().verify()
    subjects = [check.subject for check in report.checks]
    assert subjects == sorted(subjects)
    assert set(subjects) == {"", "data"}


async def test_a_stream_gives_the_checks_and_then_the_report() -> None:
    desk = Desk()
    events = [event async for event in stream(lambda told: desk.verify(told=told))]
    assert isinstance(events[-1], Report)
    assert tuple(events[:-1]) == events[-1].checks


async def test_a_stream_raises_what_the_work_raises() -> None:
    async def work(told: OnCheck) -> Report:
        told(Check("key", "It is there.", Outcome.PASSED))
        raise NotFound("It is gone.")

    events = stream(work)
    assert isinstance(await anext(events), Check)
    with pytest.raises(NotFound):
        await anext(events)


async def test_the_work_goes_on_when_the_onlooker_leaves() -> None:
    """Its verdict is stored, and its probe object is cleaned up."""
    may_end, ended = asyncio.Event(), asyncio.Event()

    async def work(told: OnCheck) -> str:
        told(Check("key", "It is there.", Outcome.PASSED))
        await may_end.wait()
        ended.set()
        return "the end"

    events: AsyncIterator[Check | str] = stream(work)
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]  # an async generator has it
    may_end.set()
    await asyncio.wait_for(ended.wait(), timeout=5)
