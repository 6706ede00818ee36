"""A location in a program's hands: credentials, URLs, and the libraries that use them."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from valetkey.sdk.call import Call
from valetkey.sdk.clock import Now
from valetkey.sdk.explained import explained
from valetkey.sdk.processes import begins_anew
from valetkey.sdk.refresher import Refresher
from valetkey.sdk.resources.base import AsyncSender, Sender
from valetkey.sdk.resources.locations import AsyncLocations, Locations
from valetkey.sdk.resources.projects import AsyncProjects, Projects
from valetkey.sdk.scope import RequestedScope, Signing, UrlMethod
from valetkey.sdk.source import Source
from valetkey.wire.base import AccessLevel
from valetkey.wire.credentials import Credentials, PresignedUrl
from valetkey.wire.locations import Location

if TYPE_CHECKING:
    import boto3
    import duckdb
    import obstore.store
    import pyarrow.fs
    import s3fs

#: What is asked for when nothing is said: the location's whole folder, reading only.
WHOLE: Final = ("",)
READING: Final[tuple[AccessLevel, ...]] = ("list", "read")
HOUR: Final = 3600


class _BlockingSender(Sender, Protocol):
    """What is used of a blocking client."""

    clock: Now
    projects: Projects
    locations: Locations


class _AsyncSender(AsyncSender, Protocol):
    """What is used of an asynchronous client."""

    projects: AsyncProjects
    locations: AsyncLocations

    def blocking(self) -> _BlockingSender: ...


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Sends the same call each time; travels to other processes as its client does."""

    client: _BlockingSender
    call: Call[Credentials]

    def __call__(self) -> Credentials:
        return self.client.send(self.call)


@explained
class _Adapters:
    """The libraries. Each method returns an object that renews its credentials by itself. Raises
    MissingPackage, ApiError."""

    def _source(self, scope: RequestedScope) -> Source:
        raise NotImplementedError

    def boto3_session(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> boto3.Session:
        """Return a boto3 session; its S3 clients use the location's region and endpoint."""
        from valetkey.sdk.adapters.aws import boto3_session  # noqa: PLC0415  # optional packages

        return boto3_session(
            self._source(RequestedScope(prefixes, access, ttl, "", bare, versions))
        )

    def s3fs(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> s3fs.S3FileSystem:
        """Return an s3fs file system; paths begin with the bucket."""
        from valetkey.sdk.adapters.aws import s3_file_system  # noqa: PLC0415

        return s3_file_system(
            self._source(RequestedScope(prefixes, access, ttl, "", bare, versions))
        )

    def obstore(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> obstore.store.S3Store:
        """Return an obstore S3Store; paths are full keys of the bucket."""
        from valetkey.sdk.adapters.rust import s3_store  # noqa: PLC0415

        return s3_store(self._source(RequestedScope(prefixes, access, ttl, "", bare, versions)))

    def pyarrow(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> pyarrow.fs.PyFileSystem:
        """Return a pyarrow file system, over s3fs; paths begin with the bucket."""
        from valetkey.sdk.adapters.aws import arrow_file_system  # noqa: PLC0415

        return arrow_file_system(
            self._source(RequestedScope(prefixes, access, ttl, "", bare, versions))
        )

    def polars(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> dict[str, Any]:
        """Return the keyword arguments of polars' scanning and writing functions:
        ``pl.scan_parquet(location.url("x.parquet"), **location.polars())``."""
        from valetkey.sdk.adapters.rust import polars_options  # noqa: PLC0415

        return polars_options(
            self._source(RequestedScope(prefixes, access, ttl, "", bare, versions))
        )

    def duckdb(
        self,
        connection: duckdb.DuckDBPyConnection,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> duckdb.DuckDBPyConnection:
        """Teach a DuckDB connection ``s3://`` through s3fs (no extension is downloaded, and the
        credentials are renewed, which a DuckDB secret's are not); return the connection."""
        from valetkey.sdk.adapters.aws import teach_duckdb  # noqa: PLC0415

        return teach_duckdb(
            connection, self._source(RequestedScope(prefixes, access, ttl, "", bare, versions))
        )


@explained
class LocationClient(_Adapters):
    """A location of a blocking client. Threads may share it. ``client.location(name)`` makes one.

    - ``client``: Who asks for it.
    - ``name``: Its name or id.
    - ``project``: Its project, by name or id, where several locations have the name.
    - ``found``: What is known of it already.
    """

    def __init__(
        self,
        client: _BlockingSender,
        name: str,
        project: str = "",
        *,
        found: Location | None = None,
    ) -> None:
        self._client = client
        self._name = name
        self._project = project
        self._found = found
        self._finding = threading.Lock()
        begins_anew(self)

    def after_fork(self) -> None:
        """Don't wait for a thread of the parent's."""
        self._finding = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return LocationClient, (self._client, self._name, self._project)

    def __repr__(self) -> str:
        return f"<LocationClient {self._name!r}>"

    @property
    def info(self) -> Location:
        """What the server knows of the location; asked once. Raises ApiError."""
        with self._finding:
            if self._found is None:
                project = self._project and self._client.projects.get(self._project).id
                self._found = self._client.locations.get(self._name, project_id=project or None)
            return self._found

    def url(self, path: str = "") -> str:
        """Return the s3:// address of a path below the location's folder. Raises ApiError."""
        return f"s3://{self.info.bucket}/{self.info.folder or ''}{path}"

    def credentials(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        purpose: str = "",
        *,
        bare: bool = False,
        versions: bool = False,
        min_ttl: int = 0,
    ) -> Credentials:
        """Ask for credentials. Raises ApiError."""
        given: Credentials = self._client.send(
            self._asked(RequestedScope(prefixes, access, ttl, purpose, bare, versions, min_ttl))
        )
        return given

    def renewing(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        purpose: str = "",
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> Refresher:
        """Return a function that returns credentials that are good now; threads may share it.
        Raises ApiError."""
        return self._renewing(RequestedScope(prefixes, access, ttl, purpose, bare, versions))

    def presign(
        self,
        keys: Iterable[str],
        *,
        method: UrlMethod = "GET",
        expires: int = HOUR,
        disposition: str = "",
        version_ids: Iterable[str] = (),
        purpose: str = "",
    ) -> Iterator[PresignedUrl]:
        """Yield a URL for each key of the bucket, in order, each with its real expiry. Raises
        ApiError."""
        return self._client.stream(
            self._asked(Signing(keys, method, expires, disposition, version_ids, purpose))
        )

    def _asked(self, wanted: RequestedScope | Signing) -> Call[Any]:
        if self._found is None and not self._project:
            return wanted.call(self._name, by_name=True)
        return wanted.call(self.info.id, by_name=False)

    def _renewing(self, scope: RequestedScope) -> Refresher:
        return Refresher(_Fetch(self._client, self._asked(scope)), self._client.clock)

    def _source(self, scope: RequestedScope) -> Source:
        return Source.of(self._renewing(scope))


@explained
class AsyncLocationClient(_Adapters):
    """A location of an asynchronous client; ``client.location(name)`` makes one.

    - ``client``: Who asks for it.
    - ``name``: Its name or id.
    - ``project``: Its project, by name or id, where several locations have the name.

    The adapters fetch their credentials themselves, from the libraries' threads, over a blocking
    client of their own: making one blocks while the server is asked for the first.
    """

    def __init__(self, client: _AsyncSender, name: str, project: str = "") -> None:
        self._client = client
        self._name = name
        self._project = project
        self._found: Location | None = None

    def __repr__(self) -> str:
        return f"<AsyncLocationClient {self._name!r}>"

    async def info(self) -> Location:
        """Return what the server knows of the location; asked once. Raises ApiError."""
        if self._found is None:
            project = self._project and (await self._client.projects.get(self._project)).id
            self._found = await self._client.locations.get(self._name, project_id=project or None)
        return self._found

    async def url(self, path: str = "") -> str:
        """Return the s3:// address of a path below the location's folder. Raises ApiError."""
        info = await self.info()
        return f"s3://{info.bucket}/{info.folder or ''}{path}"

    async def credentials(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        purpose: str = "",
        *,
        bare: bool = False,
        versions: bool = False,
        min_ttl: int = 0,
    ) -> Credentials:
        """Ask for credentials. Raises ApiError."""
        scope = RequestedScope(prefixes, access, ttl, purpose, bare, versions, min_ttl)
        given: Credentials = await self._client.send(await self._asked(scope))
        return given

    def renewing(
        self,
        prefixes: Iterable[str] = WHOLE,
        access: Iterable[AccessLevel] = READING,
        ttl: int | None = None,
        purpose: str = "",
        *,
        bare: bool = False,
        versions: bool = False,
    ) -> Refresher:
        """Return what ``LocationClient.renewing`` returns: for libraries, it blocks."""
        scope = RequestedScope(prefixes, access, ttl, purpose, bare, versions)
        return self._blocking()._renewing(scope)  # noqa: SLF001  # one class in two colours

    async def presign(
        self,
        keys: Iterable[str],
        *,
        method: UrlMethod = "GET",
        expires: int = HOUR,
        disposition: str = "",
        version_ids: Iterable[str] = (),
        purpose: str = "",
    ) -> AsyncIterator[PresignedUrl]:
        """Yield a URL for each key of the bucket, in order, each with its real expiry. Raises
        ApiError."""
        asked = await self._asked(Signing(keys, method, expires, disposition, version_ids, purpose))
        async for url in self._client.stream(asked):
            yield url

    async def _asked(self, wanted: RequestedScope | Signing) -> Call[Any]:
        if self._found is None and not self._project:
            return wanted.call(self._name, by_name=True)
        return wanted.call((await self.info()).id, by_name=False)

    def _blocking(self) -> LocationClient:
        return LocationClient(self._client.blocking(), self._name, self._project, found=self._found)

    def _source(self, scope: RequestedScope) -> Source:
        return self._blocking()._source(scope)  # noqa: SLF001  # one class in two colours
