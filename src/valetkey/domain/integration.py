"""An integration: who Valetkey is at AWS or at a store, and the role that it may assume there."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    S3-compatible store's. ``provider`` and ``ref`` are a ``key_value``'s. ``key_changed_at`` is
    when another key took the place of the one that it was made with: entered, or by a rotation.
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
    key_changed_at: datetime | None = None
    version: int = 1

    @property
    def key_since(self) -> datetime:
        """Since when its key has been in use."""
        return self.key_changed_at or self.created_at

    def with_key(self, access_key_id: str, now: datetime) -> Integration:
        """Return it with a key; the same one stays in use since when it was."""
        if access_key_id == self.access_key_id:
            return self
        return replace(self, access_key_id=access_key_id, key_changed_at=now)
