"""What every page needs: templates, safe headers, the answer to a form, the answer to an error."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from litestar.enums import MediaType

from valetkey.domain.errors import ValetkeyError

PREFIX: Final = "/console"

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' {images}; font-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)


@cache
def templates() -> Environment:
    """Return the pages' templates: everything is escaped, and a name that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("valetkey.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["prefix"] = PREFIX
    environment.filters["moment"] = moment
    return environment


def moment(value: datetime) -> str:
    """Return a time as HTML's datetime attribute wants it."""
    return value.isoformat(timespec="seconds").replace("+00:00", "Z")


def safe_headers(image_sources: str = "") -> dict[str, str]:
    """Return the headers of every page. ``image_sources`` are the origins of object storage."""
    return {
        "Content-Security-Policy": _POLICY.format(images=image_sources).replace("  ", " "),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def html(name: str, *, status: int = 200, **context: Any) -> Response[str]:
    """Render a template into a response."""
    return Response(
        templates().get_template(name).render(**context),
        media_type=MediaType.HTML,
        status_code=status,
    )


def is_part(request: Request[Any, Any, Any]) -> bool:
    """Tell whether the page asks for a part of itself, not for a whole page."""
    return request.headers.get("hx-request") == "true"


def local_path(target: str) -> str:
    """Return ``target`` where it is a path within the console, and the console's first page for
    anything else: a link can't send somebody who signs in to another site."""
    parts = urlsplit(target)
    inside = target == PREFIX or target.startswith(PREFIX + "/")
    plain = "\\" not in target and all(ord(letter) >= 32 for letter in target)
    if parts.scheme or parts.netloc or not inside or not plain:
        return PREFIX
    return target


def sentence(error: ValetkeyError) -> dict[str, str]:
    """Return an error as the templates show it."""
    return {"message": error.message, "hint": error.hint, "field": error.details.get("field", "")}
