"""Each kind of query finds its items by an index, in an index of items that is not small."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, event, text

from support.databases import make_tables
from support.dataset_rows import add_dataset, furnish
from valetkey.catalog.db.items.sqlite_rows import AT_ONCE
from valetkey.catalog.db.storage import SqlCatalogStorage, SqlCatalogWork
from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.dql import parse_filter, parse_sort
from valetkey.catalog.domain.merge import IndexChanges
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.domain.ports.objects import Listed
from valetkey.testing.big_index import fill
from valetkey.testing.query_kinds import KINDS

COUNT = 20_000
#: Whether anybody has made a folder is asked first, of an index of those folders alone.
ANY_FOLDER = "SELECT 1 \nFROM items INDEXED BY ix_items_made_folders"
#: SQLite: by a key, or by the index that is an eighth of the items; never the items themselves but
#: where they lie in the order that is asked for.
PLANS = {
    "all files": "COVERING INDEX ix_items_facts",
    "the next page": r"COVERING INDEX ix_items_facts \(dataset=\? AND id>",
    "the newest": "COVERING INDEX ix_items_facts",
    "a name": r"PRIMARY KEY \(dataset=\? AND path=",
    "names": r"PRIMARY KEY \(dataset=\? AND path=",
    "an id": r"ix_items_facts \(dataset=\? AND id=",
    "a folder": r"ix_items_dataset_folder_id \(dataset=\? AND folder=",
    "a folder by glob": r"ix_items_dataset_folder_id \(dataset=\? AND folder=",
    "all below a folder": r"PRIMARY KEY \(dataset=\? AND path>",
    "an ending": "COVERING INDEX ix_items_facts",
    "a rare word": "COVERING INDEX ix_items_facts",
    "a word, by name": "COVERING INDEX ix_items_facts",
    "large ones": "COVERING INDEX ix_items_facts",
    "by size": "COVERING INDEX ix_items_facts",
    "a mimetype": "COVERING INDEX ix_items_facts",
    "mimetypes by glob": "COVERING INDEX ix_items_facts",
    "a month": "COVERING INDEX ix_items_facts",
    "lately changed": "COVERING INDEX ix_items_facts",
    "a tag": "COVERING INDEX ix_items_documents",
    "a score of a folder": r"ix_items_dataset_folder_id \(dataset=\? AND folder=",
    "folders": "ix_items_made_folders",
    "the oldest": "COVERING INDEX ix_items_facts",
    "by the moment": "COVERING INDEX ix_items_facts",
    "the newest of a folder": r"ix_items_dataset_folder_id \(dataset=\? AND folder=",
    "the newest below a folder": r"PRIMARY KEY \(dataset=\? AND path>",
    "the newest of a kind": "COVERING INDEX ix_items_facts",
    "changed since": "COVERING INDEX ix_items_facts",
    "made since, by size": "COVERING INDEX ix_items_facts",
    "what it is called": "COVERING INDEX ix_items_dataset_folder_id",
    "what some are called": "COVERING INDEX ix_items_dataset_folder_id",
    "what it was called": "COVERING INDEX ix_items_dataset_folder_id",
    "a part of a name": "COVERING INDEX ix_items_dataset_folder_id",
    "from a to z": r"PRIMARY KEY \(dataset=\?",
    "from z to a": r"PRIMARY KEY \(dataset=\?",
    "all from z to a": "COVERING INDEX ix_items_facts",
    "by what they are called": "COVERING INDEX ix_items_dataset_folder_id",
    "by what they are called, from z": "COVERING INDEX ix_items_dataset_folder_id",
    "folder by folder": "COVERING INDEX ix_items_dataset_folder_id",
    "not in a folder": r"ix_items_facts \(dataset=\?",
    "folders by glob": r"ix_items_facts \(dataset=\?",
    "by mimetype and size": "COVERING INDEX ix_items_facts",
    "no jpegs": "COVERING INDEX ix_items_facts",
    "large ones of a kind": "COVERING INDEX ix_items_facts",
    "a tag, the newest": "COVERING INDEX ix_items_documents",
    "a tag, by name": "COVERING INDEX ix_items_documents",
    "tags": "COVERING INDEX ix_items_documents",
    "one of many tags": "COVERING INDEX ix_items_documents",
    "not a tag": r"ix_items_facts \(dataset=\?",
    "a tag of a kind": "COVERING INDEX ix_items_documents",
}

#: One storage for all of them: what it had compiled of a statement, it need not compile again.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def filled_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """SQLite with a big index in which somebody made a folder, and another dataset beside it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('plans')}/valetkey.db"
    asyncio.run(_fill(url))
    return url


async def _fill(url: str) -> None:
    await make_tables(url)
    storage = SqlCatalogStorage.at(url)
    await furnish(storage)
    dataset, other = await add_dataset(storage), await add_dataset(storage, 2)
    async with storage.begin() as work:
        await fill(work._connection, dataset, COUNT)  # rows by SQL
        await fill(work._connection, other, 1000, first=COUNT)
        await fill(work._connection, dataset, 1, first=2 * COUNT)
        folder = text("UPDATE items SET path = 'f/' WHERE id = :id")
        await work._connection.execute(folder, {"id": f"{2 * COUNT + 1:024x}"})
    await storage.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(filled_url: str) -> AsyncIterator[tuple[SqlCatalogStorage, Dataset]]:
    """That database, opened, and its large dataset."""
    storage = SqlCatalogStorage.at(filled_url)
    async with storage.read() as work:
        dataset = await work.datasets.get(f"{1:024x}")
    assert dataset is not None
    yield storage, dataset
    await storage.close()


async def plans(storage: SqlCatalogStorage, run: Any) -> str:
    """The plans of the statements that something runs, without and with statistics."""
    found: list[str] = []
    async with storage.begin() as work:
        connection = work._connection  # EXPLAIN has no port
        for statistics in (False, True):
            if statistics:
                await work.items.analyze()
            seen = await _statements(connection, lambda: run(work))
            for statement, values in seen:
                rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                found.append("; ".join(str(row.detail) for row in rows))
        await connection.execute(text("DROP TABLE IF EXISTS sqlite_stat1"))
    return " | ".join(found)


async def _statements(connection: Any, run: Any) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []

    def see(_: Connection, __: Any, statement: str, values: Any, *___: Any) -> None:
        if not statement.startswith(ANY_FOLDER):
            seen.append((statement, values))

    event.listen(connection.sync_connection, "before_cursor_execute", see)
    try:
        await run()
    finally:
        event.remove(connection.sync_connection, "before_cursor_execute", see)
    return seen


@pytest.mark.parametrize("kind", KINDS)
async def test_a_page_is_found_by_an_index(
    filled: tuple[SqlCatalogStorage, Dataset], kind: str
) -> None:
    storage, dataset = filled
    where, sort = KINDS[kind]
    query = ItemQuery(parse_filter(where), parse_sort(sort), limit=1001)
    plan = await plans(storage, lambda work: work.items.page(dataset, query))
    for each in plan.split(" | "):
        assert re.search(PLANS[kind], each), plan
        assert "SCAN items" not in each, plan


@pytest.mark.parametrize("kind", KINDS)
async def test_a_count_reads_no_more_than_its_page(
    filled: tuple[SqlCatalogStorage, Dataset], kind: str
) -> None:
    storage, dataset = filled
    where = parse_filter(KINDS[kind][0])
    plan = await plans(storage, lambda work: work.items.count(dataset, where, most=1000))
    expected = {
        "from a to z": "COVERING INDEX ix_items_facts",
        "from z to a": "COVERING INDEX ix_items_facts",
        "by what they are called": "COVERING INDEX ix_items_facts",
        "by what they are called, from z": "COVERING INDEX ix_items_facts",
        "folder by folder": "COVERING INDEX ix_items_facts",
        "not in a folder": "COVERING INDEX ix_items_dataset_folder_id",
        "folders by glob": "COVERING INDEX ix_items_dataset_folder_id",
        # Most fit: the first are soon found, in whatever order.
        "not a tag": r"PRIMARY KEY \(dataset=\?",
    }
    wanted = expected.get(kind, PLANS[kind])
    for each in plan.split(" | "):
        assert re.search(wanted, each), plan


async def the_other(work: SqlCatalogWork) -> Dataset:
    """Return the other dataset of the same database."""
    found = await work.datasets.get(f"{2:024x}")
    assert found is not None
    return found


async def test_an_item_is_found_by_its_id_in_whichever_dataset_it_is(
    filled: tuple[SqlCatalogStorage, Dataset],
) -> None:
    storage, _ = filled
    plan = await plans(storage, lambda work: work.items.get("f" * 24))
    for each in plan.split(" | "):
        assert re.search(r"ix_items_facts \(dataset=\? AND id=", each), plan


async def test_many_rows_are_written_by_their_keys_alone(
    filled: tuple[SqlCatalogStorage, Dataset],
) -> None:
    storage, _ = filled
    async with storage.read() as work:
        other = await the_other(work)
        items = await work.items.walk(other, parse_filter({}), after="", limit=AT_ONCE)
    paths = [item.path for item in items]
    assert len(paths) == AT_ONCE
    changes = IndexChanges(changed=[Listed(path, 1, "e", 1) for path in paths])
    writes: list[Callable[[Any], Any]] = [
        lambda work: work.items.set_metadata(other, items),
        lambda work: work.items.apply(other, changes, iter(()), creator="", now_ms=1),
        lambda work: work.items.remove(other, [f"{path}x" for path in paths], now_ms=1),
    ]
    for write in writes:
        for each in (await plans(storage, write)).split(" | "):
            assert re.search(r"\(dataset=\? AND (path|id)=", each), each
            # It reads the whole index, for rows that are found in no time.
            assert "BLOOM FILTER" not in each, each


async def test_old_rows_are_purged_by_their_keys_alone(
    filled: tuple[SqlCatalogStorage, Dataset],
) -> None:
    storage, _ = filled
    async with storage.read() as work:
        other = await the_other(work)
        items = await work.items.page(other, ItemQuery(parse_filter({}), limit=1000))
    old = [item.path for item in items[-6:]]

    async def purge(work: Any) -> None:
        await work.items.remove(other, [old.pop() for _ in range(3)], now_ms=1)
        assert await work.items.purge(before_ms=2, limit=500) == 3

    for each in (await plans(storage, purge)).split(" | "):
        for found in re.findall(r"SEARCH items [^;]*", each):
            assert "(dataset=? AND path=?)" in found or "ix_items_deleted_ms" in found, each


async def test_folders_are_found_by_jumps(filled: tuple[SqlCatalogStorage, Dataset]) -> None:
    storage, dataset = filled
    plan = await plans(storage, lambda work: work.items.folders(dataset, limit=1000))
    for each in plan.split(" | "):
        found = re.findall(r"ix_items_dataset_folder_id \(dataset=\? AND folder>\?\)", each)
        assert len(found) == 2, plan  # the first, and each next one


@pytest.mark.parametrize("made", [False, True])
async def test_items_are_asked_whether_they_are_folders_only_where_somebody_made_one(
    filled: tuple[SqlCatalogStorage, Dataset], *, made: bool
) -> None:
    storage, dataset = filled
    where = parse_filter({"type": "file", "metadata.system.size": {"$gt": 10}})
    async with storage.read() as work:
        other = await the_other(work)
        asked = dataset if made else other
        seen = await _statements(work._connection, lambda: work.items.count(asked, where))
        assert await work.items.count(asked, parse_filter({"type": "dir"})) == made
    [(statement, _)] = seen
    assert ("substr" in statement) is made


#: PostgreSQL: what leads to few items is found by an index once a sync had statistics made.
LEADING = ("a name", "names", "an id", "a folder", "a folder by glob", "the next page", "a tag")


@pytest_asyncio.fixture(loop_scope="module")
async def filled_postgresql(
    postgresql_url: str,
) -> AsyncIterator[tuple[SqlCatalogStorage, Dataset]]:
    """PostgreSQL with a big index and fresh statistics."""
    await make_tables(postgresql_url)
    storage = SqlCatalogStorage.at(postgresql_url)
    await furnish(storage)
    dataset = await add_dataset(storage)
    async with storage.begin() as work:
        await fill(work._connection, dataset, COUNT)
        await work.items.analyze()
    yield storage, dataset
    await storage.close()


async def test_postgresql_finds_what_is_few_by_an_index(
    filled_postgresql: tuple[SqlCatalogStorage, Dataset],
) -> None:
    storage, dataset = filled_postgresql
    plans = {}
    async with storage.read() as work:
        for kind in LEADING:
            where, sort = KINDS[kind]
            query = ItemQuery(parse_filter(where), parse_sort(sort), limit=1001)
            seen = await _statements(
                work._connection, lambda query=query: work.items.page(dataset, query)
            )
            statement, values = seen[-1]
            rows = await work._connection.exec_driver_sql(f"EXPLAIN {statement}", values)
            plans[kind] = "\n".join(str(row[0]) for row in rows)
    for kind, plan in plans.items():
        assert "Seq Scan on items" not in plan, (kind, plan)
    assert "ix_items_metadata" in plans["a tag"]


@pytest.mark.parametrize(
    "where", [{}, {"type": "file"}, {"filename": "*_0999*"}, {"filename": "/set/d000**"}]
)
async def test_a_walk_goes_on_where_it_was(
    filled: tuple[SqlCatalogStorage, Dataset], where: dict[str, Any]
) -> None:
    storage, dataset = filled
    node = parse_filter(where)
    plan = await plans(
        storage, lambda work: work.items.walk(dataset, node, after="set/d00012/", limit=100)
    )
    for each in plan.split(" | "):
        assert re.search(r"PRIMARY KEY \(dataset=\? AND path>", each), plan
        assert "TEMP B-TREE" not in each, plan
