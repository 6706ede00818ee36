"""What each process sets that runs tests itself."""

from __future__ import annotations

import gc

import httpx2
from hypothesis import settings

from valetkey.serving import allow_many_files

# The embedded AWS keeps connections that were closed for a minute, and all tests share it.
allow_many_files()

# What tests ask answers in time on however busy a machine: the library's own limit is five seconds.
_PATIENCE = httpx2._config.DEFAULT_TIMEOUT_CONFIG
_PATIENCE.connect = _PATIENCE.read = _PATIENCE.write = _PATIENCE.pool = 90.0

# Tests make many objects: with Python's own 700 a thirtieth of their time was the collector's.
gc.set_threshold(20_000, 20, 20)

# Deterministic: examples follow from the test's source, and nothing depends on the machine's speed.
settings.register_profile("valetkey", derandomize=True, deadline=None)
settings.load_profile("valetkey")


def spare_the_collector() -> None:
    """Leave out what stays of what the collector goes through, at every round of it."""
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    """All modules and all tests stay."""
    spare_the_collector()


def pytest_unconfigure() -> None:
    """All stays till the end of the process, before which pytest collects five times."""
    spare_the_collector()
