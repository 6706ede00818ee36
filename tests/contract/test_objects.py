"""The object store in memory, and the real client on an AWS: they do the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from support.aws import REGION, client
from support.own_aws import settings_for
from valetkey.aws.objects import S3ObjectStore
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsRefused, PreconditionFailed
from valetkey.domain.ports import BucketPlace, ObjectStore
from valetkey.domain.ports.objects import ABSENT, Condition, Stored, Upload
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws
from valetkey.system import SystemClock, SystemEntropy
from valetkey.testing import FakeObjectStore, ManualClock

PLACE = BucketPlace("acme", REGION)


@dataclass(frozen=True)
class Desk:
    """A store with one empty bucket, and somebody who may do everything."""

    store: ObjectStore
    key: AccessKey

    async def put(self, key: str, body: bytes = b"x", **facts: Any) -> str:
        return await self.store.put(self.key, PLACE, key, body, **facts)

    async def head(self, key: str) -> Stored | None:
        return await self.store.head(self.key, PLACE, key)

    async def keys(self, prefix: str = "", **how: Any) -> list[str]:
        page = await self.store.list_page(self.key, PLACE, prefix=prefix, **how)
        return [one.path for one in page.objects]


@pytest.fixture(params=["double", "embedded"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    if request.param == "double":
        key = AccessKey("AKIAEXAMPLE", Secret("x" * 40))
        yield Desk(FakeObjectStore(ManualClock(), {"acme": {}}), key)
        return
    aws = cast("EmbeddedAws", request.getfixturevalue("embedded_aws"))
    where = {"LocationConstraint": REGION}
    client(aws, "s3").create_bucket(Bucket="acme", CreateBucketConfiguration=where)
    store = S3ObjectStore(settings_for(aws.endpoint), SystemClock(), SystemEntropy())
    yield Desk(store, aws.administrator)
    await store.close()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def body_of(desk: Desk, key: str, byte_range: str = "") -> bytes:
    reading = await desk.store.read(desk.key, PLACE, key, byte_range=byte_range)
    return b"".join([chunk async for chunk in reading.chunks])


def code_of(caught: pytest.ExceptionInfo[AwsRefused]) -> str:
    return str(caught.value.details["aws_code"])


async def test_what_is_put_is_found_listed_and_read(desk: Desk) -> None:
    etag = await desk.put("a/b", b"body", content_type="text/x")
    found = await desk.head("a/b")
    assert found is not None
    assert (found.size, found.etag, found.content_type) == (4, etag, "text/x")
    page = await desk.store.list_page(desk.key, PLACE, prefix="a/")
    [listed] = page.objects
    assert (listed.path, listed.size, listed.etag, listed.storage_class) == ("a/b", 4, etag, "")
    assert (page.last, page.token) == (True, "")
    assert await body_of(desk, "a/b") == b"body"
    assert await desk.head("a") is None


async def test_a_part_is_read_and_none_beyond_the_end(desk: Desk) -> None:
    await desk.put("k", b"0123456789")
    reading = await desk.store.read(desk.key, PLACE, "k", byte_range="bytes=2-4")
    assert (reading.size, reading.content_range) == (3, "bytes 2-4/10")
    assert await body_of(desk, "k", "bytes=7-") == b"789"
    with pytest.raises(AwsRefused) as caught:
        await desk.store.read(desk.key, PLACE, "k", byte_range="bytes=10-")
    assert code_of(caught) == "InvalidRange"


async def test_what_is_not_there_is_named(desk: Desk) -> None:
    for call in (
        desk.store.read(desk.key, PLACE, "k"),
        desk.store.copy(desk.key, PLACE, "k", "l"),
    ):
        with pytest.raises(AwsRefused) as caught:
            await call
        assert code_of(caught) == "NoSuchKey"
    with pytest.raises(AwsRefused):
        await desk.store.find_region(replace(PLACE, bucket="missing"), desk.key)


async def test_a_listing_goes_on_by_key_and_by_token(desk: Desk) -> None:
    for key in ("a/1", "a/2", "a/3", "ab", "Z"):
        await desk.put(key)
    assert await desk.keys() == ["Z", "a/1", "a/2", "a/3", "ab"]
    assert await desk.keys("a/", after="a/1") == ["a/2", "a/3"]
    first = await desk.store.list_page(desk.key, PLACE, prefix="a/", limit=2)
    assert not first.last
    assert await desk.keys("a/", token=first.token, limit=2) == ["a/3"]


async def test_what_is_written_keeps_what_it_was_given_through_a_copy(desk: Desk) -> None:
    stored = await desk.store.write(
        desk.key,
        PLACE,
        "k",
        chunks(b"he", b"llo"),
        content_type="text/x",
        content_encoding="gzip",
        storage_class="STANDARD_IA",
    )
    copied = await desk.store.copy(desk.key, PLACE, "k", "l")
    for found in (stored, copied, await desk.head("l")):
        assert found is not None
        facts = (found.size, found.content_type, found.content_encoding, found.storage_class)
        assert facts == (5, "text/x", "gzip", "STANDARD_IA")
    reading = await desk.store.read(desk.key, PLACE, "l")
    assert (reading.size, reading.content_encoding) == (5, "gzip")


async def test_what_is_made_of_another_object_carries_what_that_one_does(desk: Desk) -> None:
    described = {"content-type": "text/x", "x-amz-meta-a": "b c", "x-amz-meta-b": "Zoë 日本"}
    tags = {"team": "a b&c", "é": ""}
    await desk.store.write(
        *(desk.key, PLACE, "k", chunks(b"hello")), described=described, tags=tags
    )
    copied = await desk.store.copy(desk.key, PLACE, "k", "l")
    assert copied.described.items() >= described.items()
    for key in "kl":
        assert await desk.store.tags(desk.key, PLACE, key) == tags
    await desk.put("m")
    assert await desk.store.tags(desk.key, PLACE, "m") == {}


async def test_conditions_hold_for_writes(desk: Desk) -> None:
    etag = await desk.put("k", b"1", condition=ABSENT)
    for condition in (ABSENT, Condition("0" * 32)):
        with pytest.raises(PreconditionFailed):
            await desk.put("k", b"2", condition=condition)
        with pytest.raises(PreconditionFailed):
            await desk.store.write(desk.key, PLACE, "k", chunks(b"2"), condition=condition)
    with pytest.raises(PreconditionFailed):
        await desk.put("missing", b"2", condition=Condition(etag))
    assert await body_of(desk, "k") == b"1"
    await desk.put("k", b"3", condition=Condition(etag))
    assert await body_of(desk, "k") == b"3"
    assert await desk.keys() == ["k"]


async def test_deleting_what_is_not_there_is_no_error(desk: Desk) -> None:
    for key in ("a", "b", "c"):
        await desk.put(key)
    await desk.store.delete(desk.key, PLACE, "a")
    await desk.store.delete(desk.key, PLACE, "a")
    assert await desk.store.delete_many(desk.key, PLACE, ["a", "b", "b"]) == {}
    assert await desk.keys() == ["c"]


async def test_an_archived_object_is_not_read_or_copied_until_it_is_restored(desk: Desk) -> None:
    await desk.store.write(desk.key, PLACE, "k", chunks(b"x"), storage_class="DEEP_ARCHIVE")
    found = await desk.head("k")
    assert found is not None
    assert found.is_archived
    for call in (
        desk.store.read(desk.key, PLACE, "k"),
        desk.store.copy(desk.key, PLACE, "k", "l"),
    ):
        with pytest.raises(AwsRefused) as caught:
            await call
        assert code_of(caught) == "InvalidObjectState"
    await desk.store.restore(desk.key, PLACE, "k", days=1)
    assert await desk.keys() == ["k"]


async def test_an_upload_that_never_was_is_named_and_aborting_it_is_no_error(desk: Desk) -> None:
    never = Upload("k", "00000000-0000-0000-0000-000000000000", SystemClock().now())
    with pytest.raises(AwsRefused) as caught:
        await desk.store.list_parts(desk.key, PLACE, never)
    assert code_of(caught) == "NoSuchUpload"
    await desk.store.abort_upload(desk.key, PLACE, never)
    assert (await desk.store.list_uploads(desk.key, PLACE, prefix="")).last


async def test_that_something_could_be_written_is_told_without_writing_it(desk: Desk) -> None:
    assert await desk.store.may_put(desk.key, PLACE, "k")
    assert await desk.keys() == []
    assert await desk.store.find_region(PLACE, desk.key) == REGION
