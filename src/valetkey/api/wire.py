"""The JSON of the API: what comes in and what goes out. Names are Dataloop's where it has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from valetkey.domain.audit import AuditRecord
from valetkey.domain.driver import Driver
from valetkey.domain.integration import Integration
from valetkey.domain.people import ApiKey, Organization, OrgMember, Project, ProjectMember
from valetkey.domain.verification import Report
from valetkey.services.vending import Vended


class Wire(msgspec.Struct, rename="camel", kw_only=True):
    """Fields are in camelCase on the wire."""


# --- in --------------------------------------------------------------------------------------


class Login(msgspec.Struct, kw_only=True):
    """A password login, as Dataloop's gate takes it."""

    username: str = ""
    password: str = ""
    type: str = "user_credentials"


class NewApiKey(Wire):
    """An API key to make; it is the caller's own."""

    description: str = "API key"
    days: int | None = None


class NewMember(Wire):
    """Somebody and their role; ``password`` is for somebody new here."""

    role: str
    email: str = ""
    user_id: str = ""
    password: str | None = None


class NewProject(Wire):
    """A project; ``org`` may be left out by members of one organisation."""

    name: str
    org: str = ""


class IntegrationOptions(msgspec.Struct, kw_only=True):
    """The parts of an integration. The secret goes in here and comes out nowhere."""

    key: str = ""
    secret: str = ""
    roleArns: str = ""  # noqa: N815  # Dataloop's name
    roleArn: str = ""  # noqa: N815


class NewIntegration(Wire):
    """An integration to register."""

    name: str
    type: str
    options: IntegrationOptions


class IntegrationCredentials(Wire):
    """New options of an integration."""

    options: IntegrationOptions
    type: str = "aws-sts"


class IntegrationChange(Wire):
    """What to change of an integration."""

    integration_id: str
    name: str | None = None
    credentials: IntegrationCredentials | None = None


class DriverPayload(Wire):
    """Where a driver's objects are."""

    bucket_name: str
    storage_class: str = ""
    region: str = ""
    path: str = ""
    endpoint: str = ""


class DriverSystem(Wire):
    """The part of a driver's metadata that names its project."""

    project_id: str = ""


class DriverMetadata(Wire):
    """A driver's metadata."""

    system: DriverSystem = msgspec.field(default_factory=DriverSystem)


class NewDriver(Wire):
    """A driver to make."""

    name: str
    integration_id: str
    payload: DriverPayload
    integration_type: str = "aws-sts"
    type: str = "s3"
    metadata: DriverMetadata = msgspec.field(default_factory=DriverMetadata)
    project_id: str = ""
    allow_external_delete: bool = False


class DriverChange(Wire):
    """What to change of a driver."""

    name: str | None = None
    allow_external_delete: bool | None = None


class CredentialsRequest(Wire, forbid_unknown_fields=True):
    """What to open: folders below the driver's own (``""`` is all of it) and access levels.

    A misspelt field is an error here: it must not silently ask for something else.
    """

    prefixes: list[str]
    access: list[str]
    ttl_seconds: int = 3600
    purpose: str = ""


# --- out -------------------------------------------------------------------------------------


def api_key_out(key: ApiKey, jwt: str = "") -> dict[str, Any]:
    """An API key; the JWT only when it was just made."""
    shown = {
        "id": key.id,
        "description": key.description,
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
    }
    return shown | ({"jwt": jwt} if jwt else {})


def org_out(org: Organization, members: list[OrgMember] | None = None) -> dict[str, Any]:
    """An organisation."""
    shown: dict[str, Any] = {"id": org.id, "name": org.name, "createdAt": org.created_at}
    return shown | ({"members": [member_out(m) for m in members]} if members is not None else {})


def member_out(member: OrgMember | ProjectMember) -> dict[str, Any]:
    """A member and the role."""
    return {"id": member.user_id, "email": member.email, "role": member.role.value}


def project_out(project: Project, role: str) -> dict[str, Any]:
    """A project as its reader sees it."""
    return {
        "id": project.id,
        "name": project.name,
        "creator": project.creator,
        "org": {"id": project.org_id},
        "role": role,
        "createdAt": project.created_at,
        "updatedAt": project.updated_at,
    }


def integration_out(integration: Integration) -> dict[str, Any]:
    """An integration: everything but its secret."""
    return {
        "id": integration.id,
        "name": integration.name,
        "type": integration.type.value,
        "org": integration.org_id,
        "creator": integration.creator,
        "createdAt": integration.created_at,
        "updatedAt": integration.updated_at,
        "url": f"/api/v1/orgs/{integration.org_id}/integrations/{integration.id}",
        "metadata": [{"name": "status", "value": integration.state.value}],
        "key": integration.access_key_id,
        "roleArn": str(integration.role_arn),
        "state": integration.state.value,
        "stateReason": integration.state_reason,
        "verifiedAt": integration.verified_at,
    }


def driver_out(driver: Driver, integration_type: str = "aws-sts") -> dict[str, Any]:
    """A driver."""
    return {
        "id": driver.id,
        "type": "s3",
        "name": driver.name,
        "integrationId": driver.integration_id,
        "integrationType": integration_type,
        "bucketName": driver.bucket,
        "region": driver.region,
        "path": driver.prefix,
        "storageClass": driver.storage_class,
        "endpoint": driver.endpoint,
        "allowExternalDelete": driver.allow_external_delete,
        "allowExternalModification": True,
        "createdAt": driver.created_at,
        "updatedAt": driver.updated_at,
        "creator": driver.creator,
        "projectId": driver.project_id,
        "metadata": {"system": {"projectId": driver.project_id}},
    }


def report_out(report: Report, subject: str) -> dict[str, Any]:
    """A verification report; times are in seconds."""
    return {
        "subject": subject,
        "passed": report.passed,
        "conclusive": report.conclusive,
        "checks": [
            {
                "name": check.name,
                "claim": check.claim,
                "outcome": check.outcome.value,
                "cause": check.cause,
                "fix": check.fix,
                "awsError": check.aws_error,
                "seconds": round(check.seconds, 3),
            }
            for check in report.checks
        ],
    }


def instant(moment: datetime) -> str:
    """A time as AWS's clients read it: whole seconds, Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def vended_out(vended: Vended) -> dict[str, Any]:
    """A credential. This is the one place where its secrets are written out, besides
    :func:`container_out`."""
    credentials = vended.credentials
    return {
        "leaseId": vended.lease_id,
        "driverId": vended.driver.id,
        "accessKeyId": credentials.access_key_id,
        "secretAccessKey": credentials.secret_access_key.reveal(),
        "sessionToken": credentials.session_token.reveal(),
        "expiration": instant(credentials.expires_at),
        "bucket": vended.scope.bucket,
        "region": vended.driver.region,
        "endpoint": vended.driver.endpoint,
        "prefixes": list(vended.scope.prefixes),
        "access": sorted(level.value for level in vended.scope.levels),
    }


def container_out(vended: Vended) -> dict[str, Any]:
    """A credential in the shape of AWS's container-credentials contract."""
    credentials = vended.credentials
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.reveal(),
        "Token": credentials.session_token.reveal(),
        "Expiration": instant(credentials.expires_at),
    }


def audit_out(record: AuditRecord) -> dict[str, Any]:
    """An audit record with its place in the chain."""
    event = record.event
    return {
        "sequence": record.sequence,
        "id": event.id,
        "at": event.at,
        "org": event.org_id,
        "actor": event.actor,
        "action": event.action,
        "outcome": event.outcome,
        "subject": event.subject,
        "reason": event.reason,
        "requestId": event.request_id,
        "source": event.source,
        "details": dict(event.details),
        "previous": record.previous,
        "hash": record.hash,
    }
