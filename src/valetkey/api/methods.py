"""Which methods an address takes, told rightly by what the framework serves: OPTIONS, HEAD, Allow.

The framework answers for one handler at a time; here it is asked about each method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


def telling_methods(framework: Litestar) -> ASGIApp:
    """Answer OPTIONS with all methods of an address, HEAD as GET without its body, and put the
    same methods into the ``Allow`` of a refusal."""
    app: Any = framework

    async def telling(scope: Any, receive: Any, send: Any) -> None:
        method = scope["method"] if scope["type"] == ScopeType.HTTP else ""
        taken = _taken(app, scope["path"]) if method in {"HEAD", "OPTIONS"} else frozenset()
        if method == "OPTIONS" and taken:
            await _send_allow(send, _allow(taken))
        elif method == "HEAD" and "GET" in taken:
            await app({**scope, "method": "GET"}, receive, without_body(send))
        else:
            await app(scope, receive, _with_allow(send, lambda: _allow(_taken(app, scope["path"]))))

    return telling


def _taken(app: Any, path: str) -> frozenset[str]:
    return frozenset(method for method in _METHODS if _takes(app, path, method))


def _takes(app: Any, path: str, method: Any) -> bool:
    try:
        app.asgi_router.handle_routing(path=path, method=method)
    except HTTPException:
        return False
    return True


def _allow(taken: frozenset[str]) -> str:
    return ", ".join(sorted(taken | {"OPTIONS"} | ({"HEAD"} if "GET" in taken else set())))


async def _send_allow(send: Any, allow: str) -> None:
    headers = [(b"allow", allow.encode())]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def without_body(send: Any) -> Any:
    """Return what sends an answer's head alone, as HEAD wants it."""

    async def bodiless(message: Any) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "body": b""} if is_body else message)

    return bodiless


def _with_allow(send: Any, allow: Callable[[], str]) -> Any:
    async def allowing(message: Any) -> None:
        if message["type"] == "http.response.start":
            own = [(name, value) for name, value in message["headers"] if name.lower() != b"allow"]
            if len(own) < len(message["headers"]):
                message = {**message, "headers": [*own, (b"allow", allow().encode())]}
        await send(message)

    return allowing
