"""A client's connection: uvicorn's, with limits on what comes in, and a short way through it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from valetkey.serving.buffered import BufferedRequest, Header, PendingResponse, Shortcut
from valetkey.serving.stop_response import with_stop_response

#: A client has so long for a request's head, and for each piece of its body. Proxies that keep
#: connections give up on idle ones after a minute, and should be first.
WAIT_SECONDS: Final = 75
#: So much of a head, without its end, is enough.
_MOST_HEAD: Final = 64 * 1024
#: A longer body is not waited for: it is streamed.
_MOST_BODY: Final = 64 * 1024


def _refusal(status: int, code: str, message: str, hint: str) -> bytes:
    body = json.dumps({"message": message, "code": code, "hint": hint}).encode()
    headers = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    return STATUS_LINE[status] + headers % len(body) + body


_NOT_HTTP: Final = _refusal(
    400, "invalid_input", "This can't be read as an HTTP/1.1 request.", "Use an HTTP library."
)
_TOO_LARGE: Final = _refusal(
    431, "request_header_too_large", "The request has over 64 KiB of headers.", "Send fewer."
)
#: A request that has one of these twice is read differently by whoever stands in between.
_ONCE: Final = (b"authorization", b"host")


def _twice(name: bytes) -> bytes:
    return _refusal(
        400,
        "invalid_input",
        f"The request has two headers {name.decode().title()}.",
        "Send one of them.",
    )


class Connection(HttpToolsProtocol):
    """Reads requests, one after another, and has the application answer them.

    uvicorn reads heads of any length, for any time; this does not. A request that the ``shortcut``
    answers is waited for and answered as a :class:`BufferedRequest`, which costs a third less than
    the streams that every other request gets.
    """

    def __init__(self, *, shortcut: Shortcut, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.app = with_stop_response(self.app)
        self._shortcut = shortcut
        self._whole: BufferedRequest | None = None
        self._is_in_head = True
        self._objection = b""
        #: What the client has not taken of an answer, and since when it is as much.
        self._unread, self._unread_since = 0, 0.0
        #: What came since the last request was read to its end; it says something within a head.
        self._head_bytes = 0
        #: When a head began to be waited for, or the last piece of a body came.
        self._waiting_since = self.loop.time()

    def end_if_overdue(self, now: float) -> None:
        """Close if the client is waited for too long; ``now`` is the loop's time."""
        if self._reads_nothing(now):
            self.transport.abort()
            return
        if self.flow.read_paused or (self._is_in_head and not self._is_free()):
            self._waiting_since = now
        elif now - self._waiting_since > WAIT_SECONDS:
            self.transport.close()

    def _reads_nothing(self, now: float) -> bool:
        """Tell whether an answer waits for a client that has taken nothing of it for too long."""
        unread = self.transport.get_write_buffer_size() if self.flow.write_paused else 0
        if unread == 0 or unread != self._unread:
            self._unread, self._unread_since = unread, now
        return unread > 0 and now - self._unread_since > WAIT_SECONDS

    def last_headers(self) -> Iterable[Header]:
        return self.server_state.default_headers

    def is_answered(self) -> None:
        self._waiting_since = self.loop.time()
        if self.pipeline:
            super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > _MOST_HEAD:
            self._refuse(_TOO_LARGE)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's wording
        self._refuse(self._objection or _NOT_HTTP)

    def _object(self) -> bytes:
        """Return how a head is refused, though it can be read; nothing if it is not."""
        # The count is of all that came at once: only a large one needs a closer look.
        if self._head_bytes > _MOST_HEAD:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > _MOST_HEAD:
                return _TOO_LARGE
        names = [name for name, _ in self.headers]
        for name in _ONCE:
            if names.count(name) > 1:
                return _twice(name)
        return b""

    def on_headers_complete(self) -> None:
        self._objection = self._object()
        if self._objection:
            raise ValueError("the head is refused")  # it ends the parsing, and is answered above
        self._is_in_head, self._waiting_since = False, self.loop.time()
        path, _, query = self.url.partition(b"?")
        method = self.parser.get_method()
        if self._shortcut.is_buffered(method, path) and self._is_plain():
            self.scope["method"], self.scope["path"] = method.decode(), path.decode()
            self.scope["raw_path"], self.scope["query_string"] = path, query
            self._whole = BufferedRequest(self)
            self.cycle = self._whole  # type: ignore[assignment]  # has what is asked of a cycle
        else:
            super().on_headers_complete()
        # What follows a body in chunks goes here: it is not what stood in front of it.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._waiting_since = self.loop.time()
        whole = self._whole
        if whole is None:
            super().on_body(body)
        elif len(whole.body) + len(body) <= _MOST_BODY:
            whole.body += body
        else:
            self._stream(whole.body + body)

    def on_message_complete(self) -> None:
        self._is_in_head, self._head_bytes = True, 0
        whole, self._whole = self._whole, None
        if whole is None:
            super().on_message_complete()
            return
        work = self._shortcut.respond(whole, self.scope)
        if work is not None:
            whole.start(work)

    def start(self, work: PendingResponse) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_response_complete(self) -> None:
        self._waiting_since = self.loop.time()
        super().on_response_complete()

    def _is_plain(self) -> bool:
        """Tell whether nothing about a request and the connection needs uvicorn's attention."""
        parser = self.parser
        return (
            self._is_free()
            and self._has_room()
            # What a client does not take waits in memory: only as long as it takes all at once.
            and not self.flow.write_paused
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and b"#" not in self.url
        )

    def _has_room(self) -> bool:
        most = self.config.limit_concurrency
        return most is None or len(self.connections) < most

    def _is_free(self) -> bool:
        cycle = self.cycle
        return cycle is None or cycle.response_complete  # type: ignore[redundant-expr]  # none at first

    def _stream(self, begun: bytes) -> None:
        """Have uvicorn go on with a request whose body has begun."""
        self._whole = self.cycle = None  # type: ignore[assignment]  # uvicorn begins like that
        super().on_headers_complete()
        super().on_body(begun)

    def _refuse(self, answer: bytes) -> None:
        """End the connection, with a word if none is being said."""
        if not self.transport.is_closing():
            if self._is_free() or self._whole is not None:
                self.transport.write(answer)
            self.transport.close()
