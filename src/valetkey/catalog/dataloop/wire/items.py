"""Items and their queries, in the shapes of Dataloop's SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from valetkey.catalog.dataloop.wire.base import Out, Tolerant, moment
from valetkey.catalog.domain.dataset import STANDARD, Item, folder_id
from valetkey.catalog.domain.filenames import escape
from valetkey.catalog.services.items.changing import ItemPatch
from valetkey.catalog.services.items.folders import shared
from valetkey.catalog.services.items.reading import ItemsPage, PageRequest
from valetkey.catalog.services.items.selection import Selection
from valetkey.domain.errors import NotFound

#: Whatever starts too far in is for the service to say, which knows how long pages are.
MAX_PAGE_NUMBER: Final = 10**9
_Offset = Annotated[int, msgspec.Meta(ge=0, le=MAX_PAGE_NUMBER)]
_PageSize = Annotated[int, msgspec.Meta(ge=0, le=1000)]
#: A tree is cut below this depth: deeper JSON breaks readers.
_MAX_DEPTH = 100


class ItemOut(Out, frozen=True):
    """An item. ``metadata.system`` has the object's facts and what was written there; ``stream``
    is where its bytes are."""

    id: str
    dataset_id: str
    filename: str
    name: str
    dir: str
    type: Literal["file", "dir"]
    url: str
    dataset: str
    stream: str | None
    metadata: dict[str, Any]
    creator: str
    created_at: str
    updated_at: str
    description: str | None = None
    hidden: bool = False
    annotated: bool = False
    annotations_count: int = 0
    annotations: str | None = None
    thumbnail: str | None = None
    spec: dict[str, Any] = msgspec.field(default_factory=dict)
    src_item: str | None = None
    updated_by: str | None = None
    #: Parts of an upload that are Dataloop's alone, and were not kept.
    not_kept: list[str] = msgspec.field(default_factory=list)

    @classmethod
    def of(
        cls, item: Item, base: str, not_kept: Sequence[str] = (), *, size: int | None = None
    ) -> ItemOut:
        """Return an item's shape; ``base`` is the API's own address, ``size`` that of what a link
        leads to, to which the SDK holds a download."""
        url = f"{base}/items/{item.id}"
        return cls(
            id=item.id,
            dataset_id=item.dataset_id,
            filename=item.filename,
            name=item.name,
            dir=item.directory,
            type="dir" if item.is_folder else "file",
            url=url,
            dataset=f"{base}/datasets/{item.dataset_id}",
            stream=None if item.is_folder else f"{url}/stream",
            metadata=_metadata(item, size),
            creator=item.creator,
            created_at=moment(item.created_at),
            updated_at=moment(item.updated_at),
            description=item.description or None,
            not_kept=list(not_kept),
        )


def _metadata(item: Item, size: int | None) -> dict[str, Any]:
    if item.is_folder:
        return {"system": {}, **item.metadata}
    facts: dict[str, Any] = {
        "size": item.size if size is None else size,
        "mimetype": item.mimetype,
        "etag": item.etag,
        "storageClass": item.storage_class or STANDARD,
        "originalname": item.name,
    }
    written = item.metadata.get("system")
    system = {**written, **facts} if isinstance(written, dict) else facts
    return {**item.metadata, "system": system}


class UpdateIn(Tolerant, frozen=True):
    """What to change of many items."""

    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class ItemQueryIn(Tolerant, frozen=True):
    """A filter (DQL), and what to do with the items that it fits: list a page of them, delete
    them, or change their metadata.

    A deletion or a change may be held to how many items it is of (``expectedCount``) or to their
    ids (``expectedIds``): where the filter fits others, nothing is done (409). ``dryRun`` says how
    many it would be of.
    """

    filter: dict[str, Any] = msgspec.field(default_factory=dict)
    sort: dict[str, Any] | None = None
    page: _Offset = 0
    page_size: _PageSize = 1000
    resource: str = "items"
    delete: bool = False
    update: UpdateIn | None = None
    system_space: bool | None = None
    expected_count: Annotated[int, msgspec.Meta(ge=0)] | None = None
    expected_ids: list[str] | None = None
    dry_run: bool = False
    join: Any = None
    references: Any = None

    def __post_init__(self) -> None:
        if self.resource != "items" or self.join is not None or self.references is not None:
            # Not 400, which the SDK turns into an empty list.
            raise NotFound(
                "This query is about annotations or tasks, which don't exist here.",
                hint='Query items: {"resource": "items", "filter": {...}}. What works is listed in '
                "docs/guides/dataloop.md.",
                field="resource",
            )

    @property
    def wanted(self) -> PageRequest:
        """The page as the service takes it."""
        by_name = _is_by_name(self.filter)
        return PageRequest(self.filter, self.sort, self.page, self.page_size, by_name)

    @property
    def selection(self) -> Selection:
        """What a deletion or a change is of, as the service takes it."""
        return Selection(self.filter, self.expected_count, self.expected_ids, self.dry_run)

    def patch(self, update: UpdateIn) -> ItemPatch:
        """Return the change as the service takes it."""
        return ItemPatch(metadata=update.metadata, system=bool(self.system_space))


def _is_by_name(document: dict[str, Any]) -> bool:
    """Tell whether this is how the SDK asks for one item by its name: all lists say that they want
    no hidden ones, and this does not."""
    parts = document.get("$and", [document])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return False
    names = [name for part in parts for name in part]
    return sorted(names) in (["filename"], ["filename", "type"])


class ItemsPageOut(Out, frozen=True, omit_defaults=True):
    """A page of items. The totals are there on the first page; whoever walks on by id has them.
    ``totalIsAtLeast`` says that there may be more, which were not counted."""

    items: list[ItemOut]
    has_next_page: bool
    total_items_count: int | None = None
    total_pages_count: int | None = None
    total_is_at_least: bool = False

    @classmethod
    def of(cls, page: ItemsPage, size: int, base: str, linked: Mapping[str, int]) -> ItemsPageOut:
        """Return a page's shape; ``linked`` are the sizes of what links in it lead to."""
        pages = None if page.total is None else -(-page.total // size) if size else 0
        return cls(
            items=[ItemOut.of(item, base, size=linked.get(item.id)) for item in page.items],
            has_next_page=page.has_next,
            total_items_count=page.total,
            total_pages_count=pages,
            total_is_at_least=page.is_bounded,
        )


class BulkOut(Out, frozen=True):
    """How many items a bulk change was done to."""

    items_count: int


class ItemPatchIn(Tolerant, frozen=True):
    """What differs from the item as it was read; in the metadata, null removes. A new ``filename``
    moves the object."""

    metadata: dict[str, Any] | None = None
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    filename: str | None = None

    def patch(self, *, system: bool) -> ItemPatch | None:
        """Return the change as the service takes it, or None if there is none."""
        if self.metadata is None and self.description is msgspec.UNSET:
            return None
        text = None if self.description is msgspec.UNSET else self.description or ""
        return ItemPatch(metadata=self.metadata, description=text, system=system)


class ImportIn(Tolerant, frozen=True):
    """An object to index: ``bucket:key``, or its key."""

    storage_id: str
    filename: str = ""


class TreeValueOut(Out, frozen=True):
    """A folder."""

    id: str
    name: str
    dir: str | None
    filename: str
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


async def tree_chunks(dataset_id: str, pages: AsyncIterator[Sequence[str]]) -> AsyncIterator[bytes]:
    """Render folders (each ends in ``/``, in order) as a tree of ``{"value", "children"}``, with
    those that merely hold others, as they come: however many there are, none is kept."""
    root = TreeValueOut(id=folder_id(dataset_id, ""), name="", dir=None, filename="/")
    yield _opened(root)
    above: list[str] = []
    async for folders in pages:
        written: list[bytes] = []
        for folder in folders:
            parts = folder[:-1].split("/")[:_MAX_DEPTH]
            known = shared(above, parts)
            # What is closed has a sibling now.
            written.append(b"]}" * (len(above) - known) + b","[: len(above) - known])
            for depth in range(known, len(parts)):
                parent = "".join(f"{part}/" for part in parts[:depth])
                written.append(_opened(_folder(dataset_id, parent, parts[depth])))
            above = parts
        yield b"".join(written)
    yield b"]}" * (len(above) + 1)


def _opened(value: TreeValueOut) -> bytes:
    return b'{"value":' + msgspec.json.encode(value) + b',"children":['


def _folder(dataset_id: str, parent: str, name: str) -> TreeValueOut:
    path = f"{parent}{name}/"
    return TreeValueOut(
        id=folder_id(dataset_id, path),
        name=escape(name),
        dir="/" + escape(parent).removesuffix("/"),
        filename="/" + escape(path).removesuffix("/"),
    )
