"""What answers the own API's operations on objects' bytes, on folders, and on many entries."""

from __future__ import annotations

from typing import Any

from valetkey.api.v1.calls import ApiCall, ContentResponse, IncomingContent, Route, route
from valetkey.api.v1.error_responses import RangeNotSatisfiable
from valetkey.api.v1.pages import cursor, page_of, read_cursor
from valetkey.catalog.api import shapes
from valetkey.catalog.domain.dataset import parse_folder
from valetkey.catalog.services.items.changing import ItemPatch
from valetkey.catalog.services.items.selection import Selection
from valetkey.catalog.services.items.streaming import Bytes, Elsewhere
from valetkey.catalog.services.items.uploading import Mode, NewItem
from valetkey.catalog.services.registry import Catalog
from valetkey.domain.errors import AwsRefused
from valetkey.wire import contents as wire
from valetkey.wire import matching, objects
from valetkey.wire.base import Nothing, Page

_ANY = "*"


def content_routes(catalog: Catalog) -> tuple[Route, ...]:
    """Return the routes of objects' bytes."""

    async def read_object(call: ApiCall[wire.ContentQuery, Nothing]) -> ContentResponse:
        incoming, streaming = _incoming(call), catalog.items.streaming
        if incoming.is_head:
            return _led(await streaming.look(call.caller, call["objectId"]))
        try:
            opened = await streaming.open(
                call.caller,
                call["objectId"],
                byte_range=incoming.byte_range,
                proxied=not call.query.redirect,
            )
        except AwsRefused as refused:
            if refused.details.get("aws_code") == "InvalidRange":
                raise RangeNotSatisfiable(
                    "The object has no bytes in that range.", hint="HEAD tells its size."
                ) from None
            raise
        return _led(opened)

    async def put_object(call: ApiCall[wire.UploadQuery, Nothing]) -> objects.Object:
        query, incoming = call.query, _incoming(call)
        item, _ = await catalog.items.uploading.upload(
            call.caller,
            call["datasetId"],
            NewItem(query.path, content_type=incoming.media_type),
            incoming.chunks,
            mode=Mode.OVERWRITE if query.replaces else Mode.SKIP,
            replaces="" if query.replaces in {None, _ANY} else str(query.replaces).strip('"'),
            identical=True,
        )
        return shapes.entry(item)

    async def index_objects(call: ApiCall[Nothing, wire.ObjectPaths]) -> wire.IndexedObjects:
        importing = catalog.items.importing
        found = await importing.import_paths(call.caller, call["datasetId"], call.body.paths)
        return wire.IndexedObjects(items=[shapes.entry(item) for item in found])

    return (
        route(wire.READ_OBJECT, None, content=read_object),
        route(wire.PUT_OBJECT, put_object),
        route(wire.INDEX_OBJECTS, index_objects),
    )


def _incoming(call: ApiCall[Any, Any]) -> IncomingContent:
    if call.incoming is None:
        raise TypeError("an operation on content is asked for its content")
    return call.incoming


def _led(found: Elsewhere | Bytes) -> ContentResponse:
    if isinstance(found, Elsewhere):
        return ContentResponse(302, ((b"location", found.url.encode()),))
    headers = [
        (b"accept-ranges", b"bytes"),
        # Somebody's file on Valetkey's own address: never shown as a page of it.
        (b"content-disposition", b"attachment"),
    ]
    if found.content_encoding:
        headers.append((b"content-encoding", found.content_encoding.encode("latin-1", "replace")))
    if found.content_range:
        headers.append((b"content-range", found.content_range.encode()))
    status = 206 if found.content_range else 200
    return ContentResponse(status, tuple(headers), found.size, found.chunks)


def folder_routes(catalog: Catalog) -> tuple[Route, ...]:
    """Return the routes of folders."""

    async def list_folders(call: ApiCall[objects.FoldersQuery, Nothing]) -> Page[objects.Folder]:
        given = (call.query.within or "").strip("/")
        [after] = read_cursor(call.query.cursor, tuple[str]) or ("",)
        found = await catalog.items.reading.walk_folders(
            call.caller,
            call["datasetId"],
            {"type": "dir"},
            after=after,
            size=call.query.limit,
            within=parse_folder(given, field="within") if given else "",
        )
        following = cursor(found.items[-1].path) if found.has_next else None
        return page_of(found.items, shapes.folder, following)

    async def create_folder(call: ApiCall[Nothing, objects.NewFolder]) -> objects.Object:
        changing = catalog.items.changing
        made = await changing.make_folder(call.caller, call["datasetId"], call.body.path)
        return shapes.entry(made)

    return (
        route(objects.LIST_FOLDERS, list_folders),
        route(objects.CREATE_FOLDER, create_folder),
    )


def matching_routes(catalog: Catalog) -> tuple[Route, ...]:
    """Return the routes of changes of many entries."""
    items = catalog.items

    async def move_objects(call: ApiCall[Nothing, matching.ObjectMove]) -> matching.ObjectCount:
        body = call.body
        moved = await items.moving.move_into(
            call.caller, call["datasetId"], body.folder, body.object_ids
        )
        return matching.ObjectCount(count=moved)

    async def change_matching(
        call: ApiCall[Nothing, matching.MatchingChange],
    ) -> matching.ObjectCount:
        patch = ItemPatch(metadata=call.body.metadata)
        changed = await items.changing.patch_matching(
            call.caller, call["datasetId"], _selection(call.body), patch
        )
        return matching.ObjectCount(count=changed)

    async def delete_matching(
        call: ApiCall[Nothing, matching.MatchingObjects],
    ) -> matching.ObjectCount:
        deleted = await items.removal.delete_matching(
            call.caller, call["datasetId"], _selection(call.body)
        )
        return matching.ObjectCount(count=deleted)

    return (
        route(matching.MOVE_OBJECTS, move_objects),
        route(matching.CHANGE_MATCHING_OBJECTS, change_matching),
        route(matching.DELETE_MATCHING_OBJECTS, delete_matching),
    )


def _selection(wanted: matching.MatchingObjects) -> Selection:
    where: dict[str, Any] = {"type": wanted.kind, "filename": shapes.of_names(wanted.glob)}
    where = {name: value for name, value in where.items() if value is not None}
    if wanted.object_ids is not None:
        where["id"] = {"$in": wanted.object_ids}
    where |= {f"metadata.{name}": value for name, value in (wanted.having or {}).items()}
    return Selection(where, wanted.expected_count, dry_run=wanted.dry_run)
