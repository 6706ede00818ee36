"""The client library: ``valetkey.Client``. It imports nothing else of Valetkey."""

from valetkey.sdk import calls, flows
from valetkey.sdk.client import AsyncClient, Client
from valetkey.sdk.driver import AsyncDriver, Driver
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
from valetkey.sdk.models import Credentials, DriverInfo, PresignedUrl
from valetkey.sdk.refresher import Held, Refresher
from valetkey.sdk.transport import Patience

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncDriver",
    "AwsRefused",
    "Client",
    "Conflict",
    "Credentials",
    "Denied",
    "Driver",
    "DriverInfo",
    "Held",
    "InvalidRequest",
    "MissingPackage",
    "NotFound",
    "Patience",
    "PresignedUrl",
    "Refresher",
    "ServerFailed",
    "Unauthenticated",
    "Unavailable",
    "VersionMismatch",
    "calls",
    "flows",
]
