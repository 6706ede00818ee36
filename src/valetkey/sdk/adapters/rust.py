"""obstore and polars: stores written in Rust that call back for credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from valetkey.sdk.adapters import require

if TYPE_CHECKING:
    import obstore.store

    from valetkey.sdk.driver import Source


def s3_store(source: Source) -> obstore.store.S3Store:
    """Return an obstore S3Store over a source.

    The callback is a plain function: obstore's synchronous calls can't await one.
    """
    store = require("obstore.store", "obstore")
    info = source.info

    def provider() -> dict[str, Any]:
        now = source.current()
        return {
            "access_key_id": now.access_key_id,
            "secret_access_key": now.secret_access_key,
            "token": now.session_token,
            "expires_at": now.expiration,
        }

    options: dict[str, Any] = {"region": info.region} if info.region else {}
    if info.endpoint:
        options["endpoint"] = info.endpoint
        options["virtual_hosted_style_request"] = False
        options["client_options"] = {"allow_http": info.endpoint.startswith("http://")}
    made: obstore.store.S3Store = store.S3Store(
        info.bucket_name, credential_provider=provider, **options
    )
    return made


def polars_options(source: Source) -> dict[str, Any]:
    """Return polars' ``credential_provider`` and ``storage_options``.

    polars keeps credentials to their very end, so it is told an earlier one.
    """
    require("polars", "polars")
    info = source.info

    def provider() -> tuple[dict[str, str | None], int | None]:
        now = source.current()
        keys: dict[str, str | None] = {
            "aws_access_key_id": now.access_key_id,
            "aws_secret_access_key": now.secret_access_key,
            "aws_session_token": now.session_token,
        }
        return keys, int(source.current.good_until().timestamp())

    options = {"aws_region": info.region} if info.region else {}
    if info.endpoint:
        options["aws_endpoint_url"] = info.endpoint
        options["aws_virtual_hosted_style_request"] = "false"
        options["aws_allow_http"] = str(info.endpoint.startswith("http://")).lower()
    return {"credential_provider": provider, "storage_options": options}
