"""What every page needs: templates, safe headers, the answer to a form, the answer to an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response
from litestar.enums import MediaType
from litestar.response import Redirect

from valetkey.console.assets import address
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.menus import day_of
from valetkey.console.pasting import pieces
from valetkey.counting import counted
from valetkey.domain.changes import Dataclass
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.integration_types import IntegrationType
from valetkey.domain.scope import AccessLevel

PREFIX: Final = "/console"
#: What people call the types of integrations.
TYPE_NAMES: Final = {kind.value: kind.rules.label for kind in IntegrationType}

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'{images}; font-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)


# The environment keeps what it compiled of templates: 4 to 8 ms each without.
@cache
def templates() -> Environment:
    """Return the pages' templates: all text is escaped, and a name that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("valetkey.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"prefix": PREFIX, "asset": address, "type_names": TYPE_NAMES}
    environment.filters |= {
        "moment": moment,
        "size": size,
        "segment": segment,
        "pieces": pieces,
        "day": day_of,
        "counted": counted,
        "levels": levels_of,
    }
    return environment


def moment(value: datetime) -> str:
    """Return a time as HTML's datetime attribute wants it."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    value = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004  # a thousand, as S3's console counts
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def segment(text: str) -> str:
    """Return a text as one segment of an address."""
    return quote(text, safe="")


def safe_headers(image_sources: str = "") -> dict[str, str]:
    """Return the headers of every page. ``image_sources`` are the origins of object storage.

    The referrer stays with us, rather than nowhere: without one a browser calls the origin of
    our own forms "null", and they could not be told from forged ones.
    """
    images = f" {image_sources}" if image_sources else ""
    return {
        "Content-Security-Policy": _POLICY.format(images=images),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def html(name: str, /, *, status: int = 200, images: str = "", **context: Any) -> Response[str]:
    """Render a template into a response. ``images`` are origins that images may come from."""
    return Response(
        templates().get_template(name).render(**context),
        media_type=MediaType.HTML,
        status_code=status,
        headers=safe_headers(images),
    )


def go_to(path: str) -> HttpResponse:
    """Send a browser that has posted a form on to a page of the console."""
    return Redirect(path=PREFIX + path, status_code=303)


def is_part(request: HttpRequest) -> bool:
    """Tell whether the page asks for a part of itself, not for a whole page."""
    return request.headers.get("hx-request") == "true"


def local_path(target: str) -> str:
    """Return ``target`` where it is a path within the console, and the console's first page for
    anything else: a link can't send somebody who signs in to another site."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return PREFIX
    inside = target == PREFIX or target.startswith((PREFIX + "/", PREFIX + "?"))
    plain = "\\" not in target and target.isascii() and target.isprintable()
    if parts.scheme or parts.netloc or not inside or not plain:
        return PREFIX
    return target


async def fields(request: HttpRequest) -> dict[str, str]:
    """Return a form's text fields, of those that are repeated the last."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def plain(form: Mapping[str, str], kind: type[Dataclass]) -> dict[str, Any]:
    """Return what a form says of those of a dataclass's fields that are a text or a yes or no."""
    known = {each.name: str(each.type) for each in dataclass_fields(kind)}
    kinds = {name: known[name].split(" | ")[0] for name in form if name in known}
    texts = {name: form[name] for name, text in kinds.items() if text == "str"}
    ticks = {name: form[name] == "yes" for name, text in kinds.items() if text == "bool"}
    return texts | ticks


async def repeated(request: HttpRequest, name: str) -> list[str]:
    """Return a form's field that may be there several times: boxes that are ticked."""
    return [value for value in (await request.form()).getall(name, []) if isinstance(value, str)]


def reload(path: str) -> HttpResponse:
    """Send a page that posted a part of itself on to another."""
    return Response(b"", status_code=200, headers={"HX-Redirect": PREFIX + path})


def lines(text: str) -> list[str]:
    """Return the folders of a text field, one a line; none at all means all of a location."""
    return [line.strip() for line in text.splitlines() if line.strip()] or [""]


def levels_of(access: Iterable[AccessLevel]) -> str:
    """Return access as people read it."""
    held = set(access)
    return ", ".join(level.value for level in AccessLevel if level in held)


def tell(response: HttpResponse, *news: str) -> HttpResponse:
    """Have the page that asked show its lists anew: there is something new in them."""
    response.headers["HX-Trigger"] = ", ".join(("list-changed", *news))
    return response


class NamedThing(Protocol):
    """Whatever has an id, and a name that people gave it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


def named(thing: NamedThing) -> tuple[str, str]:
    """Return the two words by which a form may mean a thing."""
    return thing.id, thing.name


def sentence(error: ValetkeyError) -> dict[str, str]:
    """Return an error as the templates show it."""
    field = error.details.get("field", "")
    return {"message": error.message, "hint": error.hint, "field": str(field)}
