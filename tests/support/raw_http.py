"""Requests as an attacker writes them: no client library tidies them up."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class RawResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    endpoint: str,
    method: str,
    path: str,
    headers: Mapping[str, str | bytes] | None = None,
    body: bytes | None = None,
) -> RawResponse:
    """Send one request and read its answer; header names come back in lower case."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=90)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return RawResponse(answer.status, found, answer.read())
    finally:
        connection.close()
