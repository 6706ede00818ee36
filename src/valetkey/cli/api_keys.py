"""API keys: tokens for programs, which can be revoked; ``keys`` is about the sealing key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from valetkey.cli import show
from valetkey.cli.connection import COMMON, Common, open_client
from valetkey.cli.logins import write_private
from valetkey.sdk import calls
from valetkey.sdk.models import ApiKey

app = App(name="api-keys", help="Tokens for programs, which can be revoked.")


@app.command
def create(
    description: str,
    /,
    *,
    days: int | None = None,
    file: Annotated[Path | None, Parameter(name="--output")] = None,
    common: Common = COMMON,
) -> None:
    """Make an API key with your own rights. It is shown this once.

    Parameters
    ----------
    description
        What it is for.
    days
        How long it lives (default: a year).
    file
        Write it to this file, which only you can read, instead of printing it.
    """
    with open_client(common) as client:
        key = client.send(calls.create_key(description, days))
    if file is not None:
        # No newline: AWS's tools take a token file as it is.
        write_private(file, [key.jwt.encode()])
    if common.as_json:
        show.write_json(_shown(key) | ({"file": str(file)} if file else {"jwt": key.jwt}))
        return
    if file is None:
        show.write(key.jwt)
    where = f"in {file}" if file else "shown this once"
    show.say(f"The API key {key.id} is {where}; it ends {show.moment(key.expires_at)}.")


@app.command(name="list")
def list_(common: Common = COMMON) -> None:
    """List your API keys."""
    with open_client(common) as client:
        keys = client.send(calls.list_keys()).items
    if common.as_json:
        show.write_json([_shown(key) for key in keys])
        return
    show.table(
        ("id", "description", "created", "ends", "revoked"),
        [
            (
                key.id,
                key.description,
                show.moment(key.created_at),
                show.moment(key.expires_at),
                show.moment(key.revoked_at),
            )
            for key in keys
        ],
        empty="You have no API key: 'valetkey api-keys create' makes one.",
    )


@app.command
def revoke(key_id: str, /, common: Common = COMMON) -> None:
    """End an API key at once.

    Parameters
    ----------
    key_id
        Its id.
    """
    with open_client(common) as client:
        client.send(calls.revoke_key(key_id))
    if common.as_json:
        show.write_json({"revoked": key_id})
    else:
        show.say(f"The API key {key_id} is revoked.")


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "description": key.description,
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
    }
