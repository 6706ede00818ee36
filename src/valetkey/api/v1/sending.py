"""Sending answers: whole ones, lines as they are made, and bytes as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any, Final

import structlog

from valetkey.api.v1.calls import ContentResponse, LinesResponse
from valetkey.api.v1.request import ApiRequest
from valetkey.domain.idempotency import KeptResponse
from valetkey.wire.operation import CONTENT

_WITHOUT_BODY: Final = frozenset({204, 304})
_log = structlog.get_logger("valetkey.api")


async def send_response(
    answer: KeptResponse | LinesResponse | ContentResponse,
    request: ApiRequest,
    send: Any,
    *,
    version: str,
) -> None:
    """Send an answer; HEAD gets its headers alone. A client that hangs up ends what is streamed."""
    own = (b"valetkey-version", version.encode())
    if isinstance(answer, LinesResponse):
        headers = [own, (b"content-type", answer.media_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _stream(answer.body, request, send)
        return
    if isinstance(answer, ContentResponse):
        headers = [own, *answer.headers]
        if answer.size is not None:
            headers.append((b"content-length", b"%d" % answer.size))
        if not 300 <= answer.status < 400:  # noqa: PLR2004  # a redirect has no bytes of a kind
            headers.append((b"content-type", CONTENT.encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await _stream(answer.chunks or _nothing(), request, send)
        return
    headers = [*answer.headers, own]
    if answer.body:
        headers.append((b"content-type", b"application/json"))
    if answer.status not in _WITHOUT_BODY:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    body = b"" if request.method == "HEAD" else answer.body
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


async def _stream(chunks: AsyncIterator[bytes], request: ApiRequest, send: Any) -> None:
    """Send chunks until they end or the client hangs up: nobody reads on for one who has gone."""
    pumping = asyncio.create_task(_pump(chunks, request, send))
    gone = asyncio.create_task(request.hung_up())
    try:
        await asyncio.wait({pumping, gone}, return_when=asyncio.FIRST_COMPLETED)
        if pumping.done():
            pumping.result()
    finally:
        for each in (pumping, gone):
            each.cancel()
        await asyncio.gather(pumping, gone, return_exceptions=True)
        if isinstance(chunks, AsyncGenerator):
            with suppress(RuntimeError):  # it is being closed already
                await chunks.aclose()


async def _pump(chunks: AsyncIterator[bytes], request: ApiRequest, send: Any) -> None:
    try:
        if request.method != "HEAD":
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except Exception as error:
        # Too late for a status: the answer ends in the middle, and the client sees that.
        _log.error("answer cut short", request_id=request.request_id, exc_info=error)
        raise
    await send({"type": "http.response.body", "body": b"", "more_body": False})
