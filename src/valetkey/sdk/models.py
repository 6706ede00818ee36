"""What the server answers, typed. Unknown fields are let be: a newer server may send more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Model(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Fields are in camelCase on the wire. Times are aware."""


class Secretive(Model, frozen=True):
    """A model whose ``repr`` shows none of its secrets."""

    def __rich_repr__(self) -> Any:
        yield type(self).__name__

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Token(msgspec.Struct, frozen=True):
    """A login. ``id_token`` is a secret; so is ``refresh_token``, empty where there is none."""

    id_token: str
    refresh_token: str = ""

    def __repr__(self) -> str:
        return "<Token>"


class Membership(Model, frozen=True):
    """An organisation or a project of somebody's, and the role there."""

    id: str
    name: str
    role: str = ""
    org: str = ""


class Me(Model, frozen=True):
    """Who the token belongs to."""

    id: str
    email: str
    orgs: list[Membership] = []
    projects: list[Membership] = []


class ApiKey(Secretive, frozen=True):
    """An API key. ``jwt``, the secret, is there only in the answer to its making."""

    id: str
    description: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    jwt: str = ""


class Member(Model, frozen=True):
    """Somebody in an organisation or a project."""

    email: str
    role: str
    id: str = ""


class Organization(Model, frozen=True):
    """An organisation."""

    id: str
    name: str


class Project(Model, frozen=True):
    """A project."""

    id: str
    name: str
    role: str = ""


class Check(Model, frozen=True):
    """One claim of a report. ``outcome``: passed, failed, skipped or unknown."""

    name: str
    outcome: str
    title: str = ""
    claim: str = ""
    seconds: float = 0.0
    detail: str = ""
    cause: str = ""
    fix: str = ""
    aws_code: str = ""
    aws_message: str = ""
    aws_error: str = ""
    subject: str = ""
    layer: str = ""
    advisory: bool = False

    @property
    def sentence(self) -> str:
        """What holds when the check passed."""
        return self.title or self.claim or self.name


class Report(Model, frozen=True):
    """What a verification found."""

    passed: bool
    checks: list[Check]
    conclusive: bool = True
    subject: str = ""


class Integration(Model, frozen=True):
    """An integration; its secret never leaves the server. ``key`` is the access key's id."""

    id: str
    name: str
    type: str
    org: str
    key: str = ""
    role_arn: str = ""
    state: str = ""
    state_reason: str = ""
    verified_at: datetime | None = None
    created_at: datetime | None = None
    creator: str = ""
    report: Report | None = None


class DriverInfo(Model, frozen=True):
    """An S3 storage driver. ``path`` is its folder, empty for the whole bucket. ``endpoint`` is the
    driver's own; ``client_endpoint`` is where S3 is found, whoever names it (empty: at AWS)."""

    id: str
    name: str
    bucket_name: str
    region: str = ""
    path: str = ""
    endpoint: str = ""
    client_endpoint: str = ""
    storage_class: str = ""
    integration_id: str = ""
    project_id: str = ""
    allow_external_delete: bool = False
    kms_key_arn: str = ""
    shared_sessions: bool = False
    requester_pays: bool = False
    created_at: datetime | None = None
    creator: str = ""


class Dataset(Model, frozen=True):
    """An index over a driver's objects. ``driver`` is the driver's id."""

    id: str
    name: str
    driver: str | None = None
    projects: list[str] = []
    items_count: int = 0
    created_at: datetime | None = None
    creator: str = ""


class SyncCounts(Model, frozen=True):
    """What a sync did, in items; ``escaped`` of them are shown under an escaped name."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    escaped: int = 0


class Sync(Model, frozen=True):
    """A sync of a dataset. ``status`` is created, in-progress, success, failed or canceled;
    ``progress`` is in percent; ``rate`` is objects a second; ``error`` says what failed."""

    id: str
    status: str
    progress: int
    counts: SyncCounts
    rate: float = 0.0
    shards: int = 0
    notice: str = ""
    error: dict[str, Any] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def over(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.status in {"success", "failed", "canceled"}


class Credentials(Secretive, frozen=True):
    """Temporary credentials, and what they open. ``prefixes`` are full keys in the bucket."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime
    bucket: str
    prefixes: list[str]
    access: list[str]
    region: str = ""
    endpoint: str = ""
    lease_id: str = ""
    driver_id: str = ""


class PresignedUrl(Secretive, frozen=True):
    """A URL that opens one object until ``expiration``. Whoever has the URL has the right."""

    key: str
    url: str
    expiration: datetime


class AuditRecord(Model, frozen=True):
    """One record of the chain."""

    sequence: int
    id: str
    at: datetime
    actor: str
    action: str
    outcome: str
    subject: str = ""
    reason: str = ""
    org: str = ""
    request_id: str = ""
    source: str = ""
    details: dict[str, Any] = {}
    previous: str = ""
    hash: str = ""


class ChainVerdict(Model, frozen=True):
    """Whether the audit chain holds; ``broken_at`` is the first wrong record's sequence."""

    holds: bool
    records: int
    broken_at: int | None = None
    problem: str = ""
