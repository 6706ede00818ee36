"""The audit trail: list it, carry it away, prove it whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from valetkey.cli import show
from valetkey.cli.connection import COMMON, Common, open_client
from valetkey.cli.exits import Exit
from valetkey.cli.logins import write_private
from valetkey.sdk import calls, flows

app = App(name="audit", help="The record of who got what.")


@app.command(name="list")
def list_(
    *,
    limit: int = 100,
    after: int | None = None,
    action: str = "",
    actor: str = "",
    outcome: str = "",
    subject: str = "",
    since: str = "",
    until: str = "",
    org: str = "",
    common: Common = COMMON,
) -> None:
    """List records, oldest first.

    Parameters
    ----------
    limit
        How many at most.
    after
        Begin after this sequence number.
    action
        Of this action only, such as credentials.vend.
    actor
        Of this person only.
    outcome
        allowed or denied.
    subject
        About this thing only, such as driver:ID.
    since
        From this time on, such as 2026-01-31T12:00:00Z.
    until
        Before this time.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        owner = client.run(flows.find_org(org))
        query = calls.list_audit(
            org=owner.id,
            after=after,
            limit=min(max(limit, 1), 1000),
            action=action,
            actor=actor,
            outcome=outcome,
            subject=subject,
            since=since,
            until=until,
        )
        records = client.run(flows.pages(query, limit))
    if common.as_json:
        show.write_json(records)
        return
    show.table(
        ("no.", "at", "who", "action", "outcome", "subject", "why"),
        [
            (
                str(record.sequence),
                show.moment(record.at),
                record.actor,
                record.action,
                record.outcome,
                record.subject,
                record.reason,
            )
            for record in records
        ],
        empty="There is no such record.",
    )


@app.command
def export(
    *,
    format_: Annotated[Literal["jsonl", "csv"], Parameter(name="--format")] = "jsonl",
    file: Annotated[Path | None, Parameter(name="--output")] = None,
    org: str = "",
    common: Common = COMMON,
) -> None:
    """Write out all records, oldest first.

    Parameters
    ----------
    format_
        jsonl (a line of JSON each) or csv.
    file
        Where to write them (default: standard output).
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        owner = client.run(flows.find_org(org))
        chunks = client.chunks(calls.export_audit(format_, org=owner.id))
        if file is not None:
            write_private(file, chunks)
            return
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


@app.command
def verify(*, org: str = "", common: Common = COMMON) -> Exit:
    """Walk the chain; say which record was changed, removed or moved. Exit code 1 if one was.

    Parameters
    ----------
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        owner = client.run(flows.find_org(org))
        verdict = client.send(calls.verify_audit(org=owner.id))
    if common.as_json:
        show.write_json(verdict)
    elif verdict.holds:
        show.say(f"The chain holds: {verdict.records} records, none changed, removed or moved.")
    else:
        show.say(f"The chain is broken at record {verdict.broken_at}: {verdict.problem}")
    return Exit.DONE if verdict.holds else Exit.FAILED
