"""The client library: ``valetkey.Client``. It imports ``valetkey.wire`` and nothing else of
Valetkey."""

from valetkey.sdk.client import AsyncClient, Client
from valetkey.sdk.errors import (
    ApiError,
    AwsRefused,
    Conflict,
    Denied,
    InvalidRequest,
    MissingPackage,
    NotFound,
    ServerFailed,
    Unauthenticated,
    Unavailable,
    VersionMismatch,
)
from valetkey.sdk.location import AsyncLocationClient, LocationClient
from valetkey.sdk.refresher import Fetched, Refresher
from valetkey.sdk.transport import RetryPolicy
from valetkey.wire.credentials import Credentials, PresignedUrl

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncLocationClient",
    "AwsRefused",
    "Client",
    "Conflict",
    "Credentials",
    "Denied",
    "Fetched",
    "InvalidRequest",
    "LocationClient",
    "MissingPackage",
    "NotFound",
    "PresignedUrl",
    "Refresher",
    "RetryPolicy",
    "ServerFailed",
    "Unauthenticated",
    "Unavailable",
    "VersionMismatch",
]
