"""botocore's family: boto3, s3fs (aiobotocore), and what stands on s3fs: pyarrow, DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from valetkey.sdk.adapters import require
from valetkey.sdk.adapters.botocore import NAME, metadata

if TYPE_CHECKING:
    import boto3
    import duckdb
    import pyarrow.fs
    import s3fs

    from valetkey.sdk.source import Source


def boto3_session(source: Source) -> boto3.Session:
    """Return a boto3 session over a source.

    botocore asks for new credentials from 15 minutes before the end, and insists on them from 10.
    """
    library: Any = require("boto3", "boto3")
    base: Any = require("botocore.credentials", "boto3")
    session: Any = require("botocore.session", "boto3").get_session()

    def load() -> Any:
        return base.DeferredRefreshableCredentials(lambda: metadata(source.current()), NAME)

    # Before the environment: what was asked for here wins over what lies about.
    provider = SimpleNamespace(METHOD=NAME, CANONICAL_NAME=NAME, load=load)
    session.get_component("credential_provider").insert_before("env", provider)
    made = library.Session(botocore_session=session, region_name=source.region or None)
    if source.endpoint:
        made.client = _at(made.client, source.endpoint)
        made.resource = _at(made.resource, source.endpoint)
    if source.requester_pays:
        session.get_component("event_emitter").register("before-call.s3", _pay)
    return made  # type: ignore[no-any-return]


def _pay(params: Any, **_: Any) -> None:
    """Say with each request of S3 that whoever makes it pays for it."""
    params["headers"].setdefault("x-amz-request-payer", "requester")


def _at(make: Callable[..., Any], endpoint: str) -> Callable[..., Any]:
    """Return a session's ``client`` or ``resource`` that sends S3 to the location's endpoint."""

    def made(service: str, *args: Any, **more: Any) -> Any:
        return make(
            service, *args, **({"endpoint_url": endpoint} if service == "s3" else {}) | more
        )

    return made


def s3_file_system(source: Source) -> s3fs.S3FileSystem:
    """Return an s3fs file system over a source."""
    require("s3fs", "s3fs")
    from valetkey.sdk.adapters.files import LocationFileSystem  # noqa: PLC0415  # needs s3fs

    return LocationFileSystem(source)


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
    require("s3fs", "s3fs")
    from valetkey.sdk.adapters.files import DuckdbFileSystem  # noqa: PLC0415  # needs s3fs

    connection.register_filesystem(DuckdbFileSystem(source))
    return connection
