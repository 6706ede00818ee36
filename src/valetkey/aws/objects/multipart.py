"""Objects in parts: several on their way at once, all or nothing at the end."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Final

from valetkey.aws.errors import not_understood
from valetkey.aws.objects.headers import conditioned
from valetkey.aws.objects.http import BucketCalls, S3Request
from valetkey.aws.xml_responses import child_text, escaped
from valetkey.domain.errors import AwsRefused, ValetkeyError
from valetkey.domain.ports.objects import Condition, UploadBegun

_log: Final = logging.getLogger(__name__)
#: Parts under way; each is held in memory.
_AT_ONCE: Final = 4
#: S3 copies a gigabyte within itself in seconds, and other stores in minutes.
_COPY_SECONDS: Final = 600.0
_COMPLETE_SECONDS: Final = 600.0
#: Up to here an object is sent in one piece, and beyond it in parts of this size.
PART_BYTES: Final = 8 * 1024 * 1024


class Multipart:
    """One object in the making. All methods raise AwsRefused, AwsUnavailable, and
    PreconditionFailed where the condition does not hold in the end."""

    def __init__(
        self,
        calls: BucketCalls,
        key: str,
        condition: Condition | None = None,
        begun: UploadBegun | None = None,
    ) -> None:
        self._calls = calls
        self._key = key
        self._condition = condition
        self._begun = begun
        self._upload_id = ""

    async def send(self, parts: AsyncIterator[bytes], headers: Mapping[str, str]) -> str:
        """Write the object from parts of its bytes; what ``parts`` raises leaves nothing. Return
        its ETag."""
        await self._begin(headers)
        sending: set[asyncio.Task[None]] = set()
        etags: dict[int, str] = {}
        number = 0
        try:
            if self._begun is not None:
                await self._begun(self._upload_id)
            async for part in parts:
                number += 1
                sending.add(asyncio.create_task(self._part(number, part, etags)))
                if len(sending) >= _AT_ONCE:
                    done, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            await asyncio.gather(*sending)
            return await self._complete(etags)
        except BaseException:
            await self._give_up(sending)
            raise

    async def copy(
        self, source: Mapping[str, str], size: int, part_bytes: int, headers: Mapping[str, str]
    ) -> str:
        """Copy an object within S3, part by part; ``source`` are the headers that name it. Return
        the copy's ETag."""
        await self._begin(headers)
        copying: set[asyncio.Task[None]] = set()
        etags: dict[int, str] = {}
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int, start: int) -> None:
            async with gate:
                last = min(start + part_bytes, size) - 1
                ranged = {**source, "x-amz-copy-source-range": f"bytes={start}-{last}"}
                request = S3Request(
                    *("s3:UploadPartCopy", "PUT", self._key, self._named(number), ranged),
                    seconds=_COPY_SECONDS,
                )
                copied = await self._calls.element(request, "CopyPartResult")
                etags[number] = child_text(copied, "ETag")

        starts = enumerate(range(0, size, part_bytes), 1)
        try:
            if self._begun is not None:
                await self._begun(self._upload_id)
            copying = {asyncio.create_task(one(number, start)) for number, start in starts}
            await asyncio.gather(*copying)
            return await self._complete(etags)
        except BaseException:
            await self._give_up(copying)
            raise

    def _named(self, number: int) -> dict[str, str]:
        return {"partNumber": str(number), "uploadId": self._upload_id}

    async def _begin(self, headers: Mapping[str, str]) -> None:
        request = S3Request("s3:CreateMultipartUpload", "POST", self._key, {"uploads": ""}, headers)
        begun = await self._calls.element(request, "InitiateMultipartUploadResult")
        self._upload_id = child_text(begun, "UploadId")
        if not self._upload_id:
            raise not_understood(request.doing, "the upload has no id")

    async def _part(self, number: int, part: bytes, etags: dict[int, str]) -> None:
        digest = await asyncio.to_thread(lambda: hashlib.sha256(part).hexdigest())
        request = S3Request(
            *("s3:UploadPart", "PUT", self._key, self._named(number)),
            body=part,
            payload_hash=digest,
        )
        answer = await self._calls.fetch(request)
        etags[number] = answer.headers.get("etag", "")

    async def _complete(self, etags: Mapping[int, str]) -> str:
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escaped(etag)}</ETag></Part>"
            for number, etag in sorted(etags.items())
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        request = S3Request(
            "s3:CompleteMultipartUpload",
            "POST",
            self._key,
            {"uploadId": self._upload_id},
            {"content-type": "application/xml", **conditioned(self._condition)},
            body,
            hashlib.sha256(body).hexdigest(),
            seconds=_COMPLETE_SECONDS,
            repeatable=self._condition is None,
        )
        made = await self._calls.element(request, "CompleteMultipartUploadResult")
        return child_text(made, "ETag")

    async def _give_up(self, under_way: set[asyncio.Task[None]]) -> None:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await asyncio.shield(self._abort())

    async def _abort(self) -> None:
        try:
            await abort(self._calls, self._key, self._upload_id)
        except AwsRefused:
            # A policy of four actions does not let us: a rule of the bucket's cleans up.
            pass
        except ValetkeyError as error:
            _log.warning("an upload in parts was left unfinished: %s", error.message)


async def abort(calls: BucketCalls, key: str, upload_id: str) -> None:
    """Let go of an unfinished upload's parts; no error when it has ended already."""
    request = S3Request("s3:AbortMultipartUpload", "DELETE", key, {"uploadId": upload_id})
    try:
        await calls.fetch(request)
    except AwsRefused as refused:
        if refused.details.get("aws_code") not in {"NoSuchUpload", "404"}:
            raise


async def parted(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join chunks to parts of 8 MiB, the last one shorter. Ten thousand parts are the most that S3
    takes: they grow with the object, so that 400 GB fit."""
    waiting: list[memoryview] = []
    number, missing = 0, PART_BYTES
    async for chunk in chunks:
        rest = memoryview(chunk)
        while len(rest) >= missing:
            # Joined once, and let go before the next one is begun.
            part = b"".join([*waiting, rest[:missing]])
            waiting, rest = [], rest[missing:]
            yield part
            del part
            number += 1
            missing = PART_BYTES * (1 + number // 1000)
        if rest:
            waiting.append(rest)
            missing -= len(rest)
    if waiting:
        yield b"".join(waiting)


async def chained(first: bytes, second: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield two parts that were looked at, and the rest."""
    yield first
    yield second
    async for part in rest:
        yield part
