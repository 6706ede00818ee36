"""What there is: each command by name, place and one line of help. Nothing is imported here."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final, NamedTuple

from cyclopts import App, Group


class Mount(NamedTuple):
    """A command or a group of commands; ``place`` is ``module:attribute``."""

    name: str
    place: str
    help: str


_CLIENT: Final = (
    Mount("login", "valetkey.cli.account:login", "Log in to a server, and keep the token."),
    Mount("logout", "valetkey.cli.account:logout", "Forget the token."),
    Mount("whoami", "valetkey.cli.account:whoami", "Say who you are, and what you may do."),
    Mount("credentials", "valetkey.cli.credentials:credentials", "Get temporary credentials."),
    Mount("exec", "valetkey.cli.handover.commands:exec_", "Run a command with credentials."),
    Mount("agent", "valetkey.cli.handover.commands:agent", "Serve credentials on this machine."),
    Mount("integrations", "valetkey.cli.integrations:app", "The keys and roles at AWS."),
    Mount("drivers", "valetkey.cli.drivers:app", "Buckets, or folders of them."),
    Mount("datasets", "valetkey.cli.datasets:app", "Indexes of what is in the buckets."),
    Mount("projects", "valetkey.cli.projects:app", "What drivers and people belong to."),
    Mount("members", "valetkey.cli.members:app", "Who belongs to an organisation or a project."),
    Mount("api-keys", "valetkey.cli.api_keys:app", "Tokens for programs, which can be revoked."),
    Mount("leases", "valetkey.cli.leases:app", "See and revoke what was handed out."),
    Mount("audit", "valetkey.cli.audit:app", "The record of who got what."),
)
_AWS: Final = (Mount("setup", "valetkey.cli.setup:app", "Set up what Valetkey stands on, at AWS."),)
_SERVER: Final = (
    Mount("init", "valetkey.cli.server:init", "First start: the key, the tables, the owner."),
    Mount("serve", "valetkey.cli.server:serve", "Run the server."),
    Mount("worker", "valetkey.cli.server:worker", "Do a server's background work, elsewhere."),
    Mount("migrate", "valetkey.cli.server:migrate", "Bring the database to this version."),
    Mount("keys", "valetkey.cli.sealing:app", "The key that seals stored secrets."),
    Mount("users", "valetkey.cli.users:app", "People who sign in: one-time password links."),
    Mount("settings", "valetkey.cli.server:settings", "List the server's settings."),
    Mount("demo", "valetkey.cli.demo:demo", "See all of it happen, on an embedded AWS."),
)
#: The groups, in the order in which the help shows them.
GROUPS: Final = (
    (Group.create_ordered("Using a server"), _CLIENT),
    (Group.create_ordered("Setting up AWS"), _AWS),
    (Group.create_ordered("Running a server"), _SERVER),
)


def installed_version() -> str:
    """Return this package's version."""
    try:
        return version("valetkey")
    except PackageNotFoundError:
        return "unknown"


app = App(
    name="valetkey",
    help="Short-lived, narrowly scoped, audited S3 credentials.",
    help_format="plaintext",
    version=installed_version,
    help_epilogue="Exit codes: 0 done, 1 something does not hold, 2 wrong words or input, "
    "3 not logged in, 4 denied, 5 not found, 6 conflict, 7 AWS refused, 8 no answer.",
)
for _group, _mounts in GROUPS:
    for _mount in _mounts:
        app.command(_mount.place, name=_mount.name, help=_mount.help, group=_group)
