"""Objects: the entries of datasets; and operations, work that takes time."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cyclopts import App
from msgspec import UNSET

from valetkey.cli import contents, render, show
from valetkey.cli.common import COMMON, Common, Flag
from valetkey.cli.connection import open_client
from valetkey.cli.datasets import follow, outcome_text, the_dataset
from valetkey.cli.exits import Exit
from valetkey.cli.finding import InProject
from valetkey.cli.options import ById, Cursor, Limit, OfDataset, Yes, json_object
from valetkey.sdk.errors import InvalidRequest
from valetkey.sdk.sending import call
from valetkey.wire import objects as wire

app = App(name="objects", help="The entries of datasets.")
for each in (
    contents.read,
    contents.put,
    contents.index,
    contents.folders,
    contents.create_folder,
    contents.move,
    contents.change_matching,
    contents.delete_matching,
):
    app.command(each)
operations = App(name="operations", help="Work that takes time: syncs, rotations.")


@app.command(name="list")
def list_(
    dataset: OfDataset,
    /,
    *,
    glob: str | None = None,
    path: str | None = None,
    kind: Literal["file", "dir"] | None = None,
    limit: Limit = 100,
    cursor: Cursor = "",
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """List a dataset's entries by path.

    Parameters
    ----------
    glob
        Only those whose path, with or without a leading /, fits it, such as /a/**.
    path
        Only the one of just this path.
    kind
        Only objects (file), or only folders (dir).
    """
    with open_client(common) as client:
        found = the_dataset(client, dataset, project)
        client.only_part(limit, cursor)
        render.many(
            client,
            client.objects.list(found.id, kind=kind, glob=glob, path=path),
            ("path", ("bytes", lambda each: f"{each.size:,}"), "media_type", "modified_at", "id"),
            empty="There is no such entry.",
        )


@app.command
def export(
    dataset: OfDataset,
    /,
    *,
    glob: str | None = None,
    file: Path | None = None,
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Write out a dataset's objects, a line of JSON each, however many they are.

    Parameters
    ----------
    glob
        Only those whose path, with or without a leading /, fits it, such as /a/**.
    file
        Where to write them (default: standard output).
    """
    with open_client(common) as client:
        found = the_dataset(client, dataset, project)
        query = wire.ExportedQuery(glob=glob)
        chunks = client.chunks(call(wire.EXPORT_OBJECTS, {"datasetId": found.id}, query=query))
        show.write_out(chunks, file)


@app.command(name="show")
def show_(entry: ById, /, common: Common = COMMON) -> None:
    """Show an entry of a dataset."""
    with open_client(common) as client:
        render.one(client, client.objects.get(entry))


@app.command
def update(
    entry: ById,
    /,
    *,
    path: str | None = None,
    metadata: str | None = None,
    description: str | None = None,
    common: Common = COMMON,
) -> None:
    """Change what people wrote about an entry, or move its object.

    Parameters
    ----------
    path
        Another path: the object is copied there and deleted here.
    metadata
        A JSON object that is merged into its metadata; a null takes a key away.
    description
        Another description; empty for none.
    """
    if path is None and metadata is None and description is None:
        raise InvalidRequest(
            "Nothing is to be changed.", hint="Add --path, --metadata or --description."
        )
    given = None if metadata is None else json_object(metadata)
    with open_client(common) as client:
        changed = client.objects.update(
            entry,
            path=UNSET if path is None else path,
            metadata=UNSET if given is None else given,
            description=UNSET if description is None else description or None,
        )
        render.one(client, changed)


@app.command
def delete(entry: ById, /, *, yes: Yes = False, common: Common = COMMON) -> None:
    """Delete an entry; its object goes too only if the location allows it."""
    with open_client(common) as client:
        found = client.objects.get(entry)
        show.confirm(f"Delete the entry {found.path}?", yes=yes)
        client.objects.delete(entry, if_unchanged=found)
        render.done(client, f"The entry {found.path} is deleted.")


@app.command
def restore(entry: ById, /, *, days: int = 7, common: Common = COMMON) -> None:
    """Ask for an archived object to be readable for some days. That takes hours, and costs money
    at the store; run again, it tells how far it is.

    Parameters
    ----------
    days
        For how many days it can be read once it is restored.
    """
    with open_client(common) as client:
        found = client.objects.restore(entry, days=days)
        until = f", until {show.moment(found.readable_until)}" if found.readable_until else ""
        render.one(client, found, say=f"The object is {found.state}{until}.")


@operations.command(name="show")
def show_operation(operation: ById, /, *, wait: Flag = False, common: Common = COMMON) -> Exit:
    """Show how far work is. Exit code 1 if it failed or was cancelled.

    Parameters
    ----------
    wait
        Wait until it is over.
    """
    with open_client(common) as client:
        found = client.operations.get(operation)
        found = follow(client, found) if wait else found
        render.one(client, found, say=outcome_text(found) if wait else "")
    return Exit.FAILED if found.state in {"failed", "canceled"} else Exit.DONE


@operations.command
def cancel(operation: ById, /, common: Common = COMMON) -> None:
    """Stop work; what it has done stays."""
    with open_client(common) as client:
        ended = client.operations.cancel(operation)
        render.one(client, ended, say=outcome_text(ended))
