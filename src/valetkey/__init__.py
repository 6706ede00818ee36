"""Valetkey: short-lived, narrowly scoped, audited S3 credentials from one AWS STS integration.

``valetkey.Client`` and ``valetkey.AsyncClient`` are the client library's; they are imported when
first used, so that the commands start quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from valetkey.sdk import ApiError, AsyncClient, Client, Credentials, Driver

__all__ = ["ApiError", "AsyncClient", "Client", "Credentials", "Driver"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from valetkey import sdk  # noqa: PLC0415  # lazily, on purpose

        return getattr(sdk, name)
    raise AttributeError(f"module 'valetkey' has no attribute {name!r}")
