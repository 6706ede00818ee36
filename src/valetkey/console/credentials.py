"""Handing out credentials in the browser: shown once, in the form in which they are used."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Services
from valetkey.console.http import HttpRequest
from valetkey.console.locations import label_of
from valetkey.console.menus import Menu, chosen, number
from valetkey.console.snippets import SnippetRequest, snippets
from valetkey.console.web import lines, named
from valetkey.domain.credentials import parse_optional_ttl
from valetkey.domain.errors import (
    AwsRefused,
    AwsUnavailable,
    Conflict,
    Denied,
    InvalidInput,
    ValetkeyError,
)
from valetkey.domain.ids import is_id
from valetkey.domain.location import Location
from valetkey.domain.scope import AccessLevel, parse_levels
from valetkey.services.vending import VendRequest

HERE: Final = "/credentials"
_FIELDS: Final = {
    "prefix": "folders",
    "location": "location",
    "access": "access",
    "ttl": "ttl",
    "purpose": "purpose",
}
TTLS: Final = (
    ("900", "15 minutes"),
    ("3600", "1 hour"),
    ("14400", "4 hours"),
    ("43200", "12 hours"),
)


@get("/credentials")
async def choose(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Choose a location, folders, access and a time to live."""
    if not reader.rights.vend:
        raise Denied("Nobody has granted you any location.", hint="Ask an owner of the project.")
    shown = await services.locations.open_to(reader.caller)
    return reader.page(
        "credentials/choose.html",
        here=HERE,
        locations=Menu.of((each.id, label_of(each)) for each in shown),
        chosen=request.query_params.get("location", ""),
        levels=list(AccessLevel),
        ttls=[("", "1 hour, or less where no more is allowed"), *TTLS],
    )


@post("/credentials", status_code=200)
async def vend(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Hand out credentials. This answer alone holds their secret, and nothing keeps it."""
    form = await request.form()
    name, ttl = str(form.get("location", "")), str(form.get("ttl", ""))
    try:
        location_id = await _location_id(services, reader, name)
        order = VendRequest(
            prefixes=tuple(lines(str(form.get("folders", "")))),
            levels=parse_levels(str(level) for level in form.getall("access", [])),
            ttl=parse_optional_ttl(number(ttl) if ttl else None),
            purpose=str(form.get("purpose", "")),
        )
        vended = await services.vending.vend(reader.caller, location_id, order)
    except (InvalidInput, Conflict) as error:
        return refused(error, _FIELDS, otherwise="vend-error")
    except (AwsRefused, AwsUnavailable, Denied) as error:
        return refused(error, {}, otherwise=_place_of(error))
    location = vended.location
    wanted = SnippetRequest(
        server=str(request.base_url).rstrip("/"),
        location=await _known_as(services, reader, location),
        location_id=location.id,
        bucket=location.bucket,
        region=location.region,
        endpoint=services.vending.endpoint(location),
        folders=[prefix.removeprefix(location.prefix) for prefix in vended.scope.prefixes],
        prefixes=vended.scope.prefixes,
        levels=sorted(level.value for level in order.levels),
        seconds=int(order.ttl.total_seconds()) if order.ttl else None,
    )
    return reader.part(
        "credentials/vended.html",
        vended=vended,
        snippets=snippets(wanted, vended.credentials),
    )


async def _location_id(services: Services, reader: Reader, text: str) -> str:
    """Return the location that the form means. Raises InvalidInput."""
    if is_id(text):
        return text
    shown = await services.locations.open_to(reader.caller, name=text.strip())
    return chosen(text, shown, named, what="location", field="location").id


async def _known_as(services: Services, reader: Reader, location: Location) -> str:
    """Return what programs call a location: its name, or its id where others have that name."""
    same = await services.locations.visible(reader.caller, name=location.name)
    return location.name if len(same) == 1 else location.id


def _place_of(error: ValetkeyError) -> str:
    """Return where a refusal of AWS stands: the role's own maximum is about the lifetime."""
    words = str(error.details.get("aws_message", "")).lower()
    return "ttl-error" if "maxsessionduration" in words else "vend-error"


ROUTES = (choose, vend)
