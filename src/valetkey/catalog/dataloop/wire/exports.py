"""Exports of item lists, in the shapes of Dataloop's SDK: one file, or (its version 3) parts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from valetkey.catalog.dataloop.wire.base import Out, Tolerant, moment
from valetkey.catalog.dataloop.wire.items import ItemOut
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.export import ExportOptions, ExportPart, FileKind
from valetkey.catalog.services.exports import ExportFile
from valetkey.domain.errors import NotFound
from valetkey.domain.ports.objects import to_ms

#: The name of how Dataloop's SDK wants items written.
DATALOOP: Final = "dataloop"
#: What is asked for when nothing else is.
_FILES: Final = {"type": "file"}


def dataloop_line(item: Item, base: str) -> bytes:
    """Return an item as a line of an exported file."""
    return msgspec.json.encode(ItemOut.of(item, base))


class ItemsQueryIn(Tolerant, frozen=True):
    """Which items (DQL)."""

    filter: dict[str, Any] = msgspec.field(default_factory=dict)
    join: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.join:
            raise NotFound(
                "This export is about annotations, which don't exist here.",
                hint="Leave out 'join'; what works is listed in docs/guides/dataloop.md.",
                field="join",
            )

    @property
    def where(self) -> dict[str, Any]:
        """The filter; files, if there is none."""
        return self.filter or _FILES


class ExportIn(Tolerant, frozen=True):
    """An export to one file. What it says of annotations and vectors, which don't exist here, and
    of locking the dataset, is let be."""

    export_type: FileKind = FileKind.JSON
    items_query: ItemsQueryIn = msgspec.field(default_factory=ItemsQueryIn)

    def options(self, base: str) -> ExportOptions:
        """Return it as the service takes it."""
        return ExportOptions(self.items_query.where, DATALOOP, base, self.export_type)


class FiltersIn(Tolerant, frozen=True):
    """Which items, of an export to parts."""

    items_query: ItemsQueryIn = msgspec.field(default_factory=ItemsQueryIn)


class PartedExportIn(Tolerant, frozen=True):
    """An export to parts. A version is a moment, in milliseconds since 1970: with the mode ``diff``
    only items are exported that were added or changed since."""

    mode: Literal["full", "diff"] = "full"
    from_version: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    filters: FiltersIn = msgspec.field(default_factory=FiltersIn)

    def options(self, base: str) -> ExportOptions:
        """Return it as the service takes it."""
        since = (self.from_version or 0) if self.mode == "diff" else 0
        where = self.filters.items_query.where
        return ExportOptions(where, DATALOOP, base, since_ms=since, in_parts=True)


def export_spec(
    options: ExportOptions, command_id: str, dataset_id: str, count: int, created_at: datetime
) -> dict[str, Any]:
    """Return what a command says of an export: where its file is, for so many items."""
    if not options.in_parts:
        return {"datasetId": dataset_id, "outputItemId": command_id}
    result = {
        "manifestUrl": f"{_address(options, dataset_id, command_id)}/manifest",
        "totalRecords": count,
        "mode": "diff" if options.since_ms else "full",
        "fromVersion": options.since_ms or None,
        "toVersion": to_ms(created_at),
    }
    return {"datasetId": dataset_id, "exportResult": result}


def _address(options: ExportOptions, dataset_id: str, command_id: str) -> str:
    return f"{options.base}/datasets/{dataset_id}/exports/{command_id}"


def file_item(file: ExportFile, base: str) -> ItemOut:
    """Return an export's file in the shape of an item, as the SDK fetches it."""
    url, command = f"{base}/items/{file.command.id}", file.command
    facts = {"size": file.size, "mimetype": file.media_type, "originalname": file.name}
    return ItemOut(
        id=command.id,
        dataset_id=command.dataset_id,
        filename=f"/exports/{file.name}",
        name=file.name,
        dir="/exports",
        type="file",
        url=url,
        dataset=f"{base}/datasets/{command.dataset_id}",
        stream=f"{url}/stream",
        metadata={"system": facts},
        creator=file.dataset.creator,
        created_at=moment(command.created_at),
        updated_at=moment(command.updated_at),
        hidden=True,
    )


class PartOut(Out, frozen=True):
    """A part to fetch from ``path``: lines of JSON, packed with gzip; ``checksum`` is the MD5 of
    its bytes in Base64."""

    filename: str
    path: str
    url: str
    size: int
    checksum: str
    format: str = "ndjson"
    compression: str = "gzip"

    @classmethod
    def of(cls, part: ExportPart, address: str) -> PartOut:
        """Return a part's shape."""
        path = f"{address}/parts/{part.number}"
        name = f"part-{part.number:05}.ndjson.gz"
        return cls(filename=name, path=path, url=path, size=part.packed, checksum=part.md5)


class PartitionOut(Out, frozen=True):
    """A part as a stretch of the list."""

    index: int
    item_count: int
    file_path: str
    file_size: int
    url: str


class PartitioningOut(Out, frozen=True):
    """How the list is cut."""

    partition_count: int
    partitions: list[PartitionOut]


class StatisticsOut(Out, frozen=True):
    """How much there is."""

    total_records: int
    total_bytes: int
    file_count: int


class ManifestOut(Out, frozen=True):
    """What an export to parts consists of; it is kept until ``expiresAt``."""

    export_id: str
    dataset_id: str
    exported_at: str
    expires_at: str
    files: list[PartOut]
    partitioning: PartitioningOut
    statistics: StatisticsOut
    format: str = "ndjson"
    manifest_version: str = "1.0"

    @classmethod
    def of(cls, file: ExportFile) -> ManifestOut:
        """Return a manifest's shape."""
        command, parts = file.command, file.parts
        address = _address(file.options, command.dataset_id, command.id)
        files = [PartOut.of(part, address) for part in parts]
        partitions = [
            PartitionOut(
                index=part.number,
                item_count=part.items,
                file_path=shown.path,
                file_size=part.packed,
                url=shown.url,
            )
            for part, shown in zip(parts, files, strict=True)
        ]
        return cls(
            export_id=command.id,
            dataset_id=command.dataset_id,
            exported_at=moment(command.created_at),
            expires_at=moment(file.until.astimezone(UTC)),
            files=files,
            partitioning=PartitioningOut(partition_count=len(parts), partitions=partitions),
            statistics=StatisticsOut(
                total_records=file.items,
                total_bytes=sum(part.packed for part in parts),
                file_count=len(parts),
            ),
        )
