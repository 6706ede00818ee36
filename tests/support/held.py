"""Credentials as the client library holds them."""

from __future__ import annotations

from datetime import datetime

from valetkey.sdk import Credentials


def held_credentials(key_id: str, expiration: datetime) -> Credentials:
    """Return credentials that end at a moment."""
    return Credentials(
        access_key_id=key_id,
        secret_access_key="silence_debug_logs",
        session_token="silence_debug_logs",
        lease_id="lease",
        location_id="location",
        expires_at=expiration,
        bucket="b",
        prefixes=[""],
        access=["read"],
    )
