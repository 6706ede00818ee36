"""The objects of a bucket at speed, against the embedded AWS, with a role's own session."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from support.aws import GoodSetup, client
from support.own_aws import OwnAws, order_for, settings_for
from valetkey.aws.objects import S3ObjectStore
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable, PreconditionFailed
from valetkey.domain.ports import BucketPlace
from valetkey.domain.ports.objects import ABSENT, Condition
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws
from valetkey.services.verification.more_rights import WITHOUT
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
    async with httpx2.AsyncClient() as http:
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


# Copies, conditions and tidying.


@pytest.fixture
async def small_copies(embedded_aws: EmbeddedAws) -> AsyncIterator[S3ObjectStore]:
    """Copies objects beyond 6 MiB in parts of 5 MiB."""
    made = S3ObjectStore(
        settings_for(embedded_aws.endpoint),
        SystemClock(),
        SystemEntropy(),
        copy_limit=6 << 20,
        copy_part=5 << 20,
    )
    yield made
    await made.close()


FURNISHED = {
    "ContentType": "text/x-rich",
    "ContentEncoding": "gzip",
    "ContentLanguage": "de",
    "ContentDisposition": 'attachment; filename="a.txt"',
    "CacheControl": "no-store",
    "Metadata": {"colour": "green", "size": "large"},
    "StorageClass": "STANDARD_IA",
    "ServerSideEncryption": "AES256",
}
TAGS = [{"Key": "team", "Value": "a b&c"}, {"Key": "é", "Value": ""}]


@pytest.mark.parametrize("size", [1000, 7 << 20], ids=["in one call", "in parts"])
async def test_a_copy_keeps_everything(
    embedded_aws: EmbeddedAws, small_copies: S3ObjectStore, place: BucketPlace, size: int
) -> None:
    s3, body = client(embedded_aws, "s3"), bytes(range(256)) * (size // 256)
    s3.put_object(Bucket=place.bucket, Key="a ü", Body=body, Tagging="", **FURNISHED)
    s3.put_object_tagging(Bucket=place.bucket, Key="a ü", Tagging={"TagSet": TAGS})
    copied = await small_copies.copy(embedded_aws.administrator, place, "a ü", "b")
    assert (copied.size, copied.storage_class) == (len(body), "STANDARD_IA")
    found = s3.get_object(Bucket=place.bucket, Key="b")
    assert found["Body"].read() == body
    assert {name: found.get(name) for name in FURNISHED} == FURNISHED
    tags = s3.get_object_tagging(Bucket=place.bucket, Key="b")["TagSet"]
    assert sorted(tags, key=str) == sorted(TAGS, key=str)


@pytest.mark.parametrize("size", [5, 9 << 20], ids=["small", "in parts"])
async def test_what_is_written_with_tags_has_them(
    embedded_aws: EmbeddedAws, data: S3ObjectStore, place: BucketPlace, size: int
) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in TAGS}
    body = chunks(b"1" * size)
    await data.write(embedded_aws.administrator, place, "k", body, tags=tags)
    assert await data.tags(embedded_aws.administrator, place, "k") == tags


async def test_a_copy_that_could_lose_tags_is_refused_before_it_begins(
    embedded_aws: EmbeddedAws,
    small_copies: S3ObjectStore,
    place: BucketPlace,
    session: TemporaryCredentials,
) -> None:
    put(embedded_aws, place.bucket, "a", b"x" * (7 << 20))
    with pytest.raises(AwsRefused, match="a copy could lose them"):
        await small_copies.copy(session, place, "a", "b")
    s3 = client(embedded_aws, "s3")
    assert not s3.list_multipart_uploads(Bucket=place.bucket).get("Uploads")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=place.bucket)["Contents"]] == ["a"]


async def test_an_archived_object_is_told_in_words_copied_not_at_all_and_restored(
    embedded_aws: EmbeddedAws, data: S3ObjectStore, place: BucketPlace
) -> None:
    admin = embedded_aws.administrator
    await data.write(admin, place, "a", chunks(b"old"), storage_class="GLACIER")
    [listed] = (await data.list_page(admin, place, prefix="")).objects
    assert listed.storage_class == "GLACIER"
    found = await data.head(admin, place, "a")
    assert found is not None
    assert found.is_archived
    with pytest.raises(AwsRefused, match="archived"):
        await data.read(admin, place, "a")
    with pytest.raises(AwsRefused, match="archived"):
        await data.copy(admin, place, "a", "b")
    for _ in range(2):  # again, while it is under way or done
        await data.restore(admin, place, "a", days=2)


@pytest.mark.parametrize("size", [5, 9 << 20], ids=["small", "in parts"])
async def test_a_write_under_a_condition_never_replaces_another_object(
    data: S3ObjectStore, place: BucketPlace, session: TemporaryCredentials, size: int
) -> None:
    first = await data.write(session, place, "k", chunks(b"1" * size), condition=ABSENT)
    with pytest.raises(PreconditionFailed):
        await data.write(session, place, "k", chunks(b"2" * size), condition=ABSENT)
    with pytest.raises(PreconditionFailed):
        await data.write(session, place, "k", chunks(b"2" * size), condition=Condition("0" * 32))
    assert await data.head(session, place, "k") == first
    mine = Condition(first.etag)
    second = await data.write(session, place, "k", chunks(b"3" * size), condition=mine)
    assert second.etag != first.etag
    with pytest.raises(PreconditionFailed):
        await data.write(session, place, "gone", chunks(b"2" * size), condition=mine)
    assert await data.head(session, place, "gone") is None


async def test_many_objects_are_deleted_in_few_requests_and_failures_are_named(
    embedded_aws: EmbeddedAws,
    data: S3ObjectStore,
    place: BucketPlace,
    session: TemporaryCredentials,
) -> None:
    keys = [f"k/{number:04d}" for number in range(1001)] + ["<&>'\"", "a\nb", "\x01", "ü"]
    s3 = client(embedded_aws, "s3")
    for key in [*keys[:3], *keys[-5:], "kept"]:
        s3.put_object(Bucket=place.bucket, Key=key)
    assert await data.delete_many(session, place, keys) == {}
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=place.bucket)["Contents"]] == ["kept"]


async def test_what_may_not_be_deleted_is_named(
    embedded_aws: EmbeddedAws,
    data: S3ObjectStore,
    place: BucketPlace,
    own_aws: OwnAws,
    good_setup: GoodSetup,
) -> None:
    for key in ("in/a", "out/b"):
        put(embedded_aws, place.bucket, key)
    statement = {
        "Effect": "Allow",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{place.bucket}/in/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    narrow = await own_aws.sts.assume_role(good_setup.key, order_for(good_setup, policy=policy))
    failed = await data.delete_many(narrow, place, ["in/a", "out/b"])
    assert list(failed) == ["out/b"]
    assert failed["out/b"].details["aws_code"] == "AccessDenied"


async def test_uploads_that_nobody_ended_are_found_looked_into_and_aborted(
    embedded_aws: EmbeddedAws, data: S3ObjectStore, place: BucketPlace
) -> None:
    s3, admin = client(embedded_aws, "s3"), embedded_aws.administrator
    for key in ("in/ü b", "in/c", "out/d"):
        begun = s3.create_multipart_upload(Bucket=place.bucket, Key=key)
        s3.upload_part(
            Bucket=place.bucket,
            Key=key,
            UploadId=begun["UploadId"],
            PartNumber=1,
            Body=b"12345",
        )
    page = await data.list_uploads(admin, place, prefix="in/")
    assert page.last
    assert sorted(one.key for one in page.uploads) == ["in/c", "in/ü b"]
    for upload in page.uploads:
        [part] = await data.list_parts(admin, place, upload)
        assert (part.number, part.size) == (1, 5)
        await data.abort_upload(admin, place, upload)
        await data.abort_upload(admin, place, upload)
        with pytest.raises(AwsRefused):
            await data.list_parts(admin, place, upload)
    left = s3.list_multipart_uploads(Bucket=place.bucket)["Uploads"]
    assert [one["Key"] for one in left] == ["out/d"]


async def test_a_long_write_takes_credentials_anew_for_each_part(
    data: S3ObjectStore, place: BucketPlace, session: TemporaryCredentials
) -> None:
    asked = 0

    async def renew() -> TemporaryCredentials:
        nonlocal asked
        asked += 1
        return session

    over = replace(session, session_token=Secret("over"))
    part = b"x" * (8 << 20)
    stored = await data.write(over, place, "k", chunks(part, part, b"y"), renew=renew)
    assert stored.size == 2 * len(part) + 1
    assert asked >= 5  # begin, three parts, end


async def test_the_rights_that_a_session_lacks_are_named_and_nothing_is_changed(
    embedded_aws: EmbeddedAws,
    data: S3ObjectStore,
    place: BucketPlace,
    session: TemporaryCredentials,
) -> None:
    admin = embedded_aws.administrator
    assert await data.lacking_rights(admin, place, "in/never") == []
    assert await data.lacking_rights(session, place, "in/never") == list(WITHOUT)
    assert not (await data.list_page(admin, place, prefix="in/never")).objects
