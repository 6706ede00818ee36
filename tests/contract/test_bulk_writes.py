"""Rows by the thousand, on every storage: what is copied is what a statement would have written."""

from __future__ import annotations

import asyncio
import itertools
import re
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url

from support.databases import execute, make_tables
from support.dataset_rows import NOW, NOW_MS, add_dataset, furnish
from support.memory import open_memory
from valetkey.catalog.db.items import bulk
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.dql import All
from valetkey.catalog.domain.merge import IndexChanges, Indexed
from valetkey.catalog.domain.ports import CatalogStorage, ItemQuery
from valetkey.catalog.domain.sync import Counts, State
from valetkey.catalog.services.datasets import NewDataset
from valetkey.db.limits import LIMITS
from valetkey.db.postgres import AUDIT, connect
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Conflict, Unstorable
from valetkey.domain.ports.objects import Listed

#: What COPY's text format, CSV and arrays each have a meaning for, and what is merely long.
NAMES = (
    "plain.jpg",
    "\\N",
    "\\.",
    "a\\tb\\\\c",
    "tab\there\nand line\r\n",
    'quo"tes\'and {arrays,"of"} them',
    "$1, %s ?1 :name; DROP TABLE items; --",
    "  blanks at both ends  ",
    "NULL",
    "\x01\x02\x7f\x85",
    "ü/ŝ/日本/🦊.png",
    "e\u0301 and \u00e9 are two",
    "\ufeff\u200b\u202e.txt",
    "\U0010ffff",
    "k" * 1024,
    "é" * 512,
    "a/" * 511 + "bb",
    "no.ending.",
    ".hidden",
)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[CatalogStorage]:
    """A database at a URL, furnished."""
    await make_tables(url)
    storage = SqlCatalogStorage.at(url)
    await furnish(storage)
    yield storage
    await storage.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[CatalogStorage]:
    """Each kind of real database in turn, furnished."""
    async with opened(database_url) as storage:
        yield storage


def ids(start: int = 1) -> Iterator[str]:
    return (f"{number:024x}" for number in itertools.count(start))


def listed(path: str, number: int = 1) -> Listed:
    return Listed(path, number, f'e"{path[:9]}\\', NOW_MS + number, "GLACIER" if number % 2 else "")


def of_kind(kind: str, *found: Listed) -> IndexChanges:
    """Changes of one kind."""
    changes = IndexChanges()
    {"added": changes.added, "revived": changes.revived, "changed": changes.changed}[kind].extend(
        found
    )
    return changes


async def apply(storage: CatalogStorage, dataset: Dataset, changes: IndexChanges) -> None:
    # As a sync does: not one id more than there are rows to make.
    given = itertools.islice(ids(), len(changes.added) + len(changes.revived))
    async with storage.begin() as work:
        await work.items.lock(dataset, shared=True)
        await work.items.apply(dataset, changes, given, creator="ada@example.com", now_ms=NOW_MS)


async def rows(
    storage: CatalogStorage, dataset: Dataset
) -> tuple[list[Item], Sequence[Indexed], int]:
    """Everything that is known of a dataset's items, without what differs between datasets."""
    async with storage.read() as work:
        items = await work.items.page(dataset, ItemQuery(All(()), limit=99))
        stretch = await work.items.stretch(dataset, "", None, limit=99)
        return (
            [replace(item, dataset_id="") for item in items],
            stretch,
            await work.datasets.item_count(dataset),
        )


async def test_what_is_new_is_written_as_what_comes_back_is_whatever_its_name(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    other = await add_dataset(storage, 2)
    found = [listed(name, number) for number, name in enumerate(sorted(NAMES))]
    await apply(storage, dataset, IndexChanges(added=found))
    await apply(storage, other, IndexChanges(revived=found))
    items, stretch, count = copied = await rows(storage, dataset)
    assert copied == await rows(storage, other)
    assert [row.path for row in stretch] == sorted(NAMES, key=str.encode)
    assert [(item.path, item.size, item.etag) for item in items] == [one[:3] for one in found]
    assert {item.modified_at for item in items if item.size == 1} == {
        NOW.replace(microsecond=679000)
    }
    assert count == len(NAMES)


async def test_an_item_of_every_kind_of_change_is_written_at_once(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    first = [listed(name) for name in ("gone", "was gone", "other")]
    await apply(storage, dataset, IndexChanges(added=first))
    await apply(storage, dataset, IndexChanges(removed=["was gone"]))
    await apply(
        storage,
        dataset,
        IndexChanges(
            added=[listed("new")],
            revived=[listed("was gone")],
            changed=[listed("other", 7)],
            removed=["gone"],
        ),
    )
    items, _, count = await rows(storage, dataset)
    assert {item.path: item.size for item in items} == {"new": 1, "was gone": 1, "other": 7}
    assert count == 3


async def test_rows_of_many_statements_are_given_the_ids_that_there_are(
    storage: CatalogStorage, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_PIECE", 2)
    names = [f"{number}" for number in range(7)]
    await apply(storage, dataset, IndexChanges(revived=[listed(name) for name in names]))
    await apply(storage, dataset, IndexChanges(added=[listed(f"new {name}") for name in names]))
    assert (await rows(storage, dataset))[2] == 2 * len(names)


async def test_a_row_that_somebody_was_quicker_to_write_is_no_hindrance_to_the_others(
    storage: CatalogStorage, dataset: Dataset
) -> None:
    await apply(storage, dataset, IndexChanges(added=[listed("b")]))
    async with storage.begin() as work:
        before = await work.items.by_path(dataset, "b")
        await work.items.apply(
            dataset,
            IndexChanges(added=[listed(name, 5) for name in "abc"]),
            ids(50),
            creator="ada@example.com",
            now_ms=NOW_MS,
        )
    async with storage.read() as work:
        found = [await work.items.by_path(dataset, name) for name in "abc"]
    assert [item and item.size for item in found] == [5, 5, 5]
    assert before is not None
    assert found[1] is not None
    assert found[1].id == before.id


async def test_half_a_character_is_refused_as_such_and_leaves_nothing(
    database: CatalogStorage,
) -> None:
    dataset = await add_dataset(database)
    for kind, name in itertools.product(("added", "revived"), ("\ud800", "half \udfff")):
        with pytest.raises(Unstorable):
            await apply(database, dataset, of_kind(kind, listed("a"), listed(name)))
        assert (await rows(database, dataset))[1:] == ([], 0)
    await apply(database, dataset, IndexChanges(added=[listed("a")]))


async def test_what_postgresql_does_not_keep_is_refused_as_such(postgresql_url: str) -> None:
    async with opened(postgresql_url) as storage:
        dataset = await add_dataset(storage)
        # No index has room for a text so long that can't be packed.
        long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(3_000))
        for what in ({"path": "nul\0"}, {"size": 2**63}, {"path": long}):
            kinds = ("added", "revived", "changed")[: 2 if what.get("path") == long else 3]
            one = listed("a")._replace(**what)
            for kind in kinds:
                with pytest.raises(Unstorable):
                    await apply(storage, dataset, of_kind(kind, one))
        assert (await rows(storage, dataset))[1:] == ([], 0)


async def test_what_is_cut_short_in_the_middle_leaves_nothing_and_the_connection_good(
    storage: CatalogStorage, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_PIECE", 10)
    found = [listed(f"{number:05}") for number in range(5_000)]
    for turns in (1, 3, 30):
        writing = asyncio.create_task(apply(storage, dataset, IndexChanges(added=found)))
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        left = len((await rows(storage, dataset))[1])
        assert left in {0, 99}, "all or nothing"
        if left:
            await apply(storage, dataset, IndexChanges(removed=[one.path for one in found]))
            async with storage.begin() as work:
                await work.items.purge(before_ms=NOW_MS + 1, limit=9_999)
    await apply(storage, dataset, IndexChanges(added=found[:20]))
    assert len((await rows(storage, dataset))[1]) == 20


async def test_a_worker_that_lost_its_lease_writes_nothing(storage: CatalogStorage) -> None:
    memory = await open_memory(storage)
    location = await memory.location(folder="")
    developer = await memory.member("dev@example.com", ProjectRole.DEVELOPER)
    view = await memory.services.catalog.datasets.create(
        developer, memory.project.id, NewDataset("photos", location.id)
    )
    memory.objects.place("acme", "a", b"x")
    ordered = await memory.services.catalog.syncs.start(developer, view.dataset.id)

    async def lose_it(_: str, __: str) -> None:
        async with storage.begin() as work:
            for shard in await work.commands.shards(ordered.command.id):
                late = shard.lease_ms + 1
                await work.commands.claim(shard.id, "quick", now_ms=late, until_ms=late + 60_000)

    memory.objects.before = lose_it
    await memory.services.catalog.sync_worker.run_open()
    assert (await rows(storage, view.dataset))[1:] == ([], 0)
    seen = await memory.services.catalog.syncs.get(developer, ordered.command.id)
    assert (seen.command.state, seen.counts) == (State.RUNNING, Counts())


async def test_items_of_a_dataset_that_is_gone_can_t_be_written_nor_one_deleted_that_has_some(
    database: CatalogStorage,
) -> None:
    dataset = await add_dataset(database)
    for kind in ("added", "revived"):
        with pytest.raises(Conflict):
            await apply(database, replace(dataset, number=77), of_kind(kind, listed("a")))
    await apply(database, dataset, IndexChanges(added=[listed("a")]))
    with pytest.raises(Conflict):
        async with database.begin() as work:
            await work.datasets.delete(dataset.id)
    assert (await rows(database, dataset))[2] == 1
    async with database.begin() as work:
        await work.items.clear(dataset, limit=9)
        await work.datasets.delete(dataset.id)


async def test_a_dataset_that_goes_and_an_item_that_comes_at_once_do_not_both(
    postgresql_url: str,
) -> None:
    async with opened(postgresql_url) as storage:
        for first, second in itertools.permutations(("write", "delete")):
            dataset = await add_dataset(storage, 2 if first == "write" else 3)
            held, waits = asyncio.Event(), asyncio.Event()

            async def do(
                what: str, dataset: Dataset, then: asyncio.Event, until: asyncio.Event
            ) -> None:
                async with storage.begin() as work:
                    if what == "delete":
                        await work.datasets.delete(dataset.id)
                    else:
                        await work.items.apply(
                            dataset,
                            IndexChanges(added=[listed("a")]),
                            ids(),
                            creator="a",
                            now_ms=NOW_MS,
                        )
                    then.set()
                    await asyncio.wait_for(until.wait(), 20)

            one = asyncio.create_task(do(first, dataset, held, waits))
            await asyncio.wait_for(held.wait(), 20)
            two = asyncio.create_task(do(second, dataset, asyncio.Event(), waits))
            await asyncio.sleep(0.1)
            waits.set()
            ends = await asyncio.gather(one, two, return_exceptions=True)
            assert ends[0] is None
            assert isinstance(ends[1], Conflict)


async def test_who_may_touch_the_index_alone_can_write_it(postgresql_url: str) -> None:
    guide = Path(__file__).parents[2] / "docs" / "guides" / "ray.md"
    grants = re.findall(r"^> (GRANT .* TO valetkey_nodes;)$", guide.read_text(), re.MULTILINE)
    assert len(grants) > 3
    async with opened(postgresql_url) as storage:
        dataset = await add_dataset(storage)
        role = f"r{uuid.uuid4().hex}"
        await execute(postgresql_url, f"CREATE ROLE {role} LOGIN")
        for grant in grants:
            await execute(postgresql_url, grant.replace("valetkey_nodes", role))
        restricted = make_url(postgresql_url).set(username=role)
        theirs = SqlCatalogStorage.at(restricted.render_as_string(hide_password=False))
        changes = IndexChanges(added=[listed("a"), listed("b")], revived=[listed("c")])
        await apply(theirs, dataset, changes)
        await apply(theirs, dataset, IndexChanges(changed=[listed("a", 9)], removed=["b"]))
        async with _recording(postgresql_url):
            await _until_seen(theirs)
        await theirs.close()
        assert [row.size for row in (await rows(storage, dataset))[1] if not row.deleted] == [9, 1]
        await execute(postgresql_url, f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_what_writes_much_sees_that_credentials_are_recorded_beside_it(
    postgresql_url: str,
) -> None:
    async with opened(postgresql_url) as storage:
        assert not await _sees_records(storage)
        async with _recording(postgresql_url):
            await _until_seen(storage)


async def test_in_a_file_records_go_first_by_themselves(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path / 'valetkey.db'}") as storage:
        assert not await _sees_records(storage)


async def _until_seen(storage: CatalogStorage) -> None:
    for _ in range(1000):
        if await _sees_records(storage):
            return
        await asyncio.sleep(0.01)
    pytest.fail("Nobody is seen to record credentials.")


async def _sees_records(storage: CatalogStorage) -> bool:
    async with storage.begin() as work:
        return await work.recording()


@asynccontextmanager
async def _recording(url: str) -> AsyncIterator[None]:
    """Let another process be busy with records."""
    plain = make_url(url).set(drivername="postgresql")
    record = await connect(plain.render_as_string(hide_password=False), LIMITS, AUDIT)
    under_way = asyncio.create_task(record.execute("SELECT pg_sleep(30)"))
    try:
        yield
    finally:
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)
        await record.close()
