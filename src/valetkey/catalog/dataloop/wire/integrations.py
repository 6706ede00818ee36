"""Integrations. A secret comes in and never goes out."""

from __future__ import annotations

from typing import Any

import msgspec

from valetkey.catalog.dataloop.wire.base import Out, Tolerant, moment, moment_or_none
from valetkey.catalog.dataloop.wire.reports import ReportOut
from valetkey.domain.integration import Integration
from valetkey.domain.integration_types import NewIntegration, parse_type
from valetkey.domain.secret import Secret


class OptionsIn(Tolerant, frozen=True):
    """The parts of an integration, by its type: the key with its secret (``aws-sts``, ``s3``), the
    role's ARN (``aws-sts``, ``aws-cross``; ``roleArns`` is Dataloop's name for it), the store's
    ``endpoint`` (``s3``), or a name and its secret ``value`` (``key_value``)."""

    key: str = ""
    secret: str = ""
    value: str = ""
    role_arns: str = ""
    role_arn: str = ""
    endpoint: str = ""

    @property
    def role(self) -> str:
        """The role's ARN, under whichever name it came."""
        return self.role_arns or self.role_arn

    @property
    def hidden(self) -> Secret:
        """The secret part, under whichever name it came."""
        return Secret(self.secret or self.value)

    def __repr__(self) -> str:
        return "<OptionsIn>"


class IntegrationIn(Tolerant, frozen=True):
    """A new integration. ``metadata`` is for ``key_value`` (``provider``, ``ref``), and may hold
    the ``endpoint`` of an ``s3``, where Dataloop's SDK puts it."""

    name: str
    type: str
    options: OptionsIn = msgspec.field(default_factory=OptionsIn)
    metadata: dict[str, Any] | None = None

    @property
    def new(self) -> NewIntegration:
        """The integration as the service takes it. Raises InvalidInput."""
        kind, facts, options = parse_type(self.type), self.metadata or {}, self.options
        endpoint = options.endpoint or facts.get("endpoint", "")
        return NewIntegration(
            type=kind,
            name=self.name,
            key=options.key,
            secret=options.hidden,
            role_arn=options.role,
            endpoint=endpoint if kind.rules.takes_endpoint and isinstance(endpoint, str) else "",
            facts=facts if kind.rules.takes_facts else {},
        )


class CredentialsIn(Tolerant, frozen=True):
    """New options of an integration."""

    options: OptionsIn
    type: str = "aws-sts"


class IntegrationChangeIn(Tolerant, frozen=True):
    """What to change of an integration; what is left out stays."""

    integration_id: str
    name: str | None = None
    credentials: CredentialsIn | None = None


class FactOut(Out, frozen=True):
    """A named fact, as Dataloop's SDK reads it."""

    name: str
    value: str


class IntegrationOut(Out, frozen=True):
    """An integration: everything but its secret. ``key`` is the access key's id; ``externalId``
    is what the trust policy of an ``aws-cross`` role must ask for."""

    id: str
    name: str
    type: str
    org: str
    creator: str
    created_at: str
    updated_at: str
    url: str
    metadata: list[FactOut]
    key: str
    role_arn: str
    external_id: str
    endpoint: str
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
            metadata=_facts(integration),
            key=integration.access_key_id,
            role_arn=str(integration.role_arn),
            external_id=integration.external_id,
            endpoint=integration.endpoint,
            state=integration.state,
            state_reason=integration.state_reason,
            verified_at=moment_or_none(integration.verified_at),
            report=report,
        )


def _facts(integration: Integration) -> list[FactOut]:
    facts = {
        "status": integration.state.value,
        "externalId": integration.external_id,
        "provider": integration.provider,
        "ref": integration.ref,
    }
    return [FactOut(name=name, value=value) for name, value in facts.items() if value]
