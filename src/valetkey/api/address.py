"""The API's own address, for the links in its answers."""

from __future__ import annotations

from typing import Any

from litestar import Request


def api_address(request: Request[Any, Any, Any]) -> str:
    """Return the address of the API that the client reached, as the client reached it."""
    prefix = "/dataloop" if request.scope["path"].startswith("/dataloop/") else ""
    return f"{str(request.base_url).rstrip('/')}{prefix}/api/v1"
