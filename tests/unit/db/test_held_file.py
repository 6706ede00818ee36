"""A database whose file goes away while it is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.databases import make_tables
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.domain.errors import StorageUnavailable


async def test_a_file_that_went_away_is_neither_used_nor_made_anew_until_it_is_back(
    tmp_path: Path,
) -> None:
    file, away = tmp_path / "valetkey.db", tmp_path / "away.db"
    url = f"sqlite:///{file}"
    await make_tables(url)
    storage = SqlCatalogStorage.at(url)
    await storage.ping()
    file.rename(away)
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="can't be opened"):
            await storage.ping()
        with pytest.raises(StorageUnavailable, match="can't be opened"):
            async with storage.begin():
                pytest.fail("a transaction has begun")
    assert not file.exists()
    away.rename(file)
    await storage.ping()
    async with storage.begin():
        pass
    await storage.close()


async def test_another_file_under_the_name_is_not_taken_for_it(tmp_path: Path) -> None:
    file, other = tmp_path / "valetkey.db", tmp_path / "other.db"
    for each in (file, other):
        await make_tables(f"sqlite:///{each}")
    storage = SqlCatalogStorage.at(f"sqlite:///{file}")
    await storage.ping()
    other.replace(file)
    with pytest.raises(StorageUnavailable):
        await storage.ping()
    await storage.close()
