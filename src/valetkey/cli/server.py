"""Running a server: first start, serving, migrating, and what can be set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import structlog
from cyclopts import Group, Parameter

from valetkey import logs, serving
from valetkey.api import ApiOptions, create_app
from valetkey.bootstrap import (
    bring_up_to_date,
    first_start,
    make_sealing_key,
    open_services,
    rotate_sealing_key,
)
from valetkey.cli import show
from valetkey.cli.commands import installed_version
from valetkey.cli.connection import Flag
from valetkey.cli.secrets import SecretFile, read_secret
from valetkey.config import PREFIX, Settings, environment, load_settings, settings_page
from valetkey.console import console_routes
from valetkey.db.claim import claimed
from valetkey.domain.secret import Secret

_GROUP: Final = Group("Settings and output", sort_key=9)


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Where the settings are; what is not given is read from the environment."""

    config: Path | None = None
    """The settings' TOML file (default: the variable VALETKEY_CONFIG)."""
    data_dir: Path | None = None
    """The folder of the database and the key file (default: the setting data_dir)."""
    as_json: Annotated[bool, Parameter(name="--json", negative=(), show_default=False)] = False
    """Print JSON."""

    def settings(self) -> Settings:
        """Read the settings. Raises ConfigurationError."""
        found = load_settings(environment(), self.config)
        return replace(found, data_dir=self.data_dir) if self.data_dir else found


_SETUP: Final = Setup()
#: For cli/sealing.py, which reaches the server's parts through this module alone.
SETUP: Final = _SETUP
reseal = rotate_sealing_key


def init(
    *,
    email: str,
    organization: str = "main",
    password_file: SecretFile = None,
    setup: Setup = _SETUP,
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
    ready_file: Path | None = None,
    setup: Setup = _SETUP,
) -> None:
    """Run the server until it is told to stop (SIGTERM, Ctrl-C); requests under way are finished.

    Parameters
    ----------
    host
        The address to listen on (default: the setting host).
    port
        The port to listen on; 0 lets the system choose (default: the setting port).
    migrate
        Bring the database to this version first.
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
        ready_file=str(ready_file or settings.ready_file),
    )
    logs.configure(style=settings.log_format, level=settings.log_level)

    def ready(bound: int) -> None:
        facts = describe(settings, bound)
        if setup.as_json:
            show.write_json(facts)
        else:
            show.facts(list(facts.items()))
            show.say("Ctrl-C stops it.")
        show.flush()

    if settings.public_url.startswith("https:") and not settings.trusted_proxies:
        structlog.get_logger("valetkey").warning(
            "public_url is https, so a proxy stands in front, and trusted_proxies is empty: all "
            "who come through it count as one source of sign-ins; name it in trusted_proxies"
        )
    serving.run(_serve_until_signal(settings, ready))


async def _serve_until_signal(settings: Settings, ready: Callable[[int], None]) -> None:
    stop, place = asyncio.Event(), Path(settings.ready_file) if settings.ready_file else None
    serving.stop_on_signals(stop, within=settings.shutdown_grace + serving.SPARE_SECONDS)
    with serving.ready_file(place) as file:

        def tell(bound: int) -> None:
            file.write(json.dumps(describe(settings, bound)) + "\n")
            ready(bound)
            serving.notify(environment(), "READY=1")

        stopping = asyncio.create_task(_tell_of(stop))
        await host_services(settings, ready=tell, stop=stop)
        stopping.cancel()
    structlog.get_logger("valetkey").info("stopped")


async def _tell_of(stop: asyncio.Event) -> None:
    await stop.wait()
    serving.notify(environment(), "STOPPING=1")


async def host_services(settings: Settings, *, ready: serving.Ready, stop: asyncio.Event) -> None:
    """Open the services and serve the API and the console over them until ``stop`` is set.

    ``ready`` is called with the port once requests are answered. Raises ConfigurationError (a
    taken port, a key or a database that does not fit), StorageUnavailable.
    """
    with serving.reserve(settings.host, settings.port) as held, claimed(settings.database) as claim:

        def tell(bound: int) -> Awaitable[None] | None:
            claim.tell(describe(settings, bound)["url"])
            return ready(bound)

        async with open_services(settings) as services:
            options = ApiOptions(
                version=installed_version(),
                max_body_bytes=settings.max_body_bytes,
                trusted_proxies=settings.trusted_proxies,
            )
            app = create_app(services, services.catalog, options, more=console_routes())
            async with services.scheduler.working():
                await serving.serve(
                    app,
                    held,
                    ready=tell,
                    stop=stop,
                    is_buffered=app.is_buffered,
                    grace=settings.shutdown_grace,
                )


def describe(settings: Settings, port: int) -> dict[str, str]:
    """Return where a server listens and what it uses, without a secret."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{port}"
    endpoints = {
        "STS": settings.sts_endpoint,
        "S3": settings.s3_endpoint,
        "IAM": settings.iam_endpoint,
    }
    named = [f"{service} at {endpoint}" for service, endpoint in endpoints.items() if endpoint]
    return {
        "url": url,
        "console": f"{url}/console",
        "version": installed_version(),
        "database": describe_database(settings.database),
        "key": settings.key_place,
        "aws": ", ".join(named) or f"AWS's own endpoints, STS in {settings.aws_region}",
    }


def describe_database(url: str) -> str:
    """Return what kind of database a URL names, and where it is; without user and password."""
    parts = urlsplit(url)
    if parts.scheme.startswith("sqlite"):
        return f"SQLite, {url.partition(':///')[2] or 'in memory'}"
    place = parts.hostname or "local socket"
    port = f":{parts.port}" if parts.port else ""
    return f"PostgreSQL, {place}{port}{parts.path}"


def migrate(*, setup: Setup = _SETUP) -> None:
    """Bring the database to this version. Safe to run again, and by several processes at once."""
    settings = setup.settings()
    before = asyncio.run(bring_up_to_date(settings))
    if setup.as_json:
        show.write_json({"before": before.present, "now": before.needed})
    elif before.current:
        show.say(f"The database is at version {before.needed} already.")
    else:
        show.say(f"The database went from {before.present or 'nothing'} to {before.needed}.")


def settings(*, markdown: Flag = False, setup: Setup = _SETUP) -> None:
    """List all settings and what they are now.

    Parameters
    ----------
    markdown
        Print the page of docs/reference instead: names, defaults, meanings.
    """
    if markdown:
        show.write(settings_page())
        return
    found = setup.settings()
    rows = [
        (item.name, PREFIX + item.name.upper(), getattr(found, item.name), item.metadata)
        for item in fields(Settings)
    ]
    if setup.as_json:
        show.write_json({name: _shown(value) for name, _, value, _ in rows})
        return
    show.table(
        ("setting", "variable", "now", "what it is"),
        [
            (name, variable, str(_shown(value)), facts["help"])
            for name, variable, value, facts in rows
        ],
        empty="",
    )


def _shown(value: object) -> Any:
    if isinstance(value, Secret):
        return "(set)" if value.reveal() else ""
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, bool | int | float) else str(value)


__all__ = [
    "SETUP",
    "Setup",
    "describe",
    "describe_database",
    "host_services",
    "init",
    "make_sealing_key",
    "migrate",
    "reseal",
    "serve",
    "settings",
]
