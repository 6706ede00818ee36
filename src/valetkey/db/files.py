"""The files of a SQLite database, and whether they still are the ones that their names say."""

from __future__ import annotations

import os
import sqlite3
import struct
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

from valetkey.db.errors import unavailable
from valetkey.domain.errors import StorageUnavailable

#: Where the index of a log (``-shm``) has how many pages the log holds, and how many of them were
#: copied to the database: numbers of 32 bits in the machine's order (sqlite.org/walformat.html).
_HELD_AT: Final = 16
_COPIED_AT: Final = 96

_Place = tuple[int, int]


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
    """The file that a name had first, and with ``keeps_log`` the log beside it (``-wal``).

    An open file can be written although it was deleted, moved away or replaced: whoever looks
    under its name finds nothing of that. The newest transactions are in the log alone. A connection
    of its own keeps the log the same file for as long as the process lives (SQLite deletes it with
    the last connection), and saves what is in it where it lost its name.
    """

    def __init__(self, path: Path, *, keeps_log: bool = False) -> None:
        self.path = path.absolute()
        self._log = self.path.with_name(f"{self.path.name}-wal")
        self._keeps_log = keeps_log
        self._place: _Place | None = None
        self._log_place: _Place | None = None
        self._keeper: sqlite3.Connection | None = None
        self._lock = Lock()

    def check(self) -> None:
        """Raise StorageUnavailable if a name is not its file's any more."""
        place = _place_of(self.path)
        if self._place is None:
            self._require_log()
            self._place = place
        elif place != self._place:
            raise unavailable(sqlite3.OperationalError("unable to open database file"))
        if not self._keeps_log:
            return
        if self._log_place is None:
            self._keep_log()
        elif _place_of(self._log) != self._log_place:
            self._save_log()
            raise StorageUnavailable(
                f"The database can't be used: its log ({self._log.name}) was deleted or moved.",
                hint="Put it back, or stop the server and start it again: what was stored is saved "
                "to the database's file.",
            )

    def close(self) -> None:
        """Close the connection that keeps the log."""
        with self._lock:
            self._log_place = None
            if self._keeper is not None:
                self._keeper.close()
                self._keeper = None

    def _keep_log(self) -> None:
        """Keep the log, once the database has one."""
        with self._lock, suppress(sqlite3.Error):  # locked, or not made yet: the next time
            if self._keeper is None and self._place is not None:
                self._keeper = sqlite3.connect(
                    f"{self.path.as_uri()}?mode=rw",
                    uri=True,
                    timeout=0,
                    isolation_level=None,
                    check_same_thread=False,
                )
            if self._keeper is not None:
                self._keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
                self._log_place = _place_of(self._log)

    def _save_log(self) -> None:
        """Copy what is in the log to the database. Each time: somebody may have been writing."""
        with self._lock, suppress(sqlite3.Error):  # it is tried again at the next look
            if self._keeper is not None:
                self._keeper.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _require_log(self) -> None:
        """Raise StorageUnavailable if a log is gone that held what the database does not."""
        # Not while there is a log: POSIX drops a process's locks on a file when it closes any
        # descriptor of it, and another connection of this process may hold some on the index.
        if self._log.exists():
            return
        with suppress(OSError, struct.error):
            index = self.path.with_name(f"{self.path.name}-shm").read_bytes()
            held, copied = (struct.unpack_from("=I", index, at)[0] for at in (_HELD_AT, _COPIED_AT))
            if held > copied:
                raise StorageUnavailable(
                    f"The database's log ({self._log.name}) is missing, and with it the newest "
                    "changes and records.",
                    hint=f"Put it back beside {self.path.name}. If it is lost, restore a backup; "
                    f"or delete {self.path.name}-shm to go on without them, as after the restore "
                    "of an older copy (docs/guides/restore.md).",
                )


def _place_of(path: Path) -> _Place | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
