"""What every test may use."""

import gc

import pytest
from hypothesis import settings

from valetkey.serving import allow_many_files

pytest_plugins = [
    "support.aws",
    "support.own_aws",
    "support.databases",
    "support.memory",
    "support.server",
    "support.shell",
    "support.console",
    "support.commands",
]

# The embedded AWS keeps connections that were closed for a minute, and all tests share it.
allow_many_files()

# Tests make many objects: with Python's own 700 a thirtieth of their time was the collector's.
gc.set_threshold(20_000, 20, 20)

# Deterministic: examples follow from the test's source, and nothing depends on the machine's speed.
settings.register_profile("valetkey", derandomize=True, deadline=None)
settings.load_profile("valetkey")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on a PostgreSQL, of its own or as one kind of database: `make quick` leaves
    it out."""
    for item in items:
        if isinstance(item, pytest.Function) and _needs_postgresql(item):
            item.add_marker("postgresql")


def _needs_postgresql(test: pytest.Function) -> bool:
    params = test.callspec.params.values() if hasattr(test, "callspec") else ()
    return "postgresql_url" in test.fixturenames or "postgresql" in map(str, params)


def pytest_collection_finish() -> None:
    """Spare the collector what stays: all modules and all tests, at every round of it."""
    gc.collect()
    gc.freeze()
