"""API tokens: one's own, made with limits and shown once; to an owner all of the organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import Response, get, post

from valetkey.console.checks import refused
from valetkey.console.credentials import TTLS
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.menus import chosen, number
from valetkey.console.page import lives_on
from valetkey.console.web import fields, go_to, named, repeated, tell
from valetkey.domain.errors import InvalidInput
from valetkey.domain.people import ApiToken
from valetkey.domain.scope import AccessLevel, parse_levels
from valetkey.domain.token_limits import TokenLimits, read_limits
from valetkey.identity.tokens import NewToken, is_good, lifetime_of

HERE: Final = "/tokens"
LIFETIMES: Final = (
    ("1", "1 day"),
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    ("365", "1 year"),
)
_PAGE: Final = 100
FIELDS: Final = {
    "description": "description",
    "days": "days",
    "orgId": "description",
    "locations": "locations",
    "prefix": "token-folders",
    "prefixes": "token-folders",
    "access": "token-access",
    "ttl": "max-ttl",
    "networks": "networks",
}


def form_context() -> dict[str, Any]:
    """Return what the form of a new token needs."""
    return {
        "lifetimes": LIFETIMES,
        "levels": list(AccessLevel),
        "most_ttls": [("", "as long as its holder may"), *TTLS],
    }


def state_of(services: Services, tokens: Sequence[ApiToken]) -> dict[str, str]:
    """Return how tokens stand, by their ids."""
    now = services.clock.now()
    words = {}
    for token in tokens:
        ended = "revoked" if token.revoked_at else "expired"
        words[token.id] = "in use" if is_good(token, now) else ended
    return words


async def location_names(services: Services, reader: Reader) -> dict[str, str]:
    """Return the names of the locations that the reader sees, by their ids."""
    return {each.id: each.name for each in await services.locations.visible(reader.caller)}


@get("/tokens")
async def show_tokens(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Show the reader's tokens; to an owner a part of the organisation's."""
    own = await services.tokens.own(reader.caller)
    after = request.query_params.get("after", "")
    others: Sequence[tuple[ApiToken, str]] = ()
    if reader.rights.manage_org:
        others = await services.tokens.of_org(
            reader.caller, reader.org.id, after=after, limit=_PAGE + 1
        )
    tokens = [*own, *(token for token, _ in others)]
    return reader.page(
        "tokens/list.html",
        here=HERE,
        tokens=own,
        others=others[:_PAGE],
        following=others[_PAGE - 1][0].id if len(others) > _PAGE else "",
        after=after,
        states=state_of(services, tokens),
        names=await location_names(services, reader),
        org=reader.org,
        post_to="/tokens",
        **form_context(),
    )


@post("/tokens", status_code=201)
async def create_token(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Make a token. This answer alone holds it."""
    try:
        new = await new_token(request, services, reader)
        token, secret = await services.tokens.create(reader.caller, new)
    except InvalidInput as error:
        return refused(error, FIELDS, otherwise="description-error")
    return tell(reader.part("tokens/made.html", made=token, secret=secret.reveal()))


async def new_token(request: HttpRequest, services: Services, reader: Reader) -> NewToken:
    """Read what a form wants of a token. Raises InvalidInput."""
    form = await fields(request)
    return NewToken(
        form.get("description", ""),
        lifetime_of(number(form.get("days", ""))),
        limits=await _limits(form, await repeated(request, "access"), services, reader),
        org_id=reader.org.id,
    )


async def _limits(
    form: Mapping[str, str], access: Sequence[str], services: Services, reader: Reader
) -> TokenLimits:
    """Read a token's limits; what is left empty does not limit it. Raises InvalidInput."""
    places = None
    if names := _texts(form.get("locations", "")):
        seen = await services.locations.visible(reader.caller)
        places = [
            chosen(name, seen, named, what="location", field="locations").id for name in names
        ]
    most = form.get("max-ttl", "")
    return read_limits(
        locations=places,
        prefixes=_texts(form.get("token-folders", "")),
        levels=parse_levels(access) if access else None,
        max_ttl=number(most) if most else None,
        networks=_texts(form.get("networks", "")),
    )


def _texts(text: str) -> list[str] | None:
    return [line.strip() for line in text.splitlines() if line.strip()] or None


@get("/tokens/{token_id:str}/revoke")
async def ask_to_revoke(services: Services, reader: Reader, token_id: Segment) -> Response[str]:
    """Ask before a token ends, naming it and its holder."""
    token, holder = await services.tokens.get(reader.caller, token_id)
    return reader.part("tokens/revoke.html", token_=token, holder=holder)


@post("/tokens/{token_id:str}/revoke")
async def revoke_token(services: Services, reader: Reader, token_id: Segment) -> HttpResponse:
    """End a token: one's own, or as an owner anybody's of the organisation."""
    ending = await services.tokens.revoke(reader.caller, token_id)
    return go_to(f"/tokens?done=token-revoked{lives_on(ending)}")


ROUTES = (show_tokens, create_token, ask_to_revoke, revoke_token)
