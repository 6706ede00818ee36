"""What the outside implements. Few, narrow, and each owns its errors: nothing of botocore,
obstore or SQLAlchemy escapes an adapter; only :mod:`valetkey.domain.errors` does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from valetkey.domain.audit import AuditEvent, AuditRecord
from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.driver import Driver
from valetkey.domain.integration import Integration, RoleArn
from valetkey.domain.people import (
    ApiKey,
    Organization,
    OrgMember,
    Project,
    ProjectMember,
    User,
)
from valetkey.domain.sealing import SealContext, SealedSecret
from valetkey.domain.secret import Secret

# --- time and chance ------------------------------------------------------------------------


class Clock(Protocol):
    """The time, injected."""

    def now(self) -> datetime:
        """Return the present moment: aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never step back, for durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait. A test's clock moves on instead."""
        ...


class Entropy(Protocol):
    """Randomness, injected."""

    def token_bytes(self, count: int) -> bytes:
        """Return ``count`` unpredictable bytes."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """Return a number in [low, high], for jitter; not for secrets."""
        ...


# --- AWS ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """What GetCallerIdentity returned: who a key belongs to."""

    account: str
    arn: str
    user_id: str


@dataclass(frozen=True, slots=True)
class AssumeRole:
    """One AssumeRole call. ``policy`` is the session policy; absent, the role's whole power,
    which only verification asks for. ``region`` picks the STS endpoint (empty: the default)."""

    role_arn: RoleArn
    session_name: str
    duration: timedelta
    policy: str | None = None
    external_id: str = ""
    region: str = ""


class Sts(Protocol):
    """AWS's Security Token Service. All methods raise AwsRefused or AwsUnavailable."""

    async def caller_identity(
        self, key: AccessKey | TemporaryCredentials, *, region: str = ""
    ) -> CallerIdentity: ...

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials: ...


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Where a bucket is. An empty ``endpoint`` means AWS's own for the region."""

    bucket: str
    region: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """An object as a listing shows it."""

    key: str
    size: int


class ObjectStore(Protocol):
    """One bucket as one credential sees it. All methods raise AwsRefused or AwsUnavailable."""

    async def list_some(self, prefix: str, *, limit: int = 1000) -> Sequence[ObjectSummary]:
        """Return up to ``limit`` (at most 1,000) objects whose keys start with ``prefix``."""
        ...

    async def get(self, key: str) -> bytes: ...

    async def put(self, key: str, body: bytes, *, storage_class: str = "") -> None: ...

    async def delete(self, key: str) -> None: ...


class ObjectStores(Protocol):
    """Opens buckets."""

    def open(
        self, credentials: AccessKey | TemporaryCredentials, place: BucketPlace
    ) -> ObjectStore: ...

    async def find_region(self, place: BucketPlace, credentials: TemporaryCredentials) -> str:
        """Return the region that the bucket is really in (HeadBucket's ``x-amz-bucket-region``,
        which S3 sends on refusals too). Raises AwsRefused (``NoSuchBucket``), AwsUnavailable."""
        ...

    async def check_endpoint(self, endpoint: str) -> str:
        """Return a user's endpoint in its normal form.

        Raises InvalidInput for one that the settings don't allow, or that resolves to a loopback,
        link-local or private address.
        """
        ...


# --- storage --------------------------------------------------------------------------------


class Users(Protocol):
    """People and machine accounts."""

    async def add(self, user: User) -> None: ...
    async def get(self, user_id: str) -> User | None: ...
    async def by_email(self, email: str) -> User | None: ...
    async def set_password_hash(self, user_id: str, password_hash: str) -> None: ...


class Organizations(Protocol):
    """Organisations and who belongs to them."""

    async def add(self, org: Organization) -> None: ...
    async def get(self, org_id: str) -> Organization | None: ...
    async def of_user(self, user_id: str) -> Sequence[Organization]: ...
    async def members(self, org_id: str) -> Sequence[OrgMember]: ...
    async def memberships(self, user_id: str) -> Sequence[OrgMember]: ...
    async def put_member(self, member: OrgMember) -> None:
        """Add a member, or change the role of one."""
        ...

    async def remove_member(self, org_id: str, user_id: str) -> bool: ...


class Projects(Protocol):
    """Projects and who belongs to them."""

    async def add(self, project: Project) -> None:
        """Raises Conflict when the organisation has a project of this name."""
        ...

    async def get(self, project_id: str) -> Project | None: ...
    async def of_org(self, org_id: str) -> Sequence[Project]: ...
    async def members(self, project_id: str) -> Sequence[ProjectMember]: ...
    async def memberships(self, user_id: str) -> Sequence[ProjectMember]: ...
    async def put_member(self, member: ProjectMember) -> None: ...
    async def remove_member(self, project_id: str, user_id: str) -> bool: ...
    async def delete(self, project_id: str) -> bool: ...


class ApiKeys(Protocol):
    """Records of API keys; never the keys themselves."""

    async def add(self, key: ApiKey) -> None: ...
    async def get(self, key_id: str) -> ApiKey | None: ...
    async def of_user(self, user_id: str) -> Sequence[ApiKey]: ...
    async def revoke(self, key_id: str, at: datetime) -> bool: ...


class Integrations(Protocol):
    """Names are unique within an organisation: ``add`` and ``save`` raise Conflict."""

    async def add(self, integration: Integration, sealed_secret: SealedSecret) -> None: ...
    async def get(self, integration_id: str) -> Integration | None: ...
    async def of_org(self, org_id: str) -> Sequence[Integration]: ...
    async def save(self, integration: Integration) -> None: ...
    async def sealed_secret(self, integration_id: str) -> SealedSecret | None: ...
    async def replace_secret(self, integration_id: str, sealed_secret: SealedSecret) -> None: ...
    async def delete(self, integration_id: str) -> bool:
        """Raises InUse while drivers stand on it."""
        ...


class Drivers(Protocol):
    """Names are unique within a project: ``add`` and ``save`` raise Conflict."""

    async def add(self, driver: Driver) -> None: ...
    async def get(self, driver_id: str) -> Driver | None: ...
    async def of_project(self, project_id: str) -> Sequence[Driver]: ...
    async def of_integration(self, integration_id: str) -> Sequence[Driver]: ...
    async def save(self, driver: Driver) -> None: ...
    async def delete(self, driver_id: str) -> bool: ...


class AuditTrail(Protocol):
    """The append-only chain. ``append`` links each event to the one before, in one transaction."""

    async def append(self, events: Sequence[AuditEvent]) -> Sequence[AuditRecord]: ...

    def read(self, *, after: int = 0, limit: int | None = None) -> AsyncIterator[AuditRecord]:
        """Iterate over records in order, ``sequence`` > ``after``; memory stays flat."""
        ...


@dataclass(frozen=True, slots=True)
class Installation:
    """This database's identity, and the sealed key that signs its tokens."""

    id: str
    created_at: datetime
    sealed_token_key: SealedSecret


class Installations(Protocol):
    """The one row that says whose database this is."""

    async def get(self) -> Installation | None: ...
    async def add(self, installation: Installation) -> None:
        """Raises Conflict when the database already has one."""
        ...


class UnitOfWork(Protocol):
    """One transaction's repositories."""

    @property
    def installations(self) -> Installations: ...
    @property
    def users(self) -> Users: ...
    @property
    def organizations(self) -> Organizations: ...
    @property
    def projects(self) -> Projects: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def integrations(self) -> Integrations: ...
    @property
    def drivers(self) -> Drivers: ...
    @property
    def audit(self) -> AuditTrail: ...


class Storage(Protocol):
    """The database. All methods, and everything inside ``begin``, raise StorageUnavailable when
    it is gone, locked, read-only or full."""

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Start a transaction: committed on a clean exit, rolled back on any exception."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


# --- cryptography ---------------------------------------------------------------------------


class Sealer(Protocol):
    """Encryption at rest. ``open`` raises SealBroken."""

    async def seal(self, secret: Secret, context: SealContext) -> SealedSecret: ...
    async def open(self, sealed: SealedSecret, context: SealContext) -> Secret: ...


class Passwords(Protocol):
    """Password hashing. Slow on purpose; runs off the event loop."""

    async def hash(self, password: Secret) -> str: ...

    async def matches(self, password: Secret, password_hash: str | None) -> bool:
        """Tell whether the password is right; ``None`` takes as long as a wrong password does."""
        ...


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says. ``key_id`` is empty for the token of a password login."""

    user_id: str
    email: str
    key_id: str
    issued_at: datetime
    expires_at: datetime


class Tokens(Protocol):
    """Signed tokens (JWT, HS256) of this installation."""

    def issue(self, claims: TokenClaims) -> Secret: ...

    def read(self, token: str, *, now: datetime) -> TokenClaims:
        """Raises Unauthenticated: wrong signature, algorithm, audience, or expired."""
        ...
