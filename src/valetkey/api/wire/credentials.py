"""Temporary credentials: the one place where their secrets are written out."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from valetkey.api.wire.base import In, Out
from valetkey.domain.credentials import parse_ttl
from valetkey.domain.scope import parse_levels
from valetkey.services.vending import Vended, VendRequest


class CredentialsIn(In, frozen=True):
    """What to open: folders below the driver's own (``""`` is all of it) and access levels, for
    ``ttlSeconds``. ``bare`` lets listings name the folders without their ``/``; ``versions`` opens
    old versions too; ``purpose`` is for the audit trail. At least ``minTtlSeconds`` is left of
    what is handed out: what others were given before may be handed out otherwise."""

    prefixes: list[str]
    access: list[str]
    ttl_seconds: int = 3600
    purpose: str = ""
    bare: bool = False
    versions: bool = False
    min_ttl_seconds: int = 0

    @property
    def wanted(self) -> VendRequest:
        """The request as the service takes it. Raises InvalidInput."""
        return VendRequest(
            prefixes=tuple(self.prefixes),
            levels=parse_levels(self.access),
            ttl=parse_ttl(self.ttl_seconds),
            purpose=self.purpose,
            bare=self.bare,
            versions=self.versions,
            min_ttl=parse_ttl(self.min_ttl_seconds) if self.min_ttl_seconds else timedelta(),
        )


class CredentialsOut(Out, frozen=True):
    """A credential and what it opens; ``prefixes`` are full keys in the bucket. ``warnings`` are
    sentences about what may surprise: a pattern that is taken letter by letter, an earlier end."""

    lease_id: str
    driver_id: str
    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: str
    bucket: str
    region: str
    endpoint: str
    prefixes: list[str]
    access: list[str]
    warnings: list[str]

    @classmethod
    def of(cls, vended: Vended) -> CredentialsOut:
        """Return a credential's shape."""
        credentials, scope, driver = vended.credentials, vended.scope, vended.location
        return cls(
            lease_id=vended.lease_id,
            driver_id=driver.id,
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key.reveal(),
            session_token=credentials.session_token.reveal(),
            expiration=instant(credentials.expires_at),
            bucket=scope.bucket,
            region=driver.region,
            endpoint=vended.endpoint,
            prefixes=list(scope.prefixes),
            access=sorted(scope.levels),
            warnings=list(vended.warnings),
        )

    def __repr__(self) -> str:
        return "<CredentialsOut>"


class ContainerOut(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    """A credential in the shape that AWS's SDKs fetch from a container endpoint."""

    access_key_id: str
    secret_access_key: str
    token: str
    expiration: str

    @classmethod
    def of(cls, vended: Vended) -> ContainerOut:
        """Return a credential's shape."""
        credentials = vended.credentials
        return cls(
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key.reveal(),
            token=credentials.session_token.reveal(),
            expiration=instant(credentials.expires_at),
        )

    def __repr__(self) -> str:
        return "<ContainerOut>"


class ContainerErrorOut(Out, frozen=True):
    """An error, as that contract has it."""

    code: str
    message: str


def instant(moment: datetime) -> str:
    """Return a time as AWS's clients read it: whole seconds, Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
