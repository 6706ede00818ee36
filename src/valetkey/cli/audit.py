"""The audit trail: list it, carry it away, prove it whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common, Flag
from valetkey.cli.connection import open_client
from valetkey.cli.durations import parse_moment
from valetkey.cli.exits import Exit
from valetkey.cli.finding import org_id
from valetkey.cli.options import Cursor, Limit
from valetkey.counting import counted
from valetkey.sdk.sending import call
from valetkey.wire import audit as wire

app = App(name="audit", help="The record of who got what.")


@app.command(name="list")
def list_(
    *,
    limit: Limit = 100,
    cursor: Cursor = "",
    action: str | None = None,
    actor: str | None = None,
    outcome: wire.AuditOutcome | None = None,
    subject: str | None = None,
    since: str = "",
    until: str = "",
    newest: Flag = False,
    common: Common = COMMON,
) -> None:
    """List records, oldest first.

    Parameters
    ----------
    action
        Of this action only, such as credentials.vend.
    actor
        Of this person only.
    outcome
        Only those that ended so.
    subject
        About this thing only, such as location:ID.
    since
        From this time on, such as 2026-01-31T12:00:00Z.
    until
        Before this time.
    newest
        Newest first.
    """
    with open_client(common) as client:
        of = org_id(client)
        client.only_part(limit, cursor)
        found = client.audit.list(
            org_id=of,
            action=action,
            actor=actor,
            outcome=outcome,
            subject=subject,
            since=parse_moment(since, "--since") if since else None,
            until=parse_moment(until, "--until") if until else None,
            order="newestFirst" if newest else "oldestFirst",
        )
        render.many(
            client,
            found,
            (
                ("no.", lambda each: str(each.sequence)),
                "at",
                ("who", lambda each: each.actor),
                "action",
                "outcome",
                "subject",
                ("why", lambda each: each.reason),
            ),
            empty="There is no such record.",
        )


@app.command
def export(
    *,
    format_: Annotated[Literal["jsonl", "csv"], Parameter(name="--format")] = "jsonl",
    file: Path | None = None,
    common: Common = COMMON,
) -> None:
    """Write out all records, oldest first.

    Parameters
    ----------
    format_
        jsonl (a line of JSON each) or csv.
    file
        Where to write them (default: standard output).
    """
    with open_client(common) as client:
        query = wire.ExportQuery(org_id=org_id(client), format=format_)
        chunks = client.chunks(call(wire.EXPORT_AUDIT_RECORDS, query=query))
        show.write_out(chunks, file)


@app.command
def check(common: Common = COMMON) -> Exit:
    """Walk the chain; say which record was changed, removed or moved. Exit code 1 if one was."""
    with open_client(common) as client:
        verdict = client.audit.check(org_id=org_id(client))
        if verdict.holds:
            records = counted(verdict.records, "record")
            said = f"The chain holds: {records}, none changed, removed or moved."
        else:
            said = f"The chain is broken at record {verdict.broken_at}: {verdict.problem}"
        render.one(client, verdict, say=said)
    return Exit.DONE if verdict.holds else Exit.FAILED
