"""One integration: its facts, its report, what stands on it, and what happened to it."""

from __future__ import annotations

from collections import deque
from typing import Final

from litestar import Response, get, post

from valetkey.console.audit import RECENT
from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.drift import admin_command
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.integrations import HERE
from valetkey.console.keys import rotation_context
from valetkey.console.leases import block_of, live_leases
from valetkey.console.locations import readable_locations
from valetkey.console.web import fields
from valetkey.domain.audit import AuditEvent, AuditRecord
from valetkey.domain.errors import Conflict, InvalidInput
from valetkey.domain.revocation import Kind

_SHOWN: Final = 20


@get("/integrations/{integration_id:str}")
async def show_integration(
    services: Services, reader: Reader, integration_id: Segment
) -> Response[str]:
    """Show everything about one integration."""
    integration = await services.integrations.get(reader.caller, integration_id)
    shown = await readable_locations(services, reader)
    records: deque[AuditRecord] = deque(maxlen=_SHOWN)
    async for record in services.audit.recent(reader.caller, integration.org_id, among=RECENT):
        if _concerns(record.event, integration_id):
            records.append(record)
    status = await services.rotations.status(reader.caller, integration_id)
    return reader.page(
        "integrations/page.html",
        here=HERE,
        integration=integration,
        report=None,
        on_page=True,
        admin_command=admin_command(integration),
        now=services.clock.now(),
        leases=await live_leases(services, reader, integration),
        **rotation_context(status),
        shown=[line for line in shown if line.location.integration_id == integration_id],
        records=list(reversed(records)),
        block=await block_of(services, reader, Kind.INTEGRATION, integration_id),
    )


def _concerns(event: AuditEvent, integration_id: str) -> bool:
    subject = event.subject == f"integration:{integration_id}"
    return subject or event.details.get("integration_id") == integration_id


@post("/integrations/{integration_id:str}/rename")
async def rename_integration(
    request: HttpRequest, services: Services, reader: Reader, integration_id: Segment
) -> HttpResponse:
    """Give an integration another name."""
    form = await fields(request)
    try:
        await services.integrations.update(reader.caller, integration_id, name=form.get("name", ""))
    except (InvalidInput, Conflict) as error:
        return refused(error, {"name": "name"}, otherwise="name-error")
    target = f"/console/integrations/{integration_id}?done=integration-changed"
    return Response(b"", status_code=200, headers={"HX-Redirect": target})


ROUTES = (show_integration, rename_integration)
