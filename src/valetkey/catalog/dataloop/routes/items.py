"""Items: query, show, change, delete, upload, stream, import, folders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import structlog
from litestar import Request, Response, delete, get, patch, post, put
from litestar.exceptions import HTTPException
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream

from valetkey.api.address import api_address
from valetkey.api.dependencies import Caller
from valetkey.api.errors import UnsupportedMediaType, on_http_error, on_valetkey_error
from valetkey.catalog.dataloop.routes.exports import exported_file, send_file
from valetkey.catalog.dataloop.uploads import MULTIPART, UploadBody
from valetkey.catalog.dataloop.wire.exports import file_item
from valetkey.catalog.dataloop.wire.items import (
    MAX_PAGE_NUMBER,
    BulkOut,
    ImportIn,
    ItemOut,
    ItemPatchIn,
    ItemQueryIn,
    ItemsPageOut,
    tree_chunks,
)
from valetkey.catalog.dependencies import Catalog
from valetkey.catalog.domain.dataset import patched
from valetkey.catalog.services.items.links import peeked
from valetkey.catalog.services.items.reading import ItemsPage
from valetkey.catalog.services.items.streaming import Elsewhere
from valetkey.catalog.services.items.uploading import Mode, NewItem, UploadOperation
from valetkey.domain.errors import AwsRefused, InvalidInput, NotFound, TooLarge, ValetkeyError
from valetkey.serving.disconnect import while_connected

_log = structlog.get_logger("valetkey.dataloop")
_FORM: Final = "application/x-www-form-urlencoded"
_MAX_FORM: Final = 64 * 1024
#: Dataloop's SDK sends it with each download, and takes a body of another size than the item's for
#: corrupted.
_SDK_HEADER: Final = "x-dl-sanitize"
_Proxy = Annotated[bool, QueryParameter(description="Send the bytes from here, no redirect.")]
_Page = Annotated[int, QueryParameter(ge=0, le=MAX_PAGE_NUMBER, name="pageOffset")]
_PageSize = Annotated[int, QueryParameter(ge=1, le=1000, name="pageSize")]
_System = Annotated[bool, QueryParameter(description="Let metadata.system be written too.")]


def _refused(
    request: Request[Any, Any, Any], error: HTTPException | InvalidInput
) -> Response[dict[str, Any]]:
    """Answer for a query that can't be: not 400, which the SDK shows as an empty list."""
    if isinstance(error, InvalidInput):
        told = on_valetkey_error(request, error)
    else:
        told = on_http_error(request, error)
    if told.status_code == HTTPStatus.BAD_REQUEST:
        _log.warning("a query was refused", address=request.scope["path"], reason=str(error))
        told.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return told


@post(
    "/datasets/{dataset_id:str}/query",
    status_code=200,
    tags=["items"],
    exception_handlers={HTTPException: _refused, InvalidInput: _refused},
)
async def query_items(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    data: JSONBody[ItemQueryIn],
) -> ItemsPageOut | BulkOut:
    """List the items that a filter fits, or delete or change all of them."""
    items = catalog.items
    if data.delete:
        return BulkOut(
            items_count=await items.removal.delete_matching(caller, dataset_id, data.selection)
        )
    if data.update is not None:
        change = data.patch(data.update)
        count = await items.changing.patch_matching(caller, dataset_id, data.selection, change)
        return BulkOut(items_count=count)
    page = await _page(catalog, caller, request, dataset_id, data)
    linked = await items.links.sizes(caller, page.items)
    return ItemsPageOut.of(page, data.page_size, api_address(request), linked)


@get("/datasets/{dataset_id:str}/items", tags=["items"])
async def list_items(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    page: _Page = 0,
    page_size: _PageSize = 100,
) -> ItemsPageOut:
    """List a dataset's files, by id."""
    data = ItemQueryIn({"type": "file"}, page=page, page_size=page_size)
    found = await _page(catalog, caller, request, dataset_id, data)
    linked = await catalog.items.links.sizes(caller, found.items)
    return ItemsPageOut.of(found, page_size, api_address(request), linked)


async def _page(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    data: ItemQueryIn,
) -> ItemsPage:
    reading = catalog.items.reading.page(caller, dataset_id, data.wanted)
    try:
        return await while_connected(request.receive, reading)
    except TooLarge as refused:
        # Not 400, which the SDK takes for an empty list, or for the end of one.
        raise HTTPException(str(refused), status_code=413) from None


@get("/items/{item_id:str}", tags=["items"])
async def show_item(
    catalog: Catalog, caller: Caller, request: Request[Any, Any, Any], item_id: str
) -> ItemOut:
    """Show an item, or the file of an export."""
    base = api_address(request)
    try:
        item = await catalog.items.reading.get(caller, item_id)
    except NotFound as nothing:
        file = await exported_file(catalog, caller, item_id, nothing)
        return file_item(file, base)
    linked = await catalog.items.links.sizes(caller, [item])
    return ItemOut.of(item, base, size=linked.get(item.id))


@patch("/items/{item_id:str}", tags=["items"])
async def change_item(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    item_id: str,
    data: JSONBody[ItemPatchIn],
    system: _System = False,
) -> ItemOut:
    """Change an item's metadata or description, or move it (``filename``)."""
    items = catalog.items
    item = await items.reading.get(caller, item_id)
    change = data.patch(system=system)
    if change is not None:
        change.applied(item)  # refuses before it is moved
    if data.filename is not None:
        item = await items.moving.rename(caller, item_id, data.filename)
    if change is not None:
        item = await items.changing.patch(caller, item.id, change)
    return ItemOut.of(item, api_address(request))


@delete("/items/{item_id:str}", tags=["items"])
async def delete_item(catalog: Catalog, caller: Caller, item_id: str) -> None:
    """Delete an item, and its object if the driver allows it."""
    await catalog.items.removal.delete(caller, item_id)


@post(
    "/datasets/{dataset_id:str}/items",
    tags=["items"],
    # The file goes on to the bucket as it comes; fields and forms have limits of their own.
    request_max_body_size=None,
)
async def upload_item(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    mode: Mode = Mode.SKIP,
) -> Response[ItemOut]:
    """Upload an item (multipart/form-data: ``type``, ``path``, ``metadata``, ``description``, and
    ``file`` last), or make a folder (a form: ``type=dir`` and ``path``).

    The header ``x-item-op`` says what was done: created, overwrite or skip.
    """
    base, stream = api_address(request), request.stream()
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() == _FORM:
        form = await _form(stream)
        _require_type(form.get("type", ""), "dir")
        item = await catalog.items.changing.make_folder(caller, dataset_id, form.get("path", ""))
        return Response(ItemOut.of(item, base), headers={"x-item-op": UploadOperation.CREATED})
    if not kind.lower().startswith(MULTIPART):
        raise UnsupportedMediaType(
            f"The body's content type is {ascii(kind)[:80]}.", hint="Send multipart/form-data."
        )
    body = UploadBody(stream, kind)
    try:
        await body.read_fields()
        return await _upload(catalog, caller, dataset_id, body, mode, base)
    except ValetkeyError:
        await body.drain()
        raise


async def _upload(
    catalog: Catalog, caller: Caller, dataset_id: str, body: UploadBody, mode: Mode, base: str
) -> Response[ItemOut]:
    path = body.text("path") or body.file_name
    if body.text("type", "file") == "dir":
        item = await catalog.items.changing.make_folder(caller, dataset_id, path)
        return Response(ItemOut.of(item, base), headers={"x-item-op": UploadOperation.CREATED})
    _require_type(body.text("type", "file"), "file")
    if not body.has_file:
        raise InvalidInput("There is no file in the body.", hint="Send it as 'file'.", field="file")
    link, chunks = await peeked(body.file())
    metadata, media_type = body.document("metadata"), body.media_type
    if link is not None:
        metadata = patched(metadata, link.metadata())
        media_type = link.mimetype or media_type
    new = NewItem(path, metadata, body.text("description"), media_type)
    item, operation = await catalog.items.uploading.upload(
        caller, dataset_id, new, chunks, mode=mode
    )
    shown = ItemOut.of(item, base, body.not_kept)
    return Response(shown, headers={"x-item-op": operation})


async def _form(stream: AsyncIterator[bytes]) -> dict[str, str]:
    body = b""
    async for chunk in stream:
        body += chunk
        if len(body) > _MAX_FORM:
            raise InvalidInput("The form is too large.", hint="Send 'type' and 'path' only.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise InvalidInput("The form can't be read.", hint="Send UTF-8, percent-encoded.") from None


def _require_type(given: str, wanted: str) -> None:
    if given != wanted:
        raise InvalidInput(
            f"An item's type can't be {ascii(given)[:40]} here.",
            hint="Send 'file' with a file, or 'dir' with a path alone.",
            field="type",
        )


@get("/items/{item_id:str}/stream", tags=["items"])
async def stream_item(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    item_id: str,
    proxy: _Proxy = False,
) -> Response[Any]:
    """Lead to an item's bytes: a redirect to a URL that opens just this object for a quarter of an
    hour, or (``proxy=true``, and for empty objects) the bytes themselves. The file of an export is
    sent from here."""
    try:
        opened = await catalog.items.streaming.open(
            caller,
            item_id,
            byte_range=request.headers.get("range", ""),
            proxied=proxy,
            as_stored=_SDK_HEADER in request.headers,
        )
    except AwsRefused as refused:
        if refused.details.get("aws_code") == "InvalidRange":
            raise _no_such_range() from None
        raise
    except NotFound as nothing:
        file = await exported_file(catalog, caller, item_id, nothing)
        return send_file(catalog, file, request.headers.get("range", ""))
    if isinstance(opened, Elsewhere):
        return Response(
            b"", status_code=302, headers={"location": opened.url}, media_type="text/plain"
        )
    headers = {"accept-ranges": "bytes"}
    if opened.size is not None:
        headers["content-length"] = str(opened.size)
    if opened.content_encoding:
        headers["content-encoding"] = opened.content_encoding
    if opened.chunks is None:
        return Response(b"", headers=headers, media_type=opened.item.mimetype)
    # Somebody's file on Valetkey's own address: never shown as a page of it.
    headers["content-disposition"] = "attachment"
    if opened.content_range:
        headers["content-range"] = opened.content_range
    return Stream(
        opened.chunks,
        status_code=206 if opened.content_range else 200,
        headers=headers,
        media_type=opened.item.mimetype,
    )


def _no_such_range() -> HTTPException:
    return HTTPException("The item has no bytes in that range.", status_code=416)


@post("/datasets/{dataset_id:str}/imports", tags=["items"])
async def import_items(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    data: JSONBody[list[ImportIn]],
) -> list[ItemOut]:
    """Index objects that are in the bucket already, without a sync."""
    storage_ids = [order.storage_id for order in data]
    found = await catalog.items.importing.import_objects(caller, dataset_id, storage_ids)
    return [ItemOut.of(item, api_address(request)) for item in found]


@put("/datasets/{dataset_id:str}/items/{folder_id:str}", tags=["items"])
async def move_items(
    catalog: Catalog, caller: Caller, dataset_id: str, folder_id: str, data: JSONBody[list[str]]
) -> BulkOut:
    """Move items (their ids) into a folder."""
    count = await catalog.items.moving.move(caller, dataset_id, folder_id, data)
    return BulkOut(items_count=count)


@get("/datasets/{dataset_id:str}/directoryTree", tags=["items"])
async def directory_tree(
    catalog: Catalog, caller: Caller, request: Request[Any, Any, Any], dataset_id: str
) -> Stream:
    """Show the folders that hold items."""
    pages = catalog.items.reading.folders(caller, dataset_id)
    # A refusal is an answer, and no stream that breaks off.
    first = await while_connected(request.receive, anext(pages, ()))

    async def all_pages() -> AsyncIterator[Sequence[str]]:
        yield first
        async for page in pages:
            yield page

    return Stream(tree_chunks(dataset_id, all_pages()), media_type="application/json")


ROUTES = (
    query_items,
    list_items,
    show_item,
    change_item,
    delete_item,
    upload_item,
    stream_item,
    import_items,
    move_items,
    directory_tree,
)
