"""Handing out credentials in the browser: shown once, in the form in which they are used."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get, post

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Services
from valetkey.console.locations import readable_locations
from valetkey.console.snippets import Wanted, snippets
from valetkey.domain.credentials import parse_ttl
from valetkey.domain.errors import (
    AwsRefused,
    AwsUnavailable,
    Conflict,
    Denied,
    InvalidInput,
    ValetkeyError,
)
from valetkey.domain.scope import AccessLevel, parse_levels
from valetkey.services.vending import VendRequest

HERE: Final = "/credentials"
_FIELDS: Final = {
    "prefix": "folders",
    "access": "access",
    "ttl": "ttl",
    "location": "location",
    "purpose": "purpose",
}
TTLS: Final = (
    ("900", "15 minutes"),
    ("3600", "1 hour"),
    ("14400", "4 hours"),
    ("43200", "12 hours"),
)


@get("/credentials")
async def choose(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[str]:
    """Choose a location, folders, access and a time to live."""
    reader.require(reader.rights.vend, "vend credentials")
    shown = await readable_locations(services, reader)
    return reader.page(
        "credentials/choose.html",
        here=HERE,
        shown=[line for line in shown if reader.may_in(line.project).vend],
        chosen=request.query_params.get("location", ""),
        levels=list(AccessLevel),
        ttls=TTLS,
    )


@post("/credentials", status_code=200)
async def vend(
    request: Request[Any, Any, Any], services: Services, reader: Reader
) -> Response[str]:
    """Hand out credentials. This answer alone holds their secret, and nothing keeps it."""
    form = await request.form()
    location_id = str(form.get("location", ""))
    try:
        order = VendRequest(
            prefixes=tuple(_lines(str(form.get("folders", "")))),
            levels=parse_levels(str(level) for level in form.getall("access", [])),
            ttl=parse_ttl(_number(str(form.get("ttl", "")))),
            purpose=str(form.get("purpose", "")),
        )
        vended = await services.vending.vend(reader.caller, location_id, order)
    except (InvalidInput, Conflict) as error:
        return refused(error, _FIELDS, otherwise="vend-error")
    except (AwsRefused, AwsUnavailable, Denied) as error:
        return refused(error, {}, otherwise=_place_of(error))
    location = vended.location
    wanted = Wanted(
        server=str(request.base_url).rstrip("/"),
        location=location.name,
        location_id=location.id,
        bucket=location.bucket,
        region=location.region,
        endpoint=services.vending.endpoint(location),
        folders=[prefix.removeprefix(location.prefix) for prefix in vended.scope.prefixes],
        prefixes=vended.scope.prefixes,
        levels=sorted(level.value for level in order.levels),
        seconds=int(order.ttl.total_seconds()),
    )
    return reader.part(
        "credentials/vended.html",
        vended=vended,
        snippets=snippets(wanted, vended.credentials),
    )


def _place_of(error: ValetkeyError) -> str:
    """Return where a refusal of AWS stands: the role's own maximum is about the lifetime."""
    words = str(error.details.get("aws_message", "")).lower()
    return "ttl-error" if "maxsessionduration" in words else "vend-error"


def _lines(text: str) -> list[str]:
    """Return the folders, one a line; none at all means the location's whole folder."""
    return [line.strip() for line in text.splitlines() if line.strip()] or [""]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0  # noqa: PLR2004


ROUTES = (choose, vend)
