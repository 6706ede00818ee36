"""Our S3 client at stores that answer strangely: it is right, or fails in words."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valetkey.aws.objects import S3ObjectStore
from valetkey.aws.settings import AwsSettings
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import (
    AwsRefused,
    AwsUnavailable,
    NotOffered,
    PreconditionFailed,
)
from valetkey.domain.ports import BucketPlace
from valetkey.domain.ports.objects import ABSENT, Condition, Listed
from valetkey.domain.secret import Secret
from valetkey.testing import ManualClock, SeededEntropy
from valetkey.testing.strange import Quirks, StrangeStore

KEY = AccessKey("AKIAEXAMPLE", Secret("s" * 40))
PLACE = BucketPlace("b", "eu-central-1")
KEYS = ["a", "a b+c&<>'\"", "a//b", "b/../c", "ü/日本", "x%41", "z\x01\n\r\t", "~"]
SETTINGS = AwsSettings(s3_endpoint="http://store.test", region="eu-central-1", attempts=1)


def client(store: StrangeStore, **changed: Any) -> S3ObjectStore:
    return S3ObjectStore(
        replace(SETTINGS, **changed), ManualClock(), SeededEntropy(), transport=store
    )


def filled(*keys: str, **quirks: Any) -> StrangeStore:
    return StrangeStore({key: key.encode() for key in keys or KEYS}, Quirks(**quirks))


async def listed(store: StrangeStore, *, most: int = 200, **changed: Any) -> list[Listed]:
    """All that a listing gives, by tokens."""
    found: list[Listed] = []
    token = ""
    ours = client(store, **changed)
    for _ in range(most):
        page = await ours.list_page(KEY, PLACE, prefix="", token=token)
        found += page.objects
        assert page.last == (not page.token)
        if page.last:
            return found
        token = page.token
    raise AssertionError("it never ends")


quirks = st.builds(
    Quirks,
    page_sizes=st.lists(st.integers(0, 3), min_size=1, max_size=5).filter(any),
    reverse=st.booleans(),
    no_etags=st.booleans(),
    unknown_elements=st.booleans(),
    flag_last=st.booleans(),
    prefixed=st.booleans(),
)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(
    keys=st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)),
    strange=quirks,
)
def test_whatever_legal_pages_carry_the_keys_the_keys_are_listed(
    keys: set[str], strange: Quirks
) -> None:
    store = StrangeStore({key: key.encode() for key in keys}, strange)
    found = asyncio.run(listed(store))
    assert {one.path: one.size for one in found} == {key: len(key.encode()) for key in keys}
    assert len(found) == len(keys)


@pytest.mark.parametrize("prefixed", [False, True], ids=["as S3 writes it", "as other XML"])
async def test_an_empty_page_ends_nothing(*, prefixed: bool) -> None:
    store = filled(page_sizes=[3, 0, 0, 2], prefixed=prefixed)
    assert len(await listed(store)) == len(KEYS)


async def test_a_store_that_does_not_encode_keys_is_understood_where_xml_can_carry_them() -> None:
    plain = [key for key in KEYS if key.isprintable()]
    found = await listed(filled(*plain, ignores_encoding=True))
    assert [one.path for one in found] == sorted(plain)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"no_token_at": 0}, "not how to go on"),
    ({"page_sizes": [1], "no_token_at": 2}, "not how to go on"),
    ({"page_sizes": [0], "no_token_at": 1}, "not how to go on"),
    ({"page_sizes": [1], "same_token_at": 2}, "leads back to where it was asked for"),
    ({"no_sizes": True}, "has no size"),
    ({"ignores_encoding": True}, "control characters in its keys"),
    ({"short_at": frozenset({0})}, "cut short"),
    ({"short_at": frozenset({0}), "flag_last": True}, "cut short"),
    ({"cut_at": frozenset({0})}, "did not answer"),
    ({"busy_at": frozenset({0})}, "asks for patience"),
    ({"page_sizes": [1], "busy_at": frozenset({3})}, "asks for patience"),
]


@pytest.mark.parametrize(("strange", "words"), WRONG)
async def test_a_listing_that_is_wrong_fails_in_words(strange: dict[str, Any], words: str) -> None:
    with pytest.raises(AwsUnavailable, match=words):
        await listed(filled(**strange))


async def test_keys_outside_the_prefix_are_not_believed() -> None:
    store = filled("in/a", "out/b", ignores_prefix=True)
    with pytest.raises(AwsUnavailable, match="outside of the prefix"):
        await client(store).list_page(KEY, PLACE, prefix="in/")


async def test_a_503_in_the_middle_is_waited_out() -> None:
    store = filled(page_sizes=[1], busy_at=frozenset({2, 3}))
    assert len(await listed(store, attempts=3)) == len(KEYS)


@pytest.mark.parametrize("body", ["", "{}", "<html>", "<a/>", "<ListBucketResult>"])
async def test_what_is_no_listing_is_not_taken_for_an_empty_one(body: str) -> None:
    store = StrangeStore(canned={"GET": lambda _: httpx2.Response(200, text=body)})
    with pytest.raises(AwsUnavailable, match="can't be used"):
        await client(store).list_page(KEY, PLACE, prefix="")


# Sizes that nobody tells.


@pytest.mark.parametrize("strange", [{}, {"no_ranges": True}])
@pytest.mark.parametrize("body", [b"", b"hello world"])
async def test_a_size_that_head_does_not_tell_is_found_out(
    body: bytes, strange: dict[str, Any]
) -> None:
    store = StrangeStore({"k": body, "kk": b"x"}, Quirks(no_lengths=True, **strange))
    found = await client(store).head(KEY, PLACE, "k")
    assert found is not None
    assert found.size == len(body)


async def test_a_size_that_nobody_tells_is_unknown_and_not_0() -> None:
    store = StrangeStore({"k": b"hello"}, Quirks(no_lengths=True, no_ranges=True, no_sizes=True))
    with pytest.raises(AwsUnavailable):
        await client(store).head(KEY, PLACE, "k")


async def test_bodies_are_asked_for_as_they_are_stored() -> None:
    store = filled("k")
    await client(store).head(KEY, PLACE, "k")
    assert store.requests[0].headers["accept-encoding"] == "identity"


async def test_what_is_stored_encoded_is_read_as_it_is_with_its_encoding() -> None:
    stored = b"\x1f\x8b not really gzip"
    store = StrangeStore({"k": stored}, headers={"content-encoding": "aws-chunked, gzip"})
    reading = await client(store).read(KEY, PLACE, "k")
    assert b"".join([chunk async for chunk in reading.chunks]) == stored
    assert (reading.size, reading.content_encoding) == (len(stored), "gzip")
    found = await client(store).head(KEY, PLACE, "k")
    assert found is not None
    assert (found.size, found.content_encoding) == (len(stored), "gzip")


async def test_a_read_without_a_length_has_no_size_rather_than_0() -> None:
    store = StrangeStore({"k": b"hello"}, Quirks(no_lengths=True))
    reading = await client(store).read(KEY, PLACE, "k")
    assert reading.size is None
    assert b"".join([chunk async for chunk in reading.chunks]) == b"hello"


async def test_a_whole_object_that_comes_as_a_part_is_a_whole_one() -> None:
    store = StrangeStore({"k": b"hello"}, Quirks(always_part="bytes 0-4/{size}"))
    reading = await client(store).read(KEY, PLACE, "k")
    assert (reading.size, reading.content_range) == (5, "")
    assert b"".join([chunk async for chunk in reading.chunks]) == b"hello"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("bytes 0-4/{size}0", "a part of the object where all of it was asked for"),
        ("bytes 45-49/{size}0", "a part of the object where all of it was asked for"),
        ("bytes 0-9/10", "two lengths"),
        ("", "no object's bytes"),
        ("bytes */5", "no object's bytes"),
        ("pages 0-4/5", "no object's bytes"),
    ],
)
async def test_a_part_is_never_taken_for_the_whole_object(told: str, words: str) -> None:
    store = StrangeStore({"k": b"hello"}, Quirks(always_part=told))
    with pytest.raises(AwsUnavailable, match=words):
        await client(store).read(KEY, PLACE, "k")


@pytest.mark.parametrize("status", [201, 202, 203, 204, 205, 207, 226, 299])
async def test_an_answer_that_carries_no_object_is_not_taken_for_an_empty_one(status: int) -> None:
    store = StrangeStore(canned={"GET": lambda _: httpx2.Response(status)})
    with pytest.raises(AwsUnavailable, match=f"answer {status} that has no object's bytes"):
        await client(store).read(KEY, PLACE, "k")


async def test_another_part_than_was_asked_for_is_not_believed() -> None:
    store = StrangeStore({"k": b"hello world"}, Quirks(other_part=True))
    reading = await client(store).read(KEY, PLACE, "k", byte_range="bytes=0-4")
    assert reading.content_range == "bytes 0-4/11"
    with pytest.raises(AwsUnavailable, match="another part"):
        await client(store).read(KEY, PLACE, "k", byte_range="bytes=6-10")


async def test_what_is_read_tells_which_object_it_is_of() -> None:
    ours = client(StrangeStore({"k": b"hello"}, Quirks(own_etags=True)))
    found = await ours.head(KEY, PLACE, "k")
    reading = await ours.read(KEY, PLACE, "k")
    assert found is not None
    assert "" != reading.etag != found.etag


@pytest.mark.parametrize("begun", [False, True])
async def test_a_body_that_is_closed_gives_its_connection_back_whether_or_not_it_was_begun(
    *, begun: bool
) -> None:
    store = StrangeStore({"k": BODY})
    reading = await client(store).read(KEY, PLACE, "k")
    if begun:
        await anext(reading.chunks)
    assert store.open == 1
    await reading.chunks.aclose()
    assert store.open == 0


@pytest.mark.parametrize("strange", [{"always_part": "bytes 0-1/9"}, {"other_part": True}])
async def test_what_is_not_believed_gives_its_connection_back(strange: dict[str, Any]) -> None:
    store = StrangeStore({"k": BODY}, Quirks(**strange))
    byte_range = "bytes=6-10" if "other_part" in strange else ""
    with pytest.raises(AwsUnavailable):
        await client(store).read(KEY, PLACE, "k", byte_range=byte_range)
    assert store.open == 0


async def test_of_several_ranges_the_whole_is_read() -> None:
    store = StrangeStore({"k": b"hello world"})
    reading = await client(store).read(KEY, PLACE, "k", byte_range="bytes=0-1,4-5")
    assert "range" not in store.requests[0].headers
    assert (reading.size, reading.content_range) == (11, "")


async def test_the_facts_of_an_archived_object_are_told() -> None:
    headers = {
        "x-amz-storage-class": "GLACIER",
        "x-amz-restore": 'ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"',
    }
    found = await client(StrangeStore({"k": b"x"}, headers=headers)).head(KEY, PLACE, "k")
    assert found is not None
    assert (found.storage_class, found.is_archived) == ("GLACIER", False)
    assert found.restored_until == datetime(2012, 12, 21, tzinfo=UTC)
    frozen = StrangeStore({"k": b"x"}, headers={"x-amz-storage-class": "DEEP_ARCHIVE"})
    found = await client(frozen).head(KEY, PLACE, "k")
    assert found is not None
    assert found.is_archived


# Errors in words.


def answering(method: str, status: int, body: str = "", **headers: str) -> StrangeStore:
    made = {name.replace("_", "-"): value for name, value in headers.items()}
    canned = {method: lambda _: httpx2.Response(status, text=body, headers=made)}
    return StrangeStore(canned=canned)


def error(code: str, message: str = "") -> str:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"


async def test_a_bare_error_as_ceph_writes_it_is_a_refusal() -> None:
    body = "<Error><Code>AccessDenied</Code><RequestId>tx1</RequestId><HostId>a</HostId></Error>"
    with pytest.raises(AwsRefused) as refused:
        await client(answering("GET", 403, body)).list_page(KEY, PLACE, prefix="")
    assert refused.value.details["aws_code"] == "AccessDenied"


@pytest.mark.parametrize(
    ("off", "code"),
    [
        (timedelta(days=1), "RequestTimeTooSkewed"),
        (timedelta(minutes=-16), "RequestTimeTooSkewed"),
        (timedelta(minutes=14), "403"),
    ],
)
async def test_a_bare_refusal_by_a_store_whose_clock_differs_says_so(
    off: timedelta, code: str
) -> None:
    """HEAD has no body, and comes before everything else."""
    date = format_datetime(ManualClock().now() + off, usegmt=True)
    with pytest.raises(AwsRefused) as refused:
        await client(answering("HEAD", 403, date=date)).head(KEY, PLACE, "a")
    assert refused.value.details["aws_code"] == code
    assert ("clocks differ" in refused.value.message) is (code != "403")
    for unusable in ("", "yesterday", "Mon, 99 Nov 2026 10:00:00 GMT", "Sun, 29 Nov 2026 10:00:00"):
        with pytest.raises(AwsRefused) as refused:
            await client(answering("HEAD", 403, date=unusable)).head(KEY, PLACE, "a")
        assert refused.value.details["aws_code"] == "403"


async def test_a_page_of_something_between_refuses_nothing() -> None:
    page = "<html><body>Sign in to the wireless network</body></html>"
    with pytest.raises(AwsUnavailable, match="no S3 writes"):
        await client(answering("GET", 403, page)).list_page(KEY, PLACE, prefix="")
    with pytest.raises(AwsUnavailable, match="no such answer"):
        await client(answering("PUT", 200, page)).put(KEY, PLACE, "k", b"x")


async def test_an_archived_object_is_told_in_words() -> None:
    body = error("InvalidObjectState", "The operation is not valid for the object's storage class")
    with pytest.raises(AwsRefused, match="archived") as refused:
        await client(answering("GET", 403, body)).read(KEY, PLACE, "k")
    assert "Restore it first" in refused.value.hint


async def test_a_bucket_whose_requesters_pay_is_told_in_words() -> None:
    body = error("AccessDenied", "Requester Pays is enabled on the bucket")
    with pytest.raises(AwsRefused, match="Requester Pays"):
        await client(answering("GET", 403, body)).list_page(KEY, PLACE, prefix="")


async def test_a_call_that_a_store_does_not_have_is_told_from_a_refusal() -> None:
    store = answering("GET", 501, error("NotImplemented"))
    with pytest.raises(NotOffered, match="does not offer s3:GetPublicAccessBlock"):
        await client(store).blocks_public_access(KEY, PLACE)


# Requester Pays.


async def test_with_requester_pays_every_request_says_so() -> None:
    store = filled("k")
    ours, place = client(store), replace(PLACE, requester_pays=True)
    await ours.list_page(KEY, place, prefix="")
    await ours.head(KEY, place, "k")
    await (await ours.read(KEY, place, "k")).chunks.__anext__()
    await ours.put(KEY, place, "k", b"x")
    await ours.find_region(place, KEY)
    await ours.delete(KEY, place, "k")
    for request in store.requests:
        assert request.headers["x-amz-request-payer"] == "requester"
        assert "x-amz-request-payer" in request.headers["authorization"]
    url = await ours.sign_read(KEY, place, "k", seconds=60)
    assert "x-amz-request-payer=requester" in url


# Regions.


async def test_a_bucket_that_refuses_without_naming_its_region_is_tried_by_listing() -> None:
    store = filled("in/a")
    store.canned["HEAD"] = lambda _: httpx2.Response(403)
    assert await client(store).find_region(PLACE, KEY, prefix="in/") == "eu-central-1"
    assert b"prefix=in%2F" in store.requests[-1].extensions["target"]


async def test_a_bucket_that_refuses_to_be_listed_too_is_refused() -> None:
    store = answering("GET", 403, error("AccessDenied"))
    store.canned["HEAD"] = lambda _: httpx2.Response(403)
    with pytest.raises(AwsRefused) as refused:
        await client(store).find_region(PLACE, KEY, prefix="in/")
    assert refused.value.details["operation"] == "s3:HeadBucket"


# Conditions.


@pytest.mark.parametrize(
    ("condition", "sent"),
    [(ABSENT, ("if-none-match", "*")), (Condition("abc"), ("if-match", '"abc"'))],
)
async def test_a_condition_is_sent_and_what_breaks_it_is_told(
    condition: Condition, sent: tuple[str, str]
) -> None:
    store = answering("PUT", 412, error("PreconditionFailed"))
    with pytest.raises(PreconditionFailed):
        await client(store).put(KEY, PLACE, "k", b"x", condition=condition)
    assert store.requests[0].headers[sent[0]] == sent[1]


@pytest.mark.parametrize(
    ("status", "code"), [(409, "ConditionalRequestConflict"), (404, "NoSuchKey"), (412, "")]
)
async def test_whatever_a_store_calls_it_a_broken_condition_is_one_error(
    status: int, code: str
) -> None:
    store = answering("PUT", status, error(code) if code else "")
    with pytest.raises(PreconditionFailed):
        await client(store).put(KEY, PLACE, "k", b"x", condition=Condition("abc"))


async def test_a_write_under_a_condition_whose_answer_is_lost_is_not_sent_twice() -> None:
    """The second would find the first, and say that it failed."""

    def lost(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("lost")

    store = StrangeStore(canned={"PUT": lost})
    with pytest.raises(AwsUnavailable):
        await client(store, attempts=3).put(KEY, PLACE, "k", b"x", condition=ABSENT)
    assert len(store.requests) == 1
    with pytest.raises(AwsUnavailable):
        await client(store, attempts=3).put(KEY, PLACE, "k", b"x")
    assert len(store.requests) == 4


async def test_a_copy_is_made_where_nothing_is_and_of_what_was_looked_at() -> None:
    store = StrangeStore({"k": b"mine", "l": b"theirs"})
    with pytest.raises(PreconditionFailed):
        await client(store).copy(KEY, PLACE, "k", "l", condition=ABSENT)

    def rival(request: httpx2.Request) -> httpx2.Response:
        store.objects["k"] = b"written since"
        return store._respond(request)

    store.canned["PUT"] = rival
    with pytest.raises(PreconditionFailed):
        await client(store).copy(KEY, PLACE, "k", "m", condition=ABSENT)
    assert store.objects == {"k": b"written since", "l": b"theirs"}


async def test_just_the_object_that_is_meant_is_deleted() -> None:
    store = StrangeStore({"k": b"theirs"})
    mine = Condition(hashlib.md5(b"mine", usedforsecurity=False).hexdigest())
    with pytest.raises(PreconditionFailed):
        await client(store).delete(KEY, PLACE, "k", condition=mine)
    assert store.objects == {"k": b"theirs"}
    store.objects["k"] = b"mine"
    await client(store).delete(KEY, PLACE, "k", condition=mine)
    assert not store.objects


async def test_a_store_without_conditional_deletes_deletes() -> None:
    def refuses(request: httpx2.Request) -> httpx2.Response:
        if "if-match" in request.headers:
            return httpx2.Response(501, text=error("NotImplemented"))
        return store._respond(request)

    store = StrangeStore({"k": b"mine"}, canned={"DELETE": refuses})
    await client(store).delete(KEY, PLACE, "k", condition=Condition("abc"))
    assert not store.objects


@pytest.mark.parametrize("condition", [None, Condition("abc")])
async def test_what_is_gone_already_is_deleted(condition: Condition | None) -> None:
    store = answering("DELETE", 404, error("NoSuchKey"))
    await client(store).delete(KEY, PLACE, "k", condition=condition)


async def test_a_busy_store_did_not_begin_so_that_a_condition_is_tried_again() -> None:
    store = StrangeStore(quirks=Quirks(busy_at=frozenset({0})))
    await client(store, attempts=3).put(KEY, PLACE, "k", b"x", condition=ABSENT)
    assert store.objects == {"k": b"x"}


# Copies.


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def copied_as(body: bytes) -> str:
    return f"<CopyObjectResult><ETag>&quot;{md5(body)}&quot;</ETag></CopyObjectResult>"


CARRIED = {
    "content-language": "de",
    "x-amz-meta-name": "Zoë",
    "x-amz-tagging-count": "2",
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-object-lock-legal-hold": "ON",
}


@pytest.mark.parametrize("header", CARRIED)
async def test_what_a_store_loses_in_a_copy_is_told_and_no_copy_is_left(header: str) -> None:
    store = StrangeStore({"k": b"x"}, Quirks(copies_lose=frozenset({header})), own={"k": CARRIED})
    with pytest.raises(AwsRefused, match=header):
        await client(store).copy(KEY, PLACE, "k", "l")
    assert store.objects == {"k": b"x"}


async def test_a_copy_that_is_whole_is_left_there() -> None:
    store = StrangeStore({"k": b"x"}, own={"k": CARRIED})
    copied = await client(store).copy(KEY, PLACE, "k", "l")
    assert (copied.size, copied.described["x-amz-meta-name"]) == (1, "Zoë")
    assert store.objects == {"k": b"x", "l": b"x"}


def tagging(store: StrangeStore, *refused: str) -> StrangeStore:
    """Have a store keep tags that it is given in a request of their own only, but for refusals."""
    kept = {"": "<Tagging><TagSet/></Tagging>"}

    def answer(request: httpx2.Request) -> httpx2.Response:
        if b"?tagging" not in request.extensions["target"]:
            return store._respond(request)
        if request.method in refused:
            return httpx2.Response(403, text=error("AccessDenied"))
        if request.method == "PUT":
            kept[""] = request.content.decode()
        return httpx2.Response(200, text=kept[""] if request.method == "GET" else "")

    store.canned = {"GET": answer, "PUT": answer}
    return store


async def one_chunk() -> AsyncIterator[bytes]:
    yield b"x"


@pytest.mark.parametrize("refused", [(), ("GET",)])
async def test_a_store_that_heeds_no_header_of_tags_is_given_them(refused: tuple[str]) -> None:
    store = tagging(StrangeStore(), *refused)
    await client(store).write(KEY, PLACE, "k", one_chunk(), tags={"team": "a&b"})
    assert b"<Key>team</Key><Value>a&amp;b</Value>" in store.requests[-1].content
    assert store.objects == {"k": b"x"}


async def test_what_may_have_no_tags_is_not_left_without_them() -> None:
    store = tagging(StrangeStore(), "PUT")
    with pytest.raises(AwsRefused):
        await client(store).write(KEY, PLACE, "k", one_chunk(), tags={"team": "red"})
    assert not store.objects


async def test_what_somebody_wrote_over_a_copy_is_left_alone() -> None:
    store = StrangeStore({"k": b"x"}, Quirks(copies_lose=frozenset(CARRIED)), own={"k": CARRIED})

    def rival(request: httpx2.Request) -> httpx2.Response:
        answer = store._respond(request)
        store.objects["l"] = b"theirs"
        return answer

    store.canned["PUT"] = rival
    assert (await client(store).copy(KEY, PLACE, "k", "l")).size == 6
    assert store.objects["l"] == b"theirs"


def copying_as(answer: str, body: bytes = b"x") -> StrangeStore:
    """A store that copies by writing this body to "l", and answers so."""
    store = StrangeStore({"k": b"x"}, own={"k": CARRIED})

    def copy(_: httpx2.Request) -> httpx2.Response:
        store.objects["l"] = body
        return httpx2.Response(200, content=answer.encode())

    store.canned["PUT"] = copy
    return store


@pytest.mark.parametrize(
    ("answer", "body", "lost"),
    [
        (copied_as(b"hello"), b"hello", "content-length"),
        ("<CopyObjectResult/>", b"hello", "content-length"),
        ("<CopyObjectResult/>", b"x", "content-language"),
    ],
)
async def test_a_copy_that_is_not_whole_is_deleted_though_the_store_says_that_it_is(
    answer: str, body: bytes, lost: str
) -> None:
    store = copying_as(answer, body)
    with pytest.raises(AwsRefused, match=lost):
        await client(store).copy(KEY, PLACE, "k", "l")
    assert store.objects == {"k": b"x"}


@pytest.mark.parametrize("before", ["\n\n  ", "\ufeff"])
async def test_what_stands_before_an_answer_is_passed_over(before: str) -> None:
    store = copying_as(f'{before}<?xml version="1.0" encoding="UTF-8"?>{copied_as(b"x")}')
    store.own = {}
    assert (await client(store).copy(KEY, PLACE, "k", "l")).size == 1


@pytest.mark.parametrize("answer", ["", error("InternalError"), f" {error('SlowDown')}", "<html/>"])
async def test_a_copy_that_is_answered_with_200_and_no_success_is_none(answer: str) -> None:
    with pytest.raises(AwsUnavailable):
        await client(copying_as(answer)).copy(KEY, PLACE, "k", "l")


async def test_a_size_that_contradicts_what_was_written_is_not_believed() -> None:
    store = StrangeStore()
    told = {"content-length": "5", "etag": f'"{md5(b"x")}"'}
    store.canned["HEAD"] = lambda _: httpx2.Response(200, headers=told)
    with pytest.raises(AwsUnavailable, match="another size than was written"):
        await client(store).write(KEY, PLACE, "k", one_chunk())


@pytest.mark.parametrize("size", ["9" * 19, "9" * 30])
async def test_a_size_that_no_object_has_is_not_believed(size: str) -> None:
    store = answering("HEAD", 200, content_length=size)
    with pytest.raises(AwsUnavailable, match="how large"):
        await client(store).head(KEY, PLACE, "k")
    page = f"<Contents><Key>k</Key><LastModified>{'2026-01-01T00:00:00.000Z'}</LastModified>"
    page += f"<ETag>e</ETag><Size>{size}</Size></Contents><IsTruncated>false</IsTruncated>"
    store = answering("GET", 200, f"<ListBucketResult>{page}</ListBucketResult>")
    with pytest.raises(AwsUnavailable, match="larger than any can be"):
        await client(store).list_page(KEY, PLACE, prefix="")


async def test_what_somebody_writes_over_a_copy_that_lost_something_is_left_alone() -> None:
    store = StrangeStore({"k": b"x"}, Quirks(copies_lose=frozenset(CARRIED)), own={"k": CARRIED})

    def rival(request: httpx2.Request) -> httpx2.Response:
        store.objects["l"] = b"theirs"
        return store._respond(request)

    store.canned["DELETE"] = rival
    with pytest.raises(AwsRefused, match="does not keep all"):
        await client(store).copy(KEY, PLACE, "k", "l")
    assert store.objects["l"] == b"theirs"


async def test_metadata_that_nobody_tells_is_not_lost_in_parts() -> None:
    store = StrangeStore({"k": b"xyz"}, own={"k": {"x-amz-missing-meta": "1"}})
    ours = S3ObjectStore(SETTINGS, ManualClock(), SeededEntropy(), copy_limit=1, transport=store)
    with pytest.raises(AwsRefused, match="does not tell"):
        await ours.copy(KEY, PLACE, "k", "l")
    assert {request.method for request in store.requests} == {"HEAD"}


# Deadlines.


async def never(_: httpx2.Request) -> httpx2.Response:
    await asyncio.Event().wait()
    raise AssertionError


CALLS: dict[str, Callable[[S3ObjectStore], Any]] = {
    "list": lambda ours: ours.list_page(KEY, PLACE, prefix=""),
    "head": lambda ours: ours.head(KEY, PLACE, "k"),
    "read": lambda ours: ours.read(KEY, PLACE, "k"),
    "put": lambda ours: ours.put(KEY, PLACE, "k", b"x"),
    "delete": lambda ours: ours.delete(KEY, PLACE, "k"),
    "region": lambda ours: ours.find_region(PLACE, KEY),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_store_that_accepts_and_never_answers_is_given_up(
    call: Callable[[S3ObjectStore], Any],
) -> None:
    ours = S3ObjectStore(
        replace(SETTINGS, s3_seconds=0.1, attempts=3),
        ManualClock(),
        SeededEntropy(),
        transport=httpx2.MockTransport(never),
    )
    with pytest.raises(AwsUnavailable, match=r"within 0\.1\d* seconds"):
        await asyncio.wait_for(call(ours), 10)


BODY = bytes(range(256)) * 4096


async def read_through(store: StrangeStore, byte_range: str = "") -> bytes:
    reading = await client(store).read(KEY, PLACE, "big", byte_range=byte_range)
    return b"".join([chunk async for chunk in reading.chunks])


def breaking(*at: int, **quirks: Any) -> StrangeStore:
    return StrangeStore({"big": BODY}, Quirks(cut_at=frozenset(at), **quirks))


@pytest.mark.parametrize("at", [(0,), (0, 1), (0, 1, 2, 3, 4)])
async def test_a_body_whose_connection_breaks_is_gone_on_with(at: tuple[int, ...]) -> None:
    store = breaking(*at)
    assert await read_through(store) == BODY
    assert len(store.requests) == len(at) + 1
    again = store.requests[1].headers
    assert again["if-match"] == f'"{hashlib.md5(BODY, usedforsecurity=False).hexdigest()}"'


async def test_a_part_whose_connection_breaks_is_gone_on_with_to_its_end() -> None:
    assert await read_through(breaking(0, 1), "bytes=100-5000") == BODY[100:5001]
    assert await read_through(breaking(0, no_lengths=True), "bytes=100-") == BODY[100:]


@pytest.mark.parametrize("quirks", [{}, {"no_if_match": True}])
async def test_two_versions_of_an_object_are_never_put_together(quirks: dict[str, Any]) -> None:
    store = breaking(0, **quirks)
    reading = await client(store).read(KEY, PLACE, "big")
    seen = await anext(reading.chunks)
    store.objects["big"] = BODY[::-1]

    async def go_on() -> None:
        nonlocal seen
        async for chunk in reading.chunks:
            seen += chunk

    with pytest.raises(AwsRefused, match="not known to be"):
        await go_on()
    assert BODY.startswith(seen)


@pytest.mark.parametrize("quirks", [{"no_ranges": True}, {"no_etags": True}])
async def test_a_store_that_can_t_go_on_ends_the_body_in_words(quirks: dict[str, Any]) -> None:
    with pytest.raises((AwsRefused, AwsUnavailable)):
        await read_through(breaking(0, **quirks))


async def test_a_body_that_breaks_again_and_again_ends() -> None:
    store = breaking(*range(100))
    with pytest.raises(AwsUnavailable):
        await read_through(store)
    assert len(store.requests) == 6
