"""Every method of the catalog's repositories, called once on an index that is not small."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Table, insert

from support.dataset_rows import (
    NOW,
    NOW_MS,
    USER,
    command_for,
    draft,
    shard_of,
)
from valetkey.catalog.db import tables as t
from valetkey.catalog.db.storage import SqlCatalogWork
from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.dql import parse_filter
from valetkey.catalog.domain.export import pack
from valetkey.catalog.domain.merge import IndexChanges
from valetkey.catalog.domain.ports import ItemQuery
from valetkey.catalog.domain.sync import Command, CommandKind, Shard, State, WriteIntent
from valetkey.db.repositories.rows import to_row
from valetkey.domain.ports.objects import Listed
from valetkey.testing.big_index import fill

ITEMS: Final = 20_000
OTHERS: Final = 3_000
#: The tables that grow with use.
GROWING: Final = frozenset(
    table.name
    for table in (
        *(t.datasets, t.items, t.commands, t.export_parts),
        *(t.shards, t.staged_objects, t.write_intents),
    )
)
_LAST: Final = f"{OTHERS:024x}"
_SHARD: Final = f"{OTHERS + 1:024x}"


@dataclass(frozen=True, slots=True)
class Filled:
    """A database with much of everything: a large dataset of many, its items, a command that runs
    and its shard."""

    dataset: Dataset
    items: list[Item]
    command: Command
    shard: Shard


Call = Callable[[SqlCatalogWork, Filled], Awaitable[object]]


async def fill_all(work: SqlCatalogWork, dataset: Dataset) -> Filled:
    """Fill the tables, and return what the calls are about."""
    connection = work._connection
    await fill(connection, dataset, ITEMS)
    numbers = range(2, OTHERS + 1)
    sets = [_dataset_row(number) for number in numbers]
    commands = [_ended(dataset, number) for number in numbers]
    shards = [shard_of(each, number) for each, number in zip(commands, numbers, strict=True)]
    rows: dict[Table, list[dict[str, Any]]] = {
        t.datasets: sets,
        t.commands: [_command_row(each) for each in commands],
        t.shards: [to_row(replace(each, state=State.SUCCESS)) for each in shards],
        t.write_intents: [to_row(_intent(dataset, number)) for number in numbers],
        t.export_parts: [
            _part_row(each, at)
            for each in commands
            if each.kind is CommandKind.EXPORT
            for at in range(100)
        ],
    }
    for table, some in rows.items():
        await connection.execute(insert(table), some)
    command = replace(command_for(dataset, OTHERS + 1), state=State.RUNNING)
    shard = shard_of(command, OTHERS + 1, staged=True, owner="me", state=State.RUNNING)
    await work.commands.add(command)
    await connection.execute(insert(t.shards), [to_row(shard)])
    await work.items.stage(shard.id, _listed(f"{number:06d}" for number in range(ITEMS)))
    items = await work.items.page(dataset, ItemQuery(parse_filter({}), limit=100))
    await _analyze(work)
    return Filled(dataset, list(items), command, shard)


async def _analyze(work: SqlCatalogWork) -> None:
    """Look at what there is, as in life: a sync has SQLite look at the items, and PostgreSQL looks
    at all by itself."""
    await work.items.analyze()
    if work._connection.dialect.name == "postgresql":
        for table in GROWING:
            await work._connection.exec_driver_sql(f"ANALYZE {table}")


def _dataset_row(number: int) -> dict[str, Any]:
    row = to_row(draft(number, location_id=None))
    del row["number"]
    return row


def _ended(dataset: Dataset, number: int) -> Command:
    kind = CommandKind.SYNC if number % 50 else CommandKind.EXPORT
    state = State.SUCCESS if number % 10 else State.FAILED
    owner = dataset.id if number % 300 == 0 else f"{number:024x}"
    plain = command_for(dataset, number, kind=kind, state=state)
    return replace(plain, dataset_id=owner, updated_at=NOW + timedelta(minutes=number))


def _command_row(command: Command) -> dict[str, Any]:
    return to_row(command) | {"error": {}, "options": {}}


def _part_row(command: Command, number: int) -> dict[str, Any]:
    part, packed = pack(command.id, number, [b"{}"], 0)
    return to_row(part) | {"body": packed}


def _intent(dataset: Dataset, number: int, **changes: object) -> WriteIntent:
    plain = WriteIntent(
        id=f"{number:024x}",
        dataset_id=dataset.id if number % 100 == 0 else f"{number:024x}",
        path=f"{number}.jpg",
        user_id=USER,
        at=NOW,
        object_id=f"{number:024x}",
        lease_ms=NOW_MS + 1000,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


def _listed(names: Iterator[str]) -> list[Listed]:
    return [Listed(name, 1, "e", NOW_MS) for name in names]


def _ids() -> Iterator[str]:
    return (f"{number:024x}" for number in itertools.count(10**9))


async def _apply(work: SqlCatalogWork, it: Filled) -> None:
    some = [each.path for each in it.items[:30]]
    changes = IndexChanges(
        added=_listed(f"new/{number}" for number in range(10)),
        revived=_listed(f"back/{number}" for number in range(10)),
        changed=_listed(iter(some[:10])),
        removed=some[10:],
    )
    await work.items.apply(it.dataset, changes, _ids(), creator="", now_ms=NOW_MS)


async def _put(work: SqlCatalogWork, it: Filled) -> None:
    for path in (it.items[0].path, "fresh.jpg"):
        await work.items.put(it.dataset, replace(it.items[0], path=path), touched_ms=1)


async def _purge(work: SqlCatalogWork, it: Filled) -> None:
    await work.items.remove(it.dataset, [item.path for item in it.items[:3]], now_ms=1)
    assert await work.items.purge(before_ms=2, limit=500) == 3


async def _purge_commands(work: SqlCatalogWork, _: Filled) -> None:
    assert await work.commands.purge(before=NOW + timedelta(minutes=999), limit=100) == 100


async def _clear(work: SqlCatalogWork, it: Filled) -> None:
    assert await work.items.clear(it.dataset, after=it.items[9].path, limit=10)


async def _begin(work: SqlCatalogWork, it: Filled) -> None:
    new = command_for(it.dataset, OTHERS + 2, kind=CommandKind.CLONE)
    await work.commands.add(new)
    begun = replace(new, state=State.RUNNING)
    assert await work.commands.begin(begun, [shard_of(new, OTHERS + 2)])


async def _cut(work: SqlCatalogWork, it: Filled) -> None:
    plain = replace(it.shard, id=f"{OTHERS + 3:024x}", staged=False)
    await work.commands.replace_shards(it.command, plain)
    rest = replace(plain, id=f"{OTHERS + 4:024x}", after="m")
    assert await work.commands.cut(plain, rest)


async def _stretch(work: SqlCatalogWork, it: Filled) -> None:
    for upto in (None, "set/d00100/"):
        assert await work.items.stretch(it.dataset, "set/d00050/", upto, limit=10)


async def _unstage(work: SqlCatalogWork, it: Filled) -> None:
    assert await work.items.unstage(it.shard.id, after="001", limit=10) == 10
    assert await work.items.unstage(it.shard.id, after="002", upto="003", limit=10) == 10


async def _move(work: SqlCatalogWork, it: Filled) -> None:
    item = replace(it.items[0], path="moved.jpg")
    await work.items.move(it.dataset, it.items[0].path, item, tombstone_id="f" * 24, now_ms=1)


#: The page and the count have a test of their own, for each kind of query
#: (``test_query_plans.py``).
CALLS: Final[dict[str, Call]] = {
    "datasets.add": lambda work, _: work.datasets.add(draft(OTHERS + 1)),
    "datasets.get": lambda work, it: work.datasets.get(it.dataset.id),
    "datasets.of_project": lambda work, _: work.datasets.of_project("0" * 24),
    "datasets.of_projects": lambda work, _: work.datasets.of_projects(["0" * 24, "1" * 24]),
    "datasets.of_location": lambda work, _: work.datasets.of_location("0" * 24),
    "datasets.save": lambda work, it: work.datasets.save(it.dataset),
    "datasets.deleted": lambda work, _: work.datasets.deleted(),
    "datasets.delete": lambda work, _: work.datasets.delete(f"{OTHERS - 1:024x}"),
    "datasets.item_count": lambda work, it: work.datasets.item_count(it.dataset),
    "items.lock": lambda work, it: work.items.lock(it.dataset),
    "items.get": lambda work, _: work.items.get("f" * 24),
    "items.by_path": lambda work, it: work.items.by_path(it.dataset, it.items[0].path),
    "items.walk": lambda work, it: work.items.walk(
        it.dataset, parse_filter({"metadata.user.tag": "tag-5"}), after="set/d00012/", limit=100
    ),
    "items.put": _put,
    "items.set_metadata": lambda work, it: work.items.set_metadata(it.dataset, it.items),
    "items.remove": lambda work, it: work.items.remove(
        it.dataset, [*(item.path for item in it.items), "f/"], now_ms=1
    ),
    "items.touch": lambda work, it: work.items.touch(
        it.dataset, [item.path for item in it.items], now_ms=1
    ),
    "items.move": _move,
    "items.folders": lambda work, it: work.items.folders(it.dataset, after="set/", limit=100),
    "items.holds": lambda work, it: work.items.holds(it.dataset, "set/d00012/"),
    "items.stretch": _stretch,
    "items.apply": _apply,
    "items.count_drift": lambda work, it: work.items.count_drift(it.dataset),
    "items.adjust_count": lambda work, it: work.items.adjust_count(it.dataset, 1),
    "items.analyze": lambda work, _: work.items.analyze(),
    "items.purge": _purge,
    "items.clear": _clear,
    "items.stage": lambda work, it: work.items.stage(it.shard.id, _listed(iter("abc"))),
    "items.staged": lambda work, it: work.items.staged(it.shard.id, "001", limit=10),
    "items.unstage": _unstage,
    "items.purge_staged": lambda work, _: work.items.purge_staged(limit=100),
    "commands.add": lambda work, it: work.commands.add(
        command_for(it.dataset, OTHERS + 2, kind=CommandKind.EXPORT)
    ),
    "commands.get": lambda work, it: work.commands.get(it.command.id),
    "commands.of_dataset": lambda work, it: work.commands.of_dataset(
        it.dataset.id, CommandKind.SYNC, limit=9
    ),
    "commands.open": lambda work, _: work.commands.open(CommandKind.SYNC, limit=9),
    "commands.count_open": lambda work, it: work.commands.count_open(
        CommandKind.SYNC, it.dataset.id
    ),
    "commands.synced_at": lambda work, it: work.commands.synced_at(it.dataset.id),
    "commands.cancel_all": lambda work, it: work.commands.cancel_all(it.dataset.id, at=NOW),
    "commands.purge": _purge_commands,
    "commands.begin": _begin,
    "commands.replace_shards": lambda work, it: work.commands.replace_shards(
        it.command, replace(it.shard, id=f"{OTHERS + 3:024x}")
    ),
    "commands.finish": lambda work, it: work.commands.finish(
        replace(it.command, state=State.SUCCESS)
    ),
    "commands.note": lambda work, it: work.commands.note(it.command),
    "commands.shards": lambda work, it: work.commands.shards(it.command.id),
    "commands.claim": lambda work, it: work.commands.claim(
        it.shard.id, "me", now_ms=NOW_MS, until_ms=NOW_MS + 1
    ),
    "commands.renew": lambda work, it: work.commands.renew(
        [it.shard.id], "me", until_ms=NOW_MS + 1
    ),
    "commands.release": lambda work, _: work.commands.release(before=NOW - timedelta(days=1)),
    "commands.advance": lambda work, it: work.commands.advance(it.shard),
    "commands.cut": _cut,
    "commands.claim_intents": lambda work, it: work.commands.claim_intents(
        [_intent(it.dataset, OTHERS + 1, dataset_id=it.dataset.id)], now_ms=NOW_MS
    ),
    "commands.renew_intent": lambda work, it: work.commands.renew_intent(_intent(it.dataset, 5)),
    "commands.renew_intents": lambda work, _: work.commands.renew_intents([_LAST], lease_ms=1),
    "commands.abandon_intents": lambda work, _: work.commands.abandon_intents([_LAST]),
    "commands.intents": lambda work, it: work.commands.intents(it.dataset.id),
    "commands.dead_intents": lambda work, _: work.commands.dead_intents(now_ms=NOW_MS, limit=9),
    "commands.drop_intents": lambda work, _: work.commands.drop_intents([_LAST]),
    "commands.drop_intent": lambda work, _: work.commands.drop_intent(_LAST),
    "exports.keep": lambda work, it: work.exports.keep(*pack(it.command.id, 0, [b"{}"], 0)),
    "exports.parts": lambda work, it: work.exports.parts(it.command.id),
    "exports.packed": lambda work, it: work.exports.packed(pack(it.command.id, 0, [b""], 0)[0]),
    "exports.kept_bytes": lambda work, it: work.exports.kept_bytes(it.dataset.id),
    "exports.clear": lambda work, it: work.exports.clear(it.dataset.id, parts=9),
    "exports.purge": lambda work, _: work.exports.purge(before=NOW, parts=9, commands=9),
}
