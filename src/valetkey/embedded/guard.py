"""The door in front of MiniStack: its back doors are shut, faults are injected, calls counted.

MiniStack is made for development: some key ids are root with any secret, ListBuckets answers
anybody, and ``/_ministack`` controls it. None of that may be reachable once an administrator's
key exists, or nothing that is tested here would be proven.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from xml.sax.saxutils import escape

from valetkey.embedded.faults import Fault, Faults, Kind
from valetkey.embedded.requests import Call, headers_of, is_form, read_call
from valetkey.embedded.rules import Refusal, refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

BOOTSTRAP_HEADER: Final = "x-valetkey-embedded-bootstrap"
_ROOT: Final = re.compile(r"\d{12}|test")
_CONTROL: Final = ("/_ministack", "/_localstack", "/_aws", "/health", "/_")
_MAX_FORM: Final = 1 << 20
_INVALID_KEY: Final = Refusal(
    403, "InvalidClientTokenId", "The security token included in the request is invalid."
)
_INVALID_S3_KEY: Final = Refusal(
    403,
    "InvalidAccessKeyId",
    "The AWS Access Key Id you provided does not exist in our records.",
)
_DENIED: Final = Refusal(403, "AccessDenied", "Access Denied")
_UNSIGNED: Final = Refusal(
    403, "MissingAuthenticationToken", "Request is missing Authentication Token"
)


class Guard:
    """An ASGI application around MiniStack's."""

    def __init__(self, app: App, root_key_id: str, bootstrap_token: str) -> None:
        self._app = app
        self._root_key_id = root_key_id
        self._token = bootstrap_token
        self.faults = Faults()
        self.calls: list[Call] = []

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = headers_of(scope)
        if hmac.compare_digest(headers.get(BOOTSTRAP_HEADER, ""), self._token):
            await self._app(scope, receive, send)
            return
        body = await _read(receive) if is_form(headers) else None
        call = read_call(scope, body or b"")
        refused = self._shut(call) or refusal(call)
        if refused is not None:
            await _answer(send, call, refused)
            return
        self.calls.append(call)
        fault = self.faults.strike(call)
        inner = receive if body is None else _replay(body, receive)
        if fault is None:
            await self._app(scope, inner, send)
        else:
            await self._befall(fault, call, scope, inner, send)

    def _shut(self, call: Call) -> Refusal | None:
        if call.path.startswith(_CONTROL):
            return _DENIED
        if call.key_id and (call.key_id == self._root_key_id or _ROOT.fullmatch(call.key_id)):
            return _INVALID_S3_KEY if call.service == "s3" else _INVALID_KEY
        if not call.key_id and (call.service != "s3" or call.path.strip("/") == ""):
            return _DENIED if call.service == "s3" else _UNSIGNED
        return None

    async def _befall(
        self, fault: Fault, call: Call, scope: Any, receive: Receive, send: Send
    ) -> None:
        if fault.kind is Kind.ERROR:
            await _answer(send, call, Refusal(fault.status, fault.code, fault.message))
        elif fault.kind is Kind.GARBAGE:
            await _send(send, 200, b"\x00\xffnot what AWS says")
        elif fault.kind is Kind.HANG:
            await fault.hang()
            raise ConnectionAbortedError("released after a hang")
        elif fault.kind is Kind.LOST_ANSWER:
            await self._app(scope, receive, _swallow)
            raise ConnectionAbortedError("the answer was lost on purpose")
        else:
            raise ConnectionAbortedError("cut on purpose")


async def _swallow(message: Message) -> None:
    """Take an answer that nobody is to see."""


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > _MAX_FORM or not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


async def _answer(send: Send, call: Call, refused: Refusal) -> None:
    code, message = escape(refused.code), escape(refused.message)
    if call.service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    else:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error><RequestId>guard</RequestId></ErrorResponse>"
        )
    await _send(send, refused.status, b"" if call.method == "HEAD" else text.encode())


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
