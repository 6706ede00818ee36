"""Ports that are known before somebody listens on them, and while nobody does."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def held_port() -> Iterator[int]:
    """A port of the system's choice, for whoever asks for it by its number.

    It is bound, and not listened on: until the block ends the system gives it to nobody who asks
    for any port, nor to a connection that goes out.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port
