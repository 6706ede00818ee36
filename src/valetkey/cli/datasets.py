"""Datasets: indexes over drivers' objects, and the syncs that keep them true to the bucket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal

from cyclopts import App

from valetkey.cli import show
from valetkey.cli.connection import COMMON, Common, open_client
from valetkey.cli.exits import Exit
from valetkey.sdk import calls, flows
from valetkey.sdk.client import Client
from valetkey.sdk.errors import InvalidRequest
from valetkey.sdk.models import Sync

if TYPE_CHECKING:
    from rich.progress import Progress

app = App(name="datasets", help="Indexes of what is in the buckets.")
_LOOK_AGAIN: Final = 0.25


@app.command(name="list")
def list_(*, project: str = "", common: Common = COMMON) -> None:
    """List the datasets that you may see.

    Parameters
    ----------
    project
        Of this project only, by name or id.
    """
    with open_client(common) as client:
        found = client.run(flows.all_datasets(project))
    if common.as_json:
        show.write_json(found)
        return
    show.table(
        ("name", "files", "created", "id"),
        [(d.name, f"{d.items_count:,}", show.moment(d.created_at), d.id) for d in found],
        empty="There is no dataset yet: 'valetkey datasets create'.",
    )


@app.command
def create(name: str, /, *, driver: str, project: str = "", common: Common = COMMON) -> None:
    """Make an empty dataset over a driver. A sync fills it.

    Parameters
    ----------
    name
        The dataset's name, unique in the project.
    driver
        The driver whose objects it indexes, by name or id.
    project
        The project, by name or id (default: the driver's).
    """
    with open_client(common) as client:
        found = client.run(flows.find_driver(driver, project))
        made = client.send(calls.create_dataset(found.project_id, found.id, name))
    if common.as_json:
        show.write_json(made)
    else:
        show.say(f"The dataset {made.name} is made. Fill it: 'valetkey datasets sync {made.id}'.")


@app.command
def sync(
    name: str,
    /,
    *,
    parallel: int = 1,
    engine: Literal["process", "ray"] = "process",
    address: str = "",
    wait: bool = True,
    project: str = "",
    common: Common = COMMON,
) -> Exit:
    """Make a dataset's index true to its bucket. Exit code 1 if that fails or is cancelled.

    The server goes on by itself, and after a crash too; Ctrl-C ends the watching only.

    Parameters
    ----------
    name
        The dataset's name or id.
    parallel
        How many parts of the bucket are listed side by side.
    engine
        Who does it: the server's own processes, or a Ray cluster that it knows.
    address
        Which of the clusters that the server knows (default: the first).
    wait
        Wait until it is over.
    project
        Its project, by name or id (default: wherever it is).
    """
    with open_client(common) as client:
        found = client.run(flows.find_dataset(name, project))
        ordered = client.datasets.create_sync(
            found.id, parallel=parallel, engine=engine, engine_address=address or None
        )
        begun = client.send(calls.show_sync(ordered.id))
        ended = _follow(client, begun, quiet=common.as_json) if wait else begun
    if common.as_json:
        show.write_json(ended)
    else:
        _tell(ended)
    return Exit.FAILED if ended.status in {"failed", "canceled"} else Exit.DONE


def _follow(client: Client, running: Sync, *, quiet: bool) -> Sync:
    """Look until the sync is over; on a terminal a bar moves meanwhile."""
    with _progress(quiet=quiet) as bar:
        task = bar.add_task("", total=100)
        while not running.over:
            time.sleep(_LOOK_AGAIN)
            running = client.send(calls.show_sync(running.id))
            bar.update(task, completed=running.progress, description=_counts(running))
    return running


def _progress(*, quiet: bool) -> Progress:
    from rich.progress import (  # noqa: PLC0415  # most of a start-up's time
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
    )

    console = show.messages()
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}", markup=False))
    return Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal
    )


def _counts(found: Sync) -> str:
    counts = found.counts
    escaped = f", {counts.escaped:,} under an escaped name" if counts.escaped else ""
    return (
        f"{counts.added:,} added, {counts.changed:,} changed, {counts.removed:,} removed, "
        f"{counts.unchanged:,} unchanged{escaped} ({found.rate:,.0f} objects a second)"
    )


def _tell(found: Sync) -> None:
    if found.notice:
        show.say(found.notice)
    if found.error:
        show.say(f"The sync failed: {found.error['message']}")
        show.say(found.error["hint"])
    else:
        show.say(f"{found.status}: {_counts(found)}")


@app.command
def cancel(name: str, /, *, project: str = "", common: Common = COMMON) -> None:
    """Stop a dataset's sync. What it has written is true and stays; the next one does the rest.

    Parameters
    ----------
    name
        The dataset's name or id.
    project
        Its project, by name or id (default: wherever it is).
    """
    with open_client(common) as client:
        found = client.run(flows.find_dataset(name, project))
        running = [one for one in client.send(calls.list_syncs(found.id)).items if not one.over]
        if not running:
            raise InvalidRequest(
                f"The dataset {found.name} is not being synced.",
                hint="See 'valetkey datasets sync'.",
            )
        ended = client.send(calls.cancel_sync(running[0].id))
    if common.as_json:
        show.write_json(ended)
    else:
        _tell(ended)
