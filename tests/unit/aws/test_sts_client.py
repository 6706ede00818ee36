"""STS by our own HTTP: where it is asked, how long it may take, and stores that have half of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import botocore.session
import httpx2
import pytest

from valetkey.aws.settings import AwsSettings
from valetkey.aws.sts import AwsSts
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsRefused, AwsUnavailable, NotOffered
from valetkey.domain.ports import AssumeRole
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret
from valetkey.testing import ManualClock, SeededEntropy

KEY = AccessKey("AKIAEXAMPLE", Secret("s" * 40))
ORDER = AssumeRole(
    RoleArn.parse("arn:aws:iam::111122223333:role/data"), "ada", timedelta(minutes=15)
)
RawResponse = Callable[[httpx2.Request], httpx2.Response]


def sts(answer: RawResponse, **settings: object) -> AwsSts:
    made = replace(AwsSettings(), **settings)  # type: ignore[arg-type]
    transport = httpx2.MockTransport(answer)
    return AwsSts(made, ManualClock(), SeededEntropy(), transport=transport)


def stopped(seen: list[str]) -> RawResponse:
    """Nothing is sent: the request stops where it would be given to the network."""

    def stop(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        raise httpx2.ConnectError("stopped")

    return stop


PARTITIONS = [
    ("aws", "", "eu-central-1", "https://sts.eu-central-1.amazonaws.com/"),
    ("aws", "ap-southeast-2", "eu-central-1", "https://sts.ap-southeast-2.amazonaws.com/"),
    ("aws", "", "us-east-1", "https://sts.us-east-1.amazonaws.com/"),
    ("aws-cn", "", "eu-central-1", "https://sts.cn-north-1.amazonaws.com.cn/"),
    ("aws-cn", "cn-northwest-1", "us-east-1", "https://sts.cn-northwest-1.amazonaws.com.cn/"),
    ("aws-us-gov", "", "us-east-1", "https://sts.us-gov-west-1.amazonaws.com/"),
]


@pytest.mark.parametrize(("partition", "asked", "default", "url"), PARTITIONS)
async def test_the_roles_partition_decides_which_sts_is_asked(
    partition: str, asked: str, default: str, url: str
) -> None:
    seen: list[str] = []
    client = sts(stopped(seen), region=default, attempts=1)
    order = replace(ORDER, role_arn=replace(ORDER.role_arn, partition=partition), region=asked)
    with pytest.raises(AwsUnavailable):
        await client.assume_role(KEY, order)
    assert seen == [url]


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
async def test_a_key_is_looked_up_in_the_partition_that_knows_it(partition: str) -> None:
    seen: list[str] = []
    client = sts(stopped(seen), attempts=1)
    order = replace(ORDER, role_arn=replace(ORDER.role_arn, partition=partition))
    with pytest.raises(AwsUnavailable):
        await client.caller_identity(KEY, partition=partition)
    with pytest.raises(AwsUnavailable):
        await client.assume_role(KEY, order)
    assert seen[0] == seen[1]


def regions() -> list[tuple[str, str]]:
    session = botocore.session.Session()
    partitions = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc")
    return [(p, r) for p in partitions for r in session.get_available_regions("sts", p)]


async def test_every_region_is_asked_where_botocores_rules_say() -> None:
    session = botocore.session.Session()
    session.set_config_variable("sts_regional_endpoints", "regional")
    resolver = session.get_component("endpoint_resolver")
    for partition, region in regions():
        if region == "aws-global":
            continue
        seen: list[str] = []
        client = sts(stopped(seen), region=region, attempts=1)
        order = replace(ORDER, role_arn=replace(ORDER.role_arn, partition=partition))
        with pytest.raises(AwsUnavailable):
            await client.assume_role(KEY, order)
        host = resolver.construct_endpoint("sts", region, partition)["hostname"]
        assert seen == [f"https://{host}/"]


def ceph(status: int, body: str) -> RawResponse:
    return lambda _: httpx2.Response(status, text=body)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (405, "<Error><Code>MethodNotAllowed</Code><RequestId>tx1</RequestId></Error>"),
        (405, ""),
        (501, "<Error><Code>NotImplemented</Code></Error>"),
        (
            400,
            "<ErrorResponse><Error><Code>InvalidAction</Code>"
            "<Message>Could not find operation GetCallerIdentity</Message></Error></ErrorResponse>",
        ),
    ],
)
async def test_a_store_without_get_caller_identity_is_told_from_one_that_refuses(
    status: int, body: str
) -> None:
    with pytest.raises(NotOffered, match="does not offer sts:GetCallerIdentity"):
        await sts(ceph(status, body), attempts=1).caller_identity(KEY)


async def test_a_bare_error_is_understood() -> None:
    body = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><HostId>x</HostId></Error>"
    with pytest.raises(AwsRefused) as refused:
        await sts(ceph(403, body), attempts=1).assume_role(KEY, ORDER)
    assert refused.value.details["aws_code"] == "AccessDenied"


@asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], asyncio.Future[None]] | None,
) -> AsyncIterator[tuple[str, list[int]]]:
    """A server of one behaviour: its address, and one entry for each connection."""
    asked: list[int] = []
    serving: list[asyncio.StreamWriter] = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        serving.append(writer)
        if talk is not None:
            await talk(reader, writer)
        await over.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", asked
        over.set()
        for writer in serving:
            writer.close()
            with suppress(OSError):
                await asyncio.wait_for(writer.wait_closed(), 10)


async def never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept, and say nothing."""


async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin an answer, and go on with it a byte at a time, without end."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    with suppress(OSError):
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)


async def half(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin a head, and stop."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-")


def stalls_count_little() -> None:
    """Have the loop take any stretch of time for at most 0.15 seconds: on a busy machine both of an
    attempt's and the call's deadlines passed at once, and there was no second attempt."""
    loop, real = asyncio.get_running_loop(), time.monotonic
    seen, at = real(), asyncio.get_running_loop().time()

    def slow_time() -> float:
        nonlocal seen, at
        before, seen = seen, real()
        at += min(seen - before, 0.15)
        return at

    loop.time = slow_time  # type: ignore[method-assign]


@pytest.mark.parametrize("talk", [never, trickle, half])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_sts_that_accepts_and_never_answers_is_given_up_within_the_deadline(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], asyncio.Future[None]], scheme: str
) -> None:
    """Over https the other side does not even shake hands, or talks nonsense."""
    stalls_count_little()
    async with listening(talk) as (endpoint, asked):
        address = endpoint.replace("http", scheme)
        settings = AwsSettings(sts_endpoint=address, sts_seconds=0.4, attempts=9)
        client = AwsSts(settings, ManualClock(), SeededEntropy())
        with pytest.raises(AwsUnavailable):
            await asyncio.wait_for(client.assume_role(KEY, ORDER), 10)
        await client.close()
    assert len(asked) >= 2  # one that hangs is followed by another


async def test_an_sts_that_resets_again_and_again_is_given_up_within_the_deadline() -> None:
    def reset(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("reset")

    class Dawdling(ManualClock):
        async def sleep(self, seconds: float) -> None:  # noqa: ARG002
            await asyncio.Event().wait()

    settings = AwsSettings(sts_seconds=0.1, attempts=3)
    client = AwsSts(settings, Dawdling(), SeededEntropy(), transport=httpx2.MockTransport(reset))
    with pytest.raises(AwsUnavailable, match=r"within 0\.1 seconds"):
        await asyncio.wait_for(client.assume_role(KEY, ORDER), 10)


async def test_by_default_a_call_to_sts_ends_well_within_what_a_cold_vend_may_take() -> None:
    assert AwsSettings().sts_seconds <= 12
