"""Integrations and locations over doubles: the rules that do not need AWS to be real."""

from __future__ import annotations

import pytest

from support.memory import KEY, ROLE, Memory
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import (
    AwsRefused,
    AwsUnavailable,
    Conflict,
    Denied,
    InUse,
    InvalidInput,
    NotFound,
    SealBroken,
)
from valetkey.domain.integration import IntegrationState
from valetkey.domain.location import LocationChange, NewLocation
from valetkey.domain.secret import Secret

OTHER = ("AKIAI44QH8DHBEXAMPLE", Secret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"))
REFUSED = AwsRefused("The role's trust policy lacks the user.", hint="Add it.", aws_code="Denied")
AWAY = AwsUnavailable("AWS did not answer.", hint="Try again.")


async def test_a_name_is_taken_once_in_an_organisation(memory: Memory) -> None:
    await memory.integration("aws")
    with pytest.raises(Conflict):
        await memory.integration(" aws ")


@pytest.mark.parametrize(
    ("key", "secret", "role"),
    [
        (KEY[0] + "\n", KEY[1], ROLE),
        (KEY[0], Secret(KEY[1].reveal() + "\n"), ROLE),
        ("ASIA" + KEY[0][4:], KEY[1], ROLE),
        ("", KEY[1], ROLE),
        (KEY[0], Secret(""), ROLE),
        (KEY[0], KEY[1], "arn:aws:iam::000000000000:user/somebody"),
        (KEY[0], KEY[1], ""),
    ],
)
async def test_bad_parts_are_refused_on_entry_and_nothing_is_kept(
    memory: Memory, key: str, secret: Secret, role: str
) -> None:
    owner = await memory.caller()
    with pytest.raises(InvalidInput) as caught:
        await memory.services.integrations.create(
            owner, memory.org_id, name="aws", key=key, secret=secret, role_arn=role
        )
    assert KEY[1].reveal() not in str(caught.value)
    assert await memory.services.integrations.of_org(owner, memory.org_id) == []


async def test_verification_is_stored(memory: Memory) -> None:
    owner = await memory.caller()
    integration = await memory.integration()
    assert integration.state is IntegrationState.CREATED
    verified, report = await memory.services.integrations.verify(owner, integration.id)
    assert report.passed
    assert verified.state is IntegrationState.VERIFIED
    assert verified.verified_at == memory.clock.now()


async def test_a_refusal_makes_it_failing_with_the_cause(memory: Memory) -> None:
    integration = await memory.integration()
    memory.sts.failure = REFUSED
    failing, report = await memory.services.integrations.verify(
        await memory.caller(), integration.id
    )
    assert not report.passed
    assert failing.state is IntegrationState.FAILING
    assert failing.state_reason == REFUSED.message


async def test_no_answer_is_no_verdict(memory: Memory) -> None:
    integration = await memory.integration()
    memory.sts.failure = AWAY
    after, report = await memory.services.integrations.verify(await memory.caller(), integration.id)
    assert not report.conclusive
    assert after.state is IntegrationState.CREATED


async def test_a_new_key_or_role_must_be_verified_anew_and_a_new_name_need_not(
    memory: Memory,
) -> None:
    integrations, owner = memory.services.integrations, await memory.caller()
    integration = await memory.integration()
    await integrations.verify(owner, integration.id)
    renamed = await integrations.update(owner, integration.id, name="renamed")
    assert renamed.state is IntegrationState.VERIFIED
    changed = await integrations.update(owner, integration.id, credentials=OTHER)
    assert (changed.state, changed.access_key_id) == (IntegrationState.CREATED, OTHER[0])
    await integrations.verify(owner, integration.id)
    moved = await integrations.update(owner, integration.id, role_arn=ROLE + "2")
    assert moved.state is IntegrationState.CREATED


async def test_it_is_not_deleted_while_a_location_uses_it(memory: Memory) -> None:
    owner, location = await memory.caller(), await memory.location()
    with pytest.raises(InUse):
        await memory.services.integrations.delete(owner, location.integration_id)
    await memory.services.locations.delete(owner, location.id)
    await memory.services.integrations.delete(owner, location.integration_id)
    with pytest.raises(NotFound):
        await memory.services.integrations.get(owner, location.integration_id)


async def test_a_secret_that_does_not_open_stops_everything_that_needs_it(
    memory: Memory,
) -> None:
    owner, location = await memory.caller(), await memory.location()
    memory.sealer.broken = True
    for attempt in (
        memory.services.integrations.verify(owner, location.integration_id),
        memory.services.locations.verify(owner, location.id),
    ):
        with pytest.raises(SealBroken):
            await attempt


@pytest.mark.parametrize("role", [None, *ProjectRole])
async def test_integrations_are_the_owners_alone(memory: Memory, role: ProjectRole | None) -> None:
    integration = await memory.integration()
    eve = await memory.member("eve@example.com", role)
    for attempt in (
        memory.services.integrations.get(eve, integration.id),
        memory.services.integrations.of_org(eve, memory.org_id),
        memory.services.integrations.verify(eve, integration.id),
        memory.services.integrations.update(eve, integration.id, name="x"),
        memory.services.integrations.delete(eve, integration.id),
    ):
        with pytest.raises(Denied):
            await attempt


async def test_a_location_stores_the_region_that_was_found(memory: Memory) -> None:
    memory.objects.region = "ap-southeast-2"
    location = await memory.location(folder="train/images")
    assert (location.region, location.prefix) == ("ap-southeast-2", "train/images/")
    listed = await memory.services.locations.of_project(await memory.caller(), memory.project.id)
    assert [found.id for found in listed] == [location.id]


@pytest.mark.parametrize(
    "wrong",
    [
        {"bucket": "No_Bucket"},
        {"bucket": "s3://acme"},
        {"folder": "../x"},
        {"folder": "/x"},
        {"folder": "x" * 1024},
        {"region": "somewhere"},
        {"storage_class": "CHEAP"},
        {"name": " "},
        {"integration_id": "0" * 24},
    ],
)
async def test_a_location_that_can_not_be_right_is_refused(
    memory: Memory, wrong: dict[str, str]
) -> None:
    integration = await memory.integration()
    given = {"name": "data", "bucket": "acme", "integration_id": integration.id} | wrong
    with pytest.raises(InvalidInput):
        await memory.services.locations.create(
            await memory.caller(),
            memory.project.id,
            NewLocation(**given),  # type: ignore[arg-type]
        )


async def test_a_bucket_that_is_not_there_makes_no_location(memory: Memory) -> None:
    integration, owner = await memory.integration(), await memory.caller()
    new = NewLocation(name="data", integration_id=integration.id, bucket="missing")
    with pytest.raises(AwsRefused, match="no such bucket"):
        await memory.services.locations.create(owner, memory.project.id, new)
    assert await memory.services.locations.of_project(owner, memory.project.id) == []


async def test_a_location_is_renamed_and_keeps_the_rest(memory: Memory) -> None:
    owner, location = await memory.caller(), await memory.location()
    await memory.location("other")
    wanted = LocationChange(name="images", allow_external_delete=True)
    changed = (await memory.services.locations.update(owner, location.id, wanted)).location
    assert (changed.name, changed.allow_external_delete) == ("images", True)
    assert (await memory.services.locations.get(owner, location.id)).bucket == location.bucket
    with pytest.raises(Conflict):
        await memory.services.locations.update(owner, location.id, LocationChange(name="other"))


async def test_testing_a_location_leaves_nothing_behind(memory: Memory) -> None:
    location = await memory.location()
    memory.objects.confined_to = location.prefix
    report = await memory.services.locations.verify(await memory.caller(), location.id)
    assert report.passed, report.first_failure
    assert memory.objects.buckets["acme"] == {}


@pytest.mark.parametrize("role", [None, ProjectRole.ANNOTATOR, ProjectRole.ANNOTATION_MANAGER])
async def test_locations_are_the_developers(memory: Memory, role: ProjectRole | None) -> None:
    location = await memory.location()
    eve = await memory.member("eve@example.com", role)
    for attempt in (
        memory.services.locations.get(eve, location.id),
        memory.services.locations.of_project(eve, memory.project.id),
        memory.services.locations.verify(eve, location.id),
        memory.services.locations.update(eve, location.id, LocationChange(name="x")),
        memory.services.locations.delete(eve, location.id),
    ):
        with pytest.raises(Denied):
            await attempt
    bob = await memory.member("bob@example.com", ProjectRole.DEVELOPER)
    assert (await memory.services.locations.get(bob, location.id)).id == location.id
