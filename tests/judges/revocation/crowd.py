"""Clients that vend at full speed, and what they got in their hands."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from support.aws import REGION
from valetkey.aws.signing import UnsignedRequest, signed_headers
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.secret import Secret

#: How long anything is waited for.
PATIENCE: Final = 120.0
#: What a client that was refused waits before it asks again.
_PAUSE: Final = 0.02
#: What may be said to a client whose right is being taken: anything else is a fault.
_REFUSALS: Final = frozenset({401, 403, 404, 409, 503})


@dataclass(frozen=True, slots=True)
class Handed:
    """A credential that a client got. ``asked_at`` and ``received_at`` are of the monotonic clock:
    when the request was about to be sent, and when the answer was there."""

    asked_at: float
    received_at: float
    lease_id: str
    bucket: str
    prefix: str
    credentials: TemporaryCredentials


@dataclass(frozen=True, slots=True)
class Holder:
    """Who vends, from where."""

    token: str
    location_id: str


def connect(url: str) -> http.client.HTTPConnection:
    """Return a connection that waits for no answer for ever."""
    where = urlsplit(url)
    return http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)


@dataclass
class Crowd:
    """Clients, each in a thread, that vend another scope each time: each is a session of its own.

    ``urls`` are the servers, which the clients share out among themselves.
    """

    urls: Sequence[str]
    holder: Holder
    clients: int = 8
    handed: list[Handed] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _is_over: bool = False

    def start(self) -> None:
        """Let them go."""
        for number in range(self.clients):
            thread = threading.Thread(target=self._vend, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait_for(self, count: int) -> None:
        """Wait until so many credentials are in their hands. Raises TimeoutError."""
        until, had = time.monotonic() + PATIENCE, -1
        while (have := len(self.handed)) < count:
            if have > had:
                had, until = have, time.monotonic() + PATIENCE
            if self.odd or time.monotonic() > until:
                raise TimeoutError(f"{have} of {count} credentials; {self.refused}; {self.odd[:3]}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End them. Raises AssertionError if one of them was answered what nobody expects."""
        self._is_over = True
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads)
        assert not self.odd, self.odd[:3]

    def _vend(self, number: int) -> None:
        connection, turn = connect(self.urls[number % len(self.urls)]), 0
        try:
            while not self._is_over:
                turn += 1
                self.ask(connection, f"c{number}/{turn}")
        except (OSError, http.client.HTTPException) as error:
            self.odd.append(repr(error))
        finally:
            connection.close()

    def ask(self, connection: http.client.HTTPConnection, prefix: str) -> None:
        """Ask for one folder, and keep what comes."""
        headers = {
            "authorization": f"Bearer {self.holder.token}",
            "content-type": "application/json",
        }
        body = {"prefixes": [prefix], "access": ["list", "read"], "ttlSeconds": 900}
        path, asked_at = f"/v1/locations/{self.holder.location_id}/credentials", time.monotonic()
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        self._take(answer.status, answer.read(), asked_at)

    def _take(self, status: int, text: bytes, asked_at: float) -> None:
        received_at = time.monotonic()
        if status in _REFUSALS:
            self.refused[status] += 1
            time.sleep(_PAUSE)
        elif status not in {200, 201}:
            self.odd.append(f"{status}: {text[:300]!r}")
        else:
            self.handed.append(_handed(json.loads(text), asked_at, received_at))


def vend(url: str, holder: Holder, prefix: str) -> Handed:
    """Vend once, as a client that asks again when it is told to (503)."""
    crowd = Crowd([url], holder, clients=1)
    until = time.monotonic() + PATIENCE
    while not crowd.handed:
        with closing(connect(url)) as connection:
            crowd.ask(connection, prefix)
        assert time.monotonic() < until, crowd.refused
        assert crowd.refused.keys() <= {503}, crowd.refused
        assert not crowd.odd, crowd.odd
    return crowd.handed[0]


def _handed(body: dict[str, Any], asked_at: float, received_at: float) -> Handed:
    credentials = TemporaryCredentials(
        body["accessKeyId"],
        Secret(body["secretAccessKey"]),
        Secret(body["sessionToken"]),
        datetime.fromisoformat(body["expiresAt"]),
    )
    (prefix,) = body["prefixes"]
    return Handed(asked_at, received_at, body["leaseId"], body["bucket"], prefix, credentials)


class Store:
    """S3, as whoever holds a credential uses it."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._connection = connect(endpoint)

    def works(self, handed: Handed) -> bool:
        """Tell whether a credential still opens what it was made for: lists its folder."""
        query = {"list-type": "2", "max-keys": "1", "prefix": handed.prefix}
        call = UnsignedRequest("GET", self._endpoint, f"/{handed.bucket}", query, {})
        headers = signed_headers(call, handed.credentials, REGION, datetime.now(UTC))
        self._connection.request("GET", f"{call.target}?{call.query_text}", headers=headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status == http.client.OK:
            return True
        assert answer.status == http.client.FORBIDDEN, (answer.status, text)
        assert b"AccessDenied" in text, text
        return False

    def close(self) -> None:
        self._connection.close()
