"""Integrations. A secret comes in and never goes out."""

from __future__ import annotations

import msgspec

from valetkey.api.wire.base import Out, Tolerant, moment, moment_or_none
from valetkey.api.wire.reports import ReportOut
from valetkey.domain.integration import Integration


class OptionsIn(Tolerant, frozen=True):
    """The parts of an integration: the IAM user's key, its secret, the role's ARN (``roleArns``
    is Dataloop's name for it)."""

    key: str = ""
    secret: str = ""
    role_arns: str = ""
    role_arn: str = ""

    @property
    def role(self) -> str:
        """The role's ARN, under whichever name it came."""
        return self.role_arns or self.role_arn

    def __repr__(self) -> str:
        return "<OptionsIn>"


class IntegrationIn(Tolerant, frozen=True):
    """A new integration."""

    name: str
    type: str
    options: OptionsIn = msgspec.field(default_factory=OptionsIn)


class CredentialsIn(Tolerant, frozen=True):
    """New options of an integration."""

    options: OptionsIn
    type: str = "aws-sts"


class IntegrationChangeIn(Tolerant, frozen=True):
    """What to change of an integration; what is left out stays."""

    integration_id: str
    name: str | None = None
    credentials: CredentialsIn | None = None


class MetadataOut(Out, frozen=True):
    """A named fact, as Dataloop's SDK reads it."""

    name: str
    value: str


class IntegrationOut(Out, frozen=True):
    """An integration: everything but its secret. ``key`` is the access key's id."""

    id: str
    name: str
    type: str
    org: str
    creator: str
    created_at: str
    updated_at: str
    url: str
    metadata: list[MetadataOut]
    key: str
    role_arn: str
    state: str
    state_reason: str
    verified_at: str | None
    report: ReportOut | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def of(
        cls, integration: Integration, report: ReportOut | msgspec.UnsetType = msgspec.UNSET
    ) -> IntegrationOut:
        """Return an integration's shape, with the report of a verification just made."""
        return cls(
            id=integration.id,
            name=integration.name,
            type=integration.type,
            org=integration.org_id,
            creator=integration.creator,
            created_at=moment(integration.created_at),
            updated_at=moment(integration.updated_at),
            url=f"/api/v1/orgs/{integration.org_id}/integrations/{integration.id}",
            metadata=[MetadataOut(name="status", value=integration.state)],
            key=integration.access_key_id,
            role_arn=str(integration.role_arn),
            state=integration.state,
            state_reason=integration.state_reason,
            verified_at=moment_or_none(integration.verified_at),
            report=report,
        )
