"""Entities as tests have them: each says what it is about, and the rest is here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from valetkey.domain.integration import Integration, IntegrationState
from valetkey.domain.integration_types import IntegrationType
from valetkey.domain.location import Location
from valetkey.domain.role_arn import RoleArn

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def make_location(*, at: datetime = NOW, **given: Any) -> Location:
    """A location on a folder, made at a moment."""
    usual: dict[str, Any] = {
        "id": "7" * 24,
        "project_id": "2" * 24,
        "integration_id": "6" * 24,
        "name": "tiles",
        "bucket": "acme",
        "prefix": "raw/",
        "region": "eu-central-1",
        "endpoint": "",
        "storage_class": "",
        "allow_external_delete": False,
        "creator": "ada@example.com",
        "created_at": at,
        "updated_at": at,
    }
    return Location(**usual | given)


def make_integration(*, at: datetime = NOW, **given: Any) -> Integration:
    """An integration by a key and a role, not verified yet, made at a moment."""
    usual: dict[str, Any] = {
        "id": "6" * 24,
        "org_id": "1" * 24,
        "name": "aws",
        "type": IntegrationType("aws-sts"),
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "role_arn": RoleArn.parse("arn:aws:iam::123456789012:role/valetkey"),
        "state": IntegrationState.CREATED,
        "creator": "ada@example.com",
        "created_at": at,
        "updated_at": at,
    }
    return Integration(**usual | given)
