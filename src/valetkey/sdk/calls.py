"""Every request that the server takes, described without sending it.

A :class:`Call` is data: both clients send the same ones, so there is one description of the API
and no twin. ``repeatable`` says that sending it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from valetkey.sdk.models import (
    ApiKey,
    AuditRecord,
    ChainVerdict,
    Credentials,
    Dataset,
    DriverInfo,
    Integration,
    Me,
    Member,
    Organization,
    PresignedUrl,
    Project,
    Report,
    Sync,
    Token,
)

T = TypeVar("T")
API: Final = "/api/v1"
_SAFE: Final = frozenset({"GET", "HEAD", "DELETE"})


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Part of a list; ``next`` goes into ``after`` for the rest, null at the end."""

    items: list[T]
    next: str | int | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request. ``result`` is what the answer's JSON is read as; ``None``: there is none.

    ``body`` may hold secrets, so it is left out of ``repr``.
    """

    method: str
    path: str
    result: Any = None
    body: Any = field(default=None, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict)
    again: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def repeatable(self) -> bool:
        """Tell whether it may be sent again when nobody knows if it arrived."""
        return self.again or self.method in _SAFE


#: Several calls, one after another, each depending on the answers before; yields calls, is sent
#: their answers, returns the result.
Flow = Generator[Call[Any], Any, T]


def _path(*parts: str) -> str:
    return API + "".join("/" + quote(part, safe="") for part in parts)


# --- accounts ---------------------------------------------------------------------------------


def login(email: str, password: str) -> Call[Token]:
    """Exchange a password for a token."""
    body = {"username": email, "password": password, "type": "user_credentials"}
    return Call("POST", "/token", Token, body, {"default": ""})


def refresh(refresh_token: str) -> Call[Token]:
    """Exchange a refresh token for a new token."""
    body = {"refresh_token": refresh_token, "type": "refresh_token"}
    return Call("POST", "/token", Token, body, {"default": ""}, again=True)


def me() -> Call[Me]:
    """Ask who the token belongs to."""
    return Call("GET", _path("users", "me"), Me)


def create_key(description: str, days: int | None = None) -> Call[ApiKey]:
    """Make an API key of one's own."""
    body: dict[str, Any] = {"description": description}
    return Call("POST", _path("apiKeys"), ApiKey, body | ({"days": days} if days else {}))


def list_keys() -> Call[Page[ApiKey]]:
    """List one's API keys."""
    return Call("GET", _path("apiKeys"), Page[ApiKey])


def revoke_key(key_id: str) -> Call[None]:
    """End an API key."""
    return Call("DELETE", _path("apiKeys", key_id))


# --- people -----------------------------------------------------------------------------------


def list_orgs() -> Call[list[Organization]]:
    """List one's organisations."""
    return Call("GET", _path("orgs"), list[Organization])


def list_projects() -> Call[list[Project]]:
    """List one's projects."""
    return Call("GET", _path("projects"), list[Project])


def create_project(name: str, org: str = "") -> Call[Project]:
    """Make a project."""
    body = {"name": name} | ({"org": org} if org else {})
    return Call("POST", _path("projects"), Project, body)


def delete_project(project: str) -> Call[None]:
    """Delete a project that has no drivers."""
    return Call("DELETE", _path("projects", project))


def list_members(kind: str, owner: str) -> Call[list[Member]]:
    """List the members of an organisation (``kind`` orgs) or a project (projects)."""
    return Call("GET", _path(kind, owner, "members"), list[Member])


def add_org_member(org: str, email: str, role: str, password: str = "") -> Call[Member]:
    """Add somebody to an organisation; somebody new needs a first password."""
    body = {"email": email, "role": role} | ({"password": password} if password else {})
    return Call("POST", _path("orgs", org, "members"), Member, body)


def add_project_member(project: str, email: str, role: str) -> Call[Member]:
    """Give somebody of the organisation a role in a project."""
    return Call("POST", _path("projects", project, "members", email), Member, {"role": role})


def remove_member(kind: str, owner: str, email: str) -> Call[None]:
    """Take somebody out of an organisation or a project."""
    return Call("DELETE", _path(kind, owner, "members", email))


# --- integrations -----------------------------------------------------------------------------


def list_integrations(org: str) -> Call[list[Integration]]:
    """List an organisation's integrations."""
    return Call("GET", _path("orgs", org, "integrations"), list[Integration])


def create_integration(
    org: str, name: str, key: str, secret: str, role_arn: str, *, verify: bool = True
) -> Call[Integration]:
    """Register an ``aws-sts`` integration, and verify it unless told not to."""
    options = {"key": key, "secret": secret, "roleArns": role_arn}
    body = {"type": "aws-sts", "name": name, "options": options}
    query = {} if verify else {"verify": "false"}
    return Call("POST", _path("orgs", org, "integrations"), Integration, body, query)


def update_integration(
    org: str,
    integration: str,
    *,
    name: str = "",
    key: str = "",
    secret: str = "",
    role_arn: str = "",
) -> Call[Integration]:
    """Change what is given of an integration."""
    body: dict[str, Any] = {"integrationId": integration}
    if name:
        body["name"] = name
    given = {"key": key, "secret": secret, "roleArns": role_arn}
    options = {field_name: value for field_name, value in given.items() if value}
    if options:
        body["credentials"] = {"options": options, "type": "aws-sts"}
    return Call("PATCH", _path("orgs", org, "integrations"), Integration, body, again=True)


def verify_integration(org: str, integration: str) -> Call[Report]:
    """Ask AWS whether an integration works."""
    path = _path("orgs", org, "integrations", integration, "verify")
    return Call("POST", path, Report, again=True)


def rotate_integration(
    org: str,
    integration: str,
    *,
    delete_stranger: str = "",
    grace_seconds: int | None = None,
    administrator: Mapping[str, str] | None = None,
) -> Call[dict[str, Any]]:
    """Start to replace an integration's access key, or go on with the rotation under way.

    ``administrator`` are AWS credentials for this once: ``key``, ``secret``, ``sessionToken``.
    """
    given = {
        "deleteStranger": delete_stranger or None,
        "graceSeconds": grace_seconds,
        "administrator": administrator,
    }
    body = {name: value for name, value in given.items() if value is not None}
    path = _path("orgs", org, "integrations", integration, "rotate")
    return Call("POST", path, dict[str, Any], body, again=True)


def rotation_status(org: str, integration: str) -> Call[dict[str, Any]]:
    """Ask how far a rotation is, and for its schedule."""
    return Call("GET", _path("orgs", org, "integrations", integration, "rotate"), dict[str, Any])


def schedule_rotation(
    org: str, integration: str, every_seconds: int | None
) -> Call[dict[str, Any]]:
    """Rotate a key every so many seconds from now on; None is never."""
    path = _path("orgs", org, "integrations", integration, "rotate", "schedule")
    return Call("PUT", path, dict[str, Any], {"everySeconds": every_seconds}, again=True)


def switch_integration(org: str, integration: str, *, on: bool) -> Call[Integration]:
    """Give credentials through an integration, or none until it is switched on again."""
    verb = "enable" if on else "disable"
    path = _path("orgs", org, "integrations", integration, verb)
    return Call("POST", path, Integration, again=True)


def delete_integration(org: str, integration: str) -> Call[None]:
    """Forget an integration."""
    return Call("DELETE", _path("orgs", org, "integrations", integration))


# --- drivers ----------------------------------------------------------------------------------


def list_drivers(project: str) -> Call[list[DriverInfo]]:
    """List a project's drivers."""
    return Call("GET", _path("drivers"), list[DriverInfo], query={"projectId": project})


def create_driver(
    project: str,
    integration: str,
    name: str,
    bucket: str,
    *,
    folder: str = "",
    region: str = "",
    endpoint: str = "",
    storage_class: str = "",
    allow_external_delete: bool = False,
    kms_key_arn: str = "",
    shared_sessions: bool = False,
) -> Call[DriverInfo]:
    """Make an S3 driver."""
    payload = {
        "bucketName": bucket,
        "storageClass": storage_class,
        "region": region,
        "path": folder,
    } | ({"endpoint": endpoint} if endpoint else {})
    body = {
        "integrationId": integration,
        "integrationType": "aws-sts",
        "name": name,
        "metadata": {"system": {"projectId": project}},
        "type": "s3",
        "payload": payload,
        "allowExternalDelete": allow_external_delete,
        "kmsKeyArn": kms_key_arn,
        "sharedSessions": shared_sessions,
    }
    return Call("POST", _path("drivers"), DriverInfo, body)


def update_driver(
    driver: str,
    *,
    name: str | None = None,
    allow_external_delete: bool | None = None,
    kms_key_arn: str | None = None,
    shared_sessions: bool | None = None,
) -> Call[DriverInfo]:
    """Change a driver; what is None stays as it is."""
    change = {
        "name": name,
        "allowExternalDelete": allow_external_delete,
        "kmsKeyArn": kms_key_arn,
        "sharedSessions": shared_sessions,
    }
    body = {name: value for name, value in change.items() if value is not None}
    return Call("PATCH", _path("drivers", driver), DriverInfo, body, again=True)


def test_driver(driver: str) -> Call[Report]:
    """List, write, read and delete a probe object under the driver's folder."""
    return Call("POST", _path("drivers", driver, "test"), Report, again=True)


def delete_driver(driver: str) -> Call[None]:
    """Forget a driver; its bucket is not touched."""
    return Call("DELETE", _path("drivers", driver))


class DatasetsPage(msgspec.Struct, frozen=True, rename="camel"):
    """Part of a list of datasets, as Dataloop pages it."""

    items: list[Dataset]
    has_next_page: bool = False


def list_datasets(project: str, page: int = 0) -> Call[DatasetsPage]:
    """List a part of a project's datasets by name."""
    body = {"context": {"projects": [project]}, "page": page, "pageSize": 1000}
    return Call("POST", _path("datasets", "query"), DatasetsPage, body, again=True)


def create_dataset(project: str, driver: str, name: str) -> Call[Dataset]:
    """Make an empty dataset over a driver; a sync fills it."""
    body = {"name": name, "projects": [project], "driver": driver}
    return Call("POST", _path("datasets"), Dataset, body)


def sync_dataset(dataset: str, parallel: int = 1) -> Call[Sync]:
    """Start making the index true to the bucket; refused while that is under way."""
    return Call("POST", _path("datasets", dataset, "sync"), Sync, query={"parallel": parallel})


def list_syncs(dataset: str) -> Call[Page[Sync]]:
    """List a dataset's latest syncs, newest first."""
    return Call("GET", _path("datasets", dataset, "syncs"), Page[Sync])


def show_sync(sync: str) -> Call[Sync]:
    """Show how far a sync is."""
    return Call("GET", _path("commands", sync), Sync)


def cancel_sync(sync: str) -> Call[Sync]:
    """Stop a sync; what it has written stays."""
    return Call("POST", _path("commands", sync, "abort"), Sync)


def vend(
    driver: str,
    prefixes: Sequence[str],
    access: Sequence[str],
    ttl: int,
    purpose: str = "",
    *,
    bare: bool = False,
    versions: bool = False,
) -> Call[Credentials]:
    """Ask for temporary credentials; ``ttl`` in seconds. ``bare`` lets listings name the folders
    without their ``/``; ``versions`` opens old versions too. Asking twice does no harm."""
    body: dict[str, Any] = {"prefixes": list(prefixes), "access": list(access), "ttlSeconds": ttl}
    more = {"purpose": purpose, "bare": bare, "versions": versions}
    body |= {name: value for name, value in more.items() if value}
    return Call("POST", _path("drivers", driver, "credentials"), Credentials, body, again=True)


def presign(
    driver: str,
    keys: Sequence[str],
    *,
    method: str = "GET",
    expires: int | None = None,
    disposition: str = "",
    version_ids: Sequence[str] = (),
    purpose: str = "",
) -> Call[PresignedUrl]:
    """Ask for URLs; the answer is streamed, a line per key. ``expires`` is in seconds;
    ``version_ids`` has an entry for each key, empty for the newest version."""
    body: dict[str, Any] = {"keys": list(keys), "method": method}
    if expires is not None:
        body["expiresSeconds"] = expires
    if disposition:
        body["disposition"] = disposition
    if version_ids:
        body["versionIds"] = list(version_ids)
    if purpose:
        body["purpose"] = purpose
    return Call("POST", _path("drivers", driver, "presign"), PresignedUrl, body, again=True)


# --- leases and audit -------------------------------------------------------------------------


def list_leases(**query: Any) -> Call[Page[dict[str, Any]]]:
    """List leases; ``driver``, ``integration``, ``principal``, ``active``, ``after``, ``limit``."""
    return Call("GET", _path("leases"), Page[dict[str, Any]], query=_given(query))


def revoke_leases(
    reason: str,
    *,
    refuse_new: bool = False,
    administrator: Mapping[str, str] | None = None,
    **target: str,
) -> Call[dict[str, Any]]:
    """Call sessions back: one ``lease``, or those of a ``principal``, ``driver``,
    ``integration``."""
    body: dict[str, Any] = {"reason": reason, "refuseNew": refuse_new, **_given(target)}
    if administrator is not None:
        body["administrator"] = administrator
    return Call("POST", _path("leases", "revoke"), dict[str, Any], body, again=True)


def list_revocations(**query: Any) -> Call[list[dict[str, Any]]]:
    """List what was called back, newest first; ``org``."""
    return Call("GET", _path("leases", "revocations"), list[dict[str, Any]], query=_given(query))


def list_blocks(**query: Any) -> Call[list[dict[str, Any]]]:
    """List who, or through what, is given no new session; ``org``."""
    return Call("GET", _path("leases", "blocks"), list[dict[str, Any]], query=_given(query))


def allow_leases(**target: str) -> Call[None]:
    """Give new sessions again to a ``principal``, through a ``driver`` or an ``integration``."""
    return Call("POST", _path("leases", "allow"), None, _given(target), again=True)


def list_audit(**query: Any) -> Call[Page[AuditRecord]]:
    """List audit records: ``org``, ``after``, ``limit``, ``action``, ``actor``, ``outcome``,
    ``subject``, ``since``, ``until``."""
    return Call("GET", _path("audit"), Page[AuditRecord], query=_given(query))


def export_audit(fmt: str, **query: Any) -> Call[bytes]:
    """Stream all records as ``jsonl`` or ``csv``."""
    return Call("GET", _path("audit", "export"), bytes, query={"format": fmt} | _given(query))


def verify_audit(**query: Any) -> Call[ChainVerdict]:
    """Walk the audit chain."""
    return Call("GET", _path("audit", "verify"), ChainVerdict, query=_given(query))


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in {None, ""}}
