"""botocore's family: boto3, s3fs (aiobotocore), and what stands on s3fs: pyarrow, DuckDB."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from valetkey.sdk.adapters import require

if TYPE_CHECKING:
    import boto3
    import duckdb
    import pyarrow.fs
    import s3fs

    from valetkey.sdk.driver import Source
    from valetkey.sdk.models import Credentials

#: The provider's name in botocore's chain.
_NAME: Final = "valetkey"


def _metadata(credentials: Credentials) -> dict[str, str]:
    """Return credentials in the shape of botocore's RefreshableCredentials."""
    return {
        "access_key": credentials.access_key_id,
        "secret_key": credentials.secret_access_key,
        "token": credentials.session_token,
        "expiry_time": credentials.expiration.isoformat(),
    }


def boto3_session(source: Source) -> boto3.Session:
    """Return a boto3 session over a source.

    botocore asks for new credentials from 15 minutes before the end, and insists on them from 10.
    """
    library: Any = require("boto3", "boto3")
    base: Any = require("botocore.credentials", "boto3")
    session: Any = require("botocore.session", "boto3").get_session()

    def load() -> Any:
        return base.DeferredRefreshableCredentials(lambda: _metadata(source.current()), _NAME)

    session.get_component("credential_provider").insert_before("env", _provider(load))
    made = library.Session(botocore_session=session, region_name=source.info.region or None)
    if source.info.endpoint:
        made.client = _at(made.client, source.info.endpoint)
        made.resource = _at(made.resource, source.info.endpoint)
    return made  # type: ignore[no-any-return]


def _at(make: Callable[..., Any], endpoint: str) -> Callable[..., Any]:
    """Return a session's ``client`` or ``resource`` that sends S3 to the driver's endpoint."""

    def made(service: str, *args: Any, **more: Any) -> Any:
        return make(
            service, *args, **({"endpoint_url": endpoint} if service == "s3" else {}) | more
        )

    return made


def _provider(load: Callable[[], Any]) -> Any:
    """Return what botocore's chain takes as a provider."""
    return SimpleNamespace(METHOD=_NAME, CANONICAL_NAME=_NAME, load=load)


def s3_file_system(source: Source) -> s3fs.S3FileSystem:
    """Return an s3fs file system over a source."""
    library: Any = require("s3fs", "s3fs")
    base: Any = require("aiobotocore.credentials", "s3fs")
    session: Any = require("aiobotocore.session", "s3fs").get_session()

    async def refresh() -> dict[str, str]:
        return _metadata(await asyncio.to_thread(source.current))

    async def load() -> Any:
        return base.AioDeferredRefreshableCredentials(refresh, _NAME)

    session.get_component("credential_provider").insert_before("env", _provider(load))
    return library.S3FileSystem(
        session=session,
        endpoint_url=source.info.endpoint or None,
        client_kwargs={"region_name": source.info.region} if source.info.region else {},
        # s3fs keeps instances by their arguments; one with other credentials is another one.
        skip_instance_cache=True,
    )


def arrow_file_system(source: Source) -> pyarrow.fs.PyFileSystem:
    """Return a pyarrow file system over s3fs."""
    fs = require("pyarrow.fs", "pyarrow")
    made: pyarrow.fs.PyFileSystem = fs.PyFileSystem(fs.FSSpecHandler(s3_file_system(source)))
    return made


def teach_duckdb(
    connection: duckdb.DuckDBPyConnection, source: Source
) -> duckdb.DuckDBPyConnection:
    """Register s3fs as a DuckDB connection's ``s3://``."""
    require("duckdb", "duckdb")
    connection.register_filesystem(s3_file_system(source))
    return connection
