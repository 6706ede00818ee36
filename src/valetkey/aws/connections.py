"""Connections to AWS, and to what speaks like it: one way to open them."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from typing import Final

import httpx

from valetkey.aws.settings import AwsSettings

_CONNECTIONS: Final = 64
#: Bodies are wanted as they are stored; with anything else, some stores also leave out the length.
_HEADERS: Final = {"accept-encoding": "identity", "user-agent": "valetkey"}


def open_connections(
    settings: AwsSettings,
    *,
    proxies: bool = True,
    read_timeout: float = 0.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Return a pool of connections, which follows no redirects.

    With ``proxies`` it heeds the environment's, as AWS's tools do. ``transport`` stands in for the
    network.
    """
    timeout = httpx.Timeout(read_timeout or settings.read_timeout, connect=settings.connect_timeout)
    return httpx.AsyncClient(
        timeout=timeout,
        limits=httpx.Limits(max_connections=_CONNECTIONS),
        headers=_HEADERS,
        # The name of AWS's tools for a file of one's own.
        verify=_authorities(os.environ.get("AWS_CA_BUNDLE", "")),
        trust_env=proxies,
        transport=transport,
    )


@lru_cache(maxsize=4)
def _authorities(bundle: str) -> ssl.SSLContext:
    """Return who is believed: the certificates of a file, or httpx's own choice. Reading them
    takes tens of milliseconds, so that all connections share them."""
    return ssl.create_default_context(cafile=bundle) if bundle else httpx.create_ssl_context()
