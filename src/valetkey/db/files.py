"""The file of a SQLite database, and whether it still is the one that its name says."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from valetkey.db.errors import unavailable


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
