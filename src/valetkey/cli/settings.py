"""Where a server's settings are, what they are now, and what of them is told at a start."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from cyclopts import Group, Parameter

from valetkey.cli import show
from valetkey.cli.commands import installed_version
from valetkey.cli.common import Flag
from valetkey.config import PREFIX, Settings, environment, load_settings, settings_page
from valetkey.domain.secret import Secret

_GROUP: Final = Group("Settings and output", sort_key=9)


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsOptions:
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


SETUP: Final = SettingsOptions()


def describe(settings: Settings, port: int) -> dict[str, str]:
    """Return where a server listens and what it uses, without a secret; port 0 is none."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{port}" if port else ""
    endpoints = {
        "STS": settings.sts_endpoint,
        "S3": settings.s3_endpoint,
        "IAM": settings.iam_endpoint,
    }
    named = [f"{service} at {endpoint}" for service, endpoint in endpoints.items() if endpoint]
    return {
        **({"url": url, "console": f"{url}/console"} if url else {}),
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


def settings(*, markdown: Flag = False, setup: SettingsOptions = SETUP) -> None:
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
