"""The connections of a client: made when they are wanted, and what the environment says of proxies
and certificates told in words."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2

from valetkey.sdk.errors import InvalidRequest, MissingPackage, client_closed
from valetkey.sdk.transport import is_loopback

H = TypeVar("H")
#: What TLS is spoken with where none is: whatever certificate the other side has, it is refused.
NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
#: Seconds to reach a server.
_CONNECT = 5.0


def connect(kind: Callable[..., H], url: str, timeout: float) -> H:
    """Make one of httpx2's two clients. This machine is never reached through a proxy. Raises
    InvalidRequest, MissingPackage."""
    limit = httpx2.Timeout(timeout, connect=min(timeout, _CONNECT))
    parts = urlsplit(url)
    is_here = is_loopback(parts.hostname or "")
    # To read whom to believe takes 25 ms; who speaks to this machine in the clear believes nobody.
    believed = NOBODY if is_here and parts.scheme == "http" else True
    try:
        return kind(base_url=url, timeout=limit, trust_env=not is_here, verify=believed)
    except ImportError:
        raise MissingPackage(
            "The environment names a SOCKS proxy, and the library for it is not installed.",
            hint="pip install 'httpx2[socks]', or see ALL_PROXY and HTTPS_PROXY.",
        ) from None
    except (ValueError, OSError, httpx2.InvalidURL) as error:
        raise InvalidRequest(
            f"What the environment says of proxies or certificates can't be used: {error}.",
            hint="See HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
        ) from None


class LoopConnections:
    """The asynchronous connections of each event loop: none can be used in another one, so that a
    client that is kept over two ``asyncio.run``, or used in a forked child, has some for each.
    ``given`` are a caller's own, which are used wherever they are."""

    def __init__(self, make: Callable[[], httpx2.AsyncClient], given: Any = None) -> None:
        self._make = make
        self._given: httpx2.AsyncClient | None = given
        self._of_loops: dict[asyncio.AbstractEventLoop, httpx2.AsyncClient] = {}
        self._is_closed = False

    def here(self) -> httpx2.AsyncClient:
        """Return those of the loop that runs. Raises ClientClosed once closed."""
        if self._is_closed or (self._given is not None and self._given.is_closed):
            raise client_closed()
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        found = self._of_loops.get(loop)
        if found is None:
            for ended in [each for each in self._of_loops if each.is_closed()]:
                self._of_loops.pop(ended, None)
            found = self._of_loops[loop] = self._make()
        return found

    async def close(self) -> None:
        """Close those of this loop, and forget the others', but not what was given."""
        self._is_closed = True
        mine = self._of_loops.pop(asyncio.get_running_loop(), None)
        self._of_loops.clear()
        if mine is not None:
            await mine.aclose()
