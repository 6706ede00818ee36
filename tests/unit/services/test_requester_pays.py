"""A bucket whose owner lets those pay who ask: said once of the location, in every request."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from support.desk import Desk, make_desk
from support.memory import Memory
from valetkey.catalog.services.items.streaming import Bytes
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import AwsRefused, Denied, InvalidInput
from valetkey.domain.location import LocationChange, NewLocation
from valetkey.domain.verification import Outcome
from valetkey.sdk.adapters.aws import boto3_session
from valetkey.services.vending import PresignRequest

PAYS = LocationChange(requester_pays=True)


async def paying_desk(memory: Memory) -> Desk:
    desk = await make_desk(memory)
    await memory.services.locations.update(await memory.caller(), desk.location_id, PAYS)
    memory.objects.requester_pays = True
    return desk


async def test_every_use_of_the_bucket_pays(memory: Memory) -> None:
    desk = await paying_desk(memory)
    item, _ = await desk.upload("/a.txt", b"x")
    moved = await desk.items.moving.rename(desk.developer, item.id, "/b.txt")
    opened = await desk.items.streaming.open(desk.developer, moved.id, proxied=True)
    assert isinstance(opened, Bytes)
    [again] = await desk.items.importing.import_objects(
        desk.developer, desk.dataset_id, [f"{desk.prefix}b.txt"]
    )
    await desk.items.removal.delete(desk.developer, again.id)
    assert desk.bucket == {}


async def test_without_it_the_bucket_is_shut(memory: Memory) -> None:
    desk = await make_desk(memory)
    memory.objects.requester_pays = True
    with pytest.raises(AwsRefused):
        await desk.upload("/a.txt", b"x")


async def test_verification_finds_out_that_only_payers_are_let_in(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    memory.objects.requester_pays = True
    report = await memory.services.locations.verify(owner, location.id)
    assert report.first_failure is not None
    assert report.first_failure.name == "list"
    assert "requesterPays" in report.first_failure.fix
    await memory.services.locations.update(owner, location.id, PAYS)
    report = await memory.services.locations.verify(owner, location.id)
    listed = next(check for check in report.checks if check.name == "list")
    assert listed.outcome is Outcome.PASSED


async def test_presigned_urls_pay(memory: Memory) -> None:
    location, owner = await memory.location(), await memory.caller()
    await memory.services.locations.update(owner, location.id, PAYS)
    made = await memory.services.presigning.presign(
        owner, location.id, PresignRequest(("train/a.txt",))
    )
    assert all("x-amz-request-payer=requester" in url for url in made.urls(0, 1))


async def test_what_lies_within_a_location_pays_as_it_does(memory: Memory) -> None:
    root, owner = await memory.location(), await memory.caller()
    grace = await memory.member("grace@example.com", ProjectRole.DEVELOPER)
    new = NewLocation(name="cats", bucket="acme", folder="train/cats")
    child = await memory.services.locations.create(grace, memory.project.id, new)
    with pytest.raises(Denied):
        await memory.services.locations.update(grace, root.id, PAYS)
    with pytest.raises(InvalidInput, match="holds this one"):
        await memory.services.locations.update(owner, child.id, PAYS)
    changed = await memory.services.locations.update(owner, root.id, PAYS)
    assert [each.requester_pays for each in changed.below] == [True]
    assert (await memory.services.locations.get(owner, child.id)).requester_pays


async def test_a_root_is_made_with_it(memory: Memory) -> None:
    memory.objects.requester_pays = True
    integration = await memory.integration("payer")
    new = NewLocation(
        name="paid", integration_id=integration.id, bucket="acme", requester_pays=True
    )
    made = await memory.services.locations.create(await memory.caller(), memory.project.id, new)
    assert made.requester_pays


def test_boto3_says_so_with_every_request() -> None:
    credentials = SimpleNamespace()
    source: Any = SimpleNamespace(
        region="eu-central-1", endpoint="", requester_pays=True, current=lambda: credentials
    )
    session = boto3_session(source)
    client = session.client("s3", aws_access_key_id="AKIA", aws_secret_access_key="x")
    seen: list[str] = []

    def look(request: Any, **_: Any) -> Any:
        seen.append(request.headers["x-amz-request-payer"])
        return SimpleNamespace(status_code=200, headers={}, content=b"", raw=None)

    client.meta.events.register("before-send.s3", look)
    client.head_object(Bucket="b", Key="k")
    assert seen in ([b"requester"], ["requester"])
