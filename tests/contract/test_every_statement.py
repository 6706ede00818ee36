"""Each statement of the catalog finds its rows by an index, or stands here with the reason."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Final

import pytest

from support.catalog_calls import CALLS, GROWING, Filled, fill_all
from support.databases import make_tables
from support.dataset_rows import add_dataset, furnish
from support.statements import unbounded
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain import ports

#: What reads a whole table, or all items of a dataset, and why that is right.
REASONS: Final[dict[str, str]] = {
    "datasets.add: items": "a foreign key's look at a number that is new: no item has it",
    "datasets.delete: items": "a foreign key's look at a dataset that is cleared: it has no item",
    "datasets.deleted: datasets": "housekeeping, once in minutes, over datasets: 3,000 take 1 ms",
    "items.get: datasets": "an id says nothing of its dataset: a look in each, 3,000 take 1.3 ms",
    "items.get: items": "so does PostgreSQL, or reads an index if that is the shorter of the two",
    "items.count_drift: items": "it counts them all, at most 100,000 in a statement",
    **{
        f"exports.{verb}: export_parts": "PostgreSQL: some thousand rows, their bodies elsewhere"
        for verb in ("kept_bytes", "clear", "purge")
    },
    "commands.dead_intents: write_intents": "housekeeping, over writes that are under way or cut",
    "commands.release: write_intents": "at a start, over writes that were under way",
}
_REPOSITORIES: Final = {
    "datasets": ports.DatasetRepository,
    "items": ports.ItemRepository,
    "commands": ports.CommandRepository,
    "exports": ports.ExportRepository,
}
#: These have tests of their own, over each kind of query (``test_query_plans.py``).
_SEARCHES: Final = {"items.page", "items.count"}


def test_every_method_of_every_repository_is_called() -> None:
    methods = {
        f"{name}.{method}"
        for name, port in _REPOSITORIES.items()
        for method, _ in inspect.getmembers(port, inspect.iscoroutinefunction)
    }
    assert methods - _SEARCHES == set(CALLS)


@pytest.fixture
async def filled(database_url: str) -> AsyncIterator[tuple[SqlCatalogStorage, Filled]]:
    """Each database, with much of everything."""
    await make_tables(database_url)
    storage = SqlCatalogStorage.at(database_url)
    await furnish(storage)
    dataset = await add_dataset(storage)
    async with storage.begin() as work:
        it = await fill_all(work, dataset)
    yield storage, it
    await storage.close()


async def test_no_statement_reads_all_rows_but_for_a_reason(
    filled: tuple[SqlCatalogStorage, Filled],
) -> None:
    storage, it = filled
    found = set()
    for name, call in CALLS.items():
        with suppress(_Undone):
            async with storage.begin() as work:
                read = await unbounded(work, GROWING, partial(call, work, it))
                found |= {f"{name}: {table}" for table in read}
                raise _Undone  # each finds what there was at first
    assert found <= set(REASONS)


class _Undone(Exception):
    """Ends a transaction of which nothing is to stay."""
