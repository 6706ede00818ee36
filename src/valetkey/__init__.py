"""Valetkey: short-lived, narrowly scoped, audited S3 credentials from one AWS STS integration.

``valetkey.Client`` and ``valetkey.AsyncClient`` are the client library's, and so are its errors;
they are imported when first used, so that the commands start quickly.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own, without an import: see valetkey.cli
if TYPE_CHECKING:
    from valetkey.sdk import (
        Administrator,
        ApiError,
        AsyncClient,
        AsyncLocationClient,
        AwsRefused,
        Client,
        ClientClosed,
        Conflict,
        Credentials,
        Denied,
        InvalidRequest,
        LocationClient,
        MissingPackage,
        NotFound,
        PresignedUrl,
        ServerFailed,
        TokenLimits,
        Unauthenticated,
        Unavailable,
        VersionMismatch,
    )

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
    "InvalidRequest",
    "LocationClient",
    "MissingPackage",
    "NotFound",
    "PresignedUrl",
    "ServerFailed",
    "TokenLimits",
    "Unauthenticated",
    "Unavailable",
    "VersionMismatch",
]

if not TYPE_CHECKING:  # a type checker sees the names above, and no others

    def __getattr__(name: str) -> object:
        if name in __all__:
            from valetkey import sdk  # noqa: PLC0415  # lazily, on purpose

            return getattr(sdk, name)
        raise AttributeError(f"module 'valetkey' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
