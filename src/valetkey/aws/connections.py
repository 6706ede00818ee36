"""Connections to AWS, and to what speaks like it: one way to open them."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.request import getproxies

import httpx2

from valetkey.aws.direct import DirectConnections, DirectResponse, ResponseTooLong
from valetkey.aws.settings import AwsSettings
from valetkey.counting import counted

_CONNECTIONS: Final = 64
_PROXIES: Final = frozenset({"http", "https", "all"})
#: Bodies are wanted as they are stored; with anything else, some stores also leave out the length.
_HEADERS: Final = {"accept-encoding": "identity", "user-agent": "valetkey"}


def open_connections(
    settings: AwsSettings,
    *,
    proxies: bool = True,
    read_timeout: float = 0.0,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> httpx2.AsyncClient:
    """Return a pool of connections, which follows no redirects.

    With ``proxies`` it heeds the environment's, as AWS's tools do. ``transport`` stands in for the
    network.
    """
    timeout = httpx2.Timeout(
        read_timeout or settings.read_timeout, connect=settings.connect_timeout
    )
    return httpx2.AsyncClient(
        timeout=timeout,
        limits=httpx2.Limits(max_connections=_CONNECTIONS),
        headers=_HEADERS,
        # The name of AWS's tools for a file of one's own.
        verify=_authorities(os.environ.get("AWS_CA_BUNDLE", "")),
        trust_env=proxies,
        transport=transport,
    )


class PostConnections:
    """Connections for single POSTs with small answers: direct ones, or httpx2's where the
    environment names a proxy. ``transport`` stands in for the network."""

    def __init__(
        self, settings: AwsSettings, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        authorities = _authorities(os.environ.get("AWS_CA_BUNDLE", ""))
        self._direct = DirectConnections(authorities, settings.connect_timeout)
        self._client: httpx2.AsyncClient | None = None
        if transport is not None or _PROXIES & getproxies().keys():
            self._client = open_connections(settings, transport=transport)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, most: int
    ) -> DirectResponse:
        """Return the answer. Raises OSError (ResponseTooLong beyond ``most`` bytes), and what
        httpx2 raises."""
        if self._client is None:
            return await self._direct.post(url, {**_HEADERS, **headers}, body, most=most)
        content = bytearray()
        async with self._client.stream("POST", url, headers=headers, content=body) as answer:
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > most:
                    raise ResponseTooLong(f"The answer has more than {counted(most, 'byte')}.")
            return DirectResponse(answer.status_code, answer.headers, bytes(content))

    async def close(self) -> None:
        """Close all of them."""
        await self._direct.close()
        if self._client is not None:
            await self._client.aclose()


@lru_cache(maxsize=4)
def _authorities(bundle: str) -> ssl.SSLContext:
    """Return who is believed: the certificates of a file, or httpx2's own choice. Reading them
    takes 55 ms, so that all connections share them."""
    return ssl.create_default_context(cafile=bundle) if bundle else httpx2.create_ssl_context()
