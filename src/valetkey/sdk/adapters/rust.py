"""obstore and polars: stores written in Rust that call back for credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from valetkey.sdk.adapters import require

if TYPE_CHECKING:
    import obstore.store

    from valetkey.sdk.source import Source


@dataclass(frozen=True, slots=True)
class _ObstoreProvider:
    """Called by obstore 5 minutes ahead of the end. Not a coroutine: obstore's synchronous calls
    can't await one. A class, so that it travels to other processes with its store."""

    source: Source

    def __call__(self) -> dict[str, Any]:
        now = self.source.current()
        return {
            "access_key_id": now.access_key_id,
            "secret_access_key": now.secret_access_key,
            "token": now.session_token,
            "expires_at": now.expires_at,
        }


@dataclass(frozen=True, slots=True)
class _PolarsProvider:
    """Called by polars at the very end, so that it is told an earlier one."""

    source: Source

    def __call__(self) -> tuple[dict[str, str | None], int | None]:
        now = self.source.current()
        keys: dict[str, str | None] = {
            "aws_access_key_id": now.access_key_id,
            "aws_secret_access_key": now.secret_access_key,
            "aws_session_token": now.session_token,
        }
        return keys, int(self.source.current.good_until().timestamp())


def s3_store(source: Source) -> obstore.store.S3Store:
    """Return an obstore S3Store over a source."""
    store = require("obstore.store", "obstore")
    options: dict[str, Any] = {"region": source.region} if source.region else {}
    if source.endpoint:
        options["endpoint"] = source.endpoint
        options["virtual_hosted_style_request"] = False
        options["client_options"] = {"allow_http": source.endpoint.startswith("http://")}
    if source.requester_pays:
        options["request_payer"] = True
    made: obstore.store.S3Store = store.S3Store(
        source.bucket, credential_provider=_ObstoreProvider(source), **options
    )
    return made


def polars_options(source: Source) -> dict[str, Any]:
    """Return polars' ``credential_provider`` and ``storage_options``."""
    require("polars", "polars")
    options = {"aws_region": source.region} if source.region else {}
    if source.endpoint:
        options["aws_endpoint_url"] = source.endpoint
        options["aws_virtual_hosted_style_request"] = "false"
        options["aws_allow_http"] = str(source.endpoint.startswith("http://")).lower()
    if source.requester_pays:
        options["aws_request_payer"] = "true"
    return {"credential_provider": _PolarsProvider(source), "storage_options": options}
