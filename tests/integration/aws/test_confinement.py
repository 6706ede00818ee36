"""A user's own endpoint against real sockets: names that change, redirects, proxies, slowness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from support.aws import REGION, GoodSetup
from support.own_aws import MakeOwnAws, OwnAws, settings_for
from valetkey.aws.endpoints import Resolve
from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.errors import AwsUnavailable, ValetkeyError
from valetkey.domain.ports import BucketPlace
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws, Fault, FaultKind

KEY = AccessKey("AKIAAAAAAAAAAAAAAAAA", Secret("x" * 40))
TEMPORARY = TemporaryCredentials(
    "ASIAAAAAAAAAAAAAAAAA", Secret("x" * 40), Secret("token"), datetime(2100, 1, 1, tzinfo=UTC)
)
LISTING = (
    b'<?xml version="1.0"?><ListBucketResult><Contents><Key>a</Key><Size>1</Size>'
    b"<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
    b"</ListBucketResult>"
)


class Host:
    """A server that notes what it was asked and answers always the same."""

    def __init__(self, head: str, body: bytes = b"") -> None:
        self._head, self._body = head, body
        self.port = 0
        self.connections = 0
        self.requests: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            length = f"Content-Length: {len(self._body)}\r\nConnection: close\r\n\r\n"
            writer.write(f"HTTP/1.1 {self._head}\r\n{length}".encode() + self._body)
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(host: Host) -> AsyncIterator[Host]:
    async with await asyncio.start_server(host.answer, "127.0.0.1", 0) as server:
        host.port = server.sockets[0].getsockname()[1]
        yield host


@pytest.fixture
def strict(make_own_aws: MakeOwnAws) -> OwnAws:
    """Adapters whose settings allow no private host."""
    return make_own_aws(settings_for(""))


def names(table: dict[str, list[str]]) -> Resolve:
    """A name service of one's own."""

    def look_up(host: str, port: int) -> list[str]:  # noqa: ARG001
        return table[host]

    return look_up


async def test_a_name_that_leads_inside_by_now_is_not_connected_to(
    make_own_aws: MakeOwnAws,
) -> None:
    """DNS rebinding: it was public when it was entered."""
    strict = make_own_aws(settings_for(""), names({"rebound.example": ["127.0.0.1"]}))
    async with serving(Host("200 OK", LISTING)) as inside:
        place = BucketPlace("bucket", REGION, f"http://rebound.example:{inside.port}")
        with pytest.raises(AwsUnavailable):
            await strict.open(KEY, place).list_some("")
        assert inside.connections == 0


async def test_one_inside_address_among_public_ones_is_not_connected_to(
    make_own_aws: MakeOwnAws,
) -> None:
    mixed = names({"mixed.example": ["127.0.0.1", "8.8.8.8"]})
    strict = make_own_aws(settings_for(""), mixed)
    async with serving(Host("200 OK", LISTING)) as inside:
        place = BucketPlace("bucket", REGION, f"http://mixed.example:{inside.port}")
        with pytest.raises(AwsUnavailable):
            await strict.open(KEY, place).list_some("")
        assert inside.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
async def test_an_endpoint_that_was_never_checked_is_confined_all_the_same(
    strict: OwnAws, host: str
) -> None:
    async with serving(Host("200 OK", LISTING)) as inside:
        place = BucketPlace("bucket", REGION, f"http://{host}:{inside.port}")
        with pytest.raises(ValetkeyError):
            await strict.open(KEY, place).list_some("")
        assert inside.connections == 0


async def test_an_allowed_name_is_connected_to_under_its_own_name(
    make_own_aws: MakeOwnAws,
) -> None:
    allowing = make_own_aws(
        replace(settings_for(""), allowed_hosts=("minio.local",)),
        names({"minio.local": ["127.0.0.1"]}),
    )
    async with serving(Host("200 OK", LISTING)) as inside:
        place = BucketPlace("bucket", REGION, f"http://minio.local:{inside.port}")
        found = await allowing.open(KEY, place).list_some("")
        assert [entry.path for entry in found] == ["a"]
        assert f"host: minio.local:{inside.port}" in inside.requests[0].lower()


async def test_the_next_address_is_tried_where_one_does_not_answer(
    make_own_aws: MakeOwnAws,
) -> None:
    allowing = make_own_aws(
        replace(settings_for(""), allowed_hosts=("minio.local",)),
        names({"minio.local": ["127.0.0.9", "127.0.0.1"]}),
    )
    async with serving(Host("200 OK", LISTING)) as inside:
        place = BucketPlace("bucket", REGION, f"http://minio.local:{inside.port}")
        assert await allowing.open(KEY, place).list_some("")


REDIRECTS = ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"]


@pytest.mark.parametrize("status", REDIRECTS)
async def test_a_redirect_is_not_followed(make_own_aws: MakeOwnAws, status: str) -> None:
    allowing = make_own_aws(replace(settings_for(""), allowed_hosts=("127.0.0.1",)))
    async with serving(Host("200 OK", LISTING)) as inside:
        location = f"Location: http://127.0.0.1:{inside.port}/latest/meta-data/"
        async with serving(Host(f"{status}\r\n{location}")) as outside:
            place = BucketPlace("bucket", REGION, f"http://127.0.0.1:{outside.port}")
            store = allowing.open(KEY, place)
            for attempt in (store.list_some(""), store.get("a")):
                with pytest.raises(ValetkeyError):
                    await attempt
            with pytest.raises(ValetkeyError):
                await allowing.stores.find_region(place, TEMPORARY)
            assert outside.connections >= 3
        assert inside.connections == 0


async def test_a_strange_region_from_an_endpoint_is_not_believed(
    make_own_aws: MakeOwnAws,
) -> None:
    allowing = make_own_aws(replace(settings_for(""), allowed_hosts=("127.0.0.1",)))
    head = "200 OK\r\nx-amz-bucket-region: evil.example/#"
    async with serving(Host(head)) as outside:
        place = BucketPlace("bucket", "eu-west-1", f"http://127.0.0.1:{outside.port}")
        found = await allowing.stores.find_region(place, TEMPORARY)
    assert found == "eu-west-1"


async def test_no_proxy_is_asked_for_a_users_endpoint(
    strict: OwnAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would look the name up by itself, and reach what is inside."""
    async with serving(Host("200 OK", LISTING)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        place = BucketPlace("bucket", REGION, "http://127.0.0.1:1")
        with pytest.raises(AwsUnavailable):
            await strict.open(KEY, place).list_some("")
        assert proxy.connections == 0


async def test_slow_endpoints_of_users_never_keep_sts_waiting(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, make_own_aws: MakeOwnAws
) -> None:
    settings = replace(
        settings_for(embedded_aws.endpoint),
        s3_endpoint="",
        allowed_hosts=("127.0.0.1",),
        threads=2,
    )
    own = make_own_aws(settings)
    embedded_aws.faults.order(Fault(FaultKind.HANG, "s3", times=99))
    place = BucketPlace(good_setup.bucket, REGION, embedded_aws.endpoint)
    store = own.open(good_setup.key, place)
    slow = [asyncio.create_task(store.list_some("")) for _ in range(10)]
    while embedded_aws.count("GET bucket") < 2:  # noqa: ASYNC110  # it counts in another thread
        await asyncio.sleep(0.001)
    await own.sts.caller_identity(good_setup.key)
    assert not any(task.done() for task in slow)
    embedded_aws.faults.clear()
    results = await asyncio.gather(*slow, return_exceptions=True)
    assert all(isinstance(result, ValetkeyError) for result in results)
