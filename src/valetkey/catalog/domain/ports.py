"""Datasets as the outside keeps them: the repositories of one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.dql.ast import Column, FilterNode, SortOrder
from valetkey.catalog.domain.export import ExportPart
from valetkey.catalog.domain.merge import IndexChanges, Indexed
from valetkey.catalog.domain.sync import Command, CommandKind, Shard, WriteIntent
from valetkey.domain.ports import Storage, UnitOfWork
from valetkey.domain.ports.objects import Listed


class DatasetRepository(Protocol):
    """Names are unique within a project: ``add`` and ``save`` raise Conflict. Those that are being
    deleted are not found any more, except by ``deleted``."""

    async def add(self, dataset: Dataset) -> Dataset:
        """Return it with its number."""
        ...

    async def get(self, dataset_id: str) -> Dataset | None:
        """Return a dataset; None if there is none."""
        ...

    async def of_project(self, project_id: str) -> Sequence[Dataset]:
        """Return a project's datasets by name."""
        ...

    async def of_projects(self, project_ids: Sequence[str]) -> Sequence[tuple[Dataset, int]]:
        """List the datasets of many projects by name, with their numbers of files."""
        ...

    async def of_location(self, location_id: str) -> Sequence[Dataset]:
        """Return the datasets over a location."""
        ...

    async def save(self, dataset: Dataset) -> None:
        """Store the newer self of what was read."""
        ...

    async def deleted(self) -> Sequence[Dataset]:
        """Return datasets that are being deleted."""
        ...

    async def delete(self, dataset_id: str) -> None:
        """Forget a dataset whose items are cleared."""
        ...

    async def item_count(self, dataset: Dataset) -> int:
        """Return the number of files, kept as they come and go: it costs nothing."""
        ...


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """A page of items: those that ``where`` fits, sorted; the last of the ``orders`` is by id."""

    where: FilterNode
    orders: Sequence[SortOrder] = (SortOrder(Column.ID),)
    limit: int = 1000
    offset: int = 0


class ItemRepository(Protocol):
    """The index. Tombstones are seen by the methods of sync only."""

    async def lock(self, dataset: Dataset, *, shared: bool = False) -> None:
        """Keep other writers of this dataset out until the transaction ends; those that share the
        lock work on ranges of their own."""
        ...

    async def get(self, item_id: str) -> Item | None:
        """Return an item; None if there is none."""
        ...

    async def by_path(self, dataset: Dataset, path: str) -> Item | None:
        """Return the item at a path; None if there is none."""
        ...

    async def page(self, dataset: Dataset, query: ItemQuery) -> Sequence[Item]:
        """Return a page of items, as the query asks."""
        ...

    async def walk(
        self, dataset: Dataset, where: FilterNode, *, after: str, limit: int
    ) -> Sequence[Item]:
        """Return items that a filter fits, in the order of their paths, above ``after``: each part
        of a long walk is found as quickly as the first."""
        ...

    async def count(self, dataset: Dataset, where: FilterNode, *, most: int | None = None) -> int:
        """Return how many items a filter fits; beyond ``most`` they are not counted."""
        ...

    async def put(
        self, dataset: Dataset, item: Item, *, touched_ms: int, revive: bool = False
    ) -> Item:
        """Insert, or replace the facts of the row at this path, which keeps its id and, where the
        new item has none, its metadata. A tombstone is replaced by the new item, unless it is to be
        brought to life where its very object came back. Returns what is stored."""
        ...

    async def set_metadata(self, dataset: Dataset, items: Sequence[Item]) -> None:
        """Store what people wrote on items of one dataset."""
        ...

    async def remove(self, dataset: Dataset, paths: Sequence[str], *, now_ms: int) -> int:
        """Turn rows into tombstones, touched now."""
        ...

    async def touch(self, dataset: Dataset, paths: Sequence[str], *, now_ms: int) -> None:
        """Say that rows, tombstones too, are known as of now: older listings leave them alone."""
        ...

    async def move(
        self, dataset: Dataset, path: str, item: Item, *, tombstone_id: str, now_ms: int
    ) -> None:
        """Put an item, which keeps its id, where its new path says; what it leaves behind is a
        tombstone with an id of its own."""
        ...

    async def folders(self, dataset: Dataset, *, after: str = "", limit: int) -> Sequence[str]:
        """Return the distinct folders that hold items, in order, above ``after``; without the
        root."""
        ...

    async def holds(self, dataset: Dataset, folder: str) -> bool:
        """Tell whether anything lies in a folder (its path ends in ``/``) or below."""
        ...

    async def stretch(
        self, dataset: Dataset, after: str, upto: str | None, *, limit: int
    ) -> Sequence[Indexed]:
        """Return rows of files in path order, tombstones too."""
        ...

    async def apply(
        self,
        dataset: Dataset,
        changes: IndexChanges,
        ids: Iterator[str],
        *,
        creator: str,
        now_ms: int,
    ) -> None:
        """Write what a merge found, as many rows as there are, fast."""
        ...

    async def count_drift(self, dataset: Dataset) -> int:
        """Return how many files more there are than the kept number says, at one moment. Counts
        in parts: no statement takes longer for more items."""
        ...

    async def adjust_count(self, dataset: Dataset, difference: int) -> None:
        """Change the kept number of files."""
        ...

    async def analyze(self) -> None:
        """Have the database look anew at what the index is made of, so that its plans stay right
        after much was written. Takes milliseconds, whatever the size."""
        ...

    async def purge(self, *, before_ms: int, limit: int) -> int:
        """Delete tombstones of any dataset that are older; returns how many."""
        ...

    async def clear(self, dataset: Dataset, *, after: str = "", limit: int) -> str | None:
        """Delete rows of any kind above a path; returns the last one's path, and None where there
        are none: whoever goes on from there does not walk over what is gone."""
        ...

    async def stage(self, shard_id: str, listed: Sequence[Listed]) -> None:
        """Keep a part of an unordered listing."""
        ...

    async def staged(self, shard_id: str, after: str, *, limit: int) -> Sequence[Listed]:
        """Return kept objects in path order."""
        ...

    async def unstage(
        self, shard_id: str, *, after: str = "", upto: str | None = None, limit: int
    ) -> int:
        """Forget kept objects above ``after``, at most so many; returns how many."""
        ...

    async def purge_staged(self, *, limit: int) -> int:
        """Forget kept objects of syncs that are over; returns how many."""
        ...


class CommandRepository(Protocol):
    """Work that takes time, and the shards that it consists of."""

    async def add(self, command: Command) -> None:
        """Raises Locked for a sync while another one of the dataset is not over."""
        ...

    async def get(self, command_id: str) -> Command | None:
        """Return a command; None if there is none."""
        ...

    async def of_dataset(
        self, dataset_id: str, kind: CommandKind, *, limit: int
    ) -> Sequence[Command]:
        """Return a dataset's commands of a kind, newest first."""
        ...

    async def open(self, kind: CommandKind, *, limit: int) -> Sequence[Command]:
        """Return the commands of a kind that are not over, oldest first."""
        ...

    async def count_open(self, kind: CommandKind, dataset_id: str) -> int:
        """Return how many of a dataset's commands of a kind are not over."""
        ...

    async def synced_at(self, dataset_id: str) -> datetime | None:
        """Return when a dataset's latest sync that succeeded was ordered; None if none did."""
        ...

    async def cancel_all(self, dataset_id: str, *, at: datetime) -> None:
        """End all commands of a dataset that are not over."""
        ...

    async def purge(self, *, before: datetime, limit: int) -> int:
        """Delete shards of commands that were over before a moment, and the commands that have none
        left, at most so many; returns how many rows went. Exports have a purge of their own, and
        a dataset's latest sync that succeeded stays."""
        ...

    async def begin(self, command: Command, shards: Sequence[Shard]) -> bool:
        """Store the shards of a command that has none yet, and that it runs. False if another
        process was quicker, or the command is over: then nothing is stored."""
        ...

    async def replace_shards(self, command: Command, shard: Shard) -> None:
        """Put one shard in the place of all; whoever works on another finds it gone."""
        ...

    async def finish(self, command: Command) -> bool:
        """Store how a command ended. False if it was over already: then nothing is stored."""
        ...

    async def note(self, command: Command) -> bool:
        """Store what became known of a command meanwhile. False if it is over: then nothing is
        stored."""
        ...

    async def shards(self, command_id: str) -> Sequence[Shard]:
        """Return a command's shards, in the order of their ranges."""
        ...

    async def claim(self, shard_id: str, owner: str, *, now_ms: int, until_ms: int) -> Shard | None:
        """Take a shard that is not over and not leased by somebody else."""
        ...

    async def renew(self, shard_ids: Collection[str], owner: str, *, until_ms: int) -> None:
        """Lengthen an owner's leases on shards that are not over. One that is just being advanced
        is left out: that lengthens it."""
        ...

    async def release(self, *, before: datetime) -> None:
        """End all leases of shards, and set aside the intents from before a moment: for a process
        that knows that it is the only one, and since when."""
        ...

    async def advance(self, shard: Shard) -> bool:
        """Store a shard's progress if its owner still holds the lease, it ends where it did, and
        the command goes on."""
        ...

    async def cut(self, shard: Shard, rest: Shard) -> bool:
        """Let a shard end where ``rest`` begins, which is stored for others to take. False if it
        is beyond that, ends elsewhere by now or is over: then nothing is stored."""
        ...

    async def claim_intents(self, intents: Sequence[WriteIntent], *, now_ms: int) -> frozenset[str]:
        """Store intents for objects that nobody else has one for whose lease goes on; those whose
        lease is over are set aside. Returns the ids of what was stored."""
        ...

    async def renew_intent(self, intent: WriteIntent) -> bool:
        """Store an intent's lease and upload. False if it is set aside or gone."""
        ...

    async def renew_intents(self, ids: Sequence[str], *, lease_ms: int) -> frozenset[str]:
        """Move the ends of intents' leases; return the ids of those that are neither set aside nor
        gone."""
        ...

    async def abandon_intents(self, ids: Sequence[str]) -> None:
        """Set intents aside: their objects may be written by others."""
        ...

    async def intents(self, dataset_id: str) -> Sequence[WriteIntent]:
        """Return a dataset's intents."""
        ...

    async def dead_intents(self, *, now_ms: int, limit: int) -> Sequence[WriteIntent]:
        """Return intents of any dataset that are set aside or whose lease is over, by id."""
        ...

    async def drop_intents(self, ids: Sequence[str]) -> None:
        """Strike intents off."""
        ...

    async def drop_intent(self, intent_id: str) -> bool:
        """Strike an intent off. False if it was set aside or gone: its writer was not alone."""
        ...


class ExportRepository(Protocol):
    """The parts of exported files."""

    async def keep(self, part: ExportPart, packed: bytes) -> None:
        """Store a part."""
        ...

    async def parts(self, command_id: str) -> Sequence[ExportPart]:
        """Return an export's parts in their order."""
        ...

    async def packed(self, part: ExportPart) -> bytes | None:
        """Return what is stored of a part; None if it is not kept any more."""
        ...

    async def kept_bytes(self, dataset_id: str) -> int:
        """Return how many bytes all exports of a dataset take."""
        ...

    async def clear(self, dataset_id: str, *, parts: int) -> int:
        """Delete parts of a dataset's exports, at most so many; returns how many went."""
        ...

    async def purge(self, *, before: datetime, parts: int, commands: int) -> int:
        """Delete parts of exports that were over before a moment, and those that failed or were
        cancelled, at most so many, and the commands of old exports that have none left; returns
        how many rows went."""
        ...


class CatalogWork(UnitOfWork, Protocol):
    """One transaction's repositories, the catalog's among them."""

    @property
    def datasets(self) -> DatasetRepository: ...
    @property
    def items(self) -> ItemRepository: ...
    @property
    def commands(self) -> CommandRepository: ...
    @property
    def exports(self) -> ExportRepository: ...

    async def recording(self) -> bool:
        """Tell whether credentials are being recorded at this moment, by any process, and would
        wait for what this transaction writes."""
        ...


class CatalogStorage(Storage, Protocol):
    """The database, with the catalog's tables."""

    def begin(self) -> AbstractAsyncContextManager[CatalogWork]:
        """Start a transaction, as Storage.begin."""
        ...

    def read(self) -> AbstractAsyncContextManager[CatalogWork]:
        """Start a transaction that only reads, as Storage.read."""
        ...

    def search(self) -> AbstractAsyncContextManager[CatalogWork]:
        """Read what may take long: apart from everybody else, and for a limited time. Stops when
        its task is cancelled. Raises TookTooLong."""
        ...
