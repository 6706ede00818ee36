"""What botocore and aiobotocore have in common."""

from __future__ import annotations

from typing import Final

from valetkey.wire.credentials import Credentials

#: The provider's name in botocore's chain.
NAME: Final = "valetkey"


def metadata(credentials: Credentials) -> dict[str, str]:
    """Return credentials in the shape of botocore's RefreshableCredentials."""
    return {
        "access_key": credentials.access_key_id,
        "secret_key": credentials.secret_access_key,
        "token": credentials.session_token,
        "expiry_time": credentials.expires_at.isoformat(),
    }
