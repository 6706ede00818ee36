"""What every test may use."""

import gc

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

# Deterministic: examples follow from the test's source, and nothing depends on the machine's speed.
settings.register_profile("valetkey", derandomize=True, deadline=None)
settings.load_profile("valetkey")


def pytest_collection_finish() -> None:
    """Spare the collector what stays: all modules and all tests, at every round of it."""
    gc.collect()
    gc.freeze()
