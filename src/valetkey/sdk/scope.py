"""What credentials and URLs are to open, and the request for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from valetkey.sdk.call import Call
from valetkey.sdk.sending import call, lines
from valetkey.wire import credentials as wire
from valetkey.wire.base import AccessLevel, checked_list

UrlMethod = Literal["GET", "PUT", "HEAD", "DELETE"]


@dataclass(frozen=True, slots=True)
class RequestedScope:
    """What credentials are to open, and for how many seconds (None: an hour, or less where no more
    is allowed)."""

    prefixes: Iterable[str]
    access: Iterable[AccessLevel]
    ttl: int | None
    purpose: str = ""
    bare: bool = False
    versions: bool = False
    min_ttl: int = 0

    def call(self, location: str, *, by_name: bool) -> Call[wire.Credentials]:
        """Describe the request: one, also where the location is known by its name. Raises
        TypeError for a plain string instead of a sequence."""
        given: dict[str, Any] = {
            "prefixes": checked_list(self.prefixes, "prefixes"),
            "access": checked_list(self.access, "access"),
            "ttl_seconds": self.ttl,
            "purpose": self.purpose,
            "bare": self.bare,
            "versions": self.versions,
            "min_ttl_seconds": self.min_ttl,
        }
        if by_name:
            named = wire.NamedCredentialsRequest(location=location, **given)
            return call(wire.CREATE_CREDENTIALS_BY_NAME, body=named)
        body = wire.CredentialsRequest(**given)
        return call(wire.CREATE_CREDENTIALS, {"locationId": location}, body=body)


@dataclass(frozen=True, slots=True)
class Signing:
    """Which keys are to have URLs, and for how many seconds."""

    keys: Iterable[str]
    method: UrlMethod
    expires: int
    disposition: str
    version_ids: Iterable[str]
    purpose: str

    def call(self, location: str, *, by_name: bool) -> Call[Any]:
        """Describe the request: one, also where the location is known by its name. Raises
        TypeError for a plain string instead of a sequence."""
        given: dict[str, Any] = {
            "keys": checked_list(self.keys, "keys"),
            "method": self.method,
            "expires_seconds": self.expires,
            "disposition": self.disposition,
            "version_ids": checked_list(self.version_ids, "version_ids"),
            "purpose": self.purpose,
        }
        if by_name:
            named = wire.NamedPresignRequest(location=location, **given)
            return lines(wire.PRESIGN_BY_NAME, body=named)
        body = wire.PresignRequest(**given)
        return lines(wire.PRESIGN, {"locationId": location}, body=body)
