"""What every test may use."""

import pytest

PLUGINS = [
    "support.process",
    "support.aws",
    "support.own_aws",
    "support.databases",
    "support.memory",
    "support.server",
    "support.shell",
    "support.console",
    "support.commands",
]
pytest.register_assert_rewrite(*PLUGINS)  # before a folder's conftest.py imports one


@pytest.hookimpl(trylast=True)  # the coverage of what they import is measured by then
def pytest_sessionstart(session: pytest.Session) -> None:
    """Load what tests use where they run: a process that shares them out to others starts at
    once."""
    if hasattr(session.config, "workerinput") or session.config.getoption("dist", "no") == "no":
        for plugin in PLUGINS:
            session.config.pluginmanager.import_plugin(plugin)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on a PostgreSQL, of its own or as one kind of database: `make quick` leaves
    it out."""
    for item in items:
        if isinstance(item, pytest.Function) and _needs_postgresql(item):
            item.add_marker("postgresql")


def _needs_postgresql(test: pytest.Function) -> bool:
    params = test.callspec.params.values() if hasattr(test, "callspec") else ()
    return "postgresql_url" in test.fixturenames or "postgresql" in map(str, params)
