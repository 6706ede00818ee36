"""Serving an application over HTTP, in this process.

``server`` starts and stops, ``life`` is the process's, ``connection`` is one client's: uvicorn's,
with limits on what comes in, and a short way (``whole``) for requests and answers that come in one
piece.
"""

from valetkey.serving.life import SPARE_SECONDS, notify, ready_file, stop_on_signals
from valetkey.serving.server import (
    GRACE_SECONDS,
    Ready,
    allow_many_files,
    reserve,
    run,
    serve,
)

__all__ = [
    "GRACE_SECONDS",
    "SPARE_SECONDS",
    "Ready",
    "allow_many_files",
    "notify",
    "ready_file",
    "reserve",
    "run",
    "serve",
    "stop_on_signals",
]
