"""What stands in front of MiniStack: back doors are shut, faults are injected, calls counted.

None of MiniStack's back doors (see ``doors``) may be reachable once an administrator's key exists,
or nothing that is tested here would be proven.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from valetkey.embedded.admission import shut
from valetkey.embedded.faults import Fault, FaultKind, Faults
from valetkey.embedded.requests import StandInCall, headers_of, is_form, read_call, read_claims
from valetkey.embedded.rules import TOO_LARGE, Refusal, refusal, skewed

AsgiMessage = MutableMapping[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]
App = Callable[[Any, AsgiReceive, AsgiSend], Awaitable[None]]

BOOTSTRAP_HEADER: Final = "x-valetkey-embedded-bootstrap"
_MAX_FORM: Final = 1 << 20


class Guard:
    """An ASGI application around MiniStack's.

    ``clock_offset`` is how far the stand-in's clock is ahead of the machine's: it shows in the
    ``Date`` of answers and in which signatures are too old or too new. Expiry times are not moved.
    """

    def __init__(self, app: App, bootstrap_token: str) -> None:
        self._app = app
        self._token = bootstrap_token.encode()
        self.faults = Faults()
        self.calls: list[StandInCall] = []
        self.clock_offset = timedelta()

    async def __call__(self, scope: Any, receive: AsgiReceive, send: AsgiSend) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._respond(scope, receive, self._dated(send))
        else:
            await _live(receive, send)

    async def _respond(self, scope: Any, receive: AsgiReceive, send: AsgiSend) -> None:
        headers = headers_of(scope)
        given = headers.get(BOOTSTRAP_HEADER, "").encode("latin-1")
        if hmac.compare_digest(given, self._token):
            await self._app(scope, receive, send)
            return
        body = await _read(receive) if is_form(headers) else b""
        if body is None:
            await _refuse(send, read_call(scope, b""), TOO_LARGE)
            return
        call, claims = read_call(scope, body), read_claims(scope, body)
        closed = shut(call, claims)
        if closed is not None:
            await _refuse(send, call, closed)
            return
        self.calls.append(call)
        refused = skewed(call, claims.signed_at, self._now()) or refusal(call)
        if refused is not None:
            await _refuse(send, call, refused)
            return
        fault = self.faults.strike(call)
        inner = _replay(body, receive) if is_form(headers) else receive
        if fault is None:
            await self._app(scope, inner, send)
        else:
            await self._befall(fault, call, scope, inner, send)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.clock_offset

    def _dated(self, send: AsgiSend) -> AsgiSend:
        async def dated(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                kept = [(n, v) for n, v in message.get("headers", ()) if n.lower() != b"date"]
                date = format_datetime(self._now(), usegmt=True).encode()
                message = {**message, "headers": [*kept, (b"date", date)]}
            await send(message)

        return dated

    async def _befall(
        self, fault: Fault, call: StandInCall, scope: Any, receive: AsgiReceive, send: AsgiSend
    ) -> None:
        if fault.kind is FaultKind.ERROR:
            await _refuse(send, call, Refusal(fault.status, fault.code, fault.message))
        elif fault.kind is FaultKind.GARBAGE:
            await _send(send, 200, b"\x00\xffnot what AWS says")
        else:
            if fault.kind is FaultKind.HANG:
                await fault.hang()
            elif fault.kind is FaultKind.LOST_RESPONSE:
                await self._app(scope, receive, _swallow)
            await _cut(send)


async def _live(receive: AsgiReceive, send: AsgiSend) -> None:
    """Start and stop without MiniStack's own start-up, which would open listeners on all addresses
    (MQTT, SFTP), run scripts that it finds on the machine, and clear up containers."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _swallow(message: AsgiMessage) -> None:
    """Take an answer that nobody is to see."""


async def _cut(send: AsgiSend) -> None:
    """Promise more than is sent, so that the server has to close the connection."""
    headers = [(b"content-type", b"text/xml"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<", "more_body": True})


async def _read(receive: AsgiReceive) -> bytes | None:
    """Return a form, or None for one that is larger than any that AWS takes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _MAX_FORM:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: AsgiReceive) -> AsgiReceive:
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> AsgiMessage:
        return pending.pop() if pending else await receive()

    return again


async def _refuse(send: AsgiSend, call: StandInCall, refused: Refusal) -> None:
    code, message = escape(refused.code), escape(refused.message)
    if call.service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    else:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error><RequestId>guard</RequestId></ErrorResponse>"
        )
    await _send(send, refused.status, b"" if call.method == "HEAD" else text.encode())


async def _send(send: AsgiSend, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
