"""The objects of a bucket at speed, against the embedded AWS, with a role's own session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from support.aws import GoodSetup, client
from support.own_aws import OwnAws, order_for, settings_for
from valetkey.aws.objects import S3ObjectStore
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ports import BucketPlace
from valetkey.embedded import EmbeddedAws
from valetkey.system import SystemClock, SystemEntropy

HOSTILE = [
    "a b+c.txt",
    "%41.txt",
    "ü/é.jpg",
    "a//b",
    "x/../y",
    "q?&=.txt",
    "<&>'\"",
    "~_-.",
    "\U0001f600",
]


@pytest.fixture
async def data(embedded_aws: EmbeddedAws) -> AsyncIterator[S3ObjectStore]:
    made = S3ObjectStore(settings_for(embedded_aws.endpoint), SystemClock(), SystemEntropy())
    yield made
    await made.close()


@pytest.fixture
def place(good_setup: GoodSetup) -> BucketPlace:
    return BucketPlace(good_setup.bucket, "eu-central-1")


@pytest.fixture
async def session(own_aws: OwnAws, good_setup: GoodSetup) -> TemporaryCredentials:
    return await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def put(aws: EmbeddedAws, bucket: str, key: str, body: bytes = b"x") -> None:
    client(aws, "s3").put_object(Bucket=bucket, Key=key, Body=body)


async def test_a_listing_is_in_order_and_whole_over_its_pages(
    embedded_aws: EmbeddedAws,
    data: S3ObjectStore,
    place: BucketPlace,
    session: TemporaryCredentials,
) -> None:
    keys = sorted(["in/" + name for name in HOSTILE])
    for key in [*keys, "out/no"]:
        put(embedded_aws, place.bucket, key, key.encode())
    found: list[Any] = []
    after, last = "", False
    while not last:
        page = await data.list_page(session, place, prefix="in/", after=after, limit=4)
        found += page.objects
        after, last = page.objects[-1].path, page.last
    assert [one.path for one in found] == keys
    assert [one.size for one in found] == [len(key.encode()) for key in keys]


async def test_a_listing_goes_on_at_a_token(
    embedded_aws: EmbeddedAws,
    data: S3ObjectStore,
    place: BucketPlace,
    session: TemporaryCredentials,
) -> None:
    for number in range(5):
        put(embedded_aws, place.bucket, f"{number}")
    first = await data.list_page(session, place, prefix="", limit=3)
    rest = await data.list_page(session, place, prefix="", token=first.token, limit=3)
    assert [one.path for one in (*first.objects, *rest.objects)] == list("01234")
    assert (first.last, rest.last) == (False, True)


@pytest.mark.parametrize("key", HOSTILE)
async def test_an_object_is_written_found_read_signed_copied_and_deleted(
    data: S3ObjectStore, place: BucketPlace, session: TemporaryCredentials, key: str
) -> None:
    stored = await data.write(
        session, place, key, chunks(b"hello ", b"world"), content_type="text/plain"
    )
    assert stored.size == 11
    assert await data.head(session, place, key) == stored
    [listed] = (await data.list_page(session, place, prefix=key)).objects
    assert (listed.size, listed.etag) == (11, stored.etag)
    assert listed.modified_ms == stored.modified_at.timestamp() * 1000
    reading = await data.read(session, place, key)
    assert b"".join([chunk async for chunk in reading.chunks]) == b"hello world"
    part = await data.read(session, place, key, byte_range="bytes=6-")
    assert b"".join([chunk async for chunk in part.chunks]) == b"world"
    assert part.content_range == "bytes 6-10/11"
    copied = await data.copy(session, place, key, f"copy/{key}")
    assert copied.etag == stored.etag
    await data.delete(session, place, key)
    assert await data.head(session, place, key) is None


async def test_a_signed_url_reads_the_object_and_names_the_answer_s_headers(
    data: S3ObjectStore, place: BucketPlace, session: TemporaryCredentials
) -> None:
    await data.write(session, place, "a b.txt", chunks(b"hi"))
    url = await data.sign_read(
        session, place, "a b.txt", seconds=60, headers={"content-type": "text/x"}
    )
    async with httpx.AsyncClient() as http:
        answer = await http.get(url)
    assert answer.content == b"hi"
    assert answer.headers["content-type"] == "text/x"


async def test_a_large_object_goes_in_parts_and_arrives_whole(
    embedded_aws: EmbeddedAws,
    data: S3ObjectStore,
    place: BucketPlace,
    session: TemporaryCredentials,
) -> None:
    block = bytes(range(256)) * 4096 * 5
    stored = await data.write(session, place, "big", chunks(*[block] * 5))
    assert stored.size == 5 * len(block)
    assert "-" in stored.etag
    body = client(embedded_aws, "s3").get_object(Bucket=place.bucket, Key="big")["Body"].read()
    assert body == block * 5


async def test_an_upload_that_breaks_off_leaves_nothing_where_that_may_be_cleaned_up(
    embedded_aws: EmbeddedAws, data: S3ObjectStore, place: BucketPlace
) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 8 * 1024 * 1024
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await data.write(embedded_aws.administrator, place, "big", breaking())
    s3 = client(embedded_aws, "s3")
    assert s3.list_objects_v2(Bucket=place.bucket)["KeyCount"] == 0
    assert not s3.list_multipart_uploads(Bucket=place.bucket).get("Uploads")


async def test_what_is_refused_says_why_and_shows_no_secret(
    data: S3ObjectStore, place: BucketPlace, good_setup: GoodSetup
) -> None:
    with pytest.raises(AwsRefused) as refused:
        await data.list_page(good_setup.key, place, prefix="")
    assert refused.value.details["aws_code"] == "AccessDenied"
    assert good_setup.key.secret.reveal() not in repr(refused.value.details)


async def test_a_store_that_is_not_there_is_unavailable(good_setup: GoodSetup) -> None:
    gone = S3ObjectStore(settings_for("http://127.0.0.1:9"), SystemClock(), SystemEntropy())
    with pytest.raises(AwsUnavailable):
        await gone.head(good_setup.key, BucketPlace("b", "eu-central-1"), "k")
    await gone.close()


async def test_an_endpoint_that_leads_inside_is_not_connected_to(
    embedded_aws: EmbeddedAws, data: S3ObjectStore, good_setup: GoodSetup
) -> None:
    port = embedded_aws.endpoint.rpartition(":")[2]
    inside = BucketPlace(good_setup.bucket, "eu-central-1", f"http://localhost:{port}")
    with pytest.raises(AwsUnavailable):
        await data.head(good_setup.key, inside, "k")
