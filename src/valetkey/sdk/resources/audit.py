"""Who did what, chained by hashes.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Literal

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, lines
from valetkey.wire import audit


class Audit(Resource):
    """Who did what, chained by hashes."""

    def list(
        self,
        *,
        org_id: str | None = None,
        action: str | None = None,
        actor: str | None = None,
        outcome: Literal["allowed", "denied", "failed"] | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        order: Literal["oldestFirst", "newestFirst"] = "oldestFirst",
    ) -> Iterator[audit.AuditRecord]:
        """List an organisation's records in order.

        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.
        - ``action``: Only those of this action.
        - ``actor``: Only this person's.
        - ``outcome``: Only those that ended so.
        - ``subject``: Only those of this subject.
        - ``since``: From this moment on.
        - ``until``: Before this moment.
        - ``order``: Which way to go.

        Raises ApiError.
        """
        return self._client.walk(
            call(
                audit.LIST_AUDIT_RECORDS,
                query=audit.AuditQuery(
                    org_id=org_id,
                    action=action,
                    actor=actor,
                    outcome=outcome,
                    subject=subject,
                    since=since,
                    until=until,
                    order=order,
                ),
            )
        )

    def export(
        self, *, org_id: str | None = None, format: Literal["jsonl", "csv"] = "jsonl"
    ) -> Iterator[audit.AuditRecord]:
        """Stream an organisation's records, oldest first.

        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.
        - ``format``: JSON lines or CSV.

        Raises ApiError.
        """
        return self._client.stream(
            lines(audit.EXPORT_AUDIT_RECORDS, query=audit.ExportQuery(org_id=org_id, format=format))
        )

    def check(self, *, org_id: str | None = None) -> audit.ChainVerdict:
        """Walk the chain, and say which record was changed, removed or moved.

        - ``org_id``: The organisation that is meant; may be left out by whoever belongs to one
          only.

        Raises ApiError.
        """
        return self._client.send(call(audit.CHECK_AUDIT, query=audit.AuditOrgQuery(org_id=org_id)))


class AsyncAudit(AsyncResource, like=Audit):
    """Who did what, chained by hashes."""

    def list(
        self,
        *,
        org_id: str | None = None,
        action: str | None = None,
        actor: str | None = None,
        outcome: Literal["allowed", "denied", "failed"] | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        order: Literal["oldestFirst", "newestFirst"] = "oldestFirst",
    ) -> AsyncIterator[audit.AuditRecord]:
        """List an organisation's records in order."""
        return self._client.walk(
            call(
                audit.LIST_AUDIT_RECORDS,
                query=audit.AuditQuery(
                    org_id=org_id,
                    action=action,
                    actor=actor,
                    outcome=outcome,
                    subject=subject,
                    since=since,
                    until=until,
                    order=order,
                ),
            )
        )

    def export(
        self, *, org_id: str | None = None, format: Literal["jsonl", "csv"] = "jsonl"
    ) -> AsyncIterator[audit.AuditRecord]:
        """Stream an organisation's records, oldest first."""
        return self._client.stream(
            lines(audit.EXPORT_AUDIT_RECORDS, query=audit.ExportQuery(org_id=org_id, format=format))
        )

    async def check(self, *, org_id: str | None = None) -> audit.ChainVerdict:
        """Walk the chain, and say which record was changed, removed or moved."""
        return await self._client.send(
            call(audit.CHECK_AUDIT, query=audit.AuditOrgQuery(org_id=org_id))
        )
