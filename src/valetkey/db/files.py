"""The file of a SQLite database, and whether it still is the one that its name says."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from valetkey.db.errors import unavailable


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read, unless there is one; SQLite gives those
    that it makes beside it the same permissions. Raises StorageUnavailable."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError:
        raise unavailable(sqlite3.OperationalError("unable to open database file")) from None


class HeldFile:
    """The file that a name had first.

    An open file can be written although it was deleted, moved away or replaced: whoever looks
    under its name finds nothing of that.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._place: tuple[int, int] | None = None

    def check(self) -> None:
        """Raise StorageUnavailable if the name is not this file's any more."""
        try:
            found = self.path.stat()
        except OSError:
            place = None
        else:
            place = found.st_dev, found.st_ino
        if self._place is None:
            self._place = place
        elif place != self._place:
            raise unavailable(sqlite3.OperationalError("unable to open database file"))
