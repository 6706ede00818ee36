"""Each verb against each other verb of its noun, and against those of other nouns that are about
the same, on real databases: nothing is lost.

On SQLite a transaction at a time, in an order that is chosen: it has one writer. On PostgreSQL
transactions really overlap: one verb has done all of its first change and not committed it when the
other one begins, which then goes on until it is done, or waits for a lock. Each pair comes to what
one after the other comes to on the double.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import asyncpg
import pytest

from support.databases import make_tables
from support.overlapping import OverlappingStorage
from support.rival_verbs import (
    VERBS,
    Outcome,
    Scene,
    make_scene,
    one_after_the_other,
    pairs,
    verbs_of,
)
from support.stepping import SteppedStorage
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.db.tables import metadata

#: Every order and every pair: minutes, so that `make quick` leaves it to `make test`.
pytestmark = pytest.mark.slow

#: Of what is kept in memory too: records are chained, and changes are numbered.
NOT_RESTORED = {"audit_records", "alembic_version", "change_numbers"}
#: A noun with itself, and with each other one.
MEETINGS = list(itertools.combinations_with_replacement(VERBS, 2))
of_each_meeting = pytest.mark.parametrize("nouns", MEETINGS, ids=" and ".join)


class Rows:
    """What the tables of a database hold, taken once and put back, past all foreign keys."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tables = [each for each in metadata.tables if each not in NOT_RESTORED]
        self._script = ""

    async def take(self) -> None:
        for each in self._tables:
            await self._run(f"CREATE TABLE kept_{each} AS SELECT * FROM {each};")  # noqa: S608  # our own names
        put_back = [f"DELETE FROM {each};" for each in self._tables]  # noqa: S608
        put_back += [f"INSERT INTO {each} SELECT * FROM kept_{each};" for each in self._tables]  # noqa: S608
        self._script = "".join(put_back)

    async def put_back(self) -> None:
        await self._run(self._script)

    async def _run(self, script: str) -> None:
        if self._url.startswith("sqlite"):
            with closing(sqlite3.connect(self._url.removeprefix("sqlite:///"))) as file:
                file.executescript(f"BEGIN;{script}COMMIT;")
            return
        connection: Any = await asyncpg.connect(self._url)
        await connection.execute(f"SET session_replication_role = replica;{script}")
        await connection.close()


async def installed(url: str, kind: type[SteppedStorage], *more: str) -> tuple[Scene, Rows]:
    await make_tables(url)
    storage = kind(SqlCatalogStorage.at(url), *more)
    scene = await make_scene(storage)
    rows = Rows(url)
    await rows.take()
    return scene, rows


async def play(
    nouns: tuple[str, str],
    scene: Scene,
    rows: Rows,
    run: Callable[[str, str, str], Awaitable[Any]],
) -> None:
    for one, other in pairs(*nouns):
        serial = await one_after_the_other(one, other)
        for first in "AB":
            await rows.put_back()
            outcome = await Outcome.of(scene, await run(first, one, other))
            outcome.must_be_one_of(serial, f"{one} beside {other}, {first} first")


@of_each_meeting
async def test_on_sqlite_nothing_is_lost(sqlite_url: str, nouns: tuple[str, str]) -> None:
    scene, rows = await installed(sqlite_url, SteppedStorage)

    async def run(first: str, one: str, other: str) -> Any:
        second = "B" if first == "A" else "A"
        return await scene.storage.run(first + second * 40, **verbs_of(scene, one, other))

    await play(nouns, scene, rows, run)
    await scene.storage.close()


@of_each_meeting
async def test_on_postgresql_nothing_is_lost(postgresql_url: str, nouns: tuple[str, str]) -> None:
    scene, rows = await installed(postgresql_url, OverlappingStorage, postgresql_url)
    storage = scene.storage
    assert isinstance(storage, OverlappingStorage)

    async def run(first: str, one: str, other: str) -> Any:
        return await storage.overlap(first, **verbs_of(scene, one, other))

    await play(nouns, scene, rows, run)
    await storage.close()
