"""Objects looked at, read and written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import httpx2

from valetkey.aws.errors import from_aws, not_understood, unreachable
from valetkey.aws.objects.headers import (
    DESCRIBING,
    NOT_THERE,
    conditioned,
    encoding_of,
    plain_etag,
    size_in,
    stored_from,
)
from valetkey.aws.objects.http import BucketCalls, S3Request
from valetkey.aws.objects.listing import fetch_page
from valetkey.aws.objects.multipart import PART_BYTES, Multipart, chained, parted
from valetkey.domain.errors import AwsRefused, PreconditionFailed
from valetkey.domain.ports.objects import Condition, ObjectReading, Stored, UploadBegun

Facts = tuple[Mapping[str, str], int]

_MISSING: Final = 404
_WHOLE: Final = 200
_PARTIAL: Final = 206
_CHUNK: Final = 256 * 1024
#: A body whose connection breaks is gone on with so often.
_RESUMED: Final = 5
_PART: Final = re.compile(r"bytes (\d+)-")
_PARTS: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)
_FROM: Final = re.compile(r"\s*bytes\s*=\s*(\d{1,19})\s*-", re.ASCII)
_TOLD: Final = (*DESCRIBING, "content-range", "etag", "last-modified")
#: HEAD tells the checksum only to whom asks for it.
_WITH_CHECKSUM: Final = {"x-amz-checksum-mode": "ENABLED"}


async def look(calls: BucketCalls, key: str) -> Stored | None:
    """Return an object's facts, or None where there is none. Raises AwsRefused, AwsUnavailable."""
    found = await facts_of(calls, key)
    return stored_from(*found) if found is not None else None


async def facts_of(calls: BucketCalls, key: str) -> Facts | None:
    """Return HEAD's headers and the object's size, or None where there is no object."""
    request = S3Request("s3:HeadObject", "HEAD", key, headers=_WITH_CHECKSUM)
    try:
        answer = await calls.fetch(request)
    except AwsRefused as refused:
        if refused.details.get("aws_code") in NOT_THERE:
            return None
        raise
    size = size_in(answer.headers)
    return answer.headers, await _size(calls, key) if size is None else size


async def require(calls: BucketCalls, key: str) -> Facts:
    """Return the facts of an object that has to be there."""
    found = await facts_of(calls, key)
    if found is None:
        raise from_aws("NoSuchKey", "", "s3:HeadObject", status=_MISSING)
    return found


async def _size(calls: BucketCalls, key: str) -> int:
    """Find out a size that HEAD did not tell: by reading a byte, or by the listing."""
    request = S3Request("s3:GetObject", "GET", key, headers={"range": "bytes=0-0"})
    try:
        response = await calls.open(request)
        await response.aclose()
        size = size_in(response.headers)
    except AwsRefused as refused:
        # An empty object has no first byte.
        size = 0 if refused.details.get("aws_code") in {"InvalidRange", "416"} else None
    if size is not None:
        return size
    for listed in (await fetch_page(calls, prefix=key, limit=1)).objects:
        if listed.path == key:
            return listed.size
    raise not_understood("s3:HeadObject", "the store does not say how large the object is")


async def read(calls: BucketCalls, key: str, byte_range: str) -> ObjectReading:
    """Open an object. Raises AwsRefused, AwsUnavailable; the bytes raise them too."""
    # Several ranges come as a message that has parts, whose bytes are none of the object's; to send
    # the whole instead is every server's right.
    one = byte_range if "," not in byte_range else ""
    request = S3Request("s3:GetObject", "GET", key, headers={"range": one} if one else {})
    response = await calls.open(request)
    length = response.headers.get("content-length", "")
    size = int(length) if length.isascii() and length.isdigit() else None
    wrong = _contradiction(response, one, size)
    if wrong:
        await response.aclose()
        raise not_understood(request.doing, wrong)
    is_part = bool(one) and response.status_code == _PARTIAL
    return ObjectReading(
        size=size,
        chunks=_ClosingBody(
            response, _body(calls, key, response, _RemainingBody.of(response.headers, size))
        ),
        content_range=response.headers["content-range"] if is_part else "",
        content_encoding=encoding_of(response.headers),
        etag=plain_etag(response.headers.get("etag", "")),
        headers={name: response.headers[name] for name in _TOLD if name in response.headers},
    )


def _contradiction(response: httpx2.Response, asked: str, size: int | None) -> str:
    """Tell what is wrong with an answer that is to be an object, or the part that was asked for;
    empty if nothing is."""
    if response.status_code == _WHOLE:
        return ""
    told = _PARTS.fullmatch(response.headers.get("content-range", "").strip())
    if response.status_code != _PARTIAL or told is None:
        return f"it is an answer {response.status_code} that has no object's bytes"
    first, last, total = int(told[1]), int(told[2]), told[3]
    if size not in {None, last - first + 1}:
        return "it tells two lengths of the part that it sends"
    if not asked:
        whole = first == 0 and total in {"*", str(last + 1)}
        return "" if whole else "it sends a part of the object where all of it was asked for"
    begun = _FROM.match(asked)
    return "" if begun is None or int(begun[1]) == first else "it sends another part than was asked"


class _ClosingBody(AsyncGenerator[bytes]):
    """A body; to close it closes its answer too, also where nobody has begun to read: a generator
    that has not begun does nothing at its end, and its connection would never be free again."""

    def __init__(self, response: httpx2.Response, body: AsyncGenerator[bytes]) -> None:
        self._response = response
        self._body = body

    async def asend(self, value: None) -> bytes:
        return await self._body.asend(value)

    async def athrow(self, *error: Any) -> bytes:
        return await self._body.athrow(*error)

    async def aclose(self) -> None:
        await self._body.aclose()
        await self._response.aclose()


@dataclass(slots=True)
class _RemainingBody:
    """What is still to come of a body: the object's bytes from ``at`` to ``last`` (None: its end),
    as long as its ETag is this one."""

    etag: str
    at: int
    last: int | None

    @classmethod
    def of(cls, headers: Mapping[str, str], size: int | None) -> _RemainingBody:
        """Return what an answer is about to send."""
        part = _PART.match(headers.get("content-range", ""))
        at = int(part[1]) if part else 0
        return cls(headers.get("etag", ""), at, None if size is None else at + size - 1)

    @property
    def can_be_resumed(self) -> bool:
        """Tell whether another answer can be held to the same object."""
        return self.etag.startswith('"')

    def is_first_of(self, response: httpx2.Response) -> bool:
        """Tell whether an answer goes on just here, in the same object."""
        part = _PART.match(response.headers.get("content-range", ""))
        goes_on = part is not None and int(part[1]) == self.at
        return response.status_code == _PARTIAL and goes_on and self._is_same(response)

    def _is_same(self, response: httpx2.Response) -> bool:
        return str(response.headers.get("etag", "")) == self.etag


async def _body(
    calls: BucketCalls, key: str, response: httpx2.Response, rest: _RemainingBody
) -> AsyncGenerator[bytes]:
    """Iterate over a body. Where its connection breaks, the rest is asked for, of the same object
    only: what is put together of two versions is worse than what ends early."""
    left = _RESUMED
    while True:
        kind = ""
        try:
            async for chunk in response.aiter_raw(_CHUNK):
                rest.at += len(chunk)
                yield chunk
        except httpx2.HTTPError as error:
            kind = type(error).__name__
        finally:
            await response.aclose()
        if not kind or (rest.last is not None and rest.at > rest.last):
            return
        if not left or not rest.can_be_resumed:
            raise unreachable(OSError(), "s3:GetObject", kind=kind)
        left -= 1
        response = await _resumed(calls, key, rest)


async def _resumed(calls: BucketCalls, key: str, rest: _RemainingBody) -> httpx2.Response:
    """Ask for the rest of a body. Raises AwsRefused where there is another object by now."""
    last = "" if rest.last is None else rest.last
    headers = {"range": f"bytes={rest.at}-{last}", "if-match": rest.etag}
    try:
        response = await calls.open(S3Request("s3:GetObject", "GET", key, headers=headers))
    except PreconditionFailed:
        raise _written_over() from None
    if not rest.is_first_of(response):
        await response.aclose()
        raise _written_over()
    return response


def _written_over() -> AwsRefused:
    return AwsRefused(
        "The connection to the store broke, and what is there now is not known to be the object "
        "that was being read.",
        hint="Read it again from its beginning.",
    )


def written(storage_class: str, content_type: str, content_encoding: str) -> dict[str, str]:
    """Return the headers of an object that is written."""
    headers = {
        "content-type": content_type,
        "content-encoding": content_encoding,
        "x-amz-storage-class": storage_class,
    }
    return {name: value for name, value in headers.items() if value}


async def put(
    calls: BucketCalls,
    key: str,
    body: bytes,
    headers: Mapping[str, str],
    condition: Condition | None,
) -> str:
    """Write an object in one request and return its ETag. Raises AwsRefused, AwsUnavailable,
    PreconditionFailed."""
    request = S3Request(
        *("s3:PutObject", "PUT", key),
        headers={**headers, **conditioned(condition)},
        body=body,
        payload_hash=hashlib.sha256(body).hexdigest(),
        repeatable=condition is None,
    )
    async with ConditionalWrite(condition):
        answer = await calls.fetch(request)
    if answer.body.strip():
        # A page of something between, say: who knows where the object went.
        raise not_understood(request.doing, "an object that was written has no such answer")
    return plain_etag(answer.headers.get("etag", ""))


async def write(
    calls: BucketCalls,
    key: str,
    chunks: AsyncIterator[bytes],
    headers: Mapping[str, str],
    condition: Condition | None,
    begun: UploadBegun | None = None,
) -> Stored:
    """Write an object as its bytes come. Raises AwsRefused, AwsUnavailable, PreconditionFailed."""
    counted = CountedBody(chunks)
    parts = parted(counted.pass_on())
    first = await anext(parts, b"")
    second = await anext(parts, b"") if len(first) >= PART_BYTES else b""
    if not second:
        etag = await put(calls, key, first, headers, condition)
    else:
        async with ConditionalWrite(condition):
            upload = Multipart(calls, key, condition, begun)
            etag = plain_etag(await upload.send(chained(first, second, parts), headers))
    stored = stored_from(*await require(calls, key))
    if etag and stored.etag == etag and stored.size != counted.size:
        raise not_understood("s3:HeadObject", "it tells another size than was written")
    return stored


class CountedBody:
    """Chunks that are counted as they pass; ``size`` in bytes."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.size = 0

    async def pass_on(self) -> AsyncIterator[bytes]:
        """Iterate over the chunks."""
        async for chunk in self._chunks:
            self.size += len(chunk)
            yield chunk


async def restore(calls: BucketCalls, key: str, days: int) -> None:
    """Ask for an archived object. Raises AwsRefused, AwsUnavailable."""
    body = (
        f"<RestoreRequest><Days>{days}</Days><GlacierJobParameters><Tier>Standard</Tier>"
        "</GlacierJobParameters></RestoreRequest>"
    ).encode()
    request = S3Request(
        *("s3:RestoreObject", "POST", key, {"restore": ""}),
        {"content-type": "application/xml"},
        body,
        hashlib.sha256(body).hexdigest(),
    )
    try:
        await calls.fetch(request)
    except AwsRefused as refused:
        if refused.details.get("aws_code") != "RestoreAlreadyInProgress":
            raise


class ConditionalWrite:
    """A write under a condition: that the object is not there at all breaks it too."""

    def __init__(self, condition: Condition | None) -> None:
        self._condition = condition

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._condition is None or not isinstance(error, AwsRefused):
            return
        if error.details.get("aws_code") in NOT_THERE and self._condition.etag:
            raise PreconditionFailed(
                "The object that was to be replaced is gone: nothing was changed.",
                hint="Look at what is there now, and try again.",
                **error.details,
            ) from None
