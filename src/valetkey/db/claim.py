"""Who serves a SQLite file: one process, which has all that it remembers for the newest."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from valetkey.db.engine import database_file
from valetkey.domain.errors import ConfigurationError


class FileClaim:
    """A file beside the database, locked for as long as the process lives, however it ends."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def tell(self, address: str) -> None:
        """Write down who holds it and where it answers, for whoever is refused."""
        if self._descriptor is not None:
            told = json.dumps({"pid": os.getpid(), "address": address}).encode()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, told, 0)


@contextmanager
def claimed(url: str) -> Iterator[FileClaim]:
    """Have a SQLite database to oneself, as a server, while inside; PostgreSQL is for many.

    Commands that work on the database for a moment don't claim it. Raises ConfigurationError,
    naming the process that has it.
    """
    file = database_file(url)
    if file is None or not file.exists() or sys.platform == "win32":
        yield FileClaim(None)
        return
    import fcntl  # noqa: PLC0415  # not there on Windows

    place = file.resolve().with_name(f"{file.resolve().name}.server")
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"The file {place} can't be opened: {error.strerror}.",
            hint="The server's own user must be able to write beside the database.",
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _taken(file, place) from None
        claim = FileClaim(descriptor)
        claim.tell("")
        yield claim
    finally:
        os.close(descriptor)


def _taken(file: Path, place: Path) -> ConfigurationError:
    holder: dict[str, Any] = {}
    try:
        holder = json.loads(place.read_text())
        who = f"process {int(holder['pid'])}" + (
            f" at {addr}" if (addr := holder["address"]) else ""
        )
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return ConfigurationError(
        f"The database {file} is being served already, by {who}.",
        hint="Use that server, or stop it first. Several servers need a PostgreSQL database.",
    )
