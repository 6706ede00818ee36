"""Datasets: indexes over locations' objects, and the syncs that keep them true to the bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from cyclopts import App

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common
from valetkey.cli.connection import open_client
from valetkey.cli.exits import Exit
from valetkey.cli.finding import InProject, every_in, found_in, the_location, the_project
from valetkey.cli.options import ByName, Limit, NewName, OfDataset, Yes
from valetkey.cli.terminal import Terminal
from valetkey.counting import counted
from valetkey.sdk.errors import InvalidRequest
from valetkey.wire.catalog import Dataset
from valetkey.wire.work import Work

if TYPE_CHECKING:
    from rich.progress import Progress

app = App(name="datasets", help="Indexes of what is in the buckets.")
#: Seconds that the server is asked to wait for the end of a sync, while a bar moves.
_A_MOMENT: Final = 1
_OVER: Final = frozenset({"succeeded", "failed", "canceled"})


def the_dataset(client: Terminal, name: str, project: str = "") -> Dataset:
    """Return a dataset by name or id. Raises NotFound, InvalidRequest."""
    of = client.datasets.get, client.datasets.list
    return found_in(client, *of, "dataset", name, project)


@app.command(name="list")
def list_(*, project: InProject = "", common: Common = COMMON) -> None:
    """List the datasets that you may see."""
    with open_client(common) as client:
        render.many(
            client,
            every_in(client, client.datasets.list, project),
            (
                "name",
                ("objects", lambda each: f"{each.object_count:,}"),
                ("created", lambda each: show.moment(each.created_at)),
                "id",
            ),
            empty="There is no dataset yet: 'valetkey datasets create'.",
        )


@app.command
def create(
    name: str, /, *, location: str = "", project: InProject = "", common: Common = COMMON
) -> None:
    """Make an empty dataset over a location. A sync fills it.

    Without a location it gets a folder of its own in its project's default one (`valetkey projects
    update NAME --default-location LOCATION`).

    Parameters
    ----------
    name
        The dataset's name, unique in the project.
    location
        The location whose objects it indexes, by name or id.
    """
    with open_client(common) as client:
        if location:
            found = the_location(client, location, project)
            of, over = found.project_id, found.id
        else:
            of, over = the_project(client, project).id, None
        made = client.datasets.create(name=name, project_id=of, location_id=over)
        say = f"The dataset {made.name} is made. Fill it: 'valetkey datasets sync {made.id}'."
        render.one(client, made, say=say)


@app.command(name="show")
def show_(name: ByName, /, *, project: InProject = "", common: Common = COMMON) -> None:
    """Show a dataset."""
    with open_client(common) as client:
        render.one(client, the_dataset(client, name, project))


@app.command
def update(
    name: ByName, /, *, new_name: NewName, project: InProject = "", common: Common = COMMON
) -> None:
    """Rename a dataset."""
    with open_client(common) as client:
        found = the_dataset(client, name, project)
        changed = client.datasets.update(found.id, name=new_name, if_unchanged=found)
        render.one(client, changed)


@app.command
def delete(
    name: ByName, /, *, project: InProject = "", yes: Yes = False, common: Common = COMMON
) -> None:
    """Delete a dataset and its entries; the bucket is not touched."""
    with open_client(common) as client:
        found = the_dataset(client, name, project)
        question = (
            f"Delete the dataset {found.name} and its {counted(found.object_count, 'entry')}?"
        )
        show.confirm(question, yes=yes)
        client.datasets.delete(found.id, if_unchanged=found)
        render.done(client, f"The dataset {found.name} is deleted. The bucket is as it was.")


@app.command
def sync(
    name: OfDataset,
    /,
    *,
    parallel: int = 1,
    engine: Literal["process", "ray"] = "process",
    address: str = "",
    wait: bool = True,
    project: InProject = "",
    common: Common = COMMON,
) -> Exit:
    """Make a dataset's index true to its bucket. Exit code 1 if that fails or is cancelled.

    The server goes on by itself, and after a crash too; Ctrl-C ends the watching only.

    Parameters
    ----------
    parallel
        How many parts of the bucket are listed side by side.
    engine
        Who does it: the server's own processes, or a Ray cluster that it knows.
    address
        Which of the clusters that the server knows (default: the first).
    wait
        Wait until it is over.
    """
    with open_client(common) as client:
        begun = client.datasets.create_sync(
            the_dataset(client, name, project).id,
            parallel=parallel,
            engine=engine,
            engine_address=address or None,
        )
        ended = follow(client, begun) if wait else begun
        render.one(client, ended, say=outcome_text(ended))
    return Exit.FAILED if ended.state in {"failed", "canceled"} else Exit.DONE


@app.command
def clone(
    name: OfDataset,
    target: str,
    /,
    *,
    folder: str = "",
    glob: str = "",
    metadata: bool = True,
    wait: bool = True,
    project: InProject = "",
    common: Common = COMMON,
) -> Exit:
    """Clone a dataset's objects to another one. Exit code 1 if not all could be.

    Over one location, and with no folder, both have entries for the same objects; otherwise objects
    are copied, and nothing is written over. Make a new dataset for them with 'datasets create'.

    Parameters
    ----------
    target
        The dataset that gets them, by name or id.
    folder
        The folder of it that they go to, with their paths.
    glob
        Only those whose path, with or without a leading /, fits it: "/a/**".
    metadata
        Let what people wrote about them go along.
    wait
        Wait until it is over.
    """
    with open_client(common) as client:
        begun = client.datasets.create_clone(
            the_dataset(client, name, project).id,
            target_id=the_dataset(client, target, project).id,
            folder=folder or None,
            glob=glob or None,
            with_metadata=metadata,
        )
        ended = follow(client, begun) if wait else begun
        render.one(client, ended, say=outcome_text(ended))
    return Exit.FAILED if ended.state in {"failed", "canceled"} else Exit.DONE


def follow(client: Terminal, running: Work) -> Work:
    """Look until work is over; on a terminal a bar moves meanwhile."""
    with _progress(quiet=client.common.form != "table") as bar:
        task = bar.add_task("", total=100)
        while running.state not in _OVER:
            running = client.operations.get(running.id, wait_seconds=_A_MOMENT)
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


def _counts(found: Work) -> str:
    counts = found.counts
    if counts is None:
        return found.stage or ""
    speed = counted(round(found.objects_per_second or 0), "object")
    return (
        f"{counts.added:,} added, {counts.changed:,} changed, {counts.removed:,} removed, "
        f"{counts.unchanged:,} unchanged ({speed} a second)"
    )


def outcome_text(found: Work) -> str:
    """Return what became of work, in sentences."""
    lines = [found.notice] if found.notice else []
    if found.error is not None:
        lines += [f"The {found.kind} failed: {found.error.message}", found.error.hint or ""]
    else:
        lines.append(f"{found.state}: {_counts(found)}")
    return "\n".join(filter(None, lines))


@app.command
def syncs(
    name: OfDataset,
    /,
    *,
    limit: Limit = 20,
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """List a dataset's latest syncs, newest first."""
    with open_client(common) as client:
        found = the_dataset(client, name, project)
        client.only_part(limit)
        render.many(
            client,
            client.datasets.list_syncs(found.id),
            ("id", "state", "created_at", ("what", _counts)),
            empty="It was never synced.",
        )


@app.command
def cancel(name: OfDataset, /, *, project: InProject = "", common: Common = COMMON) -> None:
    """Stop a dataset's sync. What it has written is true and stays; the next one does the rest."""
    with open_client(common) as client:
        found = the_dataset(client, name, project)
        running = [one for one in client.datasets.list_syncs(found.id) if one.state not in _OVER]
        if not running:
            raise InvalidRequest(
                f"The dataset {found.name} is not being synced.",
                hint="See 'valetkey datasets sync'.",
            )
        ended = client.operations.cancel(running[0].id)
        render.one(client, ended, say=outcome_text(ended))
