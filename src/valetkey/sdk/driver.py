"""A driver in a program's hands: credentials, URLs, and the libraries that use them."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from valetkey.sdk import calls, flows
from valetkey.sdk.models import Credentials, DriverInfo, PresignedUrl
from valetkey.sdk.processes import begins_anew
from valetkey.sdk.refresher import Refresher
from valetkey.wire.base import checked_list

if TYPE_CHECKING:
    import boto3
    import duckdb
    import obstore.store
    import pyarrow.fs
    import s3fs

    from valetkey.sdk.client import AsyncClient, Client

#: What is asked for when nothing is said: the driver's whole folder, reading only.
WHOLE: Final = ("",)
READING: Final = ("list", "read")
HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Source:
    """Where an adapter gets its credentials: ``current`` returns ones that are good now."""

    info: DriverInfo
    current: Refresher


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Sends the same call each time; travels to other processes as its client does."""

    client: Client
    call: calls.Call[Credentials]

    def __call__(self) -> Credentials:
        return self.client.send(self.call)


class _Adapters:
    """The libraries. Each method takes ``prefixes`` (folders below the driver's own; ``""`` is
    all of it), ``access`` (list, read, write, delete), ``ttl`` in seconds, and ``bare`` and
    ``versions`` as ``credentials`` has them, and returns an object that renews its credentials by
    itself. Raises MissingPackage, ApiError."""

    def _source(
        self,
        prefixes: Iterable[str],
        access: Iterable[str],
        ttl: int,
        *,
        bare: bool,
        versions: bool,
    ) -> Source:
        raise NotImplementedError

    def boto3_session(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[str] = READING,
        ttl: int = HOUR,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> boto3.Session:
        """Return a boto3 session; its S3 clients use the driver's region and endpoint."""
        from valetkey.sdk.adapters.aws import boto3_session  # noqa: PLC0415  # optional packages

        return boto3_session(self._source(prefixes, access, ttl, bare=bare, versions=versions))

    def s3fs(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[str] = READING,
        ttl: int = HOUR,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> s3fs.S3FileSystem:
        """Return an s3fs file system; paths begin with the bucket."""
        from valetkey.sdk.adapters.aws import s3_file_system  # noqa: PLC0415

        return s3_file_system(self._source(prefixes, access, ttl, bare=bare, versions=versions))

    def obstore(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[str] = READING,
        ttl: int = HOUR,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> obstore.store.S3Store:
        """Return an obstore S3Store; paths are full keys of the bucket."""
        from valetkey.sdk.adapters.rust import s3_store  # noqa: PLC0415

        return s3_store(self._source(prefixes, access, ttl, bare=bare, versions=versions))

    def pyarrow(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[str] = READING,
        ttl: int = HOUR,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> pyarrow.fs.PyFileSystem:
        """Return a pyarrow file system, over s3fs; paths begin with the bucket."""
        from valetkey.sdk.adapters.aws import arrow_file_system  # noqa: PLC0415

        return arrow_file_system(self._source(prefixes, access, ttl, bare=bare, versions=versions))

    def polars(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[str] = READING,
        ttl: int = HOUR,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> dict[str, Any]:
        """Return the keyword arguments of polars' scanning and writing functions:
        ``pl.scan_parquet(driver.url("x.parquet"), **driver.polars())``."""
        from valetkey.sdk.adapters.rust import polars_options  # noqa: PLC0415

        return polars_options(self._source(prefixes, access, ttl, bare=bare, versions=versions))

    def duckdb(
        self,
        connection: duckdb.DuckDBPyConnection,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[str] = READING,
        ttl: int = HOUR,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> duckdb.DuckDBPyConnection:
        """Teach a DuckDB connection ``s3://`` through s3fs (no extension is downloaded, and the
        credentials are renewed, which a DuckDB secret's are not); return the connection."""
        from valetkey.sdk.adapters.aws import teach_duckdb  # noqa: PLC0415

        return teach_duckdb(
            connection, self._source(prefixes, access, ttl, bare=bare, versions=versions)
        )


class Driver(_Adapters):
    """A driver of a blocking client."""

    def __init__(
        self, client: Client, name: str, project: str = "", *, info: DriverInfo | None = None
    ) -> None:
        self._client = client
        self._name = name
        self._project = project
        self._info = info
        self._finding = threading.Lock()
        begins_anew(self)

    def after_fork(self) -> None:
        """Don't wait for a thread of the parent's."""
        self._finding = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Driver, (self._client, self._name, self._project)

    def __repr__(self) -> str:
        return f"<Driver {self._name!r}>"

    @property
    def info(self) -> DriverInfo:
        """What the server knows of the driver; asked once. Raises ApiError."""
        with self._finding:
            if self._info is None:
                self._info = self._client.run(flows.find_driver(self._name, self._project))
            return self._info

    def url(self, path: str = "") -> str:
        """Return the s3:// address of a path below the driver's folder."""
        return f"s3://{self.info.bucket_name}/{self.info.path}{path}"

    def credentials(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[str] = READING,
        ttl: int = HOUR,
        purpose: str = "",
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> Credentials:
        """Ask for credentials. They are good for at most ``ttl`` seconds. Raises ApiError.

        ``bare`` lets listings name the folders without their ``/``, as ``aws s3 ls s3://b/folder``
        does; ``versions`` opens old versions of the objects too.
        """
        return self._client.send(
            calls.vend(
                self.info.id,
                checked_list(prefixes, "prefixes"),
                checked_list(access, "access"),
                ttl,
                purpose,
                bare=bare,
                versions=versions,
            )
        )

    def renewing(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[str] = READING,
        ttl: int = HOUR,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> Refresher:
        """Return a function that returns credentials that are good now; threads may share it."""
        return self._source(prefixes, access, ttl, bare=bare, versions=versions).current

    def presign(
        self,
        keys: Iterable[str],
        *,
        method: str = "GET",
        expires: int | None = None,
        disposition: str = "",
        version_ids: Iterable[str] = (),
        purpose: str = "",
    ) -> Iterator[PresignedUrl]:
        """Yield a URL for each key of the bucket, in order, each with its real expiry.

        ``method`` is GET, PUT, HEAD or DELETE; ``expires`` is in seconds, and is cut where the
        session ends; ``version_ids`` has an entry for each key. Raises ApiError.
        """
        return self._client.stream(
            calls.presign(
                self.info.id,
                checked_list(keys, "keys"),
                method=method,
                expires=expires,
                disposition=disposition,
                version_ids=checked_list(version_ids, "version_ids"),
                purpose=purpose,
            )
        )

    def _source(
        self,
        prefixes: Iterable[str],
        access: Iterable[str],
        ttl: int,
        *,
        bare: bool,
        versions: bool,
    ) -> Source:
        call = calls.vend(
            *(
                self.info.id,
                checked_list(prefixes, "prefixes"),
                checked_list(access, "access"),
                ttl,
            ),
            bare=bare,
            versions=versions,
        )
        return Source(self.info, Refresher(_Fetch(self._client, call), self._client.clock))


class AsyncDriver(_Adapters):
    """A driver of an asynchronous client. The adapters fetch their credentials themselves, from
    the libraries' threads, over a blocking client of their own. Making one blocks while the server
    is asked for the driver, unless ``await driver.info()`` has done so before."""

    def __init__(self, client: AsyncClient, name: str, project: str = "") -> None:
        self._client = client
        self._name = name
        self._project = project
        self._info: DriverInfo | None = None

    def __repr__(self) -> str:
        return f"<AsyncDriver {self._name!r}>"

    async def info(self) -> DriverInfo:
        """Return what the server knows of the driver; asked once. Raises ApiError."""
        if self._info is None:
            self._info = await self._client.run(flows.find_driver(self._name, self._project))
        return self._info

    async def credentials(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[str] = READING,
        ttl: int = HOUR,
        purpose: str = "",
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> Credentials:
        """Ask for credentials. They are good for at most ``ttl`` seconds. Raises ApiError.

        ``bare`` lets listings name the folders without their ``/``, as ``aws s3 ls s3://b/folder``
        does; ``versions`` opens old versions of the objects too.
        """
        info = await self.info()
        return await self._client.send(
            calls.vend(
                info.id,
                checked_list(prefixes, "prefixes"),
                checked_list(access, "access"),
                ttl,
                purpose,
                bare=bare,
                versions=versions,
            )
        )

    async def presign(
        self,
        keys: Iterable[str],
        *,
        method: str = "GET",
        expires: int | None = None,
        disposition: str = "",
        version_ids: Iterable[str] = (),
        purpose: str = "",
    ) -> AsyncIterator[PresignedUrl]:
        """Yield a URL for each key of the bucket, in order, each with its real expiry.

        ``method`` is GET, PUT, HEAD or DELETE; ``expires`` is in seconds, and is cut where the
        session ends; ``version_ids`` has an entry for each key. Raises ApiError.
        """
        info = await self.info()
        call = calls.presign(
            info.id,
            checked_list(keys, "keys"),
            method=method,
            expires=expires,
            disposition=disposition,
            version_ids=checked_list(version_ids, "version_ids"),
            purpose=purpose,
        )
        async for url in self._client.stream(call):
            yield url

    def _source(
        self,
        prefixes: Iterable[str],
        access: Iterable[str],
        ttl: int,
        *,
        bare: bool,
        versions: bool,
    ) -> Source:
        blocking = Driver(self._client.blocking(), self._name, self._project, info=self._info)
        return blocking._source(  # noqa: SLF001  # one class in two colours
            prefixes, access, ttl, bare=bare, versions=versions
        )
