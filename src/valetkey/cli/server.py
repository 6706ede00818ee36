"""Running a server: first start, serving, migrating."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

import structlog

from valetkey import logs, serving
from valetkey.administration import (
    first_start,
    make_password_link,
    make_sealing_key,
    rotate_sealing_key,
)
from valetkey.api import ApiOptions, create_app
from valetkey.bootstrap import WiredServices, bring_up_to_date, open_services
from valetkey.cli import show
from valetkey.cli.commands import installed_version
from valetkey.cli.common import Flag
from valetkey.cli.secrets import SecretFile, read_secret
from valetkey.cli.settings import SETUP, SettingsOptions, describe, describe_database
from valetkey.config import Settings, environment
from valetkey.console import Console
from valetkey.db.claim import claimed
from valetkey.domain.errors import ConfigurationError
from valetkey.domain.secret import Secret
from valetkey.system import quieten_collector

reseal = rotate_sealing_key


def init(
    *,
    email: str,
    organization: str = "main",
    password_file: SecretFile = None,
    setup: SettingsOptions = SETUP,
) -> None:
    """Make the key file, the database's tables, an organisation, its owner and a first project.

    Parameters
    ----------
    email
        The owner's e-mail address.
    organization
        The organisation's name.
    password_file
        A file that holds the owner's password; - is standard input (default: it is asked for).
    """
    settings = setup.settings()
    password = Secret(read_secret(password_file, "password", "--password-file", again=True))
    made = asyncio.run(
        first_start(settings, organization=organization, email=email, password=password)
    )
    facts = {
        "organization": made.organization.name,
        "owner": made.user.email,
        "project": made.project.name,
        "database": describe_database(settings.database),
        "key": settings.key_place,
    }
    if setup.as_json:
        show.write_json(facts)
        return
    show.facts(list(facts.items()))
    show.say("Keep a copy of the key apart from the database: without it, no stored secret opens.")
    show.say("Next: valetkey serve")


def serve(
    *,
    host: str = "",
    port: int | None = None,
    migrate: Flag = False,
    workers: int | None = None,
    ready_file: Path | None = None,
    setup: SettingsOptions = SETUP,
) -> int | None:
    """Run the server until it is told to stop (SIGTERM, Ctrl-C); requests under way are finished.

    Parameters
    ----------
    host
        The address to listen on (default: the setting host).
    port
        The port to listen on; 0 lets the system choose (default: the setting port).
    migrate
        Bring the database to this version first.
    workers
        How many processes serve (default: the setting workers). Several need PostgreSQL.
    ready_file
        A file that is there while the server answers, with what is printed as JSON (default: the
        setting ready_file).
    """
    settings = setup.settings()
    settings = replace(
        settings,
        host=host or settings.host,
        port=settings.port if port is None else port,
        migrate_on_start=migrate or settings.migrate_on_start,
        workers=settings.workers if workers is None else workers,
        ready_file=str(ready_file or settings.ready_file),
    )
    logs.configure(style=settings.log_format.lower(), level=settings.log_level)

    if settings.public_url.startswith("https:") and not settings.trusted_proxies:
        structlog.get_logger("valetkey").warning(
            "public_url is https, so a proxy stands in front, and trusted_proxies is empty: all "
            "who come through it count as one source of sign-ins; name it in trusted_proxies"
        )
    if "serve" not in settings.duties:
        raise ConfigurationError(
            "The setting duties says that this process does not serve.",
            hint="Run 'valetkey worker', or add 'serve' to the setting.",
        )
    if settings.workers == 1:
        serving.run(_until_signal(settings, _ReadyNotice(settings, setup.as_json), _serving))
        return None
    return _serve_by_many(settings, _ReadyNotice(settings, setup.as_json))


def worker(
    *,
    health_port: int | None = None,
    ready_file: Path | None = None,
    setup: SettingsOptions = SETUP,
) -> None:
    """Do the background work of servers on a PostgreSQL database: syncs, rotations, revocations,
    housekeeping. It answers no requests. Servers whose setting duties is 'serve' leave it to this.

    Parameters
    ----------
    health_port
        A port for /healthz and /readyz (default: the setting health_port; 0: none).
    ready_file
        A file that is there while it works (default: the setting ready_file).
    """
    settings = setup.settings()
    settings = replace(
        settings,
        duties=("work",),
        health_port=settings.health_port if health_port is None else health_port,
        ready_file=str(ready_file or settings.ready_file),
    )
    if settings.database.startswith("sqlite"):
        raise ConfigurationError(
            "A SQLite database is worked on by the server that serves it.",
            hint="Several processes need PostgreSQL (the setting database_url).",
        )
    logs.configure(style=settings.log_format.lower(), level=settings.log_level)
    serving.run(_until_signal(settings, _ReadyNotice(settings, setup.as_json), _working))


class _ReadyNotice:
    """Tells people and programs, once, that a process does what it should."""

    def __init__(self, settings: Settings, as_json: bool) -> None:
        self._settings = settings
        self._as_json = as_json
        self.place = Path(settings.ready_file) if settings.ready_file else None

    def ready(self, file: serving.ReadyFile, bound: int) -> None:
        """``bound`` is the port that requests are answered at; 0 if none are."""
        facts = describe(self._settings, bound)
        file.write(json.dumps(facts) + "\n")
        if self._as_json:
            show.write_json(facts)
        else:
            show.facts(list(facts.items()))
            show.say("Ctrl-C stops it.")
        serving.notify(environment(), "READY=1")


_Work = Callable[[Settings, Callable[[int], None], asyncio.Event], Coroutine[Any, Any, None]]


async def _until_signal(settings: Settings, notice: _ReadyNotice, work: _Work) -> None:
    stop = asyncio.Event()
    serving.stop_on_signals(stop, within=settings.shutdown_grace + serving.SPARE_SECONDS)
    with serving.ready_file(notice.place) as file:
        stopping = asyncio.create_task(_notify_of(stop))
        await work(settings, partial(notice.ready, file), stop)
        stopping.cancel()
    structlog.get_logger("valetkey").info("stopped")


async def _notify_of(stop: asyncio.Event) -> None:
    await stop.wait()
    _tell_of_stopping()


def _tell_of_stopping() -> None:
    serving.notify(environment(), "STOPPING=1")


async def _serving(settings: Settings, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    await host_services(settings, ready=ready, stop=stop)


async def _working(settings: Settings, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    async with open_services(settings) as services, services.scheduler.working():
        with _health_door(settings, services):
            quieten_collector()
            ready(0)
            await stop.wait()


def _serve_by_many(settings: Settings, notice: _ReadyNotice) -> int:
    """Serve by several processes; return an exit code, in each of them and in the first."""
    if settings.migrate_on_start:
        asyncio.run(bring_up_to_date(settings))
        settings = replace(settings, migrate_on_start=False)
    within = settings.shutdown_grace + serving.SPARE_SECONDS
    with (
        serving.reserve(settings.host, settings.port) as held,
        serving.ready_file(notice.place) as file,
    ):
        supervisor = serving.Supervisor(
            settings.workers,
            lambda: notice.ready(file, held.getsockname()[1]),
            within + 1,
            stopping=_tell_of_stopping,
        )
        one = supervisor.run()
        if one is None:
            return supervisor.exit_code
        file.leave()  # it is the first process's
        serving.run(_serve_as(one, settings, held, within))
        return 0


async def _serve_as(
    one: serving.ForkedWorker, settings: Settings, held: socket, within: float
) -> None:
    stop = asyncio.Event()
    serving.stop_on_signals(stop, within=within)
    serving.stop_at_end_of(one.parent, stop, within=within)
    await _host(settings, held, ready=lambda _: one.is_ready(), stop=stop)


async def host_services(settings: Settings, *, ready: serving.OnReady, stop: asyncio.Event) -> None:
    """Open the services and serve the API and the console over them until ``stop`` is set.

    ``ready`` is called with the port once requests are answered. Raises ConfigurationError (a
    taken port, a key or a database that does not fit), StorageUnavailable.
    """
    with serving.reserve(settings.host, settings.port) as held, claimed(settings.database) as claim:

        def tell(bound: int) -> Awaitable[None] | None:
            claim.tell(describe(settings, bound)["url"])
            return ready(bound)

        await _host(settings, held, ready=tell, stop=stop)


async def _host(
    settings: Settings, held: socket, *, ready: serving.OnReady, stop: asyncio.Event
) -> None:
    async with open_services(settings) as services:
        options = ApiOptions(
            version=installed_version(),
            max_body_bytes=settings.max_body_bytes,
            trusted_proxies=settings.trusted_proxies,
        )
        app = create_app(services, services.catalog, options, pages=Console())
        async with services.scheduler.working():
            with _health_door(settings, services):
                serving.tune_process()
                await serving.serve(
                    app,
                    held,
                    ready=ready,
                    stop=stop,
                    shortcut=app,
                    grace=settings.shutdown_grace,
                )


def _health_door(settings: Settings, services: WiredServices) -> AbstractContextManager[int | None]:
    async def readiness() -> tuple[bool, dict[str, str]]:
        found = await services.health.readiness()
        return found.ready, found.parts

    return serving.health_door(settings.host, settings.health_port or None, readiness)


def migrate(*, setup: SettingsOptions = SETUP) -> None:
    """Bring the database to this version. Safe to run again, and by several processes at once."""
    settings = setup.settings()
    before = asyncio.run(bring_up_to_date(settings))
    if setup.as_json:
        show.write_json({"before": before.present, "now": before.needed})
    elif before.current:
        show.say(f"The database is at version {before.needed} already.")
    else:
        show.say(f"The database went from {before.present or 'nothing'} to {before.needed}.")


__all__ = [
    "host_services",
    "init",
    "make_password_link",
    "make_sealing_key",
    "migrate",
    "reseal",
    "serve",
    "worker",
]
