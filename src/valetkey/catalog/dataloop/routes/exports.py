"""Exports: order one, fetch its parts. One file is fetched as if it were an item."""

from __future__ import annotations

import re
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.params import JSONBody
from litestar.response import Stream

from valetkey.api.address import api_address
from valetkey.api.dependencies import Caller
from valetkey.catalog.dataloop.wire.commands import CommandOut
from valetkey.catalog.dataloop.wire.exports import ExportIn, ManifestOut, PartedExportIn
from valetkey.catalog.dependencies import Catalog
from valetkey.catalog.services.exports import ExportFile, ExportGone
from valetkey.domain.errors import NotFound

#: The SDK goes on like this where a download broke off; other ranges get the whole.
_FROM: Final = re.compile(r"bytes=(\d{1,18})-")


@post("/datasets/{dataset_id:str}/export", status_code=200, tags=["datasets"])
async def export_items(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    data: JSONBody[ExportIn],
) -> CommandOut:
    """Write a list of items to a file. The answer is a command to watch; its ``outputItemId`` is
    fetched as an item is, for a day."""
    base = api_address(request)
    return CommandOut.of(await catalog.exports.start(caller, dataset_id, data.options(base)), base)


@post("/datasets/{dataset_id:str}/export/v3", status_code=200, tags=["datasets"])
async def export_parts(
    catalog: Catalog,
    caller: Caller,
    request: Request[Any, Any, Any],
    dataset_id: str,
    data: JSONBody[PartedExportIn],
) -> CommandOut:
    """Write a list of items to parts. The answer is a command to watch; its manifest names
    them."""
    base = api_address(request)
    return CommandOut.of(await catalog.exports.start(caller, dataset_id, data.options(base)), base)


@get("/datasets/{dataset_id:str}/exports/{command_id:str}/manifest", tags=["datasets"])
async def show_manifest(
    catalog: Catalog, caller: Caller, dataset_id: str, command_id: str
) -> ManifestOut:
    """Name the parts of an export."""
    return ManifestOut.of(await _file(catalog, caller, dataset_id, command_id))


@get("/datasets/{dataset_id:str}/exports/{command_id:str}/parts/{number:str}", tags=["datasets"])
async def fetch_part(
    catalog: Catalog, caller: Caller, dataset_id: str, command_id: str, number: str
) -> Response[bytes]:
    """Send a part of an export, as it is stored."""
    file = await _file(catalog, caller, dataset_id, command_id)
    part = next((each for each in file.parts if str(each.number) == number), None)
    if part is None:
        raise NotFound(f"The export has no part {ascii(number)[:20]}.", hint="See its manifest.")
    packed = await catalog.exports.packed(part)
    headers = {"content-disposition": "attachment"}
    return Response(packed, headers=headers, media_type="application/gzip")


async def _file(catalog: Catalog, caller: Caller, dataset_id: str, command_id: str) -> ExportFile:
    file = await catalog.exports.file(caller, command_id)
    if file.dataset.id != dataset_id:
        raise NotFound("This dataset has no such export.", hint="See the export's command.")
    return file


async def exported_file(
    catalog: Catalog, caller: Caller, file_id: str, nothing: NotFound
) -> ExportFile:
    """Return the file of an export, for an id that no item has: ``nothing`` is raised where no
    export has it either. Raises NotFound too for a file that is not kept any more, Denied."""
    try:
        return await catalog.exports.file(caller, file_id)
    except ExportGone:
        raise
    except NotFound:
        raise nothing from None


def send_file(catalog: Catalog, file: ExportFile, byte_range: str) -> Stream:
    """Return the answer that sends a file, from where a Range header says on."""
    asked = _FROM.fullmatch(byte_range)
    start = int(asked[1]) if asked else 0
    headers = {"content-disposition": f'attachment; filename="{file.name}"'}
    if start >= file.size:
        raise HTTPException("The file has no bytes in that range.", status_code=416)
    headers["content-length"] = str(file.size - start)
    if asked:
        headers["content-range"] = f"bytes {start}-{file.size - 1}/{file.size}"
    return Stream(
        catalog.exports.read(file, skip=start),
        status_code=206 if asked else 200,
        headers=headers,
        media_type=file.media_type,
    )


ROUTES = (export_items, export_parts, show_manifest, fetch_part)
