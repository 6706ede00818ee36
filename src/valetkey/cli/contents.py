"""Commands of ``valetkey objects`` on bytes and folders, and on many entries at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common, Flag
from valetkey.cli.connection import open_client
from valetkey.cli.datasets import the_dataset
from valetkey.cli.finding import InProject
from valetkey.cli.options import ById, Cursor, Limit, Many, OfDataset, Yes, json_object
from valetkey.counting import counted
from valetkey.sdk.errors import InvalidRequest

_CHUNK: Final = 1 << 20


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Which entries are meant: those that all of it fits."""

    glob: str | None = None
    """Only those whose path, with a leading /, fits it, such as /a/**."""
    kind: Literal["file", "dir"] | None = None
    """Only objects (file), or only folders (dir)."""
    ids: Annotated[tuple[str, ...], Parameter(name="--id"), Many] = ()
    """Only those of these ids; may be given several times."""
    having: str | None = None
    """A JSON object that their metadata has; a dot in a name leads inwards."""

    @property
    def words(self) -> dict[str, Any]:
        """The same as the library takes it. Raises InvalidRequest."""
        return {
            "glob": self.glob,
            "kind": self.kind,
            "object_ids": list(self.ids) or None,
            "having": self._metadata,
        }

    @property
    def _metadata(self) -> dict[str, Any] | None:
        if self.having is None:
            return None
        return json_object(self.having, "--having", '{"user.weather": "rain"}')


_ALL: Final = Matching()


def read(
    entry: ById,
    /,
    *,
    file: Path | None = None,
    byte_range: Annotated[str, Parameter(name="--range", show_default=False)] = "",
    through: Literal["store", "server"] = "store",
    common: Common = COMMON,
) -> None:
    """Write out an object's bytes.

    Parameters
    ----------
    file
        Where to write them (default: standard output).
    byte_range
        Which of them: an HTTP range, such as bytes=0-1023.
    through
        Where they come from: the store itself, or the server, where the store can't be reached.
    """
    with open_client(common) as client:
        chunks = client.objects.read(entry, redirect=through == "store", byte_range=byte_range)
        show.write_out(chunks, file)


def put(
    dataset: OfDataset,
    file: Path,
    /,
    *,
    path: str = "",
    replaces: str | None = None,
    media_type: str = "",
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Write an object, and its entry.

    Parameters
    ----------
    file
        The file that holds the bytes.
    path
        The object's path below the location's folder (default: the file's name).
    replaces
        What may be there already: '*', whatever it is, or the etag of the object that is to be
        replaced (default: nothing but these very bytes).
    media_type
        What kind of content it is (default: that of the path's ending).
    """
    with open_client(common) as client:
        found = the_dataset(client, dataset, project)
        try:
            content = file.read_bytes() if file.stat().st_size <= _CHUNK else _chunks(file)
        except OSError as error:
            raise InvalidRequest(
                f"The file {file} can't be read: {error.strerror}.", hint="Give one that can."
            ) from None
        made = client.objects.put(
            found.id,
            path=path or file.name,
            content=content,
            replaces=replaces,
            media_type=media_type,
        )
        render.one(client, made)


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            yield chunk


def index(
    dataset: OfDataset, /, *paths: str, project: InProject = "", common: Common = COMMON
) -> None:
    """Make entries of objects that are in the bucket already, without a sync.

    Parameters
    ----------
    paths
        Their paths below the location's folder.
    """
    with open_client(common) as client:
        found = the_dataset(client, dataset, project)
        made = client.objects.index(found.id, paths=list(paths))
        render.one(client, made, say="\n".join(f"{each.path}  {each.id}" for each in made.items))


def folders(
    dataset: OfDataset,
    /,
    *,
    within: str | None = None,
    limit: Limit = 1000,
    cursor: Cursor = "",
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """List a dataset's folders by path.

    Parameters
    ----------
    within
        Only those in this folder, however deep.
    """
    with open_client(common) as client:
        found = the_dataset(client, dataset, project)
        client.only_part(limit, cursor)
        every = client.objects.list_folders(found.id, within=within)
        render.many(client, every, ("path",), empty="There is no such folder.")


def create_folder(
    dataset: OfDataset, path: str, /, *, project: InProject = "", common: Common = COMMON
) -> None:
    """Make a folder, in the index alone.

    Parameters
    ----------
    path
        Its path.
    """
    with open_client(common) as client:
        found = the_dataset(client, dataset, project)
        render.one(client, client.objects.create_folder(found.id, path=path))


def move(
    dataset: OfDataset,
    /,
    *entries: str,
    to: str,
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Move objects into a folder. 'valetkey objects update ENTRY --path' renames one.

    Parameters
    ----------
    entries
        Their ids.
    to
        The folder's path; empty is the topmost.
    """
    with open_client(common) as client:
        found = the_dataset(client, dataset, project)
        moved = client.objects.move(found.id, object_ids=list(entries), folder=to)
        render.one(client, moved, say=f"{counted(moved.count, 'object')} moved.")


def change_matching(
    dataset: OfDataset,
    /,
    *,
    metadata: str,
    matching: Matching = _ALL,
    expect: int | None = None,
    dry_run: Flag = False,
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Change the metadata of all entries that are meant.

    Parameters
    ----------
    metadata
        A JSON object that is merged into the metadata of each; a null takes a key away.
    expect
        Do nothing unless they are so many.
    dry_run
        Only tell how many they are.
    """
    with open_client(common) as client:
        changed = client.objects.change_matching(
            the_dataset(client, dataset, project).id,
            metadata=json_object(metadata),
            **matching.words,
            expected_count=expect,
            dry_run=dry_run,
        )
        done = "would be changed" if dry_run else "changed"
        render.one(client, changed, say=f"{counted(changed.count, 'entry')} {done}.")


def delete_matching(
    dataset: OfDataset,
    /,
    *,
    matching: Matching = _ALL,
    dry_run: Flag = False,
    yes: Yes = False,
    project: InProject = "",
    common: Common = COMMON,
) -> None:
    """Delete all entries that are meant; their objects go too only if the location allows it. What
    is deleted is held to as many as there were when it asked.

    Parameters
    ----------
    dry_run
        Only tell how many they are.
    """
    with open_client(common) as client:
        found = the_dataset(client, dataset, project)
        meant = matching.words
        there = client.objects.delete_matching(found.id, **meant, dry_run=True)
        if dry_run:
            say = f"{counted(there.count, 'entry')} would be deleted."
            render.one(client, there, say=say)
            return
        show.confirm(f"Delete {counted(there.count, 'entry')} of {found.name}?", yes=yes)
        deleted = client.objects.delete_matching(found.id, **meant, expected_count=there.count)
        render.one(client, deleted, say=f"{counted(deleted.count, 'entry')} deleted.")
