"""Signed requests to S3 over one pool of connections, tried again when that is safe.

A location's own endpoint is somebody's word: its name is looked up and vetted at each request,
which then goes to one of just those addresses, without a proxy (see :mod:`valetkey.aws.endpoints`).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element

import httpx2

from valetkey.aws.connections import open_connections
from valetkey.aws.endpoints import Resolve, check, resolve, vetted
from valetkey.aws.errors import from_response, not_understood, unreachable
from valetkey.aws.identity import frozen, secrets_of
from valetkey.aws.partitions import partition_of
from valetkey.aws.retries import Retries
from valetkey.aws.settings import AwsSettings
from valetkey.aws.signing import EMPTY, UnsignedRequest, signed_headers
from valetkey.aws.xml_responses import child_text, error_of, name_of, parse_xml
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ports.aws import BucketPlace
from valetkey.domain.ports.objects import CredentialSource
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.presign import bucket_url

_REDIRECT: Final = 300
_SERVER_FAULT: Final = 500
_LONGEST_ERROR: Final = 64 * 1024
#: A page of a thousand keys of a kilobyte each, every letter escaped, and room beyond it.
_LONGEST_ANSWER: Final = 32 * 1024 * 1024
#: What a transfer that is not stuck manages, in bytes a second.
_SLOWEST: Final = 64 * 1024
_LOOK_UPS: Final = 8
#: S3 refuses what was signed longer ago, or further ahead (AWS's "RequestTimeTooSkewed").
_SKEW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class S3Request:
    """What to ask of a bucket: an empty ``key`` is the bucket itself; ``query`` is unescaped.

    ``seconds`` is what the call may take beyond the usual. What is not ``repeatable`` is not sent
    again when its answer is lost."""

    doing: str
    method: str
    key: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    payload_hash: str = EMPTY
    seconds: float = 0.0
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class S3Response:
    """A whole answer; header names are case-insensitive."""

    headers: Mapping[str, str]
    body: bytes = b""


class S3Http:
    """Sends requests. All methods raise AwsRefused, AwsUnavailable."""

    def __init__(
        self,
        settings: AwsSettings,
        clock: Clock,
        entropy: Entropy,
        *,
        look_up: Resolve = resolve,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._look_up = look_up
        self._clock = clock
        self._retries = Retries(settings.attempts, clock, entropy)
        self._known = open_connections(settings, transport=transport)
        self._strange = open_connections(settings, proxies=False, transport=transport)
        # Apart from all other threads: a name server may be slow on purpose.
        self._names = ThreadPoolExecutor(_LOOK_UPS, thread_name_prefix="endpoint")

    async def close(self) -> None:
        """Close the connections."""
        self._names.shutdown(wait=False, cancel_futures=True)
        await self._known.aclose()
        await self._strange.aclose()

    async def check_endpoint(self, endpoint: str) -> str:
        """Return a user's endpoint in its normal form. Raises InvalidInput."""
        allowed = self._settings.allowed_hosts
        work = partial(check, endpoint, allowed, look_up=self._look_up)
        return await asyncio.get_running_loop().run_in_executor(self._names, work)

    def bucket_url(self, place: BucketPlace) -> str:
        """Return the address of a bucket."""
        endpoint, region = place.endpoint or self._settings.s3_endpoint, self.region(place)
        return bucket_url(place.bucket, region, partition=partition_of(region), endpoint=endpoint)

    def region(self, place: BucketPlace) -> str:
        """Return the region that requests to a bucket are signed for."""
        return place.region or self._settings.region

    async def fetch(
        self, credentials: AwsCredentials, place: BucketPlace, request: S3Request
    ) -> S3Response:
        """Return the whole answer."""

        async def whole() -> S3Response:
            response = await self._send(credentials, place, request)
            answer = await _whole(response, request)
            if isinstance(answer, S3Response):
                return answer
            raise answer

        return await self._retries.run(
            whole,
            doing=request.doing,
            seconds=self._patience(request),
            repeatable=request.repeatable,
        )

    async def open(
        self, credentials: AwsCredentials, place: BucketPlace, request: S3Request
    ) -> httpx2.Response:
        """Open the answer, its body not yet read; whoever gets it closes it."""
        return await self._retries.run(
            lambda: self._send(credentials, place, request),
            doing=request.doing,
            seconds=self._patience(request),
        )

    def _patience(self, request: S3Request) -> float:
        return self._settings.s3_seconds + request.seconds + len(request.body) / _SLOWEST

    async def _send(
        self, credentials: AwsCredentials, place: BucketPlace, request: S3Request
    ) -> httpx2.Response:
        answer = await self._try(credentials, place, request)
        if isinstance(answer, httpx2.Response):
            return answer
        raise answer  # outside of any handler: an exception of httpx2 holds the request's secrets

    async def _try(
        self, credentials: AwsCredentials, place: BucketPlace, request: S3Request
    ) -> httpx2.Response | AwsRefused | AwsUnavailable:
        try:
            response = await self._exchange(credentials, place, request)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, RuntimeError) as error:
            # RuntimeError: the connections are closed, since the server is stopping.
            return _silent(error, request)
        if response.status_code < _REDIRECT:
            return response
        return await _refused(response, request, credentials, self._clock.now())

    async def _exchange(
        self, credentials: AwsCredentials, place: BucketPlace, request: S3Request
    ) -> httpx2.Response:
        call = self._call(place, request)
        headers = signed_headers(call, credentials, self.region(place), self._clock.now())
        if not place.endpoint or place.endpoint == self._settings.s3_endpoint:
            return await _sent(self._known, call, headers, request.body, urlsplit(call.base).netloc)
        parts = urlsplit(place.endpoint)
        name = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        allowed = self._settings.allowed_hosts
        work = partial(vetted, name, port, allowed, look_up=self._look_up)
        failure: Exception = OSError("the endpoint's host has no address")
        for address in await asyncio.get_running_loop().run_in_executor(self._names, work):
            shown = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            try:
                return await _sent(self._strange, call, headers, request.body, shown, name)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
        raise failure

    def _call(self, place: BucketPlace, request: S3Request) -> UnsignedRequest:
        base = self.bucket_url(place)
        path = urlsplit(base).path
        target = f"{path}/{quote(request.key, safe='/~')}" if request.key else path or "/"
        payer = {"x-amz-request-payer": "requester"} if place.requester_pays else {}
        headers = {**request.headers, **payer}
        return UnsignedRequest(
            request.method, base, target, request.query, headers, request.payload_hash
        )


@dataclass(frozen=True, slots=True)
class BucketCalls:
    """One bucket as one caller uses it; ``renew`` gives credentials for each call anew."""

    http: S3Http
    credentials: AwsCredentials
    place: BucketPlace
    renew: CredentialSource | None = None

    async def key(self) -> AwsCredentials:
        """Return the credentials for the next call."""
        return await self.renew() if self.renew is not None else self.credentials

    async def fetch(self, request: S3Request) -> S3Response:
        """Return the whole answer. Raises AwsRefused, AwsUnavailable."""
        return await self.http.fetch(await self.key(), self.place, request)

    async def open(self, request: S3Request) -> httpx2.Response:
        """Open the answer, its body not yet read; whoever gets it closes it."""
        return await self.http.open(await self.key(), self.place, request)

    async def element(self, request: S3Request, *names: str) -> Element:
        """Return the answer as XML, whose root has one of these names. S3 may say 200 first, and
        fail in the body. Raises AwsRefused, AwsUnavailable."""
        credentials = await self.key()
        answer = await self.http.fetch(credentials, self.place, request)
        root = _parsed(answer.body)
        if root is None:
            raise not_understood(request.doing, "it is not XML")
        error = error_of(root)
        if error is not None:
            raise from_response(
                child_text(error, "Code"),
                child_text(error, "Message"),
                request.doing,
                status=_SERVER_FAULT,
                hide=secrets_of(frozen(credentials)),
            )
        if name_of(root) not in names:
            raise not_understood(request.doing, "it is another answer than was asked for")
        return root


def md5_of(body: bytes) -> str:
    """Return a body's digest as some calls have to carry it."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


async def _sent(
    client: httpx2.AsyncClient,
    call: UnsignedRequest,
    headers: Mapping[str, str],
    body: bytes,
    host: str,
    server_name: str = "",
) -> httpx2.Response:
    query = f"?{call.query_text}" if call.query else ""
    # The target is sent as it was signed: httpx2 would resolve dots and re-escape.
    extensions: dict[str, Any] = {"target": (call.target + query).encode()}
    if server_name:
        extensions["sni_hostname"] = server_name
    request = client.build_request(
        call.method,
        f"{urlsplit(call.base).scheme}://{host}/",
        # An object's own headers may be of any script.
        headers=httpx2.Headers(
            {**headers, **({"content-length": str(len(body))} if body else {})}, "utf-8"
        ),
        content=_once(body) if body else None,
        extensions=extensions,
    )
    return await client.send(request, stream=True)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body, and let go of it: answers refer to themselves and to their request, so that a
    part of an object would stay in memory until the collector of cycles comes by."""
    yield body


def _silent(error: Exception, request: S3Request) -> AwsUnavailable:
    return unreachable(OSError(), request.doing, kind=type(error).__name__)


async def _refused(
    response: httpx2.Response, request: S3Request, credentials: AwsCredentials, now: datetime
) -> AwsRefused | AwsUnavailable:
    status, date = response.status_code, response.headers.get("date", "")
    try:
        body = await _body(response, _LONGEST_ERROR)
    except httpx2.HTTPError as error:
        return _silent(error, request)
    finally:
        await response.aclose()
    said = error_of(_parsed(body[:_LONGEST_ERROR]))
    code = child_text(said, "Code")
    if body.strip() and not code and status not in _SAID_BY_STATUS and status < _SERVER_FAULT:
        # A proxy's page, say: the store has not refused anything, and nobody may conclude so.
        return not_understood(request.doing, f"it is an error {status} that no S3 writes")
    region = response.headers.get("x-amz-bucket-region") or child_text(said, "Region")
    return from_response(
        code or _code_of(status, date, now),
        child_text(said, "Message"),
        request.doing,
        status=status,
        date=date,
        hide=secrets_of(frozen(credentials)),
        **({"bucket_region": region} if region else {}),
    )


def _code_of(status: int, date: str, now: datetime) -> str:
    """Return the code of a refusal without a body, which is all that HEAD is told: its status, but
    where the clocks differ by more than S3 takes, that."""
    with suppress(ValueError, TypeError):  # no date, or none that says of which zone
        if status == HTTPStatus.FORBIDDEN and abs(parsedate_to_datetime(date) - now) > _SKEW:
            return "RequestTimeTooSkewed"
    return str(status)


def _parsed(body: bytes) -> Element | None:
    try:
        return parse_xml(body.decode())
    except ValueError:
        return None


#: What needs no words: a call that is not there, a condition that does not hold, too many calls.
_SAID_BY_STATUS: Final = frozenset({405, 412, 429})


async def _whole(response: httpx2.Response, request: S3Request) -> S3Response | AwsUnavailable:
    if request.method == "HEAD":
        await response.aclose()
        return S3Response(response.headers)
    try:
        body = await _body(response, _LONGEST_ANSWER)
    except httpx2.HTTPError as error:
        return _silent(error, request)
    finally:
        await response.aclose()
    if len(body) > _LONGEST_ANSWER:
        return not_understood(request.doing, "it is longer than any such answer is")
    return S3Response(response.headers, body)


async def _body(response: httpx2.Response, longest: int) -> bytes:
    """Return a body, or a beginning of it that is longer than the longest one may be."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > longest:
            break
    return bytes(body)
