"""Exports as people ask for them: order one, fetch the file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from valetkey.catalog.domain.dataset import Dataset
from valetkey.catalog.domain.dql.ast import conjunction
from valetkey.catalog.domain.export import (
    KEPT,
    ExportOptions,
    ExportPart,
    FileKind,
    Zip,
    array_end,
    array_piece,
    file_size,
)
from valetkey.catalog.domain.ports import CatalogStorage, CatalogWork
from valetkey.catalog.domain.sync import Command, CommandKind, State
from valetkey.catalog.services.datasets.orders import SyncView, WorkOrder, WorkOrders
from valetkey.catalog.services.exports.writing import wanted_of
from valetkey.catalog.services.items.folders import IS_FOLDER
from valetkey.catalog.services.nouns import COMMAND, EXPORT_ITEMS
from valetkey.domain.errors import InvalidInput, NotFound
from valetkey.domain.ports import Clock
from valetkey.services.access import Access
from valetkey.services.audit import AuditLog, Caller

#: Dataloop's SDK orders one for each 500 items, all at once.
MOST_OPEN: Final = 5_000
_TYPES: Final = {FileKind.JSON: "application/json", FileKind.ZIP: "application/zip"}


class ExportGone(NotFound):
    """An export whose file is not there yet, or not any more."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file that can be fetched until ``until``: its parts, and how they are read together."""

    command: Command
    dataset: Dataset
    options: ExportOptions
    parts: Sequence[ExportPart]
    until: datetime

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.command.id}.{self.options.kind.value}"

    @property
    def media_type(self) -> str:
        """What kind of file it is."""
        return _TYPES[self.options.kind]

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return file_size(self.options.kind, self._inner_name, self.parts)

    @property
    def items(self) -> int:
        """How many items are in it."""
        return sum(part.items for part in self.parts)

    @property
    def frame(self) -> tuple[bytes, bytes]:
        """What comes before the array of items, and after it."""
        if self.options.kind is FileKind.JSON:
            return b"", b""
        archive = Zip.around(self._inner_name, self.parts)
        return archive.before, archive.after

    @property
    def _inner_name(self) -> str:
        return f"{self.dataset.id}.json"


class Exports:
    """Members of the project may: an export shows what they can list."""

    def __init__(
        self,
        storage: CatalogStorage,
        audit: AuditLog,
        clock: Clock,
        orders: WorkOrders,
    ) -> None:
        self._storage = storage
        self._access: Access[CatalogWork] = Access(storage, audit)
        self._clock = clock
        self._orders = orders

    async def start(self, caller: Caller, dataset_id: str, options: ExportOptions) -> SyncView:
        """Order an export; a worker writes it.

        Raises InvalidInput (the filter), TooManyRequests, NotFound, Denied.
        """
        if IS_FOLDER in conjunction(wanted_of(options)):
            raise InvalidInput(
                "Folders are not exported.", hint="List them: {'type': 'dir'}.", field="filter"
            )
        order = WorkOrder(CommandKind.EXPORT, most=MOST_OPEN, options=options.document())
        return await self._orders.place(caller, EXPORT_ITEMS, dataset_id, lambda _: order)

    async def file(self, caller: Caller, command_id: str) -> ExportFile:
        """Return the file of an export that is done. Raises NotFound, also once the file is not
        kept any more, Denied."""
        async with self._access.reading(caller, EXPORT_ITEMS, COMMAND, command_id) as read:
            command = read.entity
            dataset = await read.work.datasets.get(command.dataset_id)
            parts = await read.work.exports.parts(command.id)
        until = command.updated_at + KEPT
        if command.kind is not CommandKind.EXPORT or dataset is None:
            raise NotFound(f"There is no export {command_id}.", hint="Export the dataset.")
        if command.state is not State.SUCCESS or until <= self._clock.now():
            raise ExportGone(
                f"The export {command_id} has no file that could be fetched.",
                hint=f"It is there for {KEPT // timedelta(hours=1)} hours once the export is done.",
            )
        return ExportFile(command, dataset, ExportOptions.of(command.options), parts, until)

    async def read(self, file: ExportFile, *, skip: int = 0) -> AsyncIterator[bytes]:
        """Iterate over a file's bytes, from some place on. Raises NotFound where it goes
        meanwhile."""
        async for piece in self._pieces(file):
            if skip < len(piece):
                yield piece[skip:]
            skip = max(0, skip - len(piece))

    async def _pieces(self, file: ExportFile) -> AsyncIterator[bytes]:
        before, after = file.frame
        yield before
        for part in file.parts:
            yield array_piece(part, await self.packed(part))
        yield array_end(file.parts) + after

    async def packed(self, part: ExportPart) -> bytes:
        """Return a part as it is stored: lines of JSON, packed with gzip. Raises NotFound."""
        async with self._storage.read() as work:
            packed = await work.exports.packed(part)
        if packed is None:
            raise ExportGone("The export is not kept any more.", hint="Export the dataset again.")
        return packed
