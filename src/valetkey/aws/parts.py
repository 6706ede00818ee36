"""Writing an object of unknown size: at once if it is small, else in parts, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from valetkey.domain.errors import AwsRefused, AwsUnavailable, TooLarge

PART: Final = 8 << 20
#: S3 takes 10,000 parts; their size doubles every thousandth, so that 5 TiB fit.
_DOUBLED_AFTER: Final = 1000
_MOST_BYTES: Final = 5 << 40
_AT_ONCE: Final = 4

Call = Callable[..., Awaitable[dict[str, Any]]]


class Parts:
    """One object's way into a bucket. ``call`` makes a call of S3 about it; ``options`` are those
    of the object (storage class, content type)."""

    def __init__(self, call: Call, options: Mapping[str, Any]) -> None:
        self._call = call
        self._options = options
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._tasks: list[asyncio.Task[dict[str, Any]]] = []
        self._upload_id = ""
        self._size = 0

    async def write(self, chunks: AsyncIterator[bytes]) -> tuple[dict[str, Any], int]:
        """Write what comes; returns S3's last answer and the size.

        Raises AwsRefused, AwsUnavailable, TooLarge, and what ``chunks`` raises; then no object
        appears.
        """
        try:
            last = await self._write_parts(chunks)
            if not self._upload_id:
                answer = await self._call("PutObject", Body=bytes(last), **self._options)
                return answer, self._size
            if last:
                await self._send(last)
            return await self._complete(), self._size
        except BaseException:
            await self._give_up()
            raise

    async def _write_parts(self, chunks: AsyncIterator[bytes]) -> bytearray:
        """Send full parts as they fill; returns what is left."""
        buffer = bytearray()
        async for chunk in chunks:
            self._size += len(chunk)
            if self._size > _MOST_BYTES:
                raise TooLarge("An object has at most 5 TiB.", hint="Split it.")
            buffer += chunk
            while len(buffer) > (wanted := self._part_size()):
                await self._send(buffer[:wanted])
                del buffer[:wanted]
        return buffer

    def _part_size(self) -> int:
        return PART << (len(self._tasks) // _DOUBLED_AFTER)

    async def _send(self, part: bytearray) -> None:
        if not self._upload_id:
            answer = await self._call("CreateMultipartUpload", **self._options)
            self._upload_id = str(answer["UploadId"])
        await self._gate.acquire()
        self._raise_failed()
        task = asyncio.create_task(self._upload(len(self._tasks) + 1, bytes(part)))
        self._tasks.append(task)

    async def _upload(self, number: int, body: bytes) -> dict[str, Any]:
        try:
            answer = await self._call(
                "UploadPart", UploadId=self._upload_id, PartNumber=number, Body=body
            )
        finally:
            self._gate.release()
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def _raise_failed(self) -> None:
        """Stop at the first part that failed, not at the end."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and task.exception() is not None:
                task.result()

    async def _complete(self) -> dict[str, Any]:
        parts = await asyncio.gather(*self._tasks)
        return await self._call(
            "CompleteMultipartUpload", UploadId=self._upload_id, MultipartUpload={"Parts": parts}
        )

    async def _give_up(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._upload_id:
            # The page's policy does not name this right; then S3 keeps the parts until a rule
            # of the bucket clears them, but no object appears.
            with suppress(AwsRefused, AwsUnavailable):
                await self._call("AbortMultipartUpload", UploadId=self._upload_id)
