"""To look at a database's files takes nobody's locks away."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from valetkey.db.files import HeldFile

_WRITE = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"


def _another_process_may_write(path: Path) -> bool:
    return not subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", _WRITE, str(path)], check=False, capture_output=True, timeout=60
    ).returncode


def test_whoever_opens_the_database_once_more_leaves_the_locks_of_this_process(
    tmp_path: Path,
) -> None:
    """POSIX drops them all when any descriptor of the file is closed."""
    path = tmp_path / "valetkey.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("CREATE TABLE told (what)")
        writer.execute("BEGIN IMMEDIATE")
        assert not _another_process_may_write(path)
        held = HeldFile(path, keeps_log=True)
        held.check()
        assert not _another_process_may_write(path)
        held.close()
        assert not _another_process_may_write(path)
        writer.execute("ROLLBACK")
        assert _another_process_may_write(path)
