"""An export at work: pages of items become parts of a file, each stored with how far that is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.dql.ast import All, Column, Compare, FilterNode
from valetkey.catalog.domain.dql.parse import parse_filter
from valetkey.catalog.domain.export import (
    MOST_KEPT,
    MOST_ZIPPED,
    PART_BYTES,
    PART_ITEMS,
    ExportOptions,
    ExportPart,
    FileKind,
    array_size,
    pack,
)
from valetkey.catalog.domain.ports import CatalogStorage, ItemQuery
from valetkey.catalog.domain.sync import Command, Shard, State
from valetkey.catalog.services.datasets.orders import caller_of
from valetkey.catalog.services.datasets.outcomes import CommandOutcomes
from valetkey.catalog.services.datasets.single import Single
from valetkey.catalog.services.items.dataset_storage import DatasetStorageRepository
from valetkey.catalog.services.nouns import EXPORT_ITEMS
from valetkey.domain.errors import TooLarge

#: Writes an item as a line of JSON; the text is the API's address for links.
ExportForm = Callable[[Item, str], bytes]
#: By the names that orders give.
Forms = Mapping[str, ExportForm]

_PAGE: Final = 1000
#: A part is stored after so many seconds, however little is in it: its lease runs out otherwise.
_PART_SECONDS: Final = 4.0
#: So many are written at once by a process: each reads as fast as the database gives.
_AT_ONCE: Final = 2


@dataclass(slots=True)
class _Lines:
    """What is read and not stored yet."""

    last: str
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    ended: bool = False

    def add(self, items: Sequence[Item], written: Sequence[bytes]) -> None:
        self.lines += written
        self.size += sum(map(len, written))
        self.last = items[-1].id if items else self.last
        self.ended = len(items) < _PAGE

    @property
    def is_full(self) -> bool:
        return self.ended or len(self.lines) >= PART_ITEMS or self.size >= PART_BYTES


class ExportRuns:
    """Implements Runner."""

    def __init__(
        self,
        storage: CatalogStorage,
        stores: DatasetStorageRepository,
        outcomes: CommandOutcomes,
        single: Single,
        forms: Forms,
    ) -> None:
        self._storage = storage
        self._stores = stores
        self._outcomes = outcomes
        self._single = single
        self._forms = forms
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def work(self, command: Command) -> None:
        async with self._gate:
            shard = await self._single.claimed(command)
            if shard is not None:
                await self._write(command, shard)

    async def _write(self, command: Command, shard: Shard) -> None:
        options = ExportOptions.of(command.options)
        going: Shard | None = shard
        while going is not None:
            # Each time as if for the first: who began it may have lost the right meanwhile.
            caller = await caller_of(self._storage, command)
            store = await self._stores.of_dataset(caller, command.dataset_id, EXPORT_ITEMS)
            if going.state.over:
                await self._outcomes.succeed(command, caller)
                return
            lines = _Lines(going.checkpoint)
            until = self._single.clock.monotonic() + _PART_SECONDS
            where = wanted_of(options)
            while not lines.is_full and self._single.clock.monotonic() < until:
                above = All((where, Compare(Column.ID, ">", lines.last)))
                async with self._storage.search() as work:
                    items = await work.items.page(store.dataset, ItemQuery(above, limit=_PAGE))
                form = self._forms[options.form]
                lines.add(items, [form(item, options.base) for item in items])
            going = await self._store(command, options, going, lines)

    async def _store(
        self, command: Command, options: ExportOptions, shard: Shard, lines: _Lines
    ) -> Shard | None:
        """Store a part with how far that is; None if the work is somebody else's, or over."""
        async with self._storage.read() as work:
            before = await work.exports.parts(command.id)
            kept = await work.exports.kept_bytes(command.dataset_id)
        crc = before[-1].crc if before else 0
        done = self._single.advanced(shard, lines.last, items=len(lines.lines))
        if lines.ended:
            done = replace(done, state=State.SUCCESS)
        if not lines.lines:
            async with self._storage.begin() as work:
                return await self._single.advance(work, done)
        part, packed = await asyncio.to_thread(pack, command.id, len(before), lines.lines, crc)
        _require_room(options, [*before, part], kept + part.packed)
        async with self._storage.begin() as work:
            stored = await self._single.advance(work, done)
            if stored is not None:
                await work.exports.keep(part, packed)
        return stored


def wanted_of(options: ExportOptions) -> FilterNode:
    """Return the filter of an export. Raises InvalidInput."""
    where = parse_filter(options.where)
    if not options.since_ms:
        return where
    return All((where, Compare(Column.UPDATED_AT, ">=", options.since_ms)))


def _require_room(options: ExportOptions, parts: Sequence[ExportPart], kept: int) -> None:
    if options.kind is FileKind.ZIP and array_size(parts) > MOST_ZIPPED:
        raise TooLarge(
            "The list is longer than 4 GiB, and does not fit into a zip archive.",
            hint="Export it as JSON or in parts, or export fewer items at once.",
        )
    if kept > MOST_KEPT:
        raise TooLarge(
            f"The exports of this dataset would take more than {MOST_KEPT // 1024**3} GiB.",
            hint="They are kept for a day: try again later, or export fewer items.",
        )
