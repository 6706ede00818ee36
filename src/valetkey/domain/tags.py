"""Names of what cached things depend on. Whoever changes such a thing publishes its tag."""

from __future__ import annotations

from hashlib import sha256


def user_tag(user_id: str) -> str:
    """A person: roles, groups, password, existence."""
    return f"user:{user_id}"


def token_tag(token_id: str) -> str:
    """An API token: revoked."""
    return f"token:{token_id}"


def session_tag(session_id: str) -> str:
    """A browser session: ended."""
    return f"session:{session_id}"


def location_tag(location_id: str) -> str:
    """A location: changed, deleted, its grants changed."""
    return f"location:{location_id}"


def integration_tag(integration_id: str) -> str:
    """An integration: updated, rotated, its sessions revoked, disabled, deleted."""
    return f"integration:{integration_id}"


def role_tag(role_arn: str) -> str:
    """A role: its sessions before a moment are refused at AWS, whichever integration asked."""
    return f"role:{sha256(role_arn.encode()).hexdigest()[:32]}"


def blocks_tag(org_id: str) -> str:
    """An organisation's blocks and holds: who, or through what, is given no new session."""
    return f"blocks:{org_id}"
