"""Buckets through our adapter, on an AWS that enforces IAM."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.aws import REGION, GoodSetup, client
from support.own_aws import MakeOwnAws, OwnAws, order_for, settings_for
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable, InvalidInput
from valetkey.domain.ports import BucketPlace
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws, Fault, FaultKind
from valetkey.services.buckets import OpenBucket


@pytest.fixture
async def credentials(own_aws: OwnAws, good_setup: GoodSetup) -> TemporaryCredentials:
    return await own_aws.sts.assume_role(good_setup.key, order_for(good_setup))


@pytest.fixture
def store(own_aws: OwnAws, good_setup: GoodSetup, credentials: TemporaryCredentials) -> OpenBucket:
    return own_aws.open(credentials, BucketPlace(good_setup.bucket, REGION))


KEYS = ["a.txt", "folder/ä ö.txt", "folder/a+b&c=d?.txt", "x/" * 100 + "deep", "a//b", "日本/語"]


@pytest.mark.parametrize("key", KEYS)
async def test_what_is_put_is_got_listed_and_deleted(store: OpenBucket, key: str) -> None:
    await store.put(key, b"body")
    assert await store.get(key) == b"body"
    assert [(one.path, one.size) for one in await store.list_some("")] == [(key, 4)]
    await store.delete(key)
    assert await store.list_some("") == []


async def test_a_listing_keeps_to_its_prefix_and_limit(store: OpenBucket) -> None:
    for key in ("a/1", "a/2", "a/3", "ab/1", "b"):
        await store.put(key, b"")
    assert [found.path for found in await store.list_some("a/")] == ["a/1", "a/2", "a/3"]
    assert [found.path for found in await store.list_some("a/", limit=2)] == ["a/1", "a/2"]


async def test_an_empty_object_is_got(store: OpenBucket) -> None:
    await store.put("empty", b"")
    assert await store.get("empty") == b""


async def test_the_storage_class_is_handed_over(
    store: OpenBucket, good_setup: GoodSetup, embedded_aws: EmbeddedAws
) -> None:
    await store.put("cold", b"x", storage_class="STANDARD_IA")
    head = client(embedded_aws, "s3").head_object(Bucket=good_setup.bucket, Key="cold")
    assert head["StorageClass"] == "STANDARD_IA"


async def test_an_object_too_large_for_memory_is_refused(
    store: OpenBucket,
) -> None:
    await store.put("ten", b"x" * 10)
    await store.put("eleven", b"x" * 11)
    assert await store.get("ten", most=10) == b"x" * 10
    with pytest.raises(AwsRefused, match="too large"):
        await store.get("eleven", most=10)


async def test_a_missing_object_is_named(store: OpenBucket) -> None:
    with pytest.raises(AwsRefused, match="no such object"):
        await store.get("missing")


async def test_a_missing_bucket_is_named(own_aws: OwnAws, embedded_aws: EmbeddedAws) -> None:
    missing = BucketPlace("valetkey-missing", REGION)
    with pytest.raises(AwsRefused, match="no such bucket"):
        await own_aws.open(embedded_aws.administrator, missing).list_some("")


async def test_another_bucket_is_refused(
    own_aws: OwnAws, credentials: TemporaryCredentials, embedded_aws: EmbeddedAws
) -> None:
    client(embedded_aws, "s3").create_bucket(
        Bucket="valetkey-others", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    other = own_aws.open(credentials, BucketPlace("valetkey-others", REGION))
    for attempt in (other.list_some(""), other.put("a", b""), other.get("a"), other.delete("a")):
        with pytest.raises(AwsRefused) as caught:
            await attempt
        assert caught.value.details["aws_code"] == "AccessDenied"


async def test_the_users_own_key_opens_nothing(own_aws: OwnAws, good_setup: GoodSetup) -> None:
    bare = own_aws.open(good_setup.key, BucketPlace(good_setup.bucket, REGION))
    with pytest.raises(AwsRefused):
        await bare.list_some("")


async def test_a_session_token_that_is_damaged_is_refused(
    own_aws: OwnAws, good_setup: GoodSetup, credentials: TemporaryCredentials
) -> None:
    damaged = replace(credentials, session_token=Secret("FwoGdamaged"))
    store = own_aws.open(damaged, BucketPlace(good_setup.bucket, REGION))
    with pytest.raises(AwsRefused) as caught:
        await store.list_some("")
    assert caught.value.details["aws_code"] in {"InvalidToken", "InvalidAccessKeyId"}


@pytest.mark.parametrize("guess", ["", REGION, "us-west-2"])
async def test_the_bucket_tells_its_region_whatever_is_guessed(
    own_aws: OwnAws, good_setup: GoodSetup, credentials: TemporaryCredentials, guess: str
) -> None:
    place = BucketPlace(good_setup.bucket, guess)
    assert await own_aws.stores.find_region(place, credentials) == REGION


async def test_a_bucket_that_is_not_there_has_no_region(
    own_aws: OwnAws, credentials: TemporaryCredentials
) -> None:
    with pytest.raises(AwsRefused) as caught:
        await own_aws.stores.find_region(BucketPlace("valetkey-missing"), credentials)
    assert "bucket" in caught.value.message or "allow" in caught.value.message


FAULTS = [
    Fault(FaultKind.ERROR, "s3", times=9, code="SlowDown", status=503),
    Fault(FaultKind.ERROR, "s3", times=9, code="InternalError", status=500),
    Fault(FaultKind.GARBAGE, "s3", times=9),
    Fault(FaultKind.CUT, "s3", times=9),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind} {fault.code}")
async def test_an_s3_that_fails_is_unavailable(
    store: OpenBucket, embedded_aws: EmbeddedAws, fault: Fault
) -> None:
    embedded_aws.faults.order(replace(fault))
    with pytest.raises(AwsUnavailable):
        await store.list_some("")


async def test_an_object_that_breaks_off_half_way_is_unavailable(
    store: OpenBucket, embedded_aws: EmbeddedAws
) -> None:
    await store.put("a", b"body")
    embedded_aws.faults.order(Fault(FaultKind.CUT, "s3", "GET object"))
    with pytest.raises(AwsUnavailable):
        await store.get("a")


async def test_silence_ends_at_the_timeout(
    embedded_aws: EmbeddedAws,
    good_setup: GoodSetup,
    credentials: TemporaryCredentials,
    make_own_aws: MakeOwnAws,
) -> None:
    impatient = make_own_aws(replace(settings_for(embedded_aws.endpoint), read_timeout=0.05))
    embedded_aws.faults.order(Fault(FaultKind.HANG, "s3"))
    store = impatient.open(credentials, BucketPlace(good_setup.bucket, REGION))
    with pytest.raises(AwsUnavailable, match="did not answer"):
        await store.list_some("")


async def test_the_endpoint_of_the_embedded_aws_has_to_be_allowed(
    embedded_aws: EmbeddedAws, make_own_aws: MakeOwnAws
) -> None:
    strict = make_own_aws(settings_for(""))
    with pytest.raises(InvalidInput):
        await strict.stores.check_endpoint(embedded_aws.endpoint)
    open_settings = replace(settings_for(""), allowed_hosts=("127.0.0.1",))
    relaxed = make_own_aws(open_settings)
    assert await relaxed.stores.check_endpoint(embedded_aws.endpoint) == embedded_aws.endpoint
