"""The audit trail."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from valetkey.wire.base import (
    ID,
    Moment,
    OrgId,
    Page,
    Paging,
    Query,
    Shape,
    WhichOrg,
    moment_meta,
    says,
)
from valetkey.wire.operation import Operation

AuditOutcome = Literal["allowed", "denied", "failed"]
_HASH: Final = "3f2a9c0d5e6b7a8190a1b2c3d4e5f607"


class AuditRecord(Shape, frozen=True, kw_only=True):
    """A record, with its place in the chain. What is absent was hashed as an empty text."""

    sequence: Annotated[int, says("Its number in the chain.", 42)]
    id: Annotated[str, says("The event's id.", ID)]
    at: Annotated[Moment, moment_meta("When it happened, to the microsecond.")]
    org_id: OrgId
    actor: Annotated[str | None, says("Who did it.", "ada@example.com")] = None
    action: Annotated[str, says("What was done.", "location.update")]
    outcome: Annotated[AuditOutcome, says("How it ended.", "allowed")]
    subject: Annotated[str | None, says("What it was done to, as `kind:id`.", f"location:{ID}")] = (
        None
    )
    reason: Annotated[str | None, says("By which right, or why not.", "project owner")] = None
    request_id: Annotated[str | None, says("The request.", "5ddf9d20b1c8ea1f0000")] = None
    source: Annotated[str | None, says("The network address that asked.", "192.0.2.7")] = None
    details: Annotated[dict[str, Any], says("Further facts, by the action.", {"name": "train"})]
    previous: Annotated[str, says("The hash of the record before.", _HASH)]
    hash: Annotated[str, says("The record's own hash.", _HASH)]


class ChainVerdict(Shape, frozen=True):
    """Whether the chain of records holds."""

    holds: Annotated[bool, says("No record was changed, removed or moved.", True)]
    records: Annotated[int, says("How many records were walked.", 1042)]
    broken_at: Annotated[int | None, says("The first bad record's sequence number.", 17)] = None
    problem: Annotated[str | None, says("What is wrong with it.", "it was changed")] = None


class AuditQuery(Paging, frozen=True):
    """Which records. An action that there never was fits none."""

    org_id: WhichOrg = None
    action: Annotated[str | None, says("Only those of this action.", "location.update")] = None
    actor: Annotated[str | None, says("Only this person's.", "ada@example.com")] = None
    outcome: Annotated[AuditOutcome | None, says("Only those that ended so.", "denied")] = None
    subject: Annotated[str | None, says("Only those of this subject.", f"location:{ID}")] = None
    since: Annotated[Moment | None, moment_meta("From this moment on.")] = None
    until: Annotated[Moment | None, moment_meta("Before this moment.")] = None
    order: Annotated[
        Literal["oldestFirst", "newestFirst"], says("Which way to go.", "newestFirst")
    ] = "oldestFirst"


class AuditOrgQuery(Query, frozen=True):
    """Whose records."""

    org_id: WhichOrg = None


class ExportQuery(Query, frozen=True):
    """Whose records, and how they are written."""

    org_id: WhichOrg = None
    format: Annotated[Literal["jsonl", "csv"], says("JSON lines or CSV.", "jsonl")] = "jsonl"


LIST_AUDIT_RECORDS: Final = Operation(
    id="listAuditRecords",
    method="GET",
    path="/v1/audit/records",
    tag="audit",
    summary="List an organisation's records in order.",
    query=AuditQuery,
    result=Page[AuditRecord],
)
EXPORT_AUDIT_RECORDS: Final = Operation(
    id="exportAuditRecords",
    method="GET",
    path="/v1/audit/export",
    tag="audit",
    summary="Stream an organisation's records, oldest first.",
    query=ExportQuery,
    lines=AuditRecord,
    media_types=("text/csv",),
)
CHECK_AUDIT: Final = Operation(
    id="checkAudit",
    method="POST",
    path="/v1/audit/checks",
    tag="audit",
    summary="Walk the chain, and say which record was changed, removed or moved.",
    query=AuditOrgQuery,
    result=ChainVerdict,
)
OPERATIONS: Final = (LIST_AUDIT_RECORDS, EXPORT_AUDIT_RECORDS, CHECK_AUDIT)
