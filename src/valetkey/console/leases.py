"""Leases: who holds what now, revoking them, and whom or what nothing new is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Response, get, post

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.web import fields, go_to, tell
from valetkey.domain.errors import Conflict, InvalidInput, NotFound
from valetkey.domain.integration import Integration
from valetkey.domain.lease import Lease
from valetkey.domain.revocation import Block, Kind, Revocation
from valetkey.identity.leaving import Departed
from valetkey.services.revocation.enforcement import HandPolicy

HERE: Final = "/leases"
_SHOWN: Final = 100
_LATELY: Final = 20


async def live_leases(
    services: Services, reader: Reader, integration: Integration
) -> Sequence[Lease]:
    """Return the newest live leases of an integration."""
    return await services.leases.find(
        reader.caller,
        integration.org_id,
        integration_id=integration.id,
        active=True,
        limit=_SHOWN,
    )


async def block_of(services: Services, reader: Reader, kind: Kind, target: str) -> Block | None:
    """Return what keeps new leases from being given through or to something, if the reader may
    know of it."""
    if not reader.rights.manage_integrations:
        return None
    blocks = await services.blocks.of_org(reader.caller, reader.org.id)
    return next((each for each in blocks if (each.kind, each.target) == (kind, target)), None)


@get("/leases")
async def show_leases(services: Services, reader: Reader) -> Response[str]:
    """Show the live leases that the reader may see; to an owner the blocks and revocations too."""
    leases, org_id = services.leases, reader.org.id
    blocks: Sequence[Block] = ()
    revocations: Sequence[Revocation] = ()
    if reader.rights.manage_integrations:
        blocks = await services.blocks.of_org(reader.caller, org_id)
        revocations = await leases.revocations(reader.caller, org_id)
    return reader.page(
        "leases/list.html",
        here=HERE,
        leases=await leases.find(reader.caller, org_id, active=True, limit=_SHOWN),
        most=_SHOWN,
        blocks=blocks,
        revocations=revocations[:_LATELY],
    )


async def show_left(
    services: Services, reader: Reader, left: Departed, *, here: str, back: str, of: str = ""
) -> Response[str]:
    """Say what ended with somebody's membership, what lives on until when, and offer to revoke
    it. ``of`` is the project that they left, while they stay in the organisation."""
    leases = await services.leases.find(
        reader.caller, reader.org.id, principal=left.email, active=True, limit=_SHOWN
    )
    return reader.page("people/left.html", here=here, left=left, leases=leases, back=back, of=of)


@get("/leases/revoke")
async def ask_to_revoke(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Ask before leases are revoked, naming whose they are; of a single one also what it opens."""
    query = request.query_params
    kind, target = _kind(query.get("kind", "")), query.get("target", "")[:300]
    await services.leases.target(reader.caller, kind, target, reader.org.id)
    lease = None
    if kind is Kind.LEASE:
        lease = await services.leases.get(reader.caller, target)
    return reader.part(
        "leases/revoke.html",
        kind=kind.value,
        target=target,
        name=query.get("name", "")[:300] or target,
        lease=lease,
        is_live=lease is not None and lease.is_live(services.clock.now()),
    )


@post("/leases/revoke", status_code=200)
async def revoke(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Revoke leases, and say how far AWS has been told."""
    form = await fields(request)
    kind = _kind(form.get("kind", ""))
    try:
        target = await services.leases.target(
            reader.caller, kind, form.get("target", ""), reader.org.id
        )
        result = await services.leases.revoke(
            reader.caller,
            target,
            reason=form.get("reason", "").strip() or "revoked in the console",
            refuse_new=form.get("block") == "yes",
        )
    except (InvalidInput, Conflict) as error:
        return refused(error, {"reason": "reason"}, otherwise="reason-error")
    shown: list[tuple[Revocation, HandPolicy | None]] = [
        (each, await services.leases.by_hand(reader.caller, each)) for each in result.revocations
    ]
    return tell(reader.part("leases/revoked.html", result=result, shown=shown))


@post("/leases/block", status_code=200)
async def block(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Give no new leases; what was vended lives on."""
    form = await fields(request)
    kind = _kind(form.get("kind", ""))
    try:
        target = await services.leases.target(
            reader.caller, kind, form.get("target", ""), reader.org.id
        )
        reason = form.get("reason", "").strip() or "blocked in the console"
        await services.blocks.block(reader.caller, target, reason)
    except (InvalidInput, Conflict) as error:
        return refused(error, {"reason": "reason"}, otherwise="reason-error")
    return tell(reader.part("leases/blocked.html"))


@post("/leases/unblock")
async def unblock(request: HttpRequest, services: Services, reader: Reader) -> HttpResponse:
    """Give new leases again."""
    form = await fields(request)
    kind = _kind(form.get("kind", ""))
    target = await services.leases.target(
        reader.caller, kind, form.get("target", ""), reader.org.id
    )
    await services.blocks.unblock(reader.caller, target)
    return go_to("/leases?done=unblocked")


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise NotFound(
            "There is nothing of that kind to revoke.", hint="Go back to the page."
        ) from None


ROUTES = (show_leases, ask_to_revoke, revoke, block, unblock)
