"""Signed requests to S3 over one pool of connections, tried again when that is safe.

A location's own endpoint is somebody's word: its name is looked up and vetted at each request,
which then goes to that very address, without a proxy (see :mod:`valetkey.aws.endpoints`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from valetkey.aws.answers import child_text, parse_xml
from valetkey.aws.endpoints import vetted
from valetkey.aws.errors import from_answer, unreachable
from valetkey.aws.identity import frozen, secrets_of
from valetkey.aws.partitions import partition_of
from valetkey.aws.retries import Retries
from valetkey.aws.settings import AwsSettings
from valetkey.aws.signing import Call, signed_headers
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ports import BucketPlace, Clock, Entropy
from valetkey.domain.ports.objects import Credentials
from valetkey.domain.presign import bucket_url

_REDIRECT: Final = 300
_LONGEST_ERROR: Final = 64 * 1024
_CONNECTIONS: Final = 64
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask of a bucket: an empty ``key`` is the bucket itself; ``query`` is unescaped."""

    doing: str
    method: str
    key: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    payload_hash: str = ""


class S3Http:
    """Sends orders. All methods raise AwsRefused, AwsUnavailable."""

    def __init__(self, settings: AwsSettings, clock: Clock, entropy: Entropy) -> None:
        self._settings = settings
        self._clock = clock
        self._retries = Retries(settings.attempts, clock, entropy)
        timeout = httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout)
        limits = httpx.Limits(max_connections=_CONNECTIONS)
        self._known = httpx.AsyncClient(timeout=timeout, limits=limits)
        self._strange = httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._known.aclose()
        await self._strange.aclose()

    def call(self, place: BucketPlace, order: Order) -> Call:
        """Return an order as a request that is not signed yet."""
        endpoint = place.endpoint or self._settings.s3_endpoint
        region = self.region(place)
        base = bucket_url(place.bucket, region, partition=partition_of(region), endpoint=endpoint)
        path = urlsplit(base).path
        target = f"{path}/{quote(order.key, safe='/~')}" if order.key else path or "/"
        return Call(order.method, base, target, order.query, order.headers, order.payload_hash)

    def region(self, place: BucketPlace) -> str:
        """Return the region that requests to a bucket are signed for."""
        return place.region or self._settings.region

    async def fetch(
        self, credentials: Credentials, place: BucketPlace, order: Order
    ) -> httpx.Response:
        """Return the whole answer."""
        async with self.stream(credentials, place, order) as response:
            try:
                await response.aread()
            except httpx.HTTPError as error:
                raise _silent(error, order) from None
            return response

    @asynccontextmanager
    async def stream(
        self, credentials: Credentials, place: BucketPlace, order: Order
    ) -> AsyncIterator[httpx.Response]:
        """Open the answer, its body not yet read."""
        response = await self.open(credentials, place, order)
        try:
            yield response
        finally:
            await response.aclose()

    async def open(
        self, credentials: Credentials, place: BucketPlace, order: Order
    ) -> httpx.Response:
        """Open the answer; whoever gets it closes it."""
        return await self._retries.run(lambda: self._once(credentials, place, order))

    async def _once(
        self, credentials: Credentials, place: BucketPlace, order: Order
    ) -> httpx.Response:
        answer = await self._try(credentials, place, order)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer

    async def _try(
        self, credentials: Credentials, place: BucketPlace, order: Order
    ) -> httpx.Response | AwsRefused | AwsUnavailable:
        try:
            response = await self._send(credentials, place, order)
        except (httpx.HTTPError, OSError) as error:
            return _silent(error, order)
        if response.status_code < _REDIRECT:
            return response
        return await _refused(response, order, credentials)

    async def _send(
        self, credentials: Credentials, place: BucketPlace, order: Order
    ) -> httpx.Response:
        call = self.call(place, order)
        now = self._clock.now()
        headers = signed_headers(call, credentials, self.region(place), now)
        query = f"?{call.query_text}" if call.query else ""
        # The target is sent as it was signed: httpx would resolve dots and re-escape.
        extensions: dict[str, Any] = {"target": (call.target + query).encode()}
        parts = urlsplit(call.base)
        client, host = self._known, call.host
        if place.endpoint and place.endpoint != self._settings.s3_endpoint:
            client = self._strange
            name, port = (
                parts.hostname or "",
                parts.port or (443 if parts.scheme == "https" else 80),
            )
            allowed = self._settings.allowed_hosts
            address = (await asyncio.to_thread(vetted, name, port, allowed))[0]
            host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            extensions["sni_hostname"] = name
        request = client.build_request(
            order.method,
            f"{parts.scheme}://{host}/",
            headers=headers | _length(order.body),
            content=_once(order.body) if order.body else None,
            extensions=extensions,
        )
        return await client.send(request, stream=True)


def _length(body: bytes) -> dict[str, str]:
    return {"content-length": str(len(body))} if body else {}


async def _once(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body, and let go of it: answers refer to themselves and to their request, so that a
    part of an object would stay in memory until the collector of cycles comes by."""
    yield body


def _silent(error: Exception, order: Order) -> AwsUnavailable:
    return unreachable(OSError(type(error).__name__), order.doing)


async def _refused(
    response: httpx.Response, order: Order, credentials: Credentials
) -> AwsRefused | AwsUnavailable:
    status, more = response.status_code, {}
    try:
        body = await _beginning(response)
    except httpx.HTTPError as error:
        return _silent(error, order)
    finally:
        await response.aclose()
    region = response.headers.get("x-amz-bucket-region")
    if region:
        more["bucket_region"] = region
    try:
        root = parse_xml(body)
        code, message = child_text(root, "Code"), child_text(root, "Message")
    except ValueError:
        code, message = "", ""
    hide = secrets_of(frozen(credentials))
    return from_answer(code or str(status), message, order.doing, status=status, hide=hide, **more)


async def _beginning(response: httpx.Response) -> str:
    """Return an error's body, which is short; what pretends to be one is cut."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _LONGEST_ERROR:
            break
    return bytes(body[:_LONGEST_ERROR]).decode(errors="replace")
