"""A dataset's items: browse them as a table or as pictures, open, upload, delete."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from litestar import Response, get, post
from litestar.response import Redirect, Stream

from valetkey.catalog.console.datasets import HERE
from valetkey.catalog.console.syncs import sync_context
from valetkey.catalog.dependencies import Catalog
from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.services.datasets.datasets import DatasetView
from valetkey.catalog.services.items.reading import ItemsPage, PageRequest
from valetkey.catalog.services.items.streaming import URL_LIFETIME, Elsewhere
from valetkey.catalog.services.items.uploading import Mode, NewItem
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.web import go_to
from valetkey.domain.access import Action
from valetkey.domain.errors import Conflict, InvalidInput, ValetkeyError
from valetkey.domain.location import Location
from valetkey.services.vending import PresignRequest

PICTURES: Final = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"}
)
_SIZES: Final = {"table": 100, "grid": 48}
_NOTHING: Final = ItemsPage((), has_next=False, total=0)


@dataclass(frozen=True, slots=True)
class ItemsView:
    """How the items are looked at: as ``table`` or ``grid``, which of them, which page."""

    kind: str
    text: str
    query: str
    page: int

    @classmethod
    def of(cls, request: HttpRequest) -> ItemsView:
        """Read it from an address."""
        given = request.query_params
        page = given.get("page", "0")
        return cls(
            kind="grid" if given.get("view") == "grid" else "table",
            text=given.get("q", "")[:500],
            query=given.get("filter", "")[:4000],
            page=int(page) if page.isascii() and page.isdecimal() and len(page) < 6 else 0,  # noqa: PLR2004
        )

    @property
    def where(self) -> dict[str, Any]:
        """The filter. Plain text is looked for anywhere in the path; wildcards mean what they do
        in Dataloop's queries. Raises InvalidInput for one that is not JSON."""
        parts: list[Any] = [{"type": "file"}]
        text = self.text.strip()
        if text:
            parts.append({"filename": text if "*" in text else f"**{text}**"})
        if self.query.strip():
            try:
                parts.append(json.loads(self.query))
            except (ValueError, RecursionError):
                raise InvalidInput(
                    "The filter is not JSON.", hint='Write one such as {"name": "*.jpg"}.'
                ) from None
        return {"$and": parts}

    @property
    def wanted(self) -> PageRequest:
        """The page to ask for. Raises InvalidInput."""
        by_name = {"filename": "ascending"}
        return PageRequest(self.where, by_name, page=self.page, size=_SIZES[self.kind])

    def address(self, **changed: Any) -> str:
        """Return the same view with something changed, as an address's parameters."""
        now = {"view": self.kind, "q": self.text, "filter": self.query, "page": self.page}
        return urlencode({name: value for name, value in (now | changed).items() if value})


@get("/datasets/{dataset_id:str}")
async def show_dataset(
    request: HttpRequest,
    services: Services,
    catalog: Catalog,
    reader: Reader,
    dataset_id: Segment,
) -> Response[str]:
    """Show a dataset and a page of its items."""
    shown = await catalog.datasets.get(reader.caller, dataset_id)
    view, page, problem = ItemsView.of(request), _NOTHING, None
    try:
        page = await catalog.items.reading.page(reader.caller, dataset_id, view.wanted)
        if view.page and page.total and not page.items:
            # Beyond the end: the last page there is.
            view = replace(view, page=(page.total - 1) // _SIZES[view.kind])
            page = await catalog.items.reading.page(reader.caller, dataset_id, view.wanted)
    except InvalidInput as error:
        problem = error
    project = next(each for each in reader.projects if each.id == shown.dataset.project_id)
    location = await _location(services, reader, shown)
    items = page.items if view.kind == "grid" else ()
    signer = location if reader.may(Action.VEND, project) else None
    urls = await _signed_pictures(services, reader, signer, items)
    if not urls:
        urls = await _first_picture(catalog, reader, items)
    return reader.page(
        "datasets/page.html",
        here=HERE,
        images=_origin(urls),
        dataset=shown.dataset,
        count=shown.item_count,
        project=project,
        may_here=reader.may_in(project),
        location=location,
        view=view,
        page=page,
        problem=problem,
        pictures=PICTURES,
        urls=urls,
        **await sync_context(catalog, reader, dataset_id),
    )


async def _location(services: Services, reader: Reader, shown: DatasetView) -> Location | None:
    if not shown.dataset.location_id or not reader.rights.read_locations:
        return None
    return await services.locations.get(reader.caller, shown.dataset.location_id)


async def _signed_pictures(
    services: Services, reader: Reader, location: Location | None, items: Sequence[Item]
) -> dict[str, str]:
    """Return the URLs of a page's pictures by their items' ids: one session and one audit record
    for all of them. Empty for whoever may not presign, and where nobody can."""
    shown = [item for item in items if _is_picture(item) and "/." not in f"/{item.path}"]
    if location is None or not shown:
        return {}
    keys = [location.prefix + item.path for item in shown]
    request = PresignRequest(keys, expires=URL_LIFETIME, purpose="thumbnails")
    try:
        made = await services.presigning.presign(reader.caller, location.id, request)
    except ValetkeyError:
        return {}  # each picture says for itself that it can't be opened
    return {item.id: url for item, url in zip(shown, made.urls(0, len(made)), strict=True)}


async def _first_picture(catalog: Catalog, reader: Reader, items: Sequence[Item]) -> dict[str, str]:
    """Return the URL of the first picture alone, which tells where all of them come from."""
    picture = next(filter(_is_picture, items), None)
    if picture is None:
        return {}
    try:
        opened = await catalog.items.streaming.open(reader.caller, picture.id)
    except ValetkeyError:
        return {}
    return {picture.id: opened.url} if isinstance(opened, Elsewhere) else {}


def _is_picture(item: Item) -> bool:
    return item.mimetype in PICTURES and bool(item.size)


def _origin(urls: Mapping[str, str]) -> str:
    """Return where the pictures come from: the page may load images from there alone."""
    parts = urlsplit(next(iter(urls.values()), ""))
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


@get("/items/{item_id:str}/open")
async def open_item(catalog: Catalog, reader: Reader, item_id: Segment) -> HttpResponse | Stream:
    """Lead to the object in the bucket. What has to come from here (an empty object, a key that
    browsers would change) is never rendered: it comes from strangers, and this is our origin."""
    opened = await catalog.items.streaming.open(reader.caller, item_id)
    if isinstance(opened, Elsewhere):
        return Redirect(path=opened.url, status_code=302)
    headers = {
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if opened.content_encoding:
        headers["Content-Encoding"] = opened.content_encoding
    if opened.chunks is None:
        return Response(b"", media_type="application/octet-stream", headers=headers)
    return Stream(opened.chunks, media_type="application/octet-stream", headers=headers)


@get("/items/{item_id:str}")
async def show_item(
    services: Services, catalog: Catalog, reader: Reader, item_id: Segment
) -> Response[str]:
    """Open the panel with everything about one item."""
    item = await catalog.items.reading.get(reader.caller, item_id)
    shown = await catalog.datasets.get(reader.caller, item.dataset_id)
    project = next(each for each in reader.projects if each.id == shown.dataset.project_id)
    return reader.part(
        "datasets/item.html",
        item=item,
        metadata=json.dumps(item.metadata, indent=2, ensure_ascii=False, sort_keys=True),
        may_here=reader.may_in(project),
        location=await _location(services, reader, shown),
    )


@post("/items/{item_id:str}/delete")
async def delete_item(catalog: Catalog, reader: Reader, item_id: Segment) -> HttpResponse:
    """Delete an item, and its object where the location says so."""
    item = await catalog.items.reading.get(reader.caller, item_id)
    await catalog.items.removal.delete(reader.caller, item_id)
    return go_to(f"/datasets/{item.dataset_id}?done=item-deleted")


@post("/datasets/{dataset_id:str}/upload", status_code=201, request_max_body_size=None)
async def upload(
    request: HttpRequest,
    catalog: Catalog,
    reader: Reader,
    dataset_id: Segment,
) -> Response[str]:
    """Take a file's bytes as they come, and put them into the bucket. The answer is a sentence."""
    path = request.query_params.get("path", "")
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    new = NewItem(path, content_type=kind if kind in PICTURES else "")
    try:
        item, operation = await catalog.items.uploading.upload(
            reader.caller, dataset_id, new, request.stream(), mode=Mode.SKIP
        )
    except ValetkeyError as error:
        status = 409 if isinstance(error, Conflict) else 422
        return Response(str(error), media_type="text/plain", status_code=status)
    words = {"created": "uploaded", "skip": "was there already, of the same size"}
    return Response(
        f"{item.filename}: {words.get(operation.value, operation.value)}.", media_type="text/plain"
    )


ROUTES = (show_dataset, open_item, show_item, delete_item, upload)
