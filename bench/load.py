"""A load generator that is quicker than the servers it measures: one process, epoll, raw HTTP.

Every answer must be as long as the first one, so that it is counted without being parsed; an
answer of another length, or a connection that closes, ends the measurement with an error.
"""

from __future__ import annotations

import select
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

_CHUNK = 1 << 18


@dataclass(slots=True)
class Result:
    """What a run measured. ``latencies`` are in seconds, in no order."""

    requests: int
    seconds: float
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency that this share of requests stayed below, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def request(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Return the bytes of a request on a connection that is kept."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Kept:
    """One connection, asked again and again."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, payload: bytes) -> bytes:
        """Send one request; return the whole answer."""
        self._connection.sendall(payload)
        return _whole(self._connection)

    def close(self) -> None:
        self._connection.close()


def ask(port: int, payload: bytes) -> bytes:
    """Send one request on a connection of its own; return the whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(payload)
        return _whole(connection)


def _whole(connection: socket.socket) -> bytes:
    answer = bytearray()
    while b"\r\n\r\n" not in answer:
        answer += _received(connection)
    start = answer.index(b"\r\n\r\n") + 4
    for line in bytes(answer[:start]).lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            end = start + int(line.partition(b":")[2])
            while len(answer) < end:
                answer += _received(connection)
            return bytes(answer)
    while not answer.endswith(b"0\r\n\r\n"):
        answer += _received(connection)
    return bytes(answer)


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(_CHUNK)
    if not data:
        raise ConnectionError("the server closed the connection")
    return data


def hammer(port: int, payload: bytes, *, connections: int, seconds: float) -> Result:
    """Ask again and again on each connection for some seconds."""
    length = len(ask(port, payload))
    sockets = _connected(port, connections)
    poll = select.epoll()
    missing: dict[int, int] = {}
    sent_at: dict[int, float] = {}
    latencies: list[float] = []
    for number, connection in sockets.items():
        poll.register(number, select.EPOLLIN)
        missing[number] = length
        sent_at[number] = time.perf_counter()
        connection.send(payload)
    start = time.perf_counter()
    end = start + seconds
    now = start
    while now < end:
        for number, _ in poll.poll(1):
            connection = sockets[number]
            missing[number] -= len(_received(connection))
            if missing[number] == 0:
                now = time.perf_counter()
                latencies.append(now - sent_at[number])
                sent_at[number] = now
                missing[number] = length
                connection.send(payload)
            elif missing[number] < 0:
                raise ValueError("an answer was longer than the first one")
        now = time.perf_counter()
    poll.close()
    for connection in sockets.values():
        connection.close()
    return Result(len(latencies), now - start, latencies)


def burst(port: int, payloads: Sequence[bytes]) -> list[bytes]:
    """Open a connection for each payload, then send all of them at once; return the answers."""
    sockets = list(_connected(port, len(payloads)).values())
    for connection, payload in zip(sockets, payloads, strict=True):
        connection.send(payload)
    answers = []
    for connection in sockets:
        connection.setblocking(True)
        answers.append(_whole(connection))
        connection.close()
    return answers


def _connected(port: int, count: int) -> dict[int, socket.socket]:
    sockets = {}
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        sockets[connection.fileno()] = connection
    return sockets


def _keep_asking(port: int, payload: bytes) -> None:
    while True:
        with suppress(OSError):
            ask(port, payload)


def main() -> None:
    """``python -m bench.load PORT CLIENTS``: ask for what comes on the standard input, until
    killed."""
    port, clients = (int(word) for word in sys.argv[1:3])
    payload = sys.stdin.buffer.read()
    threads = [threading.Thread(target=_keep_asking, args=(port, payload)) for _ in range(clients)]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
