"""The API's own address, for the links in its answers."""

from __future__ import annotations

from typing import Any

from litestar import Request


def api_address(request: Request[Any, Any, Any]) -> str:
    """Return the API's address, as the client reached it."""
    return f"{str(request.base_url).rstrip('/')}/api/v1"
