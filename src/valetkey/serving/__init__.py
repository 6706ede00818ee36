"""Serving an application over HTTP, in this process.

``server`` starts and stops, ``connection`` is one client's: uvicorn's, with limits on what comes
in, and a short way (``whole``) for requests and answers that come in one piece.
"""

from valetkey.serving.server import (
    GRACE_SECONDS,
    Ready,
    allow_many_files,
    reserve,
    run,
    serve,
    stop_on_signals,
)

__all__ = [
    "GRACE_SECONDS",
    "Ready",
    "allow_many_files",
    "reserve",
    "run",
    "serve",
    "stop_on_signals",
]
