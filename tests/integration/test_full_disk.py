"""A PostgreSQL whose disk is full, though the pages that it has would take another row."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from support.databases import execute, make_tables
from support.full_disk import filled, mounted_disk
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.domain.errors import StorageUnavailable


@pytest.fixture
async def disk(postgresql_server: str, postgresql_url: str, tmp_path: Path) -> AsyncIterator[Path]:
    """A small disk on which the database is."""
    name = postgresql_url.partition("?")[0].rpartition("/")[2]
    with mounted_disk(tmp_path / "small", megabytes=64) as place:
        if place is None:
            pytest.skip("no disk may be mounted here")
        _hand_over(place, await _data_folder(postgresql_server))
        await make_tables(postgresql_url)
        await execute(postgresql_server, f"CREATE TABLESPACE {name} LOCATION '{place}'")
        await execute(postgresql_server, f"ALTER DATABASE {name} SET TABLESPACE {name}")
        yield place
        await execute(postgresql_server, f"ALTER DATABASE {name} SET TABLESPACE pg_default")
        await execute(postgresql_server, f"DROP TABLESPACE {name}")


def _hand_over(disk: Path, data: Path) -> None:
    """Make a disk PostgreSQL's, which may be another user's."""
    of_server = data.stat()
    os.chown(disk, of_server.st_uid, of_server.st_gid)
    disk.parent.chmod(0o711)


async def _data_folder(server: str) -> Path:
    connection: Any = await asyncpg.connect(server)
    try:
        return Path(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()


async def test_a_disk_without_room_is_told_of_while_a_row_can_be_written_over(
    disk: Path, postgresql_url: str
) -> None:
    """A probe that only wrote over its own row was well for as long as its page had room."""
    storage = SqlCatalogStorage.at(postgresql_url)
    try:
        await storage.probe()
        with filled(disk):
            for _ in range(3):
                with pytest.raises(StorageUnavailable, match="the disk is full"):
                    await storage.probe()
        await storage.probe()
    finally:
        await storage.close()


async def test_who_may_make_nothing_temporary_is_well_where_the_database_is(
    postgresql_url: str,
) -> None:
    name = postgresql_url.partition("?")[0].rpartition("/")[2]
    await make_tables(postgresql_url)
    for statement in (
        f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC",
        f"CREATE ROLE {name} LOGIN",
        f"GRANT SELECT, INSERT, UPDATE ON work_leases TO {name}",
    ):
        await execute(postgresql_url, statement)
    storage = SqlCatalogStorage.at(postgresql_url.replace("//postgres:", f"//{name}:"))
    assert await storage.probe() is not None
    await storage.close()
