"""The few files that pages load: read once, named by their content, kept by browsers for good."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from litestar import Response, get
from litestar.params import FromPath

from valetkey.domain.errors import NotFound

_TYPES: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOREVER: Final = "public, max-age=31536000, immutable"


def _content(name: str) -> bytes:
    return files("valetkey.console").joinpath("static", name).read_bytes()


# 0.13 ms without, at each link to it.
@cache
def address(name: str) -> str:
    """Return where a file is. The address changes when its content does."""
    return f"/console/static/{hashlib.sha256(_content(name)).hexdigest()[:12]}/{name}"


@get("/static/{version:str}/{name:str}", sync_to_thread=False)
def asset(version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Send a file. Another version's name gets today's content, and is not kept."""
    if name not in _TYPES:
        raise NotFound("There is no such file.", hint="Load the page again.")
    kept = _FOREVER if f"/{version}/" in address(name) else "no-store"
    return Response(_content(name), media_type=_TYPES[name], headers={"Cache-Control": kept})


ROUTES = (asset,)
