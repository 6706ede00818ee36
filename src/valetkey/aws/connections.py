"""Connections to AWS, and to what speaks like it: one way to open them."""

from __future__ import annotations

import os
import ssl
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
        verify=_authorities(),
        trust_env=proxies,
        transport=transport,
    )


def _authorities() -> ssl.SSLContext | bool:
    """Return who is believed: ``AWS_CA_BUNDLE`` names a file of one's own, as for AWS's tools."""
    bundle = os.environ.get("AWS_CA_BUNDLE", "")
    return ssl.create_default_context(cafile=bundle) if bundle else True
