"""Serving an application over HTTP, in this process.

``server`` starts and stops, ``life`` is the process's, ``connection`` is one client's: uvicorn's,
with limits on what comes in, and a short way (``whole``) for requests and answers that come in one
piece.
"""

from valetkey.serving.healthcheck import health_door
from valetkey.serving.lifecycle import (
    SPARE_SECONDS,
    ReadyFile,
    notify,
    ready_file,
    stop_at_end_of,
    stop_on_signals,
)
from valetkey.serving.server import (
    GRACE_SECONDS,
    OnReady,
    allow_many_files,
    reserve,
    run,
    serve,
    tune_process,
)
from valetkey.serving.workers import ForkedWorker, Supervisor

__all__ = [
    "GRACE_SECONDS",
    "SPARE_SECONDS",
    "ForkedWorker",
    "OnReady",
    "ReadyFile",
    "Supervisor",
    "allow_many_files",
    "health_door",
    "notify",
    "ready_file",
    "reserve",
    "run",
    "serve",
    "stop_at_end_of",
    "stop_on_signals",
    "tune_process",
]
