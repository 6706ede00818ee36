"""The client library: ``valetkey.Client``. It imports ``valetkey.wire`` and nothing else of
Valetkey."""

from valetkey.sdk.client import AsyncClient, Client
from valetkey.sdk.errors import (
    ApiError,
    AwsRefused,
    ClientClosed,
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
from valetkey.sdk.explained import explain_properties
from valetkey.sdk.location import AsyncLocationClient, LocationClient
from valetkey.sdk.refresher import Fetched, Refresher
from valetkey.sdk.transport import RetryPolicy
from valetkey.wire.administrators import Administrator
from valetkey.wire.credentials import Credentials, PresignedUrl
from valetkey.wire.tokens import TokenLimits

for _shape in (Administrator, Credentials, PresignedUrl, TokenLimits):
    explain_properties(_shape)

__all__ = [
    "Administrator",
    "ApiError",
    "AsyncClient",
    "AsyncLocationClient",
    "AwsRefused",
    "Client",
    "ClientClosed",
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
    "TokenLimits",
    "Unauthenticated",
    "Unavailable",
    "VersionMismatch",
]
