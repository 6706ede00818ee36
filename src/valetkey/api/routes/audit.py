"""The audit trail: read, export, verify."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.params import QueryParameter
from litestar.response import Stream

from valetkey.api.given import Caller, Services
from valetkey.api.wire.audit import AuditRecordOut, ChainVerdictOut
from valetkey.api.wire.base import Page

_PAGE: Final = 100


@get("/orgs/{org_id:str}/audit", tags=["audit"])
async def list_records(
    services: Services,
    caller: Caller,
    org_id: str,
    after: Annotated[int, QueryParameter(ge=0, le=2**62)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = _PAGE,
) -> Page[AuditRecordOut]:
    """List an organisation's records in order; ``next`` goes into ``after`` for more."""
    records = [r async for r in services.audit.of_org(caller, org_id, after=after, limit=limit)]
    following = records[-1].sequence if len(records) == limit else None
    return Page(items=[AuditRecordOut.of(record) for record in records], next=following)


@get("/orgs/{org_id:str}/audit/export", tags=["audit"])
async def export_records(services: Services, caller: Caller, org_id: str) -> Stream:
    """Stream an organisation's records as JSON lines, oldest first."""
    await services.audit.require_reader(caller, org_id)

    async def lines() -> AsyncIterator[bytes]:
        async for record in services.audit.of_org(caller, org_id):
            yield msgspec.json.encode(AuditRecordOut.of(record)) + b"\n"

    return Stream(lines(), media_type="application/x-ndjson")


@get("/orgs/{org_id:str}/audit/verify", tags=["audit"])
async def verify_records(services: Services, caller: Caller, org_id: str) -> ChainVerdictOut:
    """Walk the whole chain; say which record was changed, removed or moved, if any."""
    await services.audit.require_reader(caller, org_id)
    return ChainVerdictOut.of(await services.audit.verify())


ROUTES = (list_records, export_records, verify_records)
