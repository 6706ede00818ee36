"""An hour that passes at once, for libraries that read the machine's own clock.

boto3, s3fs, obstore and polars decide by the real time when to ask for new credentials, so a clock
can't be put into them. Instead the hour is taken out of the credentials. :class:`ShortLived` stands
between a client and a real server: what passes through are real sessions of the embedded AWS, but
they are said to end soon, and each request is for a session of its own (the server would hand out
its cached one again). :meth:`ShortLived.pass_an_hour` then ends at AWS whatever was handed out, so
that whoever goes on using it is refused, and puts the client's clock forward.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
from ministack.services.sts import _sessions

from support.server import Installation
from valetkey.sdk import Client

_numbers = itertools.count(1)


@dataclass
class ShortLived(httpx2.BaseTransport):
    """Passes requests on; says of credentials that they end ``lifetime`` from now."""

    lifetime: timedelta
    inner: httpx2.BaseTransport = field(default_factory=httpx2.HTTPTransport)
    handed_out: list[str] = field(default_factory=list)
    passed: timedelta = timedelta()

    def now(self) -> datetime:
        """The client's clock."""
        return datetime.now(UTC) + self.passed

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if not request.url.path.endswith("/credentials"):
            return self.inner.handle_request(request)
        body = json.loads(request.read())
        body["ttlSeconds"] = body.get("ttlSeconds", 3600) - next(_numbers)
        headers = {n: v for n, v in request.headers.items() if n != "content-length"}
        answer = self.inner.handle_request(
            httpx2.Request(request.method, request.url, headers=headers, json=body)
        )
        told = json.loads(answer.read())
        if answer.status_code == httpx2.codes.OK:
            self.handed_out.append(told["accessKeyId"])
            told["expiresAt"] = (datetime.now(UTC) + self.lifetime).isoformat()
        answer.close()
        return httpx2.Response(answer.status_code, json=told)

    def close(self) -> None:
        self.inner.close()

    def pass_an_hour(self) -> None:
        """End all sessions that were handed out, and put the client's clock forward."""
        for key_id in self.handed_out:
            _sessions[key_id]["Expiration"] = 0
        self.passed += timedelta(hours=1)


def short_lived_client(server: Installation, transport: ShortLived) -> Client:
    """Return a client of a developer's whose credentials come through the transport."""
    client = server.client(clock=transport.now)
    client._http.close()
    client._http = httpx2.Client(base_url=server.url, transport=transport)
    return client
