"""An integration: who Valetkey is at AWS or at a store, and the role that it may assume there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from valetkey.domain.integration_types import IntegrationType
from valetkey.domain.role_arn import RoleArn


class IntegrationState(StrEnum):
    """What Valetkey knows of an integration's health."""

    CREATED = "created"
    VERIFIED = "verified"
    FAILING = "failing"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Integration:
    """An organisation's integration. The secret is not here: it stays sealed in the store.

    ``access_key_id`` is the key's id, the name of a ``key_value``, or empty. ``external_id`` is
    what an ``aws-cross`` role's trust policy must ask for; it is no secret. ``endpoint`` is an
    S3-compatible store's. ``provider`` and ``ref`` are a ``key_value``'s.
    """

    id: str
    org_id: str
    name: str
    type: IntegrationType
    access_key_id: str
    role_arn: RoleArn
    state: IntegrationState
    creator: str
    created_at: datetime
    updated_at: datetime
    verified_at: datetime | None = None
    state_reason: str = ""
    external_id: str = ""
    endpoint: str = ""
    provider: str = ""
    ref: str = ""
    version: int = 1
